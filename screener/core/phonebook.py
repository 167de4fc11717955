"""The phone book of a door: a caller spells a name on the keys, and whoever it is rings."""

from __future__ import annotations

from collections.abc import Sequence

from screener.core.asking import ask
from screener.core.call import Ending
from screener.core.course import Course
from screener.core.evidence import keyed_while_talking
from screener.core.frontdoor import Extension
from screener.core.menu import AGAIN, BACK, Desk
from screener.core.parting import end_if_settled
from screener.core.script import Heard, Script
from screener.core.spelling import matching, sufficient

# So many names are read out at most: each has a key, and nobody remembers more.
_MOST = 8
# Finding the letters on the keys (seconds).
_SEARCHING = 10.0
_NO_WORDS = frozenset[str]()


def look_up(desk: Desk, course: Course) -> Script[Ending | Extension | None]:
    """Who was meant; None where he goes back, or finds nobody; or how the call has ended."""
    course.doing = "while spelling a name"
    people = [e for e in desk.door.extensions.values() if e.names]
    known = sufficient(people)
    prompts: tuple[str, ...] = ("spell-name",)
    for _ in range(desk.door.tries):
        heard = yield from ask(prompts, known, _NO_WORDS, course, wait=_SEARCHING, until=AGAIN)
        ended = yield from end_if_settled(course)
        if ended is not None:
            return ended
        keys = _keys(heard, course)
        if keys.endswith(BACK):
            return None
        found = matching(keys.removesuffix(AGAIN), people)
        if len(found) == 1:
            return found[0]
        if len(found) > _MOST:
            prompts = ("several-names", "spell-name")
        elif found:
            return (yield from _choose(found, desk, course))
        else:
            prompts = ("no-such-name" if keys else "again", "spell-name")
    return None


def _choose(
    found: Sequence[Extension], desk: Desk, course: Course
) -> Script[Ending | Extension | None]:
    """Read out several, each with its key."""
    by_key = {str(n): extension for n, extension in enumerate(found, 1)}
    names = [("for", e.prompt, "press", f"digit-{key}") for key, e in by_key.items()]
    prompts = tuple(prompt for name in names for prompt in name)
    for _ in range(desk.door.tries):
        heard = yield from ask(prompts, frozenset(by_key), _NO_WORDS, course)
        ended = yield from end_if_settled(course)
        if ended is not None:
            return ended
        keys = _keys(heard, course)
        if keys in by_key:
            return by_key[keys]
        if keys == BACK:
            return None
    return None


def _keys(heard: Heard, course: Course) -> str:
    """What he has keyed; nothing where it may have been a recording's talk."""
    return "" if keyed_while_talking(heard) and not course.proved else heard.keys
