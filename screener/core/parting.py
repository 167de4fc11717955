"""Parting: how the attendant's calls end that ring no phone.

A robot that nobody wants is treated, a wanted one heard out, silence is hung up on, and everybody
else has the message box.
"""

from __future__ import annotations

from screener.core.asking import tell
from screener.core.call import Ending, Outcome
from screener.core.course import Course
from screener.core.frontdoor import MessageBox
from screener.core.message import hear_out, take_message, turn_down
from screener.core.script import (
    FindRoom,
    Hangup,
    Heard,
    Listen,
    Note,
    Play,
    Script,
    Treat,
    Treatment,
    do,
)
from screener.core.verdict import Kind, judge

# A call that is silent when asked this often is over: nobody is there.
_SILENT_TRIES = 2
# How long a misjudged person has to press a key, after he was told (seconds).
_LAST_WAIT = 2.0


def end_if_settled(course: Course, *, asked: bool = True) -> Script[Ending | None]:
    """End the call where what was heard decides it; None where it does not.

    Who was `asked` nothing may be silent.
    """
    verdict = judge(course.evidence)
    if verdict.settled and verdict.kind is Kind.UNWANTED_ROBOT:
        return (yield from _turn_away(verdict.reason, course))
    if verdict.settled and verdict.kind is Kind.WANTED_ROBOT:
        return (yield from _hear_out(course))
    if asked and verdict.kind is Kind.SILENT and len(course.evidence.heard) >= _SILENT_TRIES:
        return (yield from _end_silent(verdict.reason, course))
    return None


def offer_box(box: MessageBox, course: Course, why: str = "") -> Script[Ending]:
    """Offer the message box, and go on listening until the beep: a verdict may come late.

    `why` says why where it is not for what he has shown: then he was asked nothing.
    """
    if judge(course.evidence).kind is Kind.WANTED_ROBOT:
        return (yield from _hear_out(course))
    course.doing = "before leaving a message"
    if not (yield from do(FindRoom(box))):
        course.why = why or course.why
        return (yield from turn_down(box, course))
    yield from tell(("leave-message",), course)
    ended = yield from end_if_settled(course, asked=not why)
    if ended is not None:
        return ended
    verdict = judge(course.evidence)
    why = why or f"{verdict.kind}: {verdict.reason}"
    yield from do(Note(why))
    return (yield from take_message(box, why, course, invited=True))


def _turn_away(reason: str, course: Course) -> Script[Ending]:
    """Treat an unwanted robot, after a last way out for a person whom we misjudge: any key."""
    course.why = f"{Kind.UNWANTED_ROBOT}: {reason}"
    course.turned_away = True
    yield from do(Note(course.why))
    heard = yield from do(Listen(("person-press-key",), frozenset(), wait=_LAST_WAIT, enough=_over))
    if heard.keys and course.box is not None:
        course.turned_away = False
        course.evidence = course.evidence.with_(heard)
        why = f"the caller keyed {heard.keys} to leave a message; taken for {course.why}"
        return (yield from take_message(course.box, why, course))
    yield from do(Treat(Treatment.SIT))
    return course.ending(Outcome.TREATED, course.why)


def _over(heard: Heard) -> bool:
    """Whether the time after the prompt is over, though he may be talking."""
    return heard.end - heard.prompt.end >= _LAST_WAIT


def _hear_out(course: Course) -> Script[Ending]:
    """Keep a wanted recording, all of it."""
    yield from hear_out(course)
    yield from do(Hangup())
    return course.ending(Outcome.MESSAGE if course.message_kept else Outcome.NO_MESSAGE, course.why)


def _end_silent(reason: str, course: Course) -> Script[Ending]:
    yield from do(Note(f"{Kind.SILENT}: {reason}"))
    yield from do(Play(("goodbye",)))
    yield from do(Hangup())
    return course.ending(Outcome.SILENT, reason)
