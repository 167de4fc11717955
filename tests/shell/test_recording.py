"""A message's sound: real WAV files, a real ffmpeg."""

import os
import shutil
import struct
from io import BytesIO
from pathlib import Path

import pytest

from screener.core.letter import SoundFormat
from screener.errors import OutboxError
from screener.recording import attachment, keep
from tests.shell.post import content, names, seconds_of, wav


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "message"
    folder.mkdir()
    return folder


# Keeping it --------------------------------------------------------------------------------------


def test_a_recording_is_copied_and_stays_where_it_was(audio: Path, folder: Path) -> None:
    keep(audio, folder)
    assert len(content(audio)) == 44 + 32000
    assert content(folder / "audio.wav") == content(audio)
    assert names(folder) == ["audio.wav"]


def test_an_open_recording_is_copied(audio: Path, folder: Path) -> None:
    keep(BytesIO(content(audio)), folder)
    assert content(folder / "audio.wav") == content(audio)


@pytest.mark.parametrize("length", [0, 0xFFFFFFFF, 32001])
def test_a_header_that_was_not_finished_is(audio: Path, folder: Path, length: int) -> None:
    """Asterisk writes the length into the header last; killed, it leaves a 0 there."""
    sound = bytearray(content(audio))
    sound[4:8] = bytes(4)
    sound[40:44] = struct.pack("<I", length)
    keep(BytesIO(sound), folder)
    assert content(folder / "audio.wav") == content(audio)


def test_what_stands_before_and_behind_the_sound_is_left(audio: Path, folder: Path) -> None:
    sound = content(audio)
    note = struct.pack("<4sI", b"LIST", 3) + b"abc\0"  # an odd chunk is padded (RIFF)
    rich = sound[:36] + note + sound[36:] + note
    keep(BytesIO(rich), folder)
    assert content(folder / "audio.wav") == rich


@pytest.mark.parametrize("junk", [b"", b"RIFF", b"x" * 5000, b"RIFF\0\0\0\0WAVE" + b"\0" * 50])
def test_what_is_not_a_recording_is_refused(folder: Path, junk: bytes) -> None:
    with pytest.raises(OutboxError, match="not a WAV file"):
        keep(BytesIO(junk), folder)
    assert not (folder / "audio.wav").exists()


# Mailing it --------------------------------------------------------------------------------------


def test_a_recording_goes_out_as_mp3(audio: Path, folder: Path) -> None:
    keep(audio, folder)
    sound, form, remark = attachment(folder)
    assert (form, remark) == (SoundFormat.MP3, "")
    assert len(sound) < len(content(audio)) / 3
    assert seconds_of(sound, folder) == pytest.approx(2.0, abs=0.1)


def test_it_is_encoded_once(
    audio: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(audio, folder)
    first = attachment(folder)
    monkeypatch.setenv("PATH", str(tmp_path))  # no ffmpeg any more
    assert attachment(folder) == first


def test_without_ffmpeg_it_goes_out_as_it_was_made(
    audio: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(audio, folder)
    monkeypatch.setenv("PATH", str(tmp_path))
    sound, form, remark = attachment(folder)
    assert (sound, form) == (content(audio), SoundFormat.WAV)
    assert remark.startswith("It is a WAV file because ffmpeg could make no MP3 of it: [Errno 2]")
    assert not (folder / "message.mp3").exists()


def test_an_mp3_that_came_out_short_is_not_sent(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An ffmpeg that stops halfway and says that all is well."""
    keep(wav(tmp_path / "long.wav", 20.0), folder)
    real = shutil.which("ffmpeg")
    programs = tmp_path / "programs"
    programs.mkdir()
    script = programs / "ffmpeg"
    script.write_text(
        f'#!/bin/sh\nfor last; do :; done\n{real} "$@" && truncate -s 40000 "$last"\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    sound, form, remark = attachment(folder)
    assert (sound, form) == (content(folder / "audio.wav"), SoundFormat.WAV)
    assert remark.endswith("the MP3 came out shorter than the recording")
    assert not (folder / "message.mp3").exists()
