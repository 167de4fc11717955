"""What is deleted from the store: what has been kept for long enough, and all of one number.

What is deleted is overwritten with zeros (database.py: secure_delete). Each step is short, so that
calls write between two of them.

Times tell little where a clock was wrong: rows that were written in 1970, or in 2099, before it was
set. Rows come one after the other, so a row is as old as the newest before which it stands.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlite_utils import Database

from screener.core.rules import CLOCKLESS
from screener.records.database import utc

STEP = 200
"""Rows of a step: some milliseconds, in which no call writes."""

_MOMENT = 0.05  # seconds between two tries
_SLOW = timedelta(days=1)  # what a clock that is set right jumps, at most
_TEXTS = {
    "calls": (
        *("name", "reason", "rule", "ruling", "evidence", "redirects"),
        *("expecting", "emergency"),
    ),
    "story": ("text",),
    "events": ("text",),
}
FORGOTTEN = "a forgotten number"
"""What stands in the place of a number where another call's text named it."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a step came to: how many rows are gone, and after which to go on; None: all are done.
    `calls` are those among them."""

    deleted: int
    after: int | None
    calls: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Rows:
    """What the store holds of a number: its calls, those among them that are in progress, the
    channels of those that are over, how often our phones dialled it, and how many texts of others
    name it."""

    calls: tuple[int, ...] = ()
    in_progress: tuple[int, ...] = ()
    over: tuple[str, ...] = ()
    dialled: int = 0
    named: int = 0


# What has been kept for long enough ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Span:
    """What is deleted: what came before `until`, as it is `now` (both aware)."""

    until: datetime
    now: datetime


def old_calls(db: Database, span: Span, spared: Collection[int], after: int = 0) -> Step:
    """Delete calls of a span with their stories, but those that are `spared` or in progress."""
    ids = _older(db, ("calls", "started"), span, after, "state = 'over'")
    gone = [one for one in ids if one not in spared]
    _delete_calls(db, gone)
    return Step(len(gone), ids[-1] if len(ids) == STEP else None, tuple(gone))


def old_events(db: Database, span: Span, after: int = 0) -> Step:
    """Delete what else happened in a span."""
    ids = _older(db, ("events", "at"), span, after)
    with db.atomic():
        db.execute(f"DELETE FROM events WHERE id IN ({_marks(ids)})", ids)
    return Step(len(ids), ids[-1] if len(ids) == STEP else None)


def old_dialled(db: Database, span: Span) -> Step:
    """Delete when our phones dialled which numbers, in a span."""
    sql = """DELETE FROM dialled WHERE (number, at) IN
             (SELECT number, at FROM dialled WHERE at < ? LIMIT ?)"""
    with db.atomic():
        gone = db.execute(sql, [utc(span.until), STEP]).rowcount
    return Step(gone, 0 if gone == STEP else None)


def _older(
    db: Database, column: tuple[str, str], span: Span, after: int, where: str = "1"
) -> list[int]:
    """The next rows that stand before the newest of the span, by a clock that was set, and whose
    own time does not say that they are younger. `column` is a table and its time."""
    table, at = column
    sql = f"SELECT id FROM {table} WHERE {at} >= ? AND {at} < ? ORDER BY {at} DESC LIMIT 1"
    newest = db.execute(sql, [utc(CLOCKLESS), utc(span.until)]).fetchone()
    if newest is None:
        return []
    sql = f"""SELECT id FROM {table} WHERE id > ? AND id <= ? AND {where}
              AND NOT ({at} >= ? AND {at} <= ?) ORDER BY id LIMIT ?"""
    values = [after, newest[0], utc(span.until), utc(span.now + _SLOW), STEP]
    return [int(row[0]) for row in db.execute(sql, values)]


def _delete_calls(db: Database, ids: Sequence[int]) -> None:
    with db.atomic():
        db.execute(f"DELETE FROM story WHERE call IN ({_marks(ids)})", ids)
        db.execute(f"DELETE FROM calls WHERE id IN ({_marks(ids)})", ids)


# All of one number --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Who:
    """A number to be forgotten: the ways in which it may stand in a field of its own, and what
    finds it in a text (core/mention.py)."""

    spellings: tuple[str, ...]
    naming: re.Pattern[str]

    @property
    def end(self) -> str:
        """What each of them ends in, written together or not."""
        return self.spellings[0][-2:]


def rows_of(db: Database, who: Who) -> Rows:
    """What there is of a number."""
    marks = _marks(who.spellings)
    sql = f"SELECT id, state, uid FROM calls WHERE number IN ({marks}) ORDER BY id"
    calls = [(int(call), state, str(uid)) for call, state, uid in db.execute(sql, who.spellings)]
    sql = f"SELECT count(*) FROM dialled WHERE number IN ({marks})"
    return Rows(
        tuple(call for call, _, _ in calls),
        tuple(call for call, state, _ in calls if state != "over"),
        tuple(uid for _, state, uid in calls if state == "over"),
        int(db.execute(sql, who.spellings).fetchone()[0]),
        sum(len(_naming(db, table, who)) for table in _TEXTS),
    )


def used_rules(db: Database) -> list[str]:
    """The keys of the rules that were ever used, or seen."""
    return [str(row[0]) for row in db.execute("SELECT key FROM rule_uses")]


def forget(db: Database, who: Who, uses: Sequence[str]) -> None:
    """Delete all of a number, but calls in progress, and what is known of the rules `uses`; texts
    that named it say `FORGOTTEN`."""
    marks = _marks(who.spellings)
    sql = f"SELECT id FROM calls WHERE number IN ({marks}) AND state = 'over'"
    for some in _parts([int(row[0]) for row in db.execute(sql, who.spellings)]):
        _delete_calls(db, some)
    with db.atomic():
        db.execute(f"DELETE FROM dialled WHERE number IN ({marks})", who.spellings)
        db.conn.executemany("DELETE FROM rule_uses WHERE key = ?", [(key,) for key in uses])
    db.conn.create_function("forgotten", 1, lambda text: who.naming.sub(FORGOTTEN, text))
    for table, columns in _TEXTS.items():
        changes = ", ".join(f"{column} = forgotten({column})" for column in columns)
        for some in _parts(_naming(db, table, who)):
            with db.atomic():
                db.execute(f"UPDATE {table} SET {changes} WHERE id IN ({_marks(some)})", some)


def _naming(db: Database, table: str, who: Who) -> list[int]:
    """The rows of other numbers whose text names a number."""
    db.conn.create_function("names", 1, lambda text: who.naming.search(text) is not None)
    own = f"number NOT IN ({_marks(who.spellings)})" if table == "calls" else "1"
    named = " OR ".join(f"(instr({c}, ?) > 0 AND names({c}))" for c in _TEXTS[table])
    if table == "story":
        own = f"call NOT IN (SELECT id FROM calls WHERE number IN ({_marks(who.spellings)}))"
    values = [*(() if table == "events" else who.spellings), *(who.end for _ in _TEXTS[table])]
    sql = f"SELECT id FROM {table} WHERE {own} AND ({named})"
    return [int(row[0]) for row in db.execute(sql, values)]


def _parts(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for at in range(0, len(ids), STEP):
        yield ids[at : at + STEP]


def _marks(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))


def truncate(db: Database, patience: float) -> bool:
    """Bring everything into the file itself and empty the log beside it, which still has the rows
    as they were; whether that could be done. While others write, it may take several tries."""
    until = time.monotonic() + patience
    while True:
        busy, _, _ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if not busy or time.monotonic() >= until:
            return not busy
        time.sleep(_MOMENT)


def rewrite(db: Database, patience: float) -> bool:
    """Write the whole file anew, and empty the log; whether that could be done. secure_delete
    overwrites rows, not the copies of them that stay where a page was divided."""
    until = time.monotonic() + patience
    while True:
        try:
            db.execute("VACUUM")
            return truncate(db, until - time.monotonic())
        except sqlite3.OperationalError:  # locked, or no room for a copy
            if time.monotonic() >= until:
                return False
            time.sleep(_MOMENT)
