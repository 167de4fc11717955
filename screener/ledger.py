"""One call's entry: its row and its story, written as the call goes on.

A database that fails costs the entry, never the call: it is logged, and the call goes on.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from screener.core.call import Call, Ending
from screener.core.callerid import shown
from screener.errors import StoreError
from screener.store import CallEnd, CallStart, Store

log = logging.getLogger(__name__)


class Entry:
    """The entry of one call; `number` is what users name the call by (0: it has no row)."""

    def __init__(self, store: Store) -> None:
        self.number = 0
        self.started = datetime.now(UTC)
        self._store = store

    @property
    def seconds(self) -> float:
        """How long ago the call came in."""
        return (datetime.now(UTC) - self.started).total_seconds()

    async def begin(self, call: Call) -> None:
        """Write the row of a call that has just come in."""
        number = "" if call.caller.withheld else call.caller.e164 or call.caller.raw
        start = CallStart(call.uid, self.started, call.did, number, call.name, call.caller.withheld)
        try:
            self.number = await self._store.begin(start)
        except StoreError as lost:
            log.error("call %s: %s", call.uid, lost)
        log.info("call %d: %s %s to %s", self.number, number, shown(call.name), call.did)

    async def tell(self, text: str) -> None:
        """Add a sentence to the story; "" adds nothing."""
        if not text:
            return
        log.info("call %d: %5.1f s  %s", self.number, self.seconds, shown(text, 300))
        if self.number:
            try:
                await self._store.tell(self.number, self.seconds, text)
            except StoreError as lost:
                log.error("call %d: %s", self.number, lost)

    async def end(self, ending: Ending) -> None:
        """Complete the row."""
        reason = shown(ending.reason, 300)
        log.info("call %d: %5.1f s  %s: %s", self.number, self.seconds, ending.outcome, reason)
        if not self.number:
            return
        end = CallEnd(
            ended=datetime.now(UTC),
            outcome=ending.outcome,
            reason=ending.reason,
            rule=ending.rule,
            verdict=ending.verdict,
            evidence=ending.evidence,
            answered_by=ending.answered_by,
            rang_after=ending.rang_after,
            seconds=self.seconds,
        )
        try:
            await self._store.end(self.number, end)
        except StoreError as lost:
            log.error("call %d: %s", self.number, lost)
