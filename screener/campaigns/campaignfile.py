"""Campaigns on disk, without any audio.

In data/campaigns/ each campaign is a file ID.json, an object (campaignrecord.py). A file is
replaced by a rename after it is on disk: a crash leaves the old one or the new one. Whoever changes
the folder holds a lock on its file `lock` (flock).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from screener import replacement
from screener.campaigns.campaignrecord import (
    LONGEST_OBJECT,
    as_object,
    campaign_of,
    object_in,
    text_of,
)
from screener.core.campaign import Campaign
from screener.errors import CampaignError

MOST = 10_000
"""Campaigns that are kept, and that a file may hold."""

_File: TypeAlias = tuple[int, int, int]  # inode, size, mtime: another one when it was replaced
Seen: TypeAlias = dict[str, tuple[_File, Campaign]]
"""What was read before, by path, and of which file."""


def folder(data: Path) -> Path:
    """Where a front door's campaigns lie; `data` is its data folder. It need not be there yet."""
    return data / "campaigns"


@contextlib.contextmanager
def locked(where: Path) -> Iterator[None]:
    """Hold the folder's lock; it is made where it is missing. Raises CampaignError."""
    with _disk(where):
        where.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = (where / "lock").open("a")
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def stamp(where: Path) -> int:
    """Another number after each change of the folder; 0 where there is none."""
    try:
        return where.stat().st_mtime_ns
    except OSError:
        return 0


def read_all(where: Path, seen: Seen | None = None) -> tuple[list[Campaign], list[str]]:
    """All campaigns in the order of their ids, and a sentence for each file that is damaged.

    A file that is as it was when it was `seen` is not read again (10,000 take seconds); `seen` is
    brought up to date. Raises CampaignError.
    """
    found: Seen = {}
    troubles = []
    before = seen or {}
    with _disk(where):
        files = _files(where) if where.is_dir() else []
    for path, file in sorted(files):
        old = before.get(path)
        try:
            found[path] = old if old is not None and old[0] == file else (file, _read(Path(path)))
        except FileNotFoundError:  # deleted meanwhile
            continue
        except (OSError, ValueError) as error:
            troubles.append(f"{path} is damaged and not used ({error}): delete it")
    if seen is not None:
        seen.clear()
        seen.update(found)
    return [campaign for _, campaign in found.values()], troubles


def _files(where: Path) -> list[tuple[str, _File]]:
    files = []
    with os.scandir(where) as entries:
        for entry in entries:
            if entry.name.endswith(".json"):
                status = entry.stat()
                files.append((entry.path, (status.st_ino, status.st_size, status.st_mtime_ns)))
    return files


def read(where: Path, campaign: str) -> Campaign | None:
    """One campaign as it is on disk now; None where there is none, or it is damaged."""
    try:
        return _read(where / f"{campaign}.json")
    except (OSError, ValueError):
        return None


def write(where: Path, campaigns: Sequence[Campaign]) -> None:
    """Put campaigns on disk, to stay; the lock is held. Raises CampaignError."""
    with _disk(where):
        made = []
        for campaign in campaigns:
            new = where / f"{campaign.id}.new"
            with new.open("wb") as file:
                file.write(text_of(as_object(campaign)))
                if len(campaigns) == 1:
                    file.flush()
                    os.fsync(file.fileno())
            made.append(new)
        if len(campaigns) > 1:
            os.sync()  # once, instead of thousands of times: so this is not replacement.write
        for new in made:
            new.replace(new.with_suffix(".json"))
        replacement.to_disk(where)


def remove(where: Path, ids: Iterable[str]) -> None:
    """Delete campaigns; the lock is held. Raises CampaignError."""
    with _disk(where):
        for one in ids:
            (where / f"{one}.json").unlink(missing_ok=True)
        replacement.to_disk(where)


def _read(path: Path) -> Campaign:
    with path.open("rb") as file:
        text = file.read(LONGEST_OBJECT + 1)
    campaign = campaign_of(object_in(text))
    if campaign.id != path.stem:
        raise ValueError("its name and its fingerprint do not belong together")
    return campaign


@contextlib.contextmanager
def _disk(where: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CampaignError(f"{where}: {error.strerror}; check the disk and its rights") from error
