"""What has been kept for as long as [keep] says is deleted: at the start, and then each day.

Calls and events go in short steps, between which other calls write theirs. A message that was not
mailed stays, and so does its call. What was deleted is written down for the weekly report.

A clock may be wrong. One that was never set deletes nothing. One that stands weeks ahead of where
it stood when we last looked (a machine that was off, or a battery that is empty) deletes nothing
until it has gone on like that for a day: what is gone does not come back.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

from screener import replacement
from screener.calls.heardaudio import HeardAudio
from screener.config import Settings
from screener.core.delivery import Status
from screener.core.event import Event, EventKind
from screener.core.letter import Letter
from screener.core.rules import CLOCKLESS
from screener.core.spans import told_span
from screener.errors import OutboxError, ScreenerError
from screener.mail import letterfile
from screener.mail.mailqueue import Item, MailQueue
from screener.records.erasure import Span, Step, old_calls, old_dialled, old_events
from screener.records.store import Store
from screener.sound import transcripts

log = logging.getLogger(__name__)

STATE = "kept-until"
"""The file in the data folder that holds the time of the last look."""

DOUBTED = "clock-doubted"
"""The file that holds the time at which a clock that stood far ahead was first seen."""

_KINDS = ("call", "message", "transcript", "recording of a caller", "event")
_DAILY = timedelta(days=1)
_LOOK = 3600.0  # seconds after which it is asked again whether a day has passed
_LEAP = timedelta(days=30)  # so far ahead, a clock is not believed at once
_BREATH = 0.02  # seconds between two steps, so that a call's writes never wait for many


class Retention:
    """The deletions of one front door; its times are those of `clock`, and of one (`running`, in
    seconds) that nobody sets."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        heard: HeardAudio,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        running: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keep = settings.keep
        self._queue = MailQueue(settings.data / "outbox")
        self._state = settings.data / STATE
        self._store = store
        self._heard = heard
        self._clock = clock
        self._running = running
        self._done: datetime | None = None
        self._gone: Counter[str] = Counter()  # and is not told yet
        self._failed: ScreenerError | None = None
        self._doubted: tuple[datetime, float] | None = None  # what a clock said, and when

    async def run(self) -> None:
        """Delete what is due, until cancelled. Trouble is logged, and tried again."""
        while True:
            try:
                await self.enforce()
            except ScreenerError as trouble:
                log.error("what has been kept for long enough is deleted later: %s", trouble)
            await asyncio.sleep(_LOOK)

    async def enforce(self) -> Event | None:
        """Delete what is due, once a day; what it was, where it was something."""
        now = self._clock()
        if self._done is not None and self._done <= now < self._done + _DAILY:
            return None
        if not await asyncio.to_thread(self._believed, now):
            return None
        # What frees most comes first: on a full disk the store can delete nothing before that.
        gone = self._gone
        for kind, work in (
            ("recording of a caller", self._old_heard),
            ("message", self._messages),
            ("transcript", self._old_transcripts),
            ("call", self._calls),
            ("event", self._events),
        ):
            await self._try(kind, work, now)
        failed, self._failed = self._failed, None
        if failed is None:
            self._done = now
            await asyncio.to_thread(self._remember, now)
        told = [_counted(gone[what], what) for what in _KINDS if gone[what]]
        event = None
        if told:
            event = Event(now, EventKind.DELETED, ", ".join(told), sum(gone.values()))
            log.info("deleted, as [keep] says: %s", event.text)
            await self._store.happened(event)  # where that fails, it is told the next time
            gone.clear()
        if failed is not None:
            raise failed
        return event

    async def _try(
        self, kind: str, work: Callable[[datetime], Awaitable[int]], now: datetime
    ) -> None:
        """Delete one kind; what keeps it from being deleted keeps no other."""
        try:
            self._gone[kind] += await work(now)
        except ScreenerError as failed:
            self._failed = failed

    async def _old_heard(self, now: datetime) -> int:
        return await asyncio.to_thread(self._heard.remove_old, now.timestamp())

    async def _old_transcripts(self, now: datetime) -> int:
        return await asyncio.to_thread(self._transcripts, now)

    # Whether the clock is right

    def _believed(self, now: datetime) -> bool:
        """Whether anything may be deleted by what the clock says."""
        if now < CLOCKLESS:
            return False
        last = self._last()
        if last is None or now < last + _LEAP:
            self._doubted = None
            self._state.with_name(DOUBTED).unlink(missing_ok=True)
            return True
        if self._doubted is None:
            self._doubted = now, self._running()
            log.warning(
                "the clock is %s ahead: nothing is deleted yet", told_span(_days(now, last))
            )
        then, began = self._doubted
        ran = timedelta(seconds=self._running() - began)
        if abs((now - then) - ran) > _DAILY:  # it was set meanwhile
            self._doubted = now, self._running()
            return False
        return ran >= _DAILY or self._went_on(now)

    def _went_on(self, now: datetime) -> bool:
        """Whether the clock has gone on for a day since it was first doubted, over all starts; a
        machine that is on by day only never runs for that long."""
        path = self._state.with_name(DOUBTED)
        try:
            first = datetime.fromisoformat(path.read_text(encoding="ascii").strip())
            if first <= now < first + _LEAP:
                return now >= first + _DAILY
        except (OSError, ValueError, TypeError):
            pass
        try:
            replacement.write(path, f"{now.isoformat()}\n")
        except OSError as error:
            log.warning("that the clock is doubted is not remembered: %s", error)
        return False

    def _last(self) -> datetime | None:
        """When we last looked; None where nobody knows."""
        try:
            read = datetime.fromisoformat(self._state.read_text(encoding="ascii").strip())
        except (OSError, ValueError):
            return None
        return read if read.tzinfo is not None else None

    def _remember(self, now: datetime) -> None:
        try:
            replacement.write(self._state, f"{now.isoformat()}\n")
        except OSError as error:
            log.warning("when it was last deleted is not remembered: %s", error)

    # What goes

    async def _calls(self, now: datetime) -> int:
        if self._keep.calls is None:
            return 0
        span = Span(now - self._keep.calls, now)
        spared = await asyncio.to_thread(self._unsent)
        gone = await self._steps(
            lambda after: partial(old_calls, span=span, spared=spared, after=after)
        )
        await self._steps(lambda _: partial(old_dialled, span=span))
        return gone

    async def _events(self, now: datetime) -> int:
        if self._keep.events is None:
            return 0
        span = Span(now - self._keep.events, now)
        return await self._steps(lambda after: partial(old_events, span=span, after=after))

    async def _steps(self, step: Callable[[int], Callable[..., Step]]) -> int:
        gone, after = 0, 0
        while True:
            done = await self._store.erase(step(after))
            gone += done.deleted
            # Without its call nobody would know whose voice it is, nor could forget it.
            await asyncio.to_thread(self._unhear, done.calls)
            if done.after is None:
                return gone
            after = done.after
            await asyncio.sleep(_BREATH)

    def _unhear(self, calls: Collection[int]) -> None:
        for call in calls:
            try:
                self._heard.remove(call)
            except OSError as error:
                log.warning("what call %d sounded like could not be removed: %s", call, error)

    def _unsent(self) -> Collection[int]:
        """The calls whose message the mail server has not."""
        items = (item for item in self._queue.items() if item.status is not Status.SENT)
        return frozenset(item.call for item in items if item.call is not None)

    async def _messages(self, now: datetime) -> int:
        keep = self._keep
        # A report repeats what callers said, as sound and as words: it is kept no longer than that.
        spans = (keep.messages, keep.transcripts, keep.heard, keep.calls)
        reports = max(_DAILY, min(span for span in spans if span is not None))
        return await asyncio.to_thread(self._queue.sweep, keep.messages, now, reports)

    def _transcripts(self, now: datetime) -> int:
        if self._keep.transcripts is None:
            return 0
        until = now - self._keep.transcripts
        gone, failed = 0, None
        for item in self._queue.items():
            if item.status is Status.SENT and CLOCKLESS <= _left(item, now) < until:
                try:
                    gone += _without_transcript(item)
                except OutboxError as error:
                    failed = error
        self._failed = failed or self._failed
        return gone


def _counted(count: int, what: str) -> str:
    """ "1 call", "2,000 recordings of a caller"."""
    first, blank, rest = what.partition(" ")
    return f"{count:,} {first}{'s' if count > 1 else ''}{blank}{rest}"


def _days(now: datetime, last: datetime) -> timedelta:
    return timedelta(days=(now - last).days)


def _left(item: Item, now: datetime) -> datetime:
    """When a message was left; now, where it is none."""
    letter = item.record.letter if item.record else None
    return letter.when if isinstance(letter, Letter) else now


def _without_transcript(item: Item) -> bool:
    """Take what a machine wrote down of a message that was mailed; whether there was something."""
    assert item.record is not None
    letter = item.record.letter
    assert isinstance(letter, Letter)
    with letterfile.disk(item.folder.parent.parent), suppress(FileNotFoundError):
        written = item.folder / transcripts.FILE
        there = written.exists() or bool(letter.transcript or letter.heard)
        if letter.transcript or letter.heard:
            plain = replace(letter, transcript="", heard=(), confidence=0.0)
            letterfile.save(item.folder, replace(item.record, letter=plain))
        written.unlink(missing_ok=True)
        return there
    return False  # it is gone altogether
