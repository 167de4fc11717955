"""Sounds that are made for tests: tones and their cadences, noise, music, and voices to speak.

All at 8 kHz; levels are RMS in dBFS. `line` puts sounds through the telephone: G.711 and frames.
"""

from __future__ import annotations

import audioop
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from screener.core.audio import FRAME_BYTES, FRAME_SECONDS, RATE, decode_ulaw, encode_ulaw
from screener.core.script import Sound, Span
from screener.core.vad import VoiceActivity
from tests.calls import speech

Samples = NDArray[np.float64]

VOICES = ("flite:slt", "flite:rms", "flite:awb", "espeak-ng:en-us", "espeak-ng:en-us+f4")
TALK = (
    "Hello, who is this? I would like to speak with Mary in the office. Zoo, moon, noon, you too. "
    "One two three four five six seven eight nine zero."
)


def encode_alaw(pcm: bytes) -> bytes:
    """PCM -> G.711 A-law, which screener only reads."""
    return audioop.lin2alaw(pcm, 2)


def at(samples: Samples, dbfs: float) -> Samples:
    """The same sound with this RMS level."""
    wanted = 32768 * 10 ** (dbfs / 20)
    return np.asarray(samples * wanted / np.sqrt(np.mean(samples**2)))


def quiet(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE))


def tone(hertz: Sequence[float], seconds: float, dbfs: float = -20.0, beat: float = 0) -> Samples:
    """Sines together; `beat` modulates them by so many Hz, in full."""
    times = np.arange(round(seconds * RATE)) / RATE
    sound = np.sum([np.sin(2 * np.pi * f * times + n) for n, f in enumerate(hertz)], axis=0)
    if beat:
        sound = sound * (1 + np.sin(2 * np.pi * beat * times))
    sound = at(sound, dbfs)
    ramp = np.minimum(1, np.minimum(np.arange(len(times)), np.arange(len(times))[::-1]) / 16)
    return np.asarray(sound * ramp)


def cadence(
    seconds: Sequence[float], hertz: Sequence[float], times: int, dbfs: float, beat: float = 0
) -> Samples:
    """On, off, on, off ...: `seconds` of each, so many times."""
    parts = [
        quiet(length) if number % 2 else tone(hertz, length, dbfs, beat)
        for number, length in enumerate(list(seconds) * times)
    ]
    return np.concatenate(parts)


def glide(start: float, end: float, seconds: float, dbfs: float = -20.0) -> Samples:
    """A whistle from one pitch to another and back."""
    times = np.arange(round(seconds * RATE)) / RATE
    pitch = start + (end - start) * (0.5 - 0.5 * np.cos(2 * np.pi * times / seconds))
    return at(np.sin(2 * np.pi * np.cumsum(pitch) / RATE), dbfs)


def noise(seconds: float, dbfs: float, pink: bool = False, seed: int = 1) -> Samples:
    """White or pink noise between 250 and 3450 Hz, as a telephone line passes it."""
    rng = np.random.default_rng(seed)
    count = round(seconds * RATE)
    bins = np.fft.rfft(rng.normal(size=count))
    pitch = np.arange(len(bins)) * RATE / count
    bins *= np.where((pitch > 250) & (pitch < 3450), 1.0, 0.03)
    if pink:
        bins /= np.sqrt(np.maximum(pitch, 50))
    return at(np.fft.irfft(bins, count), dbfs)


def music(seconds: float, dbfs: float = -20.0, seed: int = 3) -> Samples:
    """Chords of a few harmonics each, one after the other, and a soft drum."""
    rng = np.random.default_rng(seed)
    sound = quiet(seconds)
    beat = round(0.5 * RATE)
    for start in range(0, len(sound) - beat, beat):
        times = np.arange(min(2 * beat, len(sound) - start)) / RATE
        root = 220 * 2 ** (rng.integers(0, 12) / 12)
        for step in (0, 4, 7):
            for harmonic in (1, 2, 3):
                pitch = root * 2 ** (step / 12) * harmonic
                fall = np.exp(-1.2 * times) / harmonic
                sound[start : start + len(times)] += np.sin(2 * np.pi * pitch * times) * fall
        drum = rng.normal(size=400) * np.exp(-np.arange(400) / 80)
        sound[start : start + 400] += drum
    return at(sound, dbfs)


def voice(text: str = TALK, name: str = "flite:slt", dbfs: float = -20.0) -> Samples:
    """Synthesised speech; the level is that of its loud parts."""
    pcm = speech.at_level(speech.say(text, name), dbfs)
    return np.frombuffer(pcm, "<i2").astype(np.float64)


def line(*sounds: Samples, law: bool = True) -> list[bytes]:
    """The sounds one after the other as frames, through G.711 mu-law unless told otherwise."""
    samples = np.concatenate(sounds)
    pcm = samples.round().clip(-32768, 32767).astype("<i2").tobytes()
    if law:
        pcm = decode_ulaw(encode_ulaw(pcm))
    whole = len(pcm) // FRAME_BYTES * FRAME_BYTES
    return [pcm[start : start + FRAME_BYTES] for start in range(0, whole, FRAME_BYTES)]


def sounds_in(frames: Sequence[bytes]) -> tuple[Sound, ...]:
    """What a call's voice activity tells of these frames, when it has heard them all."""
    activity = VoiceActivity()
    for frame in frames:
        activity.is_voice(frame)
    return activity.sounds(Span(0.0, len(frames) * FRAME_SECONDS))
