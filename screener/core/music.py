"""Music on the line: sound without pauses whose spectral lines stand still.

A voice's lines glide and break off; an instrument's stay where they are for as long as its note
lasts. So lines are followed through spectra of 128 ms of 8 kHz audio, and those that stay are
counted. (Seyerlehner, Pohle, Schedl and Widmer, "Automatic music detection in television
productions", DAFx 2007, tell music from speech by such lines.)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from screener.core.audio import FRAME_SECONDS, RATE
from screener.core.spectrum import Samples

MUSIC_WINDOW = 1024
"""Samples in a window: 128 ms."""

STEP = 4
"""Frames from one window to the next: 80 ms."""

_HANN: Samples = np.hanning(MUSIC_WINDOW + 1)[:MUSIC_WINDOW]
_BIN = RATE / MUSIC_WINDOW
MUSIC, HUM = "music", "hum"
# Frequencies of the mains (Hz), and of what lies below all music that a telephone carries.
_MAINS, _LOWEST = (50.0, 60.0), round(40 / _BIN)
# Music has at least this share of its power above 180 Hz; mains hum need not have any there.
_AUDIBLE = 0.01
# A telephone's lowest pitch worth following, and its highest.
_FIRST, _LAST = round(180 / _BIN), round(3400 / _BIN)
# A line stands this far above the mean of its neighbours (power), as far as so many bins away, and
# is no weaker than this share of the strongest.
_ABOVE, _AROUND, _WEAKEST = 4.0, 10, 1e-3
# A line that is found in so many spectra in a row stays: 0.4 s from the first one's begin.
_STAYS = 4
# What is decided is decided on so much of the sound (seconds), or on this much at the begin.
_LOOKED_AT, _LEAST = 2.0, 1.2
# How many lines stay, on average. Music on hold (5 clips) 1.7 to 5 in nine stretches of ten; speech
# (all 160 clips) 0.3 in nine of ten and 0.8 at most.
_LINES, _LINES_STILL = 1.5, 0.8
# Hum that has all its lines below stands for so many.
_HUM_LINES = 2
# And how evenly loud it is: the range in dB between the tenth and the ninetieth of a hundred
# frames. Music on hold 4 to 9; speech 27 to 42; speech over music that is 10 dB softer 11 to 19.
# So a voice over music is none, and it is not looked for where there are pauses.
_EVEN, _EVEN_STILL = 10.0, 16.0
# Music that nobody could hear (dBFS) is none.
_QUIETEST = -50.0
# A voice must stand so far above the music (dB).
VOICE_ABOVE = 6.0


class Music:
    """Whether there is music on one line. Give it each `MUSIC_WINDOW`, `STEP` frames apart."""

    def __init__(self) -> None:
        self.since: float | None = None
        """When the music began that is playing now, in seconds since answer; None while none is."""
        self.level = 0.0
        """How loud it is at its loudest, in dBFS."""
        self.kind = HUM
        """Lines that are all multiples of the mains' frequency are hum."""
        self._sounds_since = 0.0
        self._levels: deque[float] = deque(maxlen=round(_LOOKED_AT / FRAME_SECONDS))
        self._stays: deque[int] = deque(maxlen=round(_LOOKED_AT / (STEP * FRAME_SECONDS)))
        self._ages: NDArray[np.int64] = np.zeros(_LAST - _FIRST, dtype=np.int64)

    def forget(self) -> None:
        """What was heard until now is known to be something else."""
        self.since = None
        self._levels.clear()
        self._stays.clear()

    def hear(self, window: Samples, levels: Sequence[float], now: float) -> None:
        """The last 128 ms, the levels (dBFS) of the last `STEP` frames, and when they ended."""
        self._levels.extend(levels)
        if min(levels) < _QUIETEST:
            self._sounds_since = now
        if len(self._levels) < _LEAST / FRAME_SECONDS:
            return
        levels = sorted(self._levels)
        loud = levels[len(levels) * 9 // 10]
        range_ = loud - levels[len(levels) // 10]
        if loud < _QUIETEST or range_ > (_EVEN if self.since is None else _EVEN_STILL):
            self.since = None
            self._stays.clear()
            return
        if not self._stays:
            self._ages[:] = 0
            self.kind = HUM
        self._stays.append(self._lines_that_stay(window))
        seconds = len(self._stays) * STEP * FRAME_SECONDS
        lines = sum(self._stays) / len(self._stays)
        if self.since is not None:
            self.level = loud
            if lines < _LINES_STILL:
                self.since = None
        elif seconds >= _LEAST and lines >= _LINES:
            self.level = loud
            self.since = max(self._sounds_since, now - _LOOKED_AT - _LEAST)

    def _lines_that_stay(self, window: Samples) -> int:
        """Follow the lines into the spectrum of the last 128 ms; how many have stayed."""
        bins = np.fft.rfft(window * _HANN)[_LOWEST : _LAST + _AROUND + 1]
        power = bins.real**2 + bins.imag**2
        if float(power[_FIRST - _LOWEST :].sum()) < _AUDIBLE * float(power.sum()):
            self._ages[:] = 0
            return _HUM_LINES
        power = power[_FIRST - _AROUND - _LOWEST :]
        sums = power.cumsum()
        here = power[_AROUND : -_AROUND - 1]
        around = (sums[2 * _AROUND + 1 :] - sums[: -2 * _AROUND - 1]) / (2 * _AROUND + 1)
        lines = here > np.maximum(_ABOVE * around, _WEAKEST * here.max())
        lines &= (here > power[_AROUND - 1 : -_AROUND - 2]) & (
            here >= power[_AROUND + 1 : -_AROUND]
        )
        ages = self._ages
        near = ages.copy()  # a line may stray by a bin
        np.maximum(near[1:], ages[:-1], out=near[1:])
        np.maximum(near[:-1], ages[1:], out=near[:-1])
        self._ages = np.where(lines, near + 1, 0)
        stay = (np.flatnonzero(self._ages >= _STAYS) + _FIRST) * _BIN
        if not any(np.all(np.abs(stay - np.round(stay / m) * m) < _BIN) for m in _MAINS):
            self.kind = MUSIC
        return len(stay)
