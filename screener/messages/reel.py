"""A reel: a take that is written here, as its audio comes.

A WAV file that grows. Its header says that it holds nothing, like that of any recorder that was
killed, until it is closed, measured or rescued: whatever happens, what is on disk is found. It is
brought to the disk now and then, so that closing it takes no longer for a long one. Nobody waits
for the disk while somebody speaks: what it has not taken yet is in memory.
"""

from __future__ import annotations

import asyncio
import errno
import io
import logging
import os
import shutil
import struct
import wave
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from screener.core.audio import RATE, decode_ulaw
from screener.errors import StuckError
from screener.mail.spool import RESERVE

log = logging.getLogger(__name__)

_SECOND = 2 * RATE  # bytes
# After so many bytes the disk is told to have them, and asked for its room: 5 s of sound.
_SYNCED = 5 * _SECOND
# So much (seconds) that a disk has refused is enough to know that it takes no more; so much that it
# has not come to, that it hangs.
_REFUSED, _HANGS = 2.0, 5.0
# So long (seconds) the disk has to come to its end when the caller has.
_PATIENCE = 5.0


class Reel:
    """One take at `path`, named `take`. `hold` is given what is at work on its file, each time:
    until that is done nobody else may take the file."""

    def __init__(
        self,
        take: str,
        path: Path,
        hold: Callable[[asyncio.Future[None]], None] = lambda _writing: None,
    ) -> None:
        self.take = take
        self._path = path
        self._hold = hold
        self._size = 0  # bytes of the file that are as they should be
        self._synced = 0
        self._coming = bytearray()
        self._waiting = b""  # what is being written, or was refused
        self._failed = False
        self._scarce = False  # the room that is left is not for recordings
        self._closing = False
        self._begun = 0.0  # when the disk was last given something, by the event loop's clock
        self._writing: asyncio.Future[None] | None = None

    @property
    def seconds(self) -> float:
        """How much of what was said is on the disk."""
        return max(0, self._size - len(_EMPTY)) / _SECOND

    @property
    def waiting(self) -> float:
        """How many seconds the disk has not taken."""
        return (len(self._coming) + len(self._waiting)) / _SECOND

    @property
    def full(self) -> bool:
        """Whether the disk is not to be expected to take any more."""
        if self._failed:
            return self.waiting >= _REFUSED
        return self._is_busy and min(_now() - self._begun, self.waiting) >= _HANGS

    def add(self, pcm: bytes) -> None:
        """Take more of the audio (8 kHz, 16 bit, mono), to be written beside all else. A disk that
        has no room is tried again with the next."""
        self._coming += pcm
        if self.waiting and not self._is_busy:
            self._begin(self._write)

    def add_ulaw(self, ulaw: bytes) -> None:
        """As `add`, of 8 kHz mu-law."""
        self.add(decode_ulaw(ulaw))

    async def settle(self) -> bool:
        """Give the disk some time; whether it has done all that it does."""
        if self._writing is not None:
            await asyncio.wait({self._writing}, timeout=_PATIENCE)
        return not self._is_busy

    async def close(self) -> None:
        """Nothing more is added: say in the header how much there is, and have it on disk.

        Raises StuckError where the disk does not answer: what waits is written when it does.
        """
        self._closing = True
        if done := await self.settle():
            self.add(b"")
            done = await self.settle()
        if done and self._size:
            self._begin(self._finish)
            done = await self.settle()
        if not done:
            raise StuckError(f"the disk of {self._path} does not answer: check it and its cables")

    @property
    def _is_busy(self) -> bool:
        return self._writing is not None and not self._writing.done()

    def _begin(self, work: Callable[[], None]) -> None:
        self._begun = _now()
        self._writing = asyncio.ensure_future(self._try(work))
        self._hold(self._writing)

    async def _try(self, work: Callable[[], None]) -> None:
        """Do it, and again for what has come meanwhile."""
        again = True
        while again:
            self._waiting += self._coming
            self._coming.clear()
            self._begun = _now()
            try:
                await asyncio.to_thread(work)
                self._failed = False
            except OSError as error:
                if not self._failed:
                    log.error("a recording cannot be written (%s): it waits in memory", error)
                self._failed = True
            again = bool(self._coming) and not self._failed

    def _write(self) -> None:
        if self._scarce and not self._closing:
            self._ask_for_room()
            if self._scarce:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        with self._path.open("ab") as file:
            file.truncate(self._size)  # what an earlier try left may end in mid-sample
            if not self._size:
                self._put(file, _EMPTY)
            while self._waiting:
                piece = self._waiting[:_SECOND]
                self._put(file, piece)
                self._waiting = self._waiting[len(piece) :]
            if self._size - self._synced >= _SYNCED:
                os.fdatasync(file.fileno())
                self._synced = self._size
                self._ask_for_room()

    def _ask_for_room(self) -> None:
        """Several who speak at once must not take the room that their messages' mails need."""
        self._scarce = shutil.disk_usage(self._path.parent).free < RESERVE

    def _put(self, file: BinaryIO, piece: bytes) -> None:
        file.write(piece)
        file.flush()
        self._size += len(piece)

    def _finish(self) -> None:
        with self._path.open("r+b") as file:
            file.truncate(self._size)  # as before any write: the last one may have failed half way
            file.seek(_RIFF_SIZE)
            file.write(struct.pack("<I", self._size - 8))
            file.seek(_DATA_SIZE)
            file.write(struct.pack("<I", self._size - len(_EMPTY)))
            file.flush()
            os.fsync(file.fileno())


def _now() -> float:
    return asyncio.get_running_loop().time()


def _empty_wav() -> bytes:
    """The header of a WAV file: 8 kHz, 16 bit, mono; no sound yet."""
    content = io.BytesIO()
    with wave.open(content, "wb") as sound:
        sound.setparams((1, 2, RATE, 0, "NONE", ""))
        sound.writeframes(b"")
        return content.getvalue()


_EMPTY = _empty_wav()
_RIFF_SIZE, _DATA_SIZE = 4, len(_EMPTY) - 4  # where the header says how much there is
