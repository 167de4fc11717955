"""The event socket, against a stand-in for Asterisk that does what a real one seldom does.

What a real Asterisk does is in tests/calls/; here are the events that are none, the refusals and
the lost connections, each exactly when the test wants it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import BasicAuth, WSMsgType, web
from aiohttp.test_utils import TestServer

from screener.asterisk.client import Client
from screener.asterisk.connection import Connection, Mailbox
from screener.asterisk.translate import Arrived, Key
from screener.errors import AriDown, AriGone, AriNotInStasis, AriRefused, OutboxError


class Asterisk:
    """An ARI with an event socket; `events` are what it sends, `status` how it answers others."""

    def __init__(self) -> None:
        self.sockets: list[web.WebSocketResponse] = []
        self.connected = asyncio.Event()
        self.status = 204
        self.text = "because"
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
        allowed = BasicAuth("screener", self.secret).encode()
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
        return web.Response(status=self.status, text=self.text)


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
    return json.dumps({"type": "ChannelDtmfReceived", "channel": channel_json, "digit": digit})


async def test_events_that_are_none_are_passed_over(asterisk: Asterisk) -> None:
    async with asterisk.client() as client:
        listener = Listener(client)
        running = asyncio.ensure_future(listener.connection.run())
        await asterisk.connected.wait()
        await asterisk.send("this is no JSON", "[]", '{"type": "Teleported"}', '{"type": 5}')
        await asterisk.send('{"type": "StasisStart"}', arrival("c1"))
        async with asyncio.timeout(5):
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
        async with asyncio.timeout(5):
            assert await mine.get() == Key("c1", "7")
        listener.connection.forget(stalled)
        await asterisk.send(key("c2", "5"), arrival("c3"))
        async with asyncio.timeout(5):
            await listener.arrived.get()
        assert stalled.qsize() == 1000
        running.cancel()


async def test_a_lost_connection_is_opened_again_and_told(asterisk: Asterisk) -> None:
    async with asterisk.client() as client:
        listener = Listener(client)
        running = asyncio.ensure_future(listener.connection.run())
        async with asyncio.timeout(10):
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
        async with asyncio.timeout(10):
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


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, AriGone),
        (409, AriNotInStasis),
        (412, AriNotInStasis),
        (422, AriNotInStasis),
        (401, AriRefused),
        (403, AriRefused),
        (400, AriRefused),
        (500, AriRefused),
    ],
)
async def test_one_error_class_for_each_meaning(
    asterisk: Asterisk, status: int, error: type[Exception]
) -> None:
    asterisk.status = status
    async with asterisk.client() as client:
        with pytest.raises(error, match="because"):
            await client.answer("c1")


async def test_a_channel_that_is_gone_when_it_is_to_be_joined_is_gone(asterisk: Asterisk) -> None:
    """Asterisk 22 says 400 of it, as of a request that it does not understand."""
    asterisk.status, asterisk.text = 400, '{"message":"Channel not found"}'
    async with asterisk.client() as client:
        with pytest.raises(AriGone):
            await client.add_to_bridge("b1", "c1", "c2")


async def test_a_recording_that_cannot_be_written_is_said(
    asterisk: Asterisk, tmp_path: Path
) -> None:
    asterisk.status = 200
    async with asterisk.client() as client:
        with pytest.raises(OutboxError, match="cannot be written"):
            await client.fetch_recording("take", tmp_path / "missing" / "take.wav")


async def test_the_secret_is_in_no_message(asterisk: Asterisk) -> None:
    asterisk.status = 401
    async with asterisk.client("s3cr3t") as client:
        with pytest.raises(AriRefused) as refused:
            await client.answer("c1")
        assert "s3cr3t" not in str(refused.value)
        assert "s3cr3t" not in repr(client)
