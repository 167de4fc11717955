"""What Asterisk makes for a call: named after it, waited for, and ended with it.

Channels, bridges, playbacks and recordings bear the name of the caller's channel, so that whoever
comes after a crash (settlement.py) knows whose they are.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any, TypeVar

from screener.asterisk.client import Client
from screener.asterisk.connection import Connection, Mailbox
from screener.errors import AriDown, AriGone, AriNotInStasis, AriRefused

log = logging.getLogger(__name__)

T = TypeVar("T")

# How long a new channel may take to enter our application.
_ARRIVAL = 3.0

# What Asterisk makes for a call is named after the caller's channel, this mark, and what it is: in
# URLs and as a file name it needs no escaping.
_MARK = "_screener_"
TAKE = f"{_MARK}take-"
NAME = f"{_MARK}name-"
"""What marks the recording of a caller's name: nothing that is ever kept."""


def box_of(take: str) -> str:
    """The name of the message box that a take was recorded for."""
    return take.partition(TAKE)[2].rpartition("-")[0]


def owner(thing: str) -> str:
    """The caller's channel id of the call that a channel, bridge or recording was made for."""
    return thing.partition(_MARK)[0]


def is_part(thing: str) -> bool:
    """Whether it was made for a call, and is not the caller himself."""
    return _MARK in thing


class Belongings:
    """What has been made for one call, whose caller's channel is `caller`.

    The events of all of its channels come to `mailbox`. `bridges` are those that are to be ended.
    """

    def __init__(self, client: Client, connection: Connection, caller: str) -> None:
        self.mailbox: Mailbox = asyncio.Queue()
        self.bridges: list[str] = []
        self._client = client
        self._connection = connection
        self._caller = caller
        self._count = 0
        self._making: set[asyncio.Future[Any]] = set()
        self._arrivals: dict[str, asyncio.Future[None]] = {}
        connection.deliver(caller, self.mailbox)

    def name(self, what: str) -> str:
        """A new name, of this call's, for something in Asterisk."""
        self._count += 1
        return f"{self._caller}{_MARK}{what}-{self._count}"

    async def make(self, request: Awaitable[T]) -> T:
        """Ask Asterisk to make something. `made` waits for it even if we are cancelled: what was
        made only after it had been ended would stay in Asterisk for ever."""
        making = asyncio.ensure_future(request)
        self._making.add(making)
        making.add_done_callback(self._making.discard)
        return await asyncio.shield(making)

    async def made(self) -> None:
        """Wait until nothing is being made any more."""
        if self._making:
            await asyncio.wait(self._making)

    def arrival(self, channel: str) -> asyncio.Future[None]:
        """Expect a channel that is about to be made: done when it has entered our application."""
        self._connection.deliver(channel, self.mailbox)
        arrival: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._arrivals[channel] = arrival
        return arrival

    async def arrived(self, *arrivals: asyncio.Future[None]) -> None:
        """Wait for channels that enter our application. Raises AriDown when they do not."""
        try:
            async with asyncio.timeout(_ARRIVAL):
                await asyncio.gather(*arrivals)
        except TimeoutError as late:
            raise AriDown(f"a new channel did not reach us within {_ARRIVAL:g} s") from late

    def has_arrived(self, channel: str) -> None:
        """A channel has entered our application."""
        arrival = self._arrivals.pop(channel, None)
        if arrival is not None and not arrival.done():
            arrival.set_result(None)

    async def end_channel(self, channel: str) -> None:
        """Hang up a channel of the call, if it is still there."""
        await _regardless(self._client.hangup(channel))

    async def _end_bridge(self, bridge: str) -> None:
        await _regardless(self._client.destroy_bridge(bridge))
        self.bridges.remove(bridge)

    async def end_bridges(self, what: str = "") -> None:
        """End the call's bridges, or those that were named for `what`."""
        mark = f"{_MARK}{what}-" if what else _MARK
        ended = [bridge for bridge in self.bridges if mark in bridge]
        await asyncio.gather(*(self._end_bridge(bridge) for bridge in ended))

    def forget(self) -> None:
        """Nothing of the call is left: its events are nobody's."""
        self._connection.forget(self.mailbox)


async def _regardless(request: Awaitable[None]) -> None:
    """Make a request whose failure changes nothing: what it was to end has ended already."""
    with suppress(AriGone, AriNotInStasis):
        try:
            await request
        except (AriDown, AriRefused) as failed:
            # It is settled when the connection is opened again (settlement.py).
            log.warning("not tidied up: %s", failed)
