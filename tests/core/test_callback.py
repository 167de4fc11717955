"""A caller who leaves the number that he wants to be called at."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.core import emergency, hours, number
from screener.core.call import Ending, Outcome
from screener.core.callback import Request, callable_number, digits
from screener.core.frontdoor import Choice, Menu, Outside, Reply, Step
from screener.core.reception import Reception, receive
from screener.core.script import (
    AskBack,
    Command,
    Heard,
    HeardBy,
    Listen,
    Play,
    Ring,
    Span,
)
from tests.core.lines import (
    BOX,
    DOOR,
    HangsUp,
    answered,
    keyed,
    play,
    quiet,
    reception,
    stranger,
    take,
)

MENU = Menu(
    "main",
    {"1": Choice("1", Step.CALL_BACK, BOX.name), "2": Choice("2", Step.EMERGENCY)},
)
CALLER = "+18055550142"
OFFER = ("call-back-offer", *(f"digit-{d}" for d in "8055550142"), "call-back-other")
READ_BACK = ("call-back-read", *(f"digit-{d}" for d in "4155550100"), "call-back-right")


def house(country: str = "US") -> Reception:
    found = reception(door=replace(DOOR, open=Reply("greeting", MENU)))
    directory = replace(found.directory, menus={"main": MENU}, outside=Outside(country))
    return replace(found, directory=directory)


def call(*steps: object, caller: str = CALLER) -> tuple[Ending, list[Command[Any]]]:
    """A caller who chooses to be called back, and what follows."""
    return play(receive(stranger(caller, "Ann"), house()), [keyed("1"), *steps])


def asked_for(asked: list[Command[Any]]) -> list[str]:
    return [command.number for command in asked if isinstance(command, AskBack)]


def prompts(asked: list[Command[Any]]) -> list[tuple[str, ...]]:
    return [command.prompts for command in asked if isinstance(command, Listen)]


# What a caller does -------------------------------------------------------------------------------


def test_the_number_that_he_shows_is_offered_and_taken_by_one_key() -> None:
    ending, asked = call(keyed("1"), True)
    assert prompts(asked)[1] == OFFER
    assert asked_for(asked) == [CALLER]
    assert Play(("call-back-kept",)) in asked
    assert ending.outcome is Outcome.ASKED_BACK
    assert str(ending.outcome) == "asked for a call"
    assert "to be called at +1 805 555 0142; the caller keyed 1" in ending.reason
    assert not any(isinstance(command, Ring) for command in asked)


def test_another_number_is_read_back_and_confirmed() -> None:
    ending, asked = call(keyed("2"), keyed("4155550100#"), keyed("1"), True)
    listens = [command for command in asked if isinstance(command, Listen)]
    assert (listens[2].prompts, listens[2].until) == (("call-back-key",), "#")
    assert listens[3].prompts == READ_BACK
    assert asked_for(asked) == ["+14155550100"]
    assert ending.outcome is Outcome.ASKED_BACK


def test_a_number_that_was_mistyped_is_keyed_again() -> None:
    steps = (keyed("2"), keyed("4155550101"), keyed("2"), keyed("4155550100#"), keyed("1"), True)
    _, asked = call(*steps)
    assert asked_for(asked) == ["+14155550100"]


@pytest.mark.parametrize("caller", ["anonymous", "12", "+19005550100"])
def test_who_shows_no_number_to_call_is_asked_for_one(caller: str) -> None:
    _, asked = call(keyed("4155550100#"), keyed("1"), True, caller=caller)
    assert prompts(asked)[1] == ("call-back-key",)
    assert asked_for(asked) == ["+14155550100"]


@pytest.mark.parametrize(
    "wrong",
    ["19005550100#", "911#", "123#", "#", "", "0" * 500 + "#", "4155550100" * 3, "*67"],
)
def test_a_number_that_nobody_should_call_is_refused_three_times_and_then_the_box(
    wrong: str,
) -> None:
    steps = (keyed("2"), *[keyed(wrong)] * 3, take(), keyed("1"), True)
    ending, asked = call(*steps)
    assert prompts(asked)[3:5] == [("call-back-no-number", "call-back-key")] * 2
    assert asked_for(asked) == []
    assert ending.outcome is Outcome.MESSAGE
    assert ending.reason.startswith("the caller left no number; the caller keyed 1")


@pytest.mark.parametrize(
    "steps",
    [
        (keyed("*"),),
        (keyed("2"), keyed("*")),
        (keyed("2"), keyed("415*")),
        (keyed("2"), keyed("4155550100#"), keyed("*")),
    ],
)
def test_a_star_leads_out_to_the_main_menu(steps: tuple[Heard, ...]) -> None:
    ending, asked = call(*steps, keyed("20"), answered("study"))
    assert prompts(asked)[-1] == (MENU.prompt,)
    assert asked_for(asked) == []
    assert ending.outcome is Outcome.CONNECTED
    assert ending.reason == "the caller keyed 20: extension 20, office"


def test_who_left_the_call_back_and_hangs_up_wanted_none() -> None:
    ending, _ = call(keyed("*"), HangsUp())
    assert ending.outcome is Outcome.GAVE_UP
    assert "called back" not in ending.reason


def test_a_star_outside_the_hours_leads_to_the_box_and_to_no_extension() -> None:
    closed = Reply("closed", to=Choice("", Step.CALL_BACK, BOX.name))
    door = replace(DOOR, hours=hours.read("2020-01-01"), closed=closed)
    script = receive(stranger(CALLER), replace(house(), door=door))
    ending, asked = play(script, [quiet(), keyed("*"), quiet(), take(), keyed("1"), True])
    assert prompts(asked)[2] == ("leave-message",)
    assert ending.outcome is Outcome.MESSAGE
    assert ending.reason == "the caller came outside the hours"


def test_who_presses_nothing_has_the_box() -> None:
    ending, asked = call(quiet(), quiet(), quiet(), quiet(), take(), keyed("1"), True)
    assert asked_for(asked) == []
    assert ending.outcome is Outcome.MESSAGE


def test_who_confirms_nothing_three_times_has_the_box() -> None:
    right = (keyed("4155550100#"), quiet())
    ending, asked = call(keyed("2"), *right, *right, *right, take(), keyed("1"), True)
    assert asked_for(asked) == []
    assert ending.outcome is Outcome.MESSAGE


def test_a_number_that_cannot_be_kept_is_said_and_a_message_is_the_last_way() -> None:
    ending, asked = call(keyed("1"), False, take(), keyed("1"), True)
    assert Play(("call-back-not-kept",)) in asked
    assert ending.outcome is Outcome.MESSAGE


def test_who_hangs_up_when_his_number_is_kept_has_asked() -> None:
    script = receive(stranger(CALLER), house())
    ending, asked = play(script, [keyed("1"), keyed("1"), True, HangsUp()])
    assert asked_for(asked) == [CALLER]
    assert ending.outcome is Outcome.ASKED_BACK


def test_who_hangs_up_before_he_has_confirmed_has_not() -> None:
    ending, asked = call(keyed("2"), keyed("4155550100#"), HangsUp())
    assert asked_for(asked) == []
    assert ending.outcome is Outcome.GAVE_UP
    assert ending.reason == "the caller hung up while leaving a number to be called back at"


def test_who_calls_outside_the_hours_may_be_offered_a_call_back_at_once() -> None:
    closed = Reply("closed", to=Choice("", Step.CALL_BACK, BOX.name))
    door = replace(DOOR, hours=hours.read("2020-01-01"), closed=closed)
    script = receive(stranger(CALLER), replace(house(), door=door))
    ending, asked = play(script, [quiet(), keyed("1"), True])
    assert prompts(asked) == [("closed",), OFFER]
    assert asked_for(asked) == [CALLER]
    assert ending.reason.endswith("the caller came outside the hours: to be called back by family")


def test_a_recording_that_keys_while_it_talks_leaves_no_number() -> None:
    talk = (Span(0.4, 6.0),)
    over = Heard(HeardBy.KEYS, "1", talk=talk, prompt=Span(0.0, 6.0), keyed_over_prompt=True)
    ending, asked = call(over, over, over, over, take(), keyed("1"), True)
    assert asked_for(asked) == []
    assert ending.outcome is Outcome.MESSAGE


# Numbers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "country", "e164"),
    [
        ("8055550142", "US", "+18055550142"),
        ("18055550142", "US", "+18055550142"),
        ("011442079460000", "US", "+442079460000"),
        ("03012345678", "DE", "+493012345678"),
        ("00442079460000", "DE", "+442079460000"),
        ("9005550100", "US", ""),
        ("011881612345678", "US", ""),  # a satellite phone
        ("09001234567", "DE", ""),
        ("5550142", "US", ""),
        ("112", "DE", ""),
        ("", "US", ""),
    ],
)
def test_which_numbers_can_be_called(text: str, country: str, e164: str) -> None:
    assert callable_number(text, country) == e164


@given(st.text("0123456789*#", max_size=60))
def test_whatever_is_keyed_is_a_number_or_none(text: str) -> None:
    found = callable_number(text, "US")
    assert found == "" or (found[0] == "+" and found[1:].isdigit() and len(found) <= 16)


@pytest.mark.parametrize(
    ("e164", "country", "said"),
    [
        ("+14155550100", "US", "4155550100"),
        ("+493012345678", "DE", "03012345678"),
        ("+442079460000", "GB", "02079460000"),
        ("+390612345678", "IT", "0612345678"),
        ("+14155550100", "DE", "+14155550100"),
        ("+442079460000", "US", "+442079460000"),
    ],
)
def test_a_number_is_said_as_it_is_dialled(e164: str, country: str, said: str) -> None:
    names = {"plus": "+"}
    assert "".join(names.get(p, p[-1]) for p in digits(e164, country)) == said


def test_the_request_tells_all_that_a_call_back_needs() -> None:
    request = Request(
        *("+14155550100", 7, CALLER, "Ann\r\nBcc: x", "+18182223333"),
        *("Friday 20 November 2026, 14:03", "the caller keyed 1"),
    )
    assert request.subject.startswith("Please call +1 415 555 0100 (Ann")
    text = "\n".join(request.lines)
    for told in ("+1 415 555 0100", "+1 805 555 0142", "+1 818 222 3333", "14:03"):
        assert told in text
    assert "screener calls show 7" in text
    assert "screener calls allow 7 or screener calls block 7" in text
    assert "\r" not in text + request.subject


def test_a_request_from_a_call_that_has_no_row_names_no_call() -> None:
    request = Request("+14155550100", 0, CALLER, "Ann", "+18182223333", "14:03", "he keyed 1")
    text = "\n".join(request.lines)
    assert "not in the list of calls: it could not be written down" in text
    assert "screener calls" not in text


# Emergency ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("country", "dialled"),
    [
        ("US", "911"),
        ("CA", "911"),
        ("MX", "911"),
        ("GB", "999"),
        ("HK", "999"),
        ("AU", "000"),
        ("DE", "112"),
        ("FR", "112"),
        ("CH", "112"),
        ("IN", "112"),
        ("NZ", "111"),
        ("JP", "110"),
        ("XX", "112"),
        ("", "112"),
    ],
)
def test_the_number_for_help_is_that_of_the_country(country: str, dialled: str) -> None:
    assert number.emergency_number(country) == dialled
    assert emergency.told(country) == ("emergency", *(f"digit-{d}" for d in dialled))


def test_who_looks_for_help_is_told_whom_to_dial_and_is_connected_to_nobody() -> None:
    steps = [keyed("2"), keyed("2"), quiet(), quiet(), quiet(), quiet(), take(), keyed("1"), True]
    ending, asked = play(receive(stranger(), house("GB")), steps)
    told = ("emergency", "digit-9", "digit-9", "digit-9", MENU.prompt)
    assert prompts(asked)[1:3] == [told, told]
    assert not any(isinstance(command, Ring) for command in asked)
    assert ending.outcome is Outcome.MESSAGE
