"""Ring groups on a real line: who rings when, who is asked, and what the caller gets of it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from screener import status
from screener.asterisk.installation import Installation
from screener.calls import donotdisturb
from screener.core.call import Outcome
from screener.core.story import CallRow
from screener.voice.prompts import Prompts
from tests.calls import speech
from tests.calls.callers import Caller
from tests.calls.patience import has_said, hears, talking, until
from tests.calls.phones import Phone, PhoneCall
from tests.calls.stage import FRIEND, RULES, Stage

ALERT = "<http://127.0.0.1/Bellcore-dr2>"
GROUPS = {
    "family": 'phones = ["kitchen", "study"]',
    "office": 'phones = ["office"]',
    "turn": 'phones = ["kitchen", "study"]\nstrategy = "in-turn"\neach = 3\nseconds = 12',
    "hunt": 'phones = ["kitchen", "study"]\nstrategy = "memory-hunt"\neach = 3\nseconds = 8',
    "robin": 'phones = ["kitchen", "study", "office"]\nstrategy = "round-robin"\neach = 3',
    "chance": 'phones = ["kitchen", "study", "office"]\nstrategy = "random"\neach = 3\nseconds = 9',
    "first": 'phones = ["attic", "kitchen", "study"]\nstrategy = "first-available"\nseconds = 5',
    "recent": 'phones = ["kitchen", "study"]\nstrategy = "least-recent"\neach = 3',
    "late": 'phones = ["kitchen", "porch"]\nseconds = 10',
    "shut": 'phones = ["shut", "kitchen"]',
    "gone": 'phones = ["attic", "shut"]',
    "door": f'phones = ["kitchen"]\nprefix = "DOOR:"\nalert = "{ALERT}"',
    "mobile": 'phones = ["mobile"]\nseconds = 6',
    "both": 'phones = ["mobile", "kitchen"]\nseconds = 30',
    "pair": 'phones = ["hall"]',
    "ghost": 'phones = ["ghost", "study"]\nstrategy = "in-turn"\neach = 3',
    "told": 'phones = ["kitchen", "study"]\nannounced = "always"\nseconds = 15',
    "asked": 'phones = ["kitchen"]\nannounced = "unknown"\nunproved_prefix = "?:"',
    "strange": 'phones = ["kitchen"]\nprefix = "DOOR:"\nunproved_prefix = "?:"',
    "music": 'phones = ["kitchen"]\nmusic = "jazz"',
    "wait": 'phones = ["kitchen"]\ntold_every = 10\nseconds = 20',
}
DIDS = {name: f"+1818222{number:04}" for number, name in enumerate(GROUPS, start=4000)}
UNASKED = "+18182223999"  # always closed: whoever calls is put through without a question
PHONES = {
    "porch": '{ dial = "PJSIP/porch", delay = 3 }',
    "attic": '"PJSIP/unplugged"',
    "shut": '{ dial = "PJSIP/shut", hours = "2020-01-01" }',
    "mobile": '"PJSIP/+18055550100@trunk"',
    "hall": '"PJSIP/hall"',
    "ghost": '"PJSIP/ghost"',
}
TRUNK = """
[trunk]
type=endpoint
disallow=all
allow=ulaw
direct_media=no
bind_rtp_to_media_address=yes
media_address=127.0.0.1
aors=trunk
[trunk]
type=aor
contact=sip:127.0.0.1:{mobile}
[hall](+type=aor)
contact=sip:hall@127.0.0.1:{app}
"""
BEEP, SONG = 1000.0, 600.0


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def app() -> AsyncIterator[Phone]:
    """The second contact of the phone in the hall."""
    async with Phone("app") as phone:
        yield phone


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(installation: Installation, app: Phone) -> AsyncIterator[Stage]:
    """A house with a number for each ring group."""
    doors = "\n".join(
        f'[dids."{did}"]\nring = "{name}"\nbox = "family"' for name, did in DIDS.items()
    )
    extension = (
        '[extensions.7]\nring = "asked"\nbox = "family"\n'
        '[extensions.8]\nring = "strange"\nbox = "family"\n'
        f'[dids."{UNASKED}"]\nring = "family"\nbox = "family"\nchallenge = "never"\n'
        'hours = "2020-01-01"\nclosed = { to = "extension 8" }'
    )
    stage = Stage(
        installation,
        rules=f'{RULES}allow from +14155550101 "Dad"\n',
        groups=GROUPS,
        phones=PHONES,
        more=f'{doors}\n{extension}\n[dnd]\non = "*78"\noff = "*79"',
        open=False,
    )
    stage.extra_pjsip = TRUNK.format(mobile=stage.phones["mobile"].port, app=app.port)
    async with stage:
        music = stage.home / "sounds" / "music" / "jazz"
        music.mkdir(parents=True)
        (music / "song.wav").write_bytes(speech.wav(speech.tone(SONG, 3.0)))
        await stage.asterisk.restart()  # it looks for music when it starts
        yield stage


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def undisturbed(house: Stage, app: Phone) -> None:
    """No phone is left in peace, none remembers a call."""
    for phone in donotdisturb.phones(house.settings.data):
        donotdisturb.end(house.settings.data, phone)
    await app.will("answer", rings=1.0)
    app.forget()


def friend(stage: Stage, group: str, **traits: object) -> Caller:
    return stage.caller(FRIEND, did=DIDS[group], **traits)


async def the_row(stage: Stage, number: int = 1) -> CallRow:
    return await stage.row(within=20, number=number)


def story(stage: Stage, row: CallRow) -> str:
    return "\n".join(line.text for line in stage.story(row))


async def answered(stage: Stage, group: str) -> CallRow:
    """A friend calls, is connected by the first who answers, and hangs up."""
    before = len(stage.rows())
    async with friend(stage, group) as call:
        await call.answered(within=20)
        await talking(stage)
    return await the_row(stage, before + 1)


def invite(phone: Phone, name: str) -> str:
    """A header of the last INVITE that a phone was sent."""
    return [m for m in phone.sip.messages if m.is_request("INVITE")][-1].header(name)


# Strategies --------------------------------------------------------------------------------------


async def test_in_turn_the_second_rings_when_the_first_has_had_his_time(stage: Stage) -> None:
    kitchen, study = stage.phones["kitchen"], stage.phones["study"]
    await kitchen.will("never")
    row = await answered(stage, "turn")
    assert row.answered_by == "study"
    assert row.rang_after is not None
    assert row.rang_after > 3
    first, second = kitchen.calls[0], study.calls[0]
    assert first.cancelled is not None
    assert second.invited - first.invited > 2.5
    assert "kitchen did not answer" in story(stage, row)


@pytest.mark.parametrize("refusal", ["486", "603", "redirect"])
async def test_in_turn_a_phone_that_is_out_gives_way_at_once(stage: Stage, refusal: str) -> None:
    kitchen, study = stage.phones["kitchen"], stage.phones["study"]
    await kitchen.will(refusal, rings=0.2)
    row = await answered(stage, "turn")
    assert row.answered_by == "study"
    assert study.calls[0].invited - kitchen.calls[0].invited < 2.5  # not when its time was over


async def test_a_memory_hunt_lets_the_first_ring_on(stage: Stage) -> None:
    kitchen, study = stage.phones["kitchen"], stage.phones["study"]
    await kitchen.will("answer", rings=4.5)
    await study.will("never")
    row = await answered(stage, "hunt")
    assert row.answered_by == "kitchen"
    assert kitchen.rung == study.rung == 1
    assert study.calls[0].cancelled is not None


async def test_round_robin_begins_with_another_at_each_call(stage: Stage) -> None:
    begun = [(await answered(stage, "robin")).answered_by for _ in range(4)]
    assert sorted(begun[:3]) == ["kitchen", "office", "study"]
    assert begun[3] == begun[0]


async def test_random_rings_one_after_the_other(stage: Stage) -> None:
    phones = [stage.phones[name] for name in ("kitchen", "study", "office")]
    for phone in phones:
        await phone.will("never")

    def rung() -> list[PhoneCall]:
        return [call for phone in phones for call in phone.calls]

    def still_ringing() -> list[PhoneCall]:
        return [one for one in rung() if one.cancelled is None]

    async def next_rings(ringing: int) -> None:
        await until(lambda: len(rung()) >= ringing, "the next one rings", instead=rung)

    async with friend(stage, "chance") as call:
        for ringing in range(1, 4):
            await next_rings(ringing)
            # That the one before it was told to stop may be read a moment later.
            await until(lambda: len(still_ringing()) <= 1, "the others are quiet", instead=rung)
            assert len(still_ringing()) == 1
            assert len(rung()) == ringing
        await call.answered(within=10)  # by the box
    assert (await the_row(stage)).answered_by == ""


async def test_first_available_rings_one_phone_only(stage: Stage) -> None:
    await stage.phones["kitchen"].will("never")
    async with friend(stage, "first") as call:
        await call.answered(within=10)  # by the box
    row = await the_row(stage)
    assert stage.rung == ("kitchen",)
    assert "attic is not registered: passed over" in story(stage, row)


async def test_who_has_not_answered_for_longest_rings_first(stage: Stage) -> None:
    first = (await answered(stage, "recent")).answered_by
    second = (await answered(stage, "recent")).answered_by
    assert {first, second} == {"kitchen", "study"}
    assert (await answered(stage, "recent")).answered_by == first


async def test_a_phone_joins_later(stage: Stage) -> None:
    kitchen, porch = stage.phones["kitchen"], stage.phones["porch"]
    await kitchen.will("never")
    row = await answered(stage, "late")
    assert row.answered_by == "porch"
    assert porch.calls[0].invited - kitchen.calls[0].invited > 2.5


async def test_a_phone_that_was_to_join_later_joins_where_nobody_rings(stage: Stage) -> None:
    kitchen, porch = stage.phones["kitchen"], stage.phones["porch"]
    await kitchen.will("486", rings=0.1)
    assert (await answered(stage, "late")).answered_by == "porch"
    assert porch.calls[0].invited - kitchen.calls[0].invited < 2.5


# Passing over ------------------------------------------------------------------------------------


async def test_phones_at_other_hours_and_undisturbed_ones_are_passed_over(stage: Stage) -> None:
    row = await answered(stage, "shut")
    assert stage.rung == ("kitchen",)
    assert "shut rings at other hours: passed over" in story(stage, row)
    donotdisturb.begin(stage.settings.data, "kitchen")
    row = await answered(stage, "family")
    assert row.answered_by == "study"
    assert stage.phones["kitchen"].rung == 1
    assert "kitchen is not to be disturbed: passed over" in story(stage, row)


async def test_a_phone_dials_that_it_is_to_be_left_in_peace_and_rings_again(stage: Stage) -> None:
    for code, undisturbed in (("*78", {"study"}), ("*79", set())):
        async with stage.dialling("study", code) as phone:
            await phone.answered()
            await phone.hear_sound(within=5)
            assert (await phone.ended(within=15)).hung_up_by == "callee"
        assert donotdisturb.phones(stage.settings.data) == undisturbed
        await answered(stage, "family")
        assert stage.phones["study"].rung == (0 if undisturbed else 1)


async def test_a_phone_in_a_call_is_passed_over(stage: Stage) -> None:
    async with stage.dialling("kitchen", "2") as phone:
        await stage.phones["office"].answered(within=5)
        await phone.answered()
        row = await answered(stage, "family")
        assert row.answered_by == "study"
        assert "kitchen is in a call: passed over" in story(stage, row)


async def test_a_group_of_phones_that_cannot_ring_goes_to_the_box_at_once(stage: Stage) -> None:
    async with friend(stage, "gone") as call:
        await call.answered(within=10)  # a group rings for longer
        await call.hear_sound(within=10)
    row = await the_row(stage)
    assert stage.rung == ()
    assert row.outcome == Outcome.GAVE_UP
    assert "nobody answered; attic is not registered: passed over" in story(stage, row)


# What the phones show ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Alice", '"DOOR: Alice"'),
        (None, f'"DOOR: {FRIEND}"'),
        ("${SHELL(id)}, $[1+1], <sip:x@y>;z", '"DOOR: ${SHELL(id)}, $[1+1], <sip:x@y>;z"'),
    ],
)
async def test_the_prefix_stands_before_the_callers_name(
    stage: Stage, name: str | None, shown: str
) -> None:
    async with friend(stage, "door", name=name) as call:
        await call.answered(within=10)
        await talking(stage)
    kitchen = stage.phones["kitchen"]
    for header in ("From", "P-Asserted-Identity"):
        assert invite(kitchen, header).startswith(f"{shown} <sip:{FRIEND}@")
    assert invite(kitchen, "Alert-Info") == ALERT


async def test_a_caller_who_has_shown_nothing_is_marked(stage: Stage) -> None:
    await stage.phones["study"].will("never")
    async with stage.caller(did=UNASKED, name="Eve"):
        await stage.phones["kitchen"].answered(within=20)
        await talking(stage)
    assert invite(stage.phones["kitchen"], "From").startswith('"DOOR: ?: Eve" <')


async def test_a_hostile_name_stays_a_name(stage: Stage) -> None:
    async with friend(stage, "door", name='"\\" <sip:evil@x>\\') as call:
        await call.answered(within=10)
    header = invite(stage.phones["kitchen"], "From")
    assert header.startswith('"DOOR: ')
    assert header.endswith(f"@{'127.0.0.1'}>;tag={header.rpartition('=')[2]}")
    assert f"<sip:{FRIEND}@" in header


async def test_a_phone_with_two_contacts_rings_on_both(stage: Stage, app: Phone) -> None:
    hall = stage.phones["hall"]
    await hall.will("never")
    row = await answered(stage, "pair")
    assert row.answered_by == "hall"
    assert (hall.rung, app.rung) == (1, 1)
    assert hall.calls[0].cancelled is not None
    await hall.will("486", rings=0.1)
    assert (await answered(stage, "pair")).answered_by == "hall"  # the other contact rings on


# Asking ------------------------------------------------------------------------------------------


async def test_a_mobiles_voicemail_never_takes_the_call(stage: Stage) -> None:
    mobile, kitchen = stage.phones["mobile"], stage.phones["kitchen"]
    await mobile.will("answer", rings=0.3)
    await kitchen.will("never")
    async with friend(stage, "both") as call:
        await mobile.answered(within=5)
        await mobile.rtp.hear_sound(within=5)
        await mobile.quiet(within=25)  # hung up on
        assert mobile.calls[0].hung_up_by == "asterisk"
        assert not call.result.answered
        await kitchen.answer()
        await call.answered(within=5)
        await talking(stage)
    row = await the_row(stage)
    assert row.answered_by == "kitchen"
    assert "mobile answered, and nobody pressed a key" in story(stage, row)


async def test_who_presses_1_on_the_mobile_has_the_call(stage: Stage) -> None:
    mobile = stage.phones["mobile"]
    await mobile.will("answer", rings=0.3)
    async with friend(stage, "mobile") as call:
        await mobile.answered(within=5)
        await mobile.rtp.hear_sound(within=5)
        await mobile.rtp.key("5")
        assert not call.result.answered
        await mobile.rtp.key("1")
        await call.answered(within=5)
        await call.speak(speech.tone(BEEP, 1.0))
        await mobile.rtp.hear_tone(BEEP, within=5)
    assert (await the_row(stage)).answered_by == "mobile"


async def announced(call: Caller, phone: Phone) -> None:
    """The caller says his name; the phone rings, answers and hears of him."""
    await call.answered(within=10)
    await call.hear_tone(BEEP, within=10)
    await call.speak(speech.say("Alice from next door"))
    await phone.answered(within=15)
    await phone.rtp.hear_sound(within=5)


async def test_who_is_announced_is_taken_by_1(stage: Stage) -> None:
    kitchen = stage.phones["kitchen"]
    await kitchen.will("answer", rings=0.3)
    await stage.phones["study"].will("never")
    async with friend(stage, "told") as call:
        await announced(call, kitchen)
        # His own voice is in the announcement.
        await hears(kitchen.rtp, speech.say("Alice from next door"), alike=0.5)
        assert stage.phones["study"].calls[0].cancelled is None  # rings on
        await kitchen.rtp.key("1")
        await stage.phones["study"].quiet(within=5)
        await call.speak(speech.tone(BEEP, 1.0))
        await kitchen.rtp.hear_tone(BEEP, within=5)
    row = await the_row(stage)
    assert (row.outcome, row.answered_by) == (Outcome.CONNECTED, "kitchen")
    recordings = await stage.ask("recordings/stored")
    assert not [one for one in recordings if "_name-" in one["name"]]


async def test_2_sends_him_to_the_message_box(stage: Stage) -> None:
    kitchen = stage.phones["kitchen"]
    await kitchen.will("answer", rings=0.3)
    async with friend(stage, "told") as call:
        await announced(call, kitchen)
        await kitchen.rtp.key("2")
        await kitchen.quiet(within=5)
        call.rtp.listen_from_now()
        await call.hear_tone(BEEP, within=20)
        await call.speak(speech.say("please call me back this evening"))
        await call.hang_up()
    row = await the_row(stage)
    assert (row.outcome, row.answered_by) == (Outcome.MESSAGE, "kitchen")
    assert "kitchen chose: to the message box" in row.reason
    assert "kitchen answered and chose: to the message box" in story(stage, row)


async def test_3_turns_him_away(stage: Stage) -> None:
    kitchen = stage.phones["kitchen"]
    await kitchen.will("answer", rings=0.3)
    async with friend(stage, "told") as call:
        await announced(call, kitchen)
        await kitchen.rtp.key("3")
        assert (await call.ended(within=15)).hung_up_by == "callee"
    row = await the_row(stage)
    assert row.outcome == Outcome.TREATED
    assert row.reason.startswith("kitchen chose: turn away;")


async def test_4_turns_him_away_for_good(stage: Stage) -> None:
    kitchen, pest = stage.phones["kitchen"], "+18055550123"
    await kitchen.will("answer", rings=0.3)
    known = status.read(stage.settings.data)
    async with stage.caller(pest, did=DIDS["family"]) as call:
        await call.answered(within=10)
        await call.hear_sound(within=5)
        await call.key("7")
        await call.hear_tone(BEEP, within=15)
        await kitchen.answered(within=15)
        assert "?:" not in invite(kitchen, "From")  # he has keyed an extension
        await kitchen.rtp.hear_sound(within=5)
        await kitchen.rtp.key("4")
        await call.ended(within=20)
    row = await the_row(stage)
    assert row.outcome == Outcome.TREATED
    line = f'block from {pest} "turned away from the phone by kitchen (blocked, call {row.id})"'
    rules = "".join(file.read_text() for file in stage.settings.rules.glob("*.rules"))
    assert line in rules
    assert "blocked from now on: " in story(stage, row)
    await has_said(stage, lambda now: now.rules != getattr(known, "rules", 0))
    async with stage.caller(pest, did=DIDS["family"]) as call:
        await call.ended(within=20)
    assert (await the_row(stage, 2)).rule.startswith('"turned away from the phone by kitchen')


async def test_who_hangs_up_without_a_choice_leaves_him_to_the_others(stage: Stage) -> None:
    kitchen, study = stage.phones["kitchen"], stage.phones["study"]
    await kitchen.will("answer", rings=0.3)
    await study.will("never")
    async with friend(stage, "told") as call:
        await announced(call, kitchen)
        await kitchen.hang_up()
        await study.answer()
        await study.rtp.hear_sound(within=5)
        await study.rtp.key("1")
        await call.speak(speech.tone(BEEP, 1.0))
        await study.rtp.hear_tone(BEEP, within=5)
    row = await the_row(stage)
    assert row.answered_by == "study"
    assert "kitchen answered, and nobody pressed a key" in story(stage, row)


async def test_who_says_no_name_is_introduced_by_his_number(stage: Stage) -> None:
    kitchen = stage.phones["kitchen"]
    await kitchen.will("answer", rings=0.3)
    async with friend(stage, "told") as call:
        await call.answered(within=10)
        await call.hear_tone(BEEP, within=10)
        await kitchen.answered(within=15)
        await kitchen.rtp.hear_sound(within=5)
        await kitchen.rtp.key("1")
        await call.speak(speech.tone(BEEP, 1.0))
        await kitchen.rtp.hear_tone(BEEP, within=5)
    assert (await the_row(stage)).outcome == Outcome.CONNECTED


async def test_who_hangs_up_while_he_says_his_name_rings_nobody(stage: Stage) -> None:
    async with friend(stage, "told") as call:
        await call.answered(within=10)
        await call.hear_tone(BEEP, within=10)
        await call.hang_up()
    row = await the_row(stage)
    assert row.outcome == Outcome.GAVE_UP
    assert row.reason == "the caller hung up while being asked for his name"
    assert stage.rung == ()


# The caller --------------------------------------------------------------------------------------


async def test_two_who_answer_in_the_same_instant_make_one_winner(stage: Stage) -> None:
    kitchen, study = stage.phones["kitchen"], stage.phones["study"]
    for phone in (kitchen, study):
        await phone.will("never")
    async with friend(stage, "family") as call:
        await asyncio.gather(kitchen.rang(within=5), study.rang(within=5))
        await asyncio.gather(kitchen.answer(), study.answer(), return_exceptions=True)
        await call.answered(within=5)
        row_phone, other = (kitchen, study) if kitchen.calls[0].ended is None else (study, kitchen)
        await other.quiet(within=5)
        winner = row_phone if not row_phone.calls[0].over else other
        await call.speak(speech.tone(BEEP, 1.0))
        await winner.rtp.hear_tone(BEEP, within=5)
    row = await the_row(stage)
    assert row.answered_by == winner.name


async def test_a_caller_who_hangs_up_stops_every_phone(stage: Stage, app: Phone) -> None:
    kitchen, study = stage.phones["kitchen"], stage.phones["study"]
    late = []
    for _ in range(3):
        for phone in (kitchen, study):
            await phone.will("never")
            phone.forget()
        async with friend(stage, "family") as call:
            calls: list[PhoneCall] = [await p.rang(within=5) for p in (kitchen, study)]
            await call.hang_up()
        gone = next(m.at for m in call.sip.messages if m.is_request("CANCEL"))
        await asyncio.gather(kitchen.quiet(within=5), study.quiet(within=5))
        assert all(one.cancelled is not None for one in calls)
        late += [one.cancelled - gone for one in calls if one.cancelled is not None]
    print(f"CANCEL by the caller to CANCEL at each phone: {max(late) * 1000:.0f} ms at most")


async def test_a_phone_that_vanishes_while_it_rings_holds_up_nobody(stage: Stage) -> None:
    """It is no phone of another test's: Asterisk goes on calling it for half a minute."""
    ghost = stage.phones["ghost"]
    await ghost.will("vanish")
    row = await answered(stage, "ghost")
    assert row.answered_by == "study"
    assert ghost.rung == 1


async def test_the_caller_hears_music_and_then_who_answers(stage: Stage) -> None:
    kitchen = stage.phones["kitchen"]
    await kitchen.will("never")
    async with friend(stage, "music") as call:
        await call.answered(within=5)  # music needs an answered call
        await kitchen.rang(within=5)
        await call.hear_tone(SONG, within=10)
        await kitchen.answer()
        await kitchen.rtp.hear_quiet(0.2, within=5)
        await call.speak(speech.tone(BEEP, 1.0))
        await kitchen.rtp.hear_tone(BEEP, within=5)
    assert (await the_row(stage)).answered_by == "kitchen"


async def test_the_caller_is_told_to_wait(stage: Stage) -> None:
    await stage.phones["kitchen"].will("answer", rings=16.0)
    prompt = Prompts.open(stage.settings).path("still-ringing").read_bytes()
    async with friend(stage, "wait") as call:
        await call.answered(within=5)
        await call.hear_sound(within=5)
        await asyncio.sleep(9)
        call.rtp.listen_from_now()
        await asyncio.sleep(5)
        assert speech.likeness(call.frames(), speech.decode(prompt)) > 0.5
        await stage.phones["kitchen"].answered(within=8)
        await talking(stage)
    assert (await the_row(stage)).answered_by == "kitchen"


async def test_who_shows_no_number_cannot_be_blocked_and_the_story_says_so(stage: Stage) -> None:
    kitchen = stage.phones["kitchen"]
    await kitchen.will("answer", rings=0.3)
    async with stage.caller(withheld=True, did=DIDS["family"]) as call:
        await call.answered(within=10)
        await call.hear_sound(within=5)
        await call.key("7")
        await call.hear_tone(BEEP, within=15)
        await kitchen.answered(within=15)
        await kitchen.rtp.hear_sound(within=5)
        await kitchen.rtp.key("4")
        await call.ended(within=20)
    row = await the_row(stage)
    assert row.outcome == Outcome.TREATED
    assert "not blocked: the number that call" in story(stage, row)


async def test_a_dry_run_asks_asterisk_how_the_phones_are(stage: Stage) -> None:
    told = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "screener", "ring", "first", "--dry-run"),
        *("--dir", str(stage.home)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = (stream.decode() for stream in await told.communicate())
    assert "0.0 s  attic is not registered: passed over" in out
    assert "0.0 s  kitchen rings (PJSIP/kitchen) for 5 s" in out
    assert "as Asterisk sees it now" in err
    assert not stage.phones["kitchen"].rung
