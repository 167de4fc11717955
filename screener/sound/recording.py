"""A message's sound in its folder: kept there to stay, and made ready to be mailed.

`audio.wav` is the recording as it was made, with a header that tells the truth. What is mailed of
it is made when it is first asked for, by encoding.py in a process of its own:

    message-32k.mp3             all of it (message-24k.opus, message.wav)
    message-32k-400000.mp3/     1.mp3, 2.mp3 ...: in parts of at most so many bytes

Each is there whole or not at all: it is made under another name, brought to the disk, then renamed.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import struct
import subprocess
import sys
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mutagen import MutagenError

from screener import replacement
from screener.core import delivery
from screener.core import tags as tagged
from screener.core.frontdoor import SoundFormat
from screener.core.letter import Letter
from screener.core.tags import Tags
from screener.errors import EncodingError, MessageError, OutboxError
from screener.sound import tagging
from screener.sound.encoding import Order

# Another file system, or one that knows no second names.
_NO_LINKS = frozenset({errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS})
_MAKING = "encoding.part"
SPARING = {"OPENBLAS_NUM_THREADS": "1"}
"""In the environment of whoever gives way: numpy's threads would spin on the other cores."""

# An encoder that takes longer than this (seconds, and as a share of the sound's) hangs.
_PATIENCE, _SLOWEST = 60.0, 0.5
_HEADER = 44  # bytes of a WAV file in which nothing is


def keep(audio: Path | BinaryIO, folder: Path, *, link: bool = False) -> None:
    """Copy a WAV file to audio.wav, durably, a piece at a time: it may last an hour.

    With `link`, the file at a path becomes audio.wav itself, under a second name: nobody may write
    to it any more. Raises OSError, and OutboxError for what is not a WAV file.
    """
    part = folder / "audio.part"
    if link and isinstance(audio, Path) and _linked(audio, part):
        mend(part, durably=True)
        part.rename(folder / "audio.wav")
        return
    with contextlib.ExitStack() as opened:
        source = opened.enter_context(audio.open("rb")) if isinstance(audio, Path) else audio
        copy = opened.enter_context(part.open("w+b"))
        shutil.copyfileobj(source, copy, 1 << 18)
        _mend_header(copy)
        copy.flush()
        os.fsync(copy.fileno())
    part.rename(folder / "audio.wav")


def _linked(audio: Path, part: Path) -> bool:
    """Give a file a second name, if its file system can."""
    try:
        part.hardlink_to(audio)
    except OSError as error:
        if error.errno in _NO_LINKS:
            return False
        raise
    return True


def _mend_header(file: BinaryIO) -> None:
    """Make a WAV header tell how much sound there is.

    Recorders write that last (Asterisk's format_wav too), so a recording that outlived its recorder
    says "0 bytes", and all of it follows. Raises OutboxError for what is not a WAV file.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    riff, _, kind = struct.unpack("<4sI4s", file.read(12).ljust(12, b"\0"))
    at = 12
    while riff == b"RIFF" and kind == b"WAVE" and at + 8 <= size:
        file.seek(at)
        chunk, length = struct.unpack("<4sI", file.read(8))
        if chunk == b"data":
            there = size - at - 8
            if length == 0 or length > there:
                file.seek(4)
                file.write(struct.pack("<I", size - 8))
                file.seek(at + 4)
                file.write(struct.pack("<I", there))
            return
        at += 8 + length + length % 2
    raise OutboxError("the recording is not a WAV file, so it cannot be kept as a message.")


def mend(path: Path, *, durably: bool = False) -> None:
    """Mend the header of a WAV file whose recorder was killed. Raises OSError and OutboxError."""
    with path.open("r+b") as file:
        _mend_header(file)
        if durably:
            file.flush()
            os.fsync(file.fileno())


@dataclass(frozen=True, slots=True)
class Encoded:
    """A message's sound as it is mailed: a file that stays in the message's folder.

    `form` may be another than was asked for, and `remark` is then a sentence that says why.
    `seconds` is how long it plays, `size` its bytes: never 0.
    """

    path: Path
    form: SoundFormat
    bits: int
    seconds: float
    size: int
    remark: str = ""


def encoded(folder: Path, form: SoundFormat, bits: int) -> Encoded:
    """The message's sound in a format, at so many bits a second; made once.

    Takes up to half a minute for an hour of sound: call it in a thread. Where it cannot be encoded,
    it is the recording as it was made. Raises MessageError where there is no sound at all, and
    OSError where the folder cannot be read (FileNotFoundError: it was moved on meanwhile).
    """
    name = f"{_stem(form, bits)}.{form}"
    seconds = _seconds(folder / "audio.wav")
    try:
        with _alone(folder) as descriptor:
            if not _is_whole(folder / name, form):
                order = Order("audio.wav", _MAKING, form, bits, _tags(folder))
                _make(descriptor, order, seconds)
                _name(descriptor, f"{_MAKING}/1.{form}", name)
        return _found(folder / name, form, bits)
    except (OSError, MutagenError, EncodingError) as error:
        plain = folder / "audio.wav"
        size = plain.stat().st_size
        return Encoded(plain, SoundFormat.WAV, bits, seconds, size, _remark(form, error))


def made(folder: Path, form: SoundFormat, bits: int) -> Encoded | None:
    """What `encoded` has made already; None where it would have to encode. It takes no time.

    Raises OSError as `encoded` does.
    """
    path = folder / f"{_stem(form, bits)}.{form}"
    try:
        return _found(path, form, bits)
    except (FileNotFoundError, MutagenError):
        return None


def parts(folder: Path, form: SoundFormat, bits: int, largest: int) -> list[Encoded]:
    """The same in parts of at most `largest` bytes, split where it is quiet if it can be; made
    once. One part where it is no larger. Raises as `encoded` does, and EncodingError where so few
    bytes hold no sound."""
    whole = encoded(folder, form, bits)
    if whole.size <= largest:
        return [whole]
    seconds = _seconds(folder / "audio.wav")
    name = f"{_stem(whole.form, bits)}-{largest}.{whole.form}"
    plain = bool(whole.remark)
    with _alone(folder) as descriptor:
        if not (folder / name).exists():
            tags = _tags(folder)
            order = Order("audio.wav", _MAKING, whole.form, bits, tags, largest, plain)
            _make(descriptor, order, seconds)
            replacement.to_disk(folder / _MAKING)
            _name(descriptor, _MAKING, name)
    files = sorted((folder / name).iterdir(), key=lambda file: int(file.stem))
    return [_found(file, whole.form, bits, whole.remark) for file in files]


def _stem(form: SoundFormat, bits: int) -> str:
    return "message" if form is SoundFormat.WAV else f"message-{bits / 1000:g}k"


def _is_whole(path: Path, form: SoundFormat) -> bool:
    """Whether a file was made before, and holds sound."""
    try:
        return path.stat().st_size > 0 and tagging.seconds(path, form) > 0
    except (OSError, MutagenError):
        return False


def _found(path: Path, form: SoundFormat, bits: int, remark: str = "") -> Encoded:
    size = path.stat().st_size
    return Encoded(path, form, bits, tagging.seconds(path, form), size, remark)


def _remark(form: SoundFormat, error: Exception) -> str:
    reason = str(error).strip().splitlines() or [type(error).__name__]
    if form is SoundFormat.WAV:
        return f"It is as it was recorded because ffmpeg could not even it out: {reason[0]}"
    return f"It is a WAV file because ffmpeg could make no {form.upper()} of it: {reason[0]}"


def _seconds(audio: Path) -> float:
    """How long a recording is; 0 where only ffmpeg may know. Raises OSError, and MessageError where
    nothing is in it."""
    try:
        with wave.open(str(audio)) as sound:
            frames, rate = sound.getnframes(), sound.getframerate()
    except (wave.Error, EOFError):  # not of samples as they are (G.711): it is mailed as it is
        frames, rate = 0, 1
        if audio.stat().st_size > _HEADER:
            return 0.0
    if not frames:
        raise MessageError(
            f"the message {audio.parent.name} holds no sound: nothing can be mailed."
        )
    return float(frames / rate)


def _tags(folder: Path) -> Tags:
    """What letter.json says of the message."""
    try:
        text = (folder / "letter.json").read_text(encoding="ascii")
        letter = delivery.from_json(folder.name, text).letter
    except (OSError, ValueError, KeyError, TypeError):  # it is mailed without them
        return Tags()
    if not isinstance(letter, Letter):
        return Tags()
    zone = None
    with contextlib.suppress(ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo(letter.zone) if letter.zone else None
    return tagged.of(letter, zone)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[int]:
    """Hold a message's folder, that nobody else encodes there; a descriptor of it. What an encoder
    left that was killed goes, and what is left when it fails."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        shutil.rmtree(_MAKING, ignore_errors=True, dir_fd=descriptor)
        try:
            yield descriptor
        finally:
            shutil.rmtree(_MAKING, ignore_errors=True, dir_fd=descriptor)
    finally:
        os.close(descriptor)


def _make(descriptor: int, order: Order, seconds: float) -> None:
    """Carry out an order in a process of its own: one that gives way to the calls, and whose memory
    is its own. Raises OSError and EncodingError."""
    os.mkdir(_MAKING, dir_fd=descriptor)
    program = [sys.executable, "-W", "ignore", "-m", "screener.sound.encoding"]
    try:
        encoding = subprocess.run(
            [*program, str(descriptor), order.as_json()],
            pass_fds=(descriptor,),
            env={**os.environ, **SPARING},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE + _SLOWEST * seconds,
        )
    except subprocess.TimeoutExpired as error:
        raise EncodingError(f"it was not done after {error.timeout:.0f} s") from None
    if encoding.returncode != 0:
        raise EncodingError(encoding.stderr)


def _name(descriptor: int, made: str, name: str) -> None:
    """Give what was made its name, durably."""
    os.rename(made, name, src_dir_fd=descriptor, dst_dir_fd=descriptor)
    os.fsync(descriptor)
