"""The challenge answered by voice on a real line, and a recording that talks on over it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from screener.asterisk.installation import Installation
from screener.core.call import Outcome
from screener.core.challenge import Challenge, challenge, said
from tests.calls import riddling, speech
from tests.calls.callers import Caller
from tests.calls.patience import talk, until
from tests.calls.stage import RULES, Stage

MARKED = "+13105550142"
FIRST, SECOND = (challenge(riddling.CHANCE, attempt) for attempt in (1, 2))
# No robocall by its words; the answers are among them, as nobody waits for them.
TOUR = (
    "Welcome to the museum, and good afternoon to all of you. The old harbour lies behind this"
    f" wall, and ships from {said(FIRST.answer)}. {said(SECOND.answer)} towns came here to trade in"
    " wool and salt. Look up to the painted ceiling, with its birds and its river of silver fish."
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(installation: Installation) -> AsyncIterator[Stage]:
    """A house that puts the same challenge in each call, to one number's before all else."""
    rules = f'{RULES}screen from {MARKED} challenge "gateways"\n'
    async with Stage(installation, rules=rules, open=False) as stage:
        stage.program = ("-m", "tests.calls.riddling")
        await stage.open()
        yield stage


def played(stage: Stage) -> list[str]:
    """What the caller has been asked up to now, one question after the other."""
    lines = [line.text for row in stage.rows()[-1:] for line in stage.story(row)]
    asked = [text.removeprefix("playing ") for text in lines if text.startswith("playing ")]
    return [question.replace('"', "") for question in asked]


async def asked(stage: Stage, call: Caller, number: int) -> str:
    """The call's question of this number (from 1), when the caller has heard all of it."""
    await until(lambda: len(played(stage)) >= number, f"question {number}", instead=stage.rows)
    await call.hear_sound(within=10)
    await call.hear_quiet(2.0, within=30)  # between two prompts it is quiet for less
    return played(stage)[number - 1]


def put(riddle: Challenge) -> str:
    return ", ".join(riddle.prompts)


async def test_who_is_in_doubt_says_the_digits_and_is_put_through(stage: Stage) -> None:
    """In doubt is who has talked, too long for an answer, and says nothing when asked again."""
    sentence = speech.say("I would like to talk about the apples in your garden", riddling.VOICE)
    digits = speech.say(said(FIRST.answer), riddling.VOICE)
    async with stage.caller() as call:
        await call.answered()
        await asked(stage, call, 1)
        await call.speak(sentence)
        await asked(stage, call, 2)
        assert await asked(stage, call, 3) == put(FIRST)
        await call.speak(digits)
        await talk(stage, call)
        await call.hang_up()
    row = await stage.row(within=20)
    assert (row.outcome, row.passed) == (Outcome.CONNECTED, True)
    assert row.reason == "the caller answered the challenge"
    assert stage.rung == ("kitchen", "study")


async def test_a_recording_that_talks_on_does_not_pass(stage: Stage) -> None:
    tour = speech.say(TOUR, riddling.VOICE)
    async with stage.caller(MARKED) as call:
        await call.answered()
        call.rtp.start_speaking(tour * 4)
        await until(lambda: "leave-message" in played(stage), "nothing more is asked of it")
        assert played(stage)[0] == put(FIRST)
        await call.hang_up()
    row = await stage.row(within=20)
    told = [line.text for line in stage.story(row)]
    for riddle in (FIRST, SECOND):
        assert f"the challenge was not answered (expected {riddle.answer})" in told
    assert not row.passed
    assert stage.rung == ()
