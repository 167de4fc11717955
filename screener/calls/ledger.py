"""One call's entry: its row and its story, written as the call goes on.

A database that fails costs the entry, never the call: it is logged, and the call goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from datetime import UTC, datetime

from screener.core.call import Call, Ending, Outcome
from screener.core.callerid import shown
from screener.core.event import Event, EventKind
from screener.errors import StoreError
from screener.records.store import CallEnd, CallStart, Store

_LINE = 500  # characters of a sentence in the log: a ruling's reason says all it has to say

log = logging.getLogger(__name__)


class Entry:
    """The entry of one call; `number` is what users name the call by (0: it has no row)."""

    def __init__(self, store: Store) -> None:
        self.number = 0
        self.started = datetime.now(UTC)
        self._store = store
        self._start: CallStart | None = None

    @property
    def seconds(self) -> float:
        """How long ago the call came in."""
        return (datetime.now(UTC) - self.started).total_seconds()

    async def begin(self, call: Call, *, shadow: bool = False) -> None:
        """Write the row of a call that has just come in; with `shadow`, it rings in any case."""
        number = call.caller.shows
        self._start = CallStart(
            uid=call.uid,
            started=self.started,
            did=call.did,
            number=number,
            name=call.name,
            withheld=call.caller.withheld,
            attestation=call.signature.attestation,
            verstat=call.signature.verstat,
            expecting=call.expecting,
            emergency=call.emergency,
            shadow=shadow,
        )
        await self._write_start(self._start)
        log.info("%s: %s %s to %s", self._named, number, shown(call.name), call.did)

    @property
    def _named(self) -> str:
        return f"call {self.number}" if self.number else "a call that could not be written down"

    async def _write_start(self, start: CallStart) -> None:
        try:
            self.number = await self._store.begin(start)
        except StoreError as lost:
            log.error("call %s: %s", start.uid, lost)

    async def tell(self, text: str) -> None:
        """Add a sentence to the story; "" adds nothing."""
        if not text:
            return
        log.info("%s: %5.1f s  %s", self._named, self.seconds, shown(text, _LINE))
        if self.number:
            await self._written(self._store.tell(self.number, self.seconds, text))

    async def end(self, ending: Ending) -> None:
        """Complete the row, and count the use of the rule that decided. Where the call could not
        be written down as it came in, there may be room by now."""
        if not self.number and self._start is not None:
            await self._write_start(self._start)
        reason = shown(ending.reason, _LINE)
        log.info("%s: %5.1f s  %s: %s", self._named, self.seconds, ending.outcome, reason)
        end = CallEnd(
            ended=datetime.now(UTC),
            outcome=ending.outcome,
            reason=ending.reason,
            rule=ending.rule,
            ruled=ending.ruled,
            ruling=ending.ruling,
            verdict=ending.verdict,
            evidence=ending.evidence,
            answered_by=ending.answered_by,
            rang_after=ending.rang_after,
            seconds=self.seconds,
            passed=ending.passed,
            redirects=ending.redirects,
            campaign=ending.campaign,
        )
        if self.number:
            await self._written(self._store.end(self.number, end))
        if ending.rule_key:
            await self._written(self._store.used(ending.rule_key, self.started))
        if ending.deaf:
            await self.happened(EventKind.RECOGNISER_AWAY, ending.deaf)
        if ending.unheard:
            await self.happened(EventKind.CALLERS_UNHEARD, ending.unheard)
        if ending.outcome is Outcome.FAILED:
            await self.happened(EventKind.ASTERISK_AWAY, f"the phones rang without us: {reason}")

    async def happened(self, kind: EventKind, what: str) -> None:
        """Write down for the weekly report what happened in this call."""
        event = Event(self.started, kind, f"{self._named}: {what}")
        await self._written(self._store.happened(event))

    async def _written(self, writing: Awaitable[None]) -> None:
        try:
            await writing
        except StoreError as lost:
            log.error("%s: %s", self._named, lost)
