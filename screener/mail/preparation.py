"""What of a message takes long is made beside delivery: its sound encoded, its speech written down.

It is made before the message is tried for the first time, and holds none of the places in which
mails are handed over: whatever is ready goes first. Sounds are encoded a few at a time; one message
is transcribed at a time, in the order in which they were kept, for that takes a processor and an
engine's memory. What is made lies in the message's folder, so a crash loses nothing, and what was
made is not made twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

from screener import background
from screener.core.ladder import steps
from screener.core.letter import Letter
from screener.errors import OutboxError
from screener.mail import letterfile
from screener.mail.letterfile import UNREADABLE
from screener.sound import recording

log = logging.getLogger(__name__)

ENCODED_AT_ONCE = 2
TURN = 1800.0
"""Seconds that a mail waits for its message's turn to be transcribed; then it goes without. How
long the transcribing itself may take, transcripts.py says."""


class Preparation:
    """Prepares messages whose folders `folder` names, and says of each that it is `ready`.

    `transcribe` makes the transcript of the message in a folder, in a thread.
    """

    def __init__(
        self,
        folder: Callable[[str], Path],
        transcribe: Callable[[Path], None],
        ready: Callable[[str], None],
    ) -> None:
        self._folder = folder
        self._transcribe = transcribe
        self._ready = ready
        self._tasks: set[asyncio.Task[None]] = set()
        self._names: set[str] = set()
        self._encoders = asyncio.Semaphore(ENCODED_AT_ONCE)
        self._transcribers = asyncio.Semaphore(1)

    @property
    def names(self) -> frozenset[str]:
        """The messages that are being prepared, or wait for that."""
        return frozenset(self._names)

    def begin(self, name: str) -> None:
        """Prepare a message. What is prepared already takes no time."""
        if name not in self._names:
            self._names.add(name)
            task = asyncio.create_task(self._prepare(name))
            self._tasks.add(task)
            task.add_done_callback(partial(self._done, name))

    def leave(self, name: str) -> None:
        """Somebody wants the message tried at once: `ready` is not said of it any more."""
        self._names.discard(name)

    def stop(self) -> None:
        """Whatever is not made yet is made after the next start."""
        for task in self._tasks:
            task.cancel()
        self._names.clear()

    async def _prepare(self, name: str) -> None:
        async with self._encoders:
            if name not in self._names:
                return
            wanted = await background.done(partial(self._encode, name), f"encoding of {name}")
        if not wanted:
            return
        try:
            async with asyncio.timeout(TURN):
                await self._transcribers.acquire()
        except TimeoutError:
            log.warning("message %s has no transcript: others took too long", name)
            return
        try:
            if name in self._names:
                transcribe = partial(self._transcribe, self._folder(name))
                await background.done(transcribe, f"transcript of {name}")
        finally:
            self._transcribers.release()

    def _encode(self, name: str) -> bool:
        """Encode a message's sound as its box wants it; whether its speech is to be transcribed."""
        folder = self._folder(name)
        try:
            letter = letterfile.load(folder).letter
            if not isinstance(letter, Letter):
                return False
            recording.encoded(folder, *steps(letter.form, letter.bits)[0])
        except (OSError, OutboxError, *UNREADABLE) as error:
            log.info("message %s cannot be prepared: %s", name, error)  # delivery tells more
            return False
        return letter.wants_transcript

    def _done(self, name: str, task: asyncio.Task[None]) -> None:
        """Whatever came of it, the mail goes."""
        self._tasks.discard(task)
        if task.cancelled():
            return
        if (mistake := task.exception()) is not None:
            log.error("message %s is not prepared: a mistake in screener", name, exc_info=mistake)
        if name in self._names:
            self._names.discard(name)
            self._ready(name)
