"""`screener listen`: what is typed, what is told, what is drawn."""

from __future__ import annotations

import json
import struct
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from screener.calls.heardaudio import HeardAudio
from screener.cli import main
from screener.config import load
from screener.core.audio import encode_ulaw
from screener.core.timeline import KINDS
from screener.core.verdict import Kind
from screener.records.calllog import DATABASE
from screener.records.store import CallEnd, CallStart, Store
from tests.calls import speech

OFFICE = (
    speech.silence(0.4) + speech.trimmed(speech.say("office", "flite:rms")) + speech.silence(0.8)
)


def screener(*arguments: object) -> Result:
    words = [str(argument) for argument in arguments]
    return CliRunner().invoke(main, words, env={"SCREENER_HOME": None})


def objects(result: Result) -> list[dict[str, object]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is no front door, to stand in."""
    place = tmp_path / "nowhere"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def home(tmp_path: Path) -> Path:
    assert screener("init", tmp_path / "home").exit_code == 0
    return tmp_path / "home"


@pytest.fixture
def office(tmp_path: Path) -> Path:
    path = tmp_path / "office.wav"
    path.write_bytes(speech.wav(OFFICE))
    return path


@pytest.fixture
def sales(tmp_path: Path) -> Path:
    path = tmp_path / "sales.wav"
    path.write_bytes(speech.wav(speech.say(speech.SALES_TALK, "flite:rms")))
    return path


def test_a_person_reaches_who_he_asks_for(office: Path) -> None:
    result = screener("listen", "--onset", "after-prompt", office)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].startswith(f"{office}: wav, 8000 Hz, ")
    assert "heard by PocketSphinx" in lines[0]
    assert "ringing study" in result.stdout
    assert "verdict: person" in lines
    assert any(line.startswith('  - answered "office" at ') for line in lines)
    assert any(line.endswith("asked once; a phone rings") for line in lines)


def test_a_recording_reaches_nobody(sales: Path) -> None:
    result = screener("listen", sales)
    assert result.exit_code == 0, result.output
    assert "no phone rings" in result.stdout
    assert "verdict: person" not in result.stdout
    assert "talked" in result.stdout


def test_programs_get_an_object_for_each_file(office: Path, sales: Path) -> None:
    result = screener("listen", "--json", "--onset", "after-prompt", office, sales)
    first, second = objects(result)
    assert (first["file"], second["file"]) == (str(office), str(sales))
    assert (first["verdict"], first["rang"], first["attempts"]) == ("person", True, 1)
    assert (first["onset"], first["form"]) == ("after-prompt", "wav, 8000 Hz")
    assert second["rang"] is False
    assert second["verdict"] in list(Kind)
    assert isinstance(first["timeline"], list)
    assert {moment["kind"] for moment in first["timeline"]} <= set(KINDS)
    assert set(first) == set(second)
    keys = {
        *("file", "form", "file_seconds", "remarks", "onset", "engine", "verdict", "seconds"),
        *("rang", "attempts", "outcome", "reason", "evidence", "timeline", "talk", "sounds"),
        *("phrases", "likeness", "transcript", "call_seconds"),
    }
    assert set(first) == keys


def test_the_same_sound_comes_to_the_same_in_any_company(sales: Path, office: Path) -> None:
    alone = objects(screener("listen", "--json", sales))
    behind = objects(screener("listen", "--json", office, sales, sales))
    assert behind[1:] == [*alone, *alone]


def test_what_cannot_be_heard_is_said_and_the_others_are_heard(
    office: Path, tmp_path: Path
) -> None:
    empty, text = tmp_path / "empty.mp3", tmp_path / "text.ogg"
    empty.touch()
    text.write_text("no sound", encoding="ascii")
    result = screener("listen", "--json", empty, text, tmp_path / "none.wav", office)
    assert result.exit_code == 1
    assert [each["file"] for each in objects(result)] == [str(office)]
    said = result.stderr.splitlines()
    assert said[0] == f"{empty} holds no sound: it is empty"
    assert said[1].startswith(f"{text} is no sound file that can be read: expected wav")
    assert said[2] == f"{tmp_path / 'none.wav'}: there is no such file"


def test_raw_sound_and_a_long_file_say_what_was_not_heard(tmp_path: Path) -> None:
    path = tmp_path / "long.bin"
    path.write_bytes(encode_ulaw(OFFICE + speech.silence(120.0)))
    result = screener("listen", "--format", "ulaw", path)
    assert result.exit_code == 0, result.output
    assert f"{path}: raw ulaw, " in result.stdout
    assert "s of it, and the rest is not heard)" in result.stdout


def test_a_file_that_is_shorter_than_it_says_is_heard_whole(tmp_path: Path) -> None:
    """What ffprobe says of an MP3 holds the encoder's own silence, too."""
    path = tmp_path / "short.mp3"
    wav = tmp_path / "short.wav"
    wav.write_bytes(speech.wav(OFFICE))
    subprocess.run(["ffmpeg", "-v", "error", "-i", wav, path], check=True)
    (told,) = objects(screener("listen", "--json", path))
    assert told["remarks"] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name one or more sound files, or a call by --call"),
        (["--call", "1", "a.wav"], "name one or more sound files, or a call by --call"),
        (["--onset", "soon", "a.wav"], "expected seconds after the answer"),
        (["--onset", "-1", "a.wav"], "expected seconds after the answer"),
        (["--plot", "a.png", "a.wav", "b.wav"], "name a folder"),
        (["--plot", "a.wav", "a.wav"], "let its name end in .png"),
        (["--plot", "a", "a.wav"], "let its name end in .png"),
    ],
)
def test_what_is_typed_wrongly_is_told(arguments: list[str], said: str) -> None:
    result = screener("listen", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_an_engine_that_is_not_there_is_told(home: Path, office: Path) -> None:
    result = screener("listen", "--dir", home, "--engine", "vosk", office)
    assert result.exit_code == 1
    assert result.stderr.startswith("no Vosk model is installed at the front door")


def test_a_front_door_whose_model_is_gone_is_told_where_it_should_be(
    home: Path, office: Path
) -> None:
    toml = home / "screener.toml"
    toml.write_text(toml.read_text("utf-8").replace('engine = "auto"', 'engine = "vosk"'), "utf-8")
    result = screener("listen", "--dir", home, office)
    assert result.exit_code == 1
    assert f"no model is in {home / 'data' / 'models'}" in result.stderr


def test_a_front_door_that_is_named_must_be_there(tmp_path: Path, office: Path) -> None:
    result = screener("listen", "--dir", tmp_path / "elsewhere", office)
    assert result.exit_code == 1
    assert "screener init" in result.stderr


def test_ones_own_front_door_is_used_and_nothing_is_written_to_it(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toml = home / "screener.toml"
    toml.write_text(toml.read_text("utf-8").replace('["office"]', '["garage"]'), "utf-8")
    garage = tmp_path / "garage.wav"
    word = speech.trimmed(speech.say("garage", "flite:rms"))
    garage.write_bytes(speech.wav(speech.silence(0.4) + word + speech.silence(0.8)))
    load(toml)  # makes the secret of its Asterisk
    before = sorted(path for path in home.rglob("*"))
    monkeypatch.chdir(home)
    (told,) = objects(screener("listen", "--json", "--onset", "after-prompt", garage))
    assert (told["verdict"], told["rang"]) == ("person", True)
    assert sorted(path for path in home.rglob("*")) == before


def drawn(path: Path) -> tuple[int, int]:
    """The width and the height of a PNG file (ISO 15948)."""
    head = path.read_bytes()[:24]
    assert head.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", head[16:])
    return width, height


def test_a_picture_is_drawn(office: Path, sales: Path, tmp_path: Path) -> None:
    one = tmp_path / "one.png"
    assert screener("listen", office, "--onset", "after-prompt", "--plot", one).exit_code == 0
    assert min(drawn(one)) > 400
    result = screener("listen", office, sales, "--plot", tmp_path / "pictures")
    assert result.exit_code == 0, result.output
    names = sorted(path.name for path in (tmp_path / "pictures").iterdir())
    assert names == ["office.png", "sales.png"]


def test_two_sounds_of_one_name_have_two_pictures(office: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "office.wav"
    other.parent.mkdir()
    other.write_bytes(office.read_bytes())
    result = screener("listen", office, other, "--plot", tmp_path / "pictures")
    assert result.exit_code == 0, result.output
    names = sorted(path.name for path in (tmp_path / "pictures").iterdir())
    assert names == ["office-2.png", "office.png"]


def test_a_picture_that_cannot_be_written_is_told(office: Path) -> None:
    result = screener("listen", office, "--plot", "/dev/null/a.png")
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr


@pytest.mark.parametrize(
    "name", ["$x$.wav", "\\frac.wav", "\u4f60\u597d.wav", "a\nb.wav", "\x1b[2J.wav"]
)
def test_a_name_is_only_a_name_in_pictures_too(tmp_path: Path, office: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(office.read_bytes())
    result = screener("listen", path, "--plot", tmp_path / "a.png")
    assert result.exit_code == 0, result.output
    assert all(line.isprintable() for line in result.output.splitlines())
    assert min(drawn(tmp_path / "a.png")) > 400


async def a_call(home: Path) -> int:
    """A call's row, in the store of a front door."""
    store = Store(home / "data" / DATABASE)
    began = datetime(2026, 11, 16, 12, tzinfo=UTC)
    number = await store.begin(CallStart("1.1", began, "+18182223333", "+14155550100", ""))
    await store.end(number, CallEnd(began, "no message", "", verdict="unsure"))
    await store.close()
    return number


async def test_a_call_that_came_in_is_heard_again(home: Path) -> None:
    number = await a_call(home)
    kept = HeardAudio(home / "data", 86400.0)
    prompts = speech.silence(7.5)  # the call's own sound: he was silent while he was asked
    kept.keep(number, encode_ulaw(prompts + OFFICE))
    (told,) = objects(screener("listen", "--dir", home, "--json", "--call", number))
    assert told["file"] == str(kept.path(number))
    assert (told["onset"], told["verdict"], told["rang"]) == (0.0, "person", True)


async def test_a_call_that_is_not_there_or_was_not_kept_is_told(home: Path) -> None:
    result = screener("listen", "--dir", home, "--call", 1)
    assert (result.exit_code, result.stderr) == (1, "there is no call 1: see `screener calls`\n")
    number = await a_call(home)
    result = screener("listen", "--dir", home, "--call", number)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"what call {number} sounded like was not kept: ")
