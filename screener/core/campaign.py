"""Campaigns: recordings that were played to us before, whatever number they came from.

`Known` are the campaigns that are known at a moment; it says which one a call's speech is like, and
never changes. `learnt` says what a call that is over adds to them. Who keeps them on disk and asks
them during calls is screener/campaigns/learning.py.

What a robocaller could want, and why he does not get it:

- That a person's later call looks like a campaign. A person's speech is never the same sound twice,
  and words alone count only where many are shared, and only of what was called twice.
- That a wanted robot's reminder looks like his. What is known as wanted stays wanted, and where a
  caller whose sound is known gets through as a person (a relay service begins each call with the
  same sentence), the campaign is in doubt and is not matched any more until the owner restores it.
- That what is known of him is pushed out by thousands of other recordings. So many a day are learnt
  at most (learning.py), and what was called but once goes first.
- That noise or a tone becomes a campaign that everything is like: too few different items.
"""

from __future__ import annotations

import hashlib
from base64 import b32encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

import numpy as np

from screener.core import shingles, soundprint
from screener.core.soundprint import Items
from screener.core.verdict import Kind

LONGEST = 240
"""Items of one recording: the first 30 s of its speech."""
MOST_PHRASES = 12
LONGEST_PHRASE = 80
"""Characters."""
MOST_MARKS = 100
"""Numbers that are told apart of one campaign."""


class Standing(StrEnum):
    """What a campaign is to its owner."""

    UNWANTED = "unwanted"
    WANTED = "wanted"
    DOUBTED = "doubted"  # a caller who sounded like it got through as a person
    NEVER = "never"  # the owner has forgotten it: it is neither matched nor learnt again


@dataclass(frozen=True, slots=True)
class Campaign:
    """A recording that was played in `calls`, from `numbers` different ones.

    `first` and `last` are when, aware, in UTC. `sound` is its fingerprint, as little-endian bytes
    (b"": none was made); `shingles` are those of its words, likewise; `phrases` what of them is
    sure enough to be shown. `marks` tell the numbers apart. `origin` names the import that it came
    with, "" where it was heard here.
    """

    id: str
    standing: Standing
    first: datetime
    last: datetime
    calls: int = 1
    numbers: int = 1
    sound: bytes = b""
    shingles: bytes = b""
    phrases: tuple[str, ...] = ()
    marks: tuple[int, ...] = ()
    origin: str = ""

    @property
    def items(self) -> Items:
        return unpacked(self.sound)

    @property
    def wanted(self) -> bool:
        return self.standing is Standing.WANTED

    @property
    def in_force(self) -> bool:
        """Whether calls are told to be like it."""
        return self.standing in {Standing.UNWANTED, Standing.WANTED}


@dataclass(frozen=True, slots=True)
class Found:
    """The campaign that speech is like. `by` says what is alike: "sound" or "words"."""

    campaign: Campaign
    by: str


class Known:
    """The campaigns known at a moment."""

    def __init__(self, campaigns: Iterable[Campaign] = ()) -> None:
        self.campaigns: Mapping[str, Campaign] = {one.id: one for one in campaigns}
        self._ids = tuple(self.campaigns)
        self._sounds = soundprint.Recordings([one.items for one in self.campaigns.values()])
        self._texts = shingles.Texts([unpacked(one.shingles) for one in self.campaigns.values()])

    def with_(self, campaign: Campaign) -> Known:
        """These and one more, or one in another state."""
        old = self.campaigns.get(campaign.id)
        every = {**self.campaigns, campaign.id: campaign}
        if old is None or (old.sound, old.shingles) != (campaign.sound, campaign.shingles):
            return Known(every.values())
        other = object.__new__(Known)  # the same to search through
        other.campaigns = every
        other._ids, other._sounds, other._texts = self._ids, self._sounds, self._texts
        return other

    def like(self, items: Items, words: str) -> Found | None:
        """The campaign that speech is like; None for one that nobody shall be told of."""
        found = self.find(items, words)
        if found is None or not found.campaign.in_force:
            return None
        if found.by == "words" and found.campaign.calls < 2:
            return None
        return found

    def find(self, items: Items, words: str) -> Found | None:
        """The same, in force or not: one that is not goes before all others, a wanted one before
        unwanted ones. Two that begin with the same sentence of the same voice are alike by that."""
        return self._best("sound", [self._ids[one.place] for one in self._sounds.alike(items)]) or (
            self._best("words", [self._ids[one.place] for one in self._texts.alike(words)])
        )

    def _best(self, by: str, ids: Sequence[str]) -> Found | None:
        found = [self.campaigns[one] for one in ids]
        if not found:
            return None
        return Found(min(found, key=lambda one: (one.in_force, not one.wanted)), by)


# Learning ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a call that is over has shown: its speech and what was made of it.

    `mark` tells its number from others, None where it was withheld. `at` is aware, in UTC.
    """

    kind: Kind
    at: datetime
    items: Items
    words: str = ""
    phrases: tuple[str, ...] = ()
    mark: int | None = None


def learnt(known: Known, lesson: Lesson) -> Campaign | None:
    """The campaign as it is after this call: a new one, or a known one; None: nothing was learnt.

    A call of less than 6.7 s of speech is no new campaign, nor is one of a steady sound.
    """
    found = known.find(lesson.items, lesson.words)
    standing = _standing(lesson.kind)
    if found is not None:
        campaign = found.campaign
        if standing is campaign.standing:
            return _again(campaign, lesson)
        if lesson.kind is Kind.PERSON and found.by == "sound" and campaign.in_force:
            return replace(campaign, standing=Standing.DOUBTED)
        return None
    if standing is None:
        return None
    return begun(lesson, standing)


def begun(lesson: Lesson, standing: Standing) -> Campaign | None:
    """A campaign that was heard for the first time; None where there is too little of it."""
    items = lesson.items[:LONGEST]
    said = shingles.shingles(lesson.words)
    by_words = not len(items) and len(said) >= 2 * shingles.SHARED  # no chromaprint here
    if not soundprint.lively(items) and not by_words:
        return None
    sound, words = packed(items), packed(said)
    campaign = Campaign(
        id=named(sound, words),
        standing=standing,
        first=lesson.at,
        last=lesson.at,
        numbers=0,
        calls=0,
        sound=sound,
        shingles=words,
    )
    return _again(campaign, lesson)


def named(sound: bytes, words: bytes) -> str:
    """A campaign's id: the same one for the same recording on every machine."""
    digest = hashlib.blake2b(sound + words, digest_size=5).digest()
    return b32encode(digest).decode().lower()


def packed(numbers: Items) -> bytes:
    """32-bit numbers as a campaign keeps them."""
    return numbers.astype("<u4").tobytes()


def unpacked(kept: bytes) -> Items:
    """The numbers again."""
    return np.frombuffer(kept, "<u4").astype(np.uint32)


def mark(number: str) -> int | None:
    """What tells a number from others, without being it; None for none."""
    if not number:
        return None
    return int.from_bytes(hashlib.blake2b(number.encode(), digest_size=4).digest(), "little")


def superfluous(campaigns: Iterable[Campaign], most: int) -> list[str]:
    """Which ids must go so that no more than `most` are left.

    What was called once goes first, then what was called longest ago; what its owner has forgotten
    goes last, or it would be learnt again.
    """
    every = list(campaigns)
    if len(every) <= most:
        return []
    every.sort(key=lambda one: (one.standing is Standing.NEVER, one.calls > 1, one.last, one.id))
    return [one.id for one in every[: len(every) - most]]


def _standing(kind: Kind) -> Standing | None:
    """What a call of this kind teaches."""
    return {Kind.UNWANTED_ROBOT: Standing.UNWANTED, Kind.WANTED_ROBOT: Standing.WANTED}.get(kind)


def _again(campaign: Campaign, lesson: Lesson) -> Campaign:
    """The campaign was called once more."""
    new = lesson.mark is not None and lesson.mark not in campaign.marks
    marks = (*campaign.marks, lesson.mark) if new and lesson.mark is not None else campaign.marks
    fit = (one for one in lesson.phrases if one.isprintable() and len(one) <= LONGEST_PHRASE)
    phrases = tuple(dict.fromkeys((*campaign.phrases, *fit)))
    return replace(
        campaign,
        first=min(campaign.first, lesson.at),
        last=max(campaign.last, lesson.at),
        calls=campaign.calls + 1,
        numbers=campaign.numbers + new,
        marks=marks[-MOST_MARKS:],
        phrases=phrases[:MOST_PHRASES],
    )
