"""Answers that are not surely understood, on a real line: screener asks whether that is right."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from screener.asterisk.installation import Installation
from screener.core.call import Outcome
from tests.calls import speech
from tests.calls.callers import Caller
from tests.calls.patience import talk
from tests.calls.stage import DID, Stage

ASKED = "extension-2, confirm-hearing"
MENU = f"menu-{DID[1:]}"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(installation: Installation) -> AsyncIterator[Stage]:
    """A house whose recogniser is sure of nothing."""
    async with Stage(installation, door='challenge = "never"', open=False) as stage:
        stage.program = ("-m", "tests.calls.doubting")
        await stage.open()
        yield stage


async def say_it(call: Caller, words: bytes) -> None:
    """Say this after the question, and wait until the next one has begun."""
    await call.hear_sound(within=10)
    await call.hear_quiet(2.0, within=30)  # between two prompts it is quiet for less
    await call.speak(words)
    await call.hear_sound(within=10)


async def reached(stage: Stage, call: Caller) -> tuple[str, list[str]]:
    """The office has answered: why, by the call's row, and what the caller was asked before."""
    await stage.phones["office"].answered(within=15)
    await talk(stage, call)
    await call.hang_up()
    row = await stage.row(within=20)
    assert row.outcome == Outcome.CONNECTED
    assert stage.rung == ("office",)
    told = (line.text for line in stage.story(row) if line.text.startswith("playing "))
    return row.reason, [text.removeprefix("playing ").replace('"', "") for text in told]


@pytest.mark.parametrize("yes", ["key", "word"])
async def test_an_unsure_hearing_is_confirmed(stage: Stage, yes: str) -> None:
    office, word = speech.say("office"), speech.say("yes", "flite:slt")
    async with stage.caller() as call:
        await call.answered()
        await say_it(call, office)
        if yes == "key":
            await call.key("1")
        else:
            await call.hear_quiet(2.0, within=30)
            await call.speak(word)
        reason, asked = await reached(stage, call)
    assert asked[1] == ASKED
    assert reason == 'the caller said "office" and confirmed it: extension 2, office'


async def test_after_two_unsure_hearings_keys_are_asked_for(stage: Stage) -> None:
    office = speech.say("office")
    async with stage.caller() as call:
        await call.answered()
        for _ in range(2):
            await say_it(call, office)
            await call.key("7")  # no
            await asyncio.sleep(0.6)
        await call.key("2")
        reason, asked = await reached(stage, call)
    assert asked[1:5] == [ASKED, f"again, {MENU}", ASKED, f"press-keys, {MENU}"]
    assert reason == "the caller keyed 2: extension 2, office"
