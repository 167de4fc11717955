"""The cable between screener and Asterisk's ARI, which a test may cut and mend.

async with Cable(port) as cable:      # whoever connects to cable.port reaches `port`
    cable.cut()                       # every connection breaks, and new ones are refused
    cable.mend()
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from tests.calls.sip import LOOPBACK


class Cable:
    """A TCP relay on loopback to `far_port`."""

    def __init__(self, far_port: int) -> None:
        self._far_port = far_port
        self._whole = True
        self._ends: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, LOOPBACK, 0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Break every connection, at once and without a farewell."""
        self._whole = False
        for end in self._ends:
            end.transport.abort()
        self._ends.clear()

    def mend(self) -> None:
        """Let new connections through."""
        self._whole = True

    async def _connected(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        if not self._whole:
            back.transport.abort()
            return
        far, forth = await asyncio.open_connection(LOOPBACK, self._far_port)
        self._ends |= {back, forth}
        await asyncio.gather(_carry(near, forth), _carry(far, back))


async def _carry(come: asyncio.StreamReader, go: asyncio.StreamWriter) -> None:
    try:
        while piece := await come.read(65536):
            go.write(piece)
            await go.drain()
    except (ConnectionError, asyncio.CancelledError):
        pass  # cut
    finally:
        go.close()
