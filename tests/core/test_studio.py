"""The studio's script, played without a telephone: each command meets what the test answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from screener.core.ownvoice import Fault
from screener.core.script import Command, Drop, Hangup
from screener.core.studio import (
    Adopt,
    Repertoire,
    TakeDown,
    Taken,
    record_prompts,
)
from screener.core.visit import Ask, Unlock, pause_after
from tests.core import visits
from tests.core.visits import played

HOUSE = Repertoire(
    ("en", "de"),
    {"en": ("greeting", "menu-1", *(f"p{n}" for n in range(3, 13))), "de": ("greeting", "menu-1")},
    {"1": "extension-1", "20": "extension-20"},
)
ANSWERED = (TakeDown, Adopt)


def play(steps: Sequence[object], house: Repertoire = HOUSE) -> list[Command[Any]]:
    """Run the script; every command that it yielded."""
    return visits.play(record_prompts(house), steps, answered=ANSWERED)


IN = ("2468", True)
OUT = ("", "")


def test_a_prompt_is_heard_recorded_heard_again_and_kept() -> None:
    asked = play([*IN, "1", "12", Taken("take-1"), "1", True, *OUT])
    assert played(asked) == [
        *("studio-pin", "studio-menu", "studio-language", "studio-number"),
        *("studio-prompt", "digit-1", "digit-2", "studio-now", "en/p12", "studio-record", "beep"),
        *("studio-review", "studio-kept", *("studio-menu", "studio-language") * 2, "goodbye"),
    ]
    assert Adopt("take-1", "en/p12") in asked
    assert [c.take for c in asked if isinstance(c, Ask) and c.take] == ["take-1"]
    assert isinstance(asked[-1], Hangup)
    assert not [c for c in asked if isinstance(c, Drop)]


def test_his_own_name_is_recorded_by_his_extension() -> None:
    asked = play([*IN, "2", "20", Taken("take-1"), "1", True, *OUT])
    assert Adopt("take-1", "en/extension-20") in asked
    assert [c.longest for c in asked if isinstance(c, Ask)][2] == 2


def test_it_is_said_again_until_it_is_good() -> None:
    asked = play([*IN, "1", "1", Taken("a"), "2", Taken("b"), "1", True, *OUT])
    assert Drop("a") in asked
    assert Adopt("b", "en/greeting") in asked
    assert played(asked).count("beep") == 2


@pytest.mark.parametrize("keys", ["3", "", "7"])
def test_what_is_not_wanted_changes_nothing(keys: str) -> None:
    asked = play([*IN, "1", "1", Taken("a"), keys, *OUT])
    assert Drop("a") in asked
    assert not [c for c in asked if isinstance(c, Adopt)]
    assert "studio-left" in played(asked)


def test_silence_is_not_kept() -> None:
    asked = play([*IN, "1", "1", Taken("a", Fault.SILENT), *OUT])
    assert Drop("a") in asked
    assert not [c for c in asked if isinstance(c, Adopt)]
    assert "studio-silent" in played(asked)


@pytest.mark.parametrize("fault", [Fault.CLIPPED, Fault.SHORT, Fault.LONG])
def test_what_is_not_fit_is_recorded_again(fault: Fault) -> None:
    asked = play([*IN, "1", "1", Taken("a", fault), Taken("b"), "1", True, *OUT])
    assert Drop("a") in asked
    assert f"studio-{fault.name.lower()}" in played(asked)
    assert Adopt("b", "en/greeting") in asked


def test_a_full_disk_is_said() -> None:
    assert "studio-not-kept" in played(play([*IN, "1", "1", Taken("a"), "1", False, *OUT]))


def test_three_wrong_pins_end_the_call() -> None:
    asked = play(["1111", False, "3333", False, "2222", False])
    assert played(asked) == [*("studio-pin", "studio-wrong-pin") * 3, "goodbye"]
    assert isinstance(asked[-1], Hangup)


def test_who_keys_nothing_has_guessed_nothing() -> None:
    asked = play(["", "", ""])
    assert played(asked) == [*("studio-pin",) * 3, "goodbye"]
    assert not any(isinstance(command, Unlock) for command in asked)


def test_a_pin_may_be_right_the_third_time() -> None:
    asked = play(["1111", False, "2222", False, "2468", True, *OUT])
    assert "studio-menu" in played(asked)


@pytest.mark.parametrize("number", ["0", "13", "99", "*"])
def test_a_number_that_no_prompt_has_is_said(number: str) -> None:
    assert "studio-none" in played(play([*IN, "1", number, *OUT]))


def test_an_extension_that_is_not_there_is_said() -> None:
    assert "no-such-extension" in played(play([*IN, "2", "9", *OUT]))


def test_all_prompts_are_read_out_with_their_numbers_until_a_key() -> None:
    asked = play([*IN, "3", *[""] * 11, "5", *OUT])
    said = played(asked)
    assert said[3:7] == ["digit-1", "en/greeting", "digit-2", "en/menu-1"]
    assert said[-8:-5] == ["digit-1", "digit-2", "en/p12"]


def test_the_other_language_is_a_key_away() -> None:
    asked = play([*IN, "4", "1", "2", Taken("a"), "1", True, "4", "2", "1", Taken("b"), "1", True,
                  *OUT])  # fmt: skip
    adopted = [c.prompt for c in asked if isinstance(c, Adopt)]
    assert adopted == ["de/menu-1", "en/extension-1"]


def test_a_house_of_one_language_is_asked_for_none() -> None:
    one = Repertoire(("en",), {"en": ("greeting",)}, {})
    asked = play([*IN, "4", *OUT], one)
    assert "studio-language" not in played(asked)


def test_pauses_grow_and_end_somewhere() -> None:
    pauses = [pause_after(wrong) for wrong in range(40)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[3], pauses[-1]) == (0.0, 4.0, 300.0)
