"""Messages: ring a group and, where nobody answers, record, review and keep a message.

What the caller hears:

    leave-message   what to do, and that the star key pauses
    beep            from here on he is recorded. Star: "paused", and star again: beep, and on.
                    Half a minute before the limit (or at two thirds of a short one) he is warned
    (his message)   after pound, silence or the limit it is played back to him
    review          1 keeps it, 2 records anew, 3 drops it; who chooses nothing keeps it
    kept            or "not-kept": what he hears is what is on disk

Where the disk is nearly full he hears "no-room" in place of all that. A recorded message is never
lost by a hang-up: whatever was said before it is kept. A new take is in the place of the earlier
one only when it holds speech.
"""

from __future__ import annotations

from screener.core.asking import answer
from screener.core.call import Ending, Outcome
from screener.core.course import Course
from screener.core.event import EventKind
from screener.core.frontdoor import Announced, MessageBox, RingGroup
from screener.core.rules import Action
from screener.core.script import (
    Block,
    Decision,
    Drop,
    FindRoom,
    Hangup,
    Keep,
    Note,
    Overhear,
    Play,
    Rang,
    Record,
    RecordedBy,
    RecordName,
    Replay,
    Report,
    Ring,
    Script,
    Talk,
    Treat,
    Treatment,
    do,
)

# A recording with less voice than this (seconds) is no message and no name. Measured: a spoken yes
# has 0.26 s of it; clicks, noise, a breath and a tone, all of them synthetic, 0.00.
LEAST_SPEECH = 0.2
# How often a caller may record anew before what he has is kept.
_TAKES = 5
# How often the review is offered to a caller who presses nothing.
_REVIEWS = 2

_TOLD_NOBODY = "while being told that nobody answers"

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
    course.doing = _TOLD_NOBODY
    yield from answer(course)
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
    yield from answer(course)
    yield from do(Play(("say-your-name", "beep")))
    recorded = yield from do(RecordName())
    return recorded.take if recorded.speech >= LEAST_SPEECH else ""


def _decided(rang: Rang, box: MessageBox, course: Course) -> Script[Ending]:
    """Do what the called person wants done with a caller whom he does not take."""
    course.why = f"{rang.phone} chose: {rang.decision}; {course.why}"
    if rang.decision is Decision.MESSAGE:
        course.doing = _TOLD_NOBODY
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
    """Offer the box: prompt (unless he was `invited`, and there is room), record, hear it, keep or
    drop it."""
    course.why = why
    course.box = box
    course.doing = "before leaving a message"
    if not invited:
        if not (yield from do(FindRoom(box))):
            return (yield from turn_down(box, course))
        yield from do(Play(("leave-message",)))
    yield from _record(box, course)
    if course.take is None and course.lost:
        yield from do(Play(("not-kept",)))
        yield from do(Hangup())
        return course.ending(Outcome.NO_MESSAGE, f"the disk took nothing of the message; {why}")
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
    yield from do(Play((_told(course),)))
    yield from do(Hangup())
    return course.ending(Outcome.MESSAGE if course.message_kept else Outcome.NO_MESSAGE, course.why)


def turn_down(box: MessageBox, course: Course) -> Script[Ending]:
    """The disk is nearly full: say so before he speaks, not after."""
    yield from do(Report(EventKind.DISK_FULL, f"no room for a message to {box.name}"))
    yield from do(Play(("no-room", "goodbye")))
    yield from do(Hangup())
    why = f"the disk has no room for a message to {box.name}; {course.why}"
    return course.ending(Outcome.NO_MESSAGE, why)


def _told(course: Course) -> str:
    """What the caller is told has become of his message."""
    if not course.message_kept:
        return "not-kept"
    return "partly-kept" if course.lost else "kept"


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
    course.doing = "while leaving a message"
    recorded = yield from do(Record(box))
    cut = recorded.by is RecordedBy.DISK or recorded.lost > 0
    if cut:
        yield from do(Report(EventKind.DISK_FULL, f"a message to {box.name} was cut short"))
    if recorded.speech < LEAST_SPEECH or not recorded.take:
        if not cut and course.take is None:
            yield from do(Report(EventKind.NOTHING_SAID, f"after the beep of {box.name}"))
        yield from do(Drop(recorded.take))
        course.lost |= cut and course.take is None
        return
    earlier, course.take, course.lost = course.take, recorded, cut
    if earlier is not None:
        yield from do(Drop(earlier.take))
    if cut:
        yield from do(Play(("no-more-room",)))


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
