"""What is heard of a recording before it is cut and levelled: one number for each moment of it.

Taken in by pieces of any length, so that an hour needs no more room than a second, but for some
300 bytes a second that are kept: each 20 ms frame's level and whether it is a telephone key's tone,
and the power of each 100 ms as the ear weighs it (ITU-R BS.1770, what EBU R 128 measures).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

from screener.core.loudness import gated, weighted
from screener.core.tones import COLUMNS, ROWS

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.floating[Any]]]
Flags: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]

FRAMES = 50
"""Frames in a second."""

_TENTHS = 10
_PER_TENTH = FRAMES // _TENTHS
_FULL_SCALE = 32768.0
_NOTHING = 1.0  # mean square of what counts as digital silence: -90 dBFS
# The filters that weigh pitches have forgotten what was before after this (seconds).
_MEMORY = 1.0
# A key's tone (Q.23) is two lines that hold this share of the power, neither with less than that of
# both (9 dB below the other: Q.24 has 6), for two frames, and no quieter than this (dBFS). Lines
# that are off by 1.5 % (Q.24) are found as weaker than they are, which is why it is no larger
# share: of an hour of 158 clips of people and machines no frame was taken for a key.
_PURE, _LEAST_LINE, _SHORTEST, _FAINTEST = 0.55, 0.11, 2, -45.0


@dataclass(frozen=True, slots=True)
class Heard:
    """What a survey has found. `levels` are the frames' in dBFS (RMS); `tones` the frames that a
    key's tone fills or touches; `weights` the weighted power of each 100 ms, full scale is 1."""

    levels: Floats
    tones: Flags
    weights: Floats

    @property
    def seconds(self) -> float:
        return len(self.levels) / FRAMES

    def loudness(self, start: float, end: float) -> float:
        """The integrated loudness of a stretch (seconds) in LUFS; -inf for silence."""
        tenths = self.weights[int(start * _TENTHS) : math.ceil(end * _TENTHS)]
        return gated(np.asarray(tenths, np.float64))


class Survey:
    """Listens to a recording, a piece of 16-bit mono PCM after the other."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._frame = rate // FRAMES
        self._tenth = rate // _TENTHS
        self._lines = _probes(rate, self._frame)
        self._before = np.zeros(round(_MEMORY * rate), np.float32)
        self._rest = b""
        self._levels: list[Floats] = []
        self._keys: list[Floats] = []
        self._weights: list[Floats] = []

    def hear(self, pcm: bytes) -> None:
        """One more piece; quickest where all are of the same whole number of 100 ms."""
        pcm = self._rest + pcm
        whole = len(pcm) // (2 * self._tenth) * 2 * self._tenth
        self._rest = pcm[whole:]
        if whole:
            self._take(np.frombuffer(pcm[:whole], "<i2").astype(np.float32))

    def heard(self) -> Heard:
        """All that was found; no more can be heard. What is less than 100 ms is filled up."""
        if rest := self._rest[: len(self._rest) // 2 * 2]:
            frames = math.ceil(len(rest) / 2 / self._frame)
            self._take(np.frombuffer(rest.ljust(2 * self._tenth, b"\0"), "<i2").astype(np.float32))
            left_over = _PER_TENTH - frames
            self._levels[-1] = self._levels[-1][: len(self._levels[-1]) - left_over]
            self._keys[-1] = self._keys[-1][: len(self._levels[-1])]
            self._rest = b""
        return Heard(
            np.concatenate([np.empty(0, np.float32), *self._levels]),
            _tones(np.concatenate([np.empty(0, np.int8), *self._keys])),
            np.concatenate([np.empty(0, np.float32), *self._weights]),
        )

    def _take(self, samples: Floats) -> None:
        frames = samples.reshape(-1, self._frame)
        powers = np.einsum("ij,ij->i", frames, frames) / self._frame
        levels = 10 * np.log10(np.maximum(powers, _NOTHING) / _FULL_SCALE**2)
        self._levels.append(levels.astype(np.float32))
        self._keys.append(self._keys_of(frames, powers, levels))
        heard = weighted(np.concatenate([self._before, samples]), self._rate)
        tenths = heard[len(self._before) :].reshape(-1, self._tenth) / _FULL_SCALE
        self._weights.append((np.einsum("ij,ij->i", tenths, tenths) / self._tenth).astype("f4"))
        self._before = np.concatenate([self._before, samples])[-len(self._before) :]

    def _keys_of(self, frames: Floats, powers: Floats, levels: Floats) -> Floats:
        """The number of the key whose tone each frame is; 0 for none."""
        found = frames @ self._lines
        lines = (found[:, :8] ** 2 + found[:, 8:] ** 2) * (2 / self._frame**2)
        rows, columns = lines[:, :4], lines[:, 4:]
        row, column = rows.max(axis=1), columns.max(axis=1)
        both = row + column
        sure = (both > _PURE * powers) & (np.minimum(row, column) > _LEAST_LINE * both)
        numbers = 1 + 4 * rows.argmax(axis=1) + columns.argmax(axis=1)
        return np.where(sure & (levels > _FAINTEST), numbers, 0).astype(np.int8)


def _probes(rate: int, length: int) -> Floats:
    """What a frame is multiplied by to find how much there is of each of the keys' lines."""
    turns = np.outer(np.arange(length) / rate, (*ROWS, *COLUMNS)) * 2 * np.pi
    return np.hstack([np.cos(turns), np.sin(turns)]).astype(np.float32)


def _tones(keys: Floats) -> Flags:
    """Frames of the same key in a row, and on both sides the frame in which it begins or ends."""
    tones = np.zeros(len(keys), bool)
    edges = np.flatnonzero(np.diff(keys, prepend=0, append=0))
    for start, end in pairwise(edges):
        if keys[start] and end - start >= _SHORTEST:
            tones[max(0, start - 1) : end + 1] = True
    return tones
