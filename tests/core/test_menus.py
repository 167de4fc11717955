"""Menus, hours, operator, phone book and unsure hearings: whole calls, played in a millisecond."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.core.attendant import MOST_QUESTIONS
from screener.core.call import Ending, Outcome
from screener.core.challenge import challenge, said
from screener.core.frontdoor import (
    Challenged,
    Choice,
    Directory,
    Extension,
    FrontDoor,
    Holiday,
    Menu,
    Reply,
    Step,
)
from screener.core.grammar import spoken
from screener.core.hours import read
from screener.core.menu import options, said_at
from screener.core.reception import Reception, receive
from screener.core.rules import RuleSet
from screener.core.script import (
    Command,
    Heard,
    HeardBy,
    Keep,
    Listen,
    Overhear,
    Play,
    Record,
    Replay,
    Ring,
    Span,
    Speak,
)
from tests.core import lines
from tests.core.lines import (
    BOX,
    DOOR,
    FAMILY,
    OFFICE,
    HangsUp,
    answered,
    keyed,
    play,
    quiet,
    stranger,
    take,
    talked,
)

MAIN = Menu(
    "main",
    {
        "1": Choice("1", Step.EXTENSION, "1", ("family", "home")),
        "2": Choice("2", Step.MENU, "services", ("services",)),
        "3": Choice("3", Step.MENU, "main", ("again",)),
        "4": Choice("4", Step.MESSAGE, "family", ("message", "leave a message")),
    },
)
SERVICES = Menu(
    "services",
    {
        "1": Choice("1", Step.SAY, "opening-hours", ("opening hours",)),
        "2": Choice("2", Step.MENU, "deep", ("more",)),
        "9": Choice("9", Step.DIRECTORY, "", ("directory",)),
    },
)
DEEP = Menu("deep", {"7": Choice("7", Step.EXTENSION, "20", ("repairs",))})
MENUS = {each.name: each for each in (MAIN, SERVICES, DEEP)}
HOUSE = replace(DOOR, open=Reply("greeting", MAIN), challenged=Challenged.NEVER)
# The stranger calls on Friday, 20 November 2026, at 14:03.
OPEN, SHUT = read("mon-fri 09:00-17:00"), read("sat, sun")
AT_MAIN = ("greeting", "menu-main")


def received(door: FrontDoor, *steps: object) -> tuple[Ending, list[Command[Any]]]:
    groups = {group.name: group for group in (FAMILY, OFFICE)}
    house = Directory({door.did: door}, {}, groups, {BOX.name: BOX}, _extensions(door), MENUS)
    return play(receive(stranger(), Reception(door, house, RuleSet(), chance=1)), steps)


def _extensions(door: FrontDoor) -> Mapping[str, Extension]:
    return {**DOOR.extensions, **door.extensions}


def _house() -> Directory:
    return Directory({}, {}, {}, {BOX.name: BOX}, DOOR.extensions, MENUS)


def call(*steps: object) -> tuple[Ending, list[Command[Any]]]:
    return received(HOUSE, *steps)


def prompts(asked: list[Command[Any]]) -> list[tuple[str, ...]]:
    return [command.prompts for command in asked if isinstance(command, Listen)]


def rung(asked: list[Command[Any]]) -> list[str]:
    return [command.group.name for command in asked if isinstance(command, Ring)]


def unsure(words: str) -> Heard:
    return replace(lines.said(words), sure=False)


# Menus --------------------------------------------------------------------------------------------


def test_a_menu_is_read_out_after_the_greeting() -> None:
    ending, asked = call(keyed("1"), answered())
    assert prompts(asked) == [AT_MAIN]
    assert rung(asked) == ["family"]
    assert ending.reason == "the caller keyed 1: extension 1, family"


def test_a_menu_leads_to_a_menu_that_leads_to_a_menu() -> None:
    ending, asked = call(keyed("2"), lines.said("more"), keyed("7"), answered("study"))
    assert prompts(asked) == [AT_MAIN, ("menu-services",), ("menu-deep",)]
    assert ending.reason == "the caller keyed 7: extension 20, office"


def test_extensions_can_be_dialled_in_every_menu() -> None:
    _, asked = call(keyed("2"), keyed("20"), answered("study"))
    assert rung(asked) == ["office"]
    listens = [command for command in asked if isinstance(command, Listen)]
    assert listens[1].extensions == {"1", "2", "9", "20"}


def test_an_extension_whose_digits_mean_something_else_there_can_be_said() -> None:
    _, asked = call(keyed("2"), lines.said("family"), answered())
    assert rung(asked) == ["family"]
    _, asked = call(keyed("2"), keyed("1"), keyed("20"), answered())
    assert prompts(asked)[2] == ("opening-hours", "menu-services")


def test_the_star_leads_back_to_the_main_menu_and_the_hash_repeats() -> None:
    _, asked = call(keyed("2"), keyed("2"), keyed("#"), keyed("*"), keyed("1"), answered())
    assert prompts(asked)[2:] == [("menu-deep",), ("menu-deep",), ("menu-main",)]


def test_neither_of_them_is_a_try() -> None:
    keys = [keyed("#")] * 5 + [keyed("*")] * 5
    _, asked = call(*keys, keyed("1"), answered())
    assert rung(asked) == ["family"]


def test_the_hash_may_end_what_is_keyed_and_the_star_takes_it_back() -> None:
    _, asked = call(keyed("20#"), answered("study"))
    assert rung(asked) == ["office"]
    _, asked = call(keyed("2"), keyed("2*"), keyed("1"), answered())
    assert prompts(asked)[2] == ("menu-main",)


def test_zero_is_the_operator() -> None:
    office = DOOR.extensions["20"]
    ending, asked = received(replace(HOUSE, operator=office), keyed("0"), answered("study"))
    assert ending.reason == "the caller keyed 0: extension 20, office"
    _, asked = received(replace(HOUSE, operator=office), lines.said("operator"), answered())
    assert rung(asked) == ["office"]


def test_without_an_operator_zero_rings_the_doors_group() -> None:
    ending, asked = received(replace(HOUSE, group=OFFICE), keyed("0"), answered())
    assert rung(asked) == ["office"]
    assert ending.reason == "the caller keyed 0: the operator"


def test_what_the_owner_gives_zero_to_goes_before_the_operator() -> None:
    zero = Extension("0", (), OFFICE, BOX)
    door = replace(DOOR, extensions={**DOOR.extensions, "0": zero}, operator=DOOR.extensions["1"])
    _, asked = received(door, keyed("0"), answered())
    assert rung(asked) == ["office"]


def test_who_asks_for_a_message_records_one() -> None:
    for choice in (keyed("4"), lines.said("leave a message")):
        ending, asked = call(choice, take(), keyed("1"), True)
        assert Record(BOX) in asked
        assert ending.outcome is Outcome.MESSAGE
        assert ending.reason.endswith(": a message for family")


def test_a_wrong_key_is_told_and_the_last_one_ends_at_the_box() -> None:
    wrong = [keyed("8")] * HOUSE.tries
    ending, asked = call(keyed("2"), *wrong, quiet(), take(), keyed("1"), True)
    assert prompts(asked)[2:] == [
        ("no-such-extension", "menu-services"),
        ("no-such-extension", "menu-services"),
        ("leave-message",),
    ]
    assert ending.outcome is Outcome.MESSAGE


def test_a_menu_that_leads_to_itself_has_an_end() -> None:
    round_about = [keyed("3")] * MOST_QUESTIONS
    ending, asked = call(*round_about, quiet(), take(), keyed("1"), True)
    assert prompts(asked)[-1] == ("leave-message",)
    assert ending.outcome is Outcome.MESSAGE


def test_a_key_in_the_midst_of_long_talk_chooses_nothing() -> None:
    over = Heard(
        HeardBy.KEYS, "2", talk=(Span(0.4, 6.0),), prompt=Span(0.0, 6.0), keyed_over_prompt=True
    )
    door = replace(HOUSE, challenged=Challenged.UNSURE)
    _, asked = received(door, over, keyed(challenge(1, 1).answer), keyed("7"), *[keyed("8")] * 2,
                        answered())  # fmt: skip
    assert prompts(asked)[1] == challenge(1, 1).prompts
    assert prompts(asked)[2] == ("menu-services",)  # proved, he goes where he wanted to


def test_every_phrase_of_a_menu_leads_where_its_keys_lead() -> None:
    for each in MENUS.values():
        offered = options(HOUSE, each)
        for phrase in offered.phrases:
            assert offered.chosen(lines.said(phrase)) is not None
        for keys in offered.keys:
            assert offered.chosen(keyed(keys)) == offered.offered[keys]


STEPS = st.sampled_from(
    [
        *(keyed(keys) for keys in ("1", "2", "3", "4", "7", "8", "9", "0", "20", "*", "#", "1*")),
        quiet(),
        lines.said(""),
        lines.said("services"),
        unsure("services"),
        unsure("yes"),
        talked(0.4, 7.5, Span(0.0, 6.0)),
        talked(0.4, 7.5, Span(0.0, 6.0), "account", "press a digit"),
    ]
)


@given(st.lists(STEPS, max_size=200), st.sampled_from(Challenged))
def test_every_call_ends_whatever_the_caller_does(steps: list[Heard], asked: Challenged) -> None:
    """Nobody is asked for ever, and nobody who keyed something is left without the box."""
    door = replace(HOUSE, challenged=asked)
    script = receive(stranger(), Reception(door, _house(), RuleSet(), chance=1))
    left = iter(steps)
    questions = 0
    outcome: object = None
    try:
        while True:
            command = script.send(outcome)
            outcome = None
            if isinstance(command, Listen):
                questions += 1
                outcome = next(left, quiet())
            elif isinstance(command, Ring):
                outcome = answered()
            elif isinstance(command, Record):
                outcome = take(speech=0.0)
            elif isinstance(command, Keep):
                outcome = True
    except StopIteration as over:
        assert isinstance(over.value, Ending)
    assert questions <= 4 * MOST_QUESTIONS


def over_talk(keys: str) -> Heard:
    talk = (Span(0.4, 6.0),)
    return Heard(HeardBy.KEYS, keys, talk=talk, prompt=Span(0.0, 6.0), keyed_over_prompt=True)


TALK = st.sampled_from(
    [
        *(over_talk(keys) for keys in ("1", "2", "7", "9", "0", "20", "*", "#")),
        quiet(),
        talked(0.4, 7.5, Span(0.0, 6.0)),
        talked(0.4, 7.5, Span(0.0, 6.0), "account", "press a digit"),
        talked(0.4, 7.5, Span(0.0, 6.0), "appointment"),
    ]
)


@given(st.lists(TALK, max_size=60), st.sampled_from(Challenged), st.booleans())
def test_who_only_talks_rings_no_phone_whatever_menus_there_are(
    steps: list[Heard], asked: Challenged, open_now: bool
) -> None:
    """Nor does what is keyed in the midst of it, and he is not asked more often than without."""
    closed = Reply("closed", DEEP)
    door = replace(HOUSE, challenged=asked, hours=OPEN if open_now else SHUT, closed=closed)
    script = receive(stranger(), Reception(door, _house(), RuleSet(), chance=1))
    left = iter(steps)
    outcome: object = None
    questions = 0
    try:
        while True:
            command = script.send(outcome)
            assert not isinstance(command, Ring)
            outcome = None
            if isinstance(command, Listen):
                questions += 1
                outcome = next(left, quiet())
            elif isinstance(command, Record | Overhear):
                outcome = take()
            elif isinstance(command, Replay):
                outcome = quiet()
            elif isinstance(command, Keep):
                outcome = True
    except StopIteration:
        pass
    assert questions <= door.tries + 4  # two riddles, the box, "if you are a person"


# Hours --------------------------------------------------------------------------------------------


TO_BOX = Choice("", Step.MESSAGE, BOX.name)


def test_within_the_hours_the_door_is_open() -> None:
    _, asked = received(replace(HOUSE, hours=OPEN), keyed("1"), answered())
    assert prompts(asked) == [AT_MAIN]


def test_outside_them_another_menu_is_read_out() -> None:
    door = replace(HOUSE, hours=SHUT, closed=Reply("closed", DEEP))
    _, asked = received(door, keyed("*"), keyed("7"), answered())
    assert prompts(asked) == [("closed", "menu-deep"), ("menu-deep",)]


def test_outside_them_callers_may_leave_a_message() -> None:
    door = replace(HOUSE, hours=SHUT, closed=Reply("closed", None, TO_BOX))
    ending, asked = received(door, quiet(), quiet(), take(), keyed("1"), True)
    assert prompts(asked) == [("closed",), ("leave-message",)]
    assert ending.outcome is Outcome.MESSAGE
    assert ending.reason == "the caller came outside the hours"
    assert not rung(asked)


def test_a_robot_that_calls_outside_the_hours_leaves_none() -> None:
    door = replace(HOUSE, hours=SHUT, closed=Reply("closed", None, TO_BOX))
    robot = talked(0.4, 7.5, Span(0.0, 6.0), "account", "press a digit")
    ending, _ = received(door, robot, talked(7.5, 10.2, Span(7.5, 10.5)), quiet())
    assert ending.outcome is Outcome.TREATED


def test_outside_them_phones_ring_for_who_answers_the_challenge() -> None:
    to = Choice("", Step.EXTENSION, "20")
    door = replace(DOOR, hours=SHUT, closed=Reply("closed", None, to))
    right = lines.said(said(challenge(1, 1).answer))
    ending, asked = received(door, quiet(), right, answered("study"))
    assert prompts(asked) == [("closed",), challenge(1, 1).prompts]
    assert rung(asked) == ["office"]
    assert ending.reason == "the caller came outside the hours: extension 20, office"
    _, asked = received(door, quiet(), quiet())
    assert rung(asked) == []
    _, asked = received(replace(door, challenged=Challenged.NEVER), quiet(), answered())
    assert rung(asked) == ["office"]


@pytest.mark.parametrize(
    ("to", "rings"),
    [
        (Choice("", Step.EXTENSION, "20"), ["office"]),
        (Choice("", Step.OPERATOR), ["family"]),
        (None, ["family"]),
    ],
)
def test_outside_them_who_cannot_be_heard_gets_where_callers_get_then(
    to: Choice | None, rings: list[str]
) -> None:
    closed = Reply("closed", DEEP if to is None else None, to)
    door = replace(HOUSE, hours=SHUT, closed=closed, challenged=Challenged.ALWAYS)
    ending, asked = received(door, lines.unheard(), answered())
    assert rung(asked) == rings
    assert ending.outcome is Outcome.CONNECTED


def test_outside_them_who_cannot_be_heard_may_leave_a_message() -> None:
    closed = Reply("closed", None, TO_BOX)
    door = replace(HOUSE, hours=SHUT, closed=closed, challenged=Challenged.ALWAYS)
    ending, asked = received(door, lines.unheard(), take(), keyed("1"), True)
    assert rung(asked) == []
    assert ending.outcome is Outcome.MESSAGE


def test_a_holiday_goes_before_the_hours() -> None:
    day = Holiday("a feast", date(2026, 11, 20), date(2026, 11, 20))
    door = replace(HOUSE, hours=OPEN, holidays=(day,), closed=Reply("closed", DEEP))
    _, asked = received(door, keyed("7"), answered())
    assert prompts(asked) == [("closed", "menu-deep")]
    _, asked = received(replace(door, holiday=Reply("holiday", DEEP)), keyed("7"), answered())
    assert prompts(asked) == [("holiday", "menu-deep")]
    other = replace(day, first=date(2026, 11, 21), last=date(2026, 11, 22))
    _, asked = received(replace(door, holidays=(other,)), keyed("1"), answered())
    assert prompts(asked) == [AT_MAIN]


# Who wants nobody in particular -------------------------------------------------------------------


@pytest.mark.parametrize("menu", [None, *MENUS.values()])
def test_the_operator_and_a_message_can_be_said_everywhere(menu: Menu | None) -> None:
    door = replace(DOOR, open=Reply("greeting", menu), operator=None)
    ending, asked = received(door, lines.said("operator"), answered())
    assert rung(asked) == [DOOR.group.name]
    assert ending.reason == 'the caller said "operator": the operator'
    ending, asked = received(door, lines.said("message"), take(), keyed("1"), True)
    assert rung(asked) == []
    assert [c.box for c in asked if isinstance(c, Keep)] == [DOOR.box]
    assert ending.reason.startswith('the caller said "message": a message for family')


def test_what_can_be_said_everywhere_makes_no_spoken_answer_longer() -> None:
    """Nor is a "zero" the operator, which would be one more short word that rings a phone."""
    door = replace(DOOR, operator=None)
    alone = spoken(door.extensions).keys()
    assert options(door, None).phrases == alone | {"operator", "message"}
    assert options(door, None).keys == door.extensions.keys()


def test_what_the_owner_calls_so_goes_before_what_can_be_said_everywhere() -> None:
    office = replace(DOOR.extensions["20"], names=("message", "operator"))
    door = replace(DOOR, extensions={"20": office})
    for words in ("message", "operator"):
        _, asked = received(door, lines.said(words), answered("study"))
        assert rung(asked) == ["office"]


def test_the_operator_is_asked_for_by_its_own_prompt_where_0_is_something_else() -> None:
    zero = Menu("zero", {"0": Choice("0", Step.MENU, "services", ("services",))})
    door = replace(DOOR, open=Reply("greeting", zero))
    _, asked = received(door, unsure("operator"), keyed("8"), unsure("message"), HangsUp())
    assert prompts(asked)[1] == ("operator", "confirm-hearing")
    assert prompts(asked)[3] == ("message", "confirm-hearing")


# Language -----------------------------------------------------------------------------------------


def test_a_door_speaks_its_language_and_takes_keys_where_it_is_not_understood() -> None:
    door = replace(HOUSE, language="de", by_key=True)
    _, asked = received(door, keyed("1"), answered())
    assert Speak("de") in asked
    assert [c.expected for c in asked if isinstance(c, Listen)] == [frozenset()]
    _, asked = call(keyed("1"), answered())
    assert not [c for c in asked if isinstance(c, Speak)]


def test_its_challenge_is_keyed_too() -> None:
    door = replace(HOUSE, by_key=True, challenged=Challenged.ALWAYS)
    _, asked = received(door, keyed(challenge(1, 1, by_key=True).answer), keyed("1"), answered())
    assert prompts(asked)[0][0] == "challenge-press"
    assert [c.expected for c in asked if isinstance(c, Listen)] == [frozenset(), frozenset()]


# An unsure hearing --------------------------------------------------------------------------------

CONFIRM = ("extension-1", "confirm-hearing")


@pytest.mark.parametrize(
    "yes", [keyed("1"), lines.said("yes"), unsure("yes"), lines.said("family")]
)
def test_an_unsure_hearing_is_confirmed(yes: Heard) -> None:
    ending, asked = call(unsure("family"), yes, answered())
    assert prompts(asked) == [AT_MAIN, CONFIRM]
    assert ending.reason == 'the caller said "family" and confirmed it: extension 1, family'


@pytest.mark.parametrize("no", [keyed("8"), lines.said("no"), lines.said(""), unsure("family")])
def test_what_is_not_confirmed_is_asked_again(no: Heard) -> None:
    _, asked = call(unsure("family"), no, lines.said("home"), answered())
    assert prompts(asked) == [AT_MAIN, CONFIRM, ("again", "menu-main")]
    assert rung(asked) == ["family"]


def test_who_keys_another_choice_when_asked_means_it() -> None:
    ending, asked = call(unsure("services"), keyed("20"), answered())
    assert rung(asked) == ["office"]
    assert ending.reason == "the caller keyed 20: extension 20, office"


def test_after_two_unsure_hearings_only_keys_count() -> None:
    steps = (unsure("family"), keyed("8"), unsure("services"), keyed("8"), keyed("1"), answered())
    _, asked = call(*steps)
    assert prompts(asked)[3:] == [("choice-main-2", "confirm-hearing"), ("press-keys", "menu-main")]
    listens = [command for command in asked if isinstance(command, Listen)]
    assert listens[2].expected
    assert not listens[4].expected


# The phone book -----------------------------------------------------------------------------------

PEOPLE = {
    str(n): Extension(str(n), (name,), OFFICE if n == 41 else FAMILY, BOX)
    for n, name in enumerate(("anna miller", "otto müller", "zoë quincey"), 40)
}
BOOK = replace(HOUSE, extensions=PEOPLE, open=Reply("greeting", SERVICES))


def test_one_name_that_fits_rings_after_it_was_said() -> None:
    ending, asked = received(BOOK, keyed("9"), keyed("688"), answered())
    assert prompts(asked)[1] == ("spell-name",)
    assert Ring(OFFICE, meanwhile=("extension-41", "connecting")) in asked
    assert ending.reason == "the caller spelled otto müller: extension 41, otto müller"


def test_several_are_read_out_each_with_a_key() -> None:
    _, asked = received(BOOK, keyed("9"), keyed("6#"), keyed("2"), answered())
    assert prompts(asked)[2] == (
        *("for", "extension-40", "press", "digit-1"),
        *("for", "extension-41", "press", "digit-2"),
    )
    assert rung(asked) == ["office"]


def test_where_none_fits_he_is_asked_again_and_then_is_back_in_the_menu() -> None:
    _, asked = received(BOOK, keyed("9"), *[keyed("555#")] * 3, keyed("40"), answered())
    assert prompts(asked)[2:] == [
        ("no-such-name", "spell-name"),
        ("no-such-name", "spell-name"),
        ("menu-services",),
    ]


def test_the_star_leads_out_of_it() -> None:
    _, asked = received(BOOK, keyed("9"), keyed("6*"), keyed("40"), answered())
    assert prompts(asked)[2] == ("menu-services",)
    _, asked = received(BOOK, keyed("9"), keyed("6#"), keyed("*"), keyed("40"), answered())
    assert prompts(asked)[3] == ("menu-services",)


def test_too_many_are_asked_for_more_of_the_name() -> None:
    many = {str(n): Extension(str(n), (f"anna {'x' * n}",), FAMILY, BOX) for n in range(10, 20)}
    door = replace(BOOK, extensions=many)
    _, asked = received(door, keyed("9"), keyed("266"), keyed("*"), keyed("10"), answered())
    assert prompts(asked)[2] == ("several-names", "spell-name")


def test_who_falls_silent_at_the_phone_book_ends_at_the_box() -> None:
    silence = [quiet()] * (2 * BOOK.tries + 1)
    ending, asked = received(BOOK, lines.said("directory"), *silence, take(), keyed("1"), True)
    assert Play(("kept",)) in asked
    assert ending.outcome is Outcome.MESSAGE


def test_what_may_be_said_at_the_doors_is_known_beforehand() -> None:
    said_there = said_at([HOUSE, replace(HOUSE, by_key=True)], MENUS.values())
    assert {"family", "two zero", "services", "repairs", "leave a message"} <= said_there
    assert said_at([replace(HOUSE, by_key=True)], MENUS.values()) == frozenset()
