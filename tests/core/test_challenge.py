"""The challenge, and who is asked it: whole calls, played in a millisecond."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.core.attendant import attend
from screener.core.call import Call, Ending, Outcome
from screener.core.challenge import challenge, said
from screener.core.course import Course
from screener.core.frontdoor import Challenged, FrontDoor
from screener.core.history import History
from screener.core.menu import Desk
from screener.core.reception import receive
from screener.core.rulefile import parse
from screener.core.rules import RuleSet
from screener.core.script import Command, Heard, HeardBy, Listen, Note, Ring, Span
from screener.voice.prompts import SPOKEN
from tests.core import lines
from tests.core.lines import DOOR, answered, keyed, play, quiet, reception, stranger, take, talked

CALLER = stranger()
DAY = 86400.0

CHANCE = st.integers(0, 2**32 - 1)
ATTEMPT = st.integers(1, 9)


@given(CHANCE, ATTEMPT, st.booleans())
def test_it_asks_for_digits_that_robocalls_do_not_ask_for_and_none_twice(
    chance: int, attempt: int, by_key: bool
) -> None:
    riddle = challenge(chance, attempt, by_key=by_key)
    assert set(riddle.answer) <= set("346780")
    assert len(set(riddle.answer)) == len(riddle.answer)
    assert set(riddle.prompts) <= set(SPOKEN)
    assert riddle.answer in riddle.answers
    assert said(riddle.answer) in riddle.expected


@given(CHANCE, ATTEMPT)
def test_only_the_answer_answers_it_keyed_or_spoken(chance: int, attempt: int) -> None:
    riddle = challenge(chance, attempt)
    right = {keys for keys in riddle.answers if riddle.is_answered(keys, "")}
    assert right == {riddle.answer}
    assert {words for words in riddle.expected if riddle.is_answered("", words)} == {
        said(riddle.answer)
    }
    assert not riddle.is_answered("", "")
    assert not riddle.is_answered("1", said(riddle.answer))  # a key says more than words


@given(CHANCE)
def test_a_second_attempt_asks_something_else(chance: int) -> None:
    assert challenge(chance, 1) != challenge(chance, 2)


def test_a_sum_adds_up() -> None:
    riddle = challenge(0, 1)
    assert riddle.prompts[0] == "how-much-is"
    digits = [int(name.removeprefix("digit-")) for name in riddle.prompts if "digit" in name]
    assert riddle.answer == str(sum(digits))
    assert riddle.expected >= {"zero", "nine"}


def test_calls_get_different_challenges() -> None:
    assert len({challenge(chance, 1) for chance in range(200)}) > 30


# Who is asked -------------------------------------------------------------------------------------

RIDDLE = challenge(1, 1)
BY_KEY = challenge(1, 1, by_key=True)
TALK = talked(6.5, 9.0, Span(0.0, 6.0))


def call(
    *steps: object, challenged: Challenged = Challenged.UNSURE
) -> tuple[Ending, list[Command[Any]]]:
    house = reception(door=replace(DOOR, challenged=challenged), chance=1)
    return play(receive(stranger(), house), steps)


def prompts(asked: list[Command[Any]]) -> list[tuple[str, ...]]:
    return [c.prompts for c in asked if isinstance(c, Listen)]


def rung(asked: list[Command[Any]]) -> list[str]:
    return [c.group.name for c in asked if isinstance(c, Ring)]


def in_answer(keys: str = "", words: str = "") -> Heard:
    by = HeardBy.KEYS if keys else HeardBy.ANSWER
    return Heard(by, keys, words, talk=() if keys else (Span(20.0, 20.8),), end=21.4)


def test_who_talks_is_asked_in_place_of_the_last_try_and_the_answer_rings_the_group() -> None:
    ending, asked = call(TALK, TALK, in_answer(RIDDLE.answer), answered())
    assert prompts(asked)[2] == BY_KEY.prompts
    assert rung(asked) == [DOOR.group.name]
    assert ending.outcome is Outcome.CONNECTED
    assert ending.reason == "the caller answered the challenge"


def test_a_spoken_answer_rings_where_he_has_not_talked_on_twice() -> None:
    short = lines.said("")
    _, asked = call(short, short, in_answer(words=said(RIDDLE.answer)), answered())
    assert rung(asked) == [DOOR.group.name]


def test_who_talked_on_twice_can_only_key_the_answer() -> None:
    _, asked = call(TALK, TALK, in_answer(RIDDLE.answer), answered())
    assert [c.expected for c in asked if isinstance(c, Listen)][2] == frozenset()
    assert prompts(asked)[2] == BY_KEY.prompts
    assert BY_KEY.prompts[0] == "challenge-press"


def test_the_second_riddle_is_another_one_and_then_comes_the_message_box() -> None:
    wrong = in_answer("34" if RIDDLE.answer != "34" else "43")
    ending, asked = call(TALK, TALK, wrong, TALK, quiet(), take(), keyed("1"), True)
    assert prompts(asked)[3] == ("again", *challenge(1, 2, by_key=True).prompts)
    assert prompts(asked)[4] == ("leave-message",)
    assert rung(asked) == []
    assert ending.outcome is Outcome.MESSAGE


def test_who_does_not_try_is_not_asked_twice() -> None:
    _, asked = call(TALK, TALK, quiet(), quiet(), take(), keyed("1"), True)
    assert prompts(asked)[3] == ("leave-message",)


def test_an_extensions_key_is_as_good_an_answer() -> None:
    ending, asked = call(TALK, TALK, keyed("20"), answered("study"))
    assert rung(asked) == ["office"]
    assert ending.reason == "the caller keyed 20: extension 20, office"


def test_who_keyed_a_wrong_extension_hears_the_menu_again_instead() -> None:
    _, asked = call(keyed("7"), keyed("7"), keyed("1"), answered())
    assert prompts(asked)[2] == ("no-such-extension", DOOR.menu)


def test_never_means_never() -> None:
    _, asked = call(
        TALK, TALK, TALK, quiet(), take(), keyed("1"), True, challenged=Challenged.NEVER
    )
    assert prompts(asked)[2:] == [("again", DOOR.menu), ("leave-message",)]


def test_always_asks_a_stranger_first_and_never_again() -> None:
    right = in_answer(RIDDLE.answer)
    ending, asked = call(right, keyed("20"), answered("study"), challenged=Challenged.ALWAYS)
    assert prompts(asked) == [RIDDLE.prompts, ("greeting", DOOR.menu)]
    assert rung(asked) == ["office"]
    assert ending.outcome is Outcome.CONNECTED


def test_who_passed_and_names_no_extension_rings_the_group() -> None:
    right = in_answer(RIDDLE.answer)
    _, asked = call(right, TALK, TALK, TALK, answered(), challenged=Challenged.ALWAYS)
    assert rung(asked) == [DOOR.group.name]


def test_who_needs_longer_for_the_first_question_is_asked_twice() -> None:
    right = in_answer(challenge(1, 2).answer)
    ending, asked = call(quiet(), right, keyed("20"), answered(), challenged=Challenged.ALWAYS)
    assert prompts(asked)[1] == ("again", *challenge(1, 2).prompts)
    assert ending.outcome is Outcome.CONNECTED
    ending, _ = call(quiet(), quiet(), challenged=Challenged.ALWAYS)
    assert ending.outcome is Outcome.SILENT


def test_always_takes_no_extension_for_an_answer() -> None:
    wrong = keyed("1")
    _, asked = call(wrong, wrong, quiet(), take(), keyed("1"), True, challenged=Challenged.ALWAYS)
    assert rung(asked) == []


def test_a_silent_call_is_over_after_two_questions_of_whatever_kind() -> None:
    ending, _ = call(quiet(), quiet(), challenged=Challenged.UNSURE)
    assert ending.outcome is Outcome.SILENT


# Whom a rule marks -------------------------------------------------------------------------------

MARKED = RuleSet(parse('screen from +1* challenge "gateways"', "t", "US")[0])


def marked(
    *steps: object, challenged: Challenged = Challenged.UNSURE, call: Call = CALLER
) -> tuple[Ending, list[Command[Any]]]:
    door = replace(DOOR, challenged=challenged, remembered=90 * DAY)
    return play(receive(call, reception(MARKED, door=door)), steps)


@pytest.mark.parametrize("challenged", Challenged)
def test_whom_a_rule_marks_is_asked_before_all_else(challenged: Challenged) -> None:
    right = in_answer(RIDDLE.answer)
    ending, asked = marked(right, keyed("20"), answered("study"), challenged=challenged)
    assert prompts(asked) == [RIDDLE.prompts, ("greeting", DOOR.menu)]
    assert rung(asked) == ["office"]
    assert (ending.passed, ending.ruled) == (True, "screen challenge")


def test_who_is_marked_has_two_tries_and_then_the_message_box() -> None:
    wrong = in_answer("34" if RIDDLE.answer != "34" else "43")
    ending, asked = marked(
        wrong, wrong, quiet(), take(), keyed("1"), True, challenged=Challenged.NEVER
    )
    assert [each[-2:] for each in prompts(asked)[:2]] == [
        RIDDLE.prompts[-2:],
        challenge(1, 2).prompts[-2:],
    ]
    assert rung(asked) == []
    assert (ending.outcome, ending.passed) == (Outcome.MESSAGE, False)


def test_whom_no_rule_marks_is_not_asked() -> None:
    ending, asked = marked(keyed("20"), answered(), call=stranger("+442079460000"))
    assert prompts(asked) == [("greeting", DOOR.menu)]
    assert (ending.outcome, ending.passed) == (Outcome.CONNECTED, False)


# Who is remembered --------------------------------------------------------------------------------


def passed(days: float, call: Call = CALLER) -> Call:
    """The call of somebody who has answered the challenge so long ago."""
    return replace(call, history=History(passed=(call.utc - timedelta(days=days),)))


def test_who_has_passed_is_not_asked_again_for_as_long_as_the_owner_says() -> None:
    ending, asked = marked(keyed("20"), answered("study"), call=passed(89))
    assert prompts(asked) == [("greeting", DOOR.menu)]
    assert Note("the challenge was answered from this number on 23 Aug 2026") in asked
    assert (ending.outcome, ending.passed) == (Outcome.CONNECTED, False)
    _, asked = marked(in_answer(RIDDLE.answer), keyed("20"), answered(), call=passed(91))
    assert prompts(asked)[0] == RIDDLE.prompts


def test_who_is_remembered_and_chooses_nothing_rings_the_group() -> None:
    ending, asked = marked(TALK, TALK, TALK, answered(), call=passed(1))
    assert rung(asked) == [DOOR.group.name]
    assert ending.reason == "the caller answered the challenge lately"


@pytest.mark.parametrize("number", ["anonymous", "12"])
def test_who_shows_no_number_is_not_remembered(number: str) -> None:
    house = reception(door=replace(DOOR, challenged=Challenged.ALWAYS, remembered=90 * DAY))
    steps = [in_answer(RIDDLE.answer), keyed("20"), answered()]
    _, asked = play(receive(passed(1, stranger(number)), house), steps)
    assert prompts(asked)[0] == RIDDLE.prompts


def test_nobody_is_remembered_where_the_owner_does_not_want_it() -> None:
    house = reception(MARKED, door=DOOR)
    steps = [in_answer(RIDDLE.answer), keyed("20"), answered()]
    _, asked = play(receive(passed(0.01), house), steps)
    assert prompts(asked)[0] == RIDDLE.prompts


# Who is proved ------------------------------------------------------------------------------------


def proved(*steps: object, rule: str = "", door: FrontDoor = DOOR, call: Call = CALLER) -> bool:
    """Whether, at the end of such a call, its caller was taken for a person."""
    course = Course(ruling := RuleSet(parse(rule, "t", "US")[0]).judge(call))
    desk = Desk(door, reception(door=door).directory, call.at, 1)
    assert ruling.effect.startswith("screen")
    play(attend(desk, course), steps)
    return course.proved


def test_who_has_chosen_whom_he_wants_or_answered_the_riddle_is_proved() -> None:
    assert proved(keyed("20"), answered())
    assert proved(lines.said("office"), answered())
    assert proved(TALK, TALK, in_answer(RIDDLE.answer), answered())
    assert proved(over_talk("20"), keyed("20"), answered())


def test_who_has_chosen_nobody_is_not() -> None:
    assert not proved(TALK, TALK, TALK, TALK, quiet(), take(), keyed("1"), True)
    assert not proved(keyed("7"), keyed("7"), keyed("7"), quiet(), take(), keyed("1"), True)


# Keys in the midst of talk ------------------------------------------------------------------------


def over_talk(keys: str) -> Heard:
    talk = (Span(0.4, 6.0),)
    return Heard(HeardBy.KEYS, keys, talk=talk, prompt=Span(0.0, 6.0), keyed_over_prompt=True)


def test_a_robot_that_keys_while_it_talks_rings_no_phone() -> None:
    ending, asked = call(over_talk("1"), TALK, TALK, quiet(), take(), keyed("1"), True)
    assert prompts(asked)[1] == RIDDLE.prompts
    assert rung(asked) == []
    assert ending.outcome is Outcome.MESSAGE


def test_a_person_who_keyed_while_talking_answers_and_reaches_what_he_keyed() -> None:
    _, asked = call(over_talk("20"), in_answer(RIDDLE.answer), answered("study"))
    assert rung(asked) == ["office"]
    _, asked = call(over_talk("20"), keyed("20"), answered("study"))
    assert rung(asked) == ["office"]


@pytest.mark.parametrize("tries", [1, 2])
def test_where_nobody_is_challenged_a_key_in_talk_is_asked_for_again(tries: int) -> None:
    door = replace(DOOR, challenged=Challenged.NEVER, tries=tries)
    steps = [over_talk("1")] * tries
    _, asked = play(
        receive(stranger(), reception(door=door)), [*steps, quiet(), take(), keyed("1"), True]
    )
    assert rung(asked) == []
