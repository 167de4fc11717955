"""The demo's scenes at the front door: who rings, who is asked, who is turned away."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any

from screener.asterisk.installation import Installation
from screener.core.call import Outcome
from tests.calls import speech
from tests.calls.callers import Caller
from tests.calls.narrator import Narrator
from tests.calls.scenes import (
    HELLO,
    WHO,
    Play,
    Scene,
    Seen,
    audible,
    audible_now,
    both_hear_each_other,
    connected,
    no_phone_rang,
)
from tests.calls.sip import LOOPBACK, CallError
from tests.calls.stage import FRIEND, PEST, STRANGER, Stage
from tests.calls.test_wanted_robot import PHARMACY, told

SOFT_AND_NOISY = {"gain_db": -10.0, "noise_dbfs": -55.0}
"""10 dB below ordinary speech (-20 dBFS), on a line that hisses at -55 dBFS."""
SIT = (968.0, 1385.0, 1788.0)
"""The special information tones in Hz, between those of ITU-T E.180 (950, 1400, 1800) and Telcordia
SR-2275 (985.2, 1370.6, 1776.7): within 20 ms neither can be told from these."""
MESSAGE = "This is doctor Miller's office. Your appointment is moved to Tuesday at ten. Thank you."
WRONG_START = "Hello, I wanted to, oh wait, let me start again."


async def friend(stage: Stage, tell: Narrator, seen: Seen) -> None:
    """Rings at once, without a prompt; then both hear each other."""
    kitchen, study = stage.phones["kitchen"], stage.phones["study"]
    await study.will("never")
    async with stage.caller(FRIEND, name="Mom") as call:
        rung = await kitchen.rang(within=5)
        await call.answered()
        picked_up = kitchen.calls[0].answered
        await both_hear_each_other(call, kitchen, seen)
        await kitchen.hang_up()
        await call.ended(within=5)
    answered = call.started + (call.result.answered_after or 0.0)
    seen.expect(picked_up is not None and answered >= picked_up, "answered before the phone was")
    seen.expect(not audible(call, until=answered), "a prompt was played")
    seen.expect(stage.rung == ("kitchen", "study"), f"{stage.rung} rang, not the family")
    seen.expect(study.calls[0].cancelled is not None, "study was not told to stop ringing")
    seen.soon = f"phones rang after {rung.invited - call.started:.2f} s"
    await connected(stage, seen, "kitchen")


async def pest(stage: Stage, tell: Narrator, seen: Seen) -> None:
    """Hears the special information tones and is hung up on."""
    async with stage.caller(PEST, name="ROOF SALES") as call:
        for hertz in SIT:
            await call.hear_tone(hertz, within=10)
        tell.tell("the caller hears the special information tones")
        result = await call.ended(within=20)
    seen.expect(result.hung_up_by != "caller", "the caller had to hang up himself")
    seen.soon = f"over after {result.seconds:.1f} s"
    row = await no_phone_rang(stage, seen)
    seen.expect(row.outcome == Outcome.TREATED, f"its row says {row.outcome}")
    seen.what = "SIT tones, hung up"


def keys(**traits: Any) -> Play:
    async def play(stage: Stage, tell: Narrator, seen: Seen) -> None:
        """Keys 2 during the prompt: it stops and the office rings."""
        office = stage.phones["office"]
        async with stage.caller(STRANGER, name="WIRELESS CALLER", **traits) as call:
            await call.answered()
            await call.hear_sound(within=5)
            await asyncio.sleep(0.7)
            seen.expect(audible_now(call), "the prompt was over before the key")
            keyed = await call.key("2")
            tell.tell("the caller keys 2, during the prompt", keyed)
            rung = await office.rang(within=10)
            await office.answered(within=5)
            await both_hear_each_other(call, office, seen)
            await call.hang_up()
        seen.expect(stage.rung == ("office",), f"{stage.rung} rang, not the office")
        seen.soon = f"{rung.invited - keyed:.2f} s from key to ring"
        await connected(stage, seen, "office")

    return play


def says(words: str, said_by: Callable[[], bytes], **traits: Any) -> Play:
    async def play(stage: Stage, tell: Narrator, seen: Seen) -> None:
        """Says an extension's name or number once the menu is over."""
        office = stage.phones["office"]
        async with stage.caller(STRANGER, name="Jo Miller", **traits) as call:
            await call.answered()
            await call.hear_sound(within=5)
            await call.hear_quiet(1.2, within=30)
            tell.tell(f'the caller says "{words}"')
            await call.speak(said_by())
            said = time.monotonic()
            confirmed = await confirm_if_asked(stage, call, tell)
            rung = await office.rang(within=10)
            await office.answered(within=5)
            await both_hear_each_other(call, office, seen)
            await call.hang_up()
        seen.expect(stage.rung == ("office",), f"{stage.rung} rang, not the office")
        after = ", asked whether that is right" if confirmed else ""
        seen.soon = f"{rung.invited - said:.2f} s from word to ring{after}"
        await connected(stage, seen, "office")

    return play


async def confirm_if_asked(stage: Stage, call: Caller, tell: Narrator) -> bool:
    """Key 1 where screener is not sure of the word; whether it has asked."""
    deadline = time.monotonic() + 5
    while not stage.rung and time.monotonic() < deadline:
        told = [line.text for line in stage.story(stage.rows()[-1])]
        if any("confirm-hearing" in text for text in told):
            await asyncio.sleep(0.7)
            tell.tell("the caller keys 1: that is right", await call.key("1"))
            return True
        await asyncio.sleep(0.05)
    return False


async def robocalls(stage: Stage, tell: Narrator, seen: Seen) -> None:
    """Recordings that talk on over the prompt, several at once: turned away, no phone rings."""
    clips = [clip for clip in speech.robocalls() if "press" in clip.transcript]
    clips = (clips + speech.robocalls("robocall-tts"))[:3]
    results = await asyncio.gather(
        *(robocall(stage, tell, clip, f"+1866555010{n}") for n, clip in enumerate(clips))
    )
    for phone in stage.phones.values():
        seen.expect(not phone.rung, f"{phone.name} rang")
    rows = [await stage.row(within=60, number=n + 1) for n in range(len(clips))]
    outcomes = [row.outcome for row in rows]
    seen.expect(set(outcomes) == {Outcome.TREATED}, f"their rows say {'; '.join(outcomes)}")
    seen.expect(not stage.mail.tried, "something was mailed")
    seen.what = "; ".join(outcomes)
    seen.why = "; ".join(dict.fromkeys(row.reason for row in rows))
    seen.soon = f"{len(clips)} calls, over after {min(results):.0f} to {max(results):.0f} s"


async def robocall(stage: Stage, tell: Narrator, clip: speech.Recording, number: str) -> float:
    """One recorded call, to the recording's end or until it is hung up on; its seconds."""
    async with stage.caller(number, name="CAR WARRANTY") as call:
        await call.answered()
        tell.tell(f'a recording talks: "{clip.transcript[:60]}..." ({clip.name})')
        await call.speak(speech.at_level(clip.pcm()))
        with contextlib.suppress(CallError):
            await call.ended(within=8)
    return call.result.seconds


async def reminder(stage: Stage, tell: Narrator, seen: Seen) -> None:
    """A recording that somebody waits for: heard out and mailed whole, and no phone rings."""
    words = told(times=2)
    async with stage.caller(PHARMACY, name="PHARMACY") as call:
        await call.answered()
        tell.tell("a recording talks: a prescription is ready, an appointment is tomorrow")
        await call.speak(words)
        with contextlib.suppress(CallError):
            await call.ended(within=20)
    letter = await stage.mail.letter(within=30)
    heard = await asyncio.to_thread(speech.likeness, letter.sound, words)
    seen.expect(heard > 0.5, "the mail does not hold its words")
    row = await no_phone_rang(stage, seen)
    seen.expect(row.outcome == Outcome.MESSAGE, f"its row says {row.outcome}")
    seen.what = f"{letter.sound_seconds:.1f} s kept from its first word on, and mailed"
    seen.soon = f"mailed {letter.at - call.started - call.result.seconds:.1f} s after its end"


async def silent(stage: Stage, tell: Narrator, seen: Seen) -> None:
    """Says nothing and keys nothing until it is hung up on: counted, nothing else."""
    async with stage.caller("+18775550123") as call:
        await call.answered()
        result = await call.ended(within=90)
    seen.expect(result.hung_up_by == "callee", "the caller had to hang up himself")
    seen.soon = f"over after {result.seconds:.1f} s"
    row = await no_phone_rang(stage, seen)
    seen.expect(row.outcome == Outcome.SILENT, f"its row says {row.outcome}")
    seen.expect(not stage.mail.tried, "something was mailed")
    seen.what = "counted as silent"


async def redirect(stage: Stage, tell: Narrator, seen: Seen) -> None:
    """One phone of the group answers 302 to somebody's voicemail: the other one goes on ringing."""
    kitchen, study, office = (stage.phones[name] for name in ("kitchen", "study", "office"))
    voicemail = f"sip:*97@{LOOPBACK}:{office.port}"
    await study.will("redirect", rings=0.5, contact=voicemail)
    await kitchen.will("answer", rings=3.0)
    async with stage.caller(FRIEND, name="Mom") as call:
        await call.answered()
        await asyncio.sleep(0.5)
        await kitchen.hang_up()
        await call.ended(within=5)
    (redirected,), (answered,) = study.calls, kitchen.calls
    seen.expect(redirected.refused.startswith("302"), f"study said {redirected.refused or '?'}")
    order = (redirected.ended or 0.0) < (answered.answered or 0.0)
    seen.expect(order, "kitchen did not answer after study's redirect")
    seen.expect(not office.rung, "the redirect was followed")
    seen.soon = f"answered after {call.result.answered_after or 0.0:.1f} s"
    await connected(stage, seen, "kitchen")


async def message(stage: Stage, tell: Narrator, seen: Seen) -> None:
    """Nobody answers: record, hear it, record again, keep, hang up while it is being mailed."""
    office = stage.phones["office"]
    await office.will("never")
    stage.mail.behave(slow=2.0)
    words = speech.say(MESSAGE, "flite:slt")
    async with stage.caller(STRANGER, name="Dr. Miller") as call:
        await call.answered()
        await call.hear_sound(within=5)
        await call.key("2")
        await record(call, tell, speech.say(WRONG_START, "flite:slt"), within=40)
        await call.hear_quiet(1.2, within=30)
        tell.tell("the caller keys 2: record again")
        await call.key("2")
        recorded, played_from = await record(call, tell, words, within=15)
        await call.hear_quiet(1.2, within=40)
        heard = call.heard(played_from)
        tell.tell("the caller keys 1: keep it")
        await call.key("1")
        await stage.mail.attempt(within=20)
        tell.tell("the caller hangs up while the mail is under way")
        await call.hang_up()
    letter = await stage.mail.letter(within=120)
    seen.expect(
        await asyncio.to_thread(speech.likeness, heard, words) > 0.5,
        "the caller did not hear his message back",
    )
    seen.expect(speech.likeness(letter.sound, words) > 0.5, "the mail does not hold his words")
    off = letter.sound_seconds - recorded
    seen.expect(abs(off) < 0.5, f"{letter.sound_seconds:.2f} s mailed, {recorded:.2f} s recorded")
    seen.expect(letter.at > call.started + call.result.seconds, "it was mailed before he hung up")
    seen.expect(
        office.rung == 1 and office.calls[0].answered is None, "the office did not ring out"
    )
    row = await stage.row(within=20)
    seen.expect(row.outcome == Outcome.MESSAGE, f"its row says {row.outcome}")
    seen.what = f"message of {letter.sound_seconds:.1f} s kept and mailed whole"
    seen.why = row.reason
    seen.soon = f"mailed {letter.at - call.started - call.result.seconds:.1f} s after he hung up"


async def record(
    call: Caller, tell: Narrator, words: bytes, *, within: float
) -> tuple[float, float]:
    """Speak after the beep, end with #; the seconds between beep and key, and when that was."""
    began = await call.hear_beep(within=within)
    tell.tell(f"beep: the caller leaves {speech.seconds_of(words):.1f} s of message")
    await call.speak(speech.silence(0.3) + words + speech.silence(0.3))
    pressed = time.monotonic()
    await call.key("#")
    call.rtp.listen_from_now()
    await call.hear_sound(within=10)
    return pressed - began, pressed


async def killed(stage: Stage, tell: Narrator, seen: Seen) -> None:
    """The process is killed: the dialplan rings the phones by itself."""
    kitchen = stage.phones["kitchen"]
    await stage.phones["study"].will("never")
    await stage.kill()
    tell.tell("screener is killed (SIGKILL)", style="red")
    async with stage.caller(FRIEND, name="Mom") as call:
        rung = await kitchen.rang(within=10)
        await call.answered()
        await both_hear_each_other(call, kitchen, seen)
    seen.expect(not stage.rows(), "a dead screener wrote a row")
    seen.soon = f"phones rang after {rung.invited - call.started:.2f} s"
    seen.what = "connected to kitchen"
    seen.why = "the dialplan rings the group when screener is away"
    await stage.open()
    tell.tell("screener is started again")


def office() -> bytes:
    return speech.say("office", "flite:rms")


def two() -> bytes:
    return speech.at_level(speech.trimmed(speech.spoken_digits(2)[-1].pcm()))


def rehearse() -> None:
    """Make what is said."""
    for words, voice in ((HELLO, "awb"), (WHO, "slt"), (MESSAGE, "slt"), (WRONG_START, "slt")):
        speech.say(words, f"flite:{voice}")
    told(times=2)
    office()


def furnished(installation: Installation) -> Stage:
    return Stage(installation, seconds=8.0)


SOFT = "softer by 10 dB on a noisy line"
SCENES = (
    Scene("1", "A friend on the allow list", friend),
    Scene("2", "A number on the block list", pest),
    Scene("3", "A stranger keys an extension during the prompt", keys()),
    Scene("3n", f"the same, {SOFT}", keys(**SOFT_AND_NOISY)),
    Scene("4", "A stranger says the extension's name", says("office", office)),
    Scene("4d", "A stranger says its digits", says("two", two)),
    Scene("4n", f"the name, {SOFT}", says("office", office, **SOFT_AND_NOISY)),
    Scene("4dn", f"the digits, {SOFT}", says("two", two, **SOFT_AND_NOISY)),
    Scene("5", "Recorded sales messages", robocalls),
    Scene("5w", "A pharmacy's recorded reminder", reminder),
    Scene("6", "A silent call", silent),
    Scene("7", "One phone of a group redirects to voicemail", redirect),
    Scene("8", "Nobody answers: a message", message),
    Scene("9", "screener is killed, a friend calls", killed),
)
