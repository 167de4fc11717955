"""Something breaks in the middle of a call: each time the caller has a defined end.

That the phones ring when screener is away, dies or hangs as a whole, that a call is settled when
Asterisk dies, and what a lost connection costs, is shown in test_interruptions.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest_asyncio

from screener.asterisk.installation import Installation
from screener.core.call import Outcome
from tests.calls import speech, tones
from tests.calls.callers import Caller
from tests.calls.stage import FRIEND, RULES, Stage

BEEP = 1000.0
SECONDS = 6.0

# screener as it is, but for one call that never gets anywhere: its ear never hears an end.
STUCK = """
import asyncio
from screener.core import patience
from screener.ear import Ear
from screener.cli import main

async def never(*_):
    await asyncio.Event().wait()

patience.LONGEST_AFTER = patience.GRACE = 0.5
Ear.listen = never
main()
"""
OWL = "+12135550401"
HOURS = "-".join(f"{datetime.now() + timedelta(hours=ahead):%H:%M}" for ahead in (2, 4))
ROUND = """
[menus.round]
choices = { 1 = "menu round", 5 = "menu round" }
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def furnished(installation: Installation) -> AsyncIterator[Stage]:
    async with Stage(
        installation,
        rules=f'{RULES}allow from {OWL} "the owl" ring asleep\n',
        seconds=SECONDS,
        phones={"bedroom": f'{{ dial = "PJSIP/bedroom", hours = "{HOURS}" }}'},
        groups={"asleep": 'phones = ["bedroom"]'},
        more=ROUND,
        door='menu = "round"',
    ) as stage:
        yield stage


@pytest_asyncio.fixture(loop_scope="session")
async def fragile(furnished: Stage) -> AsyncIterator[Stage]:
    """A house whose groups ring for a short time, and whose only menu leads to itself."""
    await furnished.open()
    await furnished.fresh()
    yield furnished
    await furnished.assert_nothing_left(within=15)


async def begins(call: Caller) -> None:
    """Be answered, and hear the first of the prompt."""
    await call.answered()
    await call.hear_sound(within=5)


async def reaches_the_box(stage: Stage, call: Caller) -> None:
    """Nobody answers; he leaves a message."""
    words = speech.say("nobody is there, so I say it to the box", "flite:slt")
    await call.hear_tone(BEEP, within=40)
    await call.hear_quiet(0.1, within=3)
    await call.speak(words)
    await call.hang_up()
    letter = await stage.mail.letter(within=20)
    assert speech.likeness(letter.sound, words) > 0.5
    assert (await stage.row(within=5)).outcome == Outcome.MESSAGE


async def round_and_round(call: Caller) -> None:
    """Choose the only choice again and again, whatever is said."""
    while True:
        await call.key("1")
        await call.speak(speech.silence(0.7))


# Ours ---------------------------------------------------------------------------------------------


async def test_a_call_that_makes_no_progress_rings_the_phones(fragile: Stage) -> None:
    await fragile.stop()
    fragile.program = ("-c", STUCK)
    try:
        await fragile.open()
        async with fragile.caller() as call:
            await fragile.phones["kitchen"].answered(within=30)
            await call.answered()
            await call.speak(speech.silence(0.5))
            assert not call.over
        row = await fragile.row(within=5)
        story = [line.text for line in fragile.story(row)]
    finally:
        fragile.program = ("-m", "screener")
        await fragile.stop()
    assert row.outcome == Outcome.FAILED
    assert row.reason.startswith("StuckError: Listen made no progress for ")
    assert "given to the dialplan: the phones ring without us" in story


# Phones -------------------------------------------------------------------------------------------


async def test_a_phone_that_vanishes_while_it_rings_leaves_the_others_ringing(
    fragile: Stage,
) -> None:
    await fragile.phones["kitchen"].will("never")
    await fragile.phones["study"].will("answer", rings=2.0)
    async with fragile.caller(FRIEND) as call:
        await fragile.phones["kitchen"].rang(within=5)
        await fragile.phones["kitchen"].will("vanish")
        await call.answered()
        await call.speak(speech.silence(0.5))
    row = await fragile.row(within=5)
    assert (row.outcome, row.answered_by) == (Outcome.CONNECTED, "study")


async def test_the_only_phone_vanishes_while_it_rings(fragile: Stage) -> None:
    await fragile.phones["office"].will("never")
    async with fragile.caller() as call:
        await begins(call)
        await call.key("2")
        await fragile.phones["office"].rang(within=5)
        await fragile.phones["office"].will("vanish")
        await reaches_the_box(fragile, call)


async def test_every_phone_is_unreachable(fragile: Stage) -> None:
    """Asterisk calls them for half a minute more: what reaches one then is no call any more."""
    for phone in fragile.phones.values():
        await phone.will("vanish")
    async with fragile.caller(FRIEND) as call:
        await reaches_the_box(fragile, call)


async def test_every_phone_says_that_it_does_not_work(fragile: Stage) -> None:
    for phone in fragile.phones.values():
        await phone.will("503")
    async with fragile.caller(FRIEND) as call:
        await reaches_the_box(fragile, call)


async def test_a_group_of_which_no_phone_may_ring_now(fragile: Stage) -> None:
    """A group without members is refused when screener.toml is read; this is the same at night."""
    async with fragile.caller(OWL) as call:
        await reaches_the_box(fragile, call)
    (row,) = fragile.rows()
    story = [line.text for line in fragile.story(row)]
    assert "nobody answered; bedroom rings at other hours: passed over" in story


# Menus --------------------------------------------------------------------------------------------


async def test_a_menu_that_leads_to_itself_ends_at_the_message_box(fragile: Stage) -> None:
    async with fragile.caller() as call:
        await begins(call)
        pressing = asyncio.create_task(round_and_round(call))
        await call.hear_tone(BEEP, within=90)
        pressing.cancel()
    row = await fragile.row(within=5)
    assert row.reason == "the caller hung up before leaving a message"
    assert not any("ringing" in line.text for line in fragile.story(row))


# Keys ---------------------------------------------------------------------------------------------


async def test_keys_by_rfc_4733(fragile: Stage) -> None:
    async with fragile.caller() as call:
        await begins(call)
        await call.key("2")
        await fragile.phones["office"].answered(within=5)
    assert fragile.rung == ("office",)


async def test_keys_by_sip_info(fragile: Stage) -> None:
    async with fragile.caller(events=False) as call:
        await begins(call)
        await call.key_by_info("2")
        await fragile.phones["office"].answered(within=5)
    assert fragile.rung == ("office",)


async def test_keys_that_are_only_sounds(fragile: Stage) -> None:
    async with fragile.caller(events=False) as call:
        await begins(call)
        await call.speak(tones.held_key("2", 0.2))
        await fragile.phones["office"].answered(within=8)
    assert fragile.rung == ("office",)
