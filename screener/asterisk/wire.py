"""The HTTP between us and ARI: every request has a time limit, every failure is an AriError."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import aiohttp

from screener.disk import told
from screener.errors import AriDown, AriError, AriGone, AriNotInStasis, AriRefused, DiskError

# Asterisk on the same machine answers in a millisecond or two; one that takes this long is stuck.
TIMEOUT = 5.0
_DOWNLOAD_TIMEOUT = 120.0
_CHUNK = 65536


class Wire:
    """One HTTP session with ARI. `url` is its base, "http://127.0.0.1:8088/ari"."""

    def __init__(self, url: str, user: str, secret: str, app: str) -> None:
        self.url = url.rstrip("/")
        self.app = app
        # RFC 7617; in UTF-8, as Asterisk reads its configuration.
        login = b64encode(f"{user}:{secret}".encode()).decode("ascii")
        self._headers = {"Authorization": f"Basic {login}"}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            headers=self._headers,
            timeout=aiohttp.ClientTimeout(total=TIMEOUT),
            connector=aiohttp.TCPConnector(limit=0),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def events(self) -> aiohttp.ClientWebSocketResponse:
        """Open the event socket; from then on Asterisk hands us the calls of our application."""
        try:
            return await self._http.ws_connect(
                f"{self.url}/events", params={"app": self.app}, heartbeat=20.0
            )
        except aiohttp.WSServerHandshakeError as refused:
            raise _error(refused.status, "open the event socket", "") from refused
        except (aiohttp.ClientError, TimeoutError, OSError) as down:
            raise AriDown(f"no Asterisk answers at {self.url}: {down or 'timed out'}") from down

    @property
    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise AriDown("the connection to Asterisk is closed")
        return self._session

    async def _ask(
        self, method: str, *path: str, body: Mapping[str, Any] | None = None, **query: object
    ) -> Any:
        """One request. What it returns is ARI's JSON, or None for an answer without a body."""
        where = "/".join(quote(part, safe="") for part in path)
        params = {key: str(value) for key, value in query.items() if value is not None}
        try:
            async with self._http.request(
                method, f"{self.url}/{where}", params=params, json=body
            ) as answer:
                if answer.status >= 400:
                    raise _error(answer.status, f"{method} {where}", await answer.text())
                return await answer.json() if answer.content_length else None
        except (aiohttp.ClientError, TimeoutError, OSError) as down:
            what = str(down) or f"no answer in {TIMEOUT:.0f} s"
            raise AriDown(f"Asterisk at {self.url} cannot be reached: {what}") from down

    async def _fetch(self, what: str, to: Path, *path: str) -> None:
        """Write what ARI has at a path to a file, piece by piece: it may be an hour long.

        Raises DiskError where the file cannot be written.
        """
        where = "/".join(quote(part, safe="") for part in path)
        timeout = aiohttp.ClientTimeout(total=_DOWNLOAD_TIMEOUT)
        try:
            async with self._http.get(f"{self.url}/{where}", timeout=timeout) as answer:
                if answer.status >= 400:
                    raise _error(answer.status, f"fetch {what}", "")
                with to.open("wb") as file:
                    async for chunk in answer.content.iter_chunked(_CHUNK):
                        await asyncio.to_thread(file.write, chunk)
        except (aiohttp.ClientError, TimeoutError) as down:
            raise AriDown(f"{what} could not be fetched: {down}") from down
        except OSError as refused:
            raise DiskError(f"{to} cannot be written: {told(refused)}") from refused


def _error(status: int, what: str, text: str) -> AriError:
    detail = f"Asterisk answered {status} to {what}" + (f": {text[:200]}" if text else "")
    # addChannel says 400 of a channel that is no more, 404 only of the bridge.
    if status == 404 or (status == 400 and "Channel not found" in text):
        return AriGone(detail)
    if status in {409, 412, 422}:
        return AriNotInStasis(detail)
    if status in {401, 403}:
        return AriRefused(
            f"{detail}. Check asterisk.user and the ARI secret in screener.toml against ari.conf"
        )
    return AriRefused(detail)
