"""The spectrum of a moment: the lines that a tone consists of, if it is one.

A window is 40 ms of 8 kHz audio, and its bins are 25 Hz apart. A line is a bin and its neighbours
that hold nearly all of the power; who looks at windows one after another (tones.py) knows what a
line that stands still is called.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from screener.core.audio import FRAME_SAMPLES, RATE

Samples = NDArray[np.float64]

WINDOW = 2 * FRAME_SAMPLES
"""Samples in a window: two frames."""

_HANN: Samples = np.hanning(WINDOW + 1)[:WINDOW]
_BIN = RATE / WINDOW
# What a telephone carries. Mains hum lies below and is noise under a tone.
_FIRST, _LAST = round(100 / _BIN), round(3500 / _BIN)
# A line fills its bin and two neighbours on both sides.
_REACH = 3
_ONES: Samples = np.ones(_LAST - _FIRST)
# The sum of a window's bins is so many times the mean square of its samples.
_GAIN = 0.1875 * WINDOW * WINDOW
# The share of the power that must lie in one line or two. Tones of the 186 clips have 0.97 and
# more. People's voices have 0.9 in 1 window of 20, but never for long at one pitch.
_PURE = 0.87
# A line's highest bin has at least half of its power, and a line of a pair half of that.
_LEAST_PEAK = 0.2
# Less power than this is digital silence.
_NOTHING = 1.0
# A second line has at least this share of the first one's height.
_SECOND = 0.04

MELTED = _REACH * _BIN
"""Of two lines nearer than this (Hz; 400 and 450 Hz, say) the window makes one that is broader."""
BROAD = 0.45
"""A broad line's spread in squared bins: a sine's is 0.33, two sines' 25 Hz apart 0.5."""


class Spectrum(NamedTuple):
    """What a window of audio is made of, if it is a tone.

    `lines` are in Hz, the lowest first; none for what is no tone. `width` is a single line's spread
    in squared bins (`BROAD` tells one from two). `peak` is the highest bin's share of the power.
    """

    lines: tuple[float, ...] = ()
    width: float = 0.0
    peak: float = 0.0


QUIET = Spectrum()
"""A window without a tone."""


def spectra(windows: Samples, noise: float) -> list[Spectrum]:
    """What each of the windows (rows of `WINDOW` samples) is made of.

    `noise` is the mean square of the line's own noise, which is no part of a tone.
    """
    bins = np.fft.rfft(windows * _HANN)[:, _FIRST:_LAST]
    powers = bins.real**2 + bins.imag**2
    wholes: list[float] = (powers @ _ONES).tolist()
    firsts: list[int] = powers.argmax(axis=1).tolist()
    found = []
    for number, (whole, first) in enumerate(zip(wholes, firsts, strict=True)):
        total = max(whole - noise * _GAIN, _NOTHING)
        highest = float(powers[number, first])
        lines: tuple[float, ...] = ()
        width = 0.0
        if highest > total * _LEAST_PEAK:
            lines, width = _lines(powers[number].tolist(), first, total)
        found.append(Spectrum(lines, width, highest / max(whole, _NOTHING)))
    return found


def _lines(power: list[float], first: int, total: float) -> tuple[tuple[float, ...], float]:
    """The lines that hold nearly all of the power, if one or two do, and the width of one.

    `first` is the highest bin.
    """
    low, high = max(first - _REACH, 0), first + _REACH + 1
    near = sum(power[low:high])
    total = max(total, near)
    if near < total * _PURE / 2:
        return (), 0.0
    second = None if near > total * (1 - _SECOND) else _other_peak(power, first)
    if second is None:
        return _centre(power, low, high) if near > total * _PURE else ((), 0.0)
    left, right = min(first, second), max(first, second)
    middle = (left + right + 1) // 2
    lower = max(left - _REACH, 0), min(left + _REACH + 1, middle)
    upper = max(right - _REACH, middle), right + _REACH + 1
    both = sum(power[slice(*lower)]) + sum(power[slice(*upper)])
    if both < total * _PURE:
        return (), 0.0
    return (*_centre(power, *lower)[0], *_centre(power, *upper)[0]), 0.0


def _other_peak(power: list[float], first: int) -> int | None:
    """The second highest peak, if it is high enough to be another line."""
    below, above = power[: max(first - 2, 0)], power[first + 3 :]
    low, high = max(below, default=0.0), max(above, default=0.0)
    if max(low, high) < power[first] * _SECOND:
        return None
    second = below.index(low) if low > high else first + 3 + above.index(high)
    # The slope of a broad line is no peak.
    slope = power[second + 1] if second < first else power[second - 1]
    return None if slope > power[second] else second


def _centre(power: list[float], low: int, high: int) -> tuple[tuple[float], float]:
    """The pitch of the line within these bins, and its spread around it in squared bins."""
    near = power[low:high]
    total = sum(near)
    centre = sum(n * p for n, p in enumerate(near)) / total
    width = sum((n - centre) ** 2 * p for n, p in enumerate(near)) / total
    return ((low + centre + _FIRST) * _BIN,), width
