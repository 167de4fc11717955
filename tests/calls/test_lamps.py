"""Message-waiting lamps on real phones: lit when a message is kept, out when it was heard or
removed; told again by a screener or an Asterisk that was away."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest_asyncio

from screener.asterisk.installation import Installation
from screener.core.letter import Letter
from screener.mail.spool import Spool
from screener.messages.inbox import Messages
from tests.calls import speech
from tests.calls.patience import hears
from tests.calls.stage import DID, STRANGER, Stage

PIN, WORK_PIN = "2468", "1357"
MORE = """
[voicemail]
code = "*97"
[boxes.work]
mail = ["work@example.net"]
pin_file = "work-pin"
lamps = ["kitchen", "office"]
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(installation: Installation) -> AsyncIterator[Stage]:
    """The box family lights the kitchen and the study, the box work the kitchen and the office."""
    async with Stage(
        installation,
        box='pin_file = "family-pin"\nlamps = ["kitchen", "study"]',
        more=MORE,
        secrets={"family-pin": PIN, "work-pin": WORK_PIN},
    ) as stage:
        yield stage


@pytest_asyncio.fixture(loop_scope="session")
async def box(stage: Stage) -> Messages:
    """The messages of the house, none of them left from another test, and no lamp lit."""
    messages = Messages(stage.settings.data / "outbox")
    shows = {"family": stage.phones["study"], "work": stage.phones["office"]}
    for name, phone in shows.items():
        left = messages.in_box(name)
        for kept in left:
            messages.remove(kept.id)
        if left:
            await phone.lit(0, 0, within=20)
    return messages


def lay(stage: Stage, box: str = "family") -> str:
    """A message in a box, as the outbox keeps it."""
    sound: Path = stage.home / "left.wav"
    sound.write_bytes(speech.wav(speech.say("it is me")))
    letter = Letter(
        call=0,
        box=box,
        to=("you@example.net",),
        number=STRANGER,
        name="",
        did=DID,
        when=datetime.now(UTC),
        seconds=1.0,
        why="nobody answered",
    )
    return Spool(stage.settings.data / "outbox").keep(sound, letter, "screener@example.net")


async def test_a_lamp_is_lit_by_a_message_and_put_out_by_hearing_it(
    stage: Stage, box: Messages
) -> None:
    study = stage.phones["study"]
    await stage.phones["office"].will("486")
    async with stage.caller() as call:
        await call.answered()
        await call.hear_sound(within=5)
        await call.key("2")
        await call.hear_tone(1000, within=30)
        await call.speak(speech.say("the boiler is fixed and the key is under the mat"))
        await call.hear_quiet(0.5, within=5)
    await study.lit(1, 0, within=20)
    await stage.phones["kitchen"].lit(1, 0, within=20)
    async with stage.dialling("study", "*97") as phone:
        await phone.answered()
        await phone.hear_sound(within=10)
        await phone.key(f"1{PIN}#")  # the first of the two boxes
        await study.lit(0, 1, within=40)
    await stage.phones["kitchen"].lit(0, 1, within=20)
    assert "work" not in stage.phones["study"].lamp


async def test_who_removes_a_message_elsewhere_puts_the_lamp_out(
    stage: Stage, box: Messages
) -> None:
    first, second = lay(stage), lay(stage)
    study = stage.phones["study"]
    await study.lit(2, 0, within=20)
    box.remove(first)
    await study.lit(1, 0, within=20)
    box.mark_heard(second)
    await study.lit(0, 1, within=20)
    box.bring_back(first)
    await study.lit(1, 1, within=20)


async def test_a_phone_of_two_boxes_shows_what_is_in_both(stage: Stage, box: Messages) -> None:
    lay(stage)
    lay(stage, "work")
    await stage.phones["kitchen"].lit(2, 0, within=20)
    await stage.phones["study"].lit(1, 0, within=20)
    await stage.phones["office"].lit(1, 0, within=20)


async def test_of_two_boxes_each_has_its_own_pin(stage: Stage, box: Messages) -> None:
    lay(stage, "work")
    await stage.phones["office"].lit(1, 0, within=20)
    async with stage.dialling("office", "*97") as phone:
        await phone.answered()
        await phone.hear_sound(within=10)
        begun = time.monotonic()
        await phone.key(f"2{PIN}#")  # the other's
        await hears(phone, stage.prompt("voicemail-wrong-pin"), since=begun)
        assert not box.in_box("work")[0].heard
        await phone.key(f"{WORK_PIN}#")
        await stage.phones["office"].lit(0, 1, within=60)


async def test_what_was_left_while_screener_was_away_is_shown_when_it_starts(
    stage: Stage, box: Messages
) -> None:
    study = stage.phones["study"]
    lay(stage)
    await study.lit(1, 0, within=20)
    await stage.kill()
    lay(stage)
    await stage.open()
    await study.lit(2, 0, within=20)


async def test_an_asterisk_that_was_restarted_is_told_again(stage: Stage, box: Messages) -> None:
    study = stage.phones["study"]
    lay(stage)
    await study.lit(1, 0, within=20)
    study.forget()
    await stage.asterisk.restart()
    await study.lit(1, 0, within=40)
