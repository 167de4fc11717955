"""The loudness of a voice: how much of a recording is voice, how loud it is, and evening it out.

All of it on 16-bit little-endian mono PCM at 8 kHz, in frames of 20 ms.
"""

from __future__ import annotations

import math
import sys
from array import array

RATE = 8000
"""Samples per second."""

SPEECH_LEVEL = -19.0
"""dBFS (RMS over the frames that hold sound) to which every voice is brought: about -13 dBm0 on a
G.711 line (ITU-T G.711: a full-scale sine is 3.14 dBm0), as loud as a near talker, no louder."""

HIGHEST_PEAK = -1.0
"""dBFS that no sample goes beyond, whatever the level asks for."""

_FRAME = RATE // 50
_FULL_SCALE = 32768
_SILENT = 3400.0  # mean square, -55 dBFS: a microphone that nobody spoke into
_EDGE = 1e-4  # 40 dB below the loudest frame: where a voice begins and ends
_PAUSE = 1e-3  # 30 dB below the loudest frame: between words


def trim(pcm: bytes, lead: float = 0.06, tail: float = 0.15) -> bytes:
    """Cut the silence around a voice; `lead` and `tail` seconds of it stay."""
    samples = _samples(pcm)
    powers = _frame_powers(samples)
    loud = [n for n, power in enumerate(powers) if power > max(powers) * _EDGE]
    if not loud:
        return pcm
    start = max(0, loud[0] * _FRAME - round(lead * RATE))
    end = (loud[-1] + 1) * _FRAME + round(tail * RATE)
    kept = samples[start:end]
    kept.extend([0] * (end - start - len(kept)))
    return _pcm(kept)


def even_out(pcm: bytes) -> bytes:
    """Bring a voice to `SPEECH_LEVEL`, its peaks to `HIGHEST_PEAK` at most; b"" for silence."""
    samples = _samples(pcm)
    powers = _frame_powers(samples)
    loudest = max(powers, default=0.0)
    if loudest < _SILENT:
        return b""
    voiced = [power for power in powers if power > loudest * _PAUSE]
    gain = _amplitude(SPEECH_LEVEL) / math.sqrt(sum(voiced) / len(voiced))
    gain = min(gain, _amplitude(HIGHEST_PEAK) / max(map(abs, samples)))
    return _pcm(array("h", (round(sample * gain) for sample in samples)))


def level(pcm: bytes) -> float:
    """The loudness of a voice in dBFS, pauses left out; -inf for silence."""
    powers = _frame_powers(_samples(pcm))
    voiced = [power for power in powers if power > max(powers) * _PAUSE]
    mean = sum(voiced) / len(voiced) if voiced else 0.0
    return 10 * math.log10(mean) - 20 * math.log10(_FULL_SCALE) if mean else -math.inf


def _amplitude(dbfs: float) -> float:
    return float(_FULL_SCALE * 10 ** (dbfs / 20))


def _frame_powers(samples: array[int]) -> list[float]:
    """The mean square of each 20 ms; a last part of a frame counts as its own."""
    frames = (samples[at : at + _FRAME] for at in range(0, len(samples), _FRAME))
    return [sum(s * s for s in frame) / len(frame) for frame in frames]


def _samples(pcm: bytes) -> array[int]:
    samples = array("h", pcm[: len(pcm) // 2 * 2])
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def _pcm(samples: array[int]) -> bytes:
    if sys.byteorder == "big":
        samples = array("h", samples)
        samples.byteswap()
    return samples.tobytes()
