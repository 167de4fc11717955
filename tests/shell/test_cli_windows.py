"""`screener expect`: what it opens, what it prints, and what it says when no rule asks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from screener import config
from screener.cli import main
from screener.core.window import Kind
from screener.rules.windows import OpenWindow, Windows


def expect(home: Path, *arguments: str) -> Result:
    words = ["expect", *arguments, "--dir", str(home)]
    return CliRunner().invoke(main, words, env={"SCREENER_HOME": None})


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A front door in New York with one rule, which asks whether a call is expected."""
    folder = tmp_path / "home"
    assert CliRunner().invoke(main, ["init", str(folder)]).exit_code == 0
    for file in (folder / "rules").glob("*.rules"):
        file.unlink()
    (folder / "rules" / "1.rules").write_text('allow expecting "we wait for the doctor"\n')
    toml = folder / "screener.toml"
    toml.write_text('timezone = "America/New_York"\n' + toml.read_text())
    return folder


def windows(home: Path) -> list[OpenWindow]:
    return Windows.of(config.load(home / "screener.toml")).open(datetime.now(UTC))


def minutes_left(home: Path) -> float:
    (window,) = windows(home)
    assert window.kind is Kind.EXPECTING
    return (window.until - datetime.now(UTC)).total_seconds() / 60


def test_it_opens_a_window_for_as_long_as_screener_toml_says(home: Path) -> None:
    result = expect(home)
    assert result.exit_code == 0
    assert 119 < minutes_left(home) <= 120
    until = windows(home)[0].until
    assert result.stdout.splitlines() == [
        f"You expect a call until {until:%H:%M}."
        if until.date() == datetime.now(until.tzinfo).date()
        else f"You expect a call until {until:%a %H:%M}.",
        'Asked by "we wait for the doctor" (1.rules:1): allow when expecting',
    ]
    assert result.stderr == ""


def test_it_opens_a_window_for_the_time_that_is_given(home: Path) -> None:
    assert expect(home, "30m").exit_code == 0
    assert 29 < minutes_left(home) <= 30
    assert expect(home, "1d").exit_code == 0
    assert 1439 < minutes_left(home) <= 1440


def test_it_closes_it_again(home: Path) -> None:
    expect(home)
    for _ in range(2):
        result = expect(home, "--off")
        assert (result.exit_code, result.stdout) == (0, "No call is expected.\n")
        assert windows(home) == []


def test_it_shows_what_is_open_and_changes_nothing(home: Path) -> None:
    assert expect(home, "--show").stdout == "No call is expected.\n"
    expect(home, "10m")
    ours = Windows.of(config.load(home / "screener.toml"))
    ours.begin(Kind.EMERGENCY, datetime.now(UTC), timedelta(hours=4), "kitchen dialled 911")
    before = windows(home)
    shown = expect(home, "--show").stdout.splitlines()
    assert shown[0].startswith("You expect a call: you opened it at ")
    assert shown[2].startswith("There is an emergency until ")
    assert ": kitchen dialled 911 at " in shown[2]
    assert windows(home) == before


def test_it_warns_when_no_rule_asks(home: Path) -> None:
    (home / "rules" / "1.rules").write_text("block withheld\n")
    result = expect(home)
    assert result.exit_code == 0
    assert result.stderr == (
        "warning: no rule says expecting, so nothing changes: write `allow expecting` into a file"
        f" in {home / 'rules'}\n"
    )


def test_rules_with_mistakes_do_not_keep_it_from_opening(home: Path) -> None:
    (home / "rules" / "1.rules").write_text("allow expcting\n")
    result = expect(home)
    assert (result.exit_code, len(windows(home))) == (0, 1)
    assert result.stderr == "warning: the rules have mistakes: see `screener rules check`\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["2x"], "'2x': expected a time like 30m, 2h or 1d, from 1 minute to 7 days"),
        (["5s"], "from 1 minute to 7 days"),
        (["9w"], "from 1 minute to 7 days"),
        (["2h", "--off"], "give a TIME, --off or --show: one of them"),
        (["--show", "--off"], "one of them"),
    ],
)
def test_what_it_does_not_understand_opens_nothing(
    home: Path, arguments: list[str], said: str
) -> None:
    result = expect(home, *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert windows(home) == []


def test_a_folder_that_cannot_be_written_is_one_sentence(home: Path) -> None:
    (home / "data" / "windows").write_text("in the way")
    result = expect(home)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"{home / 'data' / 'windows' / 'expecting'} cannot be written")
    assert result.stderr.count("\n") == 1
