"""Whose turn it is, and who is left in peace, as it is remembered on disk."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from screener.calls import donotdisturb
from screener.calls import switchboard as switchboard_module
from screener.calls.switchboard import TURNS, Switchboard
from screener.config import Settings, load
from screener.core.frontdoor import RingGroup, Strategy
from screener.core.ringing import State
from tests.shell.household import Write, changed

NIGHT = datetime(2026, 11, 21, 23, 0, tzinfo=UTC)


@pytest.fixture
def settings(write: Write) -> Settings:
    hours = '{ dial = "PJSIP/study", hours = "8:00-22:00" }'
    text = 'timezone = "UTC"\n' + changed('"PJSIP/study"', hours)
    return load(write(text))


def in_turn(settings: Settings) -> RingGroup:
    return replace(settings.groups["family"], strategy=Strategy.ROUND_ROBIN)


async def test_turns_outlive_a_restart(settings: Settings) -> None:
    group = in_turn(settings)
    settings.data.mkdir(exist_ok=True)
    board = Switchboard(settings, None)
    board.began(group, "kitchen")
    board.answered("study")
    await board.close()
    known = await Switchboard(settings, None).circumstances(group, NIGHT)
    assert known.began_with == "kitchen"
    assert list(known.answered) == ["study"]


@pytest.mark.parametrize("content", ["", "[]", '{"began_with": 3}', "\x00"])
async def test_turns_that_cannot_be_read_begin_anew(settings: Settings, content: str) -> None:
    settings.data.mkdir(exist_ok=True)
    (settings.data / TURNS).write_text(content)
    board = Switchboard(settings, None)
    known = await board.circumstances(settings.groups["family"], NIGHT)
    assert (known.began_with, dict(known.answered)) == ("", {})


async def test_a_disk_that_takes_nothing_holds_up_no_call(settings: Settings) -> None:
    (settings.data / TURNS).mkdir(parents=True)
    board, group = Switchboard(settings, None), in_turn(settings)
    board.began(group, "kitchen")
    await board.close()
    assert [path.name for path in settings.data.glob("turns*")] == [TURNS]
    known = await board.circumstances(group, NIGHT)
    assert known.began_with == "kitchen"


async def test_a_disk_that_hangs_holds_up_no_call(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next call of a round robin begins with another phone all the same."""
    monkeypatch.setattr(switchboard_module, "_DISK", 0.01)
    monkeypatch.setattr(switchboard_module, "_CLOSING", 0.01)
    works = threading.Event()

    def hangs(*_: object) -> frozenset[str]:
        works.wait()
        return frozenset({"kitchen"})

    monkeypatch.setattr(donotdisturb, "phones", hangs)
    monkeypatch.setattr(switchboard_module._Turns, "write", hangs)
    board, group = Switchboard(settings, None), in_turn(settings)
    try:
        board.began(group, "study")
        known = await board.circumstances(group, NIGHT)
        await board.close()
    finally:
        works.set()
    assert (known.began_with, known.states) == ("study", {"study": State.CLOSED})


async def test_only_a_round_robin_remembers_with_whom_it_began(settings: Settings) -> None:
    board, group = Switchboard(settings, None), settings.groups["family"]
    board.began(group, "kitchen")
    assert not (await board.circumstances(group, NIGHT)).began_with


async def test_at_night_and_in_peace_nobody_rings_unless_somebody_called_for_help(
    settings: Settings,
) -> None:
    donotdisturb.begin(settings.data, "kitchen")
    board, group = Switchboard(settings, None), settings.groups["family"]
    known = await board.circumstances(group, NIGHT)
    assert known.states == {"kitchen": State.UNDISTURBED, "study": State.CLOSED}
    assert not (await board.circumstances(group, NIGHT, urgent=True)).states


def test_a_folder_that_cannot_be_read_lets_every_phone_ring(tmp_path: Path) -> None:
    (tmp_path / donotdisturb.FOLDER).write_text("no folder")
    assert donotdisturb.phones(tmp_path) == frozenset()
