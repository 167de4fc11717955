"""All contacts of a phone's redirect (SIP 3xx), in their q order.

Asterisk's own SIP stack stops at the best contact of a redirect and tells no other. But its module
res_hep_pjsip copies every SIP message, as it comes and goes, to a UDP port: the Homer Encapsulation
Protocol, version 3. From the copies of redirects the contacts are read, by Call-ID. Where no copy
comes, because the module is not there or not set up, the best contact alone is followed.
A copy counts only with our password in it, and is a phone's text all the same.
Sources: HEP3 (Homer Encapsulation Protocol, rev. 32); RFC 3261, 8.1.3.4 and 20.10.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import struct
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress

from screener.core.sipheader import Address, addresses

log = logging.getLogger(__name__)

_MAGIC = b"HEP3"
_PASSWORD, _PAYLOAD = 0x000E, 0x000F
_REDIRECT = re.compile(rb"SIP/2\.0 3[0-9][0-9] ")
_HEADER = re.compile(r"^(contact|m|call-id|i)[ \t]*:[ \t]*(.*)$", re.IGNORECASE | re.MULTILINE)
_Q = re.compile(r"[01](?:\.[0-9]{0,3})?", re.ASCII)
# Redirects that are remembered: more are never under way at once.
_MOST = 256
# How much later than the news of a redirect its copy may come, in seconds. It is sent first.
_LATE = 0.2


class Capture(asyncio.DatagramProtocol):
    """Hears copies of SIP messages; remembers the contacts of the newest redirects."""

    def __init__(self, password: str) -> None:
        self._password = password.encode()
        self._found: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        self._news = asyncio.Event()
        self._told = False
        self._transport: asyncio.DatagramTransport | None = None

    async def open(self, host: str, port: int) -> None:
        """Listen. That the port is taken costs no call: the best contact is known without us."""
        try:
            self._transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: self, (host, port)
            )
        except OSError as taken:
            log.warning("of a redirect only the best contact is known: port %d: %s", port, taken)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def datagram_received(self, data: bytes, _: object) -> None:
        copy = copied(data, self._password)
        self._told = self._told or bool(copy)
        call_id, contacts = redirected(copy)
        if call_id and contacts:
            self._found[call_id] = contacts
            while len(self._found) > _MOST:
                self._found.popitem(last=False)
            self._news.set()
            self._news = asyncio.Event()

    async def of(self, call_id: str, best: str) -> tuple[str, ...]:
        """The contacts of a call's redirect, `best` alone where no more is known of it."""
        if not (call_id and self._told):
            return (best,)
        with suppress(TimeoutError):
            async with asyncio.timeout(_LATE):
                while call_id not in self._found:
                    await self._news.wait()
        return self._found.pop(call_id, (best,))


def password(secret: str) -> str:
    """What Asterisk shows us in each copy; it tells nothing of the ARI secret it is made from."""
    return hashlib.sha256(b"copies of SIP messages " + secret.encode()).hexdigest()[:40]


def copied(packet: bytes, password: bytes) -> bytes:
    """The SIP message in a packet of Asterisk's; b"" for any other packet."""
    parts = dict(_parts(packet))
    return parts.get(_PAYLOAD, b"") if parts.get(_PASSWORD) == password else b""


def redirected(message: bytes) -> tuple[str, tuple[str, ...]]:
    """The Call-ID and the contacts, best first, of a redirect; of any other message, nothing."""
    if not _REDIRECT.match(message):
        return "", ()
    head = message.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
    head = re.sub(r"\r\n[ \t]+", " ", head).replace("\r\n", "\n")
    call_id = ""
    contacts: list[Address] = []
    for name, value in _HEADER.findall(head):
        if name.lower() in ("contact", "m"):
            contacts += addresses(value)
        else:
            call_id = value.strip()
    # Where their q is the same, as they stand.
    return call_id, tuple(found.uri for found in sorted(contacts, key=_worst_last))


def _parts(packet: bytes) -> Iterator[tuple[int, bytes]]:
    """The generic chunks of a HEP3 packet: type and content."""
    if packet[:4] != _MAGIC or len(packet) < 6:
        return
    end = min(struct.unpack_from("!H", packet, 4)[0], len(packet))
    at = 6
    while at + 6 <= end:
        vendor, kind, length = struct.unpack_from("!HHH", packet, at)
        if length < 6 or at + length > end:
            return
        if vendor == 0:
            yield kind, packet[at + 6 : at + length]
        at += length


def _worst_last(contact: Address) -> float:
    """By q, 1 where there is none."""
    q = contact.parameters.get("q", "")
    return -float(q) if _Q.fullmatch(q) else -1.0
