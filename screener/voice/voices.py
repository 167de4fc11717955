"""Speech synthesis and sound files: a text or any recording -> 16-bit mono PCM at 8 kHz -> a WAV.

The work is done by programs that Debian has: flite (English), espeak-ng (a hundred languages), and
ffmpeg, which reads whatever recording an owner may have.
"""

from __future__ import annotations

import functools
import io
import subprocess
import tempfile
import wave
from pathlib import Path

import numpy as np

from screener import replacement
from screener.core.loudness import RATE
from screener.errors import PromptMissing

LONGEST = 120
"""Seconds of a recording; no prompt is longer."""

_PATIENCE = 60.0
_WORDS_A_MINUTE = "155"  # of espeak-ng, whose own 175 are a little fast over a telephone


def speak(text: str, voice: str) -> bytes:
    """Speak a text; returns 16-bit little-endian mono PCM at 8 kHz.

    `voice` is "program:voice". Raises `PromptMissing` when the program or the voice is not there.
    """
    program, _, name = voice.partition(":")
    with tempfile.TemporaryDirectory(prefix="screener-") as folder:
        said, sound = Path(folder, "text"), Path(folder, "sound.wav")
        said.write_text(text, encoding="utf-8")
        if program == "flite":
            _check_flite(name)
            run(["flite", "-voice", name, "-f", str(said), "-o", str(sound)], "speak")
        else:
            pace = ["-s", _WORDS_A_MINUTE]
            run(["espeak-ng", "-v", name, *pace, "-f", str(said), "-w", str(sound)], "speak")
        try:
            return _at_our_rate(sound)
        except (EOFError, OSError, wave.Error):  # a full disk, of which it may say nothing
            raise PromptMissing(f"{program} wrote no whole sound: is the disk full?") from None


def _at_our_rate(path: Path) -> bytes:
    """A synthesiser's WAV (16-bit mono) at 8 kHz: what is higher than 4 kHz is cut off. ffmpeg does
    it as well, and takes longer to start than flite to speak."""
    with wave.open(str(path), "rb") as sound:
        rate = sound.getframerate()
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2").astype(np.float64)
    count = round(len(samples) * RATE / rate)
    spectrum = np.fft.rfft(samples)[: count // 2 + 1]
    resampled = np.fft.irfft(spectrum, count) * (count / max(1, len(samples)))
    return resampled.round().clip(-32768, 32767).astype("<i2").tobytes()


@functools.cache
def _check_flite(voice: str) -> None:
    """Flite takes another voice without a word where it does not know the one asked for."""
    listed = run(["flite", "-lv"], "list its voices").decode(errors="replace")
    voices = listed.partition(":")[2].split()
    if voice not in voices:
        there = ", ".join(sorted(voices))
        raise PromptMissing(f'speech.voice: flite has no voice "{voice}"; it has {there}')


def decode(path: Path) -> bytes:
    """Any recording as 16-bit little-endian mono PCM at 8 kHz; of one that is too long, a second
    more than `LONGEST`."""
    form = ["-map", "0:a:0", "-ac", "1", "-ar", str(RATE), "-f", "s16le", "-"]
    limit = ["-t", str(LONGEST + 1)]
    source = ["ffmpeg", "-v", "error", "-nostdin", "-i", f"file:{path}"]
    return run([*source, *limit, *form], f"read {path}")


def run(command: list[str], doing: str) -> bytes:
    """Run a program to its end; returns what it wrote. Raises PromptMissing."""
    program = command[0]
    try:
        done = subprocess.run(
            command, capture_output=True, check=True, timeout=_PATIENCE, stdin=subprocess.DEVNULL
        )
    except FileNotFoundError:
        raise PromptMissing(f"{program} is not installed: apt-get install {program}") from None
    except subprocess.TimeoutExpired:
        raise PromptMissing(f"{program} did not {doing} within {_PATIENCE:g} seconds") from None
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().splitlines()
        reason = said[-1] if said else "it gave no reason"
        raise PromptMissing(f"{program} could not {doing}: {reason}") from None
    return done.stdout


def write(path: Path, pcm: bytes, *, durable: bool = False) -> None:
    """Write a WAV so that it is there whole or not at all; `durable`: after a power cut, too.

    Raises OSError.
    """
    content = io.BytesIO()
    with wave.open(content, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes(pcm)
    replacement.write(path, content.getvalue(), durable=durable, shared=True)
