"""Copies of SIP messages: the contacts of a redirect, and nothing from whoever else sends any."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from screener.asterisk import capture
from tests.calls.sip import LOOPBACK, free_port

PASSWORD = capture.password("the ARI secret")
MOVED = (
    b"SIP/2.0 302 Moved Temporarily\r\n"
    b"Via: SIP/2.0/UDP 127.0.0.1:5160\r\n"
    b"Call-ID: 5a986b6c@127.0.0.1\r\n"
    b"Contact: <sip:attic@h>;q=0.2,\r\n <sip:study@h;transport=udp>;q=0.9\r\n"
    b'm: "The office" <sip:20@h>\r\n'
    b"Content-Length: 0\r\n\r\nContact: <sip:body@h>\r\n"
)
BY_Q = ("sip:20@h", "sip:study@h;transport=udp", "sip:attic@h")


def packet(message: bytes, password: str = PASSWORD) -> bytes:
    """A message as Asterisk copies it."""
    parts = b"".join(
        struct.pack("!HHH", 0, kind, 6 + len(content)) + content
        for kind, content in ((1, b"\x02"), (0x0E, password.encode()), (0x0F, message))
    )
    return b"HEP3" + struct.pack("!H", 6 + len(parts)) + parts


def test_contacts_come_in_the_order_of_their_q() -> None:
    message = capture.copied(packet(MOVED), PASSWORD.encode())
    assert message == MOVED
    assert capture.redirected(message) == ("5a986b6c@127.0.0.1", BY_Q)


@pytest.mark.parametrize(
    "message", [b"SIP/2.0 200 OK\r\n" + MOVED[31:], b"INVITE sip:a@h SIP/2.0\r\n\r\n", b""]
)
def test_other_messages_hold_no_redirect(message: bytes) -> None:
    assert capture.redirected(message) == ("", ())


def test_a_copy_without_our_password_counts_for_nothing() -> None:
    assert capture.copied(packet(MOVED, "guessed"), PASSWORD.encode()) == b""
    assert capture.copied(b"HEP3", PASSWORD.encode()) == b""


@given(st.binary(max_size=300), st.binary(max_size=120))
def test_no_packet_is_too_much(rest: bytes, message: bytes) -> None:
    capture.copied(b"HEP3" + rest, PASSWORD.encode())
    capture.copied(rest, PASSWORD.encode())
    call_id, contacts = capture.redirected(b"SIP/2.0 302 \r\n" + message)
    assert all(":" in contact for contact in contacts)
    assert "\n" not in call_id


@pytest_asyncio.fixture
async def heard() -> AsyncIterator[tuple[capture.Capture, int]]:
    listening, port = capture.Capture(PASSWORD), free_port()
    await listening.open(LOOPBACK, port)
    yield listening, port
    listening.close()


def send(port: int, data: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(data, (LOOPBACK, port))


async def test_a_call_hears_all_contacts_of_its_redirect(
    heard: tuple[capture.Capture, int],
) -> None:
    listening, port = heard
    assert await listening.of("5a986b6c@127.0.0.1", "20") == ("20",)  # no copy ever came
    send(port, packet(b"SIP/2.0 200 OK\r\n\r\n"))
    send(port, packet(MOVED))
    async with asyncio.timeout(60):
        while await listening.of("5a986b6c@127.0.0.1", "20") != BY_Q:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    assert await listening.of("another", "20") == ("20",)
    send(port, packet(MOVED))
    assert await listening.of("5a986b6c@127.0.0.1", "20") == BY_Q


async def test_a_port_that_is_taken_costs_no_call(heard: tuple[capture.Capture, int]) -> None:
    second = capture.Capture(PASSWORD)
    await second.open(LOOPBACK, heard[1])
    assert await second.of("5a986b6c@127.0.0.1", "20") == ("20",)
    second.close()
