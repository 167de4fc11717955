"""The calls on disk, read: one and its story, the newest, all of the past, what rules ask of them.

`CallLog` reads, in another process if need be, while the store writes (SQLite's WAL). What a row
means is said here; store.py, which writes them, reads a caller's past the same way.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from sqlite_utils import Database

from screener.core.call import Outcome
from screener.core.event import Event, EventKind
from screener.core.history import MOST, History
from screener.core.story import CallRow, StoryLine
from screener.errors import StoreError
from screener.records.database import explained, kept, open_to_read, utc

DATABASE = "calls.db"
"""The name of the file in the data folder."""
LONGEST_NAME = 300
"""Characters of a number or a name that are kept, and asked for: strangers write them."""


@dataclass(frozen=True, slots=True)
class Use:
    """When a rule was `first` seen or used and `last` used, and how many calls it has decided.

    Those that it would have decided in shadow mode count too. Both times are aware, in UTC; of a
    rule that has decided none yet, `last` is `first`.
    """

    first: datetime
    last: datetime
    hits: int = 0


class CallLog:
    """Reads the calls through a connection of its own that cannot write. Not for the event loop.

    `with CallLog(path) as calls_kept: ...` closes it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.exists():
            raise StoreError(f"{path} is not there: no call has been written down yet.")
        with explained(path):
            self._db = open_to_read(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def calls(self, limit: int, since: datetime | None = None) -> list[CallRow]:
        """The newest `limit` calls, newest first; with `since`, those that came in since then."""
        with explained(self._path):
            rows = self._db.table("calls").rows_where(
                "started >= ?", [utc(since) if since else ""], order_by="id DESC", limit=limit
            )
            return [call_row(row) for row in rows]

    def call(self, call: int) -> tuple[CallRow, list[StoryLine]] | None:
        """One call and its story in the order in which it was told; None where there is none."""
        with explained(self._path):
            rows = list(self._db.table("calls").rows_where("id = ?", [call]))
            if not rows:
                return None
            lines = self._db.table("story").rows_where("call = ?", [call], order_by="id")
            return call_row(rows[0]), [StoryLine(line["at"], line["text"]) for line in lines]

    def by_uid(self, uid: str) -> CallRow | None:
        """The newest call of an Asterisk channel id; None where there is none."""
        with explained(self._path):
            rows = self._db.table("calls").rows_where("uid = ?", [uid], order_by="id DESC", limit=1)
            return next((call_row(row) for row in rows), None)

    def past(self, since: datetime | None = None) -> Iterator[CallRow]:
        """All calls in the order in which they came in, read as they are asked for."""
        with explained(self._path):
            rows = self._db.query(
                "SELECT * FROM calls WHERE started >= ? ORDER BY id", [utc(since) if since else ""]
            )
            for row in rows:
                yield call_row(row)

    def dialled(self, since: datetime | None = None) -> list[tuple[datetime, str]]:
        """When our phones dialled which numbers, oldest first."""
        with explained(self._path):
            rows = self._db.query(
                "SELECT at, number FROM dialled WHERE at >= ? ORDER BY at",
                [utc(since) if since else ""],
            )
            return [(datetime.fromisoformat(row["at"]), row["number"]) for row in rows]

    def events(self, since: datetime, until: datetime) -> list[Event]:
        """What happened besides calls from `since` on and before `until`, oldest first."""
        with explained(self._path):
            rows = self._db.table("events").rows_where(
                "at >= ? AND at < ?", [utc(since), utc(until)], order_by="at, id"
            )
            return [
                Event(
                    datetime.fromisoformat(row["at"]),
                    EventKind(row["kind"]),
                    row["text"],
                    row["count"],
                )
                for row in rows
            ]

    def history(self, number: str, limit: int = MOST) -> History:
        """What has been between us and a number (E.164, or as it arrived) until now."""
        with explained(self._path):
            return history_in(self._db, kept(number, LONGEST_NAME), limit)

    def uses(self) -> dict[str, Use]:
        """How often each rule (by its key) has decided a call."""
        with explained(self._path):
            return uses_in(self._db)

    def counts(self, since: datetime | None = None) -> dict[str, int]:
        """How many calls had which outcome, most frequent first; "in progress" among them."""
        sql = """
            SELECT CASE state WHEN 'over' THEN outcome ELSE state END AS outcome, count(*) AS calls
            FROM calls WHERE started >= ? GROUP BY 1 ORDER BY calls DESC, outcome
        """
        with explained(self._path):
            rows = self._db.query(sql, [utc(since) if since else ""])
            return {row["outcome"]: row["calls"] for row in rows}


def call_row(row: Mapping[str, Any]) -> CallRow:
    """A row of the table of calls."""
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
        ruled=row["ruled"],
        ruling=row["ruling"],
        verdict=row["verdict"],
        evidence=tuple(json.loads(row["evidence"])) if row["evidence"] != "[]" else (),
        answered_by=row["answered_by"],
        rang_after=row["rang_after"],
        seconds=row["seconds"],
        attestation=row["attestation"],
        verstat=row["verstat"],
        expecting=row["expecting"],
        emergency=row["emergency"],
        shadow=bool(row["shadow"]),
        passed=bool(row["passed"]),
        redirects=tuple(json.loads(row["redirects"])) if row["redirects"] != "[]" else (),
        campaign=row["campaign"],
    )


def uses_in(database: Database) -> dict[str, Use]:
    """How often each rule (by its key) has decided a call, of a database."""
    return {
        row["key"]: Use(
            datetime.fromisoformat(row["first"]), datetime.fromisoformat(row["last"]), row["hits"]
        )
        for row in database.query("SELECT * FROM rule_uses")
    }


def history_in(database: Database, number: str, limit: int) -> History:
    """The newest `limit` of each kind; oldest first, as `History` has them."""

    def times(sql: str) -> tuple[datetime, ...]:
        found = database.execute(f"{sql} DESC LIMIT ?", [number, limit]).fetchall()
        return tuple(datetime.fromisoformat(at) for (at,) in reversed(found))

    # The OUTCOMEs that the partial index calls_reached holds: asked for in its own words.
    reached = f"""
        SELECT started FROM calls WHERE number = ? AND outcome = '%s'
        AND outcome IN ('{Outcome.CONNECTED}', '{Outcome.MESSAGE}') ORDER BY started
    """
    return History(
        calls=times("SELECT started FROM calls WHERE number = ? ORDER BY started"),
        answered=times(reached % Outcome.CONNECTED),
        messages=times(reached % Outcome.MESSAGE),
        dialled=times("SELECT at FROM dialled WHERE number = ? ORDER BY at"),
        passed=times("SELECT started FROM calls WHERE number = ? AND passed = 1 ORDER BY started"),
    )
