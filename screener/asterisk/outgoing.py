"""What our phones dial, heard without standing in its way.

A rule may ask whether we have dialled a number before, and whether somebody here has called for
help. No outgoing call goes through screener for that, so that none can hang with it: Asterisk tells
what its phones dial, and goes on.

How, tried on Asterisk 22.10.1 with three phones: an application that is subscribed to an endpoint
is sent the events of all of its channels. `ChannelCreated` comes before the dialplan's first step
and carries what was dialled, in state "Ring"; the channels on which Asterisk calls a phone, ours
among them, begin in state "Down" with extension "s". But the application that the calls are in must
not be the one: each event of a phone that we ring (Dial, ChannelStateChange, ChannelDestroyed) then
came twice, and the phone answered twice. So this is an application of its own, "screener-phones",
with an event socket of its own that carries nothing but ChannelCreated: one event for each phone
that a call rings and none more on the socket of the calls; without the filter one call between two
phones sent 76. Whatever goes wrong here disturbs no call.

What is dialled while screener or its connection is away is not heard; everybody rings then anyway.
Sources: Asterisk's rest-api/api-docs/applications.json (subscribe, eventFilter), events.json.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import aiohttp

from screener.asterisk.client import Client
from screener.asterisk.translate import DIALLED, UnreadableError, dialled
from screener.config import Settings
from screener.core.frontdoor import Phone
from screener.errors import AriError, AriNotInStasis

log = logging.getLogger(__name__)

# Seconds until a socket that was lost is opened again. That it is lost, the calls' own socket says.
_AGAIN = 2.0
# A phone that Asterisk does not know is asked for again: it may have been added meanwhile.
_LOOK_AGAIN = 60.0


class Outgoing:
    """Tells `on_dialled(phone, number)` what is dialled on the phones of a house, as dialled."""

    def __init__(
        self, settings: Settings, url: str, on_dialled: Callable[[Phone, str], None]
    ) -> None:
        ours = settings.asterisk
        self._client = Client(url, ours.user, ours.secret, f"{ours.app}-phones")
        # "PJSIP/5551234@trunk" is a telephone elsewhere: what comes in from there is not ours.
        self._phones = {
            phone.endpoint.casefold(): phone
            for phone in settings.phones.values()
            if "@" not in phone.endpoint and phone.endpoint.count("/") == 1
        }
        self._on_dialled = on_dialled
        self._deaf = ""

    async def run(self) -> None:
        """Listen until cancelled, to whichever Asterisk is there."""
        async with self._client:
            while True:
                try:
                    await self._listen()
                except AriError as away:
                    self._tell_deaf(away)
                await asyncio.sleep(_AGAIN)

    def _tell_deaf(self, trouble: AriError) -> None:
        """Say why nothing is heard, once: it is tried every two seconds."""
        if self._deaf != str(trouble):
            self._deaf = str(trouble)
            log.warning("what our phones dial is not heard: %s", trouble)

    async def _listen(self) -> None:
        """Take in what is dialled until the socket closes."""
        async with await self._client.events() as socket:
            asking = asyncio.ensure_future(self._ask_for_all(socket))
            try:
                async for message in socket:
                    if message.type is aiohttp.WSMsgType.TEXT:
                        self._take_in(message.data)
            finally:
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)

    async def _ask_for_all(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Subscribe to every phone, and go on asking for those that Asterisk does not know."""
        try:
            await self._client.only_events(DIALLED)
            phones = self._phones.values()
            unknown = [phone for phone in phones if not await self._ask_for(phone)]
            self._deaf = ""
            for phone in unknown:
                log.info("Asterisk has no %s: what it dials is not heard", phone.endpoint)
            while unknown:
                await asyncio.sleep(_LOOK_AGAIN)
                unknown = [phone for phone in unknown if not await self._ask_for(phone)]
        except AriError as failed:
            self._tell_deaf(failed)
            await socket.close()  # and all of it is tried again

    async def _ask_for(self, phone: Phone) -> bool:
        try:
            await self._client.hear_endpoint(phone.endpoint)
        except AriNotInStasis:  # 422: there is no such endpoint
            return False
        return True

    def _take_in(self, text: str) -> None:
        try:
            heard = dialled(text)
        except UnreadableError as wrong:
            log.warning("Asterisk sent an event that cannot be read (%s); passed over", wrong)
            return
        phone = self._phones.get(heard.endpoint.casefold()) if heard is not None else None
        if heard is not None and phone is not None and heard.number:
            self._on_dialled(phone, heard.number)
