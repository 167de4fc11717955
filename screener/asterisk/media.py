"""The caller's audio: RTP packets from Asterisk's ExternalMedia -> 20 ms frames.

One UDP socket serves every call; a call's packets are known by the address they come from, which
Asterisk told us beforehand. Packets from any other address are counted and dropped.
Sources: RFC 3550 (RTP), RFC 3551 (payload types 0 and 8 are G.711 mu-law and A-law at 8 kHz),
RFC 3389 (13 is comfort noise), RFC 5761 (types 64 to 95 are RTCP's).
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from screener.core.audio import FRAME_BYTES, SILENCE, decode_alaw, decode_ulaw

log = logging.getLogger(__name__)

Address: TypeAlias = tuple[str, int]

_PCMU, _PCMA = 0, 8
_RTCP = range(64, 96)
_HEADER = struct.Struct("!BBHII")
# Packets that overtake one another do so by a few places; what is later than this is lost.
_REORDER = 5
# Bytes of packets that may wait while this program is kept from the processor.
_WAITING = 4 << 20
# Packets taken in one go; then everything else has its turn.
_AT_ONCE = 64
# With so many calls at once the socket is looked at every so often (seconds), not at each packet:
# of ten calls' listening, to be woken up 500 times a second took a tenth. The decoders' threads
# leave nothing of ours in the processor's cache: 50 times instead of 100 are a fifth less work.
_CROWD, _EVERY = 3, 0.02
_LARGEST = 2048
_NO_SOUND = (
    "no sound of callers comes from Asterisk to {}: let its UDP through, or correct"
    " asterisk.media_host"
)
_NOTHING_ARRIVES = (
    "no sound of callers arrives at Asterisk: let UDP through to the ports of rtp.conf, or correct"
    " external_media_address and local_net in pjsip.conf"
)
# A jump further than this is a sender that began anew, not a loss to be filled.
LARGEST_GAP = 50


@dataclass(frozen=True, slots=True)
class Packet:
    """20 ms of a caller's audio, as a rule: `pcm` at 8 kHz, 16 bit."""

    sequence: int
    source: int
    pcm: bytes


def payload(packet: bytes) -> Packet | None:
    """What an RTP packet holds; None for bytes that are no RTP packet, or an empty one.

    A payload that is no G.711 (comfort noise, a key's event, another codec) is 20 ms of silence:
    it has its place in the sequence, and time goes on in it.
    """
    if len(packet) < _HEADER.size:
        return None
    first, second, sequence, _timestamp, source = _HEADER.unpack_from(packet)
    kind = second & 0x7F
    if first >> 6 != 2 or kind in _RTCP:
        return None
    start = _HEADER.size + 4 * (first & 0x0F)
    if first & 0x10:
        if len(packet) < start + 4:
            return None
        start += 4 + 4 * int.from_bytes(packet[start + 2 : start + 4], "big")
    end = len(packet)
    if first & 0x20 and end > start:
        end -= packet[-1]
    if end <= start:
        return None
    if kind == _PCMU:
        return Packet(sequence, source, decode_ulaw(packet[start:end]))
    if kind == _PCMA:
        return Packet(sequence, source, decode_alaw(packet[start:end]))
    return Packet(sequence, source, SILENCE)


class Stream:
    """One call's audio: packets in, frames out to `on_frame` in order.

    A lost packet becomes a frame of silence, so that time, which is counted in frames, goes on; a
    late or repeated one is dropped. A sender that begins anew (another source, a sequence number
    far away) is followed at once.

    `failure` is what `on_frame` has raised; from then on nothing is heard of the call.
    """

    def __init__(self, on_frame: Callable[[bytes], None]) -> None:
        self._on_frame = on_frame
        self._next: int | None = None
        self._source = 0
        self._early: dict[int, bytes] = {}
        self._rest = b""
        self.lost = 0
        self.late = 0
        self.failure: BaseException | None = None

    def packet(self, packet: bytes) -> None:
        """Take in one packet."""
        read = payload(packet)
        if read is None:
            return
        if self._next is None or read.source != self._source:
            self._begin_anew(read)
            return
        ahead = (read.sequence - self._next + 0x8000 & 0xFFFF) - 0x8000
        if abs(ahead) > LARGEST_GAP:
            self._begin_anew(read)
        elif ahead < 0 or read.sequence in self._early:
            self.late += 1
        else:
            self._early[read.sequence] = read.pcm
            if ahead > _REORDER:
                self._fill_to_oldest()
            self._release()

    def _begin_anew(self, first: Packet) -> None:
        for sequence in sorted(self._early, key=lambda early: early - (self._next or 0) & 0xFFFF):
            self._take(self._early[sequence])  # what had overtaken others was heard all the same
        self._early.clear()
        self._source = first.source
        self._next = first.sequence + 1 & 0xFFFF
        self._take(first.pcm)

    def _fill_to_oldest(self) -> None:
        """What is missing before the oldest packet that we hold will not come any more."""
        assert self._next is not None
        while self._next not in self._early:
            self.lost += 1
            self._on_frame(SILENCE)
            self._next = self._next + 1 & 0xFFFF

    def _release(self) -> None:
        assert self._next is not None
        while self._next in self._early:
            self._take(self._early.pop(self._next))
            self._next = self._next + 1 & 0xFFFF

    def _take(self, pcm: bytes) -> None:
        if len(pcm) == FRAME_BYTES and not self._rest:  # as almost always
            self._on_frame(pcm)
            return
        self._rest += pcm
        while len(self._rest) >= FRAME_BYTES:
            frame, self._rest = self._rest[:FRAME_BYTES], self._rest[FRAME_BYTES:]
            self._on_frame(frame)


class Media:
    """The socket that Asterisk sends the callers' audio to.

    `trouble` says what is wrong where none comes, and `on_trouble` is told when that changes.
    `arrives` is whether a caller's sound has arrived at Asterisk since we began: who sends none
    after that is silent, and is not kept from being heard.
    """

    def __init__(self) -> None:
        self._streams: dict[Address, Stream] = {}
        self._socket: socket.socket | None = None
        self._next_look: asyncio.Handle | None = None
        self.strangers = 0
        self.arrives = False
        self.trouble = ""
        self.on_trouble: Callable[[str], None] = lambda _: None

    async def open(self, host: str) -> None:
        """Bind to a free port of `host`, the address at which Asterisk reaches this machine."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, 0, type=socket.SOCK_DGRAM)
        family, kind, protocol, _, place = found[0]
        self._socket = socket.socket(family, kind, protocol)
        self._socket.setblocking(False)
        # The kernel grants less (net.core.rmem_max), but twice what it gives unasked.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _WAITING)
        self._socket.bind(place)
        loop.add_reader(self._socket, self._readable)

    def close(self) -> None:
        if self._next_look is not None:
            self._next_look.cancel()
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    @property
    def address(self) -> str:
        """What ExternalMedia is told as `external_host`."""
        assert self._socket is not None
        host, port = self._socket.getsockname()[:2]
        return f"{host}:{port}"

    def expect(self, source: Address, on_frame: Callable[[bytes], None]) -> Stream:
        """Take what comes from `source` as one call's audio."""
        stream = Stream(on_frame)
        self._streams[source] = stream
        return stream

    def forget(self, stream: Stream) -> None:
        """That call is over. Its address may be another call's by now: Asterisk uses ports anew."""
        for source in [s for s, known in self._streams.items() if known is stream]:
            del self._streams[source]

    def unheard(self) -> None:
        """Nothing came of a caller who was listened to. Whatever comes next ends the trouble."""
        self._ails(_NO_SOUND.format(self.address), ", and Asterisk records messages itself")

    def nothing_arrived(self) -> None:
        """Nothing of a caller's sound has arrived at Asterisk, nor of any other's so far."""
        self._ails(_NOTHING_ARRIVES)

    def arrived(self) -> None:
        """A caller's sound has arrived at Asterisk."""
        self.arrives = True
        if self.trouble == _NOTHING_ARRIVES:
            self._is_well("the sound of callers arrives at Asterisk")

    def _ails(self, trouble: str, more: str = "") -> None:
        if not self.trouble:
            self.trouble = trouble
            log.error("%s; until then phones ring for who presses no key%s", trouble, more)
            self.on_trouble(trouble)

    def _is_well(self, why: str) -> None:
        self.trouble = ""
        log.info("%s", why)
        self.on_trouble("")

    def _readable(self) -> None:
        """Something has come."""
        assert self._socket is not None
        more = self._read()
        if len(self._streams) >= _CROWD:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._look_again(more)

    def _look(self) -> None:
        """It is time to see what has come."""
        assert self._socket is not None
        more = True
        try:
            more = self._read()
        finally:  # one call's failure makes no other deaf
            if len(self._streams) >= _CROWD:
                self._look_again(more)
            else:
                self._next_look = None
                asyncio.get_running_loop().add_reader(self._socket, self._readable)

    def _look_again(self, more: bool) -> None:
        loop = asyncio.get_running_loop()
        self._next_look = loop.call_later(0.0 if more else _EVERY, self._look)

    def _read(self) -> bool:
        """Take what has come, and say whether there may be more.

        asyncio's own transport would take one packet each time around.
        """
        assert self._socket is not None
        for _ in range(_AT_ONCE):
            try:
                data, source = self._socket.recvfrom(_LARGEST)
            except BlockingIOError:
                return False
            except OSError as wrong:
                log.warning("the audio socket reports: %s", wrong)
                return False
            self._packet(data, source[:2])
        return True

    def _packet(self, data: bytes, source: Address) -> None:
        stream = self._streams.get(source)
        if stream is not None:
            if stream.failure is None:
                self._hear(stream, data)
            return
        self.strangers += 1
        if self.strangers & (self.strangers - 1) == 0:  # 1, 2, 4, 8...: a flood fills no log
            log.warning("%d RTP packets from addresses of no call, dropped", self.strangers)

    def _hear(self, stream: Stream, data: bytes) -> None:
        """A failure is one call's own; the event loop logs it, and the next look hears the rest."""
        if self.trouble and self.trouble != _NOTHING_ARRIVES:
            self._is_well("the sound of callers comes from Asterisk again")
        try:
            stream.packet(data)
        finally:
            stream.failure = sys.exception()
