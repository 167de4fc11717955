"""A recorded caller at the front door: the same script and the same hearing as a live call.

No telephone, no clock: frames are taken from the recording as fast as they can be heard. Prompts
last as long as they would. `screener listen` and `screener evaluate` stand on it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from screener.core.audio import FRAME_BYTES, FRAME_SECONDS, SILENCE
from screener.core.call import Ending
from screener.core.grammar import PhraseClass
from screener.core.hearing import Hearing, Tracker
from screener.core.script import (
    CallerGone,
    Command,
    Drop,
    Hangup,
    Heard,
    HeardBy,
    Keep,
    Listen,
    Overhear,
    Play,
    Rang,
    Record,
    Recorded,
    RecordedBy,
    Redirect,
    Replay,
    Ring,
    Script,
    Talk,
    Treat,
)
from screener.recogniser.engine import Decoder, Engine

T = TypeVar("T")

# Speech goes to the decoder in portions, as in a call (recogniser/following.py).
_PORTION = round(0.1 / FRAME_SECONDS)
# No recording and no script goes on for longer than this (seconds of the caller's audio).
_LONGEST = 3600.0


@dataclass(frozen=True, slots=True)
class Recording:
    """What a caller says: 8 kHz 16-bit mono PCM.

    `onset` is when it begins, in seconds after the answer; None is a caller who waits until he is
    asked, and says it each time that he is.
    """

    pcm: bytes
    onset: float | None = 0.0

    def frames(self) -> list[bytes]:
        """20 ms each; the last one is filled up with silence."""
        pcm = self.pcm + bytes(-len(self.pcm) % FRAME_BYTES)
        return [pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm), FRAME_BYTES)]


@dataclass(slots=True)
class Played:
    """What became of a recorded caller. `rang` is whether a phone would have rung."""

    ending: Ending | None = None
    hearings: tuple[Heard, ...] = ()
    rang: bool = False
    seconds: float = 0.0


class Audition:
    """One recorded caller. `prompt_seconds` says how long each prompt plays."""

    def __init__(
        self,
        recording: Recording,
        engine: Engine,
        classes: Sequence[PhraseClass],
        prompt_seconds: Callable[[str], float],
        tracker: Tracker | None = None,
    ) -> None:
        self._engine = engine
        self._decoder: Decoder = engine.decoder()
        self._hearing = Hearing(classes, tracker)
        self._prompt_seconds = prompt_seconds
        self._frames = recording.frames()
        self._onset = recording.onset
        self._next = 0 if recording.onset is not None else len(self._frames)
        self._portion = bytearray()
        self._words = ""
        self._speech = 0.0
        self.played = Played()

    def play(self, script: Script[Ending]) -> Played:
        """Take the recorded caller through a call's script; what became of him."""
        try:
            command = next(script)
            while self._hearing.now < _LONGEST:
                command = script.send(self._carry_out(command))
            script.throw(CallerGone(None))
        except StopIteration as over:
            self.played.ending = over.value
        finally:
            self._decoder.close()
        self.played.seconds = self._hearing.now
        return self.played

    def _carry_out(self, command: Command[Any]) -> Any:
        match command:
            case Listen():
                return self._listen(command)
            case Replay(_, prompts, keys, wait):
                return self._listen(Listen(prompts, keys, wait=wait))
            case Play(prompts):
                self._pass(sum(map(self._prompt_seconds, prompts)))
            case Ring():
                self.played.rang = True
                return Rang("phone", 0.0)
            case Record(box, silence, _) | Overhear(box, silence):
                return self._record(silence, box.limit)
            case Keep() | Redirect():
                return True
            case Talk() | Treat() | Hangup() | Drop():
                pass
        return None

    def _listen(self, listen: Listen) -> Heard:
        hearing = self._hearing
        hearing.begin(listen)
        prompt_end = hearing.now + sum(map(self._prompt_seconds, listen.prompts))
        prompting = True
        while hearing.heard is None:
            if prompting and hearing.now >= prompt_end - FRAME_SECONDS / 2:
                prompting = False
                hearing.prompt_over()
                if self._onset is None:
                    self._next = 0  # he has been asked: he says it
            self._hear(self._frame())
        heard = hearing.heard
        if heard.by is HeardBy.ANSWER and listen.expected:
            words = self._engine.answer(hearing.answer_audio, listen.expected)
            heard = replace(heard, words=words)
        self.played.hearings = (*self.played.hearings, heard)
        return heard

    def _frame(self) -> bytes:
        """The caller's next 20 ms."""
        if self._onset is not None and self._hearing.now < self._onset - FRAME_SECONDS / 2:
            return SILENCE
        if self._next >= len(self._frames):
            return SILENCE
        self._next += 1
        return self._frames[self._next - 1]

    def _hear(self, frame: bytes) -> None:
        if self._hearing.frame(frame):
            self._portion += frame
        if len(self._portion) >= _PORTION * FRAME_BYTES:
            self._words = self._decoder.hear(bytes(self._portion))
            self._portion.clear()
            self._hearing.said(self._words)

    def _pass(self, seconds: float) -> None:
        """Time in which nothing is asked of the caller."""
        for _ in range(round(seconds / FRAME_SECONDS)):
            self._hear(self._frame())

    def _record(self, silence: float, limit: float) -> Recorded:
        """The rest of what he says, until it is quiet for so long, or to the limit."""
        hearing = self._hearing
        begun = hearing.now
        hearing.begin(Listen((), frozenset(), wait=silence))
        while hearing.heard is None and hearing.now - begun < limit:
            self._hear(self._frame())
        heard = hearing.so_far()
        by = RecordedBy.SILENCE if hearing.heard is not None else RecordedBy.LIMIT
        speech = sum(span.seconds for span in heard.talk)
        return Recorded("audition", hearing.now - begun, speech, by)
