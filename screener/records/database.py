"""The file that the store keeps its tables in: how it is opened and brought up to date.

Also the forms in which times and strangers' text go into it, and in which its errors come out:
each one sentence that says what to do.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlite_utils import Database
from sqlite_utils.db import NotFoundError

from screener.errors import StoreError

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
    (
        # What the call showed besides its number, so that other rules can judge it again; `ruled`
        # is rules.Ruling.effect ("block play sit"), done or, in shadow mode, only noted, and
        # `ruling` the same with its reason.
        "ALTER TABLE calls ADD COLUMN attestation TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE calls ADD COLUMN verstat TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE calls ADD COLUMN expecting TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE calls ADD COLUMN emergency TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE calls ADD COLUMN ruled TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE calls ADD COLUMN ruling TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE calls ADD COLUMN shadow INTEGER NOT NULL DEFAULT 0",
        # What the rules had said of earlier calls stands at the head of their stories: the action,
        # not its treatment. Where it does not (the story was lost), nobody knows.
        """UPDATE calls SET ruled = coalesce((
            SELECT CASE
                WHEN text = 'no rule matches: screened' THEN 'screen'
                WHEN text LIKE 'allow "%' THEN 'allow'
                WHEN text LIKE 'block "%' THEN 'block'
                WHEN text LIKE 'screen "%' THEN 'screen'
            END FROM story WHERE story.call = calls.id ORDER BY story.id LIMIT 1
        ), '')""",
        # A number's past is looked up while it waits: from the indexes alone, whatever its length.
        "CREATE INDEX calls_number ON calls (number, started)",
        """CREATE INDEX calls_reached ON calls (number, outcome, started)
            WHERE outcome IN ('connected', 'message')""",
        """CREATE TABLE dialled (              -- by one of our phones
            number TEXT NOT NULL,
            at TEXT NOT NULL,
            PRIMARY KEY (number, at)
        ) WITHOUT ROWID""",
        """CREATE TABLE rule_uses (
            key TEXT PRIMARY KEY,            -- rules.Rule.key
            first TEXT NOT NULL,             -- seen in a rule file, or used
            last TEXT NOT NULL,              -- used; as long as it never was, as `first`
            hits INTEGER NOT NULL
        ) WITHOUT ROWID""",
    ),
    (
        # Whose caller has answered the challenge need not answer one for a while.
        "ALTER TABLE calls ADD COLUMN passed INTEGER NOT NULL DEFAULT 0",
        "CREATE INDEX calls_passed ON calls (number, passed, started) WHERE passed = 1",
    ),
    (
        # For the weekly report: what else happened (core/event.py), and what came of phones'
        # redirects in a call (a JSON list of sentences); the campaign whose recording it played.
        """CREATE TABLE events (
            id INTEGER PRIMARY KEY,
            at TEXT NOT NULL,
            kind TEXT NOT NULL,
            text TEXT NOT NULL,
            count INTEGER NOT NULL
        )""",
        "CREATE INDEX events_at ON events (at)",
        "ALTER TABLE calls ADD COLUMN redirects TEXT NOT NULL DEFAULT '[]'",
        "ALTER TABLE calls ADD COLUMN campaign TEXT NOT NULL DEFAULT ''",
    ),
)

_OPEN_SECONDS = 5.0  # for another program that holds the file locked when it is opened


def open_to_write(path: Path, lock_patience: float) -> Database:
    """Open or make the database and bring it to the newest version."""
    connection = sqlite3.connect(path, timeout=_OPEN_SECONDS, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA journal_size_limit = 4194304")
        connection.execute("PRAGMA secure_delete = ON")  # what is forgotten is gone
        database = Database(connection, execute_plugins=False)
        _migrate(database)
        connection.execute(f"PRAGMA busy_timeout = {round(lock_patience * 1000)}")
    except BaseException:
        connection.close()
        raise
    return database


def count_on(database: Database, above: int) -> None:
    """Give no call an id up to `above`: whoever comes next has a higher one."""
    rows = list(database.query("SELECT seq FROM sqlite_sequence WHERE name = 'calls'"))
    if above <= (rows[0]["seq"] if rows else 0):
        return
    with database.atomic():
        database.conn.execute("DELETE FROM sqlite_sequence WHERE name = 'calls'")
        sql = "INSERT INTO sqlite_sequence (name, seq) VALUES ('calls', ?)"
        database.conn.execute(sql, [above])


def _migrate(database: Database) -> None:
    """Apply the migrations that this database has not seen, each in its own transaction."""
    for number in range(_version(database), len(MIGRATIONS)):
        with database.atomic():
            for statement in MIGRATIONS[number]:
                database.execute(statement)
            database.execute(f"PRAGMA user_version = {number + 1}")


def _version(database: Database) -> int:
    """How many migrations it has seen; raises StoreError where these are more than we know."""
    version = int(database.execute("PRAGMA user_version").fetchone()[0])
    if version > len(MIGRATIONS):
        raise StoreError(
            f"it was written by a newer screener (version {version} of its tables, this one knows "
            f"{len(MIGRATIONS)}): install the newer screener again."
        )
    return version


def open_to_read(path: Path) -> Database:
    """Open the database in a connection of its own that cannot write; for use by one thread.

    One that an older screener has left is not read: only `open_to_write` brings it up to date.
    """
    address = f"{path.resolve().as_uri()}?mode=ro"
    connection = sqlite3.connect(address, uri=True, check_same_thread=False)
    database = Database(connection, execute_plugins=False)
    try:
        if _version(database) < len(MIGRATIONS):
            raise StoreError(
                "it is an older screener's: start this one (`screener run`), which brings it up"
                " to date."
            )
    except BaseException:
        connection.close()
        raise
    return database


def look(path: Path) -> None:
    """Raise StoreError for a database that `open_to_write` would refuse. Nothing is changed.

    Where no journal lies beside it nobody has it open, and to read it leaves none behind.
    """
    shut = not path.with_name(f"{path.name}-wal").exists()
    address = f"{path.resolve().as_uri()}?mode=ro{'&immutable=1' if shut else ''}"
    with explained(path):
        if not os.access(path, os.W_OK):
            raise StoreError(_WHAT_TO_DO[sqlite3.SQLITE_READONLY])
        with closing(sqlite3.connect(address, uri=True)) as connection:
            _version(Database(connection, execute_plugins=False))
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise StoreError(_WHAT_TO_DO[sqlite3.SQLITE_CORRUPT])


# What goes in, and what comes out when it does not -----------------------------------------------


def utc(when: datetime) -> str:
    """ISO 8601 in UTC with milliseconds: of one length, so that it sorts as text."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds")


def kept(text: str, longest: int) -> str:
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
def explained(path: Path) -> Iterator[None]:
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
