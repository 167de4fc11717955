"""A doorbell: whoever presses it has no keys and no patience, so nothing is asked of him.

The group rings at once. A phone that sends its calls elsewhere sends no visitor there, the visitor
is announced to nobody, and no message box ever answers: where nobody comes, the call is over.
"""

from __future__ import annotations

from dataclasses import replace

from screener.core.call import Ending, Outcome
from screener.core.course import Course
from screener.core.frontdoor import Redirects, RingGroup
from screener.core.script import Answer, Hangup, Play, Ring, Script, Talk, do


def ring_bell(group: RingGroup, course: Course) -> Script[Ending]:
    """Ring a group for who is at the door. `course.why` says why this one."""
    course.doing = f"while {group.name} was ringing"
    course.proved = True
    course.rang = yield from do(Ring(_deaf_to_redirects(group)))
    if course.connected:
        yield from do(Talk())
        yield from do(Hangup())
        return course.ending(Outcome.CONNECTED, course.why)
    course.unanswered = True
    yield from do(Answer())
    yield from do(Play(("nobody-at-home",)))
    yield from do(Hangup())
    return course.ending(Outcome.UNANSWERED, course.why)


def _deaf_to_redirects(group: RingGroup) -> RingGroup:
    """The group, each phone of which rings on whatever it is redirected to."""
    phones = tuple(replace(phone, redirects=Redirects.IGNORE) for phone in group.phones)
    return replace(group, phones=phones, redirects=Redirects.IGNORE)
