"""Takes: what a caller records, from the line to the outbox.

A take is recorded by Asterisk on its disk, fetched to ours, and stays on both until the outbox has
it or the caller drops it. So a take that neither happened to, because something died in between,
is still there to be rescued (service.py).
"""

from __future__ import annotations

import asyncio
import logging
import wave
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from screener import recording
from screener.asterisk.line import Line
from screener.core.audio import FRAME_BYTES, FRAME_SAMPLES, RATE
from screener.core.letter import Letter
from screener.core.script import Record, Recorded, RecordedBy
from screener.core.vad import speech_seconds
from screener.errors import AriError, AriGone, AriNotInStasis, AriRefused, OutboxError
from screener.outbox import Outbox

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tape:
    """The takes of one call. `folder` is where fetched takes lie until they are kept."""

    line: Line
    folder: Path
    outbox: Outbox

    async def record(self, record: Record) -> Recorded:
        """Record one take, after the beep has been played."""
        self.line.take_keys()
        try:
            over = await self.line.record(
                record.box.name, record.box.limit, record.silence, record.end_keys
            )
        except (AriGone, AriNotInStasis):
            return Recorded("", 0.0, 0.0, RecordedBy.HANGUP)
        if over.failed and not self.line.gone.is_set():
            raise AriRefused("Asterisk could not record: is its disk full?")
        keyed = self.line.take_keys()
        path = self._path(over.recording)
        with suppress(AriGone):  # nothing was recorded: the caller hung up at the beep
            await self.line.fetch_recording(over.recording, path)
        seconds, speech = await asyncio.to_thread(measure, path)
        if self.line.gone.is_set():
            by = RecordedBy.HANGUP
        elif keyed:
            by = RecordedBy.KEY
        elif seconds >= record.box.limit - 1:
            by = RecordedBy.LIMIT
        else:
            by = RecordedBy.SILENCE
        return Recorded(over.recording, seconds, speech, by)

    def seconds(self, take: str) -> float:
        """How long a take is."""
        with wave.open(str(self._path(take))) as sound:
            return float(sound.getnframes() / sound.getframerate())

    async def keep(self, take: str, letter: Letter) -> bool:
        """Put a take into the outbox; whether it is there, on disk."""
        path = self._path(take)
        seconds, _ = await asyncio.to_thread(measure, path)
        try:
            await self.outbox.put(path, replace(letter, seconds=seconds))
        except OutboxError as full:
            log.error("a message could not be kept: %s", full)
            return False
        await self._forget(take)
        return True

    async def drop(self, take: str) -> None:
        """Throw a take away."""
        if not take:
            return
        self._path(take).unlink(missing_ok=True)
        await self._forget(take)

    async def _forget(self, take: str) -> None:
        try:
            await self.line.delete_recording(take)
        except AriError as left:
            log.warning("recording %s is left with Asterisk: %s", take, left)

    def _path(self, take: str) -> Path:
        return self.folder / f"{take}.wav"


def measure(path: Path) -> tuple[float, float]:
    """(seconds, seconds with a voice) of an 8 kHz mono WAV file; (0, 0) where there is none."""
    try:
        recording.mend(path)  # Asterisk may have been killed before it wrote how long it is
        with wave.open(str(path)) as sound:
            seconds = sound.getnframes() / sound.getframerate()
            if sound.getframerate() != RATE or sound.getnchannels() != 1:
                return seconds, 0.0
            pieces = iter(partial(sound.readframes, FRAME_SAMPLES), b"")
            whole = (piece for piece in pieces if len(piece) == FRAME_BYTES)
            return seconds, speech_seconds(whole)
    except (FileNotFoundError, OutboxError, wave.Error, EOFError):
        return 0.0, 0.0
