"""Whether a recording of the owner's is fit to be a prompt, and if not, why."""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from screener.core.audio import FRAME_BYTES
from screener.core.loudness import RATE, even_out
from screener.core.vad import speech_seconds

SHORTEST, LONGEST = 0.2, 120.0
"""Seconds that a prompt may last."""

_LEAST_VOICE = 0.1  # seconds; "six" holds 0.2
_FRAME = FRAME_BYTES // 2
_LIVELY = 10.0  # so much more power than the pauses have the loudest sounds: hiss has twice as much
# G.711 has two steps between this and its highest (ITU-T G.711): a few samples touch it in a loud
# voice, and many where its tops are cut off.
_TOP = 31_000
_TOUCHING = 0.002


class Fault(StrEnum):
    """Why a recording is not fit."""

    SILENT = "holds no voice"
    CLIPPED = "is clipped: record it softer, or farther from the microphone"
    SHORT = f"is shorter than {SHORTEST:g} seconds"
    LONG = f"is longer than {LONGEST:g} seconds"


def fault(pcm: bytes, *, voice: bool = True) -> Fault | None:
    """What is wrong with a recording (16-bit mono PCM at 8 kHz), the silence around it cut off.

    Without `voice` it may be any sound: a tone.
    """
    seconds = len(pcm) / 2 / RATE
    if not even_out(pcm) or (voice and _voice_seconds(pcm) < _LEAST_VOICE):
        return Fault.SILENT
    if seconds < SHORTEST:
        return Fault.SHORT
    if seconds >= LONGEST:
        return Fault.LONG
    samples = np.abs(np.frombuffer(pcm, "<i2").astype(np.int32))
    return Fault.CLIPPED if (samples >= _TOP).mean() > _TOUCHING else None


def _voice_seconds(pcm: bytes) -> float:
    """Seconds that hold a voice, however softly it was recorded; steady hiss is none."""
    loud = even_out(pcm)
    loud = loud[: len(loud) // FRAME_BYTES * FRAME_BYTES]
    powers = (np.frombuffer(loud, "<i2").astype(np.float64).reshape(-1, _FRAME) ** 2).mean(axis=1)
    if not powers.size or powers.max() < _LIVELY * (np.percentile(powers, 10) + 1.0):
        return 0.0
    return speech_seconds(loud[at : at + FRAME_BYTES] for at in range(0, len(loud), FRAME_BYTES))
