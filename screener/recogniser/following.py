"""A recogniser for calls: an engine in threads of its own, and the queue between both."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor

from screener.core.audio import FRAME_SECONDS
from screener.core.transcript import Transcript
from screener.recogniser.engine import Decoder, Engine

log = logging.getLogger(__name__)

# Frames are handed to the decoder in portions: fewer switches of threads, words 0.1 s later.
_PORTION = round(0.1 / FRAME_SECONDS)
# A worker takes this much at most, then it is another call's turn.
_LARGEST_PORTION = round(0.5 / FRAME_SECONDS)
# Speech waiting for the decoder beyond this is dropped: it has fallen behind.
_BACKLOG = round(5 / FRAME_SECONDS)
# How much less of the processor the decoders' threads ask for than the event loop (nice).
_GIVE_WAY = 5


class Recogniser:
    """An engine for calls: nothing here holds up the event loop."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._threads = threads()

    @property
    def name(self) -> str:
        """For people: "PocketSphinx 5.1.1, bundled English"."""
        return self.engine.name

    async def understand(self, utterance: bytes, expected: frozenset[str]) -> str:
        """Which of the expected phrases a short utterance (8 kHz PCM) is; "" for anything else."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self.engine.answer, utterance, expected)

    def follow(self) -> Following:
        """A stream for one call's speech."""
        return Following(self._threads, self.engine.decoder)

    def unknown_words(self, phrases: Iterable[str]) -> tuple[str, ...]:
        """The words of these phrases that the engine cannot hear: it knows no sound of them."""
        return self.engine.unknown_words(phrases)


def threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count() or 1, "recogniser", _lower_priority)


def _lower_priority() -> None:
    """The event loop's thread comes first. On Linux a priority is each thread's own."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _GIVE_WAY)


class Following:
    """One call's speech: frames wait in a short queue for a decoder in the engine's threads.

    `behind` is True from when speech had to be dropped.
    """

    def __init__(self, threads: ThreadPoolExecutor, decoder: Callable[[], Decoder]) -> None:
        self.behind = False
        self._threads = threads
        self._make_decoder = decoder
        self._decoder: Decoder | None = None
        self._lock = threading.Lock()
        self._waiting: deque[bytes] = deque()
        self._working = False
        self._closed = False
        self._words = ""

    def feed(self, frame: bytes) -> None:
        """Take 20 ms of 8 kHz PCM; returns at once."""
        with self._lock:
            if self._closed:
                return
            if len(self._waiting) >= _BACKLOG:
                self.behind = True
                return
            self._waiting.append(frame)
            if self._working or len(self._waiting) < _PORTION:
                return
            self._working = True
        self._submit()

    def words(self) -> str:
        """What was recognised so far, at most some 0.2 s old."""
        return self._words

    async def transcript(self) -> Transcript:
        """The words so far with their confidence."""
        raise NotImplementedError

    def close(self) -> None:
        """No more speech will come."""
        with self._lock:
            self._closed = True
            self._waiting.clear()
            if self._working:
                return  # the worker, which has the decoder now, closes it
        self._free()

    def _submit(self) -> None:
        self._threads.submit(self._work).add_done_callback(_tell_failure)

    def _work(self) -> None:
        """Decode a portion; then stand at the end of the threads' queue when there is more."""
        with self._lock:
            count = min(len(self._waiting), _LARGEST_PORTION)
            portion = b"".join(self._waiting.popleft() for _ in range(count))
        if portion:
            if self._decoder is None:
                self._decoder = self._make_decoder()
            self._words = self._decoder.hear(portion)
        with self._lock:
            self._working = not self._closed and len(self._waiting) >= _PORTION
            more, closed = self._working, self._closed
        if more:
            self._submit()
        elif closed:
            self._free()

    def _free(self) -> None:
        decoder, self._decoder = self._decoder, None
        if decoder is not None:
            decoder.close()


def _tell_failure(work: Future[None]) -> None:
    """The caller's words stop; his call goes on by keys."""
    if not work.cancelled() and (error := work.exception()) is not None:
        log.error("the recogniser has stopped listening to a call: %s", error, exc_info=error)
