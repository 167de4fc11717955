"""A line for call scripts without a telephone: each command meets the outcome that the test wrote.

    ending, asked = play(receive(call, door, rules), [quiet(), quiet()])

`play` runs a script. The steps are the outcomes of the commands that have one (Listen, Ring,
Record, RecordName, Overhear, Replay, Keep, AskBack, Block, Redirect), in order; `HangsUp()` stands
for a caller who is gone at the next command that needs him (with `hang_up_at_outcomes`, the next
that takes its time). There is room for messages unless the disk is `full`. All other commands are
sent None.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from screener.core.call import Call
from screener.core.frontdoor import Directory, Extension, FrontDoor, MessageBox, Phone, RingGroup
from screener.core.number import read
from screener.core.reception import Reception
from screener.core.rules import RuleSet
from screener.core.script import (
    AskBack,
    Block,
    CallerGone,
    Command,
    Drop,
    FindRoom,
    Hangup,
    Heard,
    HeardBy,
    Keep,
    Listen,
    Note,
    Overhear,
    Rang,
    Record,
    Recorded,
    RecordedBy,
    RecordName,
    Redirect,
    Replay,
    Report,
    Ring,
    Script,
    Span,
    SpokenPhrase,
    Talk,
)

T = TypeVar("T")

KITCHEN = Phone("kitchen", "PJSIP/kitchen")
STUDY = Phone("study", "PJSIP/study")
FAMILY = RingGroup("family", (KITCHEN, STUDY))
OFFICE = RingGroup("office", (STUDY,), seconds=20.0)
BOX = MessageBox("family", ("family@example.net",), limit=60.0)
DOOR = FrontDoor(
    "+18182223333",
    FAMILY,
    BOX,
    {
        "1": Extension("1", ("family", "home"), FAMILY, BOX),
        "20": Extension("20", ("office",), OFFICE, BOX),
    },
)

_ALONE = (Note, Block, Drop, FindRoom, Report, Hangup)  # do not need the caller
_ANSWERED = (*(Listen, Ring, Record, RecordName, Overhear, Replay, Keep, AskBack, Block, Redirect),)


class HangsUp:
    """The caller is gone when this command is asked for; `heard` is what he had shown in it, or
    `rang` what the phones had said."""

    def __init__(self, heard: Heard | None = None, rang: Rang | None = None) -> None:
        self.heard = heard
        self.rang = rang


def stranger(number: str = "+18055550142", name: str = "") -> Call:
    at = datetime(2026, 11, 20, 14, 3, tzinfo=ZoneInfo("America/Los_Angeles"))
    return Call("1795218116.0", DOOR.did, read(number, "US"), at, name)


def reception(
    rules: RuleSet | None = None,
    *,
    shadow: bool = False,
    door: FrontDoor = DOOR,
    chance: int = 1,
) -> Reception:
    """The house on the line: one door, its two extensions, groups and box."""
    groups = {group.name: group for group in (FAMILY, OFFICE)}
    phones = {phone.name: phone for phone in (KITCHEN, STUDY)}
    house = Directory({door.did: door}, phones, groups, {BOX.name: BOX}, door.extensions)
    return Reception(door, house, rules or RuleSet(), shadow, chance)


def keyed(keys: str) -> Heard:
    return Heard(HeardBy.KEYS, keys=keys, prompt=Span(0.0, 2.0), keyed_over_prompt=True)


def said(words: str) -> Heard:
    return Heard(HeardBy.ANSWER, words=words, talk=(Span(6.4, 7.0),), prompt=Span(0.0, 6.0))


def quiet() -> Heard:
    return Heard(HeardBy.QUIET, prompt=Span(0.0, 6.0))


def unheard() -> Heard:
    return Heard(HeardBy.QUIET, prompt=Span(0.0, 6.0), end=11.0, unheard="none of his sound came")


def talked(start: float, end: float, prompt: Span, *kinds: str) -> Heard:
    phrases = tuple(SpokenPhrase(kind, f"words of {kind}", end) for kind in kinds)
    talk = (Span(start, end),)
    return Heard(HeardBy.TALK, talk=talk, phrases=phrases, prompt=prompt, end=end)


def take(name: str = "take-1", speech: float = 8.0, by: RecordedBy = RecordedBy.KEY) -> Recorded:
    return Recorded(name, 10.0, speech, by)


def answered(phone: str = "kitchen", after: float = 3.0) -> Rang:
    return Rang(phone, after)


def nobody() -> Rang:
    return Rang("", 25.0, ("kitchen did not answer", "study did not answer"))


def play(
    script: Script[T],
    steps: Sequence[object],
    *,
    hang_up_at_outcomes: bool = False,
    full: bool = False,
) -> tuple[T, list[Command[Any]]]:
    """Run a script; return what it returned and every command that it yielded, in order."""
    left = list(steps)
    asked: list[Command[Any]] = []
    try:
        command = next(script)
        while True:
            asked.append(command)
            awaited = (*_ANSWERED, Talk) if hang_up_at_outcomes else (Command,)
            gone = bool(left) and isinstance(left[0], HangsUp) and isinstance(command, awaited)
            if isinstance(command, _ANSWERED) or (gone and not isinstance(command, _ALONE)):
                assert left, f"nothing is left to answer {command}"
                step = left.pop(0)
                if isinstance(step, HangsUp):
                    command = script.throw(CallerGone(step.heard, step.rang))
                else:
                    command = script.send(step)
            else:
                command = script.send(not full if isinstance(command, FindRoom) else None)
    except StopIteration as over:
        assert not left, f"never asked for: {left}"
        returned: T = over.value
        return returned, asked
