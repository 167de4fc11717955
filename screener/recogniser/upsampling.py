"""A caller's 8 kHz brought to the sample rate that a model wants."""

from __future__ import annotations

import audioop
import math
import random
from array import array
from typing import Any

from screener.core.audio import RATE


def _half_band(taps: int) -> tuple[float, ...]:
    """One half of a Hann-windowed sinc, at the places half-way between samples."""
    places = [math.pi * (n + 0.5) for n in range(taps)]
    return tuple(math.sin(x) / x * (1 + math.cos(x / taps)) / 2 for x in places)


_TAPS = _half_band(8)

# A telephone has nothing above 4 kHz, and a digital line has stretches of nothing at all. Models of
# 16 kHz have never heard either, so a faint noise (-70 dBFS) is laid under: two in twenty robocalls
# more showed two classes of phrases.
_NOISE_LEVEL = 10.0
_SEQUENCE = random.Random(1)  # the same audio gives the same words
_NOISE = array("h", (round(_SEQUENCE.gauss(0, _NOISE_LEVEL)) for _ in range(1 << 14))).tobytes()


class Upsampling:
    """8 kHz PCM -> the rate a model wants, in portions.

    To 16 kHz by a half-band filter (a Hann-windowed sinc of 16 taps): a straight line between
    samples (audioop.ratecv) cost 3 of 40 spoken digits. Other rates have the straight line.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._state: Any = None
        self._noise_at = 0
        self._past = bytes(2 * 2 * len(_TAPS))

    def __call__(self, pcm: bytes) -> bytes:
        """The portion at the new rate. At 16 kHz it comes 1 ms late."""
        pcm = pcm[: len(pcm) // 2 * 2]
        if self._rate == RATE:
            return pcm
        if self._rate != 2 * RATE:
            pcm, self._state = audioop.ratecv(pcm, 2, 1, RATE, self._rate, self._state)
            return pcm
        taps = len(_TAPS)
        wide = audioop.lin2lin(self._past + pcm, 2, 4)
        length = 4 * (len(pcm) // 2)
        between = bytes(length)
        for n, tap in enumerate(_TAPS):
            before, after = 4 * (taps - 1 - n), 4 * (taps + n)
            pair = audioop.add(  # at half the level, so that a sum of two has room
                audioop.mul(wide[before : before + length], 4, 0.5),
                audioop.mul(wide[after : after + length], 4, 0.5),
                4,
            )
            between = audioop.add(between, audioop.mul(pair, 4, tap), 4)
        odd = audioop.lin2lin(audioop.mul(between, 4, 2), 4, 2)
        even = (self._past + pcm)[2 * (taps - 1) :][: len(pcm)]
        self._past = (self._past + pcm)[-2 * 2 * taps :]
        return self._with_noise(_interleaved(even, odd))

    def _with_noise(self, pcm: bytes) -> bytes:
        noise = _NOISE
        start = self._noise_at
        self._noise_at = (start + len(pcm)) % len(noise)
        rounds = (start + len(pcm)) // len(noise) + 1
        return audioop.add(pcm, (noise * rounds)[start : start + len(pcm)], 2)


def _interleaved(first: bytes, second: bytes) -> bytes:
    """Samples of two streams in turn."""
    both = bytearray(2 * len(first))
    for byte in (0, 1):
        both[byte::4] = first[byte::2]
        both[2 + byte :: 4] = second[byte::2]
    return bytes(both)
