"""The caller's audio: 20 ms frames of 8 kHz 16-bit PCM, G.711 in both its laws, and loudness.

PCM is signed 16-bit little-endian mono everywhere in screener. Source: ITU-T G.711 (11/1988),
tables 1a and 2a; G.711 speaks of 13- and 14-bit values, here they stand at the top of 16 bits.
"""

from __future__ import annotations

import audioop
import math
import sys
from array import array
from collections.abc import Sequence

RATE = 8000
"""Samples per second."""

FRAME_SAMPLES = 160
FRAME_BYTES = 2 * FRAME_SAMPLES
FRAME_SECONDS = FRAME_SAMPLES / RATE
"""A frame lasts 20 ms."""

SILENCE = bytes(FRAME_BYTES)
"""A frame in which nothing is heard."""

_FULL_SCALE_POWER = 32768.0**2


def decode_ulaw(data: bytes) -> bytes:
    """G.711 mu-law, a byte a sample -> PCM, two bytes a sample."""
    return audioop.ulaw2lin(data, 2)


def decode_alaw(data: bytes) -> bytes:
    """G.711 A-law, a byte a sample -> PCM, two bytes a sample."""
    return audioop.alaw2lin(data, 2)


def encode_ulaw(pcm: bytes) -> bytes:
    """PCM -> G.711 mu-law. Every code but one decodes and encodes to itself (negative zero)."""
    return audioop.lin2ulaw(pcm, 2)


def level(pcm: bytes) -> float:
    """Loudness (RMS) in dBFS: a full-scale sine is -3, digital silence minus infinity."""
    samples: Sequence[int] = memoryview(pcm).cast("h")
    if sys.byteorder == "big":
        samples = array("h", pcm)
        samples.byteswap()
    # A frame in 6 us; a sum of squares in Python takes 20, more than all else that a frame needs.
    power = round(math.hypot(*samples) ** 2)
    return 10 * math.log10(power / len(samples) / _FULL_SCALE_POWER) if power else -math.inf
