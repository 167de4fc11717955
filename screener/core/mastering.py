"""What is done to a recording before it is published: where it begins and ends, and how loud it is.

Nothing is cut out of its middle. Of its ends go silence, noise and the tones of telephone keys: the
one that ended it, and those that were pressed before a word was said. Where no voice stands out
from the noise, nothing is cut at all: what cannot be told apart is not thrown away.

Loudness is EBU R 128's. Podcasts are asked to be at -16 LUFS on two loudspeakers, which a single
channel at -19 LUFS is when both play it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from screener.core.survey import FRAMES, Flags, Floats, Heard

TARGET = -19.0
"""LUFS to which a message is brought."""

CEILING = -2.5
"""dBFS of the highest sample at 16 kHz: the true peak between samples, and what a lossy encoder
adds, stay below the -1 dBTP that podcasts are asked for."""

# A whisper is raised by so many dB at most, and noise by more than `_FREELY` only as long as it
# stays below `_HISS` (dBFS): a hiss as loud as a voice is worse to hear than a quiet voice.
_MOST, _FREELY, _HISS = 24.0, 12.0, -40.0

# Silence that is left around the voice (seconds): a word begins and ends more softly than it is.
_LEAD, _TAIL = 0.3, 0.5
# What counts as the noise of the line: a level that one frame of twenty lies below.
_NOISE_SHARE = 5.0
# A voice stands this far above it (dB), and above digital silence; but who speaks over noise, or
# without a pause, is never cut by more than what lies so far below his loudest.
_ABOVE_NOISE, _FAINTEST, _BELOW_LOUDEST = 8.0, -60.0, 18.0
# Of so many frames in a row the greater part is as loud: a click on the line is no voice.
_AROUND = 5


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a recording, in seconds."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Master:
    """What is published of a recording: a stretch of it, raised by `gain` dB (or lowered)."""

    kept: Stretch
    gain: float


def master(heard: Heard) -> Master:
    """What is done to a recording that was heard to its end."""
    kept = voiced(heard.levels, heard.tones)
    noise = _noise(heard.levels, heard.tones)
    return Master(kept, gain(heard.loudness(kept.start, kept.end), noise))


def voiced(levels: Floats, tones: Flags) -> Stretch:
    """From a little before the first voice to a little after the last one; all where none is.

    `levels` are those of 20 ms frames in dBFS, and `tones` say which of them are a key's.
    """
    loud = _steadily(levels > _threshold(levels, tones)) & ~tones
    found = np.flatnonzero(loud)
    if not found.size:
        return Stretch(0.0, len(levels) / FRAMES)
    first, last = int(found[0]), int(found[-1]) + 1
    before, after = np.flatnonzero(tones[:first]), np.flatnonzero(tones[last:])
    earliest = int(before[-1]) + 1 if before.size else 0
    latest = last + int(after[0]) if after.size else len(levels)
    start = max(earliest, first - round(_LEAD * FRAMES))
    end = min(latest, last + round(_TAIL * FRAMES))
    return Stretch(start / FRAMES, end / FRAMES)


def gain(loudness: float, noise: float) -> float:
    """By how many dB a recording of this loudness (LUFS), whose pauses have this level (dBFS), is
    raised; 0 for silence."""
    if loudness == -math.inf:
        return 0.0
    bearable = max(_FREELY, _HISS - noise)
    return min(TARGET - loudness, bearable, _MOST)


def cuts(levels: Floats, kept: Stretch, longest: float) -> list[Stretch]:
    """What is kept in parts of at most `longest` seconds, each as long as the others as nearly as
    pauses allow: it is cut in the middle of the quietest half second within the last third of a
    part."""
    count = max(1, math.ceil(kept.seconds / longest))
    parts: list[Stretch] = []
    start = kept.start
    while kept.end - start > longest:
        left = max(2, count - len(parts))
        latest = start + min(longest, (kept.end - start) / left * 1.1)
        at = _quietest(levels, latest - (latest - start) / 3, latest)
        parts.append(Stretch(start, at))
        start = at
    return [*parts, Stretch(start, kept.end)]


def _quietest(levels: Floats, start: float, end: float) -> float:
    """The middle of the quietest half second between two times; of equally quiet ones the last."""
    first, last = math.ceil(start * FRAMES), math.floor(end * FRAMES)
    width = min(FRAMES // 2, last - first)
    if width < 1:
        return end
    powers = 10 ** (levels[first:last] / 10)
    around = np.log10(np.convolve(powers, np.ones(width), "valid")).round(3)
    at = len(around) - 1 - int(around[::-1].argmin())
    return (first + at + width // 2) / FRAMES


def _threshold(levels: Floats, tones: Flags) -> float:
    """The level above which a frame is voice."""
    spoken = levels[~tones]
    if not spoken.size:
        return 0.0
    steady = _median(spoken)
    above = max(_noise(levels, tones) + _ABOVE_NOISE, _FAINTEST)
    return min(above, max(float(steady.max()) - _BELOW_LOUDEST, _FAINTEST))


def _noise(levels: Floats, tones: Flags) -> float:
    """The level of the pauses."""
    spoken = levels[~tones]
    return float(np.percentile(spoken, _NOISE_SHARE)) if spoken.size else -math.inf


def _around(values: Floats | Flags) -> Floats:
    padded = np.pad(values, _AROUND // 2, mode="edge")
    windows: Floats = np.lib.stride_tricks.sliding_window_view(padded, _AROUND)
    return windows


def _median(levels: Floats) -> Floats:
    """The levels without those of clicks."""
    found: Floats = np.median(_around(levels), axis=1)
    return found


def _steadily(loud: Flags) -> Flags:
    """Of frames that are loud, those with most of their neighbours loud as well."""
    found: Flags = (_around(loud).sum(axis=1) > _AROUND // 2) & loud
    return found
