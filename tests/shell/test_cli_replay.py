"""`screener rules replay` on real calls and real rule files."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from screener.cli import main
from screener.records.calllog import DATABASE
from screener.records.store import CallEnd, CallStart, Store
from tests.shell.household import PLAIN, Write

NOW = datetime.now(UTC).replace(microsecond=0)
PEST, FRIEND = "+19005550100", "+14155550100"


@pytest.fixture
def home(write: Write) -> Path:
    """A household whose phones talked with a pest and a friend, and called the pest back."""
    folder = write(f'timezone = "America/Los_Angeles"\n{PLAIN}').parent
    (folder / "rules" / "10.rules").write_text('allow from +14155550100 "Mom"\n')
    asyncio.run(lived(folder / "data"))
    return folder


async def lived(data: Path) -> None:
    store = Store(data / DATABASE)
    for days, number, ruled in ((200, PEST, "screen"), (20, PEST, "screen"), (10, FRIEND, "allow")):
        at = NOW - timedelta(days=days)
        call = await store.begin(CallStart("u", at, "+18182223333", number, "Ann"))
        await store.end(
            call,
            CallEnd(at + timedelta(seconds=125), "connected", "so", ruled=ruled, seconds=125.0),
        )
    await store.dialled(PEST, NOW - timedelta(days=15))
    await store.close()


def replayed(home: Path, *arguments: object) -> Result:
    words = ["rules", "replay", *map(str, arguments), "--dir", str(home)]
    return CliRunner().invoke(main, words)


def tried(home: Path, text: str) -> Path:
    folder = home / "try"
    folder.mkdir(exist_ok=True)
    (folder / "50.rules").write_text(text)
    return folder


def test_the_present_rules_change_nothing(home: Path) -> None:
    result = replayed(home)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("2 calls from ")
    assert "none would have ended differently." in result.stdout


def test_other_rules_tell_their_price(home: Path) -> None:
    result = replayed(home, tried(home, 'block from +1900* "premium"\nallow from +1415*\n'))
    assert result.exit_code == 0, result.output
    assert "1 would have ended differently." in result.stdout
    assert "Wrongly turned away: 1 of 1 call (100.0 %)" in result.stdout
    [line] = [line for line in result.stdout.splitlines() if "+1 900" in line]
    assert '+1 900 555 0100 "Ann"  screen  block play sit  answered, ' in line
    assert line.endswith('"premium" (50.rules:1)')
    back = (NOW - timedelta(days=15)).strftime("%b")
    assert "answered, 2 min 5 s; called back on " in line
    assert back in line


def test_the_calls_to_judge_are_chosen_by_a_span_or_a_day(home: Path) -> None:
    folder = tried(home, "block from +1900*\n")
    day = (NOW - timedelta(days=250)).strftime("%Y-%m-%d")
    for since, calls, different in (
        ("30d", 2, 2),
        ("15d", 1, 1),
        ("1y", 3, 3),
        (day, 3, 3),
        ("0001-01-01", 3, 3),
    ):
        found = json.loads(replayed(home, folder, "--since", since, "--json").stdout)
        assert (found["calls"], found["different"]) == (calls, different), since


def test_what_lies_before_is_still_the_past_of_what_is_judged(home: Path) -> None:
    folder = tried(home, "allow answered-before\n")
    found = json.loads(replayed(home, folder, "--since", "30d", "--json").stdout)
    assert [d["action"] for d in found["differences"]] == ["screen", "allow"]
    [allowed] = [d for d in found["differences"] if d["action"] == "allow"]
    assert allowed["number"] == PEST
    assert allowed["reason"].startswith("allow ")
    assert "was answered here on" in allowed["reason"]


def test_the_table_can_be_cut_or_whole(home: Path) -> None:
    folder = tried(home, "block from +1*\n")
    cut = replayed(home, folder, "--since", "1y", "--limit", 1).stdout
    assert "and 2 more: --all shows them" in cut
    assert "+1 900 555 0100" not in cut
    assert "--all" not in replayed(home, folder, "--since", "1y", "--all").stdout


def test_mistakes_in_the_rules_are_told_and_nothing_is_judged(home: Path) -> None:
    result = replayed(home, tried(home, "blok withheld\nallow from x\n"))
    assert result.exit_code == 1
    assert result.stdout == ""
    assert f"{home / 'try'}/50.rules:1:1:" in result.stderr
    assert f"{home / 'try'}/50.rules:2:12:" in result.stderr


def test_a_folder_that_is_not_there(home: Path) -> None:
    result = replayed(home, home / "nowhere")
    assert result.exit_code == 1
    assert "nowhere: cannot be read" in result.stderr


@pytest.mark.parametrize("since", ["yesterday", "2026-13-01", "0d", ""])
def test_a_time_that_is_none(home: Path, since: str) -> None:
    result = replayed(home, "--since", since)
    assert result.exit_code == 2
    assert "expected a time like 30m, 2h, 90d, 3w, 9mo or 1y, or a day like" in " ".join(
        result.stderr.split()
    )


def test_a_household_without_a_call(write: Write) -> None:
    result = replayed(write(PLAIN).parent)
    assert (result.exit_code, result.stdout) == (0, "no calls to judge\n")
