"""Takes: what a caller records, from the line to the outbox.

A take is written here as it comes (reel.py), a message (recorder.py) or what is overheard, and
stays until the outbox has it or the caller drops it. So a take that was neither kept nor dropped,
because something died in between, is still there to be rescued (settlement.py). The caller's name,
which is nothing to be kept, is recorded by Asterisk; so is a message where Asterisk cannot send us
the caller's audio, and then it is fetched.
"""

from __future__ import annotations

import asyncio
import logging
import os
import wave
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from screener.asterisk.line import Line
from screener.asterisk.playback import Sound
from screener.core.audio import FRAME_BYTES, FRAME_SAMPLES, RATE
from screener.core.frontdoor import MessageBox
from screener.core.letter import Letter
from screener.core.script import Recorded, RecordedBy
from screener.core.vad import speech_seconds
from screener.errors import AriError, AriGone, AriNotInStasis, AriRefused, OutboxError
from screener.mail.outbox import Outbox
from screener.messages.reel import Reel
from screener.sound import recording

log = logging.getLogger(__name__)

# A name is spoken in so many seconds; so much silence ends it, also before its first word.
_NAME, _NAME_SILENCE = 4.0, 2.0


@dataclass(frozen=True, slots=True)
class Tape:
    """The takes of one call. `folder` is where they lie until they are kept."""

    line: Line
    folder: Path
    outbox: Outbox
    _names: dict[str, float] = field(default_factory=dict)  # recorded names, and their seconds
    _lengths: dict[str, float] = field(default_factory=dict)  # takes, and their seconds

    async def record_name(self) -> Recorded:
        """Record the caller's name, after the beep. It stays until `forget_names`."""
        take = self.line.name_take()
        # Not among the takes: what lies there is rescued as a message.
        path = self.folder / f"{take}.name"
        try:
            recorded = await self._record(take, path, _NAME, _NAME_SILENCE, "#")
        finally:  # not waited for: a disk that hangs must not keep the call from the phones
            asyncio.get_running_loop().run_in_executor(None, partial(path.unlink, missing_ok=True))
        self._names[take] = recorded.seconds
        return recorded

    async def record(self, box: MessageBox, beep: Sound) -> Recorded:
        """Have Asterisk record a message, after another beep, where none of the caller's audio
        comes here. Any key ends it: nobody can pause, and be recorded all the same."""
        take = self.line.take(box.name)
        path = self._path(take)
        with suppress(AriGone, AriNotInStasis):  # has he hung up, that is found next
            await self.line.play(*beep)
        recorded = await self._record(take, path, box.limit, box.silence, "any")
        try:
            if recorded.seconds:
                await asyncio.to_thread(_to_disk, path)
            await self.line.delete_recording(take)
        except (OSError, AriError) as left:  # two are better than none
            log.warning("recording %s is left with Asterisk as well: %s", take, left)
        return self._measured(recorded)

    async def _record(
        self, take: str, path: Path, limit: float, silence: float, end: str
    ) -> Recorded:
        self.line.take_keys()
        try:
            over = await self.line.record(take, limit, silence, end)
        except (AriGone, AriNotInStasis):
            return Recorded("", 0.0, 0.0, RecordedBy.HANGUP)
        if over.failed and not self.line.gone.is_set():
            raise AriRefused("Asterisk could not record: is its disk full?")
        keyed = self.line.take_keys()
        with suppress(AriGone):  # nothing was recorded: the caller hung up at the beep
            await self.line.fetch_recording(take, path)
        seconds, speech = await asyncio.to_thread(measure, path)
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
            try:
                await self.line.delete_recording(take)
            except AriError as left:
                log.warning("recording %s is left with Asterisk: %s", take, left)

    def reel(self, box: str) -> Reel:
        """A new take for a box, to be written here."""
        take = self.line.take(box)
        path = self._path(take)
        return Reel(take, path, partial(self.outbox.hold, path))

    async def recorded(self, reel: Reel, by: RecordedBy, speech: float | None = None) -> Recorded:
        """What has come of a reel, to which nothing is written any more; `speech` is how much of it
        holds a voice, where that is known."""
        await reel.close()
        seconds = reel.seconds
        if speech is None:
            speech = (await asyncio.to_thread(measure, self._path(reel.take)))[1]
        taken = Recorded(reel.take if seconds else "", seconds, speech, by, reel.waiting)
        return self._measured(taken)

    def _measured(self, recorded: Recorded) -> Recorded:
        """Remember how long a take is: a disk that hangs must not be asked on the way."""
        self._lengths[recorded.take] = recorded.seconds
        return recorded

    def seconds(self, take: str) -> float:
        """How long a take of this call is; 0 for "", which is none."""
        return self._lengths[take] if take else 0.0

    def sound(self, take: str) -> Sound:
        """A take, to be played to its caller."""
        return (f"sound:{self._path(take).with_suffix('')}",), self.seconds(take)

    async def keep(self, take: str, letter: Letter) -> bool:
        """Put a take into the outbox; whether it is there, on disk."""
        if not take:
            return False
        try:
            await self.outbox.put(self._path(take), letter, give=True)
        except (OutboxError, OSError) as full:
            log.error("a message could not be kept: %s", full)
            return False
        return True

    async def drop(self, take: str) -> None:
        """Throw a take away."""
        if take:
            await asyncio.to_thread(self._path(take).unlink, missing_ok=True)

    def _path(self, take: str) -> Path:
        return self.folder / f"{take}.wav"


def _to_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


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
