"""How fast a message is encoded, and in how much memory, beside ffmpeg by itself.

An hour of a synthesised voice with pauses is made ready for the mail, as the outbox has it done: in
a process of its own, cut, levelled, encoded, tagged. Beside it ffmpeg does nothing but encode the
same file with the same encoder and bit rate. Processor time counts, of all processes together, so
that it does not matter what else runs; memory is that of the largest process at its largest.

    python -m tests.bench.encoding           # an hour, half a minute for each format
    python -m tests.bench.encoding --quick   # ten minutes
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from screener.core.frontdoor import SoundFormat
from screener.core.tags import Tags
from screener.sound.encoding import Order
from screener.sound.recording import SPARING
from tests.calls.speech import SALES_TALK, line_noise, mix, say, seconds_of, silence

TARGET = 100.0
"""Issue 6: times real time on one core."""

HOUR = 3600.0
_FORMATS = ((SoundFormat.MP3, 32000), (SoundFormat.OPUS, 24000))
_ENCODERS = {SoundFormat.MP3: ("libmp3lame", "16000"), SoundFormat.OPUS: ("libopus", "8000")}
_SHORT = 60.0


@dataclass(frozen=True, slots=True)
class Encoded:
    """One format. `ours` and `bare` are how many times real time screener and ffmpeg alone do on
    one core; memory is in MB (10^6), for a minute of sound and for all of `seconds`."""

    form: str
    bits: int
    seconds: float
    ours: float
    bare: float
    minute_mb: float
    whole_mb: float


def encodings(seconds: float) -> tuple[Encoded, ...]:
    """Measure each format on so much sound."""
    with tempfile.TemporaryDirectory(prefix="screener-bench-") as scratch:
        folder = Path(scratch)
        _speak(folder / "minute.wav", _SHORT)
        _speak(folder / "whole.wav", seconds)
        return tuple(_measured(folder, form, bits, seconds) for form, bits in _FORMATS)


def _measured(folder: Path, form: SoundFormat, bits: int, seconds: float) -> Encoded:
    _, minute = _ours(folder, "minute.wav", form, bits)
    cpu, whole = _ours(folder, "whole.wav", form, bits)
    encoder, rate = _ENCODERS[form]
    bare, _ = _used(
        (
            *("ffmpeg", "-v", "error", "-nostdin", "-y", "-threads", "1"),
            *("-i", str(folder / "whole.wav"), "-ac", "1", "-ar", rate),
            *("-c:a", encoder, "-b:a", str(bits), str(folder / f"bare.{form}")),
        )
    )
    return Encoded(form, bits, seconds, seconds / cpu, seconds / bare, minute, whole)


def _ours(folder: Path, audio: str, form: SoundFormat, bits: int) -> tuple[float, float]:
    into = tempfile.mkdtemp(dir=folder)
    order = Order(audio, Path(into).name, form, bits, Tags())
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        command = (
            sys.executable,
            "-m",
            "screener.sound.encoding",
            str(descriptor),
            order.as_json(),
        )
        return _used(command, descriptor)
    finally:
        os.close(descriptor)


def _used(command: Sequence[str], *descriptors: int) -> tuple[float, float]:
    """Run a program: the processor time that it and its own took, and their largest memory."""
    process = subprocess.Popen(command, pass_fds=descriptors, env={**os.environ, **SPARING})
    _, status, use = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise OSError(f"{command[0]} ended with status {process.returncode}")
    return use.ru_utime + use.ru_stime, use.ru_maxrss * 1024 / 1e6


def _speak(path: Path, seconds: float) -> None:
    """A voice on a line, again and again."""
    said = say(SALES_TALK) + silence(1.5)
    said = mix(said, line_noise(seconds_of(said), -60))
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        left = round(seconds * 16000)
        while left > 0:
            file.writeframesraw(said[:left])
            left -= len(said)


def told(found: Sequence[Encoded]) -> str:
    """The figures in lines for people."""
    return "\n".join(
        f"{each.form} {each.bits // 1000}k, {each.seconds / 60:.0f} min: {each.ours:.0f} times real"
        f" time on one core (target {TARGET:g}), ffmpeg alone {each.bare:.0f}; memory"
        f" {each.minute_mb:.1f} MB for a minute, {each.whole_mb:.1f} MB for all of it"
        for each in found
    )


if __name__ == "__main__":
    print(told(encodings(600.0 if "--quick" in sys.argv else HOUR)))
