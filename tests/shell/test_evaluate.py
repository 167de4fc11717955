"""`screener evaluate`: a small folder of synthesised callers, and folders that are none."""

from __future__ import annotations

import json
import os
import random
import signal
import struct
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from screener.cli import main
from screener.core.manifest import Entry, Label
from screener.core.score import Mark
from screener.core.verdict import Kind
from screener.errors import ManifestError, SetupError
from screener.rehearsal import evaluation
from screener.rehearsal.evaluation import Hall, Unheard, evaluate, read_manifest
from screener.rehearsal.panel import house
from screener.settings.surroundings import Engine
from tests.calls import speech
from tests.fixtures import vosk_model

ROOT = Path(__file__).parents[2]
KEYS = ["file", "label", "verdict", "seconds", "rang", "attempts", "evidence", "engine"]


def screener(*arguments: object) -> Result:
    words = [str(argument) for argument in arguments]
    return CliRunner().invoke(main, words, env={"SCREENER_HOME": None})


def isolated(text: str, voice: str) -> bytes:
    """One answer with quiet on both sides."""
    word = speech.trimmed(speech.say(text, voice))
    return speech.silence(0.4) + word + speech.silence(0.8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four callers, a file that is none, and one that the manifest does not name."""
    folder = tmp_path_factory.mktemp("recordings")
    clips = {
        "four.wav": isolated("four", "flite:rms"),
        "office.wav": isolated("office", "flite:rms"),
        "sales.wav": speech.say(speech.SALES_TALK, "flite:rms"),
        "silence.wav": speech.silence(5.0),
        "unnamed.wav": speech.silence(1.0),
    }
    for name, pcm in clips.items():
        (folder / name).write_bytes(speech.wav(pcm))
    (folder / "broken.wav").write_text("no sound", encoding="ascii")
    (folder / "manifest.csv").write_text(
        "file,label,transcript,licence\n"
        "sales.wav,robocall,,mine\n"
        "broken.wav,robocall,,mine\n"
        "four.wav,human,four,mine\n"
        "office.wav,human,office,mine\n"
        "silence.wav,non-speech,,mine\n",
        encoding="utf-8",
    )
    return folder


@pytest.fixture(scope="module")
def told(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    """What it prints of them, and where it wrote its objects."""
    to = tmp_path_factory.mktemp("marks") / "marks.json"
    return screener("evaluate", folder, "--json", to), to


def test_an_object_for_each_clip_in_the_manifests_order(told: tuple[Result, Path]) -> None:
    result, to = told
    assert result.exit_code == 0, result.output
    lines = to.read_text("utf-8").splitlines()
    marks = json.loads("\n".join(lines))
    assert len(lines) == len(marks) + 2  # one line each
    assert all(list(mark) == KEYS for mark in marks)
    assert [mark["file"] for mark in marks] == [
        "sales.wav",
        "four.wav",
        "office.wav",
        "silence.wav",
    ]
    assert all(mark["engine"].startswith("PocketSphinx") for mark in marks)
    sales, four, office, silence = marks
    assert (sales["label"], sales["rang"]) == ("robocall", False)
    assert sales["verdict"] in {Kind.UNWANTED_ROBOT, Kind.UNSURE}
    assert sales["evidence"]
    for person in (four, office):
        assert (person["verdict"], person["rang"], person["attempts"]) == ("person", True, 1)
        assert 9 < person["seconds"] < 14  # after the prompt, when his answer was accepted
    assert (silence["verdict"], silence["rang"]) == ("silent", False)


def test_tables_for_people(told: tuple[Result, Path]) -> None:
    result, _ = told
    out = result.stdout
    assert out.startswith("PocketSphinx")
    assert ": 4 clips\n" in out
    rows = [line.split() for line in out.splitlines() if line.startswith(("human ", "non-speech "))]
    assert rows == [
        ["human", "2", "0", "0", "0", "0", "2", "2"],
        ["non-speech", "0", "0", "0", "1", "0", "1", "0"],
    ]
    assert "people who said an extension: 2; accepted on the first try 2 of 2 (100.0%)" in out
    assert "CPU: 0." in out
    assert "seconds until the verdict" in out
    assert "broken.wav is no sound file that can be read" in result.stderr
    assert "took " in result.stderr


def test_the_same_clips_come_to_the_same_again(
    folder: Path, told: tuple[Result, Path], tmp_path: Path
) -> None:
    again = tmp_path / "again.json"
    result = screener("evaluate", folder, "--engine", "pocketsphinx", "--json", again)
    assert result.exit_code == 0, result.output
    assert again.read_text("utf-8") == told[1].read_text("utf-8")


def test_at_ones_own_front_door(tmp_path: Path) -> None:
    assert screener("init", tmp_path / "home").exit_code == 0
    toml = tmp_path / "home" / "screener.toml"
    toml.write_text(toml.read_text("utf-8").replace('["office"]', '["garage"]'), "utf-8")
    (tmp_path / "garage.wav").write_bytes(speech.wav(isolated("garage", "flite:rms")))
    (tmp_path / "manifest.csv").write_text(
        "file,label,transcript\ngarage.wav,human,garage\n", encoding="utf-8"
    )
    result = screener("evaluate", tmp_path, "--dir", tmp_path / "home")
    assert result.exit_code == 0, result.output
    assert "said an extension: 1; accepted on the first try 1 of 1" in result.stdout


def test_both_engines_where_both_are_there(tmp_path: Path) -> None:
    """Vosk hears too where a front door has a model of it; here the tests' own, of a few words."""
    assert screener("init", tmp_path / "home").exit_code == 0
    models = tmp_path / "home" / "data" / "models"
    models.mkdir()
    (models / "tiny").symlink_to(vosk_model.model(ROOT / ".cache"), target_is_directory=True)
    (tmp_path / "two.wav").write_bytes(speech.wav(isolated("two", "flite:rms")))
    (tmp_path / "manifest.csv").write_text(
        "file,label,transcript\ntwo.wav,human,two\n", encoding="utf-8"
    )
    to = tmp_path / "marks.json"
    command = ("evaluate", tmp_path, "--dir", tmp_path / "home", "--json", to)
    result = screener(*command)
    assert result.exit_code == 0, result.output
    marks = json.loads(to.read_text("utf-8"))
    assert [mark["engine"].partition(" ")[0] for mark in marks] == ["Vosk", "PocketSphinx"]
    assert all(mark["label"] == "human" for mark in marks)
    assert result.stdout.count("What was made of them") == 2
    assert screener(*command, "--engine", "vosk").exit_code == 0
    (mark,) = json.loads(to.read_text("utf-8"))
    assert mark["engine"].startswith("Vosk ")


def test_nothing_that_can_be_heard(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("no sound", encoding="ascii")
    (tmp_path / "manifest.csv").write_text("file,label\na.wav,human\n", encoding="utf-8")
    to = tmp_path / "marks.json"
    result = screener("evaluate", tmp_path, "--json", to)
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == "not one clip could be heard"
    assert json.loads(to.read_text("utf-8")) == []


def test_an_engine_that_is_not_there(folder: Path) -> None:
    result = screener("evaluate", folder, "--engine", "vosk")
    assert result.exit_code == 1
    assert "no Vosk model is installed" in result.stderr


def test_a_file_that_cannot_be_written_is_told_before_an_hour_is_spent(folder: Path) -> None:
    result = screener("evaluate", folder, "--json", "/dev/null/marks.json")
    assert result.exit_code == 1
    assert "/dev/null/marks.json cannot be written" in result.stderr
    assert result.stdout == ""


# Manifests ---------------------------------------------------------------------------------------


def mistakes(folder: Path) -> list[str]:
    with pytest.raises(ManifestError) as caught:
        read_manifest(folder)
    assert str(caught.value) == "\n".join(caught.value.mistakes)
    return list(caught.value.mistakes)


def test_every_mistake_of_a_manifest_at_once(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.csv"
    (tmp_path / "a.wav").touch()
    manifest.write_text(
        f"file,label\na.wav,robot\nb.wav,human\na.wav,human\n{'x' * 300},human\n.,human\n", "utf-8"
    )
    found = mistakes(tmp_path)
    assert [line.removeprefix(f"{manifest}:").partition(":")[0] for line in found] == [
        *("2", "3", "4", "5", "6")
    ]
    assert found[1] == f"{manifest}:3: b.wav: there is no such file beside the manifest"
    result = screener("evaluate", tmp_path)
    assert result.exit_code == 1
    assert result.stderr.splitlines() == found


def test_a_thousand_mistakes_are_not_all_told(tmp_path: Path) -> None:
    rows = "".join(f"{n}.wav,human\n" for n in range(1000))
    (tmp_path / "manifest.csv").write_text(f"file,label\n{rows}", encoding="utf-8")
    found = mistakes(tmp_path)
    assert len(found) == 51
    assert found[-1].endswith("and 950 more")


def test_what_is_no_manifest(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.csv"
    assert "no such file; it is a CSV file with the columns file and label" in mistakes(tmp_path)[0]
    manifest.write_bytes(b"file,label\nb\xe4r.wav,human\n")
    assert mistakes(tmp_path) == [f"{manifest}:2:2: not UTF-8 text; save the file as UTF-8"]
    manifest.write_bytes(b"\xef\xbb\xbffile,label\n")  # as Excel saves it
    assert mistakes(tmp_path) == [f"{manifest}: it names no clip"]
    manifest.unlink()
    manifest.mkdir()
    assert "cannot be read" in mistakes(tmp_path)[0]
    result = screener("evaluate", tmp_path / "nowhere")
    assert (result.exit_code, result.stdout) == (1, "")


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=200)
    | st.text(alphabet='file,label"\n\0.human/', max_size=60).map(
        lambda text: f"file,label\n{text}".encode()
    )
)
def test_no_manifest_is_too_strange(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "manifest.csv").write_bytes(content)
    assert all(line.isprintable() for line in mistakes(tmp_path))


# Processes that die ------------------------------------------------------------------------------


def die(entry: Entry, folder: Path) -> evaluation.Outcome:
    """Stands for an engine that dies of a clip; of all clips where it is told to."""
    if "deadly" in entry.file or (folder / "all").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    return Mark(entry.file, entry.label, "e", "silent", 1.0, False, 1, ())


@pytest.fixture
def hall(tmp_path: Path) -> Hall:
    (tmp_path / "data").mkdir()
    return Hall(house(tmp_path / "house"), Engine.POCKETSPHINX, None, tmp_path / "data")


def test_a_clip_that_kills_is_told_and_the_others_are_heard(
    hall: Hall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "_hear", die)
    files = ["a.wav", "deadly.wav", "b.wav"]
    done: list[str] = []
    marks, unheard = evaluate(
        [Entry(file, Label.HUMAN, None) for file in files],
        tmp_path,
        hall,
        lambda entry: done.append(entry.file),
    )
    assert [mark.file for mark in marks] == ["a.wav", "b.wav"]
    (dead,) = unheard
    assert isinstance(dead, Unheard)
    assert dead.why == "deadly.wav: the process that heard it died of it"
    assert sorted(done) == sorted(files)


def test_an_engine_that_dies_of_everything_is_not_tried_for_ever(
    hall: Hall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "_hear", die)
    monkeypatch.setattr(evaluation, "_DEATHS", 2)
    (tmp_path / "all").touch()
    entries = [Entry(f"{n}.wav", Label.HUMAN, None) for n in range(6)]
    with pytest.raises(SetupError, match="the process that heard it died"):
        evaluate(entries, tmp_path, hall, lambda _: None)


def test_a_front_door_that_is_broken_is_told_once(hall: Hall, folder: Path) -> None:
    hall.file.write_text("country = 7\n", encoding="utf-8")
    with pytest.raises(SetupError, match="country = 7"):
        evaluate(read_manifest(folder), folder, hall, lambda _: None)


# The recordings beside the repository ------------------------------------------------------------


def test_real_callers(tmp_path: Path) -> None:
    """One of each kind where the recordings are at hand: no robot rings, a person does."""
    manifest = speech.RECORDINGS / "manifest.csv"
    if not manifest.exists():
        print("the real recordings are away: synthesised callers only")
        pcm = speech.say(speech.SALES_TALK, "flite:slt")
        (tmp_path / "a.wav").write_bytes(speech.wav(pcm))
        (tmp_path / "manifest.csv").write_text("file,label\na.wav,robocall\n", encoding="utf-8")
    else:
        rows = manifest.read_text("utf-8").splitlines()
        draw = random.Random(4)
        kinds = ("wav/robo_real_amazon", "wav/digit_fsdd", "wav/ns_busy", "wav/prompt_allison")
        chosen = [draw.choice([row for row in rows if row.startswith(kind)]) for kind in kinds]
        (tmp_path / "manifest.csv").write_text("\n".join([rows[0], *chosen]), encoding="utf-8")
        (tmp_path / "wav").symlink_to(speech.RECORDINGS / "wav")
    to = tmp_path / "marks.json"
    assert screener("evaluate", tmp_path, "--json", to).exit_code == 0
    marks = json.loads(to.read_text("utf-8"))
    assert {mark["rang"] for mark in marks if mark["label"] != "human"} == {False}
    assert all(mark["verdict"] == "person" for mark in marks if mark["label"] == "human")


def test_a_clip_of_another_rate_is_heard(tmp_path: Path) -> None:
    pcm = isolated("office", "flite:rms")
    samples = struct.unpack(f"<{len(pcm) // 2}h", pcm)
    doubled = struct.pack(f"<{len(pcm)}h", *(s for s in samples for _ in (0, 1)))
    data = bytearray(speech.wav(doubled))
    data[24:32] = struct.pack("<II", 16000, 32000)
    (tmp_path / "office.wav").write_bytes(data)
    (tmp_path / "manifest.csv").write_text(
        "file,label,transcript\noffice.wav,human,office\n", encoding="utf-8"
    )
    to = tmp_path / "marks.json"
    assert screener("evaluate", tmp_path, "--json", to).exit_code == 0
    assert [mark["rang"] for mark in json.loads(to.read_text("utf-8"))] == [True]
