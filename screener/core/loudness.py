"""The loudness of a voice: what of a recording is voice, how loud it sounds, and evening it out.

Loudness is ITU-R BS.1770's (what EBU R 128 measures), in LUFS: as ears weigh pitch, pauses left
out. All of it on 16-bit little-endian mono PCM at 8 kHz.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

Samples: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Spectrum: TypeAlias = np.ndarray[Any, np.dtype[np.complex128]]

RATE = 8000
"""Samples per second."""

SPEECH_LEVEL = -20.0
"""LUFS to which every voice is brought: some -19 dBFS (RMS, pauses left out), about -13 dBm0 on a
G.711 line (ITU-T G.711: a full-scale sine is 3.14 dBm0), as loud as a near talker, no louder."""

HIGHEST_PEAK = -1.0
"""dBFS that no sample goes beyond, whatever the level asks for."""

_FRAME = RATE // 50
_FULL_SCALE = 32768
_SILENT = 3400.0  # mean square, -55 dBFS: a microphone that nobody spoke into
_EDGE = 1e-4  # 40 dB below the loudest frame: where a voice begins and ends

# ITU-R BS.1770: power is taken over blocks of 0.4 s, each a quarter further on; blocks that are
# quieter than -70 LUFS count for nothing, then those that are 10 LU below the mean of the others.
_QUARTERS = 4
_STEP = RATE // 10
_OFFSET = -0.691
_ABSOLUTE_GATE = -70.0
_RELATIVE_GATE = -10.0
# A word is shorter than that: it is measured as if it were said again and again for so long.
_MEASURED = 3 * RATE
# Its weighting of frequencies: two filters, their coefficients for 48 kHz (tables 1 and 2).
_SHELF = (
    (1.53512485958697, -2.69169618940638, 1.19839281085285),
    (1.0, -1.69065929318241, 0.73248077421585),
)
_HIGH_PASS = ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621))
_TABLE_RATE = 48000

# A limiter turns down 5 ms around a peak, so smoothly that it is not heard. What it takes away is
# made up for, so often.
_REACH = RATE // 200
_ROUNDS = 4


def trim(pcm: bytes, lead: float = 0.06, tail: float = 0.15) -> bytes:
    """Cut the silence around a voice; `lead` and `tail` seconds of it stay."""
    samples = _samples(pcm)
    powers = _frame_powers(samples)
    loud = np.flatnonzero(powers > powers.max(initial=0.0) * _EDGE)
    if not loud.size:
        return pcm
    start = max(0, int(loud[0]) * _FRAME - round(lead * RATE))
    end = (int(loud[-1]) + 1) * _FRAME + round(tail * RATE)
    kept = samples[start:end]
    return _pcm(np.pad(kept, (0, end - start - len(kept))))


def even_out(pcm: bytes) -> bytes:
    """Bring a voice to `SPEECH_LEVEL`, its peaks to `HIGHEST_PEAK` at most; b"" for silence."""
    samples = _samples(pcm)
    if _frame_powers(samples).max(initial=0.0) < _SILENT:
        return b""
    for _ in range(_ROUNDS):
        samples = _limited(samples * 10 ** ((SPEECH_LEVEL - _loudness(samples)) / 20))
    return _pcm(samples)


def level(pcm: bytes) -> float:
    """The loudness of a voice in LUFS; -inf for silence."""
    return _loudness(_samples(pcm))


def _loudness(samples: Samples) -> float:
    if not samples.size:
        return -math.inf
    repeated = np.resize(samples, max(len(samples), _MEASURED))
    heard = weighted(repeated, RATE) / _FULL_SCALE
    quarters = heard[: len(heard) // _STEP * _STEP].reshape(-1, _STEP)
    return gated((quarters**2).mean(axis=1))


def gated(quarters: Samples) -> float:
    """The integrated loudness in LUFS of a sound whose weighted power in each 100 ms is given, of
    full scale; -inf for silence. What is shorter than a block counts as if it were repeated."""
    if not quarters.size:
        return -math.inf
    quarters = np.resize(quarters, max(len(quarters), _QUARTERS))
    powers = np.lib.stride_tricks.sliding_window_view(quarters, _QUARTERS).mean(axis=1)
    loud = powers[powers > _power(_ABSOLUTE_GATE)]
    if not loud.size:
        return -math.inf
    loud = loud[loud > _power(_lufs(float(loud.mean())) + _RELATIVE_GATE)]
    return _lufs(float(loud.mean()))


def _lufs(power: float) -> float:
    return _OFFSET + 10 * math.log10(power)


def _power(lufs: float) -> float:
    return float(10 ** ((lufs - _OFFSET) / 10))


def weighted(samples: Samples, rate: int) -> Samples:
    """The samples as the ear weighs them, as precise as they come (32 bits take half the time)."""
    length = 1 << (len(samples) + rate).bit_length()  # room for the filters to ring out
    spectrum = np.fft.rfft(samples, length)
    spectrum *= _response(length, rate)
    heard: Samples = np.fft.irfft(spectrum, length)
    return heard[: len(samples)]


@lru_cache(maxsize=2)  # the pieces of a recording are of the same length, but for the last
def _response(length: int, rate: int) -> Spectrum:
    hertz = np.fft.rfftfreq(length, 1 / rate)
    back = np.exp(-2j * np.pi * hertz / _TABLE_RATE)  # one sample of the tables' rate ago
    response = np.ones(len(hertz), complex)
    for above, below in (_SHELF, _HIGH_PASS):
        response *= np.polyval(above[::-1], back) / np.polyval(below[::-1], back)
    return response


def _limited(samples: Samples) -> Samples:
    """No peak is beyond the highest."""
    ceiling = _FULL_SCALE * 10 ** (HIGHEST_PEAK / 20)
    gain = np.minimum(1.0, ceiling / np.maximum(np.abs(samples), 1.0))
    if gain.min() == 1.0:
        return samples
    width = 2 * _REACH + 1
    lowest = _windows(gain, width).min(axis=1)  # what the loudest sample around each allows
    smooth = np.hanning(width + 2)[1:-1]
    turned_down: Samples = samples * (_windows(lowest, width) @ (smooth / smooth.sum()))
    return turned_down


def _windows(values: Samples, width: int) -> Samples:
    """What stands around each of the values, as many to the left as to the right."""
    padded = np.pad(values, width // 2, mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, width)


def _frame_powers(samples: Samples) -> Samples:
    """The mean square of each 20 ms; a last part of a frame counts as its own."""
    whole = len(samples) // _FRAME * _FRAME
    powers = (samples[:whole].reshape(-1, _FRAME) ** 2).mean(axis=1)
    rest = samples[whole:]
    return np.append(powers, (rest**2).mean()) if rest.size else powers


def _samples(pcm: bytes) -> Samples:
    return np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2").astype(np.float64)


def _pcm(samples: Samples) -> bytes:
    return samples.round().astype("<i2").tobytes()
