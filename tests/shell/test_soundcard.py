"""Speakers and microphone: whichever program is there is used; without any, it is said what to do.

The programs are stand-ins: no machine that runs tests can be relied on to have a sound card.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from screener.errors import RecordingError
from screener.voice import soundcard


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in which programs are looked for."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def program(folder: Path, name: str, does: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{does}\n")
    path.chmod(0o755)


def once(there: Path) -> Callable[[], None]:
    """What waits until a file is there."""

    def until() -> None:
        while not there.exists():
            pass

    return until


def sound(tmp_path: Path) -> Path:
    path = tmp_path / "a sound.wav"
    path.write_bytes(b"RIFF")
    return path


@pytest.mark.parametrize("name", ["aplay", "play", "ffplay"])
def test_a_sound_is_played_by_the_program_that_is_there(
    programs: Path, tmp_path: Path, name: str
) -> None:
    program(programs, name, f'for last; do :; done; cp "$last" "{tmp_path}/played"')
    soundcard.play(sound(tmp_path))
    assert (tmp_path / "played").read_bytes() == b"RIFF"


def test_without_a_player_it_is_said_what_to_do(programs: Path, tmp_path: Path) -> None:
    with pytest.raises(RecordingError) as refused:
        soundcard.play(sound(tmp_path))
    assert str(refused.value) == (
        "no program to play sounds (aplay, play, ffplay) is here: apt-get install alsa-utils;"
        " --to FILE writes the sound to a file instead"
    )


def test_a_machine_without_speakers_is_told(programs: Path, tmp_path: Path) -> None:
    program(programs, "aplay", "echo 'audio open error: No such file or directory' >&2; exit 1")
    with pytest.raises(RecordingError, match=r"no sound card.*audio open error.*--to FILE"):
        soundcard.play(sound(tmp_path))


def test_a_sound_that_cannot_be_played_is_told_apart_from_that(
    programs: Path, tmp_path: Path
) -> None:
    program(programs, "aplay", "echo 'aplay: unknown file format' >&2; exit 1")
    with pytest.raises(RecordingError, match=r"aplay could not play: .*unknown file format; --to"):
        soundcard.play(sound(tmp_path))


def test_ffplay_without_speakers_is_told_though_it_ends_well(
    programs: Path, tmp_path: Path
) -> None:
    program(programs, "ffplay", "echo 'audio open failed' >&2")
    with pytest.raises(RecordingError, match=r"no sound card.*audio open failed.*--to FILE"):
        soundcard.play(sound(tmp_path))


def test_it_is_recorded_until_it_is_enough(programs: Path, tmp_path: Path) -> None:
    # As arecord does: what it has heard is whole when it is told to stop.
    begun = tmp_path / "begun"
    program(
        programs,
        "arecord",
        "for last; do :; done; trap 'printf whole > \"$last\"; exit 1' TERM; "
        f'touch "{begun}"; while :; do sleep 0.01; done',
    )

    path = tmp_path / "take.wav"
    soundcard.record(path, once(begun))
    assert path.read_bytes() == b"whole"


def test_a_machine_without_a_microphone_is_told(programs: Path, tmp_path: Path) -> None:
    told = tmp_path / "told"
    program(programs, "rec", f"echo 'no default audio device' >&2; touch '{told}'; exit 1")
    with pytest.raises(RecordingError, match=r"no sound card.*no default audio device\); --from"):
        soundcard.record(tmp_path / "take.wav", once(told))


def test_without_a_recorder_it_is_said_what_to_do(programs: Path, tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"record sounds \(arecord, rec, ffmpeg\) is here"):
        soundcard.record(tmp_path / "take.wav", lambda: None)
