"""Recognised words as shingles: how much of what a caller says was said by others before him.

A shingle is four words in a row, kept as a number of 32 bits; two texts are alike by how many they
share (Broder, "On the resemblance and containment of documents", 1997). A recogniser makes many
mistakes on a telephone, but of a recording that it hears twice it makes the same ones: shingles are
made of what it heard, not of what was said.

Measured with PocketSphinx's bundled model and the small language model on 60 robocalls: of four
words in a row, two different scripts share 4 at most, people and robocalls 1, the same script 18 in
the middle. Words alone are weaker than sound: `SHARED` and `CONTAINED` ask for much more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Shingles: TypeAlias = NDArray[np.uint32]

WORDS = 4
"""Words of a shingle: with three, different scripts share 7, people and robocalls 2."""
# Three times what two scripts of different campaigns were found to share, and of what the caller
# has said, this share: phrases such as "press one to speak to" are in many campaigns.
SHARED = 12
CONTAINED = 0.4
MOST = 400
"""Shingles that are kept of one text: two minutes of talk."""


@dataclass(frozen=True, slots=True)
class Alike:
    """A text that shares words: its place among those given, and which share of the words."""

    place: int
    contained: float


def shingles(words: str) -> Shingles:
    """The different shingles of a text in ascending order, of the first `MOST` that it has."""
    said = words.lower().split()[: MOST + WORDS - 1]
    runs = (" ".join(said[at : at + WORDS]) for at in range(len(said) - WORDS + 1))
    return np.array(sorted(set(map(_number, runs))), np.uint32)


def _number(run: str) -> int:
    return int.from_bytes(hashlib.blake2b(run.encode(), digest_size=4).digest(), "little")


class Texts:
    """Many texts as their shingles, to be searched for one that shares much; never changed."""

    def __init__(self, texts: Sequence[Shingles]) -> None:
        counts = np.fromiter(map(len, texts), np.int64, len(texts))
        joined = np.concatenate([np.zeros(0, np.uint32), *texts])
        order = np.argsort(joined, kind="stable")
        self._numbers = joined[order]
        self._places = np.repeat(np.arange(len(texts), dtype=np.int32), counts)[order]

    def alike(self, words: str) -> tuple[Alike, ...]:
        """The texts that share enough with these words, the one that shares most first."""
        asked = shingles(words)
        if len(asked) < SHARED or not len(self._numbers):
            return ()
        lows = np.searchsorted(self._numbers, asked, "left")
        highs = np.searchsorted(self._numbers, asked, "right")
        found = [self._places[a:b] for a, b in zip(lows, highs, strict=True) if b > a]
        if not found:
            return ()
        places, shared = np.unique(np.concatenate(found), return_counts=True)
        enough = (shared >= SHARED) & (shared >= CONTAINED * len(asked))
        alike = [
            Alike(int(place), int(count) / len(asked))
            for place, count in zip(places[enough], shared[enough], strict=True)
        ]
        return tuple(sorted(alike, key=lambda one: (-one.contained, one.place)))
