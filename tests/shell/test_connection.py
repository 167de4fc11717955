"""The event socket, against a stand-in for Asterisk that does what a real one seldom does.

What a real Asterisk does is in tests/calls/; here are the events that are none, the refusals and
the lost connections, each exactly when the test wants it.
"""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator

import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

from screener.asterisk.client import Client
from screener.asterisk.connection import Connection, Mailbox
from screener.asterisk.translate import Arrived, Key
from screener.core.keypad import Told
from screener.errors import AriDown, AriRefused


class Asterisk:
    """An ARI with an event socket; to other requests it has nothing to say."""

    def __init__(self) -> None:
        self.sockets: list[web.WebSocketResponse] = []
        self.connected = asyncio.Event()
        self.secret = "right"
        app = web.Application()
        app.router.add_get("/ari/events", self._events)
        app.router.add_route("*", "/ari/{rest:.*}", self._request)
        self.server = TestServer(app)

    def client(self, secret: str = "right") -> Client:
        return Client(f"http://127.0.0.1:{self.server.port}/ari", "screener", secret, "screener")

    async def send(self, *texts: str) -> None:
        for text in texts:
            await self.sockets[-1].send_str(text)

    async def hang_up(self) -> None:
        self.connected.clear()
        await self.sockets[-1].close()

    async def _events(self, request: web.Request) -> web.StreamResponse:
        allowed = "Basic " + b64encode(f"screener:{self.secret}".encode()).decode()
        if request.headers.get("Authorization") != allowed:
            return web.Response(status=401)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        self.connected.set()
        async for message in socket:
            assert message.type is WSMsgType.TEXT
        return socket

    async def _request(self, _: web.Request) -> web.Response:
        return web.Response(status=204)


@pytest.fixture
async def asterisk() -> AsyncIterator[Asterisk]:
    stand_in = Asterisk()
    await stand_in.server.start_server()
    yield stand_in
    await stand_in.server.close()


class Listener:
    """A connection that runs, and what it reports."""

    def __init__(self, client: Client) -> None:
        self.arrived: asyncio.Queue[Arrived] = asyncio.Queue()
        self.found: asyncio.Queue[None] = asyncio.Queue()
        self.lost = 0
        self.connection = Connection(client, self.arrived.put_nowait, self._on_found, self._on_lost)

    async def _on_found(self) -> None:
        self.found.put_nowait(None)

    def _on_lost(self) -> None:
        self.lost += 1


def arrival(channel: str) -> str:
    body = {"type": "StasisStart", "args": ["did"], "channel": {"id": channel, "state": "Ring"}}
    return json.dumps(body)


def key(channel: str, digit: str) -> str:
    channel_json = {"id": channel, "state": "Up"}
    when = {"timestamp": "1970-01-01T00:00:01.000+0000", "duration_ms": 100}
    body = {"type": "ChannelDtmfReceived", "channel": channel_json, "digit": digit}
    return json.dumps(body | when)


async def test_events_that_are_none_are_passed_over(asterisk: Asterisk) -> None:
    async with asterisk.client() as client:
        listener = Listener(client)
        running = asyncio.ensure_future(listener.connection.run())
        await asterisk.connected.wait()
        await asterisk.send("this is no JSON", "[]", '{"type": "Teleported"}', '{"type": 5}')
        await asterisk.send('{"type": "StasisStart"}', arrival("c1"))
        async with asyncio.timeout(60):
            assert (await listener.arrived.get()).channel == "c1"
        running.cancel()


async def test_events_go_to_the_mailbox_of_their_channel(asterisk: Asterisk) -> None:
    async with asterisk.client() as client:
        listener = Listener(client)
        mine: Mailbox = asyncio.Queue()
        stalled: Mailbox = asyncio.Queue()  # of a call that takes nothing in
        listener.connection.deliver("c1", mine)
        listener.connection.deliver("c2", stalled)
        running = asyncio.ensure_future(listener.connection.run())
        await asterisk.connected.wait()
        await asterisk.send(*(key("c2", "5") for _ in range(1000)), key("c1", "7"))
        async with asyncio.timeout(60):
            assert await mine.get() == Key("c1", Told("7", 1.0, 0.1))
        listener.connection.forget(stalled)
        await asterisk.send(key("c2", "5"), arrival("c3"))
        async with asyncio.timeout(60):
            await listener.arrived.get()
        assert stalled.qsize() == 1000
        running.cancel()


async def test_a_lost_connection_is_opened_again_and_told(asterisk: Asterisk) -> None:
    async with asterisk.client() as client:
        listener = Listener(client)
        running = asyncio.ensure_future(listener.connection.run())
        async with asyncio.timeout(60):
            await listener.found.get()
            assert listener.lost == 0
            await asterisk.hang_up()
            await listener.found.get()
            await asterisk.send(arrival("c1"))
            await listener.arrived.get()
        assert listener.lost == 1
        running.cancel()


async def test_an_asterisk_that_refuses_while_it_starts_is_tried_again(
    asterisk: Asterisk,
) -> None:
    async with asterisk.client() as client:
        listener = Listener(client)
        running = asyncio.ensure_future(listener.connection.run())
        async with asyncio.timeout(60):
            await asterisk.connected.wait()
            asterisk.secret = "not loaded yet"
            await asterisk.hang_up()
            await asyncio.sleep(0.5)  # for a try or two
            assert not running.done()
            asterisk.secret = "right"
            await asterisk.connected.wait()
        running.cancel()


async def test_wrong_credentials_end_the_start_with_what_to_do(asterisk: Asterisk) -> None:
    async with asterisk.client("wrong") as client:
        with pytest.raises(AriRefused, match=r"Check asterisk.user and the ARI secret"):
            await Listener(client).connection.run()


async def test_an_asterisk_that_is_away_at_the_start_is_waited_for(asterisk: Asterisk) -> None:
    port = asterisk.server.port
    await asterisk.server.close()
    async with Client(f"http://127.0.0.1:{port}/ari", "screener", "right", "s") as client:
        with pytest.raises(AriDown, match=f"http://127.0.0.1:{port}/ari"):
            await client.version()
        running = asyncio.ensure_future(Listener(client).connection.run())
        await asyncio.sleep(0.5)  # for a try or two
        assert not running.done()
        running.cancel()
