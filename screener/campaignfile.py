"""Campaigns on disk, and the file in which people share them. Neither has any audio in it.

In data/campaigns/ each campaign is a file ID.json, an object:

    version      1
    fingerprint  "chromaprint 1, 8000 Hz": what made `sound`
    standing     "unwanted", "wanted", "doubted" or "never" (core/campaign.py)
    first, last  when it was called, ISO 8601 in UTC
    calls        how many calls played it
    numbers      from how many different numbers
    sound        the fingerprint: 32-bit items, little-endian, in Base64; "" for none
    shingles     of its words (core/shingles.py): 32-bit numbers, likewise
    phrases      words of it that are sure, such as "press one"
    marks        what tells the newest numbers apart; never exported
    origin       the import that it came with, "" where it was heard here; never exported

The campaign's id is made from `sound` and `shingles`, so the same recording has the same one
everywhere. A file is replaced by a rename after it is on disk: a crash leaves the old one or the
new one. Whoever changes the folder holds a lock on its file `lock` (flock).

An export is JSON lines. The first is {"format": "screener campaigns", "version": 1, "fingerprint":
"chromaprint 1, 8000 Hz", "campaigns": N}; then come N lines with the keys from `standing` to
`phrases`. Only unwanted campaigns are exported, and only such are imported.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from screener.core import shingles, soundprint
from screener.core.callerid import shown
from screener.core.campaign import (
    LONGEST,
    LONGEST_PHRASE,
    MOST_MARKS,
    MOST_PHRASES,
    Campaign,
    Standing,
    named,
    packed,
    unpacked,
)
from screener.errors import CampaignError
from screener.fingerprint import METHOD

VERSION = 1
FORMAT = "screener campaigns"
MOST = 10_000
"""Campaigns that are kept, and that a file may hold."""
_LONGEST_LINE = 16_384  # bytes; a campaign has 4,000 at most
_MOST_CALLS = 1_000_000
OLDEST = datetime(2000, 1, 1, tzinfo=UTC)
"""No clock that is set is before that."""
_CLOCKS_DIFFER = timedelta(days=1)
_SHARED_KEYS = ("standing", "first", "last", "calls", "numbers", "sound", "shingles", "phrases")

_File: TypeAlias = tuple[int, int, int]  # inode, size, mtime: another one when it was replaced
Seen: TypeAlias = dict[str, tuple[_File, Campaign]]
"""What was read before, by path, and of which file."""


# The folder --------------------------------------------------------------------------------------


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
            text = json.dumps(_whole(campaign), ensure_ascii=True, indent=0)
            with new.open("w", encoding="ascii") as file:
                file.write(text)
                if len(campaigns) == 1:
                    file.flush()
                    os.fsync(file.fileno())
            made.append(new)
        if len(campaigns) > 1:
            os.sync()  # once, instead of thousands of times
        for new in made:
            new.replace(new.with_suffix(".json"))
        _sync(where)


def remove(where: Path, ids: Iterable[str]) -> None:
    """Delete campaigns; the lock is held. Raises CampaignError."""
    with _disk(where):
        for one in ids:
            (where / f"{one}.json").unlink(missing_ok=True)
        _sync(where)


def _read(path: Path) -> Campaign:
    with path.open("rb") as file:
        text = file.read(_LONGEST_LINE + 1)
    campaign = _decoded(_object(text))
    if campaign.id != path.stem:
        raise ValueError("its name and its fingerprint do not belong together")
    return campaign


def _sync(where: Path) -> None:
    handle = os.open(where, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _disk(where: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CampaignError(f"{where}: {error.strerror}; check the disk and its rights") from error


# The file that people share ----------------------------------------------------------------------


def export(path: Path, campaigns: Sequence[Campaign]) -> int:
    """Write the unwanted ones to a file; how many. Raises CampaignError."""
    shared = [one for one in campaigns if one.standing is Standing.UNWANTED]
    head = {
        "format": FORMAT,
        "version": VERSION,
        "fingerprint": METHOD,
        "campaigns": len(shared),
    }
    lines = [head, *({key: _whole(one)[key] for key in _SHARED_KEYS} for one in shared)]
    new = path.with_name(f".{path.name}.new")
    try:
        with new.open("w", encoding="ascii") as file:
            file.writelines(f"{json.dumps(line)}\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as error:
        new.unlink(missing_ok=True)
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
        head = _object(line)
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
    line = file.readline(_LONGEST_LINE + 1)
    if len(line) > _LONGEST_LINE:
        raise CampaignError(f"{path}:{number}: the line is longer than any campaign")
    if number > 1 and not line.endswith(b"\n"):
        raise CampaignError(f"{path}:{number}: the file was cut off here: get it again")
    return line


def _campaign(path: Path, number: int, file: BinaryIO, now: datetime) -> Campaign:
    line = _line(path, number, file)
    try:
        campaign = _decoded(_object(line))
        if campaign.sound and not soundprint.lively(campaign.items):
            raise ValueError("`sound` is of nothing that can be told apart")
        if campaign.last > now + _CLOCKS_DIFFER:
            raise ValueError("`last` is in the future")
    except ValueError as error:
        raise CampaignError(f"{path}:{number}: no campaign ({error}); nothing was taken") from None
    return campaign


# A campaign as JSON ------------------------------------------------------------------------------


def _whole(campaign: Campaign) -> dict[str, Any]:
    return {
        "version": VERSION,
        "fingerprint": METHOD,
        "standing": campaign.standing,
        "first": campaign.first.astimezone(UTC).isoformat(timespec="seconds"),
        "last": campaign.last.astimezone(UTC).isoformat(timespec="seconds"),
        "calls": min(campaign.calls, _MOST_CALLS),
        "numbers": min(campaign.numbers, _MOST_CALLS),
        "sound": b64encode(campaign.sound).decode(),
        "shingles": b64encode(campaign.shingles).decode(),
        "phrases": list(campaign.phrases),
        "marks": list(campaign.marks),
        "origin": campaign.origin,
    }


def _object(text: bytes) -> dict[str, Any]:
    """A JSON object of at most `_LONGEST_LINE` bytes. Raises ValueError."""
    if len(text) > _LONGEST_LINE:
        raise ValueError("it is too long")
    try:
        found = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError("expected an object")
    return found


def _decoded(found: Mapping[str, Any]) -> Campaign:
    """The campaign that an object describes. Raises ValueError that names the key."""
    if found.get("version", VERSION) != VERSION or found.get("fingerprint", METHOD) != METHOD:
        raise ValueError("it is of another version")
    sound = _numbers(found, "sound", LONGEST)
    said = _numbers(found, "shingles", shingles.MOST)
    if (said[1:] <= said[:-1]).any():
        raise ValueError("`shingles` are out of order")
    if not len(sound) and len(said) < shingles.SHARED:
        raise ValueError("it has neither sound nor words")
    first, last = _time(found, "first"), _time(found, "last")
    if first > last:
        raise ValueError("`first` is after `last`")
    calls = _count(found, "calls", _MOST_CALLS)
    data, words = packed(sound), packed(said)
    return Campaign(
        id=named(data, words),
        standing=_standing(found),
        first=first,
        last=last,
        calls=calls,
        numbers=_count(found, "numbers", calls),
        sound=data,
        shingles=words,
        phrases=_phrases(found),
        marks=_marks(found),
        origin=_text(found.get("origin", ""), "origin"),
    )


def _standing(found: Mapping[str, Any]) -> Standing:
    try:
        return Standing(str(found.get("standing")))
    except ValueError:
        raise ValueError("`standing` is none of those that there are") from None


def _numbers(found: Mapping[str, Any], key: str, most: int) -> soundprint.Items:
    text = found.get(key)
    if not isinstance(text, str):
        raise ValueError(f"`{key}` is not there")
    try:
        data = b64decode(text, validate=True)
    except ValueError:
        raise ValueError(f"`{key}` is not Base64") from None
    if len(data) % 4 or len(data) > 4 * most:
        raise ValueError(f"`{key}` has not 0 to {most} numbers of 32 bits")
    return unpacked(data)


def _time(found: Mapping[str, Any], key: str) -> datetime:
    text = found.get(key)
    try:
        when = datetime.fromisoformat(text) if isinstance(text, str) else None
        when = when.astimezone(UTC) if when is not None and when.tzinfo is not None else None
    except (ValueError, OverflowError):
        when = None
    if when is None or when < OLDEST:
        raise ValueError(f"`{key}` is no time with its zone")
    return when


def _count(found: Mapping[str, Any], key: str, most: int) -> int:
    count = found.get(key)
    if type(count) is not int or not 0 <= count <= most:
        raise ValueError(f"`{key}` is no number from 0 to {most}")
    return count


def _phrases(found: Mapping[str, Any]) -> tuple[str, ...]:
    phrases = found.get("phrases", [])
    if not isinstance(phrases, list) or len(phrases) > MOST_PHRASES:
        raise ValueError(f"`phrases` are more than {MOST_PHRASES}")
    return tuple(_text(phrase, "phrases") for phrase in phrases)


def _text(text: object, key: str) -> str:
    if not isinstance(text, str) or len(text) > LONGEST_PHRASE or not text.isprintable():
        raise ValueError(f"`{key}` is no text of up to {LONGEST_PHRASE} characters")
    return text


def _marks(found: Mapping[str, Any]) -> tuple[int, ...]:
    marks = found.get("marks", [])
    if not isinstance(marks, list) or len(marks) > MOST_MARKS:
        raise ValueError(f"`marks` are more than {MOST_MARKS}")
    if not all(type(one) is int and 0 <= one < 1 << 32 for one in marks):
        raise ValueError("`marks` are no numbers")
    return tuple(marks)
