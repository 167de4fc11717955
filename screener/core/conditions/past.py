"""What rules ask about the past: what has been between us and the caller's number."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from screener.core.call import Call
from screener.core.conditions.wording import clock, counted, the_caller
from screener.core.shelf import Shelf
from screener.core.spans import told_span, written_span


class Event(StrEnum):
    """What may have been between us and a number, in the words of rule files."""

    ANSWERED = "answered-before"  # it called, and somebody talked with it
    DIALLED = "dialled-before"  # one of our phones dialled it
    MESSAGE = "message-before"  # it left a message


_EVENTS = {
    Event.ANSWERED: ("was answered here", "was never answered here"),
    Event.DIALLED: ("was dialled from here", "was never dialled from here"),
    Event.MESSAGE: ("left a message", "never left a message"),
}


@dataclass(frozen=True, slots=True)
class Happened:
    """Something has been between us and the number `within` a time (None: ever)."""

    event: Event
    within: timedelta | None = None

    def _last(self, call: Call) -> datetime | None:
        """When it was last, within the time."""
        match self.event:
            case Event.ANSWERED:
                times = call.history.answered
            case Event.DIALLED:
                times = call.history.dialled
            case Event.MESSAGE:
                times = call.history.messages
        if not times or (self.within is not None and times[-1] < call.utc - self.within):
            return None
        return times[-1]

    def holds(self, call: Call, shelf: Shelf) -> bool | None:
        return self._last(call) is not None

    def told(self, call: Call, shelf: Shelf) -> str:
        last = self._last(call)
        did, never = _EVENTS[self.event]
        span = f" within {told_span(self.within)}" if self.within else ""
        if last is None:
            return f"{the_caller(call)} {never}{span}"
        return f"{the_caller(call)} {did} on {clock(last.astimezone(call.at.tzinfo))}"

    def __str__(self) -> str:
        within = f" within {written_span(self.within)}" if self.within else ""
        return f"{self.event}{within}"


@dataclass(frozen=True, slots=True)
class Called:
    """The number has called `times` or more before, `within` a time (None: ever)."""

    times: int
    within: timedelta | None = None

    def holds(self, call: Call, shelf: Shelf) -> bool | None:
        calls, times = call.history.calls, self.times
        if len(calls) < times or self.within is None or times < 1:
            return len(calls) >= times
        # They are sorted: enough of them are recent where the last but so many is.
        return calls[-times] >= call.utc - self.within

    def _count(self, call: Call) -> int:
        calls = call.history.calls
        if self.within is None:
            return len(calls)
        return len(calls) - bisect_left(calls, call.utc - self.within)

    def told(self, call: Call, shelf: Shelf) -> str:
        span = f" within {told_span(self.within)}" if self.within else ""
        fewer = "" if self.holds(call, shelf) else f", fewer than {self.times}"
        return f"{the_caller(call)} called {counted(self._count(call), 'time')} before{span}{fewer}"

    def __str__(self) -> str:
        within = f" within {written_span(self.within)}" if self.within else ""
        return f"calls>={self.times}{within}"
