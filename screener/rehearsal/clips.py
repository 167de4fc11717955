"""Sound files of callers: any that people have -> 20 ms frames of 8 kHz PCM, a piece at a time.

8 kHz WAV (16-bit, 8-bit, G.711) and raw G.711 are read here; all else by ffmpeg, which is asked to
open nothing but that one file and to take it for nothing but a sound. A file may be an hour long
and a stranger's: never more than a piece of it is in memory, and what cannot be heard is said in
one sentence. Sources: Microsoft's RIFF (1991) and mmreg.h for WAV, ITU-T G.711.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np

from screener.core.audio import FRAME_BYTES, RATE, decode_alaw, decode_ulaw
from screener.core.callerid import shown
from screener.errors import ClipError


class Raw(StrEnum):
    """How a file without a header holds its samples: 8000 a second, one channel."""

    ULAW = "ulaw"
    ALAW = "alaw"
    SLIN = "slin"  # 16 bits, signed, little-endian: Asterisk's name for it


SUFFIXES: Mapping[str, Raw] = {
    **dict.fromkeys((".ul", ".ulaw", ".mulaw", ".pcmu"), Raw.ULAW),
    **dict.fromkeys((".al", ".alaw", ".pcma"), Raw.ALAW),
    **dict.fromkeys((".sln", ".slin"), Raw.SLIN),
}
"""What a file without a header is called."""

# Files that say themselves what they hold, whatever --format says of others.
_HEADED = (".wav", ".mp3", ".flac", ".ogg", ".oga", ".opus", ".m4a", ".mp4", ".aac", ".aiff", ".au")
# Bytes that are read in one go: two seconds of a telephone's 16-bit samples.
_PIECE = 32_000
# A WAV has a handful of chunks before its sound; what has more is none.
_CHUNKS = 100
# Seconds that ffprobe may take to say what a file is.
_PATIENCE = 30.0
# What ffmpeg may take a file for. Play lists are not among them: they name other files.
_KINDS = "wav,w64,mp3,flac,ogg,mov,matroska,aac,aiff,au,amr,caf,gsm,ape,wv,asf,tta"
# WAV's codes of codings that telephones use.
_PCM, _ALAW, _ULAW, _EXTENSIBLE = 1, 6, 7, 0xFFFE

_EXPECTED = "expected wav, mp3, flac, ogg, m4a, or raw G.711 (say which by --format)"

Decode = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class _Wav:
    """What the header of a WAV file says. `start` is where its sound begins, in bytes; `length` is
    how much there is; `broken` is whether the header says otherwise."""

    coding: int
    channels: int
    rate: int
    bits: int
    start: int
    length: int
    broken: bool


class Clip(ABC):
    """One sound file. `seconds` is how long it is, None where nobody knows before it is read.

    `form` says what it is ("mp3, 44100 Hz, 2 channels"). `remarks` are sentences about it for
    people; there may be more of them when it has been read. `ended` says that it was once read to
    its end: what a header or ffprobe calls its length may be a guess.
    """

    def __init__(self, path: Path, form: str, seconds: float | None) -> None:
        self.path = path
        self.form = form
        self.seconds = seconds
        self.remarks: list[str] = []
        self.ended = False

    def frames(self) -> Iterator[bytes]:
        """20 ms each, from the beginning; the last one is filled up with silence.

        Raises ClipError when it cannot be read.
        """
        rest = b""
        heard = False
        try:
            for piece in self._pieces():
                rest += piece
                whole = len(rest) - len(rest) % FRAME_BYTES
                yield from (rest[at : at + FRAME_BYTES] for at in range(0, whole, FRAME_BYTES))
                rest = rest[whole:]
                heard = True
        except OSError as error:
            raise ClipError(f"{name(self.path)} cannot be read ({error.strerror})") from None
        if rest:
            yield rest.ljust(FRAME_BYTES, b"\0")
        if not heard:
            raise ClipError(f"{name(self.path)} holds no sound: it is empty")
        self.ended = True

    def remark(self, sentence: str) -> None:
        """Note something that people should know about this file, once."""
        if sentence not in self.remarks:
            self.remarks.append(sentence)

    @abstractmethod
    def _pieces(self) -> Iterator[bytes]:
        """8 kHz mono PCM, a piece at a time, each of whole samples."""


def open_clip(path: Path, raw: Raw | None = None) -> Clip:
    """Look at a sound file; `raw` says how a file without a header holds its samples.

    Raises ClipError with one sentence that names the file where it is none.
    """
    try:
        if path.is_dir():
            raise ClipError(f"{name(path)} is a folder: name the sound files in it")
        if not path.exists():
            raise ClipError(f"{name(path)}: there is no such file")
        if not path.is_file():
            raise ClipError(f"{name(path)} is no file that can be read from its beginning")
        size = path.stat().st_size
        if size == 0:
            raise ClipError(f"{name(path)} holds no sound: it is empty")
        with path.open("rb") as file:
            wav = _wav_header(file, size)
    except OSError as error:
        raise ClipError(f"{name(path)} cannot be read ({error.strerror})") from None
    except ValueError:  # a path with a zero byte in it
        raise ClipError(f"{name(path)}: there is no such file") from None
    suffix = path.suffix.lower()
    raw = SUFFIXES.get(suffix) if raw is None or suffix in _HEADED else raw
    if raw is not None and wav is None:
        return _Plain(path, f"raw {raw}", _RAW[raw], _Wav(0, 1, RATE, _BITS[raw], 0, size, False))
    decode = _decoding(wav) if wav is not None else None
    if wav is not None and decode is not None:
        return _Plain(path, _form("wav", wav.rate, wav.channels), decode, wav)
    return _foreign(path, broken=wav is not None and wav.broken)


def name(path: Path) -> str:
    """A file's name for people: strangers may have named it."""
    return shown(str(path), 200)


# 8 kHz, read here --------------------------------------------------------------------------------


def _as_it_is(data: bytes) -> bytes:
    return data


def _widened(data: bytes) -> bytes:
    """WAV's 8-bit samples, 128 in the middle -> 16-bit."""
    wide = (np.frombuffer(data, np.uint8).astype(np.int16) - 128) * 256
    return wide.astype("<i2").tobytes()


_RAW: Mapping[Raw, Decode] = {Raw.ULAW: decode_ulaw, Raw.ALAW: decode_alaw, Raw.SLIN: _as_it_is}
_BITS = {Raw.ULAW: 8, Raw.ALAW: 8, Raw.SLIN: 16}


def _decoding(wav: _Wav) -> Decode | None:
    """What makes PCM of a telephone's WAV; None for what ffmpeg is to read."""
    if wav.rate != RATE or not 1 <= wav.channels <= 8:
        return None
    codings: dict[tuple[int, int], Decode] = {
        (_PCM, 16): _as_it_is,
        (_PCM, 8): _widened,
        (_ALAW, 8): decode_alaw,
        (_ULAW, 8): decode_ulaw,
    }
    return codings.get((wav.coding, wav.bits))


def _wav_header(file: BinaryIO, size: int) -> _Wav | None:
    """What a WAV file's header says; None for what is no WAV file, or has no sound in it.

    Recorders write last how much sound there is: one that was killed leaves 0 bytes, or all there
    could be, and all that follows is sound.
    """
    riff, _, kind = struct.unpack("<4sI4s", file.read(12).ljust(12, b"\0"))
    if riff != b"RIFF" or kind != b"WAVE":
        return None
    form = b""
    at = 12
    for _ in range(_CHUNKS):
        file.seek(at)
        head = file.read(8)
        if len(head) < 8:
            return None
        chunk, length = struct.unpack("<4sI", head)
        if chunk == b"fmt ":
            form = file.read(min(length, 40))
        if chunk == b"data" and len(form) >= 16:
            there = size - at - 8
            broken = length == 0 or length > there
            coding, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", form)
            if coding == _EXTENSIBLE and len(form) >= 26:
                coding = int.from_bytes(form[24:26], "little")
            there, broken = (there, there > 0) if broken else (length, False)
            return _Wav(coding, channels, rate, bits, at + 8, there, broken)
        at += 8 + length + length % 2
    return None


class _Plain(Clip):
    """8000 samples a second in a coding of telephones."""

    def __init__(self, path: Path, form: str, decode: Decode, wav: _Wav) -> None:
        self._decode = decode
        self._wav = wav
        self._block = wav.channels * wav.bits // 8  # bytes of one moment, all channels
        super().__init__(path, form, wav.length / self._block / RATE)
        if wav.broken:
            self.remark(_BROKEN)
        if wav.channels > 1:
            self.remark(_mixed(wav.channels))

    def _pieces(self) -> Iterator[bytes]:
        left = self._wav.length - self._wav.length % self._block
        with self.path.open("rb") as file:
            file.seek(self._wav.start)
            while left and (data := file.read(min(left, _PIECE // 8 * self._block))):
                left -= len(data)
                pcm = self._decode(data[: len(data) - len(data) % self._block])
                if pcm:
                    yield _mono(pcm, self._wav.channels)


def _mono(pcm: bytes, channels: int) -> bytes:
    if channels == 1:
        return pcm
    apart = np.frombuffer(pcm, "<i2").reshape(-1, channels)
    mixed: bytes = np.rint(apart.mean(axis=1)).astype("<i2").tobytes()
    return mixed


_BROKEN = "its header does not say how long it is; all that follows was heard"


def _mixed(channels: int) -> str:
    return f"its {channels} channels are mixed to one"


def _form(kind: str, rate: int, channels: int) -> str:
    return f"{kind}, {rate} Hz" + (f", {channels} channels" if channels > 1 else "")


# All else, by ffmpeg -----------------------------------------------------------------------------


class _Foreign(Clip):
    """What ffmpeg reads, one process for each time that it is heard."""

    def __init__(
        self, path: Path, form: str, seconds: float | None, options: tuple[str, ...]
    ) -> None:
        super().__init__(path, form, seconds)
        self._options = options

    def _pieces(self) -> Iterator[bytes]:
        form = ("-map", "0:a:0", "-ac", "1", "-ar", str(RATE), "-f", "s16le", "-")
        command = ["ffmpeg", "-v", "error", "-nostdin", *self._options, *_source(self.path), *form]
        with tempfile.TemporaryFile() as said:
            try:
                ffmpeg = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said
                )
            except FileNotFoundError:
                raise ClipError(_no_ffmpeg(self.path)) from None
            assert ffmpeg.stdout is not None  # it was asked for
            try:
                odd = b""
                for data in iter(partial(ffmpeg.stdout.read, _PIECE), b""):
                    odd += data
                    even = len(odd) - len(odd) % 2
                    yield odd[:even]
                    odd = odd[even:]
                if ffmpeg.wait() != 0 or os.fstat(said.fileno()).st_size:
                    self.remark("it is damaged: what could be read of it was heard")
            finally:
                ffmpeg.kill()  # who has heard enough reads no further
                ffmpeg.wait()
                ffmpeg.stdout.close()


def _foreign(path: Path, *, broken: bool) -> Clip:
    """A clip that ffmpeg reads. Raises ClipError when it cannot."""
    told = _probe(path)
    streams = told.get("streams")
    stream = streams[0] if isinstance(streams, list) and streams else None
    if not isinstance(stream, dict):
        raise ClipError(f"{name(path)} is no sound file that can be read: {_EXPECTED}")
    channels, rate = _whole(stream.get("channels")), _whole(stream.get("sample_rate"))
    if not channels or not rate:
        raise ClipError(f"{name(path)} is damaged: nothing says how it is to be heard")
    lengths = told.get("format")
    length = _number(lengths.get("duration")) if isinstance(lengths, dict) else None
    options = ("-ignore_length", "1", "-f", "wav") if broken else ()
    form = _form(shown(str(stream.get("codec_name")), 20), rate, channels)
    clip = _Foreign(path, form, None if broken else length, options)
    if broken:
        clip.remark(_BROKEN)
    if channels > 1:
        clip.remark(_mixed(channels))
    return clip


def _probe(path: Path) -> dict[str, object]:
    """What ffprobe says of a file; nothing where it knows none such."""
    entries = "stream=codec_name,sample_rate,channels:format=duration"
    command = ["ffprobe", "-v", "quiet", *_source(path), "-select_streams", "a:0"]
    try:
        done = subprocess.run(
            [*command, "-show_entries", entries, "-of", "json"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
        told = json.loads(done.stdout)
    except FileNotFoundError:
        raise ClipError(_no_ffmpeg(path)) from None
    except subprocess.TimeoutExpired:
        raise ClipError(f"{name(path)}: ffprobe did not find out what it is") from None
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _source(path: Path) -> tuple[str, ...]:
    """One file, whatever its name looks like, and nothing that it refers to."""
    return ("-protocol_whitelist", "file", "-format_whitelist", _KINDS, "-i", f"file:{path}")


def _no_ffmpeg(path: Path) -> str:
    return f"{name(path)} needs ffmpeg to be heard, which is not installed: apt-get install ffmpeg"


def _whole(value: object) -> int:
    return int(value) if isinstance(value, int | str) and str(value).isdecimal() else 0


def _number(value: object) -> float | None:
    try:
        return float(value) if isinstance(value, str) else None
    except ValueError:
        return None
