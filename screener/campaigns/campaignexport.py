"""The file in which people share campaigns. No audio and no telephone number is in it.

It is JSON lines. The first is {"format": "screener campaigns", "version": 1, "fingerprint":
"chromaprint 1, 8000 Hz", "campaigns": N}; then come N lines with the keys of campaignrecord.py from
`standing` to `phrases`. Only unwanted campaigns are exported, and only such are imported.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from screener import replacement
from screener.campaigns.campaignfile import MOST
from screener.campaigns.campaignrecord import (
    LONGEST_OBJECT,
    VERSION,
    as_object,
    campaign_of,
    object_in,
    text_of,
)
from screener.campaigns.fingerprint import METHOD
from screener.core import soundprint
from screener.core.callerid import shown
from screener.core.campaign import Campaign, Standing
from screener.errors import CampaignError

FORMAT = "screener campaigns"
_CLOCKS_DIFFER = timedelta(days=1)
_SHARED_KEYS = ("standing", "first", "last", "calls", "numbers", "sound", "shingles", "phrases")


def export(path: Path, campaigns: Sequence[Campaign]) -> int:
    """Write the unwanted ones to a file; how many. Raises CampaignError."""
    shared = [one for one in campaigns if one.standing is Standing.UNWANTED]
    head = {
        "format": FORMAT,
        "version": VERSION,
        "fingerprint": METHOD,
        "campaigns": len(shared),
    }
    lines = [head, *({key: as_object(one)[key] for key in _SHARED_KEYS} for one in shared)]
    if not path.name:
        raise CampaignError(f"{path} cannot be written: it is a folder")
    try:
        content = b"".join(text_of(line) + b"\n" for line in lines)
        replacement.write(path, content, shared=True)
    except OSError as error:
        raise CampaignError(f"{path} cannot be written: {error.strerror}") from error
    return len(shared)


def shared(path: Path, now: datetime) -> list[Campaign]:
    """The unwanted campaigns of a file that somebody has exported, each once.

    All of it is read and checked before anything is returned. Raises CampaignError with one
    sentence that names the line.
    """
    try:
        with path.open("rb") as file:
            count = _head(path, _line(path, 1, file))
            found = [_campaign(path, number + 2, file, now) for number in range(count)]
            if file.read(1):
                raise CampaignError(f"{path}:{count + 2}: expected no more than {count} campaigns")
    except OSError as error:
        raise CampaignError(f"{path} cannot be read: {error.strerror}") from error
    return list({one.id: one for one in found if one.standing is Standing.UNWANTED}.values())


def _head(path: Path, line: bytes) -> int:
    try:
        head = object_in(line)
    except ValueError:
        head = {}
    if head.get("format") != FORMAT:
        raise CampaignError(f"{path} is no file of campaigns: make one by `campaigns export`")
    if head.get("version") != VERSION:
        raise CampaignError(
            f"{path} is of version {shown(str(head.get('version')), 20)}, this screener reads"
            f" {VERSION}: export it again with the same version of screener, or update this one"
        )
    if head.get("fingerprint") != METHOD:
        raise CampaignError(
            f"{path} has other fingerprints than this screener makes ({METHOD}): they cannot be"
            " compared"
        )
    count = head.get("campaigns")
    if type(count) is not int or not 0 <= count <= MOST:
        raise CampaignError(f"{path}:1: expected a number of campaigns from 0 to {MOST}")
    return count


def _line(path: Path, number: int, file: BinaryIO) -> bytes:
    line = file.readline(LONGEST_OBJECT + 1)
    if len(line) > LONGEST_OBJECT:
        raise CampaignError(f"{path}:{number}: the line is longer than any campaign")
    if number > 1 and not line.endswith(b"\n"):
        raise CampaignError(f"{path}:{number}: the file was cut off here: get it again")
    return line


def _campaign(path: Path, number: int, file: BinaryIO, now: datetime) -> Campaign:
    line = _line(path, number, file)
    try:
        campaign = campaign_of(object_in(line))
        if campaign.sound and not soundprint.lively(campaign.items):
            raise ValueError("`sound` is of nothing that can be told apart")
        if campaign.last > now + _CLOCKS_DIFFER:
            raise ValueError("`last` is in the future")
    except ValueError as error:
        raise CampaignError(f"{path}:{number}: no campaign ({error}); nothing was taken") from None
    return campaign
