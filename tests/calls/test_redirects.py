"""Redirects on a real line: those of phones, those that rules order, those that came before us."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from screener.asterisk.installation import Installation
from screener.core.call import Outcome
from screener.core.story import CallRow
from screener.core.week import week_of
from screener.report.reporting import report_of
from tests.calls.callers import Caller
from tests.calls.patience import talk
from tests.calls.phones import Phone
from tests.calls.sip import LOOPBACK, SipMessage, free_port
from tests.calls.stage import DID, FRIEND, Stage
from tests.calls.trunk import TRUNK, TRUNK_PORT

SECOND = "+18182224444"
MOBILE = "+18055550100"
UNLISTED = "+18055550101"
DEAR = "+19005550123"

# Who rings which group, and whom rules send elsewhere: by their numbers.
TO = {
    name: f"+1213555{number:04}"
    for number, name in enumerate(
        ("ignoring", "inside", "listed", "busied", "chain", "alone", "turned"), 201
    )
}
MOVED, BRIDGED, BRIDGED_TO_SIP = "+12135550301", "+12135550302", "+12135550303"
ADDRESS = f"sip:desk@{LOOPBACK}:{free_port()}"

RULES = "\n".join(
    (
        *(f'allow from {number} "to {name}" ring {name}' for name, number in TO.items()),
        f'send from {MOVED} "moved" redirect {ADDRESS}',
        f'send from {BRIDGED} "moved" bridge {MOBILE}',
        f'send from {BRIDGED_TO_SIP} "moved" bridge sip:desk@{LOOPBACK}:{TRUNK_PORT}',
    )
)
GROUPS = {
    "ignoring": 'phones = ["kitchen"]',
    "inside": 'phones = ["kitchen"]\nredirects = "inside"',
    "listed": f'phones = ["kitchen"]\nredirects = "listed"\nredirect_to = ["{MOBILE}"]',
    "busied": 'phones = ["kitchen"]\nredirects = "busy"',
    "chain": 'phones = ["kitchen"]\nredirects = "inside"',
    "alone": 'phones = ["kitchen", "study"]\nredirects = "inside"',
    "turned": 'phones = ["kitchen", "study"]\nstrategy = "in-turn"',
}
# As where the route of a FreePBX answers before it hands a call on.
ANSWERED_BEFORE = f"""
[screener-in](+)
exten => 555,1,Answer()
 same => n,Set(SCREENER_DID={DID})
 same => n,Goto(screener-door,s,1)
"""
DOORS = f"""
[dids."{SECOND}"]
ring = "office"
box = "family"
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def furnished(installation: Installation, trunk: Phone) -> AsyncIterator[Stage]:
    async with Stage(
        installation,
        rules=RULES,
        seconds=6.0,
        groups=GROUPS,
        phones={"attic": '"PJSIP/attic"'},
        more=DOORS,
        asterisk='trunk = "PJSIP/{number}@trunk"',
        extra_pjsip=TRUNK,
        extra_dialplan=ANSWERED_BEFORE,
    ) as stage:
        yield stage


@pytest_asyncio.fixture(loop_scope="session")
async def house(furnished: Stage, trunk: Phone) -> AsyncIterator[Stage]:
    """A house with a trunk and two DIDs, whose groups differ in what they do with a redirect."""
    await furnished.fresh()
    await trunk.will("answer", rings=0.5)
    trunk.forget()
    yield furnished
    await furnished.assert_nothing_left()


async def connected(house: Stage, call: Caller) -> None:
    await call.answered()
    await talk(house, call)
    assert not call.over


async def story(stage: Stage, row: CallRow) -> str:
    return "\n".join(line.text for line in stage.story(row))


def invite(phone: Phone) -> SipMessage:
    """The last INVITE that reached a phone."""
    return [message for message in phone.sip.messages if message.is_request("INVITE")][-1]


# Phones that redirect -----------------------------------------------------------------------------


async def redirects(stage: Stage, contact: str, phone: str = "kitchen") -> None:
    """From now on this phone redirects its calls there."""
    await stage.phones[phone].will("redirect", rings=0.3, contact=contact)


async def test_a_redirect_is_ignored_unless_the_owner_says_otherwise(house: Stage) -> None:
    await redirects(house, f"sip:study@{LOOPBACK}")
    async with house.caller(TO["ignoring"]) as call:
        await call.answered()  # by the message box
    row = await house.row(within=20)
    assert house.rung == ("kitchen",)
    assert "kitchen redirected to study: ignored" in await story(house, row)


async def test_a_redirect_is_followed_inside(house: Stage) -> None:
    await redirects(house, f"sip:study@{LOOPBACK}")
    earlier = "<sip:+12125550199@provider.example>;reason=user-busy"
    async with house.caller(TO["inside"], headers={"Diversion": earlier}) as call:
        await connected(house, call)
    row = await house.row(within=20)
    assert (row.outcome, row.answered_by) == (Outcome.CONNECTED, "study")
    assert "kitchen redirected to study: followed to study" in await story(house, row)
    # Whoever is followed to is told who sent the call, and who had sent it before.
    diversion = invite(house.phones["study"]).header("Diversion")
    assert diversion.startswith('"kitchen" <sip:kitchen@127.0.0.1')
    assert diversion.endswith(f";reason=deflection, {earlier}")
    history = invite(house.phones["study"]).header("History-Info")
    assert history.startswith(f"<sip:{DID}@127.0.0.1")
    assert "<sip:kitchen@" in history
    assert not invite(house.phones["kitchen"]).header("History-Info")


async def test_a_redirect_to_an_extension_rings_its_group(house: Stage) -> None:
    await redirects(house, f"sip:2@{LOOPBACK}")
    async with house.caller(TO["inside"]) as call:
        await connected(house, call)
    row = await house.row(within=20)
    assert row.answered_by == "office"
    assert "followed to extension 2, office" in await story(house, row)


async def test_a_redirect_to_a_listed_number_goes_out_over_the_trunk(
    house: Stage, trunk: Phone
) -> None:
    await redirects(house, f"sip:{MOBILE}@{LOOPBACK}")
    async with house.caller(TO["listed"]) as call:
        await trunk.answered(within=10)
        await trunk.rtp.hear_sound(within=5)
        await trunk.rtp.key("1")  # a person, no mobile's voicemail
        await connected(house, call)
    row = await house.row(within=20)
    assert (row.outcome, row.answered_by) == (Outcome.CONNECTED, MOBILE)
    assert invite(trunk).first.startswith(f"INVITE sip:{MOBILE}@")
    # Out there only numbers mean something: it is the house's that diverts.
    assert invite(trunk).header("Diversion").startswith(f'"kitchen" <sip:{DID}@')


async def test_a_voicemail_out_there_does_not_take_the_call(house: Stage, trunk: Phone) -> None:
    await redirects(house, f"sip:{MOBILE}@{LOOPBACK}")
    async with house.caller(TO["listed"]) as call:
        await trunk.answered(within=10)
        await call.answered(within=40)  # by our own message box
    row = await house.row(within=20)
    assert row.outcome != Outcome.CONNECTED
    assert "nobody pressed a key" in await story(house, row)


@pytest.mark.parametrize(
    ("target", "why"),
    [
        (DEAR, "not followed, premium"),
        (UNLISTED, "not followed, not listed"),
        ("+442079460123", "not followed, international"),
        ("911", "not followed, an emergency number"),
        ("*97", "not followed, not inside"),
        (SECOND, "not followed, it would come back in by the front door"),
    ],
)
async def test_what_the_toll_policy_forbids_is_not_dialled(
    house: Stage, trunk: Phone, target: str, why: str
) -> None:
    await redirects(house, f"sip:{target}@{LOOPBACK}")
    async with house.caller(TO["listed"]) as call:
        await call.answered()
    row = await house.row(within=20)
    assert house.rung == ("kitchen",)
    assert trunk.rung == 0
    assert f"kitchen redirected to {target}: {why}" in await story(house, row)


async def test_a_loop_ends(house: Stage) -> None:
    await redirects(house, f"sip:study@{LOOPBACK}")
    await redirects(house, f"sip:kitchen@{LOOPBACK}", "study")
    async with house.caller(TO["inside"]) as call:
        await call.answered()
    row = await house.row(within=20)
    assert {name: phone.rung for name, phone in house.phones.items() if phone.rung} == {
        "kitchen": 1,
        "study": 1,
    }
    assert "study redirected to kitchen: not followed, the call has been there" in (
        await story(house, row)
    )


async def test_redirects_behind_one_another_are_followed_three_times(house: Stage) -> None:
    for phone, to in (("kitchen", "study"), ("study", "office"), ("office", "attic")):
        await redirects(house, f"sip:{to}@{LOOPBACK}", phone)
    async with house.caller(TO["chain"]) as call:
        await connected(house, call)
    assert (await house.row(within=20)).answered_by == "attic"
    diversion = invite(house.phones["attic"]).header("Diversion")
    assert [diversion.count(f"sip:{name}@") for name in ("kitchen", "study", "office")] == [1, 1, 1]


async def test_a_redirect_may_mean_that_a_phone_is_busy(house: Stage) -> None:
    await redirects(house, f"sip:study@{LOOPBACK}")
    async with house.caller(TO["busied"]) as call:
        await call.answered()
    row = await house.row(within=20)
    assert house.rung == ("kitchen",)
    assert "kitchen redirected to study: treated as busy" in await story(house, row)


async def test_of_several_contacts_the_best_is_tried_first_and_then_the_next(house: Stage) -> None:
    await house.phones["office"].will("486", rings=0.2)
    at = f"@{LOOPBACK}"
    await redirects(house, f"<sip:attic{at}>;q=0.2, <sip:{DEAR}{at}>;q=0.5, <sip:office{at}>;q=0.9")
    async with house.caller(TO["inside"]) as call:
        await connected(house, call)
    row = await house.row(within=20)
    assert row.answered_by == "attic"
    told = await story(house, row)
    assert "kitchen redirected to office: followed to office" in told
    assert f"office is busy; kitchen redirected to {DEAR}: not followed, premium" in told
    assert "to attic: followed to attic" in told


async def test_the_other_phones_ring_on_while_a_redirect_is_followed(house: Stage) -> None:
    await redirects(house, f"sip:office@{LOOPBACK}")
    await house.phones["office"].will("never")
    await house.phones["study"].will("answer", rings=2.0)
    async with house.caller(TO["alone"]) as call:
        await connected(house, call)
        await house.phones["office"].quiet(within=5)
    assert (await house.row(within=20)).answered_by == "study"
    assert house.rung == ("kitchen", "office", "study")


@pytest.mark.parametrize(
    ("group", "next_one", "told"),
    [
        ("turned", "study", "kitchen redirected to attic: ignored"),
        ("inside", "attic", "kitchen redirected to attic: followed to attic"),
    ],
    ids=["ignored", "followed"],
)
async def test_who_hangs_up_while_it_rings_leaves_what_became_of_redirects(
    house: Stage, group: str, next_one: str, told: str
) -> None:
    await redirects(house, f"sip:attic@{LOOPBACK}")
    await house.phones[next_one].will("never")
    async with house.caller(TO[group]) as call:
        await house.phones[next_one].rang(within=20)
        await call.hang_up()
    row = await house.row(within=20)
    assert (row.outcome, row.redirects) == (Outcome.GAVE_UP, (told,))
    assert f"the caller hung up; {told}" in await story(house, row)
    week = week_of(row.started, house.settings.zone)
    report = await asyncio.to_thread(report_of, house.settings, week, row.started)
    assert [each.calls for each in report.redirects if each.what == told] == [1]


# Rules that send a call elsewhere -----------------------------------------------------------------


async def test_before_the_answer_the_network_is_told_by_302(house: Stage) -> None:
    async with house.caller(MOVED) as call:
        assert await call.refused(within=5) == 302
        answer = next(message for message in call.sip.messages if message.code == 302)
        assert answer.header("Contact") == f"<{ADDRESS}>"
    row = await house.row(within=20)
    assert row.outcome == Outcome.REDIRECTED
    assert row.reason.endswith(f"; sent to {ADDRESS} by SIP 302")


async def test_after_the_answer_it_is_told_by_refer(house: Stage) -> None:
    """What came of it is known later than any other request is answered."""
    async with house.caller(MOVED, did="555", refer_seconds=5.0) as call:
        await call.answered()
        result = await call.ended(within=15)
        refer = next(message for message in call.sip.messages if message.is_request("REFER"))
        assert refer.header("Refer-To").strip("<>") == ADDRESS
    row = await house.row(within=20)
    assert result.hung_up_by == "callee"
    assert house.rung == ()
    assert row.outcome == Outcome.REDIRECTED
    assert row.reason.endswith(f"; sent to {ADDRESS} by REFER")


@pytest.mark.parametrize("refer", ["", "486 Busy Here"])
async def test_where_a_refer_fails_the_attendant_answers(house: Stage, refer: str) -> None:
    async with house.caller(MOVED, did="555", refer=refer) as call:
        await call.answered()
        await call.hear_sound(within=10)
        await call.key("2")
        await house.phones["office"].answered(within=5)
        await connected(house, call)
    row = await house.row(within=20)
    assert (row.outcome, row.answered_by) == (Outcome.CONNECTED, "office")
    assert f"the redirect to {ADDRESS} was not accepted" in await story(house, row)


async def test_a_network_that_takes_a_refer_and_hangs_up(installation: Installation) -> None:
    """Many do so, and never tell what came of it. Asterisk goes on showing such a channel."""
    async with Stage(
        installation,
        rules=f'send from {MOVED} "moved" redirect {ADDRESS}',
        groups=GROUPS,
        extra_dialplan=ANSWERED_BEFORE,
    ) as house:
        async with house.caller(MOVED, did="555", refer_seconds=30.0) as call:
            await call.answered()
            await call.sip.wait_for(lambda m: m.is_request("REFER"), "REFER", within=5)
        row = await house.row(within=20)
        assert row.outcome == Outcome.REDIRECTED
        assert house.rung == ()


@pytest.mark.parametrize(
    ("number", "dialled"),
    [(BRIDGED, MOBILE), (BRIDGED_TO_SIP, f"sip:desk@{LOOPBACK}:{TRUNK_PORT}")],
    ids=["a number", "a SIP address"],  # the port is another in each process of the run
)
async def test_where_neither_is_allowed_we_call_there_and_connect_the_two(
    house: Stage, trunk: Phone, number: str, dialled: str
) -> None:
    async with house.caller(number) as call:
        await trunk.answered(within=10)
        await connected(house, call)
    row = await house.row(within=20)
    assert invite(trunk).first.startswith(f"INVITE sip:{dialled.removeprefix('sip:')}")
    assert house.rung == ()
    assert row.outcome == Outcome.REDIRECTED
    assert row.reason.endswith(f"; connected to {dialled} over the trunk")


async def test_nobody_there_and_the_attendant_answers(house: Stage, trunk: Phone) -> None:
    await trunk.will("486", rings=0.2)
    async with house.caller(BRIDGED) as call:
        await call.answered()
        await call.hear_sound(within=5)
        await call.key("2")
        await house.phones["office"].answered(within=5)
        await connected(house, call)
    assert (await house.row(within=20)).answered_by == "office"


# What came before us ------------------------------------------------------------------------------


async def test_the_number_that_was_dialled_first_chooses_the_door(house: Stage) -> None:
    first = f"<sip:{SECOND}@provider.example>;reason=unconditional"
    last = "<sip:+12125550199@provider.example>;reason=no-answer"
    async with house.caller(headers={"Diversion": f"{last}, {first}"}) as call:
        await call.answered()
        await call.hear_sound(within=5)
    row = await house.row(within=20)
    assert row.did == SECOND
    assert f"dialled at {SECOND} first, and sent on to {DID}" in await story(house, row)


async def test_a_history_chooses_it_as_well(house: Stage) -> None:
    history = f"<sip:{SECOND}@h>;index=1, <sip:{DID}@h>;index=1.1"
    async with house.caller(headers={"History-Info": history}) as call:
        await call.answered()
    assert (await house.row(within=20)).did == SECOND


@pytest.mark.parametrize("value", ["", '<<<;;,,"', "<sip:+1818", "(:)${EXTEN}\\,", "x" * 3000])
async def test_a_hostile_header_harms_nothing(house: Stage, value: str) -> None:
    async with house.caller(FRIEND, headers={"Diversion": value, "History-Info": value}) as call:
        await call.answered()
        await call.hear_sound(within=5)
    assert (await house.row(within=20)).did == DID
