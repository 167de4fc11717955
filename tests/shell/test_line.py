"""A caller's line, against a stand-in for Asterisk that is slow at the wrong moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from screener.asterisk.client import Client
from screener.asterisk.connection import Connection
from screener.asterisk.line import Line
from screener.asterisk.translate import Arrived


class Asterisk:
    """An ARI that keeps what it was asked, and closes every connection after one request: each has
    to be opened anew, as when all are busy. A request is answered when `answers` is set."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[str] = asyncio.Queue()
        self.answers = asyncio.Event()
        self.answers.set()
        app = web.Application()
        app.router.add_route("*", "/ari/{rest:.*}", self._request)
        self.server = TestServer(app)

    async def _request(self, request: web.Request) -> web.Response:
        self.asked.put_nowait(f"{request.method} {request.match_info['rest'].split('/')[0]}")
        await self.answers.wait()
        return web.Response(status=204, headers={"Connection": "close"})


@pytest.fixture
async def asterisk() -> AsyncIterator[Asterisk]:
    stand_in = Asterisk()
    await stand_in.server.start_server()
    yield stand_in
    await stand_in.server.close()


@pytest.fixture
async def line(asterisk: Asterisk) -> AsyncIterator[Line]:
    async def found() -> None:
        pass

    url = f"http://127.0.0.1:{asterisk.server.port}/ari"
    async with Client(url, "screener", "secret", "screener") as client:
        connection = Connection(client, lambda _: None, found, lambda: None)
        yield Line(client, connection, Arrived("channel", (), "", "", "Up"))


async def test_a_sound_is_stopped_however_often_its_playing_is_cancelled(
    asterisk: Asterisk, line: Line
) -> None:
    """Or it would play on, and keep the caller from the phone that has answered."""
    playing = asyncio.ensure_future(line.play(("sound:menu",), 8.0))
    assert await asterisk.asked.get() == "POST channels"
    for _ in range(2):  # by the key, and by the end of listening
        playing.cancel()
        await asyncio.sleep(0)
    await asyncio.gather(playing, return_exceptions=True)
    assert playing.cancelled()
    async with asyncio.timeout(5):
        assert await asterisk.asked.get() == "DELETE playbacks"


async def test_a_sound_is_stopped_that_was_cancelled_before_it_began(
    asterisk: Asterisk, line: Line
) -> None:
    """Its end is asked for after its beginning, or there is nothing to end yet."""
    asterisk.answers.clear()
    playing = asyncio.ensure_future(line.play(("sound:menu",), 8.0))
    assert await asterisk.asked.get() == "POST channels"
    playing.cancel()
    await asyncio.wait({playing}, timeout=0.1)
    assert asterisk.asked.empty()
    asterisk.answers.set()
    async with asyncio.timeout(5):
        assert await asterisk.asked.get() == "DELETE playbacks"
