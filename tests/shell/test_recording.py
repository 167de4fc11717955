"""A message's sound: real WAV files, a real ffmpeg."""

import contextlib
import os
import random
import resource
import shutil
import signal
import struct
import subprocess
import sys
import wave
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import pytest

from screener.core.frontdoor import SoundFormat
from screener.errors import OutboxError
from screener.sound.recording import encoded, keep, made, parts
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

MP3 = (SoundFormat.MP3, 32000)


def test_a_recording_goes_out_as_mp3(audio: Path, folder: Path) -> None:
    keep(audio, folder)
    sound = encoded(folder, *MP3)
    assert (sound.path, sound.form, sound.remark) == (folder / "message-32k.mp3", MP3[0], "")
    assert (sound.size, sound.bits) == (len(content(sound.path)), 32000)
    assert seconds_of(content(sound.path), folder) == pytest.approx(2.0, abs=0.1)
    assert sound.seconds == pytest.approx(2.0, abs=0.15)


def test_it_is_encoded_once(
    audio: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(wav(tmp_path / "long.wav", 20.0), folder)
    assert made(folder, *MP3) is None
    first, split = encoded(folder, *MP3), parts(folder, *MP3, 60_000)
    monkeypatch.setenv("PATH", str(tmp_path))  # no ffmpeg any more
    assert encoded(folder, *MP3) == made(folder, *MP3) == first
    assert parts(folder, *MP3, 60_000) == split
    assert encoded(folder, SoundFormat.OPUS, 24000).form is SoundFormat.WAV


def test_two_who_ask_at_once_get_the_same(audio: Path, folder: Path) -> None:
    keep(audio, folder)
    with ThreadPoolExecutor(4) as threads:
        one, *others = threads.map(lambda _: encoded(folder, *MP3), range(4))
    assert one.remark == ""
    assert others == [one] * 3
    assert names(folder) == ["audio.wav", "message-32k.mp3"]


def test_without_ffmpeg_it_goes_out_as_it_was_made(
    audio: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(audio, folder)
    monkeypatch.setenv("PATH", str(tmp_path))
    sound = encoded(folder, *MP3)
    assert (sound.path, sound.form) == (folder / "audio.wav", SoundFormat.WAV)
    assert (sound.size, sound.seconds) == (32044, 2.0)
    assert sound.remark == (
        "It is a WAV file because ffmpeg could make no MP3 of it:"
        " [Errno 2] No such file or directory: 'ffmpeg'"
    )
    assert names(folder) == ["audio.wav"]


def test_an_ffmpeg_that_may_write_no_more_is_said_in_words(folder: Path, tmp_path: Path) -> None:
    keep(wav(tmp_path / "long.wav", 20.0), folder)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8000, before[1]))  # the MP3 has 80 kB
    try:
        sound = encoded(folder, *MP3)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert sound.path == folder / "audio.wav"
    assert sound.remark.endswith("ffmpeg was stopped, as its file was too large: is the disk full?")
    assert encoded(folder, *MP3).form is MP3[0]  # there is room again


def test_without_ffmpeg_parts_are_as_they_were_recorded(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(wav(tmp_path / "long.wav", 20.0), folder)
    monkeypatch.setenv("PATH", str(tmp_path))
    split = parts(folder, *MP3, 120_000)
    assert len(split) > 2
    assert all(0 < part.size <= 120_000 for part in split)
    assert {(part.form, part.remark[:17]) for part in split} == {("wav", "It is a WAV file ")}
    assert sum(part.seconds for part in split) == pytest.approx(20.0, abs=0.01)


def test_an_mp3_that_came_out_short_is_not_sent(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An ffmpeg that stops halfway and says that all is well."""
    keep(wav(tmp_path / "long.wav", 20.0), folder)
    instead_of_ffmpeg(tmp_path, monkeypatch, '"$@" && truncate -s 40000 "$last"')
    sound = encoded(folder, *MP3)
    assert (sound.path, sound.form) == (folder / "audio.wav", SoundFormat.WAV)
    assert sound.remark.endswith("the MP3 came out shorter than the recording")
    assert names(folder) == ["audio.wav"]


@pytest.mark.parametrize("form", list(SoundFormat))
def test_a_file_of_no_bytes_is_never_mailed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: SoundFormat
) -> None:
    """An ffmpeg that makes an empty file, or none, and says that all is well."""
    keep(wav(tmp_path / "long.wav", 2.0), folder)
    for number, instead in enumerate((': > "$last"', ":")):
        place = tmp_path / str(number)
        place.mkdir()
        instead_of_ffmpeg(place, monkeypatch, f"/bin/cat > /dev/null; {instead}; :", run=False)
        sound = encoded(folder, form, 24000)
        assert sound.path == folder / "audio.wav"
        assert sound.size == 32044
        assert sound.remark


@pytest.mark.parametrize("left", [b"", b"ID3", b"junk" * 100])
def test_what_cannot_be_played_is_made_again(audio: Path, folder: Path, left: bytes) -> None:
    keep(audio, folder)
    (folder / "message-32k.mp3").write_bytes(left)
    assert made(folder, *MP3) is None
    assert seconds_of(content(encoded(folder, *MP3).path), folder) == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("form", list(SoundFormat))
def test_a_recording_of_nothing_is_not_mailed(
    folder: Path, tmp_path: Path, form: SoundFormat
) -> None:
    keep(wav(tmp_path / "empty.wav", 0.0), folder)
    with pytest.raises(OutboxError, match="holds no sound"):
        encoded(folder, form, 24000)
    with pytest.raises(OutboxError, match="holds no sound"):
        parts(folder, form, 24000, 100_000)
    assert names(folder) == ["audio.wav"]


def test_a_recording_that_is_no_pcm_goes_out_as_it_is(audio: Path, folder: Path) -> None:
    sound = bytearray(content(audio))
    sound[20:22] = struct.pack("<H", 6)  # A-law, which Python's wave module does not read
    keep(BytesIO(sound), folder)
    found = encoded(folder, *MP3)
    assert (found.path, found.size) == (folder / "audio.wav", 32044)
    assert found.remark.startswith("It is a WAV file because ffmpeg could make no MP3 of it: unkn")


def test_a_recording_in_stereo_or_of_another_rate_is_encoded(folder: Path, tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "other.wav"), "wb") as file:
        file.setparams((2, 2, 44100, 0, "NONE", ""))
        file.writeframes(bytes(random.Random(5).randbytes(44100 * 4 * 3)))
    keep(tmp_path / "other.wav", folder)
    sound = encoded(folder, *MP3)
    assert sound.remark == ""
    assert seconds_of(content(sound.path), folder) == pytest.approx(3.0, abs=0.1)


def test_an_encoding_that_is_killed_leaves_nothing_and_is_made_again(
    folder: Path, tmp_path: Path
) -> None:
    """At many moments: the process that asks is killed, and with it who encodes for it."""
    keep(wav(tmp_path / "long.wav", 30.0), folder)
    program = "import sys; from pathlib import Path; from screener.sound.recording import *\n"
    program += "from screener.core.frontdoor import SoundFormat\n"
    program += "print('go', flush=True); encoded(Path(sys.argv[1]), SoundFormat.MP3, 32000)"
    killed = 0
    for moment in range(4):
        asking = subprocess.Popen(
            [sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE
        )
        assert asking.stdout is not None
        asking.stdout.readline()
        with contextlib.suppress(subprocess.TimeoutExpired):
            asking.wait(timeout=0.2 + moment * 0.4)
        asking.kill()
        asking.stdout.close()
        killed += asking.wait() == -signal.SIGKILL
        assert set(names(folder)) - {"encoding.part"} in ({"audio.wav"}, WHOLE)
    assert killed
    sound = encoded(folder, *MP3)
    assert seconds_of(content(sound.path), tmp_path) == pytest.approx(30.0, abs=0.1)
    assert set(names(folder)) == WHOLE


WHOLE = {"audio.wav", "message-32k.mp3"}


def test_a_message_may_be_moved_while_it_is_encoded(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From queued/ to sent/, say; whoever asked looks again."""
    keep(wav(tmp_path / "long.wav", 5.0), folder)
    moved = tmp_path / "moved"
    instead_of_ffmpeg(tmp_path, monkeypatch, f'mv "{folder}" "{moved}"; {{}} "$@"')
    with pytest.raises(FileNotFoundError):
        encoded(folder, *MP3)
    found = made(moved, *MP3)
    assert found is not None
    assert found.seconds == pytest.approx(5.0, abs=0.1)
    assert set(names(moved)) == WHOLE


def test_a_full_disk_leaves_nothing(
    audio: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(audio, folder)
    complaint = "av_interleaved_write_frame(): No space left on device"
    instead_of_ffmpeg(tmp_path, monkeypatch, f'echo "{complaint}" >&2; exit 1', run=False)
    assert encoded(folder, *MP3).remark.endswith(complaint)
    assert names(folder) == ["audio.wav"]


def instead_of_ffmpeg(
    place: Path, monkeypatch: pytest.MonkeyPatch, script: str, *, run: bool = True
) -> None:
    """A program of that name, in which "{}" is the real one; $last is the file that it makes."""
    real = shutil.which("ffmpeg")
    programs = place / "programs"
    programs.mkdir()
    if run:
        script = script.format(real) if "{}" in script else f"{real} {script}"
    program = programs / "ffmpeg"
    program.write_text(f"#!/bin/sh\nfor last; do :; done\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
