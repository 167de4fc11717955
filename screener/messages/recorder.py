"""Recording a message: the caller's frames and keys -> a reel, until he is done.

The frames come over RTP, from a channel that hears him (as the ear's do): his own is free, so that
he can be told that his time is nearly over, and what he hears is in no recording. Measured on
Asterisk 22.10 against a recording on his own channel: all of 4,500 frames (90 s) in their order
both ways, with one of silence more at the start where the network's clock and Asterisk's differ; a
caller's clock that is 2 % fast loses 1 s in 50, one that is 0.01 % fast nothing in an hour.
Of what comes late and then at once, Asterisk throws away what waits in its audio hook when that is
half a second: a network that stood still for 0.2 s cost 4 frames, one for 0.6 s 26, for 1 s 46.
Asterisk itself keeps up to 2 s of a recording in memory, and loses them when it dies; here 0.2 s.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from screener.asterisk.line import Line
from screener.asterisk.media import LARGEST_GAP, Address, Media, Stream
from screener.asterisk.playback import Sound
from screener.core.audio import FRAME_SECONDS, SILENCE
from screener.core.dictation import START, Dictation
from screener.core.script import RecordedBy
from screener.errors import AriError, AriGone, AriNotInStasis
from screener.messages.reel import Reel

log = logging.getLogger(__name__)

# How often what has come is written (seconds): what a crash loses.
_MOMENT = 0.2
# Asterisk sends a frame each 20 ms. When none has come in so many moments the stream has stopped,
# and silence is counted in its place: a recording must end though nothing is heard.
_STOPPED = 2
# A caller who has hung up was heard to the last word: what is on its way is here by then (seconds).
_ON_ITS_WAY = 0.06
# Frames come from before the beep on. When none has so long (seconds) after it, none will: Asterisk
# cannot send here.
_DEAF = 1.5


class Recorder:
    """Records one line. `sound` makes what is played of the names of prompts."""

    def __init__(self, line: Line, media: Media, sound: Callable[[tuple[str, ...]], Sound]) -> None:
        self._line = line
        self._media = media
        self._sound = sound
        self._stream: Stream | None = None
        self._pending = bytearray()
        self._frames = 0
        self._stopped = 0  # moments without a frame
        self._missing = 0  # frames of silence that are written when a voice follows
        self._passed = 0  # frames of silence since the last that came
        self._deaf_at: float | None = None
        self._news = asyncio.Event()
        self._prompt: asyncio.Task[None] | None = None

    async def record(self, dictation: Dictation, reel: Reel) -> RecordedBy | None:
        """Record until it is over; why it was. All that was said is in the reel then.

        None where not a single frame comes: another must record this call.
        """
        self._dictation = dictation
        self._line.take_keys()
        try:
            await self._line.open_ear(self._media.address, self._expect)
            self._line.on_key = self._key
            return await self._follow(reel)
        except (AriGone, AriNotInStasis):
            if not await self._line.has_left():
                raise
            return RecordedBy.HANGUP
        finally:
            self._line.keep_keys()
            await self._stop_prompt()
            try:
                await self._line.close_ear()
            finally:
                if self._stream is not None:
                    self._media.forget(self._stream)
                reel.add(self._take_pending())
                await reel.settle()

    async def _follow(self, reel: Reel) -> RecordedBy | None:
        dictation = self._dictation
        while dictation.over is None:
            if self._line.gone.is_set():
                await asyncio.sleep(_ON_ITS_WAY)
                return RecordedBy.HANGUP
            if self._is_deaf():
                return None
            if prompts := dictation.take_prompts():
                await self._stop_prompt()
                self._prompt = asyncio.ensure_future(self._play(prompts))
            await self._moment()
            reel.add(self._take_pending())
            if reel.full:
                dictation.full()
        return dictation.over

    async def _moment(self) -> None:
        """Until something has happened, or a moment has passed."""
        frames = self._frames
        with suppress(TimeoutError):
            async with asyncio.timeout(_MOMENT):
                await self._news.wait()
        if self._prompt is not None and self._prompt.done() and not self._prompt.cancelled():
            prompt, self._prompt = self._prompt, None
            prompt.result()  # raises what went wrong with it
        if self._stream is not None and self._stream.failure is not None:
            raise self._stream.failure
        woken, moved = self._news.is_set(), self._frames != frames
        self._news.clear()
        if moved:
            self._stopped = 0
        elif not woken:
            self._stopped += 1
            if self._stopped >= _STOPPED:
                self._pass(_MOMENT)

    def _pass(self, seconds: float) -> None:
        """Nothing comes: time goes on all the same, and the caller may be speaking again."""
        for _ in range(round(seconds / FRAME_SECONDS)):
            self._passed += 1
            self._missing += self._dictation.frame(SILENCE)

    def _is_deaf(self) -> bool:
        now = asyncio.get_running_loop().time()
        return not self._frames and self._deaf_at is not None and now >= self._deaf_at

    def _expect(self, source: Address) -> None:
        self._stream = self._media.expect(source, self._frame)

    def _frame(self, pcm: bytes) -> None:
        self._frames += 1
        if pcm is SILENCE and 0 < self._passed <= LARGEST_GAP:
            self._passed -= 1  # in the place of one that was lost: that time was counted
            return
        self._passed = 0
        if self._dictation.frame(pcm):
            self._take(pcm)
        self._tell()

    def _take(self, pcm: bytes) -> None:
        self._pending += SILENCE * self._missing + pcm
        self._missing = 0

    def _key(self, digit: str) -> None:
        self._dictation.key(digit)
        self._tell()

    def _tell(self) -> None:
        if self._dictation.over is not None or self._dictation.prompts:
            self._news.set()

    def _take_pending(self) -> bytes:
        pending = bytes(self._pending)
        self._pending.clear()
        return pending

    async def _play(self, prompts: tuple[str, ...]) -> None:
        """Play what the caller is to hear. Without the beep there is no recording; the rest is
        good to hear, and nothing that he said is lost for it."""
        try:
            await self._line.play(*self._sound(prompts))
        except AriError as failed:
            if prompts == START:
                raise
            log.warning("%s is not heard by the caller: %s", ", ".join(prompts), failed)
        before = self._dictation.played()
        if before and self._frames:
            self._take(before)
        if self._deaf_at is None:
            self._deaf_at = asyncio.get_running_loop().time() + _DEAF
        self._news.set()

    async def _stop_prompt(self) -> None:
        prompt, self._prompt = self._prompt, None
        if prompt is not None:
            prompt.cancel()
            await asyncio.gather(prompt, return_exceptions=True)
