"""RTP in: lost, late, repeated and strange packets, and the socket for real."""

from __future__ import annotations

import asyncio
import socket
import struct

from hypothesis import given
from hypothesis import strategies as st

from screener.asterisk.media import Media, Stream, payload
from screener.core.audio import FRAME_BYTES, SILENCE, decode_ulaw


def packet(sequence: int, octet: int = 0x55, size: int = 160, kind: int = 0) -> bytes:
    header = struct.pack("!BBHII", 0x80, kind, sequence & 0xFFFF, sequence * 160, 7)
    return header + bytes([octet]) * size


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


def test_what_is_not_ulaw_rtp_is_no_packet() -> None:
    assert payload(b"") is None
    assert payload(b"\x80" * 11) is None
    assert payload(packet(1, kind=101)) is None  # a telephone event
    assert payload(b"\x00" + packet(1)[1:]) is None  # RTP version 0
    assert payload(packet(1, size=0)) is None


def test_extensions_and_padding_are_no_audio() -> None:
    extended = struct.pack("!BBHII", 0x90, 0, 1, 0, 7) + b"\xbe\xde\x00\x01abcd" + b"\x55" * 160
    assert payload(extended) == (1, b"\x55" * 160)
    padded = struct.pack("!BBHII", 0xA0, 0, 1, 0, 7) + b"\x55" * 160 + b"\x00\x00\x03"
    assert payload(padded) == (1, b"\x55" * 160)


@given(st.lists(st.one_of(st.binary(max_size=200), st.integers(0, 65535).map(packet)), max_size=60))
def test_no_packet_does_any_harm(packets: list[bytes]) -> None:
    frames, _ = played(*packets)
    assert all(len(one) == FRAME_BYTES for one in frames)


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
        async with asyncio.timeout(5):
            assert await got.get() == frame(5)
        assert media.strangers == 1
        media.forget(stream)
        asterisk.sendto(packet(2, 5), (host, int(port)))
        media.expect(stranger.getsockname(), got.put_nowait)
        stranger.sendto(packet(1, 7), (host, int(port)))
        async with asyncio.timeout(5):
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
        async with asyncio.timeout(5):
            assert await got.get() == frame(5)
    media.close()
