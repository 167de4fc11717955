"""The demo's scenes with ring groups: who rings when, and who answers chooses."""

from __future__ import annotations

import asyncio
import time

from screener.core.call import Outcome
from screener.core.story import CallRow
from tests.calls import speech
from tests.calls.callers import BEEP, Caller
from tests.calls.narrator import Narrator
from tests.calls.phones import Phone
from tests.calls.scenes import Scene, Seen, audible, both_hear_each_other, connected
from tests.calls.scenes_house import (
    ANNA,
    BELL,
    CALLER_SAYS,
    DAD,
    LIKE,
    SELLER,
    SELLER_SAYS,
    SISTER,
    VOICEMAIL_SAYS,
    press,
)
from tests.calls.sip import LOOPBACK, SipMessage
from tests.calls.stage import STRANGER, Stage

# Who answers chooses -----------------------------------------------------------------------------


async def taken(stage: Stage, tell: Narrator, seen: Seen) -> None:
    """A stranger says who he is; who answers hears it before he takes the call."""
    kitchen, name = stage.phones["kitchen"], speech.say(CALLER_SAYS)
    async with stage.caller(STRANGER, name="WIRELESS CALLER") as call:
        await announced(call, tell, kitchen, name)
        heard = await until_heard(kitchen, name)
        seen.expect(heard > LIKE, f"kitchen did not hear who calls ({heard:.2f})")
        tell.tell(f'kitchen hears "{CALLER_SAYS}", and presses 1: take the call')
        pressed = await kitchen.rtp.key("1")
        call.rtp.listen_from_now()
        await asyncio.sleep(0.5)
        await both_hear_each_other(call, kitchen, seen)
        await call.hang_up()
    seen.expect(stage.rung == ("kitchen",), f"{stage.rung} rang, not the kitchen")
    answered = kitchen.calls[0].answered or 0.0
    seen.soon = f"{pressed - answered:.1f} s from the phone's answer to the choice"
    await connected(stage, seen, "kitchen")
    seen.what += ", who had heard his name"


async def turned_away(stage: Stage, tell: Narrator, seen: Seen) -> None:
    """Who answers presses 4: a line is written to the rules, and the next call rings nobody."""
    kitchen, name = stage.phones["kitchen"], speech.say(SELLER_SAYS)
    async with stage.caller(SELLER, name="ROOF SALES") as call:
        await announced(call, tell, kitchen, name)
        await until_heard(kitchen, name)
        tell.tell("kitchen presses 4: turn away, and block")
        keyed = await kitchen.rtp.key("4")
        result = await call.ended(within=20)
    row = await stage.row(within=20)
    seen.expect(row.outcome == Outcome.TREATED, f"its row says {row.outcome}")
    line = await rule_about(stage, SELLER)
    seen.expect(line.startswith(f"block from {SELLER} "), "no rule was written")
    tell.tell(f"in the rules stands: {line}")
    kitchen.forget()
    again = await blocked(stage, SELLER)
    seen.expect(not stage.rung, f"{stage.rung} rang at his next call")
    seen.expect(again.outcome == Outcome.TREATED, f"the next row says {again.outcome}")
    seen.expect("turned away from the phone" in again.rule, f"the next row names {again.rule!r}")
    seen.what, seen.why = "turned away; blocked when he calls again", again.rule
    seen.soon = f"hung up on {call.started + result.seconds - keyed:.1f} s after the choice"


async def mobile(stage: Stage, tell: Narrator, seen: Seen) -> None:
    """A mobile's voicemail answers and talks; it never has the call, and another phone takes it."""
    mobile, kitchen = stage.phones["mobile"], stage.phones["kitchen"]
    words = speech.say(VOICEMAIL_SAYS, "flite:slt")
    await mobile.will("answer", rings=0.3)
    await kitchen.will("never")
    async with stage.caller(DAD, name="Dad") as call:
        await mobile.answered(within=5)
        await mobile.rtp.hear_sound(within=5)  # whoever answers is asked to press a key
        tell.tell(f'the mobile\'s voicemail says "{VOICEMAIL_SAYS}"')
        await mobile.rtp.speak(words)
        seen.expect(not call.result.answered, "the caller was put through to the voicemail")
        tell.tell("somebody in the kitchen picks up")
        await kitchen.answer()
        await call.answered(within=5)
        await mobile.quiet(within=5)
        await both_hear_each_other(call, kitchen, seen)
        heard = await asyncio.to_thread(speech.likeness, call.heard(), words)
        await call.hang_up()
    seen.expect(heard < LIKE, "the caller heard the voicemail")
    seen.expect(mobile.calls[0].hung_up_by == "asterisk", "the voicemail was not hung up on")
    seen.soon = f"answered after {call.result.answered_after or 0.0:.1f} s"
    await connected(stage, seen, "kitchen")
    seen.what += ", not to the voicemail"


# Who rings when -----------------------------------------------------------------------------------


async def in_turn(stage: Stage, tell: Narrator, seen: Seen) -> None:
    """The first phone is busy, the second rings its time and gives way, the third answers."""
    kitchen, study, office = (stage.phones[name] for name in ("kitchen", "study", "office"))
    await kitchen.will("486", rings=0.2)
    await study.will("never")
    async with stage.caller(ANNA, name="Anna") as call:
        await call.answered(within=15)
        await both_hear_each_other(call, office, seen)
        await call.hang_up()
    (first,), (second,), (third,) = kitchen.calls, study.calls, office.calls
    seen.expect(first.refused.startswith("486"), f"kitchen said {first.refused or '?'}")
    at_once = second.invited - (first.ended or 0.0)
    seen.expect(0 <= at_once < 1.0, f"study rang {at_once:.1f} s after kitchen was busy")
    turn = third.invited - second.invited
    seen.expect(2.5 < turn < 4.0, f"office rang {turn:.1f} s after study, not 3 s")
    seen.expect(second.cancelled is not None, "study rang on")
    seen.soon = f"the second {at_once:.2f} s after the first was busy, the third {turn:.1f} s later"
    await connected(stage, seen, "office")


async def redirected(stage: Stage, tell: Narrator, seen: Seen) -> None:
    """A phone redirects to voicemail, else to another phone here: only the latter is followed."""
    kitchen, study = stage.phones["kitchen"], stage.phones["study"]
    contacts = f"<sip:*97@{LOOPBACK}>;q=0.9, <sip:study@{LOOPBACK}>;q=0.5"
    await kitchen.will("redirect", rings=0.3, contact=contacts)
    async with stage.caller(SISTER, name="my sister") as call:
        await call.answered(within=10)
        await both_hear_each_other(call, study, seen)
        await call.hang_up()
    seen.expect(stage.rung == ("kitchen", "study"), f"{stage.rung} rang")
    diversion = invite(study).header("Diversion")
    seen.expect("<sip:kitchen@" in diversion, f"study was told {diversion or 'nothing'}")
    told = "\n".join(line.text for line in stage.story(await stage.row(within=20)))
    seen.expect("redirected to *97: not followed, not inside" in told, "*97 is not in the story")
    seen.soon = f"answered after {call.result.answered_after or 0.0:.1f} s"
    await connected(stage, seen, "study")
    seen.what += ", to whom kitchen had redirected; not to *97"


async def doorbell(stage: Stage, tell: Narrator, seen: Seen) -> None:
    """Rings at once and asks nothing; one phone redirects the visitor, and counts for nothing."""
    kitchen, study = stage.phones["kitchen"], stage.phones["study"]
    await study.will("redirect", rings=0.2, contact=f"sip:office@{LOOPBACK}")
    await kitchen.will("answer", rings=2.0)
    async with stage.caller("frontgate", did=BELL) as call:
        rung = await kitchen.rang(within=5)
        await kitchen.answered(within=5)
        await call.answered()
        await both_hear_each_other(call, kitchen, seen)
        await call.hang_up()
    answered = call.started + (call.result.answered_after or 0.0)
    seen.expect(not audible(call, until=answered), "a prompt was played")
    seen.expect(stage.rung == ("kitchen", "study"), f"{stage.rung} rang, not the house")
    shown = invite(kitchen).header("From")
    seen.expect(shown.startswith('"DOOR: '), f"the phone showed {shown}")
    seen.soon = f"phones rang after {rung.invited - call.started:.2f} s"
    await connected(stage, seen, "kitchen")


# What was heard, written, sent --------------------------------------------------------------------


async def announced(call: Caller, tell: Narrator, phone: Phone, name: bytes) -> None:
    """Choose the parents and say who calls, until they answer."""
    await call.answered()
    await call.hear_sound(within=5)
    await press(call, tell, "4")
    await call.hear_tone(BEEP, within=15)
    tell.tell("beep: the caller says his name")
    await call.speak(speech.silence(0.2) + name)
    await phone.answered(within=15)


async def until_heard(phone: Phone, said: bytes, *, within: float = 30.0) -> float:
    """Wait until a phone has heard this; the likeness that it came to."""
    deadline = time.monotonic() + within
    while True:
        heard = await asyncio.to_thread(speech.likeness, phone.rtp.heard(), said)
        if heard > LIKE or time.monotonic() > deadline:
            return heard
        await asyncio.sleep(0.2)


async def rule_about(stage: Stage, number: str, *, within: float = 30.0) -> str:
    """The line about this number in the rule files, once it stands there; "" if it never does."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        for file in sorted(stage.settings.rules.glob("*.rules")):
            for line in file.read_text(encoding="utf-8").splitlines():
                if number in line:
                    return line
        await asyncio.sleep(0.05)
    return ""


async def blocked(stage: Stage, number: str) -> CallRow:
    """He calls again: the row of that call."""
    before = len(stage.rows())
    async with stage.caller(number, name="ROOF SALES") as call:
        await call.ended(within=20)
    return await stage.row(within=20, number=before + 1)


def invite(phone: Phone) -> SipMessage:
    """The last INVITE that reached a phone."""
    return [message for message in phone.sip.messages if message.is_request("INVITE")][-1]


SCENES = (
    Scene("14", "A stranger says who he is, and is taken with 1", taken),
    Scene("15", "Another is turned away for good with 4", turned_away),
    Scene("16", "The voicemail of a mobile answers", mobile),
    Scene("17", "In turn: one phone is busy, one does not answer", in_turn),
    Scene("18", "A phone redirects to *97, else to another phone", redirected),
    Scene("19", "Somebody rings at the door", doorbell),
)
