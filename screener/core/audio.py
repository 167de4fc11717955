"""The caller's audio: 20 ms frames of 8 kHz 16-bit PCM, G.711 in both its laws, and loudness.

PCM is signed 16-bit little-endian mono everywhere in screener. Source: ITU-T G.711 (11/1988),
tables 1a and 2a; G.711 speaks of 13- and 14-bit values, here they stand at the top of 16 bits.
"""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

RATE = 8000
"""Samples per second."""

FRAME_SAMPLES = 160
FRAME_BYTES = 2 * FRAME_SAMPLES
FRAME_SECONDS = FRAME_SAMPLES / RATE
"""A frame lasts 20 ms."""

SILENCE = bytes(FRAME_BYTES)
"""A frame in which nothing is heard."""

_FULL_SCALE_POWER = 32768.0**2
# G.711's mu-law adds this to a 14-bit magnitude, so that every segment begins at a power of two.
_BIAS = 33


def decode_ulaw(data: bytes) -> bytes:
    """G.711 mu-law, a byte a sample -> PCM, two bytes a sample."""
    return _decode(data, *_halves(_ulaw_value))


def decode_alaw(data: bytes) -> bytes:
    """G.711 A-law, a byte a sample -> PCM, two bytes a sample."""
    return _decode(data, *_halves(_alaw_value))


def encode_ulaw(pcm: bytes) -> bytes:
    """PCM -> G.711 mu-law. Every code but one decodes and encodes to itself (negative zero)."""
    return _encode(pcm, _ulaw_code)


def encode_alaw(pcm: bytes) -> bytes:
    """PCM -> G.711 A-law. Every code decodes and encodes to itself."""
    return _encode(pcm, _alaw_code)


def level(pcm: bytes) -> float:
    """Loudness (RMS) in dBFS: a full-scale sine is -3, digital silence minus infinity."""
    samples: Sequence[int] = memoryview(pcm).cast("h")
    if sys.byteorder == "big":
        samples = array("h", pcm)
        samples.byteswap()
    # A frame in 6 us; a sum of squares in Python takes 20, more than all else that a frame needs.
    power = round(math.hypot(*samples) ** 2)
    return 10 * math.log10(power / len(samples) / _FULL_SCALE_POWER) if power else -math.inf


def _ulaw_value(code: int) -> int:
    code = ~code & 0xFF
    segment, step = code >> 4 & 7, code & 0x0F
    magnitude = ((2 * step + _BIAS) << segment) - _BIAS
    return (-magnitude if code & 0x80 else magnitude) << 2


def _alaw_value(code: int) -> int:
    code ^= 0x55
    segment, step = code >> 4 & 7, code & 0x0F
    magnitude = 2 * step + 1 if segment == 0 else (2 * step + _BIAS) << (segment - 1)
    return (magnitude if code & 0x80 else -magnitude) << 3


def _ulaw_code(sample: int) -> int:
    sign = 0x80 if sample < 0 else 0
    magnitude = min((-sample if sample < 0 else sample) >> 2, 8158) + _BIAS
    segment = magnitude.bit_length() - 6
    return ~(sign | segment << 4 | magnitude >> (segment + 1) & 0x0F) & 0xFF


def _alaw_code(sample: int) -> int:
    sign = 0x80 if sample >= 0 else 0
    magnitude = (sample if sample >= 0 else ~sample) >> 3
    segment = max(magnitude.bit_length() - 5, 0)
    step = magnitude >> max(segment, 1) & 0x0F
    return (sign | segment << 4 | step) ^ 0x55


@cache
def _halves(value: Callable[[int], int]) -> tuple[bytes, bytes]:
    """For each code, the low and the high byte of its sample: tables for bytes.translate."""
    values = [value(code) & 0xFFFF for code in range(256)]
    return bytes(v & 0xFF for v in values), bytes(v >> 8 for v in values)


@cache
def _codes(code: Callable[[int], int]) -> NDArray[np.uint8]:
    """The code of each of the 65,536 samples, looked up as an unsigned number."""
    codes = (code(n - 0x10000 if n >= 0x8000 else n) for n in range(0x10000))
    return np.fromiter(codes, np.uint8, 0x10000)


def _encode(pcm: bytes, code: Callable[[int], int]) -> bytes:
    # A frame in 3 us; byte by byte it takes 13.
    coded: bytes = _codes(code)[np.frombuffer(pcm, "<u2")].tobytes()
    return coded


def _decode(data: bytes, low: bytes, high: bytes) -> bytes:
    pcm = bytearray(2 * len(data))
    pcm[::2] = data.translate(low)
    pcm[1::2] = data.translate(high)
    return bytes(pcm)
