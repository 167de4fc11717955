"""Callers who are announced: their name is asked, and whoever answers decides what becomes of them.

What is heard and pressed on the phone is asterisk/leg.py's; this is what the script makes of it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from screener.core.call import Ending, Outcome
from screener.core.frontdoor import Announced
from screener.core.reception import receive
from screener.core.rulefile import parse
from screener.core.rules import RuleSet
from screener.core.script import (
    Answer,
    Block,
    Command,
    Decision,
    Hangup,
    Keep,
    Note,
    Play,
    Rang,
    Recorded,
    RecordedBy,
    RecordName,
    Ring,
    Talk,
    Treat,
    Treatment,
)
from tests.core.lines import (
    BOX,
    DOOR,
    FAMILY,
    HangsUp,
    answered,
    keyed,
    nobody,
    play,
    reception,
    stranger,
    take,
)

FRIEND = "+14155550100"
NAME = Recorded("name-1", 2.0, 1.2, RecordedBy.SILENCE)
UNNAMED = Recorded("name-1", 4.0, 0.0, RecordedBy.LIMIT)


def called(
    announced: Announced, *steps: object, number: str = "+18055550142", shadow: bool = False
) -> tuple[Ending, list[Command[Any]]]:
    """A call to a door whose group has callers announced; strangers key 1 for it."""
    group = replace(FAMILY, announced=announced, unproved_prefix="?:")
    extension = replace(DOOR.extensions["1"], group=group)
    door = replace(DOOR, group=group, extensions={"1": extension})
    rules, mistakes = parse(f'allow from {FRIEND} "Mom"', "1.rules", "US")
    assert not mistakes
    house = reception(RuleSet(tuple(rules)), door=door, shadow=shadow)
    return play(receive(stranger(number), house), steps)


def rang(asked: list[Command[Any]]) -> Ring:
    (ring,) = [command for command in asked if isinstance(command, Ring)]
    return ring


def chose(decision: Decision) -> Rang:
    return Rang("kitchen", 4.0, (), decision)


def test_a_stranger_says_his_name_and_is_announced_with_it() -> None:
    ending, asked = called(Announced.UNKNOWN, keyed("1"), NAME, answered())
    assert asked.index(Play(("say-your-name", "beep"))) == asked.index(RecordName()) - 1
    assert (rang(asked).announced, rang(asked).name) == (True, "name-1")
    assert rang(asked).proved  # he has keyed an extension
    assert asked[-2:] == [Talk(), Hangup()]
    assert (ending.outcome, ending.answered_by) == (Outcome.CONNECTED, "kitchen")


def test_who_says_nothing_is_announced_by_his_number() -> None:
    _, asked = called(Announced.UNKNOWN, keyed("1"), UNNAMED, answered())
    assert (rang(asked).announced, rang(asked).name) == (True, "")


def test_a_friend_is_announced_only_where_all_are() -> None:
    _, asked = called(Announced.UNKNOWN, answered(), number=FRIEND)
    assert not rang(asked).announced
    assert RecordName() not in asked
    _, asked = called(Announced.ALWAYS, NAME, answered(), number=FRIEND)
    assert rang(asked).announced
    assert asked.index(Answer()) < asked.index(RecordName())


@pytest.mark.parametrize("announced", Announced)
def test_in_shadow_mode_nobody_is_asked_his_name(announced: Announced) -> None:
    _, asked = called(announced, answered(), shadow=True)
    assert RecordName() not in asked
    assert not rang(asked).announced
    assert not rang(asked).proved


def test_who_hangs_up_while_he_says_his_name_rings_nobody() -> None:
    ending, asked = called(Announced.UNKNOWN, keyed("1"), HangsUp())
    assert not [command for command in asked if isinstance(command, Ring)]
    assert ending.outcome is Outcome.GAVE_UP


def test_nobody_who_decides_leaves_the_caller_to_the_box() -> None:
    ending, _ = called(Announced.UNKNOWN, keyed("1"), NAME, nobody(), take("t"), keyed("1"), True)
    assert ending.outcome is Outcome.MESSAGE
    assert ending.answered_by == ""


def test_2_leads_to_the_message_box_and_does_not_tell_that_somebody_was_there() -> None:
    decided = chose(Decision.MESSAGE)
    ending, asked = called(
        Announced.UNKNOWN, keyed("1"), NAME, decided, take("t"), keyed("1"), True
    )
    assert Play(("nobody-answers",)) in asked
    (keep,) = [command for command in asked if isinstance(command, Keep)]
    assert keep.box == BOX
    assert keep.why.startswith("kitchen chose: to the message box; the caller keyed 1")
    assert (ending.outcome, ending.answered_by, ending.rang_after) == (
        *(Outcome.MESSAGE, "kitchen", 4.0),
    )


def test_3_turns_the_caller_away_politely() -> None:
    ending, asked = called(Announced.UNKNOWN, keyed("1"), NAME, chose(Decision.AWAY))
    assert asked[-2:] == [Play(("turned-away",)), Hangup()]
    assert ending.outcome is Outcome.TREATED
    assert ending.reason.startswith("kitchen chose: turn away;")


def test_4_writes_a_rule_before_anything_else() -> None:
    place = "2-block.rules:3"
    ending, asked = called(Announced.UNKNOWN, keyed("1"), NAME, chose(Decision.BLOCK), place)
    written = asked.index(Block())
    assert asked[written + 1 :] == [
        Note("blocked from now on: 2-block.rules:3"),
        Treat(Treatment.SIT),
    ]
    assert ending.outcome is Outcome.TREATED


def test_who_cannot_be_blocked_is_turned_away_all_the_same() -> None:
    ending, asked = called(Announced.UNKNOWN, keyed("1"), NAME, chose(Decision.BLOCK), "")
    assert Note("no rule was written") in asked
    assert asked[-1] == Treat(Treatment.SIT)
    assert ending.outcome is Outcome.TREATED


def test_who_hangs_up_when_he_is_turned_away_was_turned_away() -> None:
    for decision in (Decision.AWAY, Decision.BLOCK):
        ending, _ = called(Announced.UNKNOWN, keyed("1"), NAME, chose(decision), *(
            ["a.rules:1"] if decision is Decision.BLOCK else []), HangsUp())  # fmt: skip
        assert ending.outcome is Outcome.TREATED


def test_who_hangs_up_at_the_box_that_he_was_sent_to_was_not_connected() -> None:
    ending, _ = called(Announced.UNKNOWN, keyed("1"), NAME, chose(Decision.MESSAGE), HangsUp())
    assert ending.outcome is Outcome.GAVE_UP
