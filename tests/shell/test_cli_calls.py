"""`screener calls allow` and `block`: the rule, its place, and how to undo it."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from screener import config
from screener.cli import main
from screener.records.calllog import DATABASE
from screener.records.store import CallStart, Store

CALLERS = {
    1: ("+18665550142", 'WALGREENS "RX" \x1b[31m', False),
    2: ("", "Anonymous", True),
    3: ("*", "everybody", False),
}


def screener(home: Path, *arguments: str) -> Result:
    words = [*arguments, "--dir", str(home)]
    return CliRunner().invoke(main, words, env={"SCREENER_HOME": None})


@pytest.fixture
async def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    assert CliRunner().invoke(main, ["init", str(folder)]).exit_code == 0
    store = Store(config.load(folder / "screener.toml").data / DATABASE)
    for number, name, withheld in CALLERS.values():
        when = datetime(2026, 11, 20, 22, 3, tzinfo=UTC)
        await store.begin(CallStart("uid", when, "+18182223333", number, name, withheld))
    await store.close()
    return folder


def rules(home: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in (home / "rules").iterdir()}


@pytest.mark.parametrize(
    ("action", "file", "word"),
    [("allow", "1-allow.rules", "promoted"), ("block", "2-block.rules", "blocked")],
)
def test_a_rule_is_added_and_undone_as_it_says(
    home: Path, action: str, file: str, word: str
) -> None:
    before = rules(home)
    result = screener(home, "calls", action, "1")
    assert result.exit_code == 0, result.output
    added, undo = result.stdout.splitlines()
    rule = f'{action} from +18665550142 "WALGREENS ""RX"" \\x1b[31m ({word}, call 1)"'
    assert re.fullmatch(rf"added {file}:[0-9]+  (.*)", added)
    assert added.endswith(rule)
    assert rules(home)[file].splitlines()[-1] == rule
    assert screener(home, "rules", "check", "--strict").exit_code == 0
    words = shlex.split(undo.removeprefix("undo:  screener "))
    assert CliRunner().invoke(main, words).exit_code == 0
    assert rules(home) == before


def test_twice_is_once(home: Path) -> None:
    screener(home, "calls", "allow", "1")
    before = rules(home)
    result = screener(home, "calls", "allow", "1")
    assert result.stdout.startswith("it is there already: 1-allow.rules:")
    assert rules(home) == before


def test_who_was_blocked_before_is_let_in_first(home: Path) -> None:
    (home / "rules" / "0-all.rules").write_text('# nobody\nblock from 866*  "toll-free"\n')
    assert screener(home, "calls", "allow", "1").stdout.startswith("added 0-all.rules:1  allow")
    told = screener(home, "rules", "explain", "+18665550142").stdout
    assert told.startswith("allow ")


def undone(said: str) -> None:
    [undo] = [line for line in said.splitlines() if line.startswith("undo:  ")]
    for command in undo.removeprefix("undo:  ").split(" && "):
        result = CliRunner().invoke(main, shlex.split(command)[1:])
        assert result.exit_code == 0, result.output


def test_who_was_let_in_by_a_call_is_blocked_by_one_and_the_undo_undoes_both(home: Path) -> None:
    assert screener(home, "calls", "allow", "1").exit_code == 0
    before = rules(home)
    result = screener(home, "calls", "block", "1")
    assert result.exit_code == 0, result.output
    assert re.search(r"taken out for it: 1-allow.rules:[0-9]+  allow from \+1866", result.stdout)
    told = screener(home, "rules", "explain", "+18665550142").stdout
    assert told.startswith("block ")
    undone(result.stdout)
    assert rules(home) == before


def test_changing_ones_mind_leaves_one_rule(home: Path) -> None:
    untouched = rules(home)
    for action in ("allow", "block", "allow", "block"):
        before = rules(home)
        result = screener(home, "calls", action, "1")
        assert result.exit_code == 0
        undone(result.stdout)
        assert rules(home) == before
        screener(home, "calls", action, "1")
        told = screener(home, "rules", "explain", "+18665550142").stdout
        assert told.startswith(f"{action} ")
    assert rules(home)["1-allow.rules"] == untouched["1-allow.rules"]
    assert rules(home)["2-block.rules"].count("from +18665550142") == 1


def test_a_rule_of_the_owners_stays_and_the_command_fails(home: Path) -> None:
    mine = '# mine\nallow from +18665550142 "pharmacy"\n'
    (home / "rules" / "0-mine.rules").write_text(mine)
    result = screener(home, "calls", "block", "1")
    assert result.exit_code == 1
    assert result.stdout.startswith("added 2-block.rules:")
    assert "warning: it decides nothing: 0-mine.rules:2" in result.stderr
    assert rules(home)["0-mine.rules"] == mine


@pytest.mark.parametrize("action", ["allow", "block"])
@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("2", "the number that call 2 showed was withheld; only a caller with a number can be"),
        ("3", "the number that call 3 showed is no telephone number: *; only a caller"),
        ("9", "there is no call 9: see `screener calls`"),
    ],
)
def test_who_cannot_be_named_is_told_and_nothing_is_written(
    home: Path, action: str, call: str, said: str
) -> None:
    before = rules(home)
    result = screener(home, "calls", action, call)
    assert result.exit_code == 1
    assert said in result.stderr
    assert result.stdout == ""
    assert rules(home) == before


@pytest.mark.parametrize(
    "words", [("calls", "show"), ("calls", "allow"), ("calls", "block"), ("listen", "--call")]
)
def test_what_is_no_calls_number_is_told_with_what_is(home: Path, words: tuple[str, ...]) -> None:
    for text in ("abc", "1.5", "+18665550142x"):
        result = screener(home, *words, text)
        assert result.exit_code == 2
        assert f"{text!r}: expected a call's number, such as 17" in result.stderr


@pytest.mark.parametrize(
    "words", [("calls", "show"), ("calls", "allow"), ("calls", "block"), ("listen", "--call")]
)
def test_a_number_that_is_larger_than_any_is_told(home: Path, words: tuple[str, ...]) -> None:
    result = screener(home, *words, str(1 << 63))
    assert result.exit_code == 2
    assert "is not in the range 1<=x<=" in result.stderr
