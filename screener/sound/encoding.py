"""A recording made ready for a podcast player: cut, levelled, encoded, tagged.

A program of its own: `python -m screener.sound.encoding` reads an order (JSON) and works in the
folder whose open descriptor it was given, so that the folder may be moved meanwhile. It gives way
to calls, it ends with who started it, and its memory does not grow with the recording: pieces of
some seconds go through pydub into ffmpeg, which raises, limits and encodes. Before that,
core/survey.py hears it through. (ffmpeg's own filter for EBU R 128, loudnorm, does 35 times real
time, and raises quiet places more than loud ones; here one gain holds for all of a message.)
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import wave
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from mutagen import MutagenError
from pydub import AudioSegment

from screener.core import mastering
from screener.core.frontdoor import SoundFormat
from screener.core.mastering import CEILING, Master, Stretch
from screener.core.survey import Heard, Survey
from screener.core.tags import Tags
from screener.errors import EncodingError
from screener.sound import tagging

_GIVE_WAY = 10  # how much less of the processor the encoder asks for than calls (nice)
# Seconds of sound at a time: so many that numpy's transform, with the second that is heard again,
# is of a power of two.
_PIECE = 14
_FADE = 8  # ms: where it is cut, nothing clicks
_LEAST = 0.25  # seconds
_RATE = 16000  # Hz: the lowest that plain MPEG-2 Layer III has (ISO 13818-3)
_ATTACK = 3.0625  # ms: alimiter delays by a sample less, which is a whole number at 8 kHz, too
_SHORTER = 0.85  # what is left of a part's length each time that it came out too large
_TRIES = 6
_COMPLETE = 0.99  # the least share of the sound that is there when all is

# libopus at its best effort, for speech only, does 75 times real time on one core; so 300, and
# telephone sound is as clear.
_CODECS = {
    SoundFormat.MP3: ("-f", "mp3", "-c:a", "libmp3lame", "-ar", str(_RATE)),
    SoundFormat.OPUS: (
        *("-f", "opus", "-c:a", "libopus", "-application", "audio"),
        *("-compression_level", "4", "-vbr", "constrained"),
    ),
    SoundFormat.WAV: ("-f", "wav", "-c:a", "pcm_s16le"),
}


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be made of `audio`: files 1.mp3, 2.mp3 ... in the folder `into`, both as named
    from the folder that the descriptor stands for. `largest` is how many bytes each has at most
    (0: all of it in one). `plain`: only cut, into WAV, where ffmpeg fails."""

    audio: str
    into: str
    form: SoundFormat
    bits: int
    tags: Tags
    largest: int = 0
    plain: bool = False

    def as_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Order:
        data = json.loads(text)
        return cls(**{**data, "form": SoundFormat(data["form"]), "tags": Tags(**data["tags"])})


def main(descriptor: int, order: Order) -> None:
    """Carry out an order. Raises OSError, EncodingError, MutagenError and wave.Error."""
    os.nice(_GIVE_WAY)
    end_with_parent()
    os.fchdir(descriptor)
    audio, into = Path(order.audio), Path(order.into)
    heard = survey(audio)
    if not len(heard.levels):
        raise EncodingError("there is no sound in it")
    whole = Stretch(0.0, heard.seconds)
    done = Master(whole, 0.0) if order.plain else mastering.master(heard)
    overhead = len(tagging.cover()) * 3 // 2 + 8192  # a picture in Opus is base64
    bits = _bits(order, audio)
    longest = (order.largest - overhead) * 8 / bits if order.largest else done.kept.seconds
    for _ in range(_TRIES):
        if order.largest and longest < 1:
            break
        stretches = mastering.cuts(heard.levels, done.kept, longest)
        titles = [order.tags.of(n, len(stretches)) for n in range(1, len(stretches) + 1)]
        titles = titles if order.largest else [order.tags]
        files = [
            _make(replace(order, tags=tags), stretch, done.gain, into / f"{n}.{order.form}")
            for n, (tags, stretch) in enumerate(zip(titles, stretches, strict=True), start=1)
        ]
        if not order.largest or all(file.stat().st_size <= order.largest for file in files):
            return
        for file in into.iterdir():
            file.unlink()
        longest *= _SHORTER
    raise EncodingError(f"its parts would have less than a second in {order.largest} bytes each")


def survey(audio: Path) -> Heard:
    """Hear a WAV file through. Raises OSError, EOFError and wave.Error."""
    with wave.open(str(audio)) as sound:
        listener = Survey(sound.getframerate())
        for piece in pieces(sound, Stretch(0.0, sound.getnframes() / sound.getframerate())):
            listener.hear(piece.raw_data)
        return listener.heard()


def pieces(sound: wave.Wave_read, stretch: Stretch) -> Iterator[AudioSegment]:
    """A stretch of a recording as 16-bit mono, some seconds at a time."""
    rate = sound.getframerate()
    sound.setpos(min(sound.getnframes(), round(stretch.start * rate)))
    left = round(stretch.end * rate) - sound.tell()
    width, channels = sound.getsampwidth(), sound.getnchannels()
    while left > 0:
        data = sound.readframes(min(left, _PIECE * rate))
        data = data[: len(data) // (width * channels) * width * channels]  # it was cut short
        if not data:
            return
        left -= len(data) // (width * channels)
        piece = AudioSegment(data, sample_width=width, frame_rate=rate, channels=channels)
        yield piece.set_sample_width(2).set_channels(1)


def _bits(order: Order, audio: Path) -> float:
    """Bits that a second takes at most."""
    if order.form is not SoundFormat.WAV:
        return order.bits * 1.02  # pages and headers
    with wave.open(str(audio)) as sound:
        return 16.0 * float(sound.getframerate())


def _make(order: Order, stretch: Stretch, gain: float, path: Path) -> Path:
    """One file, whole, tagged and on the disk."""
    with wave.open(order.audio) as sound:
        rate = sound.getframerate()
        pcm = _faded(pieces(sound, stretch))
        if order.plain:
            _write_plainly(path, rate, pcm)
        else:
            _encode(path, order, rate, gain, pcm)
    _check(path, order, rate, stretch.seconds)
    tagging.tag(path, order.form, order.tags)
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    return path


def _faded(pieces: Iterator[AudioSegment]) -> Iterator[bytes]:
    """Their PCM; the first one fades in, the last one out. A moment is made longer with silence:
    players need some frames of an MP3 to know it for one."""
    before: AudioSegment | None = None
    said = 0
    for piece in pieces:
        if before is not None:
            said += len(before.raw_data)
            yield before.raw_data
        before = piece if before is not None else piece.fade_in(_FADE)
    if before is not None:
        least = round(_LEAST * before.frame_rate) * 2
        yield before.fade_out(_FADE).raw_data.ljust(least - said, b"\0")


def _encode(path: Path, order: Order, rate: int, gain: float, pcm: Iterator[bytes]) -> None:
    """Have ffmpeg make a file of PCM as it comes. Raises OSError and EncodingError."""
    level = 10 ** (CEILING / 20)
    limited = f"alimiter=limit={level:.4f}:level=false:attack={_ATTACK}:release=60"
    filters = f"volume={gain:.2f}dB:precision=float,aresample={_RATE},{limited}"
    # What has no more than telephone's 4 kHz is not encoded as if it had.
    resampled = () if order.form is SoundFormat.MP3 else ("-ar", str(min(rate, _RATE)))
    bits = () if order.form is SoundFormat.WAV else ("-b:a", str(order.bits))
    command = (
        *("ffmpeg", "-v", "error", "-y", "-threads", "1"),
        *("-f", "s16le", "-ar", str(rate), "-ac", "1", "-i", "pipe:0"),
        *("-af", filters, "-map_metadata", "-1", "-ac", "1"),
        *(*_CODECS[order.form], *resampled, *bits, str(path)),
    )
    said = path.with_suffix(".txt")
    with said.open("wb") as errors:
        ffmpeg = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=errors
        )
        assert ffmpeg.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has said why
            for piece in pcm:
                ffmpeg.stdin.write(piece)
            ffmpeg.stdin.close()
        status = ffmpeg.wait()
    told = said.read_text(encoding="utf-8", errors="replace").strip()
    said.unlink()
    if status:
        raise EncodingError(told.partition("\n")[0] or _ended(status))


def _ended(status: int) -> str:
    """How an ffmpeg ended that has not said why."""
    if status == -signal.SIGXFSZ:
        return "ffmpeg was stopped, as its file was too large: is the disk full?"
    if status < 0:
        return f"ffmpeg was killed by signal {-status}"
    return f"ffmpeg ended with status {status}"


def _write_plainly(path: Path, rate: int, pcm: Iterator[bytes]) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        for piece in pcm:
            file.writeframesraw(piece)


def _check(path: Path, order: Order, rate: int, seconds: float) -> None:
    """Whether all of the sound is there: an ffmpeg that stopped halfway may say that all is well.

    Raises EncodingError, OSError and MutagenError.
    """
    size = path.stat().st_size if path.exists() else 0
    if order.form is SoundFormat.OPUS and size:  # how many bytes a second takes, varies
        there = tagging.seconds(path, order.form) / seconds
    else:
        per_second = order.bits / 8 if order.form is SoundFormat.MP3 else 2 * min(rate, _RATE)
        there = size / (per_second * seconds)
    if there < _COMPLETE or not size:
        name = order.form.upper()
        raise EncodingError(f"the {name} came out shorter than the recording")


def end_with_parent() -> None:
    """Be killed when who started us is (prctl(2)): nobody would take what we make."""
    death = 1  # PR_SET_PDEATHSIG
    ctypes.CDLL(None).prctl(death, signal.SIGKILL, 0, 0, 0)


def run(arguments: Sequence[str]) -> str:
    """The program; what went wrong, "" for nothing."""
    try:
        main(int(arguments[0]), Order.from_json(arguments[1]))
    except (OSError, EOFError, wave.Error, MutagenError, EncodingError) as failed:
        return str(failed).partition("\n")[0] or type(failed).__name__
    return ""


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]) or 0)
