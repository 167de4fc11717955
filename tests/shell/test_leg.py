"""A leg that is ended at the wrong moment, with a stand-in for Asterisk."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from screener.asterisk.belongings import Belongings
from screener.asterisk.client import Client
from screener.asterisk.connection import Connection
from screener.asterisk.leg import Leg
from screener.asterisk.playback import Playbacks
from screener.errors import AriGone


class Asterisk:
    """Makes a channel when it may, and keeps what was done with it."""

    def __init__(self) -> None:
        self.creates = asyncio.Event()
        self.asked = asyncio.Event()
        self.done: list[str] = []
        self.own: Belongings | None = None

    async def create(self, channel: str, *_: object) -> None:
        self.asked.set()
        await self.creates.wait()
        self.done.append("created")
        assert self.own is not None
        self.own.has_arrived(channel)

    async def dial(self, *_: object) -> None:
        self.done.append("dialled")

    async def hangup(self, _: str) -> None:
        if "created" not in self.done:
            raise AriGone("no such channel")
        self.done.append("hung up")


class Nobody:
    """A connection on which nothing comes."""

    def deliver(self, *_: object) -> None:
        pass


async def test_a_leg_that_ends_while_it_is_made_is_not_dialled() -> None:
    """Or a phone's other contact would go on ringing after the call was answered."""
    asterisk = Asterisk()
    client = cast(Client, asterisk)
    own = asterisk.own = Belongings(client, cast(Connection, Nobody()), "channel")
    news: asyncio.Queue[Any] = asyncio.Queue()
    leg = Leg("kitchen", client, own, Playbacks(client, own), news)
    dialling = asyncio.ensure_future(leg.dial("PJSIP/kitchen", 25.0, "channel", {}))
    await asterisk.asked.wait()
    await leg.end()
    asterisk.creates.set()
    async with asyncio.timeout(60):
        await dialling
    assert asterisk.done == ["created", "hung up"]
