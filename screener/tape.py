"""Takes: what a caller records, from the line to the outbox.

A take is recorded by Asterisk on its disk, fetched to ours, and stays on both until the outbox has
it or the caller drops it. What is overheard (a recording that is heard out) is a take as well, but
one that we write ourselves, as it comes. So a take that was neither kept nor dropped, because
something died in between, is still there to be rescued (settlement.py).
"""

from __future__ import annotations

import asyncio
import io
import logging
import wave
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from screener import recording
from screener.asterisk.line import Line
from screener.asterisk.playback import Sound
from screener.core.audio import FRAME_BYTES, FRAME_SAMPLES, RATE, decode_ulaw
from screener.core.letter import Letter
from screener.core.script import Record, Recorded, RecordedBy
from screener.core.vad import speech_seconds
from screener.errors import AriError, AriGone, AriNotInStasis, AriRefused, OutboxError
from screener.outbox import Outbox

log = logging.getLogger(__name__)

# A name is spoken in so many seconds; so much silence ends it, also before its first word.
_NAME, _NAME_SILENCE = 4.0, 2.0


class Reel:
    """A take that is written here, as its audio comes: a WAV file that grows.

    Its header says that it holds nothing, like that of any recorder that was killed, until it is
    measured or rescued: whatever happens, what is on disk is found.
    """

    def __init__(self, take: str, path: Path) -> None:
        self.take = take
        self._path = path
        self._size = 0  # bytes of the file that are as they should be
        self._waiting = b""  # what the disk has not taken yet, mu-law
        self._failed = False

    async def write(self, ulaw: bytes) -> None:
        """Take more of the audio (8 kHz mu-law). A disk that has no room is tried again later."""
        self._waiting += ulaw
        if not self._waiting:
            return
        try:
            await asyncio.to_thread(self._append)
            self._failed = False
        except OSError as error:
            if not self._failed:
                log.error("a recording cannot be written (%s): it waits in memory", error)
            self._failed = True

    def _append(self) -> None:
        with self._path.open("ab") as file:
            file.truncate(self._size)  # what an earlier try left may end in mid-sample
            head = b"" if self._size else _empty_wav()
            file.write(head + decode_ulaw(self._waiting))
            file.flush()
            self._size += len(head) + 2 * len(self._waiting)
        self._waiting = b""


def _empty_wav() -> bytes:
    """The header of a WAV file: 8 kHz, 16 bit, mono; no sound yet."""
    content = io.BytesIO()
    with wave.open(content, "wb") as sound:
        sound.setparams((1, 2, RATE, 0, "NONE", ""))
        sound.writeframes(b"")
        return content.getvalue()


@dataclass(frozen=True, slots=True)
class Tape:
    """The takes of one call. `folder` is where fetched takes lie until they are kept."""

    line: Line
    folder: Path
    outbox: Outbox
    _ours: set[str] = field(default_factory=set)  # those that Asterisk knows nothing of
    _names: dict[str, float] = field(default_factory=dict)  # recorded names, and their seconds
    _measured: dict[str, float] = field(default_factory=dict)  # takes, and their seconds

    async def record(self, record: Record) -> Recorded:
        """Record one take, after the beep has been played."""
        take = self.line.take(record.box.name)
        path = self._path(take)
        return await self._record(take, path, record.box.limit, record.silence, record.end_keys)

    async def record_name(self) -> Recorded:
        """Record the caller's name, after the beep. It stays until `forget_names`."""
        take = self.line.name_take()
        # Not among the takes: what lies there is rescued as a message.
        path = self.folder / f"{take}.name"
        try:
            recorded = await self._record(take, path, _NAME, _NAME_SILENCE, "#")
        finally:
            path.unlink(missing_ok=True)
        self._names[take] = recorded.seconds
        return recorded

    async def _record(
        self, take: str, path: Path, limit: float, silence: float, end_keys: str
    ) -> Recorded:
        self.line.take_keys()
        try:
            over = await self.line.record(take, limit, silence, end_keys)
        except (AriGone, AriNotInStasis):
            return Recorded("", 0.0, 0.0, RecordedBy.HANGUP)
        if over.failed and not self.line.gone.is_set():
            raise AriRefused("Asterisk could not record: is its disk full?")
        keyed = self.line.take_keys()
        with suppress(AriGone):  # nothing was recorded: the caller hung up at the beep
            await self.line.fetch_recording(take, path)
        seconds, speech = await asyncio.to_thread(measure, path)
        self._measured[take] = seconds
        if self.line.gone.is_set():
            by = RecordedBy.HANGUP
        elif keyed:
            by = RecordedBy.KEY
        elif seconds >= limit - 1:
            by = RecordedBy.LIMIT
        else:
            by = RecordedBy.SILENCE
        return Recorded(take, seconds, speech, by)

    def name_sound(self, take: str) -> Sound:
        """The caller's recorded name, to be played."""
        return (f"recording:{take}",), self._names[take]

    async def forget_names(self) -> None:
        """The call is over: nobody needs the caller's recorded name any more."""
        for take in list(self._names):
            del self._names[take]
            await self._forget(take)

    def reel(self, box: str) -> Reel:
        """A new take for a box, to be written here."""
        take = self.line.take(box)
        self._ours.add(take)
        return Reel(take, self._path(take))

    async def recorded(self, reel: Reel, by: RecordedBy) -> Recorded:
        """What has come of a reel, to which nothing is written any more."""
        await reel.write(b"")
        seconds, speech = await asyncio.to_thread(measure, self._path(reel.take))
        self._measured[reel.take] = seconds
        return Recorded(reel.take if seconds else "", seconds, speech, by)

    def seconds(self, take: str) -> float:
        """How long a take is."""
        with wave.open(str(self._path(take))) as sound:
            return float(sound.getnframes() / sound.getframerate())

    async def keep(self, take: str, letter: Letter) -> bool:
        """Put a take into the outbox; whether it is there, on disk."""
        path = self._path(take)
        seconds = self._measured.get(take, 0.0)
        if not seconds:  # measuring an hour takes longer than a command may
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
        await self._forget(take)

    async def _forget(self, take: str) -> None:
        self._measured.pop(take, None)
        self._path(take).unlink(missing_ok=True)
        if take in self._ours:
            return
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
