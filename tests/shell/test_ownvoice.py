"""The owner's recordings: taken in whole, the earlier one kept, exchanged by undo."""

import audioop
import errno
import os
from pathlib import Path

import pytest

from screener import replacement
from screener.core.loudness import SPEECH_LEVEL, level
from screener.errors import PromptMissing, RecordingError
from screener.voice import ownvoice
from screener.voice.voices import decode, write
from tests.calls import speech

ONE, TWO = speech.say("this is the first"), speech.say("and this is the second")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "sounds" / "en"


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("[!.]*") if path.is_file()}


def test_what_is_recorded_is_trimmed_and_has_the_loudness_of_all(tmp_path: Path) -> None:
    path = tmp_path / "me.wav"
    write(path, speech.silence(2.0) + audioop.mul(ONE, 2, 0.1) + speech.silence(3.0))
    pcm = ownvoice.fit(path)
    assert len(pcm) / 16000 == pytest.approx(len(ONE) / 16000, abs=0.4)
    assert level(pcm) == pytest.approx(SPEECH_LEVEL, abs=0.1)
    assert speech.likeness(pcm, ONE) > 0.9


@pytest.mark.parametrize(
    ("pcm", "said"),
    [
        (speech.silence(3.0), "holds no voice"),
        (speech.line_noise(3.0, -40.0), "holds no voice"),
        (speech.tone(440, 2.0), "holds no voice"),
        (audioop.mul(ONE, 2, 12.0), "is clipped: record it softer"),
        (speech.tone(440, 2.0) + ONE * 120, "is longer than 120 seconds"),
        (speech.silence(3.0) + ONE * 120, "is longer than 120 seconds"),
    ],
)
def test_what_is_not_fit_is_refused(tmp_path: Path, pcm: bytes, said: str) -> None:
    path = tmp_path / "me.wav"
    write(path, pcm)
    with pytest.raises(RecordingError, match=f"me.wav {said}"):
        ownvoice.fit(path)


def test_what_is_no_sound_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PromptMissing, match=r"could not read .*nothing\.wav"):
        ownvoice.fit(tmp_path / "nothing.wav")


def test_the_first_recording_is_undone_to_the_text_and_back(folder: Path) -> None:
    path = ownvoice.take_in(folder, "greeting", ONE)
    assert path == folder / "greeting.wav"
    assert decode(path) == ONE
    taken = files(folder)
    assert ownvoice.undo(folder, "greeting") is None
    assert files(folder) == {}
    assert ownvoice.undo(folder, "greeting") == path
    assert files(folder) == taken


def test_the_earlier_recording_is_exchanged_with_the_newer(folder: Path) -> None:
    for pcm in (ONE, TWO):
        path = ownvoice.take_in(folder, "greeting", pcm)
    assert decode(path) == TWO
    assert ownvoice.undo(folder, "greeting") == path
    assert decode(path) == ONE
    assert ownvoice.undo(folder, "greeting") == path
    assert decode(path) == TWO


def test_a_recording_of_another_kind_gives_way_and_comes_back(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "greeting.mp3").write_bytes(b"as it was")
    ownvoice.take_in(folder, "greeting", ONE)
    assert list(files(folder)) == ["greeting.wav"]
    assert ownvoice.undo(folder, "greeting") == folder / "greeting.mp3"
    assert files(folder) == {"greeting.mp3": b"as it was"}
    assert ownvoice.undo(folder, "greeting") == folder / "greeting.wav"
    assert list(files(folder)) == ["greeting.wav"]


def test_what_cannot_be_written_leaves_the_old_recording_and_the_earlier_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    folder.mkdir(parents=True)
    (folder / "greeting.mp3").write_bytes(b"the oldest")
    ownvoice.take_in(folder, "greeting", ONE)
    (folder / "greeting.wav").rename(folder / "greeting.mp3")
    monkeypatch.setattr(replacement, "write", no_room)
    with pytest.raises(RecordingError, match="cannot be written"):
        ownvoice.take_in(folder, "greeting", TWO)
    assert list(files(folder)) == ["greeting.mp3"]
    kept = {path.name: path.read_bytes() for path in (folder / ".earlier").iterdir()}
    assert kept == {"greeting.mp3": b"the oldest"}


def test_prompts_whose_names_begin_alike_are_left_alone(folder: Path) -> None:
    ownvoice.take_in(folder, "press", ONE)
    ownvoice.take_in(folder, "press-now", TWO)
    ownvoice.undo(folder, "press")
    assert list(files(folder)) == ["press-now.wav"]


def test_there_may_be_nothing_to_undo(folder: Path) -> None:
    with pytest.raises(RecordingError, match="no earlier recording of greeting"):
        ownvoice.undo(folder, "greeting")


def test_a_folder_that_cannot_be_written_is_named(folder: Path) -> None:
    folder.parent.mkdir()
    folder.write_text("a file stands in its place")
    with pytest.raises(RecordingError, match=r"greeting\.wav cannot be written"):
        ownvoice.take_in(folder, "greeting", ONE)
    assert folder.read_text() == "a file stands in its place"
