"""One call's ear: the caller's frames and keys -> what was `Heard`.

It opens with the first `Listen` and stays open until the call is put through or recorded. Frames go
to the hearing (core/hearing.py), which knows when an answer is over, and speech goes to the
recogniser, which never holds a frame up.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from screener.asterisk.line import Line
from screener.asterisk.media import Address, Media, Stream
from screener.core.audio import FRAME_SECONDS, RATE, SILENCE, encode_ulaw
from screener.core.grammar import PhraseClass, Understood
from screener.core.hearing import Hearing, Tracker
from screener.core.overhearing import Overhearing
from screener.core.script import Heard, HeardBy, Listen, Overhear, RecordedBy
from screener.core.transcript import Transcript
from screener.errors import AriGone, AriNotInStasis, RecogniserError
from screener.recogniser import Following, Recogniser

log = logging.getLogger(__name__)

# Asterisk sends a frame each 20 ms. When none has come for this long (seconds) the stream has
# stopped, and silence is counted in its place: listening must end though nothing is heard. That he
# was silent is not said of such a caller (core/hearing.py).
_MOMENT = 0.3
# Every so many frames it is looked at what the recogniser has made of the speech so far (0.1 s).
_LOOK = 5
# How long the words of an answer may take (seconds); an answer without words is asked for again.
_UNDERSTANDING = 3.0
# How long the transcript of a recording that was heard out may take (seconds): the decoder is some
# seconds behind at most, and nobody but the robot waits; then there is none.
_TRANSCRIBING = 5.0
# So much of a call is kept as it was heard (seconds): no message and no recording is longer.
_LONGEST = 3600

# Its table is made now: 40 ms that no caller should wait for.
encode_ulaw(SILENCE)


class Ear:
    """Listens to one line. `classes` are the phrases that tell robots (grammars/robocalls.jsgf).

    `heard_audio` is everything that was heard since the call was answered, the first hour of it:
    8 kHz G.711 mu-law, a byte a sample, as it came over the line.
    """

    def __init__(
        self,
        line: Line,
        media: Media,
        recogniser: Recogniser,
        classes: Sequence[PhraseClass],
        tracker: Tracker | None = None,
    ) -> None:
        self.heard_audio = bytearray()
        self.unfinished: Heard | None = None  # of a `listen` that was cancelled
        self._line = line
        self._media = media
        self._recogniser = recogniser
        self._hearing = Hearing(classes, tracker)
        self._frames = 0
        self._stream: Stream | None = None
        self._follower: Following | None = None
        self._prompt: asyncio.Task[None] | None = None
        self._overhearing: Overhearing | None = None
        self._expected = frozenset[str]()
        self._guess: tuple[bytes, asyncio.Task[Understood]] | None = None
        self._done = asyncio.Event()

    @property
    def phrases(self) -> tuple[str, ...]:
        """The phrases of robots that were heard in the call."""
        return self._hearing.told

    async def listen(self, listen: Listen, media: tuple[str, ...], seconds: float) -> Heard:
        """Play `media` (URIs, `seconds` long together) and listen, during it and after it."""
        if self._stream is None:
            await self._open()
        hearing = self._hearing
        hearing.begin(listen)
        self._expected = listen.expected
        self._overhearing = None
        self._done.clear()
        self._prompt = asyncio.ensure_future(self._play(media, seconds))
        if not listen.through:
            self._line.on_key = self._key
            for digit in self._line.take_keys():
                self._key(digit)
        try:
            while hearing.heard is None:
                await self._wait()
        finally:
            self._line.keep_keys()
            self.unfinished = hearing.so_far()
            self._tell_unheard(self.unfinished.unheard)
            await self._stop_prompt()
        await self._ask_whether_it_arrives(hearing.heard)
        heard = hearing.heard
        try:
            if heard.by is HeardBy.ANSWER:
                answer = await self._understood(hearing.answer_audio)
                words, sure = answer.words, answer.sure
                heard = replace(heard, words=words, sure=sure, deaf=hearing.deaf)
        finally:
            self._forget_guess()
        self.unfinished = None
        return heard

    async def overhear(self, overhear: Overhear, write: Callable[[bytes], None]) -> RecordedBy:
        """Hear a recording out; why it was over. Hanging up is one of the ways.

        `write` is given, as it comes, all that was heard since the call was answered: mu-law. What
        was heard of a caller who has hung up is given to it as well.
        """
        if self._stream is None and not self._line.gone.is_set():
            with suppress(AriGone, AriNotInStasis):
                await self._open()
        self._overhearing = overhearing = self._hearing.overhear(overhear)
        self._done.clear()
        written = 0
        while True:
            gone = self._line.gone.is_set() or self._stream is None
            over = RecordedBy.HANGUP if gone else overhearing.over
            piece = bytes(self.heard_audio[written:])
            written += len(piece)
            write(piece)
            if over is not None:
                return over
            await self._wait()

    async def transcript(self) -> Transcript:
        """What the recogniser has made of the call; nothing where it fails or takes too long."""
        if self._follower is None:
            return Transcript()
        try:
            async with asyncio.timeout(_TRANSCRIBING):
                return await self._follower.transcript()
        except TimeoutError:
            log.warning("%s took too long over a transcript", self._recogniser.name)
            return Transcript()

    async def close(self) -> None:
        """Stop listening to this line."""
        self._forget_guess()
        follower, self._follower = self._follower, None
        if follower is not None:
            follower.close()
        stream, self._stream = self._stream, None
        if stream is not None:
            try:
                await self._line.close_ear()
            finally:
                self._media.forget(stream)

    async def _open(self) -> None:
        self._follower = self._recogniser.follow()
        await self._line.open_ear(self._media.address, self._expect)

    def _expect(self, source: Address) -> None:
        self._stream = self._media.expect(source, self._frame)

    async def _play(self, media: tuple[str, ...], seconds: float) -> None:
        try:
            await self._line.play(media, seconds)
        finally:
            self._hearing.prompt_over()

    async def _stop_prompt(self) -> None:
        prompt, self._prompt = self._prompt, None
        if prompt is not None:
            prompt.cancel()
            await asyncio.gather(prompt, return_exceptions=True)

    async def _wait(self) -> None:
        """Until listening is done or a moment has passed, and mind the prompt and the stream."""
        frames = self._frames
        with suppress(TimeoutError):
            async with asyncio.timeout(_MOMENT):
                await self._done.wait()
        if self._prompt is not None and self._prompt.done() and not self._prompt.cancelled():
            self._prompt.result()  # raises what went wrong with it
        if self._stream is not None and self._stream.failure is not None:
            raise self._stream.failure  # silence in its place would say that the caller is silent
        if self._frames == frames and not self._done.is_set():
            for _ in range(round(_MOMENT / FRAME_SECONDS)):
                self._hear(SILENCE, came=False)

    async def _ask_whether_it_arrives(self, heard: Heard) -> None:
        """Where nobody's sound has been seen to arrive at Asterisk, and his is not heard, ask.

        A network that keeps all callers' sound from us (NAT) must not make them all silent; who
        sends no sound where others' arrives is a machine's call.
        """
        if heard.talk:  # keys may have come by SIP INFO
            self._media.arrived()
        elif heard.in_silence and not heard.unheard and not self._media.arrives:
            arrives = await self._line.sound_arrives()
            if arrives:
                self._media.arrived()
            elif arrives is not None:
                self._hearing.arrives = False
                self._media.nothing_arrived()
                self._tell_unheard(self._hearing.unheard)

    async def _understood(self, audio: bytes) -> Understood:
        """What the recogniser makes of an answer; one that takes too long makes nothing of it."""
        if not self._expected or self._hearing.deaf:
            return Understood()
        if self._guess is None or self._guess[0] != audio:
            self._understand(audio)
        assert self._guess is not None
        try:
            async with asyncio.timeout(_UNDERSTANDING):
                return await self._guess[1]
        except TimeoutError:
            self._deafen("the recogniser took too long over an answer")
        except RecogniserError as error:
            self._deafen(f"the recogniser failed: {error}")
        return Understood()

    def _understand(self, audio: bytes) -> None:
        """Begin to understand an answer, or what will be one if the quiet after it goes on."""
        self._forget_guess()
        work = asyncio.ensure_future(self._recogniser.understand(audio, self._expected))
        self._guess = audio, work

    def _forget_guess(self) -> None:
        guess, self._guess = self._guess, None
        if guess is not None:
            guess[1].cancel()
            guess[1].add_done_callback(_done)

    def _deafen(self, why: str) -> None:
        """From here on the call goes by keys: no answer is waited for that may not come."""
        if not self._hearing.deaf:
            self._hearing.deaf = why
            log.warning("call %s goes on by keys: %s", self._line.channel, why)

    def _tell_unheard(self, why: str) -> None:
        if why:
            log.warning("call %s: nothing is heard of the caller: %s", self._line.channel, why)
            if not self._frames:
                self._media.unheard()

    def _frame(self, pcm: bytes) -> None:
        self._frames += 1
        self._hear(pcm, came=True)

    def _hear(self, pcm: bytes, *, came: bool) -> None:
        hearing, follower = self._hearing, self._follower
        if len(self.heard_audio) < _LONGEST * RATE:
            self.heard_audio += encode_ulaw(pcm)
        if hearing.frame(pcm, came=came) and follower is not None:
            follower.feed(pcm)
        if (likely := hearing.likely_answer) and self._expected and not hearing.deaf:
            self._understand(likely)
        if follower is not None and self._frames % _LOOK == 0:
            hearing.said(follower.words())
            if follower.deaf:
                self._deafen(follower.deaf)
        self._tell_done()

    def _key(self, digit: str) -> None:
        self._hearing.key(digit)
        if self._prompt is not None:
            self._prompt.cancel()
        self._tell_done()

    def _tell_done(self) -> None:
        overheard = self._overhearing is not None and self._overhearing.over is not None
        if overheard or self._hearing.heard is not None:
            self._done.set()


def _done(work: asyncio.Task[Understood]) -> None:
    """Nobody waits for this any more, and its failure is nobody's."""
    if not work.cancelled():
        work.exception()
