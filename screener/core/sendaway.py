"""Sending a call elsewhere, because a rule says so: to a SIP address, or to a number outside.

Its own network is told to call there: by SIP 302, or by REFER once it was answered. Where the trunk
allows neither (asterisk.send_away = "bridge"), we call there ourselves, and connect the two. Only
what a rule of the owner names is ever called: no caller and no phone can choose it.
"""

from __future__ import annotations

from screener.core.call import Ending, Outcome
from screener.core.course import Course
from screener.core.frontdoor import Directory, Outside, Phone, RingGroup
from screener.core.script import CallerGone, Hangup, Note, Redirect, Ring, Script, Talk, do

# Seconds that it rings elsewhere before the call is taken back.
_RINGS = 45.0
# What whoever answers there is called: a SIP address might be too long for the name of a channel.
_THERE = "elsewhere"


def send_away(
    target: str, directory: Directory, course: Course, *, bridged: bool = False
) -> Script[Ending | None]:
    """Send the call to `target`; None where it was not accepted there, and is still ours."""
    course.doing = f"while being sent to {target}"
    outside = directory.outside
    if target in directory.doors:  # there the same rule may send it here again, without an end
        yield from do(Note(f"{target} is a number of this house: no call is sent there"))
        return None
    if bridged or outside.bridged:
        return (yield from _bridge(target, outside, course))
    how = yield from do(Redirect(target))
    if not how:
        return None
    return course.ending(Outcome.REDIRECTED, f"{course.why}; sent to {target} by {how}")


def _bridge(target: str, outside: Outside, course: Course) -> Script[Ending | None]:
    endpoint = outside.endpoint(target)
    if not endpoint:
        yield from do(Note(f"{target} cannot be called: asterisk.trunk names no trunk for it"))
        return None
    yield from do(Note(f"calling {target} over the trunk"))
    group = RingGroup(target, (Phone(_THERE, endpoint),), _RINGS)
    rang = yield from do(Ring(group))
    if not rang.phone:
        return None
    try:
        yield from do(Talk())
    except CallerGone:
        pass  # whoever of the two hangs up, the call has been where it was sent
    else:
        yield from do(Hangup())
    return course.ending(Outcome.REDIRECTED, f"{course.why}; connected to {target} over the trunk")
