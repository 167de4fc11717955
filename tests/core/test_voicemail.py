"""The voicemail's script, played without a telephone: each command meets what the test answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest

from screener.core.script import Command, Hangup
from screener.core.visit import Unlock
from screener.core.voicemail import (
    NUMBERS,
    PROMPTS,
    Boxes,
    CallBack,
    Hear,
    Inbox,
    Listened,
    LookInto,
    Mark,
    Message,
    PassOn,
    Put,
    after_key,
    counted,
    hear_messages,
    in_order,
    told_when,
)
from screener.voice.prompts import SPOKEN
from tests.core import visits
from tests.core.visits import played

HOUSE = Boxes(("family",), ("family", "office"), "US", dials_out=True)
TODAY = date(2026, 11, 21)
ONE = Message("one", "+18055550142", datetime(2026, 11, 21, 14, 3))
TWO = Message("two", "", datetime(2026, 11, 20, 9, 0), new=False)
ANSWERED = (LookInto, Hear, Put, PassOn, CallBack)


def play(steps: Sequence[object], house: Boxes = HOUSE) -> list[Command[Any]]:
    """Run the script; every command that it yielded."""
    return visits.play(hear_messages(house), steps, answered=ANSWERED)


def marks(asked: Sequence[Command[Any]]) -> list[tuple[str, Mark]]:
    return [(c.message, c.mark) for c in asked if isinstance(c, Put)]


def inside(*messages: Message) -> tuple[object, ...]:
    """The PIN is right, and these are in the box."""
    return ("2468", True, Inbox(messages, TODAY))


HEARD = ("", Listened(), True)  # its header and itself to the end, marked
OVER = ("",)  # nothing is keyed after the last
DIGITS = tuple(f"digit-{d}" for d in "8055550142")


def test_a_message_is_heard_and_kept() -> None:
    asked = play([*inside(ONE, TWO), *HEARD, "9", True, *HEARD, "6", *OVER])
    assert played(asked) == [
        *("voicemail-pin", "voicemail-new", "number-1", "voicemail-heard", "number-1"),
        *("voicemail-from", *DIGITS, "voicemail-today", "voicemail-at", "number-14"),
        *("voicemail-hours", "number-3", "voicemail-keys", "voicemail-kept"),
        *("voicemail-from", "no-number", "voicemail-yesterday", "voicemail-at", "number-9"),
        *("voicemail-hours", "voicemail-keys", "voicemail-no-more", "goodbye"),
    ]
    assert marks(asked) == [("one", Mark.HEARD), ("one", Mark.HEARD), ("two", Mark.HEARD)]
    assert isinstance(asked[-1], Hangup)


def test_an_empty_box_says_so() -> None:
    asked = play(inside())
    assert played(asked) == ["voicemail-pin", "voicemail-none", "goodbye"]


def test_what_was_not_heard_to_its_end_stays_new() -> None:
    asked = play([*inside(ONE, TWO), "", Listened("6"), "", Listened("4"), "6", "6", *OVER])
    assert marks(asked) == []
    assert [c.message for c in asked if isinstance(c, Hear)] == ["one", "two"]


@pytest.mark.parametrize("during", [("7",), ("", Listened("7")), (*HEARD, "7")])
def test_it_is_deleted_at_any_time(during: tuple[object, ...]) -> None:
    asked = play([*inside(ONE), *during, True, "", *OVER])
    assert ("one", Mark.REMOVED) in marks(asked)
    assert "voicemail-removed" in played(asked)


def test_a_deletion_is_undone_at_once_or_on_the_way_back() -> None:
    at_once = play([*inside(ONE), "7", True, "7", True, "6", *OVER])
    assert marks(at_once) == [("one", Mark.REMOVED), ("one", Mark.BACK)]
    back = play([*inside(ONE), "7", True, "", "4", "7", True, "6", *OVER])
    assert marks(back) == [("one", Mark.REMOVED), ("one", Mark.BACK)]
    assert played(back).count("voicemail-is-removed") == 1
    assert played(back).count("voicemail-brought-back") == 1


def test_a_key_after_a_deletion_does_what_it_says() -> None:
    asked = play([*inside(ONE, TWO), "7", True, "5", "6", "6", *OVER])
    assert [p for p in played(asked) if p in ("voicemail-is-removed", "voicemail-no-more")] == [
        "voicemail-is-removed",
        "voicemail-no-more",
    ]


def test_a_mark_that_cannot_be_made_is_said() -> None:
    asked = play([*inside(ONE), "7", False, "6", *OVER])
    assert "voicemail-not-done" in played(asked)
    assert "voicemail-removed" not in played(asked)


def test_a_message_that_has_gone_is_passed_over() -> None:
    asked = play([*inside(ONE), "", Listened(there=False), *OVER])
    assert "voicemail-gone" in played(asked)


def test_it_is_passed_on_to_the_box_that_is_chosen() -> None:
    asked = play([*inside(ONE), *HEARD, "8", "1", True, True, "6", *OVER])
    assert PassOn("one", "office") in asked
    offered = ["voicemail-pass-on", "for", "box-office", "press", "digit-1"]
    assert played(asked)[played(asked).index("voicemail-pass-on") :][:5] == offered
    assert "voicemail-passed-on" in played(asked)


@pytest.mark.parametrize("keys", [("", ""), ("5", "0")])
def test_without_a_choice_nothing_is_passed_on(keys: tuple[str, ...]) -> None:
    asked = play([*inside(ONE), "8", *keys, "6", *OVER])
    assert not [c for c in asked if isinstance(c, PassOn)]
    assert "voicemail-not-done" in played(asked)


def test_a_disk_that_is_full_passes_nothing_on() -> None:
    asked = play([*inside(ONE), "8", "1", False, "6", *OVER])
    assert "voicemail-not-done" in played(asked)
    assert marks(asked) == []


def test_with_one_box_there_is_nowhere_to_pass_it_on_to() -> None:
    asked = play([*inside(ONE), "8", "6", *OVER], replace(HOUSE, all=("family",)))
    assert "voicemail-not-done" in played(asked)


def test_who_left_it_is_called_back() -> None:
    asked = play([*inside(ONE), *HEARD, "2", True, True])
    assert CallBack("one", "+18055550142") in asked
    assert played(asked)[-2:] == ["connecting", "goodbye"]


def test_who_does_not_answer_is_told_of() -> None:
    asked = play([*inside(ONE), "2", True, False, "6", *OVER])
    assert "voicemail-not-reached" in played(asked)


@pytest.mark.parametrize(
    "number",
    [
        *("", "+19005550142", "+448712345678", "+18055550142;x", "kitchen", "911", "+1" * 2000),
        *("+881612345678", "+8821612345678", "+870773123456"),  # satellites
    ],
)
def test_withheld_costly_and_impossible_numbers_are_not_called(number: str) -> None:
    asked = play([*inside(replace(ONE, number=number)), "2", "6", *OVER])
    assert not [c for c in asked if isinstance(c, CallBack)]
    assert "voicemail-no-call-back" in played(asked)


ABROAD = [("+5351234567", "plus"), ("+67570123456", "plus"), ("+18095551234", "digit-8")]


@pytest.mark.parametrize(("number", "first"), ABROAD)
def test_a_number_of_another_country_is_read_out_and_called_by_a_key_more(
    number: str, first: str
) -> None:
    abroad = replace(ONE, number=number)
    asked = play([*inside(abroad), *HEARD, "2", "2", True, True])
    assert CallBack("one", number) in asked
    said = played(asked)[played(asked).index("voicemail-abroad") :]
    assert said[1] == first
    assert said[-3:] == ["voicemail-abroad-call", "connecting", "goodbye"]


@pytest.mark.parametrize(("number", "first"), ABROAD)
@pytest.mark.parametrize("key", ["", "6"])
def test_a_number_of_another_country_is_not_called_without_that_key(
    number: str, first: str, key: str
) -> None:
    steps = ("6",) if key == "" else ()
    asked = play([*inside(replace(ONE, number=number)), *HEARD, "2", key, *steps, *OVER])
    assert first in played(asked)
    assert not [c for c in asked if isinstance(c, CallBack)]


def test_without_a_trunk_nobody_is_called() -> None:
    asked = play([*inside(ONE), "2", "6", *OVER], replace(HOUSE, dials_out=False))
    assert not [c for c in asked if isinstance(c, CallBack)]


@pytest.mark.parametrize(
    "number", ["", "Mom", "+1805555\r\n0142", "+1805é", "+٣٣٣٣٣", '"><script>', "+" + "1" * 4096]
)
def test_nothing_that_a_stranger_wrote_is_spoken_but_digits(number: str) -> None:
    spoken = {*played(play([*inside(replace(ONE, number=number)), "6", *OVER]))}
    assert "no-number" in spoken
    assert spoken <= {*SPOKEN, *NUMBERS}


def test_a_robots_message_is_called_one() -> None:
    asked = play([*inside(replace(ONE, robot=True)), "6", *OVER])
    assert "voicemail-reminder" in played(asked)
    assert "voicemail-from" not in played(asked)


def test_after_the_last_it_begins_again() -> None:
    asked = play([*inside(ONE), "6", "5", Inbox((ONE, TWO), TODAY), "6", "6", "4", "6", *OVER])
    assert len([c for c in asked if isinstance(c, LookInto)]) == 2


@pytest.mark.parametrize("key", ["5", "*"])
def test_it_is_heard_again(key: str) -> None:
    asked = play([*inside(ONE), *HEARD, key, *HEARD, "6", *OVER])
    assert [c.message for c in asked if isinstance(c, Hear)] == ["one", "one"]
    assert played(asked).count("voicemail-from") == 2


@pytest.mark.parametrize("key", ["0", "1", "3", "A"])
def test_a_key_that_means_nothing_has_the_keys_told(key: str) -> None:
    asked = play([*inside(ONE), *HEARD, key, "6", *OVER])
    assert played(asked).count("voicemail-keys") == 2


def test_who_keys_nothing_any_more_is_no_longer_there() -> None:
    asked = play([*inside(ONE), *HEARD, "", ""])
    assert played(asked).count("voicemail-keys") == 2
    assert isinstance(asked[-1], Hangup)


def test_of_several_boxes_one_is_chosen() -> None:
    house = replace(HOUSE, locked=("family", "office"))
    asked = play(["7", "2", "1234", True, Inbox((), TODAY)], house)
    assert Unlock("1234", "office") in asked
    assert LookInto("office") in asked
    offered = ["for", "box-family", "press", "digit-1", "for", "box-office", "press", "digit-2"]
    assert played(asked)[:8] == offered
    assert isinstance(play(["", ""], house)[-1], Hangup)


def test_three_wrong_pins_end_the_call() -> None:
    asked = play(["1111", False, "2222", False, "3333", False])
    assert played(asked) == [*("voicemail-pin", "voicemail-wrong-pin") * 3, "goodbye"]
    assert not [c for c in asked if isinstance(c, LookInto)]


def test_the_new_ones_are_heard_as_they_came_and_then_what_was_heard_the_last_one_first() -> None:
    came = [Message(str(n), "", datetime(2026, 11, 20, n), new=n in (2, 4)) for n in range(6)]
    assert [message.id for message in in_order(came[::-1])] == ["2", "4", "5", "3", "1", "0"]


@pytest.mark.parametrize(
    ("key", "at", "then"),
    [
        ("", 20.0, Listened()),
        ("7", 3.0, Listened("7")),
        ("#", 3.0, 8.0),
        ("#", 14.9, 19.9),
        ("#", 15.0, Listened()),  # beyond its end
        ("*", 8.0, 3.0),
        ("*", 3.0, 0.0),
    ],
)
def test_some_keys_skip_in_a_message_of_20_seconds(
    key: str, at: float, then: float | Listened
) -> None:
    assert after_key(key, at, 20.0) == then


def test_days_and_numbers_are_said() -> None:
    at = datetime(2026, 11, 9, 0, 30)
    assert told_when(at, TODAY) == (
        *("number-12", "voicemail-days-ago", "voicemail-at", "number-0", "voicemail-hours"),
        "number-30",
    )
    assert (
        told_when(datetime(2026, 11, 22, 1, 0), TODAY)[0] == "voicemail-today"
    )  # a clock set back
    assert counted(59) == ("number-59",)
    assert counted(1000) == ("digit-1", "digit-0", "digit-0", "digit-0")


def test_every_prompt_of_the_script_has_a_text() -> None:
    assert {*PROMPTS, "for", "press", "no-number", "connecting", "goodbye"} <= {*SPOKEN}
