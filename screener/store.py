"""The calls on disk, and the only SQL there is.

`Store` is the one writer, used by the running service. Its methods hand each write to one thread,
which does them in order, so the event loop never waits on a disk. A write that fails becomes a
`StoreError` that says what to do; a call goes on without its row. A write that is merely slow (a
worn SD card, another program holding the file locked) is waited for `patience` seconds and then
left in the queue, so that no caller waits for it; if it fails after all, that is logged.

A call takes about 520 bytes with four lines of story: 1,000 calls a month are 6 MB a year.
`CallLog` reads, in another process if need be, while the writer writes (SQLite's WAL).
With synchronous=NORMAL a power cut may cost the last rows, never the file
(https://www.sqlite.org/pragma.html#pragma_synchronous).
"""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlite_utils import Database
from sqlite_utils.db import NotFoundError

from screener.core.story import CallRow, StoryLine
from screener.errors import StoreError

log = logging.getLogger(__name__)

T = TypeVar("T")

DATABASE = "calls.db"
"""The name of the file in the data folder."""

# MIGRATIONS[n] takes a database from version n to n + 1 (PRAGMA user_version). Never edit one that
# was released: append. Each runs in one transaction with the new version number.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE calls (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            uid TEXT NOT NULL,
            started TEXT NOT NULL,           -- UTC, 2026-11-20T22:03:11.000+00:00
            ended TEXT,
            did TEXT NOT NULL,
            number TEXT NOT NULL,
            name TEXT NOT NULL,
            withheld INTEGER NOT NULL,
            state TEXT NOT NULL,             -- 'in progress', 'over'
            outcome TEXT NOT NULL DEFAULT '',
            reason TEXT NOT NULL DEFAULT '',
            rule TEXT NOT NULL DEFAULT '',
            verdict TEXT NOT NULL DEFAULT '',
            evidence TEXT NOT NULL DEFAULT '[]',  -- JSON, a list of sentences
            answered_by TEXT NOT NULL DEFAULT '',
            rang_after REAL,
            seconds REAL
        )""",
        "CREATE INDEX calls_started ON calls (started)",
        "CREATE INDEX calls_in_progress ON calls (id) WHERE state = 'in progress'",
        """CREATE TABLE story (
            id INTEGER PRIMARY KEY,
            call INTEGER NOT NULL REFERENCES calls (id),
            at REAL NOT NULL,                -- seconds since the call came in
            text TEXT NOT NULL
        )""",
        "CREATE INDEX story_call ON story (call)",
    ),
)

# What a stranger can write into a row is cut here, so that a call stays a few hundred bytes.
_LONGEST_NAME = 300
_LONGEST_TEXT = 1000
_MOST_EVIDENCE = 50
_OPEN_SECONDS = 5.0  # for another program that holds the file locked when it is opened
_MOST_QUEUED = 10_000  # writes waiting for a disk that does not come back


@dataclass(frozen=True, slots=True)
class CallStart:
    """A call that has come in. `started` is aware; `number` is E.164, "" or what arrived."""

    uid: str
    started: datetime
    did: str
    number: str
    name: str
    withheld: bool = False


@dataclass(frozen=True, slots=True)
class CallEnd:
    """How a call ended: `outcome` a word of core/call.py, `reason` the clause after "because"."""

    ended: datetime
    outcome: str
    reason: str
    rule: str = ""
    verdict: str = ""
    evidence: tuple[str, ...] = ()
    answered_by: str = ""
    rang_after: float | None = None
    seconds: float | None = None


# Writing -----------------------------------------------------------------------------------------


class Store:
    """The one writer. Opening it brings the database up to date, or raises StoreError.

    `patience` is how many seconds a call waits for its row; `lock_patience` how long the writing
    thread itself waits for another program that holds the file locked.
    """

    def __init__(self, path: Path, *, patience: float = 1.0, lock_patience: float = 30.0) -> None:
        self._path = path
        self._patience = patience
        self._behind: set[asyncio.Future[Any]] = set()
        with _explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = _open_to_write(path, lock_patience)
            self._earlier = self._newest_call()
        self._next_call = self._earlier + 1
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")

    async def begin(self, start: CallStart) -> int:
        """Write the row of a call that has come in; return the call's id."""
        call = self._next_call
        self._next_call += 1
        row = {
            "id": call,
            "uid": _kept(start.uid, _LONGEST_NAME),
            "started": _utc(start.started),
            "did": _kept(start.did, _LONGEST_NAME),
            "number": _kept(start.number, _LONGEST_NAME),
            "name": _kept(start.name, _LONGEST_NAME),
            "withheld": int(start.withheld),
            "state": "in progress",
        }
        await self._write(lambda: self._db.table("calls").insert(row))
        return call

    async def tell(self, call: int, at: float, text: str) -> None:
        """Add one line to the call's story; `at` is seconds since the call came in."""
        row = {"call": call, "at": round(at, 3), "text": _kept(text, _LONGEST_TEXT)}
        await self._write(lambda: self._db.table("story").insert(row))

    async def end(self, call: int, end: CallEnd) -> None:
        """Complete the call's row: the call is over. Raises StoreError where there is none."""
        evidence = [_kept(sentence, _LONGEST_TEXT) for sentence in end.evidence[:_MOST_EVIDENCE]]
        changes = {
            "ended": _utc(end.ended),
            "state": "over",
            "outcome": _kept(end.outcome, _LONGEST_NAME),
            "reason": _kept(end.reason, _LONGEST_TEXT),
            "rule": _kept(end.rule, _LONGEST_TEXT),
            "verdict": _kept(end.verdict, _LONGEST_NAME),
            "evidence": json.dumps(evidence, ensure_ascii=False),
            "answered_by": _kept(end.answered_by, _LONGEST_NAME),
            "rang_after": end.rang_after,
            "seconds": end.seconds,
        }
        await self._write(lambda: self._db.table("calls").update(call, changes))

    async def unsettled(self) -> list[CallRow]:
        """The calls that an earlier run of screener left in progress, oldest first."""
        where = "state = 'in progress' AND id <= ?"

        def read() -> list[CallRow]:
            with _explained(self._path):
                rows = self._db.table("calls").rows_where(where, [self._earlier], order_by="id")
                return [_call_row(row) for row in rows]

        return await asyncio.get_running_loop().run_in_executor(self._thread, read)

    async def close(self) -> None:
        """Do the writes that still wait, then close the file."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._db.close)
        self._thread.shutdown(wait=False)

    async def _write(self, work: Callable[[], object]) -> None:
        """Queue one write; wait for it unless the disk has fallen behind."""
        if len(self._behind) >= _MOST_QUEUED:
            raise StoreError(f"{self._path}: the disk does not answer; check it and its cables.")
        loop = asyncio.get_running_loop()
        written = loop.run_in_executor(self._thread, self._explain, work)
        try:
            await asyncio.wait({written}, timeout=0 if self._behind else self._patience)
        finally:
            if not written.done():
                self._behind.add(written)
                written.add_done_callback(self._caught_up)
        if written.done():
            written.result()

    def _explain(self, work: Callable[[], object]) -> None:
        with _explained(self._path):
            work()

    def _caught_up(self, written: asyncio.Future[Any]) -> None:
        """A write that nobody waits for any more has been done, or has failed."""
        self._behind.discard(written)
        if not written.cancelled() and (error := written.exception()) is not None:
            log.error("part of a call was not written down: %s", error)

    def _newest_call(self) -> int:
        """The highest id ever given to a call, so that none is given twice."""
        rows = list(self._db.query("SELECT seq FROM sqlite_sequence WHERE name = 'calls'"))
        return int(rows[0]["seq"]) if rows else 0


def _open_to_write(path: Path, lock_patience: float) -> Database:
    """Open or make the database and bring it to the newest version."""
    connection = sqlite3.connect(path, timeout=_OPEN_SECONDS, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA journal_size_limit = 4194304")
        database = Database(connection, execute_plugins=False)
        _migrate(database)
        connection.execute(f"PRAGMA busy_timeout = {round(lock_patience * 1000)}")
    except BaseException:
        connection.close()
        raise
    return database


def _migrate(database: Database) -> None:
    """Apply the migrations that this database has not seen, each in its own transaction."""
    version = int(database.execute("PRAGMA user_version").fetchone()[0])
    if version > len(MIGRATIONS):
        raise StoreError(
            f"it was written by a newer screener (version {version} of its tables, this one knows "
            f"{len(MIGRATIONS)}): install the newer screener again."
        )
    for number in range(version, len(MIGRATIONS)):
        with database.atomic():
            for statement in MIGRATIONS[number]:
                database.execute(statement)
            database.execute(f"PRAGMA user_version = {number + 1}")


# Reading -----------------------------------------------------------------------------------------


class CallLog:
    """Reads the calls through a connection of its own that cannot write. Not for the event loop.

    `with CallLog(path) as calls_kept: ...` closes it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.exists():
            raise StoreError(f"{path} is not there: no call has been written down yet.")
        with _explained(path):
            connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
            self._db = Database(connection, execute_plugins=False)

    def __enter__(self) -> CallLog:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def calls(self, limit: int, since: datetime | None = None) -> list[CallRow]:
        """The newest `limit` calls, newest first; with `since`, those that came in since then."""
        with _explained(self._path):
            rows = self._db.table("calls").rows_where(
                "started >= ?", [_utc(since) if since else ""], order_by="id DESC", limit=limit
            )
            return [_call_row(row) for row in rows]

    def call(self, call: int) -> tuple[CallRow, list[StoryLine]] | None:
        """One call and its story in the order in which it was told; None where there is none."""
        with _explained(self._path):
            rows = list(self._db.table("calls").rows_where("id = ?", [call]))
            if not rows:
                return None
            lines = self._db.table("story").rows_where("call = ?", [call], order_by="id")
            return _call_row(rows[0]), [StoryLine(line["at"], line["text"]) for line in lines]

    def by_uid(self, uid: str) -> CallRow | None:
        """The newest call of an Asterisk channel id; None where there is none."""
        with _explained(self._path):
            rows = self._db.table("calls").rows_where("uid = ?", [uid], order_by="id DESC", limit=1)
            return next((_call_row(row) for row in rows), None)

    def counts(self, since: datetime | None = None) -> dict[str, int]:
        """How many calls had which outcome, most frequent first; "in progress" among them."""
        sql = """
            SELECT CASE state WHEN 'over' THEN outcome ELSE state END AS outcome, count(*) AS calls
            FROM calls WHERE started >= ? GROUP BY 1 ORDER BY calls DESC, outcome
        """
        with _explained(self._path):
            rows = self._db.query(sql, [_utc(since) if since else ""])
            return {row["outcome"]: row["calls"] for row in rows}


def _call_row(row: Mapping[str, Any]) -> CallRow:
    return CallRow(
        id=row["id"],
        uid=row["uid"],
        started=datetime.fromisoformat(row["started"]),
        did=row["did"],
        number=row["number"],
        name=row["name"],
        withheld=bool(row["withheld"]),
        ended=datetime.fromisoformat(row["ended"]) if row["ended"] else None,
        outcome=row["outcome"],
        reason=row["reason"],
        rule=row["rule"],
        verdict=row["verdict"],
        evidence=tuple(json.loads(row["evidence"])),
        answered_by=row["answered_by"],
        rang_after=row["rang_after"],
        seconds=row["seconds"],
    )


# What goes in, and what comes out when it does not -----------------------------------------------


def _utc(when: datetime) -> str:
    """ISO 8601 in UTC with milliseconds: of one length, so that it sorts as text."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds")


def _kept(text: str, longest: int) -> str:
    """The text cut to `longest` characters; what UTF-8 cannot say (lone surrogates) escaped."""
    return text[:longest].encode("utf-8", "backslashreplace").decode("utf-8")[:longest]


_WHAT_TO_DO = {
    sqlite3.SQLITE_BUSY: "another program holds it locked: close what else has it open.",
    sqlite3.SQLITE_LOCKED: "another program holds it locked: close what else has it open.",
    sqlite3.SQLITE_READONLY: "it cannot be written: let the user that runs screener write to it.",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened: let the user that runs screener write to it "
    "and to the folder that it is in.",
    sqlite3.SQLITE_FULL: "there is no room left on the disk: free some.",
    sqlite3.SQLITE_IOERR: "the disk could not be read or written: is it full, or failing?",
    sqlite3.SQLITE_CORRUPT: "it is damaged: move it away and start again; screener makes a new "
    "one, and `sqlite3 FILE .recover` may save what the old one holds.",
    sqlite3.SQLITE_NOTADB: "it is not a database of screener's: move it away and start again; "
    "screener makes a new one.",
}


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what goes wrong with the database at `path` into one sentence that says what to do."""
    try:
        yield
    except StoreError as error:
        raise StoreError(f"{path}: {error}") from error
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        raise StoreError(f"{path}: {_WHAT_TO_DO.get(code, error)}") from error
    except NotFoundError as error:
        raise StoreError(f"{path}: it has no row of this call.") from error
    except OSError as error:
        raise StoreError(f"{path}: it cannot be written: {error.strerror}.") from error
