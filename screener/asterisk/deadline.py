"""The deadline of a caller's channel, which brings him to the phones when we have died.

The dialplan sets it when it gives us the call (dialplan.py); whoever has the call holds it off.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from screener.asterisk.client import Client
from screener.asterisk.dialplan import PATIENCE, deadline_of
from screener.errors import AriError

log = logging.getLogger(__name__)


class Deadline:
    """The deadline of the channel `caller`, who is `gone` when it is set."""

    def __init__(self, client: Client, caller: str, gone: asyncio.Event) -> None:
        self._client = client
        self._caller = caller
        self._gone = gone
        # Setting it: one request at a time, or they might overtake each other.
        self._setting = asyncio.Lock()
        self._ours = True
        self._paused = False

    async def hold_off(self) -> None:
        """As long as we live the call is ours; when we do not, the dialplan takes it back."""
        while True:
            await asyncio.sleep(PATIENCE / 3)
            async with self._setting:
                # Never on a call that is the dialplan's: nothing there would lift it again.
                if self._gone.is_set() or not self._ours:
                    return
                if self._paused:
                    continue
                try:
                    await self._client.set_global(deadline_of(self._caller), f"{PATIENCE:.0f}")
                except AriError as failed:
                    log.warning("the deadline of %s is not held off: %s", self._caller, failed)

    @asynccontextmanager
    async def let_go(self) -> AsyncIterator[None]:
        """Never hold it off again; in the block nothing is being set any more."""
        async with self._setting:
            self._ours = False
            yield

    async def lift(self, phone: str) -> None:
        """The caller and a phone's channel have none from now on."""
        async with self.let_go():
            await asyncio.gather(
                self._client.set_global(deadline_of(self._caller), "0"),
                self._client.set_global(deadline_of(phone), "0"),
            )

    async def pause(self) -> None:
        """Do not hold it off for a while: the dialplan has the call, and sets its own."""
        async with self._setting:
            self._paused = True

    def resume(self) -> None:
        """The call is ours again, or gone."""
        self._paused = False
