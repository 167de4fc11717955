"""Requests to ARI that fail, against a stand-in that refuses as it is told to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from screener.asterisk.client import Client
from screener.errors import AriGone, AriNotInStasis, AriRefused, DiskError


class Asterisk:
    """An ARI that answers everything by `status` and `text`."""

    def __init__(self) -> None:
        self.status = 204
        self.text = "because"
        app = web.Application()
        app.router.add_route("*", "/ari/{rest:.*}", self._request)
        self.server = TestServer(app)

    def client(self, secret: str = "right") -> Client:
        return Client(f"http://127.0.0.1:{self.server.port}/ari", "screener", secret, "screener")

    async def _request(self, _: web.Request) -> web.Response:
        return web.Response(status=self.status, text=self.text)


@pytest.fixture
async def asterisk() -> AsyncIterator[Asterisk]:
    stand_in = Asterisk()
    await stand_in.server.start_server()
    yield stand_in
    await stand_in.server.close()


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
        with pytest.raises(DiskError, match="cannot be written"):
            await client.fetch_recording("take", tmp_path / "missing" / "take.wav")


async def test_the_secret_is_in_no_message(asterisk: Asterisk) -> None:
    asterisk.status = 401
    async with asterisk.client("s3cr3t") as client:
        with pytest.raises(AriRefused) as refused:
            await client.answer("c1")
        assert "s3cr3t" not in str(refused.value)
        assert "s3cr3t" not in repr(client)
