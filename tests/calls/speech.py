"""What callers say: speech synthesised on the spot, real recordings, line noise.

Sound is PCM everywhere: bytes, 16 bit little-endian, 8000 Hz, mono. Levels are RMS in dBFS.
The real recordings lie beside the repository in ../shared/data/speech; they are not part of it,
and `robocalls()` and `human_digits()` say so and fall back on synthesised speech when away.
"""

from __future__ import annotations

import array
import audioop
import csv
import io
import math
import random
import shutil
import subprocess
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

Samples: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

RATE = 8000
RECORDINGS = Path(__file__).resolve().parents[3] / "shared" / "data" / "speech"
SPEECH_DBFS = -20.0
"""The level of ordinary telephone speech while it lasts."""

SALES_TALK = (
    "Hello. This is an important message about your car warranty. Our records show that it is "
    "about to expire. This is your final notice before we close your file. To speak with an agent "
    "and keep your coverage, press one now. To be removed from our list, press two. "
    "Again, to speak with an agent about your office or home warranty, press one now."
)


class SpeechError(RuntimeError):
    """No speech synthesiser is installed, or it does not know the voice."""


def silence(seconds: float) -> bytes:
    return b"\x00\x00" * round(seconds * RATE)


def seconds_of(pcm: bytes) -> float:
    return len(pcm) / (2 * RATE)


def level_dbfs(pcm: bytes) -> float:
    """RMS level; -120 for digital silence."""
    rms = audioop.rms(pcm, 2) if pcm else 0
    return 20 * math.log10(rms / 32768) if rms else -120.0


def change_level(pcm: bytes, decibels: float) -> bytes:
    """Louder or softer by so many dB; clips at full scale."""
    return audioop.mul(pcm, 2, 10 ** (decibels / 20))


def at_level(pcm: bytes, dbfs: float = SPEECH_DBFS) -> bytes:
    """The same sound, its loud frames (20 ms, within 20 dB of the loudest) at this level."""
    frames = [pcm[i : i + 320] for i in range(0, len(pcm) - 319, 320)]
    powers = [audioop.rms(frame, 2) ** 2 for frame in frames]
    loud = [power for power in powers if power > max(powers, default=0) / 100]
    if not loud:
        return pcm
    now = 10 * math.log10(sum(loud) / len(loud) / 32768**2)
    return change_level(pcm, dbfs - now)


def mix(one: bytes, other: bytes) -> bytes:
    """Both at once, as long as the longer one."""
    length = max(len(one), len(other))
    return audioop.add(one.ljust(length, b"\x00"), other.ljust(length, b"\x00"), 2)


@lru_cache(maxsize=32)
def line_noise(seconds: float, dbfs: float) -> bytes:
    """White noise of this level, the same at every call."""
    source = random.Random(8000)
    sigma = 32768 * 10 ** (dbfs / 20)
    samples = (
        max(-32768, min(32767, round(source.gauss(0.0, sigma))))
        for _ in range(round(seconds * RATE))
    )
    return array.array("h", samples).tobytes()


def tone(hertz: float, seconds: float, dbfs: float = -16.0) -> bytes:
    """A sine tone."""
    peak = 32767 * math.sqrt(2) * 10 ** (dbfs / 20)
    step = 2 * math.pi * hertz / RATE
    return array.array(
        "h", (round(peak * math.sin(step * n)) for n in range(round(seconds * RATE)))
    ).tobytes()


def ulaw(pcm: bytes) -> bytes:
    """G.711 mu-law, one byte a sample."""
    return audioop.lin2ulaw(pcm, 2)


def decode(sound: bytes) -> bytes:
    """Any sound file's content (WAV, MP3, ...) as our PCM, by ffmpeg; ValueError if it is none."""
    command = ["ffmpeg", "-v", "error", "-i", "pipe:0", "-f", "s16le", "-ac", "1"]
    done = subprocess.run(
        [*command, "-ar", str(RATE), "pipe:1"], input=sound, capture_output=True, check=False
    )
    if done.returncode or not done.stdout:
        raise ValueError(f"ffmpeg cannot decode this: {done.stderr.decode(errors='replace')}")
    return done.stdout


def read(path: Path) -> bytes:
    """The sound in a WAV file."""
    with wave.open(str(path)) as sound:
        frames: bytes = sound.readframes(sound.getnframes())
    return frames


def wav(pcm: bytes) -> bytes:
    """The content of a WAV file."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(pcm)
    return content.getvalue()


@lru_cache(maxsize=256)
def say(text: str, voice: str = "flite:awb") -> bytes:
    """`text` spoken at telephone level; voice is "flite:awb", "espeak-ng:en-us", ..."""
    program, _, name = voice.rpartition(":")
    program = program or "flite"
    if shutil.which(program) is None:
        raise SpeechError(f"{program} is not installed: no caller can speak with its voice")
    if program == "flite":
        command = ["flite", "-voice", name, "-t", text, "-o", "/dev/stdout"]
    else:
        command = [program, "-v", name, "--stdout", text]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode or not done.stdout:
        raise SpeechError(
            f"{program} did not speak: {done.stderr.decode(errors='replace').strip()}"
        )
    return at_level(trimmed(decode(done.stdout)))


def trimmed(pcm: bytes, below: float = -50.0) -> bytes:
    """Without the silent frames at both ends."""
    frames = [pcm[i : i + 320] for i in range(0, len(pcm), 320)]
    loud = [n for n, frame in enumerate(frames) if level_dbfs(frame) > below]
    return b"".join(frames[loud[0] : loud[-1] + 1]) if loud else pcm


@dataclass(frozen=True, slots=True)
class Recording:
    """A real or synthesised clip: label is robocall, human, recorded-prompt or non-speech."""

    name: str
    label: str
    kind: str
    transcript: str
    seconds: float
    path: Path | None
    spoken: bytes = b""

    def pcm(self) -> bytes:
        return decode(self.path.read_bytes()) if self.path else self.spoken


def recordings() -> list[Recording]:
    """All clips of ../shared/data/speech; none when that folder is away."""
    manifest = RECORDINGS / "manifest.csv"
    if not manifest.exists():
        return []
    rows = csv.DictReader(io.StringIO(manifest.read_text(encoding="utf-8")))
    return [
        Recording(
            Path(row["file"]).stem,
            row["label"],
            row["kind"],
            row["transcript"],
            float(row["duration_s"]),
            RECORDINGS / row["file"],
        )
        for row in rows
    ]


def robocalls(kind: str = "robocall-real") -> list[Recording]:
    """Real recorded sales calls; where they are away, one synthesised on the spot."""
    real = [clip for clip in recordings() if clip.kind == kind]
    if real:
        return real
    spoken = say(SALES_TALK, "flite:slt")
    return [
        Recording(
            "synthesised sales talk",
            "robocall",
            "robocall-tts",
            SALES_TALK,
            seconds_of(spoken),
            None,
            spoken,
        )
    ]


def whence() -> str:
    """Where callers' speech comes from, in one line for a header."""
    count = len(recordings())
    if count:
        return f"{count} recordings of ../shared/data/speech"
    return "synthesised only (../shared/data/speech is away)"


DIGIT_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def spoken_digits(digit: int) -> list[Recording]:
    """People saying one digit; where the recordings are away, one synthesised on the spot."""
    word = DIGIT_WORDS[digit]
    real = [clip for clip in recordings() if clip.kind == "human-digit"]
    said = [clip for clip in real if f"_{word}_" in clip.name or f"_{digit}_" in clip.name]
    if said:
        return said
    spoken = say(word, "flite:rms")
    return [
        Recording(
            f"synthesised {word}", "human", "synthesised", word, seconds_of(spoken), None, spoken
        )
    ]


def likeness(heard: bytes, said: bytes) -> float:
    """How much of `said` is in `heard`: the squared correlation where it fits best, 0 to 1.

    Taken piece by piece (0.4 s), so that a frame lost or late in one piece does not spoil the
    others; a piece that was cut off, up to half a second, counts by what is left of it.
    """
    # Not digital silence: nothing could be measured against it.
    around = line_noise(0.5, -85.0)
    padded = np.frombuffer(around + heard + around, "<i2").astype(np.float64)
    size = 2 * round(0.4 * RATE)
    pieces = [said[at : at + size] for at in range(0, len(said), size)]
    powers = [audioop.rms(piece, 2) ** 2 * len(piece) for piece in pieces]
    fits = _fits(padded, [np.frombuffer(piece, "<i2").astype(np.float64) for piece in pieces])
    total = sum(powers)
    return sum(p * fit for p, fit in zip(powers, fits, strict=True)) / total if total else 0.0


def _fits(heard: Samples, pieces: Sequence[Samples]) -> list[float]:
    """Of each piece the squared correlation with that stretch of `heard` where it is greatest."""
    length = 1 << (len(heard) + max(map(len, pieces), default=0)).bit_length()
    spectrum = np.fft.rfft(heard, length)
    energies = np.concatenate(([0.0], np.cumsum(heard**2)))
    fits = []
    for piece in pieces:
        places = len(heard) - len(piece) + 1
        product = np.fft.irfft(spectrum * np.fft.rfft(piece, length).conj(), length)[:places]
        energy = (energies[len(piece) :] - energies[:places]) * (piece @ piece)
        squared = np.divide(product**2, energy, out=np.zeros(places), where=energy > 0.0)
        fits.append(min(1.0, float(squared.max())))
    return fits
