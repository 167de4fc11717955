"""The script of a whole call: the rules' word, then the phones, a treatment or the attendant."""

from __future__ import annotations

from dataclasses import dataclass, replace

from screener.core.asking import answer
from screener.core.attendant import attend
from screener.core.call import Call, Ending, Outcome
from screener.core.course import Course
from screener.core.doorbell import ring_bell
from screener.core.frontdoor import Directory, FrontDoor
from screener.core.menu import Desk
from screener.core.message import hear_out, keep_message, ring_or_take_message, take_message
from screener.core.rules import Action, RuleSet, Ruling, Target, Where
from screener.core.script import CallerGone, LineFailed, Note, Script, Speak, Treat, do
from screener.core.sendaway import send_away


@dataclass(frozen=True, slots=True)
class Reception:
    """What a call is received with: the door that it came to, who can be reached, the rules.

    In `shadow` mode every call rings as if there were no screener, and its row says what the rules
    would have done. `chance` is a number drawn for this call: the challenge is made from it.
    """

    door: FrontDoor
    directory: Directory
    rules: RuleSet
    shadow: bool = False
    chance: int = 0


def receive(call: Call, reception: Reception) -> Script[Ending]:
    """One call from its first ring to its ending. A hang-up or a failure is an ending too."""
    ruling = reception.rules.judge(call)
    course = Course(ruling, ruling.reason, notice=reception.door.notice)
    try:
        if reception.door.language:
            yield from do(Speak(reception.door.language))
        if reception.shadow:
            return (yield from _only_watch(reception.door, course))
        yield from do(Note(ruling.reason))
        if call.came_to:
            yield from do(Note(f"dialled at {call.did} first, and sent on to {call.came_to}"))
        yield from _remember(call, reception.door, course)
        return (yield from _follow(ruling, call, reception, course))
    except CallerGone as gone:
        return (yield from _caller_gone(gone, course))
    except LineFailed as failed:
        if course.turned_away:  # what the phones must not ring for, they do not ring for now
            return course.ending(Outcome.TREATED, f"{course.why}; {failed}")
        return course.ending(Outcome.FAILED, str(failed))


def _caller_gone(gone: CallerGone, course: Course) -> Script[Ending]:
    """The caller has hung up: keep what he left, or what a wanted robot has said."""
    course.listened_to(gone.heard)
    course.rang = gone.rang or course.rang
    try:
        yield from keep_message(course)
        if course.is_lost_wanted_robot:
            yield from hear_out(course)
    except LineFailed as failed:
        return course.ending(Outcome.FAILED, str(failed))
    return course.caller_gone()


def _only_watch(door: FrontDoor, course: Course) -> Script[Ending]:
    course.why = f"shadow mode; would have been: {course.why}"
    yield from do(Note(course.why))
    if door.doorbell:
        return (yield from ring_bell(door.group, course))
    return (yield from ring_or_take_message(door.group, door.box, course, announce=False))


def _remember(call: Call, door: FrontDoor, course: Course) -> Script[None]:
    """Whoever calls from a number whose caller has answered the challenge lately is proved."""
    passed = call.history.passed_within(door.remembered, call.utc) if call.caller.e164 else None
    if passed is not None:
        course.proved = True
        when = passed.astimezone(call.at.tzinfo)
        yield from do(Note(f"the challenge was answered from this number on {when:%d %b %Y}"))


def _follow(ruling: Ruling, call: Call, reception: Reception, course: Course) -> Script[Ending]:
    """Do what the rules say."""
    door = reception.door
    desk = Desk(door, reception.directory, call.at, reception.chance, call.caller)
    if door.doorbell and ruling.action is not Action.BLOCK:
        return (yield from _ring_doorbell(ruling.target, desk, course))
    match ruling.action:
        case Action.BLOCK:
            course.turned_away = True
            yield from do(Treat(ruling.treatment))
            return course.ending(Outcome.TREATED, ruling.reason)
        case Action.ALLOW:
            named = ruling.target.name if ruling.target else ""
            group = reception.directory.groups.get(named, door.group)
            course.proved = True
            return (yield from ring_or_take_message(group, door.box, course))
        case Action.SEND if ruling.target is not None:
            return (yield from _send(ruling.target, desk, course))
    return (yield from attend(desk, course))


def _ring_doorbell(target: Target | None, desk: Desk, course: Course) -> Script[Ending]:
    """Whatever the rules say of who is at a doorbell, phones ring: at most others, or elsewhere."""
    door, directory = desk.door, desk.directory
    group = door.group
    match target:
        case Target(Where.RING, name) if name in directory.groups:
            group = directory.groups[name]
        case Target(Where.EXTENSION, name) if name in directory.extensions:
            group = directory.extensions[name].group
        case Target(Where.REDIRECT | Where.BRIDGE as where, name):
            bridged = where is Where.BRIDGE
            ended = yield from send_away(name, directory, course, bridged=bridged)
            if ended is not None:
                return ended
    return (yield from ring_bell(group, course))


def _send(target: Target, desk: Desk, course: Course) -> Script[Ending]:
    """Send the call where a rule says. What is there no more, or refuses, is the attendant's."""
    door, directory = desk.door, desk.directory
    match target.where:
        case Where.RING if target.name in directory.groups:
            group = directory.groups[target.name]
            course.proved = True
            return (yield from ring_or_take_message(group, door.box, course))
        case Where.EXTENSION if target.name in directory.extensions:
            extension = directory.extensions[target.name]
            course.proved = True
            return (yield from ring_or_take_message(extension.group, extension.box, course))
        case Where.MESSAGE if target.name in directory.boxes:
            yield from answer(course)
            return (yield from take_message(directory.boxes[target.name], course.why, course))
        case Where.MENU if target.name in directory.doors:
            other = directory.doors[target.name]
            if other.doorbell:
                return (yield from ring_bell(other.group, course))
            if other.language != door.language:
                yield from do(Speak(other.language))
            return (yield from attend(replace(desk, door=other), course))
        case Where.REDIRECT | Where.BRIDGE:
            bridged = target.where is Where.BRIDGE
            ended = yield from send_away(target.name, directory, course, bridged=bridged)
            if ended is not None:
                return ended
        case _:
            yield from do(Note(f"there is no {target} any more"))
    return (yield from attend(desk, course))
