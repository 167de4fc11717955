"""`screener ring` and `screener dnd`: what they print, and what they change."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from screener.cli import main


def screener(home: Path, *words: str) -> Result:
    arguments = [*words, "--dir", str(home)]
    return CliRunner().invoke(main, arguments, env={"SCREENER_HOME": None})


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A front door in New York whose mobile joins later, and not at night."""
    folder = tmp_path / "home"
    assert CliRunner().invoke(main, ["init", str(folder)]).exit_code == 0
    toml = folder / "screener.toml"
    text = toml.read_text().replace(
        'study = "PJSIP/study"',
        'study = { dial = "PJSIP/study", delay = "10s", hours = "8:00-22:00" }',
        1,
    )
    toml.write_text(f'timezone = "America/New_York"\n{text}')
    return folder


def test_a_dry_run_tells_second_by_second_what_would_ring(home: Path) -> None:
    told = screener(home, "ring", "family", "--dry-run", "--at", "2026-11-21 21:59")
    assert told.exit_code == 0
    assert told.stdout.splitlines() == [
        "family rings all, 25 s at most",
        "   0.0 s  kitchen rings (PJSIP/kitchen) for 25 s",
        "  10.0 s  study rings (PJSIP/study) for 15 s",
        "  25.0 s  kitchen stops",
        "  25.0 s  study stops",
        "  25.0 s  it is over: nobody answered",
    ]
    assert told.stderr == "No Asterisk answers: phones are taken for registered and free.\n"


def test_who_is_passed_over_is_told_with_the_reason(home: Path) -> None:
    screener(home, "dnd", "kitchen", "on")
    told = screener(home, "ring", "family", "--dry-run", "--at", "2026-11-21 22:00")
    assert told.stdout.splitlines()[1:] == [
        "   0.0 s  kitchen is not to be disturbed: passed over",
        "   0.0 s  study rings at other hours: passed over",
        "   0.0 s  it is over: nobody answered",
    ]


def test_who_has_no_turn_is_told(home: Path) -> None:
    toml = home / "screener.toml"
    turn = 'seconds = 15\nstrategy = "in-turn"\n'
    toml.write_text(toml.read_text().replace("seconds = 25 ", f"{turn}# ", 1))
    told = screener(home, "ring", "family", "--dry-run", "--at", "2026-11-21 12:00")
    assert "  15.0 s  study was not rung: the time was over" in told.stdout.splitlines()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("ring", "family"), "it only tells what would ring: add --dry-run"),
        (("ring", "famly", "--dry-run"), 'did you mean "family"?'),
        (("ring", "family", "--dry-run", "--at", "tonight"), "'tonight': expected a time like"),
        (("ring", "family", "--dry-run", "--at", "2026-13-01 1:00"), '"2026-11-21 22:30"'),
        (("dnd", "kitchn", "on"), 'did you mean "kitchen"?'),
        (("dnd", "kitchen", "perhaps"), "perhaps"),
    ],
)
def test_a_slip_of_the_pen_is_named(home: Path, words: tuple[str, ...], said: str) -> None:
    told = screener(home, *words)
    assert told.exit_code == 2
    assert said in told.stderr


def test_a_phone_is_left_in_peace_and_rings_again(home: Path) -> None:
    assert screener(home, "dnd", "list").stdout == "No phone is left in peace.\n"
    assert screener(home, "dnd", "kitchen", "on").stdout == "kitchen is left in peace.\n"
    assert screener(home, "dnd", "kitchen", "on").exit_code == 0
    assert screener(home, "dnd", "list").stdout == "kitchen\n"
    assert "in peace   kitchen" in screener(home, "status").stdout
    assert json.loads(screener(home, "status", "--json").stdout)["undisturbed"] == ["kitchen"]
    assert screener(home, "dnd", "kitchen").stdout == "kitchen is left in peace.\n"
    assert screener(home, "dnd", "kitchen", "off").stdout == "kitchen rings.\n"
    assert screener(home, "dnd", "list").stdout == "No phone is left in peace.\n"


def test_a_folder_that_cannot_be_written_is_named(home: Path) -> None:
    (home / "data" / "do-not-disturb").parent.mkdir(exist_ok=True)
    (home / "data" / "do-not-disturb").write_text("not a folder")
    told = screener(home, "dnd", "kitchen", "on")
    assert told.exit_code == 1
    assert "cannot be written" in told.stderr
