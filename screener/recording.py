"""A message's sound in its folder: copied there to stay, and made small enough to be mailed.

`audio.wav` is the recording as it was made, with a header that tells the truth; `message.mp3` is
made of it when it is first mailed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import wave
from pathlib import Path
from typing import BinaryIO

from pydub import AudioSegment
from pydub.exceptions import CouldntDecodeError, CouldntEncodeError

from screener.core.letter import SoundFormat
from screener.errors import OutboxError

MP3_RATE = 16000  # Hz: the lowest that plain MPEG-2 Layer III has (ISO 13818-3)
MP3_BITS = 32000  # bits a second, constant
_GIVE_WAY = 10  # how much less of the processor the encoder asks for than calls (nice)


def keep(audio: Path | BinaryIO, folder: Path) -> None:
    """Copy a WAV file to audio.wav, durably, a piece at a time: it may last an hour.

    Raises OSError, and OutboxError for what is not a WAV file.
    """
    part = folder / "audio.part"
    with contextlib.ExitStack() as opened:
        source = opened.enter_context(audio.open("rb")) if isinstance(audio, Path) else audio
        copy = opened.enter_context(part.open("w+b"))
        shutil.copyfileobj(source, copy, 1 << 18)
        _mend_header(copy)
        copy.flush()
        os.fsync(copy.fileno())
    part.rename(folder / "audio.wav")


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


def mend(path: Path) -> None:
    """Mend the header of a WAV file whose recorder was killed. Raises OSError and OutboxError."""
    with path.open("r+b") as file:
        _mend_header(file)


def attachment(folder: Path) -> tuple[bytes, SoundFormat, str]:
    """The recording as MP3, encoded once; else as WAV with a sentence that says why."""
    mp3 = folder / "message.mp3"
    try:
        if not mp3.exists():
            _encode(folder / "audio.wav", mp3)
        return mp3.read_bytes(), SoundFormat.MP3, ""
    except (OSError, CouldntEncodeError, wave.Error, EOFError) as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        remark = f"It is a WAV file because ffmpeg could make no MP3 of it: {reason[0]}"
        return (folder / "audio.wav").read_bytes(), SoundFormat.WAV, remark


def _encode(wav: Path, mp3: Path) -> None:
    """Make an MP3 of a WAV file; it is there whole or not at all.

    In a process of its own: one that gives way to the calls, whose memory is its own, and whose
    temporary files (pydub leaves voices behind in them when ffmpeg fails) go with it.
    """
    part = mp3.with_suffix(".part")
    with wave.open(str(wav)) as sound:
        seconds = sound.getnframes() / sound.getframerate()
    with tempfile.TemporaryDirectory(dir=wav.parent, prefix="encoding-") as scratch:
        encoding = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "screener.recording", str(wav), str(part)],
            env={**os.environ, "TMPDIR": scratch},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    if encoding.returncode != 0:
        raise CouldntEncodeError(encoding.stderr)
    if part.stat().st_size < 0.99 * seconds * MP3_BITS / 8:
        raise CouldntEncodeError("the MP3 came out shorter than the recording")
    part.replace(mp3)


def _export(wav: str, mp3: str) -> None:
    os.nice(_GIVE_WAY)
    AudioSegment.from_wav(wav).export(
        mp3,
        format="mp3",
        bitrate=f"{MP3_BITS // 1000}k",
        parameters=["-ar", str(MP3_RATE), "-ac", "1"],
    ).close()


if __name__ == "__main__":
    try:
        _export(*sys.argv[1:])
    except (OSError, CouldntEncodeError, CouldntDecodeError) as failed:
        sys.exit(str(failed))
