"""Tells a call as it happens: what phones, mail server and screener's own story say."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.text import Text

from tests.calls.callers import Caller
from tests.calls.phones import Phone, PhoneCall
from tests.calls.stage import Stage

LOOKS = 0.1
"""Seconds between two looks around. What is told carries the time at which it happened."""


class Narrator:
    """Prints a line for whatever happens on a stage while the `with` block runs.

    Times are seconds since the block began. Nothing that a stranger sent is markup or control
    characters on the terminal.
    """

    def __init__(self, stage: Stage, console: Console) -> None:
        self._stage = stage
        self._console = console
        self._start = time.monotonic()
        self._told: set[tuple[object, ...]] = set()
        self._news: list[tuple[float, str, str]] = []
        self._watching: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._watching = asyncio.create_task(self._watch())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        self._look()

    def tell(self, text: str, at: float | None = None, style: str = "") -> None:
        """A line of our own, now or at a time (monotonic)."""
        seconds = (at or time.monotonic()) - self._start
        plain = "".join(c if c.isprintable() else "?" for c in text)
        line = Text(f"  {seconds:6.1f} s  ").append(plain, style=style)
        self._console.print(line, soft_wrap=True)

    async def _watch(self) -> None:
        while True:
            self._look()
            await asyncio.sleep(LOOKS)

    def _look(self) -> None:
        for n, caller in enumerate(self._stage.callers):
            if caller.placed:
                self._caller(n, caller)
        for phone in self._stage.phones.values():
            for call in phone.calls:
                self._phone(phone, call)
        for row in self._stage.rows():
            came_in = row.started.timestamp() - time.time() + time.monotonic()
            for n, line in enumerate(self._stage.story(row)):
                text = f"    screener, call {row.id}: {line.text}"
                self._once(("story", row.id, n), text, "dim", came_in + line.at)
        for n, letter in enumerate(self._stage.mail.letters):
            self._once(("mail", n), f"mail arrives: {letter.subject}", "cyan", letter.at)
        for at, text, style in sorted(self._news):
            self.tell(text, at, style)
        self._news.clear()

    def _caller(self, n: int, caller: Caller) -> None:
        who = f"{caller.name} ({caller.number})" if caller.name else caller.number
        result, start = caller.result, caller.started
        self._once((n, "calls"), f"{who} calls", "blue", start)
        if result.answered_after is not None:
            at = start + result.answered_after
            self._once((n, "answered"), f"{who} is answered", "blue", at)
        if caller.over:
            ends = {"caller": "hangs up", "callee": "is hung up on"}
            how = ends.get(result.hung_up_by, f"is refused: {result.code} {result.reason}")
            self._once((n, "over"), f"{who} {how}", "blue", start + result.seconds)

    def _phone(self, phone: Phone, call: PhoneCall) -> None:
        name, key = phone.name, (phone.name, call.call_id)
        self._once((*key, "rings"), f"{name} rings", "green", call.invited)
        if call.answered is not None:
            self._once((*key, "answers"), f"{name} answers", "green", call.answered)
        if call.cancelled is not None:
            self._once((*key, "cancelled"), f"{name} stops ringing", "green", call.cancelled)
        elif call.refused:
            self._once((*key, "refused"), f"{name} says {call.refused}", "yellow", call.ended)
        if call.hung_up_by and call.ended is not None:
            by = "hangs up" if call.hung_up_by == "phone" else "is hung up on"
            self._once((*key, "ended"), f"{name} {by}", "green", call.ended)

    def _once(self, key: tuple[object, ...], text: str, style: str, at: float | None) -> None:
        if key not in self._told:
            self._told.add(key)
            self._news.append((at or time.monotonic(), text, style))
