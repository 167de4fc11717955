"""The script of a whole call: the rules' word, then the phones, a treatment or the attendant."""

from __future__ import annotations

from screener.core.attendant import attend
from screener.core.call import Call, Ending, Outcome
from screener.core.course import Course
from screener.core.frontdoor import FrontDoor
from screener.core.message import keep_message, ring_or_take_message
from screener.core.rules import Action, RuleSet
from screener.core.script import CallerGone, LineFailed, Note, Script, Treat, do


def receive(call: Call, door: FrontDoor, rules: RuleSet) -> Script[Ending]:
    """One call from its first ring to its ending. A hang-up or a failure is an ending too."""
    ruling = rules.judge(call)
    course = Course(rule=ruling.name, why=ruling.reason)
    try:
        yield from do(Note(ruling.reason))
        if ruling.action is Action.BLOCK:
            course.turned_away = True
            yield from do(Treat(ruling.treatment))
            return course.ending(Outcome.TREATED, ruling.reason)
        if ruling.action is Action.ALLOW:
            return (yield from ring_or_take_message(door.group, door.box, course))
        return (yield from attend(door, course))
    except CallerGone as gone:
        yield from keep_message(course)
        return course.caller_gone(gone)
    except LineFailed as failed:
        return course.ending(Outcome.FAILED, str(failed))
