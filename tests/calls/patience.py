"""Waiting for what must come, however slow the machine is that it comes on.

Nothing is measured here: a limit only ends a test in which what it waits for never comes. What a
test claims about time, it says itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from screener import status
from screener.status import Status
from tests.calls import speech
from tests.calls.callers import Caller
from tests.calls.sip import CallError
from tests.calls.stage import Stage

LONG = 30.0
"""Seconds in which something that does not come at once has come, on a machine that does much."""


class Ear(Protocol):
    """A caller, or a telephone's end of the audio: it tells what it has heard since a time."""

    def frames(self, since: float = 0.0) -> bytes: ...


async def until(
    test: Callable[[], object],
    what: str,
    *,
    within: float = LONG,
    instead: Callable[[], object] = str,
) -> None:
    """Wait until a test is true; CallError if it never is, with what was seen `instead`."""
    deadline = time.monotonic() + within
    while not test():
        if time.monotonic() > deadline:
            raise CallError(f"Not within {within:g} s: {what}. {instead()}")
        await asyncio.sleep(0.02)


async def hears(
    line: Ear, said: bytes, *, since: float = 0.0, alike: float = 0.7, within: float = LONG
) -> None:
    """Wait until this was heard on a line, wherever in what has come since."""
    deadline = time.monotonic() + within
    # In a thread: the audio of this process's calls goes on meanwhile.
    while (so_far := await _likeness(line.frames(since), said)) < alike:
        if time.monotonic() > deadline:
            raise CallError(f"Not heard within {within:g} s: it is alike by {so_far:.2f} only")
        await asyncio.sleep(0.1)


async def _likeness(heard: bytes, said: bytes) -> float:
    return await asyncio.to_thread(speech.likeness, heard, said)


async def has_said(stage: Stage, test: Callable[[Status], bool]) -> Status:
    """Wait until the status that screener writes down is so."""
    deadline = time.monotonic() + LONG
    while True:
        now = await asyncio.to_thread(status.read, stage.settings.data)
        if now is not None and now.pid == stage.pid and test(now):
            return now
        if time.monotonic() > deadline:
            raise CallError(f"screener's status is {now}")
        await asyncio.sleep(0.02)


def openings(stage: Stage, phone: str) -> int:
    """How often a phone has opened a box so far, by screener's log."""
    return stage.log.read_text("utf-8", "replace").count(f" is open to {phone}\n")


async def talking(stage: Stage, number: str = "") -> None:
    """Wait until the story of the last call (from this number, where it has one) says which phone
    answered: who hangs up sooner was not connected."""

    def answered() -> bool:
        rows = stage.rows()
        his = [row for row in rows if row.number == number] or rows
        rang = [line.text.partition(";")[0] for row in his[-1:] for line in stage.story(row)]
        return any(text.endswith(" answered") and text != "nobody answered" for text in rang)

    await until(answered, "a phone answered", instead=stage.rows)


async def talk(stage: Stage, call: Caller) -> None:
    """Stay on the line until it is known who answered, and for as long as it takes to say hello."""
    await talking(stage, call.number)
    await call.speak(speech.silence(0.5))
