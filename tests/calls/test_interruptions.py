"""Screener dies, Asterisk dies, the connection is cut: the phone rings, and nothing is lost."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import wave
from collections.abc import AsyncIterator

import pytest_asyncio

from screener import config
from screener.core.call import Outcome
from screener.records.calllog import DATABASE
from tests.calls import speech
from tests.calls.cable import Cable
from tests.calls.callers import Caller
from tests.calls.patience import hears, talk, until
from tests.calls.phones import Phone
from tests.calls.stage import FRIEND, Stage
from tests.calls.test_main_job import reach_the_box


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def only_the_kitchen_answers(stage: Stage) -> None:
    """Of two who answer at the same moment one is cancelled."""
    await stage.phones["study"].will("never")


async def until_connected_again(stage: Stage) -> None:
    """Until screener, whose connection was lost, says that it has one again."""

    def again() -> bool:
        return "connected to Asterisk again" in said(stage).rpartition("Asterisk was lost")[2]

    await until(again, "connected again", instead=lambda: said(stage)[-2000:])


def said(stage: Stage) -> str:
    return stage.log.read_text(encoding="utf-8")


async def test_screener_is_dead_and_a_friend_calls(stage: Stage) -> None:
    await stage.kill()
    async with stage.caller(FRIEND) as call:
        await stage.phones["kitchen"].answered(within=5)
        await call.answered()
    assert stage.rows() == []


async def test_screener_is_killed_while_a_caller_listens_and_the_phones_ring(
    stage: Stage,
) -> None:
    """Asterisk takes the call back by itself: nobody starts screener again here."""
    async with stage.caller() as call:
        await call.answered()
        await call.hear_sound(within=5)
        await stage.kill()
        await stage.phones["kitchen"].answered(within=20)
        await call.speak(speech.silence(0.5))
    await stage.open()
    row = await stage.row(within=20)
    assert row.outcome == Outcome.LOST
    assert row.reason == "screener stopped in the middle of this call"


async def test_a_call_that_was_taken_to_the_phones_while_screener_hung_stays_there(
    stage: Stage,
) -> None:
    """When screener moves again, the call is no longer its to end, nor to give away once more."""
    process = stage.pid
    assert process is not None
    async with stage.caller() as call:
        await call.answered()
        await call.hear_sound(within=5)
        os.kill(process, signal.SIGSTOP)
        try:
            await stage.phones["kitchen"].answered(within=20)
        finally:
            os.kill(process, signal.SIGCONT)
        await stage.row(within=30)
        assert not call.over
        await call.speak(speech.silence(1.0))
        assert not call.over


async def test_screener_is_killed_and_started_again_in_mid_call(stage: Stage) -> None:
    """Back before the deadline, it finds the caller waiting and gives him to the phones."""
    async with stage.caller() as call:
        await call.answered()
        await call.hear_sound(within=5)
        await stage.kill()
        await stage.open()
        await stage.phones["kitchen"].answered(within=5)
        await call.speak(speech.silence(0.5))
    assert (await stage.row(within=20)).outcome == Outcome.LOST


async def test_two_people_talk_on_when_screener_dies(stage: Stage) -> None:
    async with stage.caller(FRIEND) as call:
        await call.answered()
        await talk(stage, call)
        await stage.kill()
        await call.speak(speech.silence(1.0))
        await stage.open()
        await call.speak(speech.silence(1.0))
        assert not call.over
        assert len([p for p in stage.phones.values() if p.calls and not p.calls[-1].over]) == 1
    row = await stage.row(within=20)
    assert (row.outcome, row.reason) == (
        Outcome.CONNECTED,
        "screener was away; the two went on talking",
    )


async def test_a_recording_survives_the_death_of_screener(stage: Stage) -> None:
    words = speech.say("this is the school, your son has forgotten his lunch", "flite:slt")
    await stage.phones["office"].will("486")
    for phone in ("kitchen", "study"):
        await stage.phones[phone].will("486")
    async with stage.caller(name="School") as call:
        await reach_the_box(call)
        await call.speak(words)
        await stage.kill()
        await call.hang_up()
    await stage.open()
    letter = await stage.mail.letter(within=120)
    assert speech.likeness(letter.sound, words) > 0.5
    assert "interrupted" in letter.text


async def test_a_recording_is_rescued_from_a_caller_who_is_still_talking(stage: Stage) -> None:
    words = speech.say("this is the clinic, please come on tuesday instead of monday", "flite:slt")
    for phone in stage.phones.values():
        await phone.will("486")
    async with stage.caller(name="Clinic") as call:
        await reach_the_box(call)
        await call.speak(words)
        await stage.kill()
        await stage.open()
        await call.ended(within=10)  # the phones were tried again, and are busy
    letter = await stage.mail.letter(within=120)
    assert speech.likeness(letter.sound, words) > 0.5


async def test_a_recording_survives_the_death_of_asterisk(stage: Stage) -> None:
    words = speech.say("this is the garage, your car is ready from four o'clock", "flite:slt")
    await stage.phones["office"].will("486")
    async with stage.caller(name="Garage") as call:
        await reach_the_box(call)
        await call.speak(words)
        await stage.asterisk.restart()
        letter = await stage.mail.letter(within=30)
        await call.hang_up(within=40)
    assert speech.likeness(letter.sound, words) > 0.4


async def test_screener_is_told_to_stop_in_mid_call(stage: Stage) -> None:
    async with stage.caller() as call:
        await call.answered()
        await call.hear_sound(within=5)
        assert await stage.stop() == 0
        await stage.phones["kitchen"].answered(within=5)
        await call.speak(speech.silence(0.5))
    await stage.open()
    row = await stage.row(within=20)
    assert row.outcome == Outcome.FAILED


async def test_asterisk_dies_in_mid_call_and_comes_back(stage: Stage) -> None:
    async with stage.caller() as call:
        await call.answered()
        await call.hear_sound(within=5)
        await stage.asterisk.restart()
        row = await stage.row(within=30)
        assert row.outcome in {Outcome.GAVE_UP, Outcome.SILENT, Outcome.FAILED}
        await call.hang_up(within=40)
    await until_connected_again(stage)
    async with stage.caller(FRIEND) as call:
        await call.answered()
        await talk(stage, call)
    assert (await stage.row(within=20, number=2)).outcome == Outcome.CONNECTED


async def test_a_failure_inside_a_call_rings_the_phones(stage: Stage) -> None:
    """The one broad catch: here because the prompts have vanished under a running screener."""
    sounds = stage.settings.data / "sounds"
    elsewhere = sounds.rename(sounds.with_name("vanished"))
    try:
        async with stage.caller() as call:
            await stage.phones["kitchen"].answered(within=5)
            await call.answered()
            await call.speak(speech.silence(0.5))
    finally:
        elsewhere.rename(sounds)
    row = await stage.row(within=20)
    assert row.outcome == Outcome.FAILED
    assert row.reason.startswith("PromptMissing: the prompt greeting has no sound")
    story = [line.text for line in stage.story(row)]
    assert "given to the dialplan: the phones ring without us" in story


async def test_what_was_recorded_before_a_failure_is_mailed_at_once(stage: Stage) -> None:
    """Here the prompts vanish before he is asked to review it."""
    words = speech.say("this is the library, your books are due on friday", "flite:slt")
    await stage.phones["office"].will("486")
    sounds = stage.settings.data / "sounds"
    async with stage.caller(name="Library") as call:
        await reach_the_box(call)
        await call.speak(words)
        elsewhere = sounds.rename(sounds.with_name("vanished"))
        try:
            await call.key("#")
            await stage.phones["kitchen"].answered(within=10)
        finally:
            elsewhere.rename(sounds)
        await call.speak(speech.silence(0.5))
    letter = await stage.mail.letter(within=120)
    assert speech.likeness(letter.sound, words) > 0.5
    assert (await stage.row(within=20)).outcome == Outcome.FAILED


async def test_a_prompt_that_asterisk_cannot_play_rings_the_phones(stage: Stage) -> None:
    """As when a user's own Asterisk may not read our files: here they have a foreign rate."""
    sounds = stage.settings.data / "sounds"
    elsewhere = sounds.rename(sounds.with_name("good"))
    try:
        shutil.copytree(elsewhere, sounds)
        for prompt in sounds.rglob("*.wav"):
            with wave.open(str(prompt), "wb") as foreign:
                foreign.setparams((1, 2, 44100, 0, "NONE", ""))
                foreign.writeframes(bytes(88200))
        async with stage.caller() as call:
            await stage.phones["kitchen"].answered(within=10)
            await call.answered()
            await call.speak(speech.silence(0.5))
    finally:
        shutil.rmtree(sounds)
        elsewhere.rename(sounds)
    row = await stage.row(within=20)
    assert row.outcome == Outcome.FAILED
    assert "could not play" in row.reason


async def heard_by_a_phone(stage: Stage, call: Caller) -> None:
    """Talk until whoever answered hears it: the two are together."""
    words = speech.say("hello, it is me")

    def talking() -> list[Phone]:
        calls = [(phone, phone.calls[-1]) for phone in stage.phones.values() if phone.calls]
        return [phone for phone, last in calls if last.answered and not last.over]

    # Two may have answered in the same instant.
    await until(lambda: len(talking()) == 1, "one phone has the call", instead=talking)
    [phone] = talking()
    call.rtp.start_speaking(20 * (words + speech.silence(0.5)))
    await hears(phone.rtp, words)
    call.rtp.stop_speaking()


async def test_a_database_that_is_locked_costs_no_call(stage: Stage) -> None:
    with sqlite3.connect(stage.settings.data / DATABASE, isolation_level=None) as other_program:
        other_program.execute("BEGIN EXCLUSIVE")
        async with stage.caller(FRIEND) as call:
            await call.answered()
            await heard_by_a_phone(stage, call)
        other_program.execute("ROLLBACK")
    other_program.close()
    assert (await stage.row(within=20)).outcome == Outcome.CONNECTED


@contextlib.asynccontextmanager
async def on_a_cable(stage: Stage) -> AsyncIterator[Cable]:
    """screener, started anew, reaches Asterisk by a cable that can be cut."""
    toml = stage.home / config.FILE
    direct = toml.read_text(encoding="utf-8")
    port = stage.settings.asterisk.http_port
    await stage.stop()
    async with Cable(port) as cable:
        toml.write_text(direct.replace(f":{port}/ari", f":{cable.port}/ari"), encoding="utf-8")
        try:
            await stage.open()
            yield cable
        finally:
            toml.write_text(direct, encoding="utf-8")
            await stage.stop()
    await stage.open()


async def test_the_connection_is_cut_while_two_people_talk(stage: Stage) -> None:
    async with on_a_cable(stage) as cable, stage.caller(FRIEND) as call:
        await call.answered()
        await talk(stage, call)
        cable.cut()
        await call.speak(speech.silence(1.0))
        assert not call.over
        cable.mend()
        await until_connected_again(stage)
        await call.hang_up()
        row = await stage.row(within=20)
    assert row.outcome == Outcome.CONNECTED


async def test_a_caller_hangs_up_while_the_connection_is_cut(stage: Stage) -> None:
    """What happened meanwhile is asked of Asterisk when the connection is back."""
    async with on_a_cable(stage) as cable:
        async with stage.caller() as call:
            await call.answered()
            await call.hear_sound(within=5)
            cable.cut()
            await call.hang_up()
        cable.mend()
        row = await stage.row(within=20)
    assert row.outcome in {Outcome.SILENT, Outcome.GAVE_UP, Outcome.FAILED}


async def test_a_key_counts_when_the_connection_is_back(stage: Stage) -> None:
    async with on_a_cable(stage) as cable, stage.caller() as call:
        await call.answered()
        await call.hear_sound(within=5)
        cable.cut()
        cable.mend()
        await until_connected_again(stage)
        await call.key("2")
        await stage.phones["office"].answered(within=10)
        await talk(stage, call)
        await call.hang_up()
        row = await stage.row(within=20)
    assert row.outcome == Outcome.CONNECTED
