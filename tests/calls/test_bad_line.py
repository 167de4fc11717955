"""Callers who hang up at any moment, phones that reject, vanish or answer too late.

Each call ends with one row, and the `stage` fixture sees to it that nothing of it is left in
Asterisk: no channel, bridge or playback.
"""

from __future__ import annotations

import asyncio
import socket

import psutil
import pytest

from screener.core.call import Outcome
from tests.calls import speech
from tests.calls.patience import talk, until
from tests.calls.stage import FRIEND, PEST, Stage
from tests.calls.test_main_job import reach_the_box


async def ended(stage: Stage, *outcomes: Outcome) -> None:
    """The one call has ended in one of these ways, and its row says why."""
    row = await stage.row(within=20)
    await stage.assert_nothing_left()
    assert len(stage.rows()) == 1
    assert row.reason
    told = "; ".join(line.text for line in stage.story(row))
    assert row.outcome in outcomes, f"{row.outcome}: {row.reason}: {told}"


async def test_the_caller_hangs_up_before_anybody_answers(stage: Stage) -> None:
    for phone in stage.phones.values():
        await phone.will("never")
    async with stage.caller(FRIEND) as call:
        await call.ringing()
        rung = await stage.phones["kitchen"].rang(within=5)
        await call.hang_up()
        await stage.phones["kitchen"].quiet(within=5)
    assert rung.cancelled is not None
    await ended(stage, Outcome.GAVE_UP)


async def test_the_caller_hangs_up_at_once(stage: Stage) -> None:
    async with stage.caller() as call:
        await call.answered()
        await call.hang_up()
    await ended(stage, Outcome.GAVE_UP, Outcome.SILENT)


async def test_the_caller_hangs_up_in_the_prompt(stage: Stage) -> None:
    async with stage.caller() as call:
        await call.answered()
        await call.hear_sound(within=5)
        await call.hang_up()
    await ended(stage, Outcome.SILENT)
    assert stage.rung == ()


async def test_the_caller_hangs_up_while_the_phone_rings(stage: Stage) -> None:
    await stage.phones["office"].will("never")
    async with stage.caller() as call:
        await call.answered()
        await call.key("2")
        rung = await stage.phones["office"].rang(within=5)
        await call.hang_up()
        await stage.phones["office"].quiet(within=5)
    assert rung.cancelled is not None
    await ended(stage, Outcome.GAVE_UP)


async def test_the_caller_hangs_up_while_he_is_being_recorded(stage: Stage) -> None:
    await stage.phones["office"].will("486")
    async with stage.caller() as call:
        await reach_the_box(call)
        await call.speak(speech.say("hello, please call me back tonight, thank you"))
        await call.hang_up()
    await ended(stage, Outcome.MESSAGE)
    assert (await stage.mail.letter(within=120)).sound_seconds > 1.0


async def test_the_caller_hangs_up_at_the_beep(stage: Stage) -> None:
    await stage.phones["office"].will("486")
    async with stage.caller() as call:
        await call.answered()
        await call.key("2")
        await call.hear_tone(1000.0, within=30)
        await call.hang_up()
    await ended(stage, Outcome.GAVE_UP, Outcome.NO_MESSAGE)
    assert not stage.mail.tried


async def test_the_caller_hangs_up_while_he_hears_his_message(stage: Stage) -> None:
    await stage.phones["office"].will("486")
    async with stage.caller() as call:
        await reach_the_box(call)
        await call.speak(speech.say("hello, please call me back tonight, thank you"))
        await call.key("#")
        await call.hear_sound(within=5)
        await call.hang_up()
    await ended(stage, Outcome.MESSAGE)
    await stage.mail.letter(within=120)


async def test_whoever_was_never_asked_has_no_verdict(stage: Stage) -> None:
    """That nothing is said over the review is no silent call."""
    for name in ("kitchen", "study"):
        await stage.phones[name].will("486")
    async with stage.caller(FRIEND) as call:
        await call.hear_beep(within=30)
        await call.speak(speech.say("hello, please call me back tonight, thank you"))
        await call.key("#")
        await call.hear_sound(within=5)
        await call.hang_up()
    await ended(stage, Outcome.MESSAGE)
    assert (await stage.row(within=20)).verdict == ""


async def test_the_caller_hangs_up_in_his_treatment(stage: Stage) -> None:
    async with stage.caller(PEST) as call:
        await call.hear_sound(within=5)
        await call.hang_up()
    await ended(stage, Outcome.TREATED)
    assert stage.rung == ()


async def test_the_caller_hangs_up_while_he_is_told_that_his_message_is_kept(
    stage: Stage,
) -> None:
    words = speech.say("hello, please call me back tonight, thank you")
    await stage.phones["office"].will("486")
    async with stage.caller() as call:
        await reach_the_box(call)
        await call.speak(words)
        await call.key("#")
        await call.hear_sound(within=5)
        await call.key("1")
        await call.hang_up()
    await ended(stage, Outcome.MESSAGE)
    await stage.mail.letter(within=120)


@pytest.mark.parametrize(
    ("answer", "remark"),
    [("486", "office is busy"), ("603", "office declined"), ("480", "office cannot be reached")],
)
async def test_a_phone_that_refuses_leads_to_the_message_box(
    stage: Stage, answer: str, remark: str
) -> None:
    await stage.phones["office"].will(answer)
    async with stage.caller() as call:
        await call.answered()
        await call.key("2")
        await call.hear_tone(1000.0, within=30)
    row = await stage.row(within=20)
    assert any(remark in line.text for line in stage.story(row))


async def test_a_phone_that_is_unplugged_does_not_keep_the_other_from_ringing(
    stage: Stage,
) -> None:
    await stage.phones["study"].will("vanish")
    await stage.phones["kitchen"].will("answer", rings=1.0)
    async with stage.caller(FRIEND) as call:
        await call.answered()
        await talk(stage, call)
    assert (await stage.row(within=20)).answered_by == "kitchen"


async def test_a_phone_answers_in_the_instant_in_which_the_caller_hangs_up(stage: Stage) -> None:
    office = stage.phones["office"]
    await office.will("never")
    async with stage.caller() as call:
        await call.answered()
        await call.key("2")
        await office.rang(within=5)
        await asyncio.gather(office.answer(), call.hang_up())
        await office.quiet(within=5)
    await ended(stage, Outcome.GAVE_UP, Outcome.CONNECTED)


async def test_two_phones_answer_in_the_same_instant(stage: Stage) -> None:
    kitchen, study = stage.phones["kitchen"], stage.phones["study"]
    await kitchen.will("never")
    await study.will("never")
    async with stage.caller(FRIEND) as call:
        await kitchen.rang(within=5)
        await study.rang(within=5)
        await asyncio.gather(kitchen.answer(), study.answer())
        await call.answered()
        both = (kitchen, study)
        await until(lambda: any(phone.calls[-1].over for phone in both), "the loser is told")
        await talk(stage, call)
        winner, loser = (study, kitchen) if kitchen.calls[-1].over else (kitchen, study)
        assert loser.calls[-1].over
        assert not winner.calls[-1].over
    row = await stage.row(within=20)
    assert row.answered_by == winner.name
    await kitchen.quiet(within=5)
    await study.quiet(within=5)


async def test_rtp_from_a_stranger_is_dropped(stage: Stage) -> None:
    """Packets of somebody who is not Asterisk, at the port where callers' audio comes in."""
    async with stage.caller() as call:
        await call.answered()
        await call.hear_sound(within=5)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for port in udp_ports(stage.pid or 0):
                for sequence in range(50):
                    packet = b"\x80\x00" + sequence.to_bytes(2, "big") + bytes(8) + b"\x00" * 160
                    stranger.sendto(packet, ("127.0.0.1", port))
        await call.key("2")
        await stage.phones["office"].answered(within=5)
        await talk(stage, call)
    assert (await stage.row(within=20)).outcome == Outcome.CONNECTED
    assert "from addresses of no call, dropped" in stage.log.read_text(encoding="utf-8")


def udp_ports(pid: int) -> list[int]:
    """The UDP ports on which a process receives."""
    connections = psutil.Process(pid).net_connections("udp")
    return [connection.laddr.port for connection in connections]
