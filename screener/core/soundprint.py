"""Fingerprints of sound: is this stretch of a call in a recording that was played before?

A fingerprint is what chromaprint makes of 8 kHz speech (campaigns/fingerprint.py): an item of 32
bits for each 0.124 s, which says how the sound's pitch classes change over the 2.4 s around it.
Two stretches are the same recording when few of their bits differ, item for item: the bit error
rate of Haitsma and Kalker, "A Highly Robust Audio Fingerprinting System" (2002), whose way of
finding candidates by items that are equal is used here, too.

Measured on 60 robocalls and 4 recorded prompts, cut to their speech as a call's are, in windows of
32 items: the same recording again (from another moment, another 0-3 s missing at its beginning,
12 dB louder or softer, through mu-law, GSM, GSM twice, Opus at 12 kbit/s) differs in 5 % of the
bits in the middle and 11 % at most; with noise at 12 dB in 7 % and 23 % at most. Different
recordings by the same synthetic voice differ in 28 % at least, in the middle 40 %; of 300 others by
five synthetic voices, of 500 words in random order, two came down to 20 %, all others to 23 %. What
is not known again: a line that takes 10 dB from all above 2.8 kHz and below 400 Hz (3 of 62).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Items: TypeAlias = NDArray[np.uint32]

ITEM = 1365 / 11025
"""Seconds from one item to the next."""
WINDOW = 32
"""Items that are compared. A fingerprint has so many after 6.7 s of speech: the first item needs
2.7 s, each other one 0.124 s. With 24, different recordings came down to 22 %."""
# Bit error rate up to which two windows are the same recording; the head says what was measured.
# With it, of 62 recordings distorted in these ways 61 or all are known again within 8 s of speech.
LIMIT = 0.17
# Different items that a window must have. One of steady hum or tone has few, and is like any other;
# of speech, none had fewer than 30, of ringback and busy tones none more than 10.
_LIVELY = 20
# Positions of one key that are looked at: a key that is more frequent says little.
_COMMON = 2000
# Alignments that are looked at, those with most equal keys first.
_CANDIDATES = 64
_BITS = 32
_SAME_BITS = np.uint32(0xAAAAAAAA)


@dataclass(frozen=True, slots=True)
class Alike:
    """A recording that a stretch is in: its place among those given, and the bit error rate."""

    place: int
    errors: float


def lively(items: Items) -> bool:
    """Whether a fingerprint is long enough to be compared, and not of a steady sound."""
    return len(items) >= WINDOW and int(_different(items).max()) >= _LIVELY


class Recordings:
    """Fingerprints of many recordings, to be searched for a stretch; never changed.

    They and their index take 8 bytes for an item: 20 MB for 10,000 recordings of 30 s, of which one
    is found in 1.5 ms in the middle and 10 ms at most (`python -m tests.bench.campaigns`).
    """

    def __init__(self, recordings: Sequence[Items]) -> None:
        lengths = np.fromiter(map(len, recordings), np.int64, len(recordings))
        self._items = np.concatenate([np.zeros(0, np.uint32), *recordings])
        self._ends = np.cumsum(lengths)
        keys = _keys(self._items)
        self._order = np.argsort(keys, kind="stable").astype(np.int32)
        counts = np.bincount(keys, minlength=1 << 16)
        self._starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])

    def alike(self, stretch: Items) -> tuple[Alike, ...]:
        """The recordings that a window of the stretch is in, the most alike first."""
        lively_windows = self._lively(stretch)
        begins = self._candidates(stretch)
        if not len(begins) or not lively_windows.any():
            return ()
        places = begins[:, None] + np.arange(len(stretch))
        outside = (places < 0) | (places >= len(self._items))
        theirs = self._items[np.clip(places, 0, len(self._items) - 1)]
        errors = np.bitwise_count(theirs ^ stretch).astype(np.int64)
        sums = np.cumsum(np.pad(errors, ((0, 0), (1, 0))), axis=1)
        rates = (sums[:, WINDOW:] - sums[:, :-WINDOW]) / (WINDOW * _BITS)
        firsts = np.searchsorted(self._ends, places[:, : -WINDOW + 1], "right")
        lasts = np.searchsorted(self._ends, places[:, WINDOW - 1 :], "right")
        whole = (firsts == lasts) & ~outside[:, : -WINDOW + 1] & ~outside[:, WINDOW - 1 :]
        hits = whole & lively_windows & (rates <= LIMIT)
        best: dict[int, float] = {}
        for place, rate in zip(firsts[hits].tolist(), rates[hits].tolist(), strict=True):
            best[place] = min(rate, best.get(place, rate))
        alike = [Alike(place, rate) for place, rate in best.items()]
        return tuple(sorted(alike, key=lambda one: (one.errors, one.place)))

    def _lively(self, stretch: Items) -> NDArray[np.bool_]:
        if len(stretch) < WINDOW or not len(self._items):
            return np.zeros(max(0, len(stretch) - WINDOW + 1), np.bool_)
        return _different(stretch) >= _LIVELY

    def _candidates(self, stretch: Items) -> NDArray[np.int64]:
        """Where in all recordings the stretch may begin: where most of its keys are equal."""
        keys = _keys(stretch).astype(np.int64)
        lows = self._starts[keys]
        counts = self._starts[keys + 1] - lows
        counts[counts > _COMMON] = 0
        firsts = np.cumsum(counts) - counts
        among = np.arange(counts.sum()) + np.repeat(lows - firsts, counts)
        found = self._order[among] - np.repeat(np.arange(len(stretch)), counts)
        begins, votes = np.unique(found, return_counts=True)
        if len(begins) <= _CANDIDATES:
            return begins
        # Where speech was cut out, the rest may lie one item beside: neighbours vote together.
        near = votes.copy()
        beside = np.diff(begins) == 1
        near[1:] += np.where(beside, votes[:-1], 0)
        near[:-1] += np.where(beside, votes[1:], 0)
        most = np.argsort(-near, kind="stable")[:_CANDIDATES]
        return np.sort(begins[most])


def _keys(items: Items) -> NDArray[np.uint16]:
    """Of each pair of bits the upper one, together 16 bits: of the halves that an item has, this
    one stays the same most often. (A pair is one of chromaprint's 16 filters, in a Gray code.)"""
    x = (items & _SAME_BITS) >> np.uint32(1)
    for shift, mask in ((1, 0x33333333), (2, 0x0F0F0F0F), (4, 0x00FF00FF), (8, 0x0000FFFF)):
        x = (x | (x >> np.uint32(shift))) & np.uint32(mask)
    return x.astype(np.uint16)


def _different(items: Items) -> NDArray[np.int64]:
    """How many different items each window has."""
    windows = np.sort(np.lib.stride_tricks.sliding_window_view(items, WINDOW), axis=1)
    changes: NDArray[np.int64] = np.count_nonzero(np.diff(windows, axis=1), axis=1)
    return changes + 1
