"""The calls on a real disk, a bad one too."""

import asyncio
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from screener.core.history import MOST, History
from screener.core.shelf import Shelf
from screener.core.story import CallRow, StoryLine
from screener.errors import StoreError
from screener.records.calllog import CallLog, Use
from screener.records.database import MIGRATIONS
from screener.records.store import CallEnd, CallStart, Store

STARTED = datetime(2026, 11, 20, 14, 3, 11, 250_000, tzinfo=timezone(timedelta(hours=-8)))
START = CallStart("1790000000.17", STARTED, "+18182223333", "+18055550142", "UNKNOWN")
END = CallEnd(
    ended=STARTED + timedelta(seconds=35.1),
    outcome="connected",
    reason="the caller keyed 2",
    rule="everyone else",
    verdict="person",
    evidence=("keyed 2 over the prompt", 'said "office"'),
    answered_by="study",
    rang_after=6.1,
    seconds=35.1,
)
NOBODY = 65534


def read(path: Path, call: int) -> tuple[CallRow, list[StoryLine]]:
    with CallLog(path) as calls:
        found = calls.call(call)
    assert found is not None
    return found


def content(path: Path) -> bytes:
    return path.read_bytes()


def overwrite(path: Path, garbage: bytes, offset: int) -> None:
    path.write_bytes(path.read_bytes()[:offset] + garbage)


# What is written is what is read -----------------------------------------------------------------


async def test_a_call_from_beginning_to_end(store: Store, path: Path) -> None:
    call = await store.begin(START)
    await store.tell(call, 0.0, "no rule matches: screened")
    await store.tell(call, 0.1234567, 'answered; "greeting"')
    assert read(path, call)[0].in_progress
    await store.end(call, END)
    row, story = read(path, call)
    assert row == CallRow(
        id=1,
        uid="1790000000.17",
        started=STARTED,
        did="+18182223333",
        number="+18055550142",
        name="UNKNOWN",
        withheld=False,
        ended=END.ended,
        outcome="connected",
        reason="the caller keyed 2",
        rule="everyone else",
        verdict="person",
        evidence=("keyed 2 over the prompt", 'said "office"'),
        answered_by="study",
        rang_after=6.1,
        seconds=35.1,
    )
    assert row.started.utcoffset() == timedelta(0)
    assert story == [
        StoryLine(0.0, "no rule matches: screened"),
        StoryLine(0.123, 'answered; "greeting"'),
    ]


async def test_lines_told_at_once_keep_their_order(store: Store, path: Path) -> None:
    calls = [await store.begin(START) for _ in range(5)]
    await asyncio.gather(*(store.tell(c, 0.0, str(n)) for n in range(40) for c in calls))
    for call in calls:
        assert [line.text for line in read(path, call)[1]] == [str(n) for n in range(40)]


async def test_calls_that_a_killed_run_left_are_unsettled_and_ids_go_on(path: Path) -> None:
    earlier = Store(path)
    done, left, also_left = [await earlier.begin(START) for _ in range(3)]
    await earlier.end(done, END)
    await earlier.close()
    store = Store(path)
    new = await store.begin(START)
    assert new == also_left + 1
    assert [row.id for row in await store.unsettled()] == [left, also_left]
    await store.end(left, replace(END, outcome="lost", answered_by="", rang_after=None))
    assert [row.id for row in await store.unsettled()] == [also_left]
    await store.close()


async def test_an_id_is_never_given_twice(path: Path) -> None:
    store = Store(path)
    await store.begin(START)
    newest = await store.begin(START)
    await store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM calls")
    store = Store(path)
    assert await store.begin(START) == newest + 1
    await store.close()


async def test_ending_a_call_that_is_not_there_is_an_error(store: Store) -> None:
    with pytest.raises(StoreError, match="has no row of this call"):
        await store.end(4711, END)


HOSTILE = st.text(st.characters(), max_size=400) | st.just("\ud800\x00'; DROP TABLE calls; --")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=HOSTILE, number=HOSTILE, text=HOSTILE)
def test_strangers_text_is_kept_and_nothing_else_happens(
    path: Path, name: str, number: str, text: str
) -> None:
    async def one_call() -> int:
        store = Store(path)
        call = await store.begin(replace(START, name=name, number=number))
        await store.tell(call, 1.0, text)
        await store.end(call, replace(END, reason=text, evidence=(text, name)))
        await store.close()
        return call

    row, story = read(path, asyncio.run(one_call()))

    def kept(written: str, longest: int) -> str:
        return written[:longest].encode("utf-8", "backslashreplace").decode()[:longest]

    assert (row.name, row.number) == (kept(name, 300), kept(number, 300))
    assert (row.reason, story) == (kept(text, 1000), [StoryLine(1.0, kept(text, 1000))])
    assert row.evidence == (kept(text, 1000), kept(name, 1000))


async def test_what_a_stranger_can_write_is_bounded(store: Store, path: Path) -> None:
    call = await store.begin(replace(START, name="n" * 100_000, uid="u" * 100_000))
    await store.tell(call, 0.0, "t" * 100_000)
    await store.end(call, replace(END, reason="r" * 100_000, evidence=("e" * 100_000,) * 1000))
    row, [line] = read(path, call)
    assert (len(row.name), len(row.uid), len(row.reason), len(line.text)) == (300, 300, 1000, 1000)
    assert [len(sentence) for sentence in row.evidence] == [1000] * 50


async def test_a_call_costs_a_few_hundred_bytes(path: Path) -> None:
    store = Store(path)
    lines = ["no rule matches: screened", 'answered; "greeting"', "keyed 2: office", "hung up"]
    for _ in range(500):
        call = await store.begin(START)
        for at, line in enumerate(lines):
            await store.tell(call, at, line)
        await store.end(call, END)
    await store.close()
    per_call = len(content(path)) / 500
    print(f"{per_call:.0f} bytes per call with {len(lines)} lines of story")
    assert per_call < 1000


# Migrations --------------------------------------------------------------------------------------


def version(path: Path) -> int:
    with sqlite3.connect(path) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


@pytest.mark.parametrize("start", range(len(MIGRATIONS) + 1))
async def test_a_database_of_any_version_is_brought_up_to_date(path: Path, start: int) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        for statements in MIGRATIONS[:start]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {start}")
    store = Store(path)
    call = await store.begin(START)
    await store.end(call, END)
    await store.close()
    assert version(path) == len(MIGRATIONS)
    assert read(path, call)[0].outcome == "connected"


async def test_a_migration_that_fails_leaves_the_version_and_the_tables_as_they_were(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await Store(path).close()
    broken = (*MIGRATIONS, ("CREATE TABLE half (x)", "CREATE TABLE calls (x)"))
    monkeypatch.setattr("screener.records.database.MIGRATIONS", broken)
    with pytest.raises(StoreError, match="already exists"):
        Store(path)
    assert version(path) == len(MIGRATIONS)
    with sqlite3.connect(path) as connection:
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    assert "half" not in names


async def test_a_database_of_a_newer_screener_is_refused(path: Path) -> None:
    await Store(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    for opened in (Store, CallLog):
        with pytest.raises(StoreError, match=r"calls\.db: it was written by a newer screener"):
            opened(path)


# Bad disks ---------------------------------------------------------------------------------------


@contextmanager
def an_ordinary_user() -> Iterator[Path]:
    """A folder of an ordinary user's, as whom we act: nothing is forbidden to root."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        root = os.geteuid() == 0
        if root:
            os.chown(folder, NOBODY, NOBODY)
            os.seteuid(NOBODY)
        try:
            yield folder
        finally:
            if root:
                os.seteuid(0)
            folder.chmod(0o700)


def test_a_folder_that_cannot_be_written() -> None:
    with an_ordinary_user() as folder:
        folder.chmod(0o500)
        with pytest.raises(StoreError, match=r"calls\.db: it cannot be opened: let the user"):
            Store(folder / "calls.db")
        with pytest.raises(StoreError, match=r"calls\.db: it cannot be written: Permission den"):
            Store(folder / "deeper" / "calls.db")


async def test_a_file_that_cannot_be_written() -> None:
    with an_ordinary_user() as folder:
        path = folder / "calls.db"
        await Store(path).close()
        path.chmod(0o400)
        with pytest.raises(StoreError, match="it cannot be written: let the user"):
            store = Store(path)
            await store.begin(START)
        path.chmod(0o000)
        with pytest.raises(StoreError, match="it cannot be opened: let the user"):
            Store(path)


@pytest.mark.parametrize("garbage", [b"not a database at all" * 100, b"\x00\xff" * 5000])
def test_a_file_of_garbage(tmp_path: Path, garbage: bytes) -> None:
    path = tmp_path / "calls.db"
    path.write_bytes(garbage)
    with pytest.raises(StoreError, match="not a database of screener's: move it away"):
        Store(path)
    with pytest.raises(StoreError, match="not a database of screener's"):
        CallLog(path)
    assert path.read_bytes() == garbage


async def test_a_damaged_file(path: Path) -> None:
    store = Store(path)
    for _ in range(300):
        await store.end(await store.begin(START), END)
    await store.close()
    overwrite(path, b"\x5a" * (len(content(path)) - 4096), 4096)
    with CallLog(path) as calls, pytest.raises(StoreError, match="it is damaged: move it away"):
        calls.calls(1000)
    with pytest.raises(StoreError, match="it is damaged: move it away"):
        store = Store(path)
        await store.begin(START)


FULL = """
import asyncio, resource, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from screener.errors import StoreError
from screener.records.store import CallStart, Store

async def main():
    store = Store(Path(sys.argv[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
    start = CallStart("uid", datetime.now(UTC), "+18182223333", "+18055550142", "x" * 300)
    written = 0
    try:
        while written < 100_000:
            await store.begin(start)
            written += 1
    except StoreError as error:
        print(written, error)

asyncio.run(main())
"""


def test_no_room_on_the_disk(path: Path) -> None:
    """A file may not grow beyond 1 MB (RLIMIT_FSIZE): what was written before that is kept."""
    run = [sys.executable, "-c", FULL, str(path)]
    told = subprocess.run(run, capture_output=True, text=True, check=True, timeout=60).stdout
    written, said = told.split(" ", 1)
    assert "calls.db: the disk could not be read or written: is it full" in said
    with CallLog(path) as calls:
        assert len(calls.calls(100_000)) == int(written) > 10


async def test_a_full_database_is_an_error_and_the_next_call_is_kept(path: Path) -> None:
    store = Store(path)
    pages = store._db.execute("PRAGMA page_count").fetchone()[0]
    store._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="no room left on the disk: free some"):
        for _ in range(1000):
            await store.begin(replace(START, name="x" * 300))
    store._db.execute("PRAGMA max_page_count = 100000")
    call = await store.begin(START)
    await store.close()
    assert read(path, call)[0].name == "UNKNOWN"


# Slow disks --------------------------------------------------------------------------------------


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program is in the middle of writing to the database."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


async def test_a_database_that_stays_locked_is_an_error(path: Path) -> None:
    store = Store(path, lock_patience=0.05)
    with locked(path), pytest.raises(StoreError, match="another program holds it locked"):
        await store.begin(START)
    call = await store.begin(START)
    await store.close()
    assert read(path, call)[0].uid == START.uid


async def test_a_call_does_not_wait_for_a_lock_and_its_row_is_written_after_it(path: Path) -> None:
    store = Store(path, patience=0.05, lock_patience=30)
    with locked(path):
        call = await store.begin(START)
        await store.tell(call, 0.0, "first")
        await store.tell(call, 1.0, "second")
        await store.end(call, END)
        with CallLog(path) as calls:
            assert calls.calls(10) == []
    await store.close()
    row, story = read(path, call)
    assert row.outcome == "connected"
    assert [line.text for line in story] == ["first", "second"]


async def test_a_late_write_that_fails_is_logged(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(path, patience=0.01, lock_patience=0.3)
    with locked(path):
        await store.begin(START)
        await store.close()
    assert "part of a call was not written down" in caplog.text
    assert "another program holds it locked" in caplog.text


async def test_a_cancelled_call_still_gets_its_row(path: Path) -> None:
    store = Store(path, patience=30)
    with locked(path):
        beginning = asyncio.create_task(store.begin(START))
        await asyncio.sleep(0)
        beginning.cancel()
        with pytest.raises(asyncio.CancelledError):
            await beginning
    await store.close()
    assert read(path, 1)[0].uid == START.uid


# What rules ask ----------------------------------------------------------------------------------

PEST = "+19005550100"


async def ended(store: Store, start: CallStart, outcome: str) -> None:
    await store.end(await store.begin(start), replace(END, outcome=outcome))


async def test_the_history_of_a_number(store: Store) -> None:
    times = [STARTED + timedelta(days=day) for day in range(6)]
    outcomes = ["connected", "turned away", "message", "connected", "silent"]
    for at, outcome in zip(times, outcomes, strict=False):
        await ended(store, replace(START, started=at, number=PEST), outcome)
    await store.begin(replace(START, started=times[5], number=PEST))
    await ended(store, START, "connected")
    for at in times[:2]:
        proof = await store.begin(replace(START, started=at, number="+12125550199"))
        await store.end(proof, replace(END, passed=True))
    await store.dialled(PEST, times[1])
    await store.dialled(START.number, times[2])
    assert await store.history(PEST) == History(
        calls=tuple(times),
        answered=(times[0], times[3]),
        messages=(times[2],),
        dialled=(times[1],),
    )
    assert await store.history("+12125550100") == History()
    assert (await store.history("+12125550199")).passed == tuple(times[:2])
    assert (await store.history(PEST)).calls[0].utcoffset() == timedelta(0)


async def test_the_past_of_a_number_is_read_from_indexes_alone(store: Store) -> None:
    """A pest's 50,000 calls are in the same rows as everybody's: none of these is looked at."""
    asked: list[str] = []
    store._past.conn.set_trace_callback(asked.append)
    await store.history(PEST)
    store._past.conn.set_trace_callback(None)
    assert len(asked) == 5
    for sql in asked:
        [plan] = store._past.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall()
        assert "USING COVERING INDEX" in plan[-1] or "USING PRIMARY KEY" in plan[-1], plan


async def test_an_answer_is_remembered_through_a_flood_of_calls_under_the_same_number(
    store: Store, path: Path
) -> None:
    await ended(store, replace(START, number=PEST), "connected")
    later = [(f"u{n}", (STARTED + timedelta(minutes=n)).isoformat(), PEST) for n in range(1, 2001)]
    with sqlite3.connect(path) as connection:
        connection.executemany(
            "INSERT INTO calls (uid, started, did, number, name, withheld, state, outcome)"
            " VALUES (?, ?, '+18182223333', ?, '', 0, 'over', 'turned away')",
            later,
        )
    history = await store.history(PEST)
    assert len(history.calls) == MOST
    assert history.calls[-1] == STARTED + timedelta(minutes=2000)
    assert history.calls == tuple(sorted(history.calls))
    assert history.answered == (STARTED,)


async def test_history_is_read_while_the_file_is_locked_for_writing(path: Path) -> None:
    store = Store(path, patience=0.01)
    await ended(store, START, "connected")
    with locked(path):
        await store.begin(START)
        assert (await store.history(START.number)).answered == (STARTED,)
    await store.close()


async def test_history_that_takes_too_long_is_not_waited_for(path: Path) -> None:
    store = Store(path, history_patience=0.05)
    gate = threading.Event()
    store._reader.submit(gate.wait)
    with pytest.raises(StoreError, match=r"calls\.db: the disk is slow"):
        await store.history(START.number)
    gate.set()
    assert await store.history(START.number) == History()
    await store.close()


async def test_history_of_a_damaged_file_is_an_error(path: Path) -> None:
    await Store(path).close()
    store = Store(path)
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE dialled")
    with pytest.raises(StoreError, match="no such table"):
        await store.history(START.number)
    await store.close()


async def test_a_number_that_is_dialled_twice_at_once_was_dialled(store: Store, path: Path) -> None:
    for at in (STARTED, STARTED, STARTED + timedelta(days=1)):
        await store.dialled(PEST, at)
    with CallLog(path) as calls:
        assert calls.dialled() == [(STARTED, PEST), (STARTED + timedelta(days=1), PEST)]
        assert calls.dialled(STARTED + timedelta(hours=1)) == [(STARTED + timedelta(days=1), PEST)]


async def test_what_a_call_showed_and_what_was_ruled_is_kept(store: Store, path: Path) -> None:
    start = replace(
        START, attestation="A", verstat="passed", expecting="so", emergency="911", shadow=True
    )
    call = await store.begin(start)
    await store.end(call, replace(END, ruled="block play sit"))
    row, _ = read(path, call)
    assert (row.attestation, row.verstat, row.expecting, row.emergency) == (
        "A",
        "passed",
        "so",
        "911",
    )
    assert (row.ruled, row.shadow) == ("block play sit", True)


# The uses of rules -------------------------------------------------------------------------------


async def test_the_uses_of_rules_are_counted_and_kept(path: Path) -> None:
    store = Store(path)
    day = timedelta(days=1)
    await store.seen(["a", "b", "a"], STARTED)
    await store.used("b", STARTED + day)
    await store.used("b", STARTED + 2 * day)
    await store.used("c", STARTED + day)
    await store.seen(["a", "b", "c", "d"], STARTED + 3 * day)
    expected = {
        "a": Use(STARTED, STARTED, 0),
        "b": Use(STARTED, STARTED + 2 * day, 2),
        "c": Use(STARTED + day, STARTED + day, 1),
        "d": Use(STARTED + 3 * day, STARTED + 3 * day, 0),
    }
    assert store.uses() == expected
    await store.close()
    with CallLog(path) as calls:
        assert calls.uses() == expected
    reopened = Store(path)
    assert reopened.uses() == expected
    assert reopened.last_used == {key: use.last for key, use in expected.items()}
    await reopened.close()


async def test_a_rule_that_can_expire_and_is_written_again_begins_anew(path: Path) -> None:
    store = Store(path)
    year = timedelta(days=365)
    await store.used("block when withheld expires 9mo", STARTED)
    await store.used("block when withheld", STARTED)
    await store.seen([], STARTED + year)
    assert "block when withheld expires 9mo" not in store.last_used
    assert store.last_used["block when withheld"] == STARTED
    await store.seen(["block when withheld expires 9mo"], STARTED + 2 * year)
    await store.close()
    with CallLog(path) as calls:
        assert calls.uses()["block when withheld expires 9mo"].last == STARTED + 2 * year
        assert calls.uses()["block when withheld"].hits == 1


async def test_calls_go_on_while_many_rules_are_seen(store: Store) -> None:
    known = set()

    async def call() -> None:
        while True:
            await asyncio.sleep(0)
            known.add(len(store.uses()))

    going_on = asyncio.create_task(call())
    many = [f"block when calls>={n} expires 9mo" for n in range(10_000)]
    await store.seen(many, STARTED)
    assert known >= set(range(1000, 10_000, 1000))  # never more than so many at a time
    known.clear()
    await store.seen([], STARTED)
    assert known >= set(range(1000, 10_000, 1000))
    going_on.cancel()


async def test_a_rule_first_seen_by_a_clock_without_a_battery_is_seen_anew(path: Path) -> None:
    store = Store(path)
    rule = "allow when withheld expires 9mo"
    for at in (datetime(1970, 1, 1, tzinfo=UTC), STARTED, STARTED + timedelta(days=1)):
        await store.seen([rule], at)
    assert store.last_used[rule] == STARTED
    await store.close()
    with CallLog(path) as calls:
        assert calls.uses()[rule] == Use(STARTED, STARTED, 0)


async def test_whoever_holds_the_map_of_uses_sees_each_new_one(store: Store) -> None:
    shelf = Shelf(used=store.last_used)
    await store.seen(["a"], STARTED)
    assert shelf.used["a"] == STARTED
    await store.used("a", STARTED + timedelta(days=1))
    assert shelf.used["a"] == STARTED + timedelta(days=1)


async def test_a_clock_that_was_set_back_makes_no_rule_older(store: Store, path: Path) -> None:
    await store.used("a", STARTED)
    await store.used("a", STARTED - timedelta(days=400))
    assert store.last_used["a"] == STARTED
    with CallLog(path) as calls:
        assert calls.uses()["a"].last == STARTED


async def test_a_use_is_known_though_the_disk_is_locked(path: Path) -> None:
    store = Store(path, patience=0.01)
    with locked(path):
        await store.used("a", STARTED)
        assert store.last_used["a"] == STARTED
    await store.close()
    with CallLog(path) as calls:
        assert calls.uses()["a"].hits == 1


# From version 1 ----------------------------------------------------------------------------------

FIRST_LINES = [
    ("no rule matches: screened", "screen"),
    ('allow "Mom" (10.rules:1)', "allow"),
    ('block "premium numbers" (10.rules:2)', "block"),
    ('screen "gateway traffic" (10.rules:3)', "screen"),
    ("answered", ""),
]


async def test_the_calls_of_version_1_are_kept_and_what_was_ruled_is_found(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        for statement in MIGRATIONS[0]:
            connection.execute(statement)
        for call, (line, _) in enumerate(FIRST_LINES, start=1):
            connection.execute(
                "INSERT INTO calls (uid, started, ended, did, number, name, withheld, state,"
                " outcome, reason, rule, evidence, seconds) VALUES ('u',"
                " '2026-11-20T22:03:11.250+00:00', '2026-11-20T22:04:11.250+00:00',"
                " '+18182223333', '+18055550142', 'UNKNOWN', 0, 'over', 'connected', 'because',"
                " 'a rule', '[\"said office\"]', 60.0)"
            )
            connection.executemany(
                "INSERT INTO story (call, at, text) VALUES (?, ?, ?)",
                [(call, 0.0, line), (call, 1.0, 'block "later" (x:1)')],
            )
        connection.execute(
            "INSERT INTO calls SELECT 99, uid, started, NULL, did, number, name,"
            " withheld, 'in progress', '', '', '', '', '[]', '', NULL, NULL FROM calls WHERE id = 1"
        )
        connection.execute("PRAGMA user_version = 1")
    with pytest.raises(StoreError, match="it is an older screener's: start this one"):
        CallLog(path)
    store = Store(path)
    assert (await store.history(START.number)).answered == (STARTED,) * len(FIRST_LINES)
    assert [row.id for row in await store.unsettled()] == [99]
    assert store.uses() == {}
    new = await store.begin(START)
    await store.close()
    assert (new, version(path)) == (100, len(MIGRATIONS))
    with CallLog(path) as calls:
        rows = list(calls.past())
    assert [row.ruled for row in rows] == [ruled for _, ruled in FIRST_LINES] + ["", ""]
    assert (rows[0].name, rows[0].evidence, rows[0].shadow) == ("UNKNOWN", ("said office",), False)
