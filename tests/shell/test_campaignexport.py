"""The file that people share: what is in it, and what of a hostile one is taken."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from screener.campaigns import campaignexport, campaignfile
from screener.campaigns.learning import take, withdraw
from screener.core import campaign
from screener.core.campaign import Standing
from screener.errors import CampaignError
from tests.core.test_campaign import AT, SOUNDS, lesson
from tests.shell.test_campaignfile import campaigns_of, kept


@pytest.fixture
def exported(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "campaigns.jsonl"
    assert campaignexport.export(path, campaigns_of()) == 3
    yield path
    assert not list(tmp_path.glob("campaigns/*.json")), "something was taken of a bad file"


def lines_of(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_an_export_has_neither_sound_nor_numbers_nor_what_is_wanted(exported: Path) -> None:
    wanted = campaign.begun(
        lesson(SOUNDS[5], words="A package has been seized. Press one to talk to an officer."),
        Standing.WANTED,
    )
    assert wanted is not None
    assert campaignexport.export(exported, [*campaigns_of(), wanted]) == 3
    head, *lines = lines_of(exported)
    assert head == {
        "format": "screener campaigns",
        "version": 1,
        "fingerprint": "chromaprint 1, 8000 Hz",
        "campaigns": 3,
    }
    assert {key for line in lines for key in line} == {
        *("standing", "first", "last", "calls", "numbers", "sound", "shingles", "phrases")
    }


def test_an_import_adds_what_is_not_known_and_can_be_undone(tmp_path: Path) -> None:
    path, where = tmp_path / "shared.jsonl", tmp_path / "campaigns"
    every = campaigns_of()
    campaignexport.export(path, every)
    mine = every[0]
    kept(where, replace(mine, standing=Standing.NEVER))
    done = take(where, path, AT)
    assert (done.new, done.known, done.too_many) == (2, 1, 0)
    assert take(where, path, AT + timedelta(hours=1)).new == 0
    found, _ = campaignfile.read_all(where)
    assert {one.id for one in found} == {one.id for one in every}
    assert {one.origin for one in found if one.id != mine.id} == {done.origin}
    assert withdraw(where, done.origin) == 2
    assert [one.id for one in campaignfile.read_all(where)[0]] == [mine.id]
    assert withdraw(where, done.origin) == withdraw(where, "") == 0


def test_of_imports_within_a_second_each_is_undone_by_itself(tmp_path: Path) -> None:
    where = tmp_path / "campaigns"
    origins = []
    for n, one in enumerate(campaigns_of()):
        path = tmp_path / f"{n}.jsonl"
        campaignexport.export(path, [one])
        origins.append(take(where, path, AT).origin)
    assert len(set(origins)) == 3
    assert withdraw(where, origins[1]) == 1
    left = {one.origin for one in campaignfile.read_all(where)[0]}
    assert left == {origins[0], origins[2]}
    assert take(where, tmp_path / "1.jsonl", AT).origin not in left


def test_of_a_file_with_wanted_ones_only_the_unwanted_are_taken(tmp_path: Path) -> None:
    path, where = tmp_path / "shared.jsonl", tmp_path / "campaigns"
    campaignexport.export(path, campaigns_of())
    path.write_text(path.read_text().replace('"unwanted"', '"wanted"', 1))
    assert take(where, path, AT).new == 2


def test_a_full_house_takes_the_most_called_and_says_what_had_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, where = tmp_path / "shared.jsonl", tmp_path / "campaigns"
    every = [replace(one, calls=n + 1) for n, one in enumerate(campaigns_of())]
    campaignexport.export(path, every)
    monkeypatch.setattr(campaignfile, "MOST", 3)
    kept(where, every[0], *campaigns_of(5)[4:])
    done = take(where, path, AT)
    assert (done.new, done.known, done.too_many) == (1, 1, 1)
    assert campaignfile.read(where, every[2].id) is not None


BAD: dict[str, tuple[Callable[[str], str], str]] = {
    "empty": (lambda text: "", "is no file of campaigns"),
    "a picture": (lambda text: "\x89PNG\r\n\x1a\n" + "\0" * 99, "is no file of campaigns"),
    "a number": (lambda text: "7\n" + text, "is no file of campaigns"),
    "one line of gigabytes": (lambda text: "x" * 99_999, ":1: the line is longer"),
    "of the future": (lambda t: t.replace('"version": 1', '"version": 2'), "of version 2"),
    "a hostile version": (
        lambda t: t.replace('"version": 1', '"version": "\\u001b[2J"'),
        "of version",
    ),
    "other fingerprints": (lambda t: t.replace("chromaprint 1", "own 3"), "other fingerprints"),
    "too many": (lambda t: t.replace('"campaigns": 3', '"campaigns": 10001'), "from 0 to 10000"),
    "a count that is none": (lambda t: t.replace(": 3}", ': "3"}'), "from 0 to 10000"),
    "fewer than said": (
        lambda t: t.replace('"campaigns": 3', '"campaigns": 4'),
        ":5: the file was",
    ),
    "more than said": (lambda t: t.replace('"campaigns": 3', '"campaigns": 2'), "no more than 2"),
    "cut off": (lambda text: text[:-900], ":4: the file was cut off"),
    "no Base64": (lambda t: t.replace('"sound": "', '"sound": "%', 1), "`sound` is not Base64"),
    "an odd sound": (lambda t: t.replace('"sound": "', '"sound": "AAAA', 1), "32 bits"),
    "no sound": (lambda t: t.replace('"sound"', '"noise"', 1), "`sound` is not there"),
    "a steady sound": (
        lambda t: t.replace(lines(t)[1]["sound"], "AAAA" * 64, 1),
        "nothing that can be told apart",
    ),
    "words out of order": (
        lambda t: t.replace('"shingles": "', '"shingles": "/////wAAAAAAAAAA', 1),
        "out of order",
    ),
    "no standing": (lambda t: t.replace('"unwanted"', '"evil"', 1), "`standing` is none"),
    "a standing that is a list": (lambda t: t.replace('"unwanted"', "[]", 1), "`standing` is none"),
    "too many calls": (lambda t: t.replace('"calls": 1', '"calls": 1e9', 1), "`calls`"),
    "endless calls": (
        lambda t: t.replace('"calls": 1', '"calls": ' + "9" * 5000, 1),
        "no campaign",
    ),
    "true calls": (lambda t: t.replace('"calls": 1', '"calls": true', 1), "`calls`"),
    "more numbers than calls": (
        lambda t: t.replace('"numbers": 1', '"numbers": 7', 1),
        "`numbers`",
    ),
    "no time": (lambda t: t.replace("2026-11-16T09", "yesterday", 1), "`first` is no time"),
    "a time without its zone": (lambda t: t.replace("+00:00", "", 1), "`first` is no time"),
    "the end of time": (lambda t: t.replace("2026-11-16", "9999-12-31", 1), "`first` is after"),
    "the future": (lambda t: t.replace("2026-11-16", "2099-01-01"), "in the future"),
    "a hostile phrase": (
        lambda t: t.replace("press one", "\\u001b[31mpress one", 1),
        "`phrases` is no text",
    ),
    "a long phrase": (lambda t: t.replace("press one", "x" * 81, 1), "`phrases` is no text"),
    "many phrases": (
        lambda t: t.replace('["press one"]', "[" + '"a",' * 12 + '"a"]', 1),
        "`phrases` are more",
    ),
    "phrases that are none": (lambda t: t.replace('["press one"]', "7", 1), "`phrases` are more"),
    "deep": (lambda t: t.replace('["press one"]', "[" * 6000 + "]" * 6000, 1), "no campaign"),
    "not a number": (lambda t: t.replace('"calls": 1', '"calls": NaN', 1), "`calls`"),
}


def lines(text: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("what", BAD)
def test_a_hostile_file_is_refused_in_one_sentence(exported: Path, what: str) -> None:
    change, said = BAD[what]
    before = exported.read_text()
    exported.write_text(change(before), encoding="utf-8")
    assert exported.read_text() != before
    with pytest.raises(CampaignError) as refused:
        take(exported.parent / "campaigns", exported, AT + timedelta(days=1))
    sentence = str(refused.value)
    assert sentence.startswith(str(exported))
    assert said in sentence
    assert "\n" not in sentence
    assert sentence.isprintable()
    assert len(sentence) < len(str(exported)) + 300


def test_files_that_cannot_be_read_or_written_are_named(tmp_path: Path) -> None:
    with pytest.raises(CampaignError, match="No such file"):
        take(tmp_path / "campaigns", tmp_path / "nowhere.jsonl", AT)
    with pytest.raises(CampaignError, match="cannot be written"):
        campaignexport.export(tmp_path / "no" / "folder.jsonl", campaigns_of())
    (tmp_path / "file").write_text("")
    for nowhere, why in (
        (tmp_path / "file" / "campaigns.jsonl", "Not a directory"),
        (tmp_path / ("x" * 300), "File name too long"),
        (Path(), "it is a folder"),
    ):
        with pytest.raises(CampaignError, match=f"cannot be written: {why}"):
            campaignexport.export(nowhere, campaigns_of())
    with pytest.raises(CampaignError, match="Is a directory"):
        take(tmp_path / "campaigns", tmp_path, AT)
