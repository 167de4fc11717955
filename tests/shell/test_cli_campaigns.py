"""`screener campaigns`: what it prints, and what it says when it cannot."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from screener.campaigns import campaignfile, fingerprint
from screener.campaigns.learning import known_in
from screener.cli import campaigns as cli
from screener.cli import main
from screener.core.campaign import Campaign, Standing
from tests.calls import speech
from tests.shell.test_campaignfile import campaigns_of, kept
from tests.shell.test_campaigns import BILL, PARCEL, over_the_line, tracked


@pytest.fixture
def home(tmp_path: Path) -> Path:
    assert CliRunner().invoke(main, ["init", str(tmp_path / "home")]).exit_code == 0
    path = tmp_path / "home" / "screener.toml"
    path.write_text(f'timezone = "America/Los_Angeles"\n{path.read_text()}')
    return tmp_path / "home"


@pytest.fixture
def known(home: Path) -> list[Campaign]:
    """Three campaigns, the last of them called last and most."""
    every = [
        replace(one, calls=n + 1, last=one.first + timedelta(days=n))
        for n, one in enumerate(campaigns_of())
    ]
    kept(home / "data" / "campaigns", *every)
    return every


def run(home: Path, *words: object) -> Result:
    arguments = ["campaigns", *map(str, words)]
    return CliRunner().invoke(main, arguments, env={"SCREENER_HOME": str(home)})


def said(home: Path, *words: object) -> str:
    result = run(home, *words)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(home: Path, *words: object) -> str:
    result = run(home, *words)
    assert result.exit_code == 1, result.output
    assert "Traceback" not in result.stderr
    return result.stderr


def standing(home: Path, one: Campaign) -> Standing:
    found = campaignfile.read(home / "data" / "campaigns", one.id)
    assert found is not None
    return found.standing


def test_where_nothing_is_known_it_says_so(home: Path) -> None:
    assert said(home) == said(home, "list")
    assert said(home).startswith("no campaigns yet")


def test_the_list_has_a_line_for_each_the_last_called_first(
    home: Path, known: list[Campaign]
) -> None:
    head, *lines = said(home, "list").splitlines()
    assert head.split() == ["id", "what", "calls", "numbers", "first", "last", "it", "said"]
    assert [line.split()[0] for line in lines] == [one.id for one in reversed(known)]
    assert lines[0].split()[1:4] == ["unwanted", "3", "1"]
    assert "16 Nov 2026" in lines[0]
    assert "18 Nov 2026" in lines[0]
    assert lines[0].endswith("press one")


def test_one_is_shown_by_the_owners_clock(home: Path, known: list[Campaign]) -> None:
    shown = said(home, "show", known[0].id)
    assert "1 call from 1 number\n" in shown
    assert "first Mon 16 Nov 2026, 01:00" in shown  # 09:00 UTC
    assert re.search(r"sound: \d\d s of speech as a fingerprint", shown)
    assert 'it said: "press one"' in shown


def test_forget_says_how_to_undo_it_and_the_undo_works(home: Path, known: list[Campaign]) -> None:
    one = known[1]
    told = said(home, "forget", one.id)
    assert standing(home, one) is Standing.NEVER
    assert one.id not in said(home, "list")
    assert one.id in said(home, "list", "--all")
    assert "forgotten: not matched" in said(home, "show", one.id)
    (undo,) = re.findall(r"undo this with `screener campaigns (.+)`", told)
    said(home, *undo.split())
    assert standing(home, one) is Standing.UNWANTED


def test_of_what_strangers_say_no_more_is_listed_than_has_room(home: Path) -> None:
    wide = replace(campaigns_of()[0], phrases=("\N{GRINNING FACE}" * 80, "press one"))
    kept(home / "data" / "campaigns", wide)
    (line,) = (line for line in said(home, "list").splitlines() if line.startswith(wide.id))
    assert line.count("\N{GRINNING FACE}") < 60
    assert line.endswith("…")
    assert len(cli._cells(wide, None)[-1]) == 80


def test_a_campaign_can_be_called_wanted(home: Path, known: list[Campaign]) -> None:
    assert "as wanted" in said(home, "restore", known[0].id, "--wanted")
    assert standing(home, known[0]) is Standing.WANTED


def test_others_take_what_was_exported_and_can_give_it_back(
    home: Path, known: list[Campaign], tmp_path: Path
) -> None:
    path, other = tmp_path / "shared.jsonl", tmp_path / "other"
    assert "3 campaigns" in said(home, "export", path)
    assert CliRunner().invoke(main, ["init", str(other)]).exit_code == 0
    told = said(other, "import", path)
    assert told.startswith("3 campaigns added, 0 known already")
    assert said(other, "import", path) == "0 campaigns added, 3 known already\n"
    assert "came with the import" in said(other, "show", known[0].id)
    (undo,) = re.findall(r"undo this with `screener campaigns (.+)`", told)
    assert said(other, *undo.split()) == "3 campaigns taken out\n"
    assert said(other).startswith("no campaigns yet")
    for never in (undo.split()[-1], "", "20250102T030405"):  # taken out already; never was
        told = refused(other, "import", "--undo", never)
        assert told.startswith(f"nothing that is known came with an import {never!r}: ")


def test_a_sound_file_teaches_what_calls_are_then_known_by(home: Path, tmp_path: Path) -> None:
    sound = tmp_path / "voicemail.wav"
    sound.write_bytes(speech.wav(speech.say(BILL, "flite:rms")))
    told = said(home, "learn", sound)
    (name,) = re.findall(r"(\w+) is known now, as unwanted", told)
    known, _ = known_in(home / "data")
    _, ear = tracked(over_the_line(speech.say(BILL, "flite:rms"), 1.0, 0.3), known)
    assert ear.likeness is not None
    assert ear.likeness.campaign == name
    (undo,) = re.findall(r"undo this with `screener campaigns (.+)`", told)
    said(home, *undo.split())
    assert f"{name} is known now, as wanted" in said(home, "learn", sound, "--wanted")
    assert said(home, "learn", sound, "--wanted") == f"{name} was known already, as wanted\n"
    (undo,) = re.findall(r"undo this with `screener campaigns (.+)`", said(home, "learn", sound))
    said(home, *undo.split())  # it was wanted before, and is so again
    assert known_in(home / "data")[0].campaigns[name].wanted
    assert len(said(home, "list").splitlines()) == 2


def test_a_kept_call_teaches_as_well(home: Path) -> None:
    heard = home / "data" / "heard"
    heard.mkdir(parents=True)
    (heard / "17.wav").write_bytes(speech.wav(speech.say(PARCEL, "flite:rms")))
    assert "is known now" in said(home, "learn", "--call", 17)
    assert "sound of call 18 was not kept" in refused(home, "learn", "--call", 18)


def test_too_little_teaches_nothing(home: Path, tmp_path: Path) -> None:
    sound = tmp_path / "short.wav"
    sound.write_bytes(speech.wav(speech.say("press one now")))
    assert "too little is said" in refused(home, "learn", sound)
    assert "there is no such file" in refused(home, "learn", tmp_path / "none.wav")
    assert run(home, "learn").exit_code == 2
    assert run(home, "learn", sound, "--call", 1).exit_code == 2


def test_what_cannot_be_done_is_said_in_a_sentence(home: Path, tmp_path: Path) -> None:
    for command in ("show", "forget", "restore"):
        assert "there is no campaign nosuchid" in refused(home, command, "nosuchid")
    bad = tmp_path / "bad.jsonl"
    bad.write_text("{}\n")
    assert "is no file of campaigns" in refused(home, "import", bad)
    assert run(home, "import").exit_code == 2
    assert run(home, "import", bad, "--undo", "x").exit_code == 2


def test_a_damaged_file_is_named_and_the_others_are_listed(
    home: Path, known: list[Campaign]
) -> None:
    (home / "data" / "campaigns" / f"{known[0].id}.json").write_text("{")
    result = run(home, "list")
    assert f"{known[0].id}.json is damaged" in result.stderr
    assert known[1].id in result.stdout


def test_check_says_what_recordings_are_known_by(
    home: Path, known: list[Campaign], monkeypatch: pytest.MonkeyPatch
) -> None:
    def line() -> list[str]:
        checked = CliRunner().invoke(main, ["check", str(home)])
        return [line for line in checked.stdout.splitlines() if " campaigns " in line]

    assert line() == ["ok     campaigns      3 recordings would be known again"]
    monkeypatch.setattr(fingerprint, "_library", lambda: None)
    assert line()[1].startswith("note   campaigns      recordings are known again by their words")
