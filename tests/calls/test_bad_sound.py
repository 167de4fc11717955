"""Bad sound: lines that stop, stutter, jumble and jump, and callers who whistle or hold a key down.

Whatever comes over the line, keys reach their phone, no sound makes one ring, and nothing is left
of the call (the `stage` fixture sees to that).
"""

from __future__ import annotations

import asyncio
import audioop
from collections.abc import Callable, Iterable

from screener.core.call import Outcome
from tests.calls import speech, tones
from tests.calls.patience import talk, until
from tests.calls.rtp import FRAME_SAMPLES
from tests.calls.stage import Stage
from tests.calls.test_ear import (
    CHATTER,
    PERSON,
    play_at_once,
    says_when_asked,
    told,
)

Wire = Callable[[bytes], Iterable[bytes]]
GSM, COMFORT_NOISE = 3, 13
OFFICE = "2"


def with_kind(packet: bytes, kind: int, payload: bytes) -> bytes:
    """The same packet with another payload type, and what it holds then."""
    return packet[:1] + bytes([packet[1] & 0x80 | kind]) + packet[2:12] + payload


def moved(packet: bytes, places: int, source: bytes | None = None) -> bytes:
    """The same packet, that many places on (RFC 3550: sequence number, timestamp)."""
    sequence = int.from_bytes(packet[2:4], "big") + places & 0xFFFF
    timestamp = int.from_bytes(packet[4:8], "big") + places * FRAME_SAMPLES & 0xFFFFFFFF
    head = packet[:2] + sequence.to_bytes(2, "big") + timestamp.to_bytes(4, "big")
    return head + (source or packet[8:12]) + packet[12:]


def is_audio(packet: bytes) -> bool:
    return packet[1] & 0x7F == 0


def halting() -> Wire:
    """Every other second nothing arrives but keys."""
    count = 0

    def wire(packet: bytes) -> Iterable[bytes]:
        nonlocal count
        count += 1
        return () if is_audio(packet) and count // 50 % 2 else (packet,)

    return wire


def stuttering() -> Wire:
    """Everything arrives three times."""
    return lambda packet: (packet,) * 3


def jumbled() -> Wire:
    """Four packets wait for each other and arrive in the wrong order."""
    waiting: list[bytes] = []

    def wire(packet: bytes) -> Iterable[bytes]:
        waiting.append(packet)
        if len(waiting) < 4:
            return ()
        order = [waiting[n] for n in (3, 1, 0, 2)]
        waiting.clear()
        return order

    return wire


def jumping() -> Wire:
    """Now and then the numbers jump, forwards and back, as when a gateway takes the call over."""
    count = 0

    def wire(packet: bytes) -> Iterable[bytes]:
        nonlocal count
        count += 1
        return (moved(packet, (0, 9000, -20000, 30, 60000)[count // 40 % 5]),)

    return wire


def speaking_in_tongues() -> Wire:
    """Every other packet is of a codec that nobody has agreed to, or of a type that none has."""
    count = 0

    def wire(packet: bytes) -> Iterable[bytes]:
        nonlocal count
        count += 1
        if not is_audio(packet) or count % 2:
            return (packet,)
        return (with_kind(packet, (GSM, 97, 8, 127)[count // 2 % 4], packet[12:]),)

    return wire


def comforting() -> Wire:
    """In the pauses of speech one packet says how the line hisses (RFC 3389), then none comes."""
    was_quiet = False

    def wire(packet: bytes) -> Iterable[bytes]:
        nonlocal was_quiet
        if not is_audio(packet):
            return (packet,)
        quiet = speech.level_dbfs(audioop.ulaw2lin(packet[12:], 2)) < -50
        first, was_quiet = quiet and not was_quiet, quiet
        if first:
            return (with_kind(packet, COMFORT_NOISE, b"\x46"),)
        return () if quiet else (packet,)

    return wire


def haunted() -> Wire:
    """A second sender, another source (SSRC), speaks on the same line; then it takes over."""
    count = 0

    def wire(packet: bytes) -> Iterable[bytes]:
        nonlocal count
        count += 1
        other = moved(packet, 777, b"\xde\xad\xbe\xef")
        if count > 150:
            return (other,)
        return (packet, other) if is_audio(packet) and count % 5 == 0 else (packet,)

    return wire


def garbled() -> Wire:
    """Between the packets come others that are none: cut short, of another version, too long."""
    return lambda packet: (
        packet,
        packet[:7],
        b"\x00" + packet[1:],
        b"\xbf" + packet[1:],
        packet[:1] + b"\xc8" + packet[2:],
        b"\xff" * 1400,
    )


WIRES = (
    *(halting, stuttering, jumbled, jumping, speaking_in_tongues, comforting, haunted),
    garbled,
)


async def test_whatever_a_line_does_to_sound_keys_reach_their_phone(stage: Stage) -> None:
    """All of them talk over the prompt for some seconds, then stop and key an extension."""
    chatter = speech.say(CHATTER, "flite:rms")[: 2 * 8000 * 3]

    async def call_over(wire: Wire, number: str) -> None:
        async with stage.caller(number) as call:
            call.rtp.wire = wire
            await call.answered()
            await call.speak(chatter + speech.silence(1.5))
            await call.key(OFFICE)
            await reached_the_office(stage, number)
            await talk(stage, call)

    await asyncio.gather(
        *(call_over(make(), f"+1212555{n:04}") for n, make in enumerate(WIRES, 100))
    )
    rows = {WIRES[n].__name__: await stage.row(within=20, number=n + 1) for n in range(len(WIRES))}
    assert {row.outcome for row in rows.values()} == {Outcome.CONNECTED}, told(rows)
    assert {row.verdict for row in rows.values()} == {PERSON}, told(rows)


async def reached_the_office(stage: Stage, number: str) -> None:
    """Wait until the office has this caller on the line."""
    office = stage.phones["office"]

    def reached() -> bool:
        return any(number in call.from_header and call.answered for call in office.calls)

    await until(reached, f"{number} reaches the office", instead=lambda: office.calls)


async def test_a_line_that_dies_without_a_word_is_ended(stage: Stage) -> None:
    """No packet and no BYE, from the middle of a sentence on: its time is counted all the same."""
    async with stage.caller() as call:
        await call.answered()
        call.rtp.start_speaking(speech.say("hello, is that"))
        await asyncio.sleep(0.7)
        call.rtp.wire = lambda _: ()
        result = await call.ended(within=120)
    assert result.hung_up_by == "callee"
    row = await stage.row(within=20)
    assert stage.rung == ()
    assert row.outcome not in {Outcome.CONNECTED, Outcome.FAILED, Outcome.TREATED}


async def test_a_word_is_understood_after_the_codec_has_changed_in_mid_call(stage: Stage) -> None:
    said = speech.at_level(speech.trimmed(speech.spoken_digits(2)[-1].pcm()))
    async with stage.caller() as call:
        await call.answered()
        await call.change_to_a_law()
        await says_when_asked(call, said, until=lambda: bool(stage.rung))
        await stage.phones["office"].answered(within=10)
        await talk(stage, call)
    assert (await stage.row(within=20)).outcome == Outcome.CONNECTED
    assert stage.rung == ("office",)


async def test_a_key_that_is_held_down_counts_once_it_is_let_go(stage: Stage) -> None:
    async with stage.caller() as call:
        await call.answered()
        await call.key(OFFICE, seconds=4.0)
        await stage.phones["office"].answered(within=10)
        await talk(stage, call)
    assert (await stage.row(within=20)).evidence


async def test_after_a_key_that_is_never_let_go_another_one_reaches_its_phone(
    stage: Stage,
) -> None:
    """Its event (RFC 4733) has no end."""
    async with stage.caller() as call:
        await call.answered()
        call.rtp.hold("7", 3.0)
        await asyncio.sleep(4.0)
        await call.key(OFFICE)
        await stage.phones["office"].answered(within=15)
        await talk(stage, call)
    assert (await stage.row(within=20)).outcome == Outcome.CONNECTED


async def test_whistling_and_keys_held_in_the_band_of_speech_ring_nothing(stage: Stage) -> None:
    sounds = {
        "whistling": tones.whistling(20.0),
        "held key": tones.held_key("5", 20.0),
        "one note": speech.tone(700.0, 20.0),
        "clipped note": clipped(speech.tone(300.0, 20.0)),
        "off centre": bytes.fromhex("0040") * 8000 * 20,
        "noise": speech.line_noise(20.0, -15.0),
    }
    rows = await play_at_once(stage, sounds)
    assert stage.rung == ()
    outcomes = {row.outcome for row in rows.values()}
    assert outcomes.isdisjoint({Outcome.CONNECTED, Outcome.FAILED, Outcome.TREATED}), told(rows)
    for name in ("held key", "one note", "clipped note", "off centre"):
        assert rows[name].verdict != PERSON, told(rows)


def clipped(pcm: bytes) -> bytes:
    return speech.change_level(speech.change_level(pcm, 30.0), -10.0)


def off_centre(pcm: bytes) -> bytes:
    return audioop.bias(pcm, 2, 3000)


async def test_a_word_that_is_clipped_off_centre_or_soft_is_an_answer(stage: Stage) -> None:
    """It is heard as one; whether it is understood is the recogniser's, so he keys at last."""
    said = speech.at_level(speech.trimmed(speech.spoken_digits(2)[-1].pcm()))
    spoilt = {
        "clipped": clipped(said),
        "off centre": off_centre(said),
        "soft": speech.at_level(said, -40.0),
    }

    async def answer(number: str, pcm: bytes) -> None:
        async with stage.caller(number, noise_dbfs=-65.0) as call:
            await call.answered()
            await call.hear_sound(within=10)
            await call.hear_quiet(1.2, within=30)
            await call.speak(pcm)
            await asyncio.sleep(1.5)
            await call.key(OFFICE)
            await reached_the_office(stage, number)
            await talk(stage, call)

    numbers = {name: f"+1212555{n:04}" for n, name in enumerate(spoilt, 100)}
    await asyncio.gather(*(answer(numbers[name], pcm) for name, pcm in spoilt.items()))
    rows = {row.number: row for row in [await stage.row(within=20, number=n) for n in (1, 2, 3)]}
    by_name = {name: rows[number] for name, number in numbers.items()}
    for row in by_name.values():
        assert row.outcome == Outcome.CONNECTED, told(by_name)
        assert any("answered" in line for line in row.evidence), told(by_name)
