"""A recogniser for calls: an engine in threads of its own, and the queue between both.

It never holds up a call. One whose speech waits too long, or whose decoder fails, is not listened
to any further (`Following.deaf` says why) and goes on by keys; what that would have cost is there
for the other calls.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial

from screener.core.audio import FRAME_SECONDS
from screener.core.grammar import Understood
from screener.core.transcript import Transcript
from screener.errors import RecogniserError
from screener.recogniser.engine import Decoder, Engine
from screener.recogniser.workers import Workers

log = logging.getLogger(__name__)

# Frames are handed to the decoder in portions: fewer switches of threads, and ten calls' decoders
# drive each other's model out of the processor's cache half as often as with 0.1 s (5 % less work).
PORTION = round(0.2 / FRAME_SECONDS)
# A worker takes this much at most, then it is another call's turn.
_LARGEST_PORTION = round(0.5 / FRAME_SECONDS)
# When this much speech waits for its decoder, the call is not listened to any further.
_BACKLOG = round(5 / FRAME_SECONDS)
# How long a transcript may take (seconds): the rest of the backlog, and PocketSphinx's lattice.
_TRANSCRIBING = 10.0
# What is told of an error stands in the call's row (characters).
_LONGEST_TOLD = 120


class Recogniser:
    """An engine for calls: nothing here holds up the event loop."""

    def __init__(self, engine: Engine, workers: Workers | None = None) -> None:
        self.engine = engine
        self._workers = workers or Workers()

    @property
    def name(self) -> str:
        """For people: "PocketSphinx 5.1.1, bundled English"."""
        return self.engine.name

    async def understand(self, utterance: bytes, expected: frozenset[str]) -> Understood:
        """Which of the expected phrases a short utterance (8 kHz PCM) is, and whether surely.

        It goes before all streams. Raises RecogniserError when the engine fails, whatever by.
        """
        work = partial(self.engine.answer, utterance, expected)
        answer = asyncio.wrap_future(self._workers.submit(work, first=True))
        try:
            await asyncio.wait([answer])
        finally:
            answer.cancel()  # whoever asked has gone: it need not be begun any more
        if answer.cancelled():
            raise RecogniserError("it has ended")
        if (error := answer.exception()) is not None:
            raise RecogniserError(_told(error)) from error
        return answer.result()

    def follow(self) -> Following:
        """A stream for one call's speech."""
        return Following(self._workers, self.engine.decoder, self.name.split(" ")[0])

    def unknown_words(self, phrases: Iterable[str]) -> tuple[str, ...]:
        """The words of these phrases that the engine cannot hear: it knows no sound of them."""
        return self.engine.unknown_words(phrases)

    def close(self) -> None:
        """Let the threads end. Streams that are open hear nothing more."""
        self._workers.close()


class Following:
    """One call's speech: frames wait in a short queue for a decoder in the engine's threads.

    `deaf` is "" while it listens, then a clause that says why it does not: "PocketSphinx fell
    behind", "the recogniser failed: out of memory". From then on it takes no more frames.
    """

    def __init__(
        self, workers: Workers, decoder: Callable[[], Decoder], name: str = "the recogniser"
    ) -> None:
        self.deaf = ""
        self._workers = workers
        self._make_decoder = decoder
        self._name = name
        self._decoder: Decoder | None = None
        self._lock = threading.Lock()
        self._waiting: deque[bytes] = deque()
        self._asked: list[Future[Transcript]] = []
        self._working = False
        self._closed = False
        self._words = Transcript()

    def feed(self, frame: bytes) -> None:
        """Take 20 ms of 8 kHz PCM; returns at once."""
        with self._lock:
            if self._closed or self.deaf:
                return
            if len(self._waiting) >= _BACKLOG:
                # Words with a gap before them mean little, and the others need the time.
                self.deaf = f"{self._name} fell behind"
                self._waiting.clear()
                return
            self._waiting.append(frame)
            if self._working or len(self._waiting) < PORTION:
                return
            self._working = True
        self._submit()

    def words(self) -> Transcript:
        """What was recognised so far, at most some 0.3 s old."""
        return self._words

    async def transcript(self) -> Transcript:
        """The words of all speech so far with their confidence; ask before `close`.

        An empty one where the decoder has failed or does not answer in time.
        """
        asked: Future[Transcript] = Future()
        with self._lock:
            if self._closed:
                return Transcript()
            self._asked.append(asked)
            begin, self._working = not self._working, True
        if begin:
            self._submit()
        try:
            async with asyncio.timeout(_TRANSCRIBING):
                return await asyncio.wrap_future(asked)
        except TimeoutError:
            log.warning("%s took too long over a transcript", self._name)
            return Transcript()

    def close(self) -> None:
        """No more speech will come."""
        with self._lock:
            self._closed = True
            self._waiting.clear()
            if self._working:
                return  # the worker, which has the decoder now, closes it
        self._free()

    def _submit(self) -> None:
        self._workers.submit(self._work).add_done_callback(self._done)

    def _work(self) -> None:
        """Decode a portion, and make the transcripts that were asked for when nothing waits."""
        with self._lock:
            count = min(len(self._waiting), _LARGEST_PORTION)
            portion = b"".join(self._waiting.popleft() for _ in range(count))
        if portion:
            if self._decoder is None:
                self._decoder = self._make_decoder()
            self._words = self._decoder.hear(portion)
        with self._lock:
            asked = [] if self._waiting and not self._closed else self._asked[:]
        if asked:
            made = self._decoder.transcript() if self._decoder is not None else Transcript()
            with self._lock:
                del self._asked[: len(asked)]
            _give(asked, made)

    def _done(self, work: Future[None]) -> None:
        """After a portion: stand at the end of the threads' queue again when there is more."""
        error = None if work.cancelled() else work.exception()
        failed = work.cancelled() or error is not None
        asked: list[Future[Transcript]] = []
        with self._lock:
            if failed:
                self.deaf = self.deaf or _why(error)
                self._waiting.clear()
                asked, self._asked = self._asked, []
            speech = len(self._waiting) >= PORTION and not self._closed
            self._working = more = speech or bool(self._asked)
            over = failed or self._closed
        if error is not None:
            log.error("the recogniser has failed in a call: %s", _told(error), exc_info=error)
        _give(asked, Transcript())
        if more:
            self._submit()
        elif over:
            self._free()

    def _free(self) -> None:
        decoder, self._decoder = self._decoder, None
        if decoder is not None:
            self._workers.submit(decoder.close)  # it takes milliseconds


def _give(asked: Iterable[Future[Transcript]], made: Transcript) -> None:
    """Give a transcript to those who still wait for one."""
    for future in asked:
        if future.set_running_or_notify_cancel():
            future.set_result(made)


def _why(error: BaseException | None) -> str:
    return f"the recogniser failed: {_told(error)}" if error else "the recogniser has ended"


def _told(error: BaseException) -> str:
    """An error in a clause; its own first line, where it is one that people are meant to read."""
    text = str(error).partition("\n")[0][:_LONGEST_TOLD]
    if isinstance(error, RecogniserError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
