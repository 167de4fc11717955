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
    to be opened anew, as when all are busy. A request is answered when `answers` is set, with
    `channels` where it asks for something."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[str] = asyncio.Queue()
        self.channels: list[object] | None = None
        self.answers = asyncio.Event()
        self.answers.set()
        app = web.Application()
        app.router.add_route("*", "/ari/{rest:.*}", self._request)
        self.server = TestServer(app)

    async def _request(self, request: web.Request) -> web.Response:
        self.asked.put_nowait(f"{request.method} {request.match_info['rest'].split('/')[0]}")
        await self.answers.wait()
        headers = {"Connection": "close"}
        if request.method == "GET" and self.channels is not None:
            return web.json_response(self.channels, headers=headers)
        return web.Response(status=204, headers=headers)


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
    async with asyncio.timeout(60):
        assert await asterisk.asked.get() == "DELETE playbacks"


async def test_a_line_that_is_gone_is_not_hung_up(asterisk: Asterisk, line: Line) -> None:
    """Its caller may be talking: the dialplan has taken him to the phones."""
    line.gone.set()
    await line.hangup()
    assert asterisk.asked.empty()


RINGS = {"context": "screener-ring", "app_name": "Dial", "app_data": "PJSIP/kitchen,25,i"}
OURS = {"context": "screener-door", "app_name": "Stasis", "app_data": "screener,did,+1818"}


async def test_a_caller_who_has_left_our_application_is_gone(line: Line) -> None:
    line.catch_up([{"id": "channel", "state": "Up", "dialplan": OURS}])
    assert not line.gone.is_set()
    line.catch_up([{"id": "channel", "state": "Up", "dialplan": RINGS}])
    assert line.gone.is_set()


@pytest.mark.parametrize(
    "channels", [[], [{"id": "other", "dialplan": OURS}], [{"id": "channel", "dialplan": RINGS}]]
)
async def test_who_has_left_has_left_though_no_event_has_told_it(
    asterisk: Asterisk, line: Line, channels: list[object]
) -> None:
    """As on a machine that stood still: the call would have failed, its caller having hung up."""
    asterisk.channels = channels
    assert await line.has_left()


async def test_who_is_there_has_not_left(asterisk: Asterisk, line: Line) -> None:
    asterisk.channels = [{"id": "channel", "state": "Up", "dialplan": OURS}]
    assert not await line.has_left()
    asterisk.channels = None
    await asterisk.server.close()
    assert not await line.has_left()  # an Asterisk that does not tell has told nothing


async def test_a_line_whose_closing_was_cancelled_is_closed_by_the_next(
    asterisk: Asterisk, line: Line
) -> None:
    """Or its ear would stay in Asterisk for ever."""
    opening = asyncio.ensure_future(line.open_ear("127.0.0.1:40000", lambda _: None))
    for _ in range(3):  # media, snoop and bridge
        await asterisk.asked.get()
    opening.cancel()
    await asyncio.gather(opening, return_exceptions=True)
    asterisk.answers.clear()
    closing = asyncio.ensure_future(line.close_ear())
    await asterisk.asked.get()
    closing.cancel()
    await asyncio.gather(closing, return_exceptions=True)
    while not asterisk.asked.empty():
        asterisk.asked.get_nowait()
    asterisk.answers.set()
    await line.close()
    ended = [asterisk.asked.get_nowait() for _ in range(asterisk.asked.qsize())]
    assert ended.count("DELETE channels") >= 2  # one more where the first try had been sent
    assert ended.count("DELETE bridges") == 1


async def test_what_is_still_being_made_is_ended_when_it_is_there(
    asterisk: Asterisk, line: Line
) -> None:
    """The caller has hung up while his ear was opened, and Asterisk is slow."""
    asterisk.answers.clear()
    opening = asyncio.ensure_future(line.open_ear("127.0.0.1:40000", lambda _: None))
    for _ in range(3):  # media, snoop and bridge
        assert (await asterisk.asked.get()).startswith("POST")
    opening.cancel()
    await asyncio.gather(opening, return_exceptions=True)
    closing = asyncio.ensure_future(line.close())
    await asyncio.wait({closing}, timeout=0.1)
    assert asterisk.asked.empty()
    asterisk.answers.set()
    await closing
    ended = [asterisk.asked.get_nowait() for _ in range(asterisk.asked.qsize())]
    assert ended.count("DELETE channels") == 2
    assert ended.count("DELETE bridges") == 1


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
    async with asyncio.timeout(60):
        assert await asterisk.asked.get() == "DELETE playbacks"
