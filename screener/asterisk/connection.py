"""The event socket: kept open, and every event given to who waits for it.

Events go into mailboxes by channel. A mailbox never fills up and is never waited for, so that a
call that stalls delays no other. When the socket is lost it is opened again, at longer and longer
intervals; `lost` and `found` tell the service, which then asks Asterisk what happened meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeAlias

import aiohttp

from screener.asterisk.client import Client
from screener.asterisk.translate import Arrived, Event, UnreadableError, event
from screener.errors import AriError, AriRefused

log = logging.getLogger(__name__)

Mailbox: TypeAlias = asyncio.Queue[Event]

_FIRST_RETRY = 0.2
_LONGEST_RETRY = 10.0


class Connection:
    """Reads the event socket of `client`.

    `on_arrival` is called for each channel that enters our application and has no mailbox;
    `on_found` is awaited each time that the socket is open (first at the start).
    """

    def __init__(
        self,
        client: Client,
        on_arrival: Callable[[Arrived], None],
        on_found: Callable[[], Awaitable[None]],
        on_lost: Callable[[], None],
    ) -> None:
        self._client = client
        self._on_arrival = on_arrival
        self._on_found = on_found
        self._on_lost = on_lost
        self._mailboxes: dict[str, Mailbox] = {}

    def deliver(self, channel: str, mailbox: Mailbox) -> None:
        """From now on put the events of `channel` into `mailbox`."""
        self._mailboxes[channel] = mailbox

    def is_delivered(self, channel: str) -> bool:
        """Whether somebody takes the events of `channel`."""
        return channel in self._mailboxes

    def forget(self, mailbox: Mailbox) -> None:
        """No longer put anything into `mailbox`."""
        for channel in [c for c, m in self._mailboxes.items() if m is mailbox]:
            del self._mailboxes[channel]

    async def run(self) -> None:
        """Stay connected until cancelled.

        Raises AriRefused when Asterisk does not let us in at the start: that does not mend itself.
        An Asterisk that is away is waited for; so is one that refuses later on, while it starts.
        """
        first = True
        retry = _FIRST_RETRY
        while True:
            try:
                socket = await self._client.events()
            except AriError as down:
                if first and isinstance(down, AriRefused):
                    raise
                log.warning("%s; trying again in %.1f s", down, retry)
                await asyncio.sleep(retry)
                retry = min(retry * 2, _LONGEST_RETRY)
                continue
            if not first:
                log.warning("connected to Asterisk again")
            first = False
            retry = _FIRST_RETRY
            async with socket:
                await self._read(socket)
            log.warning("the connection to Asterisk was lost")
            self._on_lost()

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Give out events until the socket closes. Events are read while `on_found` asks."""
        found = asyncio.ensure_future(self._on_found())
        try:
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._give_out(message.data)
        finally:
            found.cancel()
            with suppress(asyncio.CancelledError):
                await found

    def _give_out(self, text: str) -> None:
        try:
            read = event(text)
        except UnreadableError as wrong:
            log.warning("Asterisk sent an event that cannot be read (%s); passed over", wrong)
            return
        if read is None:
            return
        mailbox = self._mailboxes.get(read.channel)
        if mailbox is not None:
            mailbox.put_nowait(read)
        elif isinstance(read, Arrived):
            self._on_arrival(read)
