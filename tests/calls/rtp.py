"""One end of a call's audio: G.711 mu-law frames of 20 ms and keys, sent and heard over RTP.

RTP after RFC 3550, payload type 0 (PCMU) after RFC 3551, keys as telephone-events after RFC 4733,
payload type 101; after `change_codec` A-law, payload type 8 (PCMA). Sound outside of this module is
PCM: bytes, 16 bit little-endian, 8000 Hz, mono.
"""

from __future__ import annotations

import array
import asyncio
import audioop
import errno
import math
import random
import struct
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from tests.calls.sip import LOOPBACK, CallError, free_port
from tests.calls.speech import RATE, level_dbfs, line_noise

FRAME_SECONDS = 0.02
FRAME_SAMPLES = 160
FRAME_BYTES = 320
PCMU, PCMA = 0, 8
CODECS = {PCMU: "PCMU", PCMA: "PCMA"}
EVENT = 101
EVENTS = "0123456789*#ABCD"
SILENCE = b"\x00" * FRAME_BYTES
LATE = 0.15
"""So far (seconds) behind its time a frame is sent at once, so that some lie in Asterisk for the
next time that this program stands still. What is later than that is said later, as telephones do
it: Asterisk throws away what waits when it is half a second (audiohook.c)."""
AUDIBLE_DBFS = -45.0
"""A frame louder than this is heard: prompts lie near -20 dBFS, a quiet line near -60."""


@dataclass(frozen=True, slots=True)
class Packet:
    """20 ms of audio that came in at `at` (`time.monotonic()` seconds); `follows` the one that
    came before it at once, by its sender's clock."""

    at: float
    sequence: int
    timestamp: int
    follows: bool
    pcm: bytes
    dbfs: float

    @property
    def next(self) -> tuple[int, int]:
        """Sequence number and timestamp of what comes 20 ms after it."""
        samples = len(self.pcm) // 2
        return (self.sequence + 1) & 0xFFFF, (self.timestamp + samples) & 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class KeyStep:
    """One packet of a key press (RFC 4733), or with no event the gap after it."""

    event: int = -1
    samples: int = 0
    first: bool = False
    last: bool = False


class RtpEndpoint(asyncio.DatagramProtocol):
    """Speaks, keys and hears on a UDP port of its own. `async with` opens and closes it.

    Once connected it sends a frame every 20 ms, as a telephone does; with `sends_silence` off only
    what it is told to speak; without `events` it offers no telephone-events. `gain_db` is laid on
    its speech, noise of `noise_dbfs` on everything. `wire` is what becomes of each packet on its
    way: the packets that arrive in its place.

    Hearing goes on from where it was: each `hear_...` starts looking where the last one found.
    """

    def __init__(
        self,
        *,
        sends_silence: bool = True,
        gain_db: float = 0.0,
        noise_dbfs: float | None = None,
        events: bool = True,
    ) -> None:
        self.port = free_port(even=True)
        self.packets: list[Packet] = []
        self.keys_heard = ""
        self.packets_sent = 0
        self.wire: Callable[[bytes], Iterable[bytes]] = lambda packet: (packet,)
        self._codec = PCMU
        self._events = events
        self._remote: tuple[str, int] | None = None
        self._sends_silence = sends_silence
        self._factor = 10 ** (gain_db / 20)
        self._noise = line_noise(10.0, noise_dbfs) if noise_dbfs is not None else b""
        self._noise_at = 0
        self._speech: deque[bytes] = deque()
        self._keys: deque[KeyStep] = deque()
        self._spoke_at: list[float] = []
        self._said = asyncio.Event()
        self._keyed = asyncio.Event()
        self._key_ended = 0.0
        self._key_timestamp = 0
        self._heard_key = -1
        self._ssrc = random.getrandbits(32)
        self._sequence = random.getrandbits(15)
        self._timestamp = random.getrandbits(31)
        self._talking = False
        self._listening_from = 0.0
        self._transport: asyncio.DatagramTransport | None = None
        self._pacing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        while self._transport is None:
            try:
                self._transport, _ = await loop.create_datagram_endpoint(
                    lambda: self, local_addr=(LOOPBACK, self.port)
                )
            except OSError as taken:
                if taken.errno != errno.EADDRINUSE:
                    raise
                self.port = free_port(even=True)  # another endpoint had chosen the same
        self._pacing = asyncio.create_task(self._pace())
        self.listen_from_now()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._pacing is not None:
            self._pacing.cancel()
            await asyncio.gather(self._pacing, return_exceptions=True)
        if self._transport is not None:
            self._transport.close()

    def change_codec(self, codec: int) -> None:
        """Send this payload type from now on."""
        self._codec = codec

    def sdp(self, codec: int = PCMU) -> str:
        """The session description (RFC 8866) that asks for audio on our port."""
        events = (f"a=rtpmap:{EVENT} telephone-event/{RATE}", f"a=fmtp:{EVENT} 0-15")
        lines = [
            "v=0",
            f"o=- {self._ssrc} 1 IN IP4 {LOOPBACK}",
            "s=-",
            f"c=IN IP4 {LOOPBACK}",
            "t=0 0",
            f"m=audio {self.port} RTP/AVP {codec}" + (f" {EVENT}" if self._events else ""),
            f"a=rtpmap:{codec} {CODECS[codec]}/{RATE}",
            *(events if self._events else ()),
            "a=ptime:20",
            "a=sendrecv",
        ]
        return "\n".join(lines)

    def connect(self, remote: tuple[str, int] | None) -> None:
        """Send to this address from now on; None stops, and drops what is not said or keyed."""
        if remote is None and self._remote is not None:
            self._keys.clear()
            self.stop_speaking()
            self._keyed.set()
        self._remote = remote

    # Speaking and keying -------------------------------------------------------------------------

    def start_speaking(self, pcm: bytes) -> None:
        """Say this after whatever is being said; returns at once."""
        whole = pcm + b"\x00" * (-len(pcm) % FRAME_BYTES)
        self._speech.extend(whole[i : i + FRAME_BYTES] for i in range(0, len(whole), FRAME_BYTES))

    async def speak(self, pcm: bytes) -> None:
        """Say this and return when it is said."""
        self.start_speaking(pcm)
        while self._speech:
            self._said.clear()
            await self._said.wait()

    def spoken(self, *, since: float = 0.0, by: float = math.inf) -> float:
        """How much speech (seconds) has gone out between two times (monotonic). On a machine that
        has much to do it is less than the time."""
        return FRAME_SECONDS * sum(since <= at <= by for at in self._spoke_at)

    def stop_speaking(self) -> None:
        self._speech.clear()
        self._said.set()

    def hold(self, digit: str, seconds: float) -> None:
        """Press a key and never let go: its event has no end, and after so long no packet either.

        Returns at once. While a key is down no audio is sent, as telephones do it.
        """
        event = EVENTS.index(digit.upper())
        steps = round(seconds / FRAME_SECONDS)
        self._keys.extend(
            KeyStep(event, min(0xFFFF, step * FRAME_SAMPLES), step == 1)
            for step in range(1, steps + 1)
        )

    async def key(self, digits: str, *, seconds: float = 0.1, gap: float = 0.08) -> float:
        """Press keys; returns the time (monotonic) when the last one was let go."""
        self._press(digits, seconds, gap)
        while self._keys:
            self._keyed.clear()
            await self._keyed.wait()
        return self._key_ended

    def key_in_a_bunch(self, digits: str, *, seconds: float = 0.1, gap: float = 0.08) -> None:
        """Keys that were pressed in good time, but whose packets the network brings all at once."""
        self._press(digits, seconds, gap)
        while self._keys:
            self._send_frame()

    def _press(self, digits: str, seconds: float, gap: float) -> None:
        steps = max(2, round(seconds / FRAME_SECONDS))
        for digit in digits.upper():
            event = EVENTS.index(digit)
            self._keys.extend(
                KeyStep(event, step * FRAME_SAMPLES, step == 1, step == steps)
                for step in range(1, steps + 1)
            )
            self._keys.extend([KeyStep()] * max(1, round(gap / FRAME_SECONDS)))

    # Hearing -------------------------------------------------------------------------------------

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if len(data) < 16 or data[0] >> 6 != 2:
            return
        kind = data[1] & 0x7F
        sequence, timestamp = struct.unpack("!HI", data[2:8])
        payload = data[12 + 4 * (data[0] & 0x0F) :]
        if kind in CODECS:
            decode = audioop.ulaw2lin if kind == PCMU else audioop.alaw2lin
            pcm = decode(payload, 2)
            last = self.packets[-1] if self.packets else None
            follows = last is not None and (sequence, timestamp) == last.next
            now = time.monotonic()
            self.packets.append(Packet(now, sequence, timestamp, follows, pcm, level_dbfs(pcm)))
        elif kind == EVENT and timestamp != self._heard_key:
            self._heard_key = timestamp
            self.keys_heard += EVENTS[payload[0]]

    def heard(self, since: float = 0.0) -> bytes:
        """What came in from `since` (monotonic) on, as PCM; pauses in the stream are silence.

        What came late, but was sent at once after what came before it, is no pause.
        """
        pieces: list[bytes] = []
        samples = 0
        start: float | None = None
        for packet in self.packets:
            if packet.at < since:
                continue
            start = packet.at if start is None else start
            late = round((packet.at - start) * RATE) - samples
            if late > 4 * FRAME_SAMPLES and not packet.follows:
                pieces.append(b"\x00\x00" * late)
                samples += late
            pieces.append(packet.pcm)
            samples += len(packet.pcm) // 2
        return b"".join(pieces)

    def frames(self, since: float = 0.0) -> bytes:
        """What came in from `since` (monotonic) on, one frame after another: a sound that Asterisk
        plays is whole in it, however often the machine stood still meanwhile."""
        return b"".join(packet.pcm for packet in self.packets if packet.at >= since)

    def listen_from_now(self) -> None:
        """Forget what was heard so far, for the next `hear_...`."""
        self._listening_from = time.monotonic()

    async def hear_sound(self, *, within: float, above: float = AUDIBLE_DBFS) -> float:
        """Wait until something audible comes in; the time (monotonic) it began."""
        return await self._hear(lambda p: p.dbfs > above, 3, "sound", within)

    async def hear_tone(self, hertz: float, *, within: float, seconds: float = 0.1) -> float:
        """Wait for a pure tone of this frequency (a beep, a SIT); the time it began."""
        run = max(1, round(seconds / FRAME_SECONDS))
        return await self._hear(
            lambda p: p.dbfs > AUDIBLE_DBFS and is_tone(p.pcm, hertz), run, f"{hertz} Hz", within
        )

    async def hear_quiet(
        self, seconds: float, *, within: float, above: float = AUDIBLE_DBFS
    ) -> float:
        """Wait until nothing audible has come in for `seconds`; the time that quiet began.

        A time in which this program itself stood still is no quiet: much may wait to be read.
        """
        deadline = time.monotonic() + within
        looked = 0
        began = self._listening_from
        awake, at = seconds, time.monotonic()
        while True:
            now = time.monotonic()
            awake, at = awake + min(now - at, 1.5 * FRAME_SECONDS), now
            for packet in self.packets[looked:]:
                if packet.dbfs > above and packet.at >= began:
                    if packet.at - began >= seconds and awake >= seconds / 2:
                        break
                    began, awake = packet.at, 0.0
                looked += 1
            if looked < len(self.packets) or (now - began >= seconds and awake >= seconds / 2):
                self._listening_from = began + seconds
                return began
            if now > deadline:
                raise CallError(f"No {seconds:g} s of quiet were heard within {within:g} s")
            await asyncio.sleep(FRAME_SECONDS)

    async def _hear(
        self, test: Callable[[Packet], bool], run: int, what: str, within: float
    ) -> float:
        """The start of the first `run` packets in a row that pass, from where we listen on."""
        deadline = time.monotonic() + within
        found: list[Packet] = []
        looked = 0
        while time.monotonic() < deadline:
            for packet in self.packets[looked:]:
                looked += 1
                if packet.at < self._listening_from:
                    continue
                found = [*found, packet] if test(packet) else []
                if len(found) == run:
                    self._listening_from = packet.at
                    return found[0].at
            await asyncio.sleep(FRAME_SECONDS / 2)
        raise CallError(
            f"No {what} was heard within {within:g} s; {len(self.packets)} packets came in"
        )

    # The clock of what is sent -------------------------------------------------------------------

    async def _pace(self) -> None:
        due = time.monotonic()
        while True:
            if self._remote is not None:
                self._send_frame()
            due += FRAME_SECONDS
            ahead = due - time.monotonic()
            late = 0.0 if self._keys else LATE  # two keys at once are none that a person pressed
            if ahead < -late:
                due = time.monotonic() - late
            await asyncio.sleep(max(0.0, ahead))

    def _send_frame(self) -> None:
        self._timestamp = (self._timestamp + FRAME_SAMPLES) & 0xFFFFFFFF
        frame = self._speech.popleft() if self._speech else b""
        if frame:
            self._spoke_at.append(time.monotonic())
        if not self._speech:
            self._said.set()
        step = self._keys.popleft() if self._keys else KeyStep()
        if step.event >= 0:
            self._send_key(step)
        elif frame or self._sends_silence:
            self._send_audio(frame)
        else:
            self._talking = False
        if not self._keys:
            self._keyed.set()

    def _send_key(self, step: KeyStep) -> None:
        if step.first:
            self._key_timestamp = self._timestamp
        body = struct.pack("!BBH", step.event, (0x80 if step.last else 0) | 10, step.samples)
        if step.last:
            self._key_ended = time.monotonic()
        for _ in range(3 if step.last else 1):
            self._send(EVENT, body, self._key_timestamp, marker=step.first)

    def _send_audio(self, frame: bytes) -> None:
        sound = audioop.mul(frame, 2, self._factor) if frame else SILENCE
        if self._noise:
            at = self._noise_at
            sound = audioop.add(sound, self._noise[at : at + FRAME_BYTES], 2)
            self._noise_at = (at + FRAME_BYTES) % len(self._noise)
        encode = audioop.lin2ulaw if self._codec == PCMU else audioop.lin2alaw
        self._send(self._codec, encode(sound, 2), self._timestamp, marker=not self._talking)
        self._talking = True

    def _send(self, kind: int, body: bytes, timestamp: int, *, marker: bool) -> None:
        if self._transport is None or self._remote is None:
            return
        self._sequence = (self._sequence + 1) & 0xFFFF
        head = struct.pack(
            "!BBHII", 0x80, (0x80 if marker else 0) | kind, self._sequence, timestamp, self._ssrc
        )
        for packet in self.wire(head + body):
            self._transport.sendto(packet, self._remote)
        self.packets_sent += 1


def is_tone(pcm: bytes, hertz: float) -> bool:
    """Whether more than half of the frame's power lies at `hertz` (Goertzel's algorithm)."""
    samples = array.array("h", pcm)
    total = sum(x * x for x in samples)
    if not total:
        return False
    turn = 2 * math.cos(2 * math.pi * hertz / RATE)
    last = before = 0.0
    for x in samples:
        last, before = x + turn * last - before, last
    power = last * last + before * before - turn * last * before
    return power * 2 / len(samples) > total / 2
