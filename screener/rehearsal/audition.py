"""A recorded caller at the front door: the same script and the same hearing as a live call.

No telephone, no clock: frames are taken from the recording as fast as they can be heard. Prompts
last as long as they would. `screener listen` and `screener evaluate` stand on it. The same sound
comes to the same end, whenever and wherever it is heard.
"""

from __future__ import annotations

import sys
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from screener.core.audio import FRAME_BYTES, FRAME_SECONDS, SILENCE
from screener.core.call import Ending
from screener.core.dictation import Dictation
from screener.core.evidence import Evidence
from screener.core.grammar import PhraseClass
from screener.core.hearing import Hearing, Tracker
from screener.core.script import (
    CallerGone,
    Command,
    Drop,
    FindRoom,
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
    RecordName,
    Redirect,
    Replay,
    Ring,
    Script,
    Talk,
    Treat,
)
from screener.core.timeline import Opinion, Played, Step, placed
from screener.core.verdict import judge
from screener.recogniser.engine import Decoder, Engine
from screener.recogniser.following import PORTION
from screener.rehearsal.clips import Clip

# A caller who has not come to an end by then hangs up (seconds of his audio).
_LONGEST = 3600.0
# A recorded caller who is watched is judged four times a second (seconds).
_OFTEN = 0.24


@dataclass(frozen=True, slots=True)
class Recording:
    """What a caller says: 8 kHz 16-bit mono PCM, or a sound file.

    `onset` is when it begins, in seconds after the answer; None is a caller who waits until he is
    asked, and says it each time that he is.
    """

    sound: bytes | Clip
    onset: float | None = 0.0

    def frames(self) -> Iterator[bytes]:
        """20 ms each, from the beginning; the last one is filled up with silence."""
        if isinstance(self.sound, Clip):
            return self.sound.frames()
        pcm = self.sound + bytes(-len(self.sound) % FRAME_BYTES)
        return (pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm), FRAME_BYTES))


class Audition:
    """One recorded caller. `prompt_seconds` says how long each prompt plays.

    With `watching`, what is made of him is asked all the time, and how loud he is.
    """

    def __init__(
        self,
        recording: Recording,
        engine: Engine,
        classes: Sequence[PhraseClass],
        prompt_seconds: Callable[[str], float],
        tracker: Tracker | None = None,
        *,
        watching: bool = False,
    ) -> None:
        self._recording = recording
        self._engine = engine
        self._decoder: Decoder = engine.decoder()
        self._hearing = Hearing(classes, tracker)
        self._prompt_seconds = prompt_seconds
        self._watching = watching
        self._said: Iterator[bytes] | None = None  # None: he says nothing (any more)
        self._waits = recording.onset is not None  # for his time to begin
        self._portion = bytearray()
        self._fed: list[tuple[float, float]] = []
        self._speaking = False
        self._steps: list[Step] = []
        self._asked_so_far: list[Heard] = []
        self._opinions: list[Opinion] = []
        self._peaks = array("H")
        self._rang = False
        self._used = 0
        self._speech = 0
        self._decoding = 0.0

    def play(self, script: Script[Ending]) -> Played:
        """Take the recorded caller through a call's script; what became of him.

        Raises ClipError when the recording is a file that cannot be read.
        """
        begun = time.process_time()
        try:
            ending = self._follow(script)
            cpu = time.process_time() - begun
            self._decode()
            transcript = placed(self._decoder.transcript(), self._fed)
        finally:
            self._decoder.close()
        return Played(
            ending=ending,
            steps=tuple(self._steps),
            rang=self._rang,
            seconds=self._hearing.now,
            used=self._used * FRAME_SECONDS,
            speech=self._speech * FRAME_SECONDS,
            transcript=transcript,
            opinions=tuple(self._opinions),
            peaks=self._peaks,
            cpu=cpu,
            decoding=self._decoding,
        )

    def _follow(self, script: Script[Ending]) -> Ending:
        gone = False
        try:
            command = next(script)
            while True:
                if self._hearing.now >= _LONGEST and not gone:
                    gone = True
                    command = script.throw(CallerGone(None))
                    continue
                start = self._hearing.now
                outcome = self._carry_out(command)
                self._steps.append(Step(command, start, self._hearing.now, outcome))
                if isinstance(command, Listen):
                    self._asked_so_far.append(outcome)
                command = script.send(outcome)
        except StopIteration as over:
            ending: Ending = over.value
            return ending

    def _carry_out(self, command: Command[Any]) -> Any:
        match command:
            case Listen():
                return self._listen(command)
            case Replay(_, prompts, keys, wait):
                return self._listen(Listen(prompts, keys, wait=wait))
            case Play(prompts):
                self._pass(prompts)
            case Ring(group):
                self._rang = True
                return Rang(group.phones[0].name if group.phones else "phone", 0.0)
            case RecordName():  # nobody is there to hear it
                return Recorded("", 0.0, 0.0, RecordedBy.SILENCE)
            case Record():
                return self._record(command)
            case Overhear():
                return self._overhear(command)
            case Keep() | Redirect() | FindRoom():
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
                self._asked()
            self._hear(self._frame())
            self._watch()
        heard = hearing.heard
        if heard.by is HeardBy.ANSWER and listen.expected:
            begun = time.process_time()
            answer = self._engine.answer(hearing.answer_audio, listen.expected)
            self._decoding += time.process_time() - begun
            heard = replace(heard, words=answer.words, sure=answer.sure)
        return heard

    def _asked(self) -> None:
        """A caller who waits to be asked says it now, from its beginning."""
        if self._recording.onset is None:
            self._said = self._recording.frames()

    def _frame(self) -> bytes:
        """The caller's next 20 ms."""
        onset = self._recording.onset
        if self._waits and onset is not None and self._hearing.now >= onset - FRAME_SECONDS / 2:
            self._waits = False
            self._said = self._recording.frames()
        if self._said is None:
            return SILENCE
        frame = next(self._said, None)
        if frame is None:
            self._said = None
            return SILENCE
        self._used += 1
        return frame

    def _hear(self, frame: bytes) -> None:
        """Let the ear hear a frame; speech goes on to the recogniser."""
        if self._watching:
            self._peaks.append(_peak(frame))
        speaking = self._hearing.frame(frame)
        if speaking:
            if not self._speaking:
                self._fed.append((self._speech * FRAME_SECONDS, self._hearing.now - FRAME_SECONDS))
            self._speech += 1
            self._portion += frame
            if len(self._portion) >= PORTION * FRAME_BYTES:
                self._decode()
        self._speaking = speaking

    def _decode(self) -> None:
        if not self._portion:
            return
        begun = time.process_time()
        words = self._decoder.hear(bytes(self._portion))
        self._decoding += time.process_time() - begun
        self._portion.clear()
        self._hearing.said(words)

    def _watch(self) -> None:
        """Note what would be made of the caller at this moment."""
        now = self._hearing.now
        if not self._watching or (self._opinions and now - self._opinions[-1].at < _OFTEN):
            return
        heard = (*self._asked_so_far, self._hearing.so_far())
        self._opinions.append(Opinion(now, judge(Evidence(heard)).kind))

    def _pass(self, prompts: tuple[str, ...]) -> None:
        """Prompts that nothing is asked by."""
        for _ in range(round(sum(map(self._prompt_seconds, prompts)) / FRAME_SECONDS)):
            self._hear(self._frame())

    def _overhear(self, overhear: Overhear) -> Recorded:
        """The rest of what he says; what is kept begins with the answer."""
        overhearing = self._hearing.overhear(overhear)
        while overhearing.over is None:
            self._hear(self._frame())
        seconds = self._hearing.now
        return Recorded("overheard", seconds, self._speech * FRAME_SECONDS, overhearing.over)

    def _record(self, record: Record) -> Recorded:
        """A message after the beep; meanwhile the ear of a call is closed, and no word decoded."""
        dictation = Dictation(record)
        self._pass(dictation.take_prompts())
        dictation.played()
        self._asked()
        while dictation.over is None:
            frame = self._frame()
            if self._watching:
                self._peaks.append(_peak(frame))
            self._hearing.frame(frame)
            dictation.frame(frame)
        self._speaking = False
        return Recorded("message", dictation.seconds, dictation.speech, dictation.over)


def _peak(frame: bytes) -> int:
    """The loudest sample of a frame, 0 to 32768."""
    samples = array("h", frame)
    if sys.byteorder == "big":
        samples.byteswap()
    return max(map(abs, samples))
