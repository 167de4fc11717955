"""The threads that engines decode in: few, behind the event loop, and never waited for.

Whoever asks is given a Future with the outcome, whatever it is: no thread ends by an error. A short
answer goes before the streams, for its caller waits to be put through; streams follow in the order
in which they asked. A thread that does not come back gets a substitute, so one hanging decoder
takes nothing from the other calls; and as the threads are daemons, it cannot keep screener from
stopping either (those of concurrent.futures are joined when Python ends).
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Generic, TypeVar

from screener.errors import RecogniserError

T = TypeVar("T")

log = logging.getLogger(__name__)

# A thread that has been at one portion or answer for this long (seconds) is given up. The slowest
# of them, an answer's new decoder on a loaded machine, took less than two.
_PATIENCE = 20.0
# How many threads may hang before there are no more substitutes: each may keep a core busy.
_SUBSTITUTES = 8
# How long Python's end waits for decoders at work (seconds): freeing a library under them crashes.
_FAREWELL = 2.0
# How much less of the processor the threads ask for than the event loop (nice).
_GIVE_WAY = 5


class Workers:
    """Threads for an engine, as many as there are processors unless `count` says otherwise."""

    def __init__(self, count: int | None = None, *, patience: float = _PATIENCE) -> None:
        self._queue = _Queue(count or os.cpu_count() or 1, patience)
        # The threads hold the queue and not this object: they end with it, or with Python.
        self._end = weakref.finalize(self, _Queue.end, self._queue)

    def submit(self, work: Callable[[], T], *, first: bool = False) -> Future[T]:
        """Have it done in a thread, before what waits already if `first`; returns at once."""
        job = _Job(work)
        self._queue.put(job, first=first)
        return job.future

    def close(self) -> None:
        """Let the threads end, after what they are doing; what waits is cancelled."""
        self._end()


class _Job(Generic[T]):
    """A piece of work, and the Future that whoever asked for it has."""

    def __init__(self, work: Callable[[], T]) -> None:
        self.future: Future[T] = Future()
        self._work = work

    def run(self) -> None:
        if self.future.set_running_or_notify_cancel():
            with _Outcome(self.future) as outcome:
                outcome.value = self._work()


class _Outcome(Generic[T]):
    """Hands what came of a job to its Future: a value, or the error, which is not ours to judge."""

    value: T

    def __init__(self, future: Future[T]) -> None:
        self._future = future

    def __enter__(self) -> _Outcome[T]:
        return self

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> bool:
        if error is None:
            self._future.set_result(self.value)
        else:
            self._future.set_exception(error)
        return True


class _Queue:
    """What waits to be done, and the threads that do it."""

    def __init__(self, count: int, patience: float) -> None:
        self._count = count
        self._patience = patience
        self._change = threading.Condition()
        self._urgent: deque[_Job[Any]] = deque()
        self._waiting: deque[_Job[Any]] = deque()
        self._idle = 0
        self._since: dict[threading.Thread, float] = {}  # the threads at work, and since when
        self._threads: set[threading.Thread] = set()
        self._given_up = 0
        self._ended = False

    def put(self, job: _Job[Any], *, first: bool) -> None:
        with self._change:
            if self._ended:
                job.future.cancel()
                return
            self._give_up_stuck()
            jobs = len(self._urgent) + len(self._waiting)
            if jobs >= self._idle and len(self._threads) < self._count:
                self._start()
            if not self._threads:
                job.future.set_exception(RecogniserError("its threads hang: start screener again"))
                return
            (self._urgent if first else self._waiting).append(job)
            self._change.notify()

    def end(self) -> None:
        """Cancel what waits; the threads end, each after what it is doing."""
        with self._change:
            self._ended = True
            for job in (*self._urgent, *self._waiting):
                job.future.cancel()
            self._change.notify_all()
            others = self._threads - {threading.current_thread()}
            self._change.wait_for(lambda: not others & self._since.keys(), _FAREWELL)

    def _start(self) -> None:
        if self._given_up > _SUBSTITUTES:
            return
        thread = threading.Thread(target=self._serve, name="recogniser", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # the system has no more threads for us
            log.warning("no further thread for the recogniser: %s", error)
        else:
            self._threads.add(thread)

    def _give_up_stuck(self) -> None:
        now = time.monotonic()
        for thread in [t for t in self._threads if now - self._since.get(t, now) > self._patience]:
            self._threads.discard(thread)
            self._given_up += 1
            log.error(
                "a thread of the recogniser has hung for %.0f s; %s",
                self._patience,
                "another takes its place"
                if self._given_up <= _SUBSTITUTES
                else "callers are not understood any more: start screener again",
            )

    def _serve(self) -> None:
        """A thread's life."""
        _lower_priority()
        while (job := self._next()) is not None:
            job.run()
            del job  # or what it heard would live as long as the thread is idle

    def _next(self) -> _Job[Any] | None:
        me = threading.current_thread()
        with self._change:
            self._since.pop(me, None)
            self._idle += 1
            if self._ended:
                self._change.notify_all()  # end() waits for it
            self._change.wait_for(
                lambda: self._ended or me not in self._threads or self._urgent or self._waiting
            )
            self._idle -= 1
            if self._ended or me not in self._threads:
                self._threads.discard(me)
                return None
            self._since[me] = time.monotonic()
            return (self._urgent or self._waiting).popleft()


def _lower_priority() -> None:
    """The event loop's thread comes first. On Linux a priority is each thread's own."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _GIVE_WAY)
