"""How much comes in: requests of one address, connections at once, and how long each may stay.

Calls need their files and sockets more than pages do. A page goes out in a moment; an hour's
message goes over a slow line for many minutes, so those who are sent one are few, and have longer.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Collection

from aiohttp import web

_MOST_CONNECTIONS = 64
_LONGEST_CONNECTION = 30.0  # seconds, twice this at most
_MOST_ADDRESSES = 1000
_MOST_DOWNLOADS = 16
# Seconds: 14 MB, an hour's message, over a line of 64 kbit/s. Whoever is slower goes on with the
# rest (RFC 9110, 14), as every player does.
_LONGEST_DOWNLOAD = 1800.0


class Rate:
    """How many requests each address has left: a bucket that fills again as time goes on.

    So many at once (`burst`), and so many a second afterwards (`pace`).
    """

    def __init__(self, burst: float, pace: float) -> None:
        self._burst, self._pace = burst, pace
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def admits(self, address: str, now: float) -> bool:
        """Whether a request of this address may come in at `now` (seconds of any clock)."""
        left, then = self._buckets.pop(address, (self._burst, now))
        left = min(self._burst, left + (now - then) * self._pace)
        admitted = left >= 1.0
        self._buckets[address] = (left - admitted, now)
        while len(self._buckets) > _MOST_ADDRESSES:
            self._buckets.popitem(last=False)
        return admitted


class Downloads:
    """The connections on which sound goes out or is about to, and since when (the event loop's
    clock)."""

    def __init__(self) -> None:
        self._since: dict[asyncio.BaseProtocol, float] = {}

    def begin(self, connection: asyncio.BaseProtocol) -> bool:
        """Whether there is a place for one more, which this connection then has until `end`; who is
        given none must come back later."""
        if len(self._since) >= _MOST_DOWNLOADS:
            return False
        self._since[connection] = asyncio.get_running_loop().time()
        return True

    def end(self, connection: asyncio.BaseProtocol | None) -> None:
        """The sound is sent, or there was none to send."""
        if connection is not None:
            self._since.pop(connection, None)

    def end_all_but(self, connected: Collection[asyncio.BaseProtocol]) -> None:
        """Take back the places of connections that have been lost before anything was sent."""
        for connection in self._since.keys() - set(connected):
            del self._since[connection]

    def may_stay(self, connection: asyncio.BaseProtocol) -> bool:
        """Whether a connection is a download that has not lasted too long."""
        since = self._since.get(connection)
        now = asyncio.get_running_loop().time()
        return since is not None and now - since < _LONGEST_DOWNLOAD


class _Refused(asyncio.Protocol):
    """A connection for which there is no room."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


def connection(runner: web.AppRunner) -> asyncio.Protocol:
    """A protocol for a new connection, while there is room for one."""
    server = runner.server
    assert server is not None  # runner.setup() has been awaited
    if len(server.connections) >= _MOST_CONNECTIONS:
        return _Refused()
    return server()


async def sweep(runner: web.AppRunner, downloads: Downloads) -> None:
    """Close what has been connected for long, until cancelled: nobody may sit on all places."""
    server = runner.server
    assert server is not None  # runner.setup() has been awaited
    before = set(server.connections)
    while True:
        await asyncio.sleep(_LONGEST_CONNECTION)
        for connected in before & set(server.connections):
            if not downloads.may_stay(connected):
                connected.force_close()
        downloads.end_all_but(server.connections)
        before = set(server.connections)
