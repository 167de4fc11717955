"""What happened in a call, with times: composed from the commands of its script and their outcomes.

Times are seconds since the call was answered. The words are those of a call's story (narration.py)
and of its evidence (evidence.py), so that a recording and a call that came in read alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import dropwhile
from typing import Any

from screener.core import narration
from screener.core.call import Ending
from screener.core.callerid import shown
from screener.core.evidence import Evidence
from screener.core.script import (
    Answer,
    Command,
    Hangup,
    Heard,
    Listen,
    Note,
    Overhear,
    Play,
    Record,
    Redirect,
    Replay,
    Ring,
    Sound,
    Span,
    Talk,
    Treat,
)
from screener.core.story import CallRow, conclusion
from screener.core.transcript import Transcript, Word
from screener.core.verdict import Kind, judge

_LINE = 500  # characters of a line: a verdict's reason says all it has to say
_TRANSCRIPT = 4000
# Of less talk (seconds) no transcript is shown: of short answers nine words in ten are wrong.
_LEAST_TALK = 3.0
# A recording has no day; the row that its ending is told by wants one, and does not show it.
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a call's script: from when to when it took, and what came of it."""

    command: Command[Any]
    start: float
    end: float
    outcome: object = None


@dataclass(frozen=True, slots=True)
class Opinion:
    """What would have been made of the caller, had the call ended at that moment."""

    at: float
    kind: Kind


@dataclass(frozen=True, slots=True)
class Played:
    """What became of a recorded caller (audition.py). `rang`: whether a phone would have rung.

    `steps` are the script's commands with their times; `transcript` is what the recogniser made of
    his speech, with the call's times. `opinions`, the verdict over time, and `peaks`, the loudest
    sample of each 20 ms, are there where they were asked for. `seconds` is how long the call was,
    `used` how much of the recording was heard in it, `speech` how much the recogniser was given.
    `cpu` is what the ear took, in seconds of a processor; `decoding` is the engine's part in it.
    """

    ending: Ending
    steps: tuple[Step, ...] = ()
    rang: bool = False
    seconds: float = 0.0
    used: float = 0.0
    speech: float = 0.0
    transcript: Transcript = field(default_factory=Transcript)
    opinions: tuple[Opinion, ...] = ()
    peaks: Sequence[int] = ()
    cpu: float = 0.0
    decoding: float = 0.0

    @property
    def hearings(self) -> tuple[Heard, ...]:
        """What was heard each time that he was asked, as the verdict has it."""
        return tuple(
            step.outcome
            for step in self.steps
            if isinstance(step.command, Listen) and isinstance(step.outcome, Heard)
        )

    @property
    def attempts(self) -> int:
        """How often he was asked something."""
        return sum(
            isinstance(step.command, Listen) and bool(step.command.prompts) for step in self.steps
        )

    @property
    def settled(self) -> float:
        """When the verdict was reached: the end of the hearing after which it was never another.

        Where a phone rang it is the answer that let him through; 0 when nobody was listened to.
        """
        heard = self.hearings
        at = 0.0
        if self.rang:
            return heard[-1].end if heard else at
        for count in range(len(heard), 0, -1):
            kind = judge(Evidence(heard[:count])).kind
            if count < len(heard) and kind != self.ending.verdict:
                break
            at = heard[count - 1].end
        return at


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened. `kind` is one of `KINDS`; `until` is None where it took no time."""

    at: float
    kind: str
    text: str
    until: float | None = None


KINDS = ("prompt", "heard", "outcome", "ring", "message", "treatment", "note", "end")
"""What a moment can be: something of ours that was played, what the caller did, what came of
listening to him, a phone that rings, a message, a treatment, the script's own words, the end."""


def moments(steps: Iterable[Step]) -> tuple[Moment, ...]:
    """Everything that happened, in its order."""
    told: list[Moment] = []
    # What the rules said before is told of calls; of a phone that rings nobody knows the rest.
    answered = dropwhile(lambda step: not isinstance(step.command, Answer), steps)
    for step in answered:
        if isinstance(step.command, Talk):
            break
        told += _of_listening(step) if isinstance(step.outcome, Heard) else _of(step)
    return tuple(moment for moment in told if moment.text)


def _of_listening(step: Step) -> list[Moment]:
    """The prompt, what was heard with its own times, and what came of it."""
    heard = step.outcome
    assert isinstance(heard, Heard)
    played = Moment(step.start, "prompt", narration.before(step.command), heard.prompt.end)
    # A sound that began before, and goes on, is told where it was heard on.
    told = Evidence((heard,)).told()
    between = [Moment(max(at, step.start), "heard", text) for at, text in told]
    came = Moment(step.end, "outcome", narration.after(step.command, heard))
    return [played, *sorted(between, key=lambda moment: moment.at), came]


def _of(step: Step) -> list[Moment]:
    kind = _kind(step.command)
    before = narration.before(step.command)
    if isinstance(step.command, Ring):  # nobody is there to answer
        return [Moment(step.start, kind, before)]
    until = step.end if step.end > step.start else None
    return [
        Moment(step.start, kind, before, until),
        Moment(step.end, kind, narration.after(step.command, step.outcome)),
    ]


def _kind(command: Command[Any]) -> str:
    match command:
        case Play() | Listen() | Replay():
            return "prompt"
        case Ring():
            return "ring"
        case Record() | Overhear():
            return "message"
        case Treat() | Redirect():
            return "treatment"
        case Hangup():
            return "end"
        case Note():
            return "note"
    return "outcome"


# With times in the call, for pictures -----------------------------------------------------------


def prompts(steps: Iterable[Step]) -> tuple[tuple[Span, tuple[str, ...]], ...]:
    """When which of our prompts were playing."""
    told: list[tuple[Span, tuple[str, ...]]] = []
    for step in steps:
        match step:
            case Step(Listen(names) | Replay(_, names), _, _, Heard() as heard) if names:
                told.append((heard.prompt, names))
            case Step(Play(names), start, end) if end > start:
                told.append((Span(start, end), names))
    return tuple(told)


def placed(transcript: Transcript, fed: Sequence[tuple[float, float]]) -> Transcript:
    """A transcript with the call's times, as the recogniser knows but the speech it was given.

    `fed` are the stretches of that speech: where each begins in it, and in the call.
    """

    def in_call(seconds: float) -> float:
        of_speech, of_call = 0.0, 0.0
        for begun, at in fed:
            if begun > seconds:
                break
            of_speech, of_call = begun, at
        return of_call + seconds - of_speech

    words: list[Word] = []
    for word in transcript.words:
        start = in_call(word.start)
        words.append(replace(word, start=start, end=start + word.end - word.start))
    return Transcript(tuple(words))


# For people and programs -------------------------------------------------------------------------


def tell(played: Played) -> str:
    """What happened and what was made of it, as `screener calls show` tells a call.

    Ends without a newline.
    """
    told = [f"{moment.at:6.1f} s   {shown(moment.text, _LINE)}" for moment in moments(played.steps)]
    ending = played.ending
    row = CallRow(
        id=0,
        uid="",
        started=_NEVER,
        ended=_NEVER,
        did="",
        outcome=ending.outcome,
        reason=ending.reason,
        verdict=ending.verdict,
        evidence=ending.evidence,
        answered_by=ending.answered_by,
    )
    return "\n".join([*told, *conclusion(row), _summary(played), *_said(played)])


def _summary(played: Played) -> str:
    asked = {0: "not asked", 1: "asked once", 2: "asked twice"}
    how_often = asked.get(played.attempts, f"asked {played.attempts} times")
    rang = "a phone rings" if played.rang else "no phone rings"
    return f"reached {played.settled:.1f} s after the answer; {how_often}; {rang}"


def _said(played: Played) -> list[str]:
    transcript = played.transcript
    if not transcript.words or played.speech < _LEAST_TALK:
        return []
    sure = transcript.shown()
    if not sure:
        return ["what was said was not understood"]
    return [f"understood, {transcript.confidence:.0%} sure of it: {shown(sure, _TRANSCRIPT)}"]


def as_json(played: Played) -> dict[str, Any]:
    """The same for programs. Times are seconds since the call was answered."""
    heard = played.hearings
    likeness = next((each.likeness for each in heard if each.likeness is not None), None)
    ending = played.ending
    words = [
        {"text": w.text, "start": _cs(w.start), "end": _cs(w.end), "confidence": _cs(w.confidence)}
        for w in played.transcript.words
    ]
    return {
        "verdict": str(ending.verdict),
        "seconds": _cs(played.settled),
        "rang": played.rang,
        "attempts": played.attempts,
        "outcome": str(ending.outcome),
        "reason": ending.reason,
        "evidence": list(ending.evidence),
        "timeline": [
            {"at": _cs(m.at), "until": _cs(m.until), "kind": m.kind, "text": m.text}
            for m in moments(played.steps)
        ],
        "talk": [[_cs(span.start), _cs(span.end)] for each in heard for span in each.talk],
        "sounds": [
            {"kind": sound.kind, "start": _cs(sound.start), "end": _cs(sound.end)}
            for sound in sounds(heard)
        ],
        "phrases": [
            {"kind": phrase.kind, "text": phrase.text, "at": _cs(phrase.at)}
            for each in heard
            for phrase in each.phrases
        ],
        "likeness": likeness
        and {
            "campaign": likeness.campaign,
            "calls": likeness.calls,
            "since": likeness.since,
            "by": likeness.by,
            "at": _cs(likeness.at),
        },
        "transcript": {
            "text": played.transcript.shown() if played.speech >= _LEAST_TALK else "",
            "confidence": _cs(played.transcript.confidence),
            "words": words,
        },
        "call_seconds": _cs(played.seconds),
    }


def sounds(heard: Iterable[Heard]) -> tuple[Sound, ...]:
    """What was no voice, each once: a sound may be told by more than one hearing, at last whole."""
    found: dict[tuple[str, float], Sound] = {}
    for each in heard:
        found |= {(sound.kind, sound.start): sound for sound in each.sounds}
    return tuple(found.values())


def _cs(seconds: float | None) -> float | None:
    """To a hundredth: finer is nothing that was heard."""
    return None if seconds is None else round(seconds, 2)
