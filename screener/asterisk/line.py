"""A caller's line: his channel, and what happens on it.

The session asks the line for things; the line turns them into requests, waits for the events that
end them, and in the end leaves nothing behind (belongings.py): no channel, bridge or playback.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from screener.asterisk.belongings import Belongings
from screener.asterisk.client import Client
from screener.asterisk.connection import Connection
from screener.asterisk.deadline import Deadline
from screener.asterisk.departure import Departure
from screener.asterisk.dialplan import diverting_of
from screener.asterisk.leg import Leg, News
from screener.asterisk.playback import GRACE, Playbacks
from screener.asterisk.translate import (
    HOST,
    Arrived,
    Event,
    Forwarded,
    Gone,
    Key,
    Left,
    Played,
    RecordingOver,
    Up,
    cause_of,
)
from screener.core.keypad import Keypad
from screener.errors import AriError, AriGone

log = logging.getLogger(__name__)

T = TypeVar("T")

# An event that explains why Asterisk has refused us something is some milliseconds behind; one that
# is later than this (seconds) is not waited for.
_EVENT_BEHIND = 1.0


class Line:
    """One caller's line, from its arrival to `close`. `run` must be running meanwhile."""

    def __init__(self, client: Client, connection: Connection, arrived: Arrived) -> None:
        self.channel = arrived.channel
        self.gone = asyncio.Event()
        self.answered = arrived.state == "Up"
        self.name = arrived.name
        self.number = arrived.number
        self.headers = arrived.headers
        self.news: asyncio.Queue[News] = asyncio.Queue()
        self.on_key: Callable[[str], None] = self._keep_key
        self._client = client
        self._own = Belongings(client, connection, self.channel)
        self._keypad = Keypad()
        self._keys = ""
        self._deadline = Deadline(client, self.channel, self.gone)
        self._departure = Departure(client, self.channel, self.gone, self._deadline)
        self._hung_up = False
        self._legs: dict[str, Leg] = {}
        self._ear_channels: list[str] = []
        self._playbacks = Playbacks(client, self._own)
        self._recordings: dict[str, asyncio.Future[RecordingOver]] = {}

    # Events ----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Take in this call's events, and hold off its deadline, until cancelled."""
        deadline = asyncio.ensure_future(self._deadline.hold_off())
        try:
            while True:
                self._take_in(await self._own.mailbox.get())
        finally:
            deadline.cancel()

    def catch_up(self, channels: Iterable[Mapping[str, Any]]) -> None:
        """Take in what happened while no events came; `channels` are all that Asterisk has.

        A caller who is no longer in our application has been taken to the phones by his deadline.
        """
        channels = list(channels)
        self._look_for_caller(channels)
        states = {str(channel["id"]): str(channel.get("state")) for channel in channels}
        for leg in self._legs.values():
            if leg.channel not in states:
                leg.take_in(Gone(leg.channel, 0, 0))
            elif states[leg.channel] == "Up":
                leg.take_in(Up(leg.channel))
        # A sound or recording whose end we missed is over by its time limit at the latest.

    async def has_left(self) -> bool:
        """Whether the caller is gone, Asterisk having refused us something as if he were.

        The event that tells may be far behind on a machine that stood still: Asterisk is asked.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(_EVENT_BEHIND):
                await self.gone.wait()
        if not self.gone.is_set():
            with suppress(AriError):
                self._look_for_caller(await self._client.channels())
        return self.gone.is_set()

    def _look_for_caller(self, channels: Collection[Mapping[str, Any]]) -> None:
        """Take in whether the caller is among all channels that Asterisk has."""
        if any(channel["id"] == self.channel for channel in channels if self._client.owns(channel)):
            self._departure.came_back()
            return
        there = any(channel["id"] == self.channel for channel in channels)
        if not self._departure.away or not there:
            self.gone.set()
            for name in list(self._recordings):
                self._take_in(RecordingOver(self.channel, name, failed=False))

    def _take_in(self, event: Event) -> None:
        if self._departure.away and event.channel == self.channel:
            self._departure.take_in(event)
            return
        match event:
            case Left(channel) | Gone(channel) if channel == self.channel:
                self.gone.set()
            case Key(channel, told) if channel == self.channel:
                if self._keypad.pressed(told):
                    self.on_key(told.digit)
            case Played():
                self._playbacks.over(event)
            case RecordingOver(recording=recording):
                _settle(self._recordings.pop(recording, None), event)
            case Arrived(channel):
                self._own.has_arrived(channel)
            case Up(channel) | Forwarded(channel) | Gone(channel) | Left(channel) | Key(channel):
                if channel in self._legs:
                    self._legs[channel].take_in(event)

    def _keep_key(self, digit: str) -> None:
        """A key that came while nobody listened: it counts for the next who does."""
        self._keys += digit

    def take_keys(self) -> str:
        """The keys that came while nobody listened."""
        keys, self._keys = self._keys, ""
        return keys

    def keep_keys(self) -> None:
        """Nobody listens to the keys any more: keep them."""
        self.on_key = self._keep_key

    # The caller ------------------------------------------------------------------------------

    async def answer(self) -> None:
        if not self.answered:
            await self._client.answer(self.channel)
            self.answered = True

    async def ring(self) -> None:
        """Let the caller hear that it rings."""
        await self._client.ring(self.channel)

    async def ring_stop(self) -> None:
        await self._client.ring_stop(self.channel)

    async def hangup(self, cause: int = 16) -> None:
        """End the call, if it is still ours: the dialplan may have taken it to the phones.

        Only the first cause counts: what comes after it is tidying up.
        """
        if not self.gone.is_set() and not self._hung_up:
            with suppress(AriGone):
                await self._client.hangup(self.channel, cause)
            self._hung_up = True

    async def refuse(self, code: int) -> None:
        """End a call that was not answered by a SIP status (400 to 699), or by the cause that gives
        the nearest: one way or the other it ends, and its deadline takes it to no phone."""
        if not await self._departure.refuse(code):
            await self.hangup(cause_of(code))

    async def redirect(self, target: str) -> str:
        """Have the caller's network call a SIP URI or an E.164 number in place of us.

        Returns how it was told to, "SIP 302" or, after the answer, "REFER"; "" where it does not.
        """
        return await self._departure.redirect(target, answered=self.answered)

    async def hand_back(self) -> bool:
        """Give the call to the dialplan, which rings the phones; False where that cannot be."""
        return await self._departure.hand_back()

    async def play(self, media: tuple[str, ...], seconds: float, offset: float = 0.0) -> None:
        """Play media URIs to their end, which is `seconds` away; of the first, what comes after
        `offset` seconds. Cancelling stops the sound."""
        await self._playbacks.play(self.channel, media, seconds, offset)

    async def music(self, kind: str) -> None:
        """Let the caller hear music of a class of music on hold."""
        await self._client.music(self.channel, kind)

    async def music_stop(self) -> None:
        await self._client.music_stop(self.channel)

    async def shows(self, number: str) -> None:
        """Let this number be shown to whoever is called on behalf of this line from now on."""
        for field, value in (("num", number), ("name", "")):
            name = f"EXPORT({self.channel},CALLERID({field}))"
            await self._client.set_global(name, value)

    # Recording -------------------------------------------------------------------------------

    async def record(self, name: str, limit: float, silence: float, end: str) -> RecordingOver:
        """Record the caller. A hang-up ends the recording, and what there is stays."""
        over: asyncio.Future[RecordingOver] = asyncio.get_running_loop().create_future()
        self._recordings[name] = over
        await self._client.record(self.channel, name, limit, silence, end)
        try:
            async with asyncio.timeout(limit + GRACE):
                return await over
        except TimeoutError:
            # It is on Asterisk's disk whatever became of the event.
            with suppress(AriGone):
                await self._client.stop_recording(name)
            return RecordingOver(self.channel, name, failed=False)

    def take(self, box: str) -> str:
        """A new name for a take that is recorded for a box."""
        return self._own.name(f"take-{box}")

    def name_take(self) -> str:
        """A new name for a recording of the caller's name, which is no message."""
        return self._own.name("name")

    async def fetch_recording(self, name: str, to: Path) -> None:
        await self._client.fetch_recording(name, to)

    async def delete_recording(self, name: str) -> None:
        with suppress(AriGone):
            await self._client.delete_recording(name)

    # The caller's voice ----------------------------------------------------------------------

    async def sound_arrives(self) -> bool | None:
        """Whether any of the caller's sound has arrived at Asterisk; None where it cannot tell."""
        try:
            return await self._client.received(self.channel) > 0
        except AriError as unknown:
            log.info("whether sound of call %s arrives is not known: %s", self.channel, unknown)
            return None

    async def open_ear(self, host: str, on_source: Callable[[tuple[str, int]], None]) -> None:
        """Send the caller's audio to `host`; `on_source` is told beforehand whence it will come.

        A snoop channel that hears the caller, joined in a bridge with an ExternalMedia channel.
        Each must have entered our application before it can be bridged.
        """
        bridge, snoop, media = (self._own.name(what) for what in ("ear", "snoop", "media"))
        self._own.bridges.append(bridge)
        self._ear_channels += [snoop, media]
        arrivals = [self._own.arrival(snoop), self._own.arrival(media)]
        source, _, _ = await asyncio.gather(
            self._own.make(self._client.external_media(media, host)),
            self._own.make(self._client.snoop(self.channel, snoop, "ear")),
            self._own.make(self._client.create_bridge(bridge)),
        )
        await self._own.arrived(*arrivals)
        on_source(source)
        await self._client.add_to_bridge(bridge, snoop, media)

    async def close_ear(self) -> None:
        """No longer send the caller's audio anywhere. What a cancellation leaves, `close` ends."""
        await asyncio.gather(*(self._own.end_channel(channel) for channel in self._ear_channels))
        self._ear_channels.clear()
        await self._own.end_bridges("ear")

    # The phones ------------------------------------------------------------------------------

    async def host(self) -> str:
        """What we are called among SIP hosts: the address that the caller's INVITE came to."""
        try:
            address = await self._client.variable(self.channel, "CHANNEL(pjsip,local_addr)")
        except AriError as unknown:
            log.warning("our own SIP address is not known: %s", unknown)
            address = ""
        # Such as is sure to be a host and a port: it is written into headers.
        return address if HOST.fullmatch(address) else "localhost"

    async def let_us_write_diversion(self) -> None:
        """Keep Asterisk from a Diversion header of its own on further legs: it knows one number,
        the caller's network's, and writes that over all that we have to say."""
        try:
            await self._client.set_global(diverting_of(self.channel), "0")
        except AriError as failed:
            log.warning("the way of call %s is told in part: %s", self.channel, failed)

    async def contacts(self, endpoint: str) -> tuple[str, ...]:
        """What is dialled to reach every contact of an endpoint: the endpoint, if it has one."""
        technology, _, resource = endpoint.partition("/")
        if technology.upper() != "PJSIP" or "@" in resource or "/" in resource:
            return (endpoint,)
        try:
            found = await self._client.variable(self.channel, f"PJSIP_DIAL_CONTACTS({resource})")
        except AriError as unknown:
            log.warning("the contacts of %s are not known: %s", endpoint, unknown)
            return (endpoint,)
        contacts = tuple(filter(None, found.split("&")))
        return contacts if len(contacts) > 1 else (endpoint,)

    def leg(self, phone: str) -> Leg:
        """A new leg to a phone, to be dialled on behalf of this line's caller. Its news come to
        `news`."""
        leg = Leg(phone, self._client, self._own, self._playbacks, self.news)
        self._legs[leg.channel] = leg
        return leg

    async def connect(self, leg: Leg) -> None:
        """Put the caller and a phone that answered into one bridge."""
        bridge = self._own.name("talk")
        self._own.bridges.append(bridge)
        await asyncio.gather(self.answer(), self._own.make(self._client.create_bridge(bridge)))
        await self._client.add_to_bridge(bridge, self.channel, leg.channel)
        # Two people who talk are not parted because we died.
        await self._deadline.lift(leg.channel)

    # The end ---------------------------------------------------------------------------------

    async def close(self) -> None:
        """Leave nothing of this call in Asterisk, but for the caller himself."""
        try:
            await self._own.made()
            await asyncio.gather(*(leg.end() for leg in self._legs.values()))
            await self.close_ear()
            await self._own.end_bridges()
        finally:
            self._own.forget()


def _settle(future: asyncio.Future[T] | None, value: T) -> None:
    if future is not None and not future.done():
        future.set_result(value)
