"""The calls on disk, read while they are written."""

import random
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from screener.core.replay import calls_again
from screener.core.rulefile import parse
from screener.core.rules import RuleSet
from screener.errors import StoreError
from screener.records.calllog import CallLog
from screener.records.store import CallEnd, CallStart, Store

STARTED = datetime(2026, 11, 20, 22, 3, 11, tzinfo=UTC)
START = CallStart("1790000000.17", STARTED, "+18182223333", "+18055550142", "UNKNOWN")
PEST = "+19005550100"


async def ended(store: Store, start: CallStart, outcome: str) -> None:
    end = CallEnd(start.started + timedelta(seconds=35), outcome, "of a test")
    await store.end(await store.begin(start), end)


async def test_calls_are_listed_newest_first_and_counted(store: Store, path: Path) -> None:
    outcomes = ["connected", "turned away", "turned away", "silent"]
    for day, outcome in enumerate(outcomes):
        start = replace(START, started=STARTED + timedelta(days=day))
        await ended(store, start, outcome)
    await store.begin(replace(START, started=STARTED + timedelta(days=4)))
    with CallLog(path) as calls:
        assert [row.id for row in calls.calls(3)] == [5, 4, 3]
        since = STARTED + timedelta(days=2)
        assert [row.outcome for row in calls.calls(10, since)] == ["", "silent", "turned away"]
        assert calls.counts() == {"turned away": 2, "connected": 1, "in progress": 1, "silent": 1}
        assert calls.counts(since) == {"in progress": 1, "silent": 1, "turned away": 1}
        assert calls.call(99) is None


def test_a_file_that_is_not_there_is_not_made_by_reading(path: Path) -> None:
    with pytest.raises(StoreError, match="no call has been written down yet"):
        CallLog(path)
    assert not path.exists()


async def test_a_reader_cannot_write(store: Store, path: Path) -> None:
    await store.begin(START)
    with CallLog(path) as calls, pytest.raises(sqlite3.OperationalError, match="readonly"):
        calls._db.execute("DELETE FROM calls")


async def test_reading_goes_on_while_a_call_is_written(store: Store, path: Path) -> None:
    call = await store.begin(START)
    with CallLog(path) as calls, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # in the middle of writing
        assert [row.id for row in calls.calls(10)] == [call]


async def test_the_past_is_read_in_the_order_in_which_it_came_in(store: Store, path: Path) -> None:
    for days in (0, 5, 3):
        await store.begin(replace(START, started=STARTED + timedelta(days=days)))
    with CallLog(path) as calls:
        assert [row.id for row in calls.past()] == [1, 2, 3]
        assert [row.id for row in calls.past(STARTED + timedelta(days=4))] == [2]


async def test_a_replay_rebuilds_the_history_that_each_call_had(store: Store, path: Path) -> None:
    chance = random.Random(1)
    outcomes = ["connected", "message", "turned away", "gave up"]
    at, had = STARTED, []
    for _ in range(60):
        at += timedelta(hours=chance.randint(1, 50))
        number = chance.choice([PEST, START.number, "611"])
        had.append(await store.history(number))
        await ended(store, replace(START, started=at, number=number), chance.choice(outcomes))
        await store.dialled(chance.choice([PEST, "+12125550100"]), at + timedelta(minutes=30))
    asking = RuleSet(parse("allow answered-before", "50.rules", "US")[0])
    with CallLog(path) as calls:
        again = calls_again(calls.past(), calls.dialled(), asking, "US", None, since=STARTED)
        assert [call.history for call in again] == had
