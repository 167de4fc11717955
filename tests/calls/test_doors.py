"""Doors on a real line: a doorbell, holidays, callers whom a rule marks, calls back, emergency."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest_asyncio

from screener.asterisk.installation import Installation
from screener.core.call import Outcome
from screener.core.story import CallRow
from tests.calls import speech
from tests.calls.callers import BEEP
from tests.calls.patience import until
from tests.calls.stage import PEST, STRANGER, Stage

BELL = "+18182220011"
FAIR = "+18182220012"  # closed for holidays, today
MARKED = "+13105550142"
OTHER = "+12125550142"

RULES = f"""block from {PEST}   "roof sales"   play busy
screen from +1310* challenge   "gateways"
"""
DOOR = """menu = "main"
challenge = "never"
remember = "1h"
"""
MORE = f"""
[boxes.calls]
mail = ["calls@example.net"]
notify = "PJSIP/office"
[menus.main.choices]
7 = "call-back calls"
8 = "emergency"
[dids."{BELL}"]
ring = "family"
doorbell = true
[dids."{FAIR}"]
ring = "family"
box = "family"
holidays = "holidays.ics"
holiday = {{ greeting = "nobody-at-home", to = "message family" }}
"""


class House(Stage):
    """A house whose holidays are today, yesterday and tomorrow, wherever it stands."""

    async def _furnish(self) -> None:
        await super()._furnish()
        today = datetime.now(UTC).date()
        first, end = (today + timedelta(days=days) for days in (-1, 2))
        lines = (
            *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//house//EN", "BEGIN:VEVENT", "UID:fair"),
            *("DTSTAMP:20200101T000000Z", "SUMMARY:Fair", f"DTSTART;VALUE=DATE:{first:%Y%m%d}"),
            *(f"DTEND;VALUE=DATE:{end:%Y%m%d}", "END:VEVENT", "END:VCALENDAR"),
        )
        text = "".join(f"{line}\r\n" for line in lines)
        (self.home / "holidays.ics").write_text(text, encoding="utf-8", newline="")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(installation: Installation) -> AsyncIterator[Stage]:
    """A house with a doorbell, a menu and holidays."""
    async with House(installation, rules=RULES, seconds=5, door=DOOR, more=MORE) as stage:
        yield stage


def told(stage: Stage, row: CallRow) -> list[str]:
    return [line.text for line in stage.story(row)]


def played(stage: Stage, row: CallRow) -> list[list[str]]:
    """What the caller was asked, one question after the other."""
    lines = (line for line in told(stage, row) if line.startswith("playing "))
    return [line.removeprefix("playing ").replace('"', "").split(", ") for line in lines]


async def asked(stage: Stage, number: int) -> list[str]:
    """The prompts of the call's question of this number (from 1), once it is put."""

    def questions() -> list[list[str]]:
        return [question for row in stage.rows()[-1:] for question in played(stage, row)]

    await until(lambda: len(questions()) >= number, f"question {number}", instead=questions)
    return questions()[number - 1]


async def talking(stage: Stage, phone: str) -> None:
    """Until the call is connected to this phone."""

    def story() -> list[str]:
        return told(stage, stage.rows()[-1])

    def answered() -> bool:
        return any(line.startswith(f"{phone} answered") for line in story())

    await until(answered, f"{phone} answers", instead=story)


def answer(question: list[str]) -> str:
    """The keys that answer a challenge: two digits, or a sum."""
    digits = [name.removeprefix("digit-") for name in question if name.startswith("digit-")]
    return str(sum(map(int, digits))) if "how-much-is" in question else "".join(digits)


# The doorbell -------------------------------------------------------------------------------------


async def test_a_doorbell_rings_at_once_and_no_phone_sends_the_visitor_elsewhere(
    stage: Stage,
) -> None:
    await stage.phones["kitchen"].will("redirect", rings=0.2)
    await stage.phones["study"].will("answer", rings=2.0)
    async with stage.caller("doorbell", did=BELL) as call:
        await stage.phones["study"].rang(within=5)
        assert not stage.phones["study"].calls[0].answered
        await call.answered()
        await talking(stage, "study")
    row = await stage.row(within=20)
    assert (row.outcome, row.answered_by) == (Outcome.CONNECTED, "study")
    assert played(stage, row) == []
    assert "redirected to " in (line := next(t for t in told(stage, row) if "study answered" in t))
    assert "ignored" in line
    assert stage.rung == ("kitchen", "study")


async def test_no_box_answers_a_doorbell_where_nobody_comes(stage: Stage) -> None:
    for phone in ("kitchen", "study"):
        await stage.phones[phone].will("never")
    async with stage.caller("doorbell", did=BELL) as call:
        result = await call.ended(within=30)
        assert result.hung_up_by == "callee"
    row = await stage.row(within=20)
    assert row.outcome == Outcome.UNANSWERED
    assert played(stage, row) == [["nobody-at-home"]]
    assert not any("recording" in line for line in told(stage, row))


async def test_a_block_blocks_at_a_doorbell(stage: Stage) -> None:
    async with stage.caller(PEST, did=BELL) as call:
        assert await call.refused() == 486
    assert (await stage.row(within=20)).outcome == Outcome.TREATED
    assert stage.rung == ()


# Whom a rule marks --------------------------------------------------------------------------------


async def test_who_is_marked_passes_by_keys_and_is_remembered(stage: Stage) -> None:
    async with stage.caller(MARKED) as call:
        await call.answered()
        question = await asked(stage, 1)
        assert question[0] in ("challenge", "how-much-is")
        await call.key(answer(question))
        assert (await asked(stage, 2))[0] == "greeting"
        await call.key("2")
        await talking(stage, "office")
    row = await stage.row(within=20)
    assert (row.ruled, row.outcome, row.passed) == ("screen challenge", Outcome.CONNECTED, True)
    await stage.fresh()
    async with stage.caller(MARKED) as call:
        await call.answered()
        assert (await asked(stage, 1))[0] == "greeting"
        await call.key("2")
        await talking(stage, "office")
    row = await stage.row(within=20)
    assert any(
        line.startswith("the challenge was answered from this number on ")
        for line in told(stage, row)
    )
    assert (row.outcome, row.passed) == (Outcome.CONNECTED, False)


async def test_who_is_marked_and_fails_twice_has_the_box(stage: Stage) -> None:
    async with stage.caller("+13105550143") as call:
        await call.answered()
        for number in (1, 2):
            question = await asked(stage, number)
            wrong = "9" if "how-much-is" in question else answer(question)[::-1]
            await call.key(wrong)
        assert await asked(stage, 3) == ["leave-message"]
    row = await stage.row(within=15)
    assert stage.rung == ()
    assert not row.passed
    first, second = (question[-2:] for question in played(stage, row)[:2])
    assert first != second


async def test_who_is_not_marked_is_not_asked(stage: Stage) -> None:
    async with stage.caller(OTHER) as call:
        await call.answered()
        assert (await asked(stage, 1))[0] == "greeting"
    assert (await stage.row(within=20)).ruled == "screen"


# Holidays -----------------------------------------------------------------------------------------


async def test_on_a_holiday_callers_are_greeted_otherwise(stage: Stage) -> None:
    words = speech.say("please call me about the fair")
    async with stage.caller(did=FAIR) as call:
        await call.answered()
        await call.hear_tone(BEEP, within=30)
        await call.speak(words)
    row = await stage.row(within=15)
    assert row.outcome == Outcome.MESSAGE
    assert (await stage.mail.letter(within=120)).recipients == ("you@example.net",)
    assert played(stage, row)[0] == ["nobody-at-home"]
    assert "the door is closed: nobody-at-home" in told(stage, row)
    assert stage.rung == ()


# Calls back ---------------------------------------------------------------------------------------


async def test_the_number_that_the_caller_shows_is_kept_by_one_key(stage: Stage) -> None:
    async with stage.caller(STRANGER) as call:
        await call.answered()
        await asked(stage, 1)
        await call.key("7")
        digits = [f"digit-{digit}" for digit in STRANGER.removeprefix("+1")]
        assert await asked(stage, 2) == ["call-back-offer", *digits, "call-back-other"]
        await call.key("1")
        await call.ended(within=20)
    row = await stage.row(within=20)
    assert row.outcome == Outcome.ASKED_BACK
    letter = await stage.mail.letter(within=120)
    assert letter.subject == "Please call +1 805 555 0142"
    assert letter.recipients == ("calls@example.net",)
    assert f"screener calls show {row.id}" in letter.text
    text = await stage.phones["office"].got_text(within=5)
    assert text == "Please call +1 805 555 0142"
    assert stage.rung == ()


async def test_another_number_is_read_back_and_confirmed(stage: Stage) -> None:
    async with stage.caller(STRANGER) as call:
        await call.answered()
        await asked(stage, 1)
        await call.key("7")
        await asked(stage, 2)
        await call.key("2")
        assert await asked(stage, 3) == ["call-back-key"]
        await call.key("9005550100#")  # premium: refused
        assert await asked(stage, 4) == ["call-back-no-number", "call-back-key"]
        await call.key("4155550100#")
        digits = [f"digit-{digit}" for digit in "4155550100"]
        assert await asked(stage, 5) == ["call-back-read", *digits, "call-back-right"]
        await call.key("1")
        await call.ended(within=20)
    row = await stage.row(within=20)
    assert row.outcome == Outcome.ASKED_BACK
    assert "calls is told to call +1 415 555 0100" in told(stage, row)
    assert (await stage.mail.letter(within=120)).subject == "Please call +1 415 555 0100"


# Emergency ----------------------------------------------------------------------------------------


async def test_who_looks_for_help_is_told_the_number_and_hears_the_menu_again(
    stage: Stage,
) -> None:
    async with stage.caller() as call:
        await call.answered()
        await asked(stage, 1)
        await call.key("8")
        told_help = ["emergency", "digit-9", "digit-1", "digit-1", "menu-main"]
        assert await asked(stage, 2) == told_help
        await call.key("2")
        await talking(stage, "office")
    assert (await stage.row(within=20)).outcome == Outcome.CONNECTED
