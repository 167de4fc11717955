"""The calls and how often each rule has decided one, written to disk.

SQL is only here, in calllog.py and reportlog.py (which read), in erasure.py (which deletes) and in
database.py. `Store` is the one writer, used by the running service. Its methods hand each write to
one thread, which does them in order, so the event loop never waits on a disk. A write that fails
becomes a `StoreError` that says what to do; a call goes on without its row. A write that is merely
slow (a worn SD card, another program holding the file locked) is waited for `patience` seconds and
then left in the queue, so that no caller waits for it; if it fails after all, that is logged.

A call takes about 770 bytes with four lines of story: 1,000 calls a month are 9 MB a year.
With synchronous=NORMAL a power cut may cost the last rows, never the file
(https://www.sqlite.org/pragma.html#pragma_synchronous).
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from screener.core.event import Event
from screener.core.history import MOST, History
from screener.core.rules import CLOCKLESS, EXPIRES
from screener.core.story import CallRow
from screener.errors import StoreError
from screener.records.calllog import LONGEST_NAME, Use, call_row, history_in, uses_in
from screener.records.database import count_on, explained, kept, open_to_read, open_to_write, utc
from screener.records.erasure import Step

log = logging.getLogger(__name__)

# What a stranger can write into a row is cut here, so that a call stays a few hundred bytes.
_LONGEST_TEXT = 1000
_MOST_EVIDENCE = 50
_MOST_QUEUED = 10_000  # writes waiting for a disk that does not come back


@dataclass(frozen=True, slots=True)
class CallStart:
    """A call that has come in. `started` is aware; `number` is E.164, "" or what arrived.

    `attestation`, `verstat`, `expecting` and `emergency` are as in core/call.py; with `shadow`,
    it rings whatever the rules say.
    """

    uid: str
    started: datetime
    did: str
    number: str
    name: str
    withheld: bool = False
    attestation: str = ""
    verstat: str = ""
    expecting: str = ""
    emergency: str = ""
    shadow: bool = False


@dataclass(frozen=True, slots=True)
class CallEnd:
    """How a call ended: `outcome` a word of core/call.py, `reason` the clause after "because".

    `ruled` is what the rules said (rules.Ruling.effect), "" when they were not asked; `ruling` the
    same with its reason. `passed`, `redirects` and `campaign` are as in core/call.py.
    """

    ended: datetime
    outcome: str
    reason: str
    rule: str = ""
    ruled: str = ""
    ruling: str = ""
    verdict: str = ""
    evidence: tuple[str, ...] = ()
    answered_by: str = ""
    rang_after: float | None = None
    seconds: float | None = None
    passed: bool = False
    redirects: tuple[str, ...] = ()
    campaign: str = ""


class Store:
    """The one writer. Opening it brings the database up to date, or raises StoreError.

    `patience` is how many seconds a call waits for its row; `lock_patience` how long the writing
    thread itself waits for another program that holds the file locked; `history_patience` how long
    a call waits for its caller's past, which is read past all writes.

    `above` is the highest id of a call that is known from elsewhere: none of those to come has it,
    though a power cut, or another file, may have taken the row of its call.

    `last_used` says of each rule (by its key) when it was last used, or first seen. It is always up
    to date: give it to the rules' shelf, and rules expire without being loaded anew.
    """

    def __init__(
        self,
        path: Path,
        *,
        patience: float = 1.0,
        lock_patience: float = 30.0,
        history_patience: float = 0.5,
        above: int = 0,
    ) -> None:
        self._path = path
        self._patience = patience
        self._history_patience = history_patience
        self._behind: set[asyncio.Future[Any]] = set()
        with explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = open_to_write(path, lock_patience)
            count_on(self._db, above)
            self._earlier = self._newest_call()
            self._past = open_to_read(path)
            self._uses = uses_in(self._db)
        self.last_used = {key: use.last for key, use in self._uses.items()}
        self._next_call = self._earlier + 1
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="history")

    async def begin(self, start: CallStart) -> int:
        """Write the row of a call that has come in; return the call's id."""
        call = self._next_call
        self._next_call += 1
        row = {
            "id": call,
            "uid": kept(start.uid, LONGEST_NAME),
            "started": utc(start.started),
            "did": kept(start.did, LONGEST_NAME),
            "number": kept(start.number, LONGEST_NAME),
            "name": kept(start.name, LONGEST_NAME),
            "withheld": int(start.withheld),
            "attestation": kept(start.attestation, LONGEST_NAME),
            "verstat": kept(start.verstat, LONGEST_NAME),
            "expecting": kept(start.expecting, LONGEST_NAME),
            "emergency": kept(start.emergency, LONGEST_NAME),
            "shadow": int(start.shadow),
            "state": "in progress",
        }
        await self._write(lambda: self._db.table("calls").insert(row))
        return call

    async def tell(self, call: int, at: float, text: str) -> None:
        """Add one line to the call's story; `at` is seconds since the call came in."""
        row = {"call": call, "at": round(at, 3), "text": kept(text, _LONGEST_TEXT)}
        await self._write(lambda: self._db.table("story").insert(row))

    async def end(self, call: int, end: CallEnd) -> None:
        """Complete the call's row: the call is over. Raises StoreError where there is none."""
        evidence = _as_json(end.evidence)
        changes = {
            "ended": utc(end.ended),
            "state": "over",
            "outcome": kept(end.outcome, LONGEST_NAME),
            "reason": kept(end.reason, _LONGEST_TEXT),
            "rule": kept(end.rule, _LONGEST_TEXT),
            "ruled": kept(end.ruled, _LONGEST_TEXT),
            "ruling": kept(end.ruling, _LONGEST_TEXT),
            "verdict": kept(end.verdict, LONGEST_NAME),
            "evidence": evidence,
            "answered_by": kept(end.answered_by, LONGEST_NAME),
            "rang_after": end.rang_after,
            "seconds": end.seconds,
            "passed": int(end.passed),
            "redirects": _as_json(end.redirects),
            "campaign": kept(end.campaign, LONGEST_NAME),
        }
        await self._write(lambda: self._db.table("calls").update(call, changes))

    async def history(self, number: str, limit: int = MOST) -> History:
        """What has been between us and a number (E.164, or as it arrived): the newest `limit` of
        each kind. Raises StoreError when that could not be read in time.

        A number with 50,000 calls costs what one with 1,000 does, some 2 ms: the rest is not read.
        """

        def read() -> History:
            with explained(self._path):
                return history_in(self._past, kept(number, LONGEST_NAME), limit)

        reading = asyncio.get_running_loop().run_in_executor(self._reader, read)
        try:
            return await asyncio.wait_for(reading, self._history_patience)
        except TimeoutError:
            raise StoreError(f"{self._path}: the disk is slow; check it and its cables.") from None

    async def dialled(self, number: str, at: datetime) -> None:
        """Write down that one of our phones dialled `number` (E.164, or as it was dialled)."""
        values = kept(number, LONGEST_NAME), utc(at)
        sql = "INSERT OR IGNORE INTO dialled (number, at) VALUES (?, ?)"
        await self._write(lambda: self._execute(sql, [values]))

    async def happened(self, event: Event) -> None:
        """Write down something that is no call, for the weekly report."""
        row = {
            "at": utc(event.at),
            "kind": event.kind.value,
            "text": kept(event.text, _LONGEST_TEXT),
            "count": event.count,
        }
        await self._write(lambda: self._db.table("events").insert(row))

    async def used(self, key: str, at: datetime) -> None:
        """Count a call that a rule decided, or would have decided in shadow mode."""
        use = self._uses.get(key) or Use(at, at)
        # A clock that was set back makes no rule older.
        self._remember(key, Use(use.first, max(use.last, at), use.hits + 1))
        sql = """
            INSERT INTO rule_uses (key, first, last, hits) VALUES (?, ?, ?, 1)
            ON CONFLICT (key) DO UPDATE SET last = max(last, excluded.last), hits = hits + 1
        """
        await self._write(lambda: self._execute(sql, [(key, utc(at), utc(at))]))

    async def seen(self, keys: Collection[str], at: datetime) -> None:
        """Write down which rules can expire, so that one that is never used does so as well.

        One that is gone from the rules is forgotten: whoever writes it again begins anew.
        """
        now = dict.fromkeys(keys)
        forget = "DELETE FROM rule_uses WHERE key = ?"
        for some in _parts(self._uses):
            gone = [key for key in some if EXPIRES in key and key not in now]
            for key in gone:
                del self._uses[key], self.last_used[key]
            await self._write_all(forget, [(key,) for key in gone])
        sql = """
            INSERT INTO rule_uses (key, first, last, hits) VALUES (?, ?, ?, 0)
            ON CONFLICT (key) DO UPDATE SET first = excluded.first, last = excluded.last
        """
        when = utc(at)
        for some in _parts(now):
            new = [key for key in some if not self._was_seen(key, at)]
            for key in new:
                hits = self._uses[key].hits if key in self._uses else 0
                self._remember(key, Use(at, at, hits))
            await self._write_all(sql, [(key, when, when) for key in new])

    def _was_seen(self, key: str, at: datetime) -> bool:
        """Whether a rule was seen before, by a clock that was set."""
        use = self._uses.get(key)
        return use is not None and (use.last >= CLOCKLESS or at < CLOCKLESS)

    def uses(self) -> Mapping[str, Use]:
        """How often each rule (by its key) has decided a call, as of now."""
        return dict(self._uses)

    async def erase(self, step: Callable[[Database], Step]) -> Step:
        """Do one step of erasure.py, in its turn among the writes. Raises StoreError."""

        def work() -> Step:
            with explained(self._path):
                return step(self._db)

        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def unsettled(self) -> list[CallRow]:
        """The calls that an earlier run of screener left in progress, oldest first."""
        where = "state = 'in progress' AND id <= ?"

        def read() -> list[CallRow]:
            with explained(self._path):
                rows = self._db.table("calls").rows_where(where, [self._earlier], order_by="id")
                return [call_row(row) for row in rows]

        return await asyncio.get_running_loop().run_in_executor(self._thread, read)

    async def close(self) -> None:
        """Do the writes that still wait, then close the file."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._db.close)
        await loop.run_in_executor(self._reader, self._past.close)
        self._thread.shutdown(wait=False)
        self._reader.shutdown(wait=False)

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

    async def _write_all(self, sql: str, values: Sequence[tuple[Any, ...]]) -> None:
        """Queue a statement for each row of values; in any case, let calls go on meanwhile."""
        if values:
            await self._write(lambda: self._execute(sql, values))
        else:
            await asyncio.sleep(0)

    def _execute(self, sql: str, values: Sequence[tuple[Any, ...]]) -> None:
        """Run a statement for each row of values, all in one transaction."""
        with self._db.atomic():
            self._db.conn.executemany(sql, values)

    def _remember(self, key: str, use: Use) -> None:
        self._uses[key] = use
        self.last_used[key] = use.last

    def _explain(self, work: Callable[[], object]) -> None:
        with explained(self._path):
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


def _as_json(sentences: Sequence[str]) -> str:
    """Sentences as a column has them."""
    some = [kept(sentence, _LONGEST_TEXT) for sentence in sentences[:_MOST_EVIDENCE]]
    return json.dumps(some, ensure_ascii=False)


def _parts(keys: Collection[str], size: int = 1000) -> Iterator[list[str]]:
    """The keys as they are now, some at a time."""
    every = list(keys)
    for at in range(0, len(every), size):
        yield every[at : at + size]
