"""The attendant: greet a stranger, let him key or say an extension, judge who does neither.

What gets a caller through is what he must do: a key, or one short isolated spoken answer that
names an extension. What he says otherwise never rings a phone; it is evidence for the verdict.
"""

from __future__ import annotations

from screener.core.call import Ending, Outcome
from screener.core.course import Course
from screener.core.frontdoor import Extension, FrontDoor
from screener.core.grammar import spoken
from screener.core.message import ring_or_take_message, take_message
from screener.core.script import (
    Answer,
    Hangup,
    Heard,
    HeardBy,
    Listen,
    Note,
    Play,
    Script,
    Treat,
    Treatment,
    do,
)
from screener.core.verdict import Kind, judge

# After talking on this often when asked for an extension, only a key gets a caller through: of 60
# recordings one fell silent at the third question and gave something that was short enough.
_TALKS = 2
# A call that is silent when asked this often is over: nobody is there.
_SILENT_TRIES = 2


def attend(door: FrontDoor, course: Course) -> Script[Ending]:
    """Ask for an extension until one is chosen or the verdict says how the call ends."""
    yield from do(Answer())
    phrases = spoken(door.extensions)
    asked: tuple[str, ...] = ("greeting", door.menu)
    for attempt in range(1, door.tries + 1):
        course.doing = f"while being asked, try {attempt}"
        talks = sum(heard.by is HeardBy.TALK for heard in course.evidence.heard)
        expected = frozenset(phrases) if talks < _TALKS else frozenset[str]()
        heard = yield from do(Listen(asked, frozenset(door.extensions), expected))
        course.evidence = course.evidence.with_(heard)
        extension = door.extensions.get(heard.keys or phrases.get(heard.words, ""))
        if extension is not None:
            return (yield from _reach(extension, heard, course))
        verdict = judge(course.evidence)
        if verdict.kind is Kind.UNWANTED_ROBOT:
            return (yield from _turn_away(verdict.reason, course))
        if verdict.kind is Kind.SILENT and attempt >= _SILENT_TRIES:
            return (yield from _end_silent(verdict.reason, course))
        asked = _ask_again(heard, door)
    verdict = judge(course.evidence)
    why = f"{verdict.kind}: {verdict.reason}"
    yield from do(Note(why))
    return (yield from take_message(door.box, why, course))


def _reach(extension: Extension, heard: Heard, course: Course) -> Script[Ending]:
    how = f"keyed {heard.keys}" if heard.keys else f'said "{heard.words}"'
    course.why = f"the caller {how}: extension {extension.number}, {extension.title}"
    yield from do(Note(f"extension {extension.number}, {extension.title}"))
    meanwhile = ("connecting",)
    return (yield from ring_or_take_message(extension.group, extension.box, course, meanwhile))


def _turn_away(reason: str, course: Course) -> Script[Ending]:
    course.why = f"{Kind.UNWANTED_ROBOT}: {reason}"
    course.turned_away = True
    yield from do(Note(course.why))
    yield from do(Treat(Treatment.SIT))
    return course.ending(Outcome.TREATED, course.why)


def _end_silent(reason: str, course: Course) -> Script[Ending]:
    yield from do(Note(f"{Kind.SILENT}: {reason}"))
    yield from do(Play(("goodbye",)))
    yield from do(Hangup())
    return course.ending(Outcome.SILENT, reason)


def _ask_again(heard: Heard, door: FrontDoor) -> tuple[str, ...]:
    if heard.by is HeardBy.KEYS:
        return ("no-such-extension", door.menu)
    if heard.by is HeardBy.QUIET:
        return ("again",)  # who is there has just heard the menu; who is not, costs time
    return ("again", door.menu)
