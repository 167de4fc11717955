"""A campaign as a JSON object, as it stands in its own file and in the one that people share.

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
everywhere. What is read may come from strangers: each key is checked, and a `ValueError` names it.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from screener.campaigns.fingerprint import METHOD
from screener.core import shingles, soundprint
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

VERSION = 1
LONGEST_OBJECT = 16_384
"""Bytes of its text. The largest campaign that there can be has 9,100."""
OLDEST = datetime(2000, 1, 1, tzinfo=UTC)
"""No clock that is set is before that."""
_MOST_CALLS = 1_000_000


def as_object(campaign: Campaign) -> dict[str, Any]:
    """The object that describes a campaign, with all its keys."""
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


def text_of(found: Mapping[str, Any]) -> bytes:
    """An object's text, in one line. Nothing is escaped that need not be: a wide letter would take
    12 bytes instead of 4."""
    return json.dumps(found, ensure_ascii=False).encode()


def object_in(text: bytes) -> dict[str, Any]:
    """A JSON object of at most `LONGEST_OBJECT` bytes. Raises ValueError."""
    if len(text) > LONGEST_OBJECT:
        raise ValueError("it is too long")
    try:
        found = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError("expected an object")
    return found


def campaign_of(found: Mapping[str, Any]) -> Campaign:
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
