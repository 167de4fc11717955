"""What is known of a caller when his call comes in."""

from __future__ import annotations

import os
import socket
import sqlite3
import threading
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from screener import config
from screener.asterisk.translate import Arrived
from screener.calls.acquaintance import Acquaintance
from screener.core.call import Call
from screener.core.history import History
from screener.core.rulefile import parse
from screener.core.rules import RuleSet
from screener.core.window import Kind
from screener.records.store import CallEnd, CallStart, Store
from tests.core.lines import stranger as anyone
from tests.shell.household import PLAIN, Write


def stranger(number: str) -> Call:
    """Somebody who calls now: his past is as far away as this machine's clock says."""
    return replace(anyone(number), at=datetime.now(UTC))


FRIEND = stranger("+14155550100")
ASKING = RuleSet(parse("allow answered-before", "50.rules", "US")[0])
NOT_ASKING = RuleSet(parse("block withheld", "50.rules", "US")[0])
YESTERDAY = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """A store in which every number that these tests show was answered yesterday."""
    opened = Store(tmp_path / "calls.db", history_patience=0.05)
    for number in ("+14155550100", "611", ""):
        call = await opened.begin(
            CallStart("u", YESTERDAY, "+18182223333", number, "", withheld=not number)
        )
        await opened.end(call, CallEnd(YESTERDAY + timedelta(minutes=1), "connected", "so"))
    yield opened
    await opened.close()


@pytest.fixture
def acquaintance(write: Write, store: Store) -> Acquaintance:
    return Acquaintance(config.load(write(PLAIN)), store)


SECOND = """
[dids."+18182224444"]
ring = "family"
box = "family"
[extensions.1]"""


def test_the_number_that_was_dialled_first_chooses_the_door(write: Write, store: Store) -> None:
    settings = config.load(write(PLAIN.replace("\n[extensions.1]", SECOND, 1)))
    shown = b64encode(b"Diversion <sip\x1a+18182224444@provider>;reason=unconditional").decode()
    arrived = Arrived("1.0", ("did", "+18182223333", shown), "+14155550100", "", "Ring")
    call, door = Acquaintance(settings, store).met(arrived)
    assert door is settings.doors["+18182224444"]
    assert (call.did, call.came_to) == ("+18182224444", "+18182223333")
    plain = replace(arrived, args=arrived.args[:2])
    call, door = Acquaintance(settings, store).met(plain)
    assert (call.did, call.came_to) == ("+18182223333", "")
    assert door is settings.doors["+18182223333"]


@pytest.mark.parametrize("number", ["+14155550100", "611"])
async def test_a_caller_has_a_past(acquaintance: Acquaintance, number: str) -> None:
    call = await acquaintance.known(stranger(number), ASKING)
    assert call.history == History(calls=(YESTERDAY,), answered=(YESTERDAY,))
    assert ASKING.judge(call).effect == "allow"


async def test_calls_of_a_clock_that_was_years_ahead_do_not_count_as_recent(
    acquaintance: Acquaintance, store: Store
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    for ahead in (timedelta(hours=1), timedelta(days=3650)):
        await store.begin(CallStart("u", now + ahead, "+18182223333", "+14155550100", ""))
    call = await acquaintance.known(FRIEND, ASKING)
    assert call.history.calls == (YESTERDAY, now + timedelta(hours=1))


async def test_a_caller_without_a_number_has_none(acquaintance: Acquaintance) -> None:
    for number in ("anonymous", ""):
        call = stranger(number)
        assert await acquaintance.known(call, ASKING) is call


async def test_nothing_is_looked_up_that_no_rule_asks(
    acquaintance: Acquaintance, store: Store
) -> None:
    asked: list[str] = []
    store._past.conn.set_trace_callback(asked.append)
    assert await acquaintance.known(FRIEND, NOT_ASKING) is FRIEND
    assert not asked
    await acquaintance.known(FRIEND, ASKING)
    assert asked
    store._past.conn.set_trace_callback(None)


async def test_a_number_that_remembers_who_answered_the_challenge_has_it_looked_up(
    write: Write, store: Store
) -> None:
    call = await store.begin(CallStart("u", YESTERDAY, "+18182223333", "+14155550100", ""))
    await store.end(call, CallEnd(YESTERDAY, "connected", "so", passed=True))
    text = PLAIN.replace('box = "family"\n', 'box = "family"\nremember = "90d"\n', 1)
    remembers = Acquaintance(config.load(write(text)), store)
    known = await remembers.known(FRIEND, NOT_ASKING)
    assert known.history.passed == (YESTERDAY,)
    hidden = stranger("anonymous")
    assert await remembers.known(hidden, NOT_ASKING) is hidden


async def test_a_disk_that_hangs_costs_the_history_and_is_logged(
    acquaintance: Acquaintance, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    gate = threading.Event()
    store._reader.submit(gate.wait)
    known: Call = await acquaintance.known(FRIEND, ASKING)
    gate.set()
    assert known is FRIEND
    assert "history unknown of +14155550100: " in caplog.text
    assert "the disk is slow" in caplog.text


async def test_a_database_that_is_broken_costs_the_history_and_is_logged(
    acquaintance: Acquaintance, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    store._db.execute("DROP TABLE calls")
    store._db.conn.commit()
    assert await acquaintance.known(replace(FRIEND), ASKING) == FRIEND
    assert "history unknown of +14155550100: " in caplog.text


async def test_a_window_that_is_open_is_part_of_the_call(acquaintance: Acquaintance) -> None:
    now, hour = datetime.now(UTC), timedelta(hours=1)
    acquaintance.windows.begin(Kind.EXPECTING, now, hour, "you opened it")
    expected = await acquaintance.known(FRIEND, NOT_ASKING)
    assert expected.expecting.startswith("you opened it at ")
    assert expected.emergency == ""
    acquaintance.windows.end(Kind.EXPECTING)
    acquaintance.windows.begin(Kind.EMERGENCY, now, hour, "kitchen dialled 911")
    called_back = replace(FRIEND, emergency="the call is marked")
    assert (await acquaintance.known(called_back, ASKING)).emergency.startswith("kitchen dialled")
    acquaintance.windows.end(Kind.EMERGENCY)
    assert (await acquaintance.known(called_back, NOT_ASKING)) is called_back


async def test_a_disk_that_hangs_costs_the_windows_and_is_logged(
    acquaintance: Acquaintance, caplog: pytest.LogCaptureFixture
) -> None:
    acquaintance.windows.begin(Kind.EXPECTING, datetime.now(UTC), timedelta(hours=1), "you said")
    gate = threading.Event()
    acquaintance._looking.submit(gate.wait)
    assert await acquaintance.known(FRIEND, NOT_ASKING) is FRIEND
    gate.set()
    assert "the disk is slow" in caplog.text
    assert (await acquaintance.known(FRIEND, NOT_ASKING)).expecting


@pytest.mark.parametrize("kind", list(Kind))
async def test_what_is_no_window_file_holds_up_no_call(
    acquaintance: Acquaintance,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    kind: Kind,
) -> None:
    """A pipe that nobody writes to, a folder, a socket, a link to nowhere and one to itself."""
    acquaintance.windows.begin(kind, datetime.now(UTC), timedelta(hours=1), "you said")
    place = acquaintance.windows._folder / kind
    place.unlink()
    monkeypatch.chdir(place.parent)
    heard = socket.socket(socket.AF_UNIX)
    ways: tuple[Callable[[], object], ...] = (
        lambda: os.mkfifo(place),
        place.mkdir,
        lambda: heard.bind(place.name),  # the path of a socket has at most 107 bytes
        lambda: place.symlink_to("nowhere"),
        lambda: place.symlink_to(place.name),
    )
    for make in ways:
        make()
        assert await acquaintance.known(FRIEND, NOT_ASKING) is FRIEND
        place.rmdir() if place.is_dir() else place.unlink()
    heard.close()
    assert "the disk is slow" not in caplog.text
    assert caplog.text.count(f"{place} cannot be read") >= 3


async def test_a_database_that_another_program_holds_costs_no_history(
    acquaintance: Acquaintance, store: Store
) -> None:
    other = sqlite3.connect(store._path)
    other.execute("BEGIN IMMEDIATE")
    call = await acquaintance.known(FRIEND, ASKING)
    assert call.history.answered == (YESTERDAY,)
    other.rollback()
    other.close()
