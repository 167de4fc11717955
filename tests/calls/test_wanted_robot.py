"""A wanted robot on a real line: no phone rings, all of it is kept, and one link lets it in."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest_asyncio

from screener.calls.tape import measure
from screener.core.call import Outcome
from tests.calls import speech
from tests.calls.callers import Caller
from tests.calls.mailserver import Letter
from tests.calls.patience import has_said, talk
from tests.calls.stage import RULES, Stage

PHARMACY = "+18665550142"
REMINDER = (
    "This is a reminder from Walgreens pharmacy. Your prescription is ready for pick up."
    " Your prescription is at the pharmacy, and your appointment is tomorrow at nine."
    " To reschedule your appointment, please call our office."
)
# The first words alone; a caller's line delivers them at once, ours is open a moment later.
FIRST = "This is a reminder from Walgreens pharmacy."
VOICE = "flite:slt"
PAUSE = 0.8


def told(times: int) -> bytes:
    """The reminder, as reminders are: told again."""
    once = speech.say(REMINDER, VOICE) + speech.silence(PAUSE)
    return once * times


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def rules(stage: Stage) -> AsyncIterator[Path]:
    """The rule file of the house; afterwards it is in force again as it was."""
    path = stage.home / "rules" / "stage.rules"
    yield path
    await stage.open()
    path.write_text(RULES, encoding="utf-8")
    await has_said(stage, lambda now: now.rules == RULES.count("\n"))


def text_of(rules: Path) -> str:
    return rules.read_text(encoding="utf-8")


def takes_in(folder: Path) -> list[Path]:
    return list(folder.glob("*.wav"))


async def growing(takes: Path) -> Path:
    """Wait until a take holds some seconds more than had been heard when it was begun."""
    begun: dict[Path, int] = {}
    async with asyncio.timeout(60):
        while True:
            for take in takes_in(takes):
                size = take.stat().st_size
                if size > begun.setdefault(take, size) + 3 * 2 * speech.RATE:
                    return take
            await asyncio.sleep(0.1)


async def remind(call: Caller, times: int = 2) -> bytes:
    """Say the reminder at once when the call is answered, whatever is played; what was said."""
    await call.answered()
    words = told(times)
    await call.speak(words)
    return words


async def assert_holds(letter: Letter, words: bytes) -> None:
    """What was said is in the mail's recording, and at its beginning are the first words."""
    first = speech.say(FIRST, VOICE)
    beginning = letter.sound[: 2 * speech.RATE * 4]
    assert await asyncio.to_thread(speech.likeness, beginning, first) > 0.5
    assert await asyncio.to_thread(speech.likeness, letter.sound, words) > 0.5


async def test_a_reminder_is_kept_from_its_first_word_and_rings_no_phone(stage: Stage) -> None:
    words = told(2)
    async with stage.caller(PHARMACY, name="WALGREENS RX") as call:
        await remind(call)
        await call.ended(within=60)
    row = await stage.row(within=20)
    letter = await stage.mail.letter(within=120)
    assert stage.rung == ()
    assert (row.verdict, row.outcome) == ("wanted robot", Outcome.MESSAGE)
    assert letter.subject.startswith(
        "Reminder (automatic call) kept: WALGREENS RX (+1 866 555 0142), "
    )
    assert letter.sound_seconds >= speech.seconds_of(words) - 0.3
    await assert_holds(letter, words)
    assert takes_in(stage.settings.data / "takes") == []


async def test_one_link_of_its_mail_lets_it_in(stage: Stage, rules: Path) -> None:
    async with stage.caller(PHARMACY, name="WALGREENS RX") as call:
        await remind(call)
        await call.ended(within=60)
    letter = await stage.mail.letter(within=120)
    [link] = re.findall(r"http://\S+/let-in/\S+", letter.text)
    async with aiohttp.ClientSession() as browser:
        for _ in range(2):  # a mail scanner follows every link
            async with browser.get(link) as page:
                assert page.status == 200
        assert text_of(rules) == RULES
        async with browser.post(link) as page:
            assert page.status == 200
            assert "screener rules remove stage.rules:2" in await page.text()
        async with browser.post(link) as page:
            assert page.status == 410
    await has_said(stage, lambda now: now.rules == RULES.count("\n") + 1)
    async with stage.caller(PHARMACY) as call:
        await stage.phones["kitchen"].rang(within=10)
        await call.answered()
        await talk(stage, call)
    row = await stage.row(within=20, number=2)
    assert row.outcome == Outcome.CONNECTED
    assert '"WALGREENS RX (promoted, call' in row.rule


async def test_a_reminder_that_hangs_up_is_kept_as_far_as_it_went(stage: Stage) -> None:
    async with stage.caller(PHARMACY) as call:
        words = await remind(call)
        await call.hang_up()
    letter = await stage.mail.letter(within=120)
    assert letter.subject.startswith("Reminder (automatic call) kept: ")
    await assert_holds(letter, words)
    assert (await stage.row(within=20)).outcome == Outcome.MESSAGE


async def test_what_was_overheard_when_screener_was_killed_is_mailed(stage: Stage) -> None:
    takes = stage.settings.data / "takes"
    async with stage.caller(PHARMACY) as call:
        speaking = asyncio.ensure_future(remind(call, times=4))
        take = await growing(takes)
        await stage.kill()
        copy = shutil.copyfile(take, stage.home / "copy.wav")
        speaking.cancel()
        await asyncio.gather(speaking, return_exceptions=True)
    seconds, _ = measure(copy)
    await stage.open()
    letter = await stage.mail.letter(within=30)
    assert abs(letter.sound_seconds - seconds) < 0.2
    await assert_holds(letter, told(1))
    assert takes_in(takes) == []
