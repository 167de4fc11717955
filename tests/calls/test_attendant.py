"""The attendant on a real line: menus in menus, hours, names on the keys, what is misheard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from screener.asterisk.installation import Installation
from screener.core.attendant import MOST_QUESTIONS
from screener.core.call import Outcome
from screener.core.listening import BETWEEN_KEYS
from screener.core.story import CallRow
from screener.voice.prompts import Prompts
from tests.calls import speech
from tests.calls.callers import BEEP, Caller
from tests.calls.patience import talk, until
from tests.calls.stage import Stage

PLAIN = "+18182220001"  # no menu: the extensions alone
SHUT = "+18182220002"  # outside its hours, always: the message box
NIGHT = "+18182220003"  # outside its hours: another menu
SMALL = "+18182220005"  # two extensions of one digit
LOOP = "+18182220004"  # its menu leads to itself, also round about

DOOR = """menu = "main"
operator = "1"
challenge = "never"
"""
MORE = f"""
[extensions.20]
names = ["anna miller"]
ring = "office"
box = "family"
[extensions.21]
names = ["otto müller"]
ring = "family"
box = "family"
[menus.main.choices]
3 = "menu services"
5 = "message family"
9 = "directory"
[menus.services.choices]
4 = {{ to = "menu deep", names = ["repairs"] }}
6 = {{ to = "say closed", names = ["opening hours"] }}
[menus.deep.choices]
7 = "extension 2"
[menus.loop.choices]
3 = "menu loop"
4 = "menu about"
[menus.about.choices]
3 = "menu loop"
[dids."{PLAIN}"]
ring = "family"
box = "family"
[dids."{SHUT}"]
ring = "family"
box = "family"
hours = "2020-01-01"
[dids."{NIGHT}"]
ring = "family"
box = "family"
hours = "2020-01-01"
closed = {{ menu = "deep" }}
[dids."{SMALL}"]
ring = "family"
box = "family"
extensions = ["1", "2"]
challenge = "never"
[dids."{LOOP}"]
ring = "family"
box = "family"
menu = "loop"
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(installation: Installation) -> AsyncIterator[Stage]:
    """A house with menus and hours."""
    groups = {"family": 'phones = ["kitchen"]'}
    async with Stage(installation, door=DOOR, groups=groups, more=MORE) as stage:
        yield stage


async def asked(call: Caller) -> None:
    """Until the greeting has begun."""
    await call.answered()
    await call.hear_sound(within=5)


async def press(stage: Stage, call: Caller, *keys: str) -> None:
    """Press keys, each over the prompt that the one before has led to."""

    async def asked_again(times: int) -> None:
        def questions() -> list[str]:
            return [question for row in stage.rows()[-1:] for question in played(stage, row)]

        await until(lambda: len(questions()) >= times, f"question {times}", instead=questions)

    for number, key in enumerate(keys, start=1):
        await asked_again(number)
        await call.speak(speech.silence(0.4))
        await call.key(key)


async def connected(stage: Stage, call: Caller, phone: str) -> CallRow:
    """The row of the call, which this phone has answered."""
    await stage.phones[phone].answered(within=15)
    await talk(stage, call)
    await call.hang_up()
    row = await stage.row(within=20)
    assert row.outcome == Outcome.CONNECTED
    assert row.answered_by == phone
    return row


def played(stage: Stage, row: CallRow) -> list[str]:
    """What the caller was asked, one question after the other."""
    lines = (line.text for line in stage.story(row) if line.text.startswith("playing "))
    return [line.removeprefix("playing ").replace('"', "") for line in lines]


async def test_keys_lead_through_menus_over_their_prompts(stage: Stage) -> None:
    async with stage.caller() as call:
        await asked(call)
        await press(stage, call, "3", "4", "7")
        row = await connected(stage, call, "office")
    assert played(stage, row)[:3] == ["greeting, menu-main", "menu-services", "menu-deep"]
    assert row.reason == "the caller keyed 7: extension 2, office"


async def test_words_lead_through_menus(stage: Stage) -> None:
    services, repairs = speech.say("services"), speech.say("repairs")
    async with stage.caller() as call:
        await asked(call)
        await call.hear_quiet(2.0, within=40)
        await call.speak(services)
        await call.hear_sound(within=5)
        await call.hear_quiet(2.0, within=40)
        await call.speak(repairs)
        await call.hear_sound(within=5)
        await call.key("7")
        row = await connected(stage, call, "office")
    assert played(stage, row)[:3] == ["greeting, menu-main", "menu-services", "menu-deep"]


async def test_who_answers_over_the_prompts_end_is_understood(stage: Stage) -> None:
    office = speech.say("office")
    seconds = Prompts.open(stage.settings).seconds("press-now")
    async with stage.caller(did=SMALL) as call:
        await asked(call)
        await call.hear_quiet(3.0, within=30)
        await call.hear_sound(within=10)  # he has said nothing, and is asked again
        await asyncio.sleep(seconds - 0.1)  # he is a breath early, as people are
        await call.speak(office)
        row = await connected(stage, call, "office")
    assert played(stage, row)[1] == "press-now"
    assert row.reason == 'the caller said "office": extension 2, office'


async def test_the_star_leads_back_and_the_hash_repeats(stage: Stage) -> None:
    async with stage.caller() as call:
        await asked(call)
        await press(stage, call, "3", "4", "#", "*", "#", "1")
        row = await connected(stage, call, "kitchen")
    assert played(stage, row)[1:6] == [
        *("menu-services", "menu-deep", "menu-deep"),
        *("menu-main", "menu-main"),
    ]


async def test_zero_is_the_operator(stage: Stage) -> None:
    async with stage.caller() as call:
        await asked(call)
        await press(stage, call, "3", "0")
        row = await connected(stage, call, "kitchen")
    assert row.reason == "the caller keyed 0: extension 1, family"


async def test_what_is_said_comes_before_the_menu_again(stage: Stage) -> None:
    async with stage.caller() as call:
        await asked(call)
        await press(stage, call, "3", "6", "4", "7")
        row = await connected(stage, call, "office")
    assert played(stage, row)[1:4] == ["menu-services", "closed, menu-services", "menu-deep"]


async def test_wrong_keys_are_told_and_end_at_the_message_box(stage: Stage) -> None:
    words = speech.say("please call me back about the garden gate")
    async with stage.caller() as call:
        await asked(call)
        await press(stage, call, "8", "8", "8")
        await call.hear_beep(within=30)
        await call.speak(words)
        await call.hang_up()
    row = await stage.row(within=20)
    assert row.outcome == Outcome.MESSAGE
    assert played(stage, row)[:4] == [
        "greeting, menu-main",
        *["no-such-extension, menu-main"] * 2,
        "leave-message",
    ]
    assert stage.rung == ()


@pytest.mark.parametrize(("keys", "phone"), [("2", "office"), ("21", "kitchen"), ("2#", "office")])
async def test_digits_that_begin_longer_ones_wait_for_more(
    stage: Stage, keys: str, phone: str
) -> None:
    async with stage.caller(did=PLAIN) as call:
        await asked(call)
        pressed = await call.key(keys)
        rang = await stage.phones[phone].rang(within=10)
        assert (rang.invited - pressed > BETWEEN_KEYS - 0.2) == (keys == "2")
        await connected(stage, call, phone)


async def test_a_name_that_one_has_rings_after_it_was_said(stage: Stage) -> None:
    async with stage.caller() as call:
        await asked(call)
        await press(stage, call, "9", "688")
        row = await connected(stage, call, "kitchen")
    assert played(stage, row)[1] == "spell-name"
    assert row.reason == "the caller spelled otto müller: extension 21, otto müller"


async def test_a_name_that_several_have_is_read_out_with_a_key_for_each(stage: Stage) -> None:
    async with stage.caller() as call:
        await asked(call)
        await press(stage, call, "9", "6#", "1")
        row = await connected(stage, call, "office")
    assert played(stage, row)[2] == (
        "for, extension-20, press, digit-1, for, extension-2, press, digit-2,"
        " for, extension-21, press, digit-3"
    )


async def test_outside_the_hours_callers_leave_a_message(stage: Stage) -> None:
    words = speech.say("please call me back about the garden gate")
    async with stage.caller(did=SHUT) as call:
        await call.answered()
        await call.hear_beep(within=30)
        await call.speak(words)
        await call.hang_up()
    row = await stage.row(within=20)
    assert (row.outcome, row.reason) == (Outcome.MESSAGE, "the caller came outside the hours")
    assert stage.rung == ()


async def test_outside_the_hours_another_menu_is_offered(stage: Stage) -> None:
    async with stage.caller(did=NIGHT) as call:
        await asked(call)
        await call.key("7")
        row = await connected(stage, call, "office")
    assert played(stage, row)[0] == "closed, menu-deep"


async def test_a_menu_that_leads_to_itself_ends_at_the_message_box(stage: Stage) -> None:
    async with stage.caller(did=LOOP) as call:
        await asked(call)
        turns = ["43"[turn % 2] if turn < 4 else "3" for turn in range(MOST_QUESTIONS)]
        await press(stage, call, *turns)
        await call.hear_tone(BEEP, within=30)
    row = await stage.row(within=20)
    questions = [p for p in played(stage, row) if p.endswith(("menu-loop", "menu-about"))]
    assert len(questions) == MOST_QUESTIONS
    assert row.outcome in {Outcome.NO_MESSAGE, Outcome.GAVE_UP}
    assert stage.rung == ()
