"""Something breaks in the middle of a call: each time the caller has a defined end.

That the phones ring when screener is away, dies or hangs as a whole, that a call is settled when
Asterisk dies, and what a lost connection costs, is shown in test_interruptions.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest_asyncio

from screener import status
from screener.asterisk.installation import Installation
from screener.core.call import Outcome
from screener.core.event import EventKind
from screener.records.calllog import DATABASE, CallLog
from tests.calls import speech, tones
from tests.calls.callers import BEEP, Caller
from tests.calls.patience import has_said, talk
from tests.calls.stage import FRIEND, RULES, Stage

SECONDS = 6.0

# screener as it is, but for one call that never gets anywhere: its ear never hears an end.
STUCK = """
import asyncio
from screener.core import patience
from screener.calls.ear import Ear
from screener.cli import main

async def never(*_):
    await asyncio.Event().wait()

patience.LONGEST_AFTER = patience.GRACE = 0.5
Ear.listen = never
main()
"""
# ... and where Asterisk sends its callers' sound to an address at which nobody listens.
ELSEWHERE = """
from screener.asterisk.media import Media
from screener.cli import main

told = Media.address.fget
Media.address = property(lambda media: told(media).replace("127.0.0.1", "127.0.0.2"))
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


async def connected(stage: Stage, phone: str) -> None:
    """Wait until the call is this phone's: not only has it answered, screener knows it."""
    async with asyncio.timeout(40):
        while True:
            told = [line.text for row in stage.rows() for line in stage.story(row)]
            if any(text.startswith(f"{phone} answered") for text in told):
                return
            await asyncio.sleep(0.05)


async def reaches_the_box(stage: Stage, call: Caller) -> None:
    """Nobody answers; he leaves a message."""
    words = speech.say("nobody is there, so I say it to the box", "flite:slt")
    await call.hear_beep(within=40)
    await call.speak(words)
    await call.hang_up()
    letter = await stage.mail.letter(within=120)
    assert speech.likeness(letter.sound, words) > 0.5
    assert (await stage.row(within=20)).outcome == Outcome.MESSAGE


async def round_and_round(call: Caller) -> None:
    """Choose the only choice again and again, whatever is said."""
    while True:
        await call.key("1")
        await call.speak(speech.silence(0.7))


# Ours ---------------------------------------------------------------------------------------------


async def test_a_call_that_makes_no_progress_rings_the_phones(fragile: Stage) -> None:
    await fragile.phones["study"].will("never")
    await fragile.stop()
    fragile.program = ("-c", STUCK)
    try:
        await fragile.open()
        async with fragile.caller() as call:
            await fragile.phones["kitchen"].answered(within=30)
            await call.answered()
            await call.speak(speech.silence(0.5))
            assert not call.over
        row = await fragile.row(within=20)
        story = [line.text for line in fragile.story(row)]
    finally:
        fragile.program = ("-m", "screener")
        await fragile.stop()
    assert row.outcome == Outcome.FAILED
    assert row.reason.startswith("StuckError: Listen made no progress for ")
    assert "given to the dialplan: the phones ring without us" in story


@pytest_asyncio.fixture(loop_scope="session")
async def unhearing(fragile: Stage) -> AsyncIterator[Stage]:
    """The same house, to which no sound of its callers' comes."""
    await fragile.stop()
    fragile.program = ("-c", ELSEWHERE)
    await fragile.open()
    yield fragile
    fragile.program = ("-m", "screener")
    await fragile.stop()


async def test_a_caller_who_cannot_be_heard_reaches_the_phones(unhearing: Stage) -> None:
    await unhearing.phones["study"].will("never")
    async with unhearing.caller() as call:
        await call.answered()
        call.rtp.start_speaking(speech.say("hello, it is me", "flite:slt") * 6)
        await connected(unhearing, "kitchen")
        assert not call.over
    row = await unhearing.row(within=20)
    assert (row.outcome, row.verdict) == (Outcome.CONNECTED, "unsure")
    assert row.reason.startswith("the caller could not be heard (none of his sound came ")
    assert [line for line in row.evidence if "not heard" in line] == list(row.evidence)
    told = status.read(unhearing.settings.data)
    assert told is not None
    assert "correct asterisk.media_host" in told.unheard
    with CallLog(unhearing.settings.data / DATABASE) as log:
        events = log.events(row.started, datetime.now(UTC))
    assert [event.kind for event in events] == [EventKind.CALLERS_UNHEARD]


async def test_keys_of_a_caller_who_cannot_be_heard_reach_their_phone(unhearing: Stage) -> None:
    async with unhearing.caller() as call:
        await begins(call)
        await call.key("2")
        await connected(unhearing, "office")
    row = await unhearing.row(within=20)
    assert (row.outcome, row.answered_by) == (Outcome.CONNECTED, "office")


async def test_a_caller_whose_sound_stops_coming_reaches_the_phones(fragile: Stage) -> None:
    """Asterisk ends what hears him, in mid-call."""
    await fragile.phones["study"].will("never")
    async with fragile.caller() as call:
        await begins(call)
        await call.speak(speech.silence(1.0))
        (hears,) = [
            c["id"] for c in await fragile.ask("channels") if c["name"].startswith("Snoop/")
        ]
        await fragile.end(hears)
        await connected(fragile, "kitchen")
        assert not call.over
    row = await fragile.row(within=20)
    assert (row.outcome, row.verdict) == (Outcome.CONNECTED, "unsure")
    assert "his sound stopped coming from Asterisk at " in row.reason


async def test_a_caller_whose_sound_does_not_arrive_reaches_the_phones_until_anybodys_does(
    fragile: Stage,
) -> None:
    """A network that lets no sound through to Asterisk does not make all callers silent."""
    await fragile.stop()
    await fragile.open()
    await fragile.phones["study"].will("never")
    async with fragile.caller(sends_silence=False) as call:
        await connected(fragile, "kitchen")
        assert not call.over
    row = await fragile.row(within=20)
    assert (row.outcome, row.verdict) == (Outcome.CONNECTED, "unsure")
    assert "none of his sound arrived at Asterisk" in row.reason
    told = status.read(fragile.settings.data)
    assert told is not None
    assert "external_media_address" in told.unheard
    async with fragile.caller() as call:
        await call.answered()
        await call.ended(within=60)
    async with fragile.caller(sends_silence=False) as call:
        await call.answered()
        await call.ended(within=60)
    for number in (2, 3):
        assert (await fragile.row(within=20, number=number)).outcome == Outcome.SILENT
    await has_said(fragile, lambda now: not now.unheard)


# Phones -------------------------------------------------------------------------------------------


async def test_a_phone_that_vanishes_while_it_rings_leaves_the_others_ringing(
    fragile: Stage,
) -> None:
    await fragile.phones["kitchen"].will("never")
    await fragile.phones["study"].will("answer", rings=2.0)
    async with fragile.caller(FRIEND) as call:
        await fragile.phones["kitchen"].rang(within=20)
        await fragile.phones["kitchen"].will("vanish")
        await call.answered()
        await talk(fragile, call)
    row = await fragile.row(within=20)
    assert (row.outcome, row.answered_by) == (Outcome.CONNECTED, "study")


async def test_the_only_phone_vanishes_while_it_rings(fragile: Stage) -> None:
    await fragile.phones["office"].will("never")
    async with fragile.caller() as call:
        await begins(call)
        await call.key("2")
        await fragile.phones["office"].rang(within=20)
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
    row = await fragile.row(within=20)
    assert row.reason.endswith(" leaving a message")  # before or while he is recorded
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
