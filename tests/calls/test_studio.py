"""The studio on a real line: the owner records from a phone of his, and the next caller hears it.
Callers of a number in German hear German."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import pytest_asyncio

from screener.asterisk.installation import Installation
from screener.voice.prompts import Prompts
from tests.calls import speech
from tests.calls.callers import Caller
from tests.calls.patience import LONG, hears
from tests.calls.sip import CallError
from tests.calls.stage import DID, Stage

PIN = "2468"
GERMAN = "+493012345678"

MORE = f"""
[studio]
pin_file = "studio-pin"
[dids."{GERMAN}"]
ring = "family"
box = "family"
language = "de"
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(installation: Installation) -> AsyncIterator[Stage]:
    """A house with a studio, and a number in German."""
    async with Stage(installation, more=MORE, secrets={"studio-pin": PIN}) as stage:
        yield stage


@pytest.fixture(autouse=True)
def as_shipped(house: Stage) -> None:
    """No recordings beside the texts."""
    for path in sorted((house.settings.sounds).glob("*/**/*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()


def prompts(stage: Stage) -> Prompts:
    """The prompts as they are now."""
    found = Prompts.open(stage.settings)
    found.build(lambda line: None)
    return found


def sound(stage: Stage, name: str, language: str = "") -> bytes:
    return speech.read(prompts(stage).path(name, language))


def number(stage: Stage, name: str) -> str:
    """The number of a prompt, as `screener sounds list` shows it."""
    names = [each.name for each in prompts(stage) if each.language == "en"]
    return str(names.index(name) + 1)


async def records(stage: Stage, phone: Caller, said: bytes) -> None:
    """Speak after the beep, and press pound."""
    try:
        await phone.hear_tone(1000, within=30)
    except CallError as unheard:
        raise CallError(f"{unheard}\n{stage.log.read_text('utf-8')[-2000:]}") from None
    await asyncio.sleep(0.5)
    await phone.speak(said)
    await phone.key("#")


async def test_the_next_caller_hears_what_was_recorded_by_phone(stage: Stage) -> None:
    own = speech.say("you have reached the smiths. who is there?", "flite:rms")
    before = sound(stage, "greeting")
    async with stage.dialling("study", "*77") as phone:
        await phone.answered()
        await phone.hear_sound(within=10)
        await phone.key(f"{PIN}#")
        await phone.key("1")
        await phone.key(f"{number(stage, 'greeting')}#")
        await records(stage, phone, own)
        await hears(phone, sound(stage, "studio-review"))
        await phone.key("1")
        await hears(phone, sound(stage, "studio-kept"))
        heard = phone.frames()
    assert speech.likeness(heard, before) > 0.7  # what callers heard until now
    assert speech.likeness(heard, own) > 0.7  # and what he has said
    kept = stage.settings.sounds / "en" / "greeting.wav"
    assert speech.likeness(speech.read(kept), own) > 0.7
    async with stage.caller() as call:
        await call.answered()
        await hears(call, own)
        assert speech.likeness(call.heard(), before) < 0.4
    await stage.row(within=20)


async def test_what_is_recorded_by_command_is_heard_without_a_restart(stage: Stage) -> None:
    own = speech.say("good day to you. please choose", "flite:rms")
    (stage.home / "me.wav").write_bytes(speech.wav(own))
    command = ("sounds", "record", "greeting", "--from", stage.home / "me.wav")
    record = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "screener", *map(str, command), "--dir", str(stage.home)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert await record.wait() == 0
    deadline = time.monotonic() + 20
    while True:
        async with stage.caller() as call:
            await call.answered()
            await call.hear_sound(within=5)
            await asyncio.sleep(speech.seconds_of(own) + 0.5)
            if speech.likeness(call.frames(), own) > 0.7:
                return
        assert time.monotonic() < deadline, "callers hear what they heard before"


async def test_his_own_name_is_recorded_by_his_extension(stage: Stage) -> None:
    own = speech.say("jonathan smith", "flite:rms")
    async with stage.dialling("study", "*77") as phone:
        await phone.answered()
        await phone.key(f"{PIN}#22")
        await records(stage, phone, own)
        await hears(phone, sound(stage, "studio-review"))
        await phone.key("1")
        await hears(phone, sound(stage, "studio-kept"))
    assert speech.likeness(sound(stage, "extension-2"), own) > 0.7


async def test_silence_is_not_kept(stage: Stage) -> None:
    goodbye = number(stage, "goodbye")
    async with stage.dialling("study", "*77") as phone:
        await phone.answered()
        await phone.key(f"{PIN}#1{goodbye}#")
        await records(stage, phone, speech.silence(1.0))
        await hears(phone, sound(stage, "studio-silent"))
    assert not (stage.settings.sounds / "en" / "goodbye.wav").exists()


async def test_who_hangs_up_before_he_has_chosen_changes_nothing(stage: Stage) -> None:
    goodbye = number(stage, "goodbye")
    async with stage.dialling("study", "*77") as phone:
        await phone.answered()
        await phone.key(f"{PIN}#1{goodbye}#")
        await records(stage, phone, speech.say("farewell"))
        await hears(phone, sound(stage, "studio-review"))
    assert not (stage.settings.sounds / "en" / "goodbye.wav").exists()
    deadline = time.monotonic() + LONG
    while await stage.ask("recordings/stored"):
        assert time.monotonic() < deadline, "a take is left in Asterisk"
        await asyncio.sleep(0.05)


async def test_wrong_pins_end_the_call_and_are_logged(stage: Stage) -> None:
    before = stage.log.read_text()
    async with stage.dialling("study", "*77") as phone:
        await phone.answered()
        for _ in range(3):
            await phone.key("1111#")
            await hears(phone, sound(stage, "studio-wrong-pin"))
        await phone.ended(within=30)
        assert phone.result.hung_up_by == "callee"
    logged = stage.log.read_text().removeprefix(before)
    assert logged.count("study keyed a wrong PIN in the studio") == 3
    assert PIN not in logged
    assert "1111" not in logged


async def test_one_phone_at_a_time(stage: Stage) -> None:
    async with stage.dialling("study", "*77") as phone:
        await phone.answered()
        async with stage.dialling("kitchen", "*77") as other:
            await other.answered()
            await hears(other, sound(stage, "studio-busy"))
            await other.ended(within=15)


@pytest.mark.parametrize("did", ["*77", "studio", f"{DID}*77"])
async def test_no_caller_from_outside_comes_to_the_studio(stage: Stage, did: str) -> None:
    async with stage.caller(did=did) as call:
        with suppress(CallError):
            await call.answered(within=3)
        await asyncio.sleep(1.0)
        assert speech.likeness(call.heard(), sound(stage, "studio-pin")) < 0.4


async def test_without_screener_the_studio_is_closed(stage: Stage) -> None:
    await stage.kill()
    async with stage.dialling("study", "*77") as phone:
        assert await phone.refused() == 503


async def test_a_number_in_german_is_answered_in_german(stage: Stage) -> None:
    async with stage.caller(did=GERMAN) as call:
        await call.answered()
        await hears(call, sound(stage, "greeting", "de"))
        assert speech.likeness(call.heard(), sound(stage, "greeting", "en")) < 0.4
    async with stage.caller() as call:
        await call.answered()
        await hears(call, sound(stage, "greeting", "en"))
