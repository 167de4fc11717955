"""RTP in: lost, late, repeated and strange packets, and the socket for real."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.asterisk.media import LARGEST_GAP, Media, Packet, Stream, payload
from screener.core.audio import FRAME_BYTES, SILENCE, decode_alaw, decode_ulaw

COMFORT_NOISE, EVENT, PCMA, GSM, SENDER_REPORT = 13, 101, 8, 3, 72
LARGEST_FRAMES = 2048 // 160 + 1
"""What the largest packet that the socket takes can hold, with what was left over before."""


def packet(
    sequence: int, octet: int = 0x55, size: int = 160, kind: int = 0, source: int = 7
) -> bytes:
    header = struct.pack("!BBHII", 0x80, kind, sequence & 0xFFFF, sequence * 160, source)
    return header + bytes([octet]) * size


def packets(mulaw: bytes) -> list[bytes]:
    """A sound as the packets that bring it."""
    header = (struct.pack("!BBHII", 0x80, 0, n, n * 160, 7) for n in range(len(mulaw) // 160))
    return [head + mulaw[n * 160 :][:160] for n, head in enumerate(header)]


def frame(octet: int) -> bytes:
    return decode_ulaw(bytes([octet]) * 160)


def played(*packets: bytes) -> tuple[list[bytes], Stream]:
    frames: list[bytes] = []
    stream = Stream(frames.append)
    for one in packets:
        stream.packet(one)
    return frames, stream


def test_packets_in_order() -> None:
    frames, _ = played(packet(1, 1), packet(2, 2), packet(3, 3))
    assert frames == [frame(1), frame(2), frame(3)]


def test_packets_that_overtake_are_put_in_order() -> None:
    frames, stream = played(packet(1, 1), packet(3, 3), packet(2, 2), packet(4, 4))
    assert frames == [frame(1), frame(2), frame(3), frame(4)]
    assert stream.lost == 0


def test_a_repeated_packet_counts_once() -> None:
    frames, stream = played(packet(1, 1), packet(2, 2), packet(2, 2), packet(3, 3))
    assert len(frames) == 3
    assert stream.late == 1


def test_a_lost_packet_becomes_silence_and_time_goes_on() -> None:
    frames, stream = played(packet(1), *(packet(n) for n in range(3, 11)))
    assert len(frames) == 10
    assert frames[1] == SILENCE
    assert stream.lost == 1


def test_a_late_packet_is_dropped() -> None:
    frames, stream = played(packet(1), *(packet(n) for n in range(3, 11)), packet(2))
    assert len(frames) == 10
    assert stream.late == 1


def test_the_sequence_wraps() -> None:
    frames, stream = played(packet(65534, 1), packet(65535, 2), packet(0, 3), packet(1, 4))
    assert frames == [frame(1), frame(2), frame(3), frame(4)]
    assert stream.lost == 0


def test_a_sender_that_begins_anew_is_followed() -> None:
    frames, _ = played(packet(1), packet(2), packet(30000, 3), packet(30001, 4))
    assert frames[2:] == [frame(3), frame(4)]
    frames, _ = played(packet(30000), packet(30001), packet(5, 3), packet(6, 4))
    assert frames[2:] == [frame(3), frame(4)]


def test_packets_of_other_lengths_make_frames_of_20_ms() -> None:
    frames, _ = played(packet(1, 1, size=240), packet(2, 1, size=240))
    assert frames == [frame(1)] * 3


def test_what_is_no_rtp_is_no_packet() -> None:
    assert payload(b"") is None
    assert payload(b"\x80" * 11) is None
    assert payload(b"\x00" + packet(1)[1:]) is None  # RTP version 0
    assert payload(packet(1, size=0)) is None
    assert payload(packet(1, kind=SENDER_REPORT)) is None
    assert payload(b"\xa0" + packet(1)[1:-1] + b"\xff") is None  # more padding than packet


def test_extensions_and_padding_are_no_audio() -> None:
    extended = struct.pack("!BBHII", 0x90, 0, 1, 0, 7) + b"\xbe\xde\x00\x01abcd" + b"\x55" * 160
    assert payload(extended) == Packet(1, 7, frame(0x55))
    padded = struct.pack("!BBHII", 0xA0, 0, 1, 0, 7) + b"\x55" * 160 + b"\x00\x00\x03"
    assert payload(padded) == Packet(1, 7, frame(0x55))


def test_a_change_to_a_law_is_heard() -> None:
    frames, stream = played(packet(1, 1), packet(2, 2, kind=PCMA), packet(3, 3))
    assert frames == [frame(1), decode_alaw(bytes([2]) * 160), frame(3)]
    assert stream.lost == 0


def test_comfort_noise_a_key_and_an_unknown_codec_are_silence_in_their_place() -> None:
    """Time goes on in them, and what follows is not held back as if something were missing."""
    for kind in (COMFORT_NOISE, EVENT, GSM):
        frames, stream = played(packet(1, 1), packet(2, size=4, kind=kind), packet(3, 3))
        assert frames == [frame(1), SILENCE, frame(3)]
        assert stream.lost == 0


def test_another_source_in_mid_call_is_followed_at_once() -> None:
    """Though its numbers happen to lie just before those of the one that it takes over from."""
    frames, stream = played(packet(20, 1), packet(21, 2), *(packet(n, 3, source=8) for n in (5, 6)))
    assert frames == [frame(1), frame(2), frame(3), frame(3)]
    assert stream.late == 0


def test_one_stray_packet_of_another_source_loses_nothing() -> None:
    frames, _ = played(packet(20, 1), packet(900, 9, source=8), packet(21, 2), packet(22, 3))
    assert frames == [frame(1), frame(9), frame(2), frame(3)]


def test_what_had_overtaken_is_heard_before_a_sender_begins_anew() -> None:
    frames, _ = played(packet(1, 1), packet(4, 4), packet(3, 3), packet(30000, 5))
    assert frames == [frame(1), frame(3), frame(4), frame(5)]


def test_a_second_that_is_missing_is_filled_and_more_is_not() -> None:
    frames, stream = played(packet(1, 1), packet(LARGEST_GAP + 1, 2))
    assert (len(frames), stream.lost) == (LARGEST_GAP + 1, LARGEST_GAP - 1)
    frames, stream = played(packet(1, 1), packet(LARGEST_GAP + 3, 2))
    assert (frames, stream.lost) == ([frame(1), frame(2)], 0)


@st.composite
def rtp(draw: st.DrawFn) -> bytes:
    """A packet with every field that a sender may set."""
    first = draw(st.integers(0, 255)) if draw(st.booleans()) else 0x80
    kind = draw(st.sampled_from((0, 0, 0, PCMA, COMFORT_NOISE, EVENT, SENDER_REPORT, 0x80)))
    sequence = draw(st.one_of(st.integers(0, 70), st.integers(65500, 65535), st.integers(0, 65535)))
    header = struct.pack("!BBHII", first, kind, sequence, 0, draw(st.sampled_from((7, 7, 7, 8))))
    return header + draw(st.one_of(st.just(b"\x55" * 160), st.binary(max_size=400)))


@given(st.lists(st.one_of(st.binary(max_size=60), rtp()), max_size=60))
def test_no_packet_does_any_harm(packets: list[bytes]) -> None:
    """Whatever comes: whole frames, no more than what came and what a loss may stand for."""
    frames, stream = played(*packets)
    assert all(len(one) == FRAME_BYTES for one in frames)
    assert stream.lost <= LARGEST_GAP * len(packets)
    assert len(frames) <= LARGEST_FRAMES * len(packets) + stream.lost


@given(st.integers(0, 65535), st.integers(1, 120), st.randoms(use_true_random=False))
def test_packets_that_overtake_by_a_few_places_come_out_in_order(
    first: int, count: int, chance: random.Random
) -> None:
    """In whatever order within the few places, however often repeated: each once, none lost."""
    order = sorted(range(1, count), key=lambda n: n // 5 * 5 + chance.random() * 0.9)
    twice = [n for n in order for _ in range(chance.choice((1, 1, 2)))]
    frames, stream = played(*(packet(first + n, n % 100) for n in (0, *twice)))
    assert frames == [frame(n % 100) for n in range(count)]
    assert stream.lost == 0


async def test_a_strangers_packets_are_dropped_and_counted() -> None:
    media = Media()
    await media.open("127.0.0.1")
    host, port = media.address.rsplit(":", 1)
    got: asyncio.Queue[bytes] = asyncio.Queue()
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asterisk,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger,
    ):
        asterisk.bind(("127.0.0.1", 0))
        stranger.bind(("127.0.0.1", 0))
        stream = media.expect(asterisk.getsockname(), got.put_nowait)
        stranger.sendto(packet(1, 9), (host, int(port)))
        asterisk.sendto(packet(1, 5), (host, int(port)))
        async with asyncio.timeout(60):
            assert await got.get() == frame(5)
        assert media.strangers == 1
        media.forget(stream)
        asterisk.sendto(packet(2, 5), (host, int(port)))
        media.expect(stranger.getsockname(), got.put_nowait)
        stranger.sendto(packet(1, 7), (host, int(port)))
        async with asyncio.timeout(60):
            assert await got.get() == frame(7)  # what was sent before it has been dropped
        assert media.strangers == 2
    media.close()


async def test_a_call_that_ends_does_not_take_the_next_calls_audio_with_it() -> None:
    """Asterisk may give a port that one call has left to the next before we have heard of it."""
    media = Media()
    await media.open("127.0.0.1")
    host, port = media.address.rsplit(":", 1)
    got: asyncio.Queue[bytes] = asyncio.Queue()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asterisk:
        asterisk.bind(("127.0.0.1", 0))
        first = media.expect(asterisk.getsockname(), lambda _: None)
        media.expect(asterisk.getsockname(), got.put_nowait)
        media.forget(first)
        asterisk.sendto(packet(1, 5), (host, int(port)))
        async with asyncio.timeout(60):
            assert await got.get() == frame(5)
    media.close()


async def test_in_a_crowd_everything_is_heard_and_alone_again_as_well() -> None:
    """With many calls the socket is read at intervals; each has all of its packets in order."""
    media = Media()
    await media.open("127.0.0.1")
    host, port = media.address.rsplit(":", 1)
    heard: dict[int, list[bytes]] = {}
    with ExitStack() as stack:
        lines = [
            stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(6)
        ]
        streams = []
        for number, line in enumerate(lines):
            line.bind(("127.0.0.1", 0))
            heard[number] = []
            streams.append(media.expect(line.getsockname(), heard[number].append))
        for sequence in range(1, 31):
            for line in lines:
                line.sendto(packet(sequence, sequence), (host, int(port)))
            await asyncio.sleep(0)
        await until(lambda: all(len(frames) == 30 for frames in heard.values()))
        for frames in heard.values():
            assert frames == [frame(sequence) for sequence in range(1, 31)]
        for stream in streams[1:]:
            media.forget(stream)
        for sequence in range(31, 41):
            lines[0].sendto(packet(sequence, sequence), (host, int(port)))
            await until(partial(holds, heard[0], sequence))
    media.close()
    assert [len(frames) for frames in heard.values()] == [40, 30, 30, 30, 30, 30]


async def test_a_call_that_fails_over_its_audio_leaves_the_others_heard(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Alone or in a crowd, in which the socket is looked at by the clock."""

    def fail(pcm: bytes) -> None:
        failures.append(pcm)
        raise OverflowError("no place for another item")

    for calls in (2, 5):
        media = Media()
        await media.open("127.0.0.1")
        host, port = media.address.rsplit(":", 1)
        failures: list[bytes] = []
        heard: list[list[bytes]] = [[] for _ in range(calls - 1)]
        with ExitStack() as stack:
            lines = [
                stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                for _ in range(calls)
            ]
            for line in lines:
                line.bind(("127.0.0.1", 0))
            failed = media.expect(lines[0].getsockname(), fail)
            for line, frames in zip(lines[1:], heard, strict=True):
                media.expect(line.getsockname(), frames.append)
            for sequence in range(1, 11):
                for line in lines:
                    line.sendto(packet(sequence, sequence), (host, int(port)))
                await until(partial(holds, heard[-1], sequence))
        media.close()
        assert [len(frames) for frames in heard] == [10] * (calls - 1)
        assert isinstance(failed.failure, OverflowError)
        assert len(failures) == 1
        assert media.strangers == 0
    assert caplog.text.count("OverflowError: no place for another item") == 2


def holds(frames: list[bytes], count: int) -> bool:
    return len(frames) == count


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110  # packets set no event here
            await asyncio.sleep(0.005)


async def test_that_nothing_arrives_at_asterisk_is_told_until_something_does() -> None:
    media = Media()
    told: list[str] = []
    media.on_trouble = told.append
    media.nothing_arrived()
    media.nothing_arrived()
    assert (len(told), media.arrives) == (1, False)
    assert "external_media_address" in media.trouble
    media.arrived()
    media.arrived()
    assert (told[1:], media.trouble, media.arrives) == ([""], "", True)


async def test_that_no_sound_comes_is_told_once_and_that_it_comes_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    media = Media()
    await media.open("127.0.0.1")
    told: list[str] = []
    media.on_trouble = told.append
    media.unheard()
    media.unheard()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
        caller.bind(("127.0.0.1", 0))
        frames: list[bytes] = []
        media.expect(caller.getsockname(), frames.append)
        host, _, port = media.address.partition(":")
        caller.sendto(packet(1), (host, int(port)))
        caller.sendto(packet(2), (host, int(port)))
        await until(lambda: len(frames) == 2)
    trouble, well = told
    assert (media.address in trouble, "asterisk.media_host" in trouble, well) == (True, True, "")
    levels = [record.levelname for record in caplog.records if "sound" in record.message]
    assert levels == ["ERROR", "INFO"]
    media.close()
