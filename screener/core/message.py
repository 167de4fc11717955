"""Messages: ring a group and, where nobody answers, record, review and keep a message.

A recorded message is never lost by a hang-up: whatever was said before it is kept.
"""

from __future__ import annotations

from screener.core.call import Ending, Outcome
from screener.core.course import Course
from screener.core.frontdoor import Announced, MessageBox, RingGroup
from screener.core.rules import Action
from screener.core.script import (
    Answer,
    Block,
    Decision,
    Drop,
    Hangup,
    Keep,
    Note,
    Overhear,
    Play,
    Rang,
    Record,
    RecordName,
    Replay,
    Ring,
    Script,
    Talk,
    Treat,
    Treatment,
    do,
)

# A recording with less voice than this (seconds) is no message: a click, a breath, a busy tone.
LEAST_SPEECH = 0.5
# A name is shorter than a message.
_LEAST_NAME = 0.2
# How often a caller may record anew before what he has is kept.
_TAKES = 5
# How often the review is offered to a caller who presses nothing.
_REVIEWS = 2

_KEEP, _REDO, _DROP = "1", "2", "3"


def ring_or_take_message(
    group: RingGroup,
    box: MessageBox,
    course: Course,
    meanwhile: tuple[str, ...] = (),
    *,
    announce: bool = True,
) -> Script[Ending]:
    """Ring a group; connect the caller to who answers, or offer the box. `course.why` says why.

    Where the group has callers announced, he is asked his name first, and whoever answers decides;
    not so unless `announce`.
    """
    announced = announce and _is_announced(group, course)
    name = (yield from _ask_name(course)) if announced else ""
    course.doing = f"while {group.name} was ringing"
    rang = yield from do(
        Ring(group, meanwhile, proved=course.proved, announced=announced, name=name)
    )
    course.rang = rang
    if course.connected:
        yield from do(Talk())
        yield from do(Hangup())
        return course.ending(Outcome.CONNECTED, course.why)
    if rang.phone:
        return (yield from _decided(rang, box, course))
    yield from do(Answer())
    yield from do(Play(("nobody-answers",)))
    return (yield from take_message(box, f"nobody answered; {course.why}", course))


def _is_announced(group: RingGroup, course: Course) -> bool:
    """Whether whoever answers hears who calls, and decides what becomes of the call."""
    if group.announced is Announced.UNKNOWN:
        return course.ruling.action not in (Action.ALLOW, Action.SEND)
    return group.announced is Announced.ALWAYS


def _ask_name(course: Course) -> Script[str]:
    """Ask the caller for his name: the take that holds it, "" where he says nothing."""
    course.doing = "while being asked for his name"
    yield from do(Answer())
    yield from do(Play(("say-your-name", "beep")))
    recorded = yield from do(RecordName())
    return recorded.take if recorded.speech >= _LEAST_NAME else ""


def _decided(rang: Rang, box: MessageBox, course: Course) -> Script[Ending]:
    """Do what the called person wants done with a caller whom he does not take."""
    course.why = f"{rang.phone} chose: {rang.decision}; {course.why}"
    if rang.decision is Decision.MESSAGE:
        yield from do(Play(("nobody-answers",)))
        return (yield from take_message(box, course.why, course))
    course.turned_away = True
    if rang.decision is Decision.BLOCK:
        place = yield from do(Block())
        yield from do(Note(f"blocked from now on: {place}" if place else "no rule was written"))
        yield from do(Treat(Treatment.SIT))
    else:
        yield from do(Play(("turned-away",)))
        yield from do(Hangup())
    return course.ending(Outcome.TREATED, course.why)


def take_message(
    box: MessageBox, why: str, course: Course, *, invited: bool = False
) -> Script[Ending]:
    """Offer the box: prompt (unless he was `invited` already), record, hear it, keep or drop it."""
    course.why = why
    course.box = box
    course.doing = "before leaving a message"
    if not invited:
        yield from do(Play(("leave-message",)))
    yield from _record(box, course)
    if course.take is None:
        yield from do(Note("nothing was said after the beep"))
        yield from do(Play(("nothing-recorded", "goodbye")))
        yield from do(Hangup())
        return course.ending(Outcome.NO_MESSAGE, f"nothing was said after the beep; {why}")
    yield from _review(box, course)
    if course.take is None:
        yield from do(Play(("dropped",)))
        yield from do(Hangup())
        return course.ending(Outcome.NO_MESSAGE, f"the caller dropped his message; {why}")
    yield from keep_message(course)
    yield from do(Play(("kept" if course.message_kept else "not-kept",)))
    yield from do(Hangup())
    return course.ending(Outcome.MESSAGE if course.message_kept else Outcome.NO_MESSAGE, course.why)


def keep_message(course: Course) -> Script[None]:
    """Keep the take that the caller has left, if there is one. Needs no caller any more."""
    if course.take is None or course.box is None:
        return
    take, course.take = course.take, None
    course.message_kept = yield from do(
        Keep(take.take, course.box, course.why, course.ruling.reason)
    )
    if not course.message_kept:
        course.why = f"the message could not be kept; {course.why}"


def hear_out(course: Course) -> Script[None]:
    """Keep a wanted recording for `course.box`, from the answer on, as far as it goes.

    Needs no caller any more: what was heard of one who has hung up is kept as well.
    """
    if course.box is None or course.verdict is None:
        return
    course.why = f"{course.verdict.kind}: {course.verdict.reason}"
    course.doing = "while a wanted recording was heard out"
    yield from do(Note(course.why))
    course.take = yield from do(Overhear(course.box))
    yield from keep_message(course)


def _record(box: MessageBox, course: Course) -> Script[None]:
    """Record; what holds speech becomes the take, in place of an earlier one."""
    yield from do(Play(("beep",)))
    recorded = yield from do(Record(box))
    if recorded.speech < LEAST_SPEECH:
        yield from do(Drop(recorded.take))
        return
    earlier, course.take = course.take, recorded
    if earlier is not None:
        yield from do(Drop(earlier.take))


def _review(box: MessageBox, course: Course) -> Script[None]:
    """Let the caller hear the take and choose; he who chooses nothing keeps it."""
    unanswered = 0
    takes = 1
    while course.take is not None and unanswered < _REVIEWS:
        keys = frozenset((_KEEP, _REDO, _DROP))
        heard = yield from do(Replay(course.take.take, ("review",), keys))
        if heard.keys == _REDO and takes < _TAKES:
            takes += 1
            yield from _record(box, course)
        elif heard.keys == _DROP:
            dropped, course.take = course.take, None
            yield from do(Drop(dropped.take))
        elif heard.keys:
            return
        else:
            unanswered += 1
