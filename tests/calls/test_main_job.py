"""The main job on a real line: who gets through, who does not, and what is kept."""

from __future__ import annotations

import re
import time

import pytest

from screener.core.call import Outcome
from tests.calls import speech
from tests.calls.callers import Caller
from tests.calls.patience import talk
from tests.calls.stage import BUSY_PEST, DID, FRIEND, MUTE_PEST, PEST, Stage

SIT_MIDDLE = 1385.0  # between ITU-T's 1400 and Telcordia's 1370.6


async def reach_the_box(call: Caller) -> None:
    """Choose the office and wait until nobody has answered and the beep is over."""
    await call.answered()
    await call.hear_sound(within=5)
    await call.key("2")
    await call.hear_beep(within=60)


async def test_a_friend_rings_through_without_a_prompt(stage: Stage) -> None:
    async with stage.caller(FRIEND, name="Mom") as call:
        await stage.phones["kitchen"].rang(within=5)
        assert stage.rows()[0].in_progress
        await call.answered()
        await talk(stage, call)
    row = await stage.row(within=20)
    assert row.outcome == Outcome.CONNECTED
    assert row.rule == '"Mom" (stage.rules:1)'
    assert row.answered_by in {"kitchen", "study"}
    assert row.rang_after is not None


async def test_the_phones_see_who_calls(stage: Stage) -> None:
    async with stage.caller(FRIEND, name='Mom "Q" <sip:x@y>') as call:
        rung = await stage.phones["kitchen"].rang(within=5)
        await call.answered()
    # The name is one quoted string (RFC 3261, 25.1) whatever is in it, and the address his number.
    name = r'"(?:[^"\\]|\\.)*"'
    assert re.match(rf"(From: *)?{name} *<sip:\+14155550100@", rung.from_header)


async def test_a_blocked_number_hears_its_treatment_and_rings_nothing(stage: Stage) -> None:
    async with stage.caller(PEST) as call:
        await call.hear_tone(SIT_MIDDLE, within=10)
        assert await call.refused() == 404
    assert stage.rung == ()
    assert (await stage.row(within=20)).outcome == Outcome.TREATED


@pytest.mark.parametrize(("number", "code"), [(BUSY_PEST, 486), (MUTE_PEST, 403)])
async def test_a_blocked_number_is_refused_as_its_rule_says(
    stage: Stage, number: str, code: int
) -> None:
    async with stage.caller(number) as call:
        assert await call.refused() == code
    assert stage.rung == ()
    assert (await stage.row(within=20)).outcome == Outcome.TREATED


async def test_a_stranger_keys_an_extension_over_the_prompt(stage: Stage) -> None:
    async with stage.caller() as call:
        await call.answered()
        await call.hear_sound(within=5)
        await call.key("2")
        await stage.phones["office"].answered(within=5)
        await talk(stage, call)
    row = await stage.row(within=20)
    assert stage.rung == ("office",)
    assert row.reason == "the caller keyed 2: extension 2, office"
    assert row.verdict == "person"


async def test_a_key_before_the_first_word_counts(stage: Stage) -> None:
    async with stage.caller() as call:
        await call.answered()
        await call.key("2")
        await stage.phones["office"].answered(within=10)
        await talk(stage, call)


async def test_a_stranger_says_an_extension(stage: Stage) -> None:
    office = speech.say("office")  # before the call: it takes the caller's own time to make
    async with stage.caller() as call:
        await call.answered()
        await call.hear_sound(within=5)
        await call.hear_quiet(1.2, within=30)
        await call.speak(office)
        await stage.phones["office"].answered(within=10)
        await talk(stage, call)
    assert (await stage.row(within=20)).reason == 'the caller said "office": extension 2, office'


async def test_a_wrong_key_is_asked_again_and_a_right_one_rings(stage: Stage) -> None:
    async with stage.caller() as call:
        await call.answered()
        await call.hear_sound(within=5)
        await call.key("7")
        await call.hear_sound(within=5)
        await call.key("2")
        await stage.phones["office"].answered(within=10)
        await talk(stage, call)
    assert (await stage.row(within=20)).outcome == Outcome.CONNECTED


async def test_a_recording_that_says_the_extension_rings_nothing(stage: Stage) -> None:
    sales = speech.say(
        "this is your final notice about your vehicle warranty. press two to speak to the office."
        " office. two. this is your last chance. press one now to be connected to an agent."
        " your warranty is about to expire. office. press two. this is your final notice"
    )
    async with stage.caller() as call:
        await call.answered()
        await call.speak(sales + sales)
    row = await stage.row(within=30)
    assert stage.rung == ()
    assert row.outcome != Outcome.CONNECTED


async def test_a_withheld_number_meets_the_attendant(stage: Stage) -> None:
    async with stage.caller(withheld=True) as call:
        await call.answered()
        await call.key("2")
        await stage.phones["office"].answered(within=10)
        await talk(stage, call)
    row = await stage.row(within=20)
    assert row.withheld
    assert row.number == ""


async def test_a_number_that_is_none_of_ours_gets_the_first_door(stage: Stage) -> None:
    async with stage.caller(FRIEND, did="+18189999999") as call:
        await call.answered()
        await talk(stage, call)
    assert (await stage.row(within=20)).did == "+18189999999"


async def test_a_redirect_never_steals_a_call(stage: Stage) -> None:
    await stage.phones["study"].will("redirect", rings=0.3)
    await stage.phones["kitchen"].will("answer", rings=1.5)
    async with stage.caller(FRIEND) as call:
        await call.answered()
        await talk(stage, call)
    row = await stage.row(within=20)
    assert row.answered_by == "kitchen"
    story = [line.text for line in stage.story(row)]
    assert any("study redirected to" in line and "ignored" in line for line in story)


async def test_a_message_arrives_whole_though_the_caller_hangs_up_at_once(stage: Stage) -> None:
    words = speech.say("the boiler is fixed and the key is under the mat", "flite:slt")
    await stage.phones["office"].will("486")
    async with stage.caller(name="Plumber") as call:
        await reach_the_box(call)
        began = time.monotonic()
        await call.speak(words + speech.silence(0.3))
        spoken = time.monotonic() - began
        await call.hang_up()
    letter = await stage.mail.letter(within=120)
    assert abs(letter.sound_seconds - spoken) < 0.6
    assert speech.likeness(letter.sound, words) > 0.5
    row = await stage.row(within=20)
    assert row.outcome == Outcome.MESSAGE
    assert row.reason == "nobody answered; the caller keyed 2: extension 2, office"


async def test_a_message_of_nothing_is_not_mailed(stage: Stage) -> None:
    await stage.phones["office"].will("486")
    async with stage.caller() as call:
        await reach_the_box(call)
        await call.ended(within=40)
    row = await stage.row(within=20)
    assert row.outcome == Outcome.NO_MESSAGE
    assert not stage.mail.tried


async def test_a_message_that_is_dropped_is_not_mailed(stage: Stage) -> None:
    await stage.phones["office"].will("486")
    async with stage.caller() as call:
        await reach_the_box(call)
        await call.speak(speech.say("never mind, forget that I called you today"))
        await call.key("#")
        await call.hear_sound(within=10)
        await call.key("3")
        await call.ended(within=20)
    assert (await stage.row(within=20)).outcome == Outcome.NO_MESSAGE
    assert not stage.mail.tried


async def test_several_calls_at_once_do_not_delay_one_another(stage: Stage) -> None:
    """While others listen to the prompt, a friend's phones ring at once."""
    async with stage.caller("+12125550101") as one, stage.caller("+12125550102") as two:
        await one.answered()
        await two.answered()
        async with stage.caller(FRIEND) as friend:
            await friend.answered()
            await talk(stage, friend)
        await one.key("2")
        await stage.phones["office"].answered(within=10)
        await talk(stage, one)
    rows = [await stage.row(within=20, number=n) for n in (1, 2, 3)]
    outcomes = sorted(row.outcome for row in rows)
    assert outcomes == [Outcome.CONNECTED, Outcome.CONNECTED, Outcome.SILENT]
    assert {row.did for row in rows} == {DID}
