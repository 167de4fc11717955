"""Proof: the challenge put to a caller who is in doubt, and what comes of it."""

from __future__ import annotations

from screener.core.asking import ask, only_keys_count
from screener.core.call import Ending
from screener.core.challenge import challenge
from screener.core.course import Course
from screener.core.evidence import keyed_while_talking
from screener.core.frontdoor import Challenged, Choice, FrontDoor
from screener.core.menu import Desk, Options
from screener.core.parting import end_if_settled, offer_box
from screener.core.script import HeardBy, Note, Script, do
from screener.core.verdict import SILENCE, Kind, judge

# Adding up, or finding two keys (seconds).
_THINKING = 8.0
# How often the challenge is put, each time another one.
_CHALLENGES = 2


def is_to_prove_first(door: FrontDoor, course: Course) -> bool:
    """Whether the challenge comes before all else: the door or a rule says so of such callers."""
    return door.challenged is Challenged.ALWAYS or course.ruling.challenge


def is_in_doubt(door: FrontDoor, course: Course) -> bool:
    """Whether he has talked and chosen nothing, and a riddle may tell what he is."""
    if door.challenged is not Challenged.UNSURE or course.evidence.keys:
        return False
    spoke = bool(course.evidence.answers) or course.evidence.talk_seconds >= SILENCE
    return spoke and judge(course.evidence).kind in (Kind.UNSURE, Kind.PERSON)


def prove(desk: Desk, course: Course, open_to: Options) -> Script[Ending | Choice | None]:
    """Put the challenge, twice at most.

    None when it was answered, or how the call has ended. A choice that is `open_to` him is as good
    an answer as the right one when he keys it, and what comes back then.
    """
    course.doing = "while being asked the challenge"
    for attempt in range(1, _CHALLENGES + 1):
        by_key = desk.door.by_key or only_keys_count(course.evidence)
        riddle = challenge(desk.chance, attempt, by_key=by_key)
        prompts = riddle.prompts if attempt == 1 else ("again", *riddle.prompts)
        expected = frozenset[str]() if desk.door.by_key else riddle.expected
        keys = riddle.answers | open_to.keys
        heard = yield from ask(prompts, keys, expected, course, wait=_THINKING)
        if riddle.is_answered(heard.keys, heard.words):
            yield from do(Note(f"the challenge was answered: {riddle.answer}"))
            course.proved = course.passed = True
            return None
        choice = open_to.keyed(heard.keys)
        if choice is not None and not keyed_while_talking(heard):
            return choice
        ended = yield from end_if_settled(course)
        if ended is not None:
            return ended
        yield from do(Note(f"the challenge was not answered (expected {riddle.answer})"))
        asked_before = len(course.evidence.heard) > attempt
        if asked_before and heard.by is HeardBy.QUIET and not heard.talk:
            break  # he does not even try
    return (yield from offer_box(desk.door.box, course))
