"""Whether the machine stood still while a test ran: then, and only then, a failed one runs again.

Calls run in real time. A machine that stops for a second, as a virtual one does whose host has
other work, takes words out of a caller's mouth and keys out of their time; Asterisk throws away
what waits for half a second (audiohook.c). What a test sees of such a call says nothing about
screener. It has to pass all the same, on a machine that runs; the report says of each failure how
long the machine stood still.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

import pytest

AGAIN = 3
"""So many times a test is run again, each time only if the machine stood still during the last."""
_BEAT = 0.01
_LATE = 0.05
"""Seconds by which a beat is late without being noticed: on a busy machine every thread waits."""
_MUCH = 0.15
"""Seconds of standstill that excuse a failure: a caller is silent for what is later (rtp.py)."""
_BEFORE = 1.0
"""Seconds before a test's start that count as well: what was begun then goes on in it."""


class Watch:
    """Looks at the clock a hundred times a second, in a thread on each processor, to see how late
    each look is: a virtual machine's processors stop together, or one of them alone.

    What keeps the whole program from running, other threads of its own among it, is seen as well:
    the tests' callers are in it.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._stops: list[tuple[float, float]] = []  # when it went on, and after how long
        self._from = clock()

    def start(self) -> None:
        for processor in os.sched_getaffinity(0):
            threading.Thread(target=self._watch, args=(processor,), daemon=True).start()

    def begin(self) -> None:
        """A test begins, or begins again."""
        self._from = self._clock() - _BEFORE
        self._stops = [stop for stop in self._stops if stop[0] >= self._from]

    @property
    def seconds(self) -> float:
        """How long the machine stood still since the test began."""
        seconds, until = 0.0, 0.0
        for at, late in sorted(stop for stop in self._stops if stop[0] >= self._from):
            seconds += max(0.0, at - max(until, at - late))  # both processors' is counted once
            until = at
        return seconds

    def excuses(self) -> bool:
        """Whether that is so long that the test's failure says nothing."""
        return self.seconds >= _MUCH

    def _watch(self, processor: int) -> None:
        os.sched_setaffinity(threading.get_native_id(), {processor})
        while True:
            self.look()

    def look(self) -> None:
        """One beat."""
        before = self._clock()
        self._sleep(_BEAT)
        now = self._clock()
        if now - before - _BEAT > _LATE:
            self._stops.append((now, now - before - _BEAT))


WATCH = Watch()


def mark(item: pytest.Item) -> None:
    """Let a test be run again where the machine stood still (pytest-rerunfailures)."""
    item.add_marker(pytest.mark.flaky(reruns=AGAIN, reruns_delay=2.0, condition=WATCH.excuses))


def tell(report: pytest.TestReport) -> None:
    """Say in a failure's report how long the machine stood still."""
    if report.failed and WATCH.seconds:
        said = f"The machine stood still for {WATCH.seconds:.2f} s during this test."
        report.sections.append(("standstill", said))
