"""What happened in a call, with times: composed from the commands of its script and their outcomes.

Times are seconds since the call was answered. The words are those of a call's story (narration.py)
and of its evidence (evidence.py), so that a recording and a call that came in read alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from screener.core import narration
from screener.core.call import Ending
from screener.core.evidence import Evidence
from screener.core.script import (
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
    Span,
    Treat,
)
from screener.core.transcript import Transcript, Word
from screener.core.verdict import Kind, judge


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
    for step in steps:
        told += _of_listening(step) if isinstance(step.outcome, Heard) else _of(step)
    return tuple(moment for moment in told if moment.text)


def _of_listening(step: Step) -> list[Moment]:
    """The prompt, what was heard with its own times, and what came of it."""
    heard = step.outcome
    assert isinstance(heard, Heard)
    played = Moment(step.start, "prompt", narration.before(step.command), heard.prompt.end)
    between = [Moment(at, "heard", text) for at, text in Evidence((heard,)).told()]
    came = Moment(step.end, "outcome", narration.after(step.command, heard))
    return [played, *sorted(between, key=lambda moment: moment.at), came]


def _of(step: Step) -> list[Moment]:
    kind = _kind(step.command)
    before = narration.before(step.command)
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


# What a call script asked, and what came of it ---------------------------------------------------


def hearings(steps: Iterable[Step]) -> tuple[Heard, ...]:
    """What was heard each time that the caller was asked, as the verdict has it."""
    return tuple(
        step.outcome
        for step in steps
        if isinstance(step.command, Listen) and isinstance(step.outcome, Heard)
    )


def attempts(steps: Iterable[Step]) -> int:
    """How often the caller was asked something."""
    return sum(isinstance(step.command, Listen) and bool(step.command.prompts) for step in steps)


def settled(heard: Sequence[Heard], ending: Ending) -> float:
    """When the verdict that a call ended with was reached: the end of the hearing after which it
    was never another. 0 when nobody was listened to."""
    at = 0.0
    for count in range(len(heard), 0, -1):
        if count < len(heard) and judge(Evidence(tuple(heard[:count]))).kind != ending.verdict:
            break
        at = heard[count - 1].end
    return at


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
