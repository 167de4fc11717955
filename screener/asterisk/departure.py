"""How a call leaves us before its end: refused, sent elsewhere, or handed back to the dialplan."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Any

from screener.asterisk.client import Client
from screener.asterisk.deadline import Deadline
from screener.asterisk.dialplan import AWAY_PATIENCE
from screener.asterisk.translate import Arrived, Event, Gone, HungUp, cause_of, redirect_uri
from screener.errors import AriError, StuckError

log = logging.getLogger(__name__)

# How long a call may take to leave us when it was refused or sent elsewhere.
_LEAVING = 3.0


class Departure:
    """The ways out for the channel `caller`, who is `gone` when he has taken one."""

    def __init__(
        self, client: Client, caller: str, gone: asyncio.Event, deadline: Deadline
    ) -> None:
        self._client = client
        self._caller = caller
        self._gone = gone
        self._deadline = deadline
        self._back: asyncio.Future[None] | None = None  # of a call that is sent elsewhere

    @property
    def away(self) -> bool:
        """Whether the caller is being sent elsewhere: the dialplan has him, until he is back."""
        return self._back is not None

    def take_in(self, event: Event) -> None:
        """Something happens to a caller who is `away`."""
        match event:
            case HungUp() | Gone():
                self._gone.set()
            case Arrived():
                self.came_back()

    def came_back(self) -> None:
        """The caller is in our application, whether he had been sent elsewhere or not."""
        if self._back is not None and not self._back.done():
            self._back.set_result(None)

    async def refuse(self, code: int) -> bool:
        """End a call that was not answered by a SIP status, through the dialplan; False where that
        cannot be. Its deadline takes it to no phone, either way."""
        async with self._deadline.let_go():
            try:
                given = await self._client.refuse(self._caller, code, cause_of(code))
            except AriError as failed:
                log.warning("call %s cannot be refused by %d: %s", self._caller, code, failed)
                given = False
        return given and await self._left()

    async def redirect(self, target: str, *, answered: bool) -> str:
        """Have the caller's network call a SIP URI or an E.164 number in place of us.

        Returns how it was told to, "SIP 302" or, after the answer, "REFER"; "" where it does not.
        """
        try:
            contact = await self._client.variable(self._caller, "CHANNEL(pjsip,target_uri)")
            uri = redirect_uri(target, contact)
            if not uri or self._gone.is_set():
                return ""
            if answered:
                left = await self._refer(uri)
            else:
                await self._client.redirect(self._caller, uri)
                left = await self._left()
        except AriError as refused:
            log.warning("call %s is not redirected to %s: %s", self._caller, target, refused)
            return ""
        if not left:
            return ""
        return "REFER" if answered else "SIP 302"

    async def _refer(self, uri: str) -> bool:
        """Whether the caller has left for `uri`: his network tells, and that takes its time.

        Raises StuckError where it tells nothing: the dialplan has taken him to the phones.
        """
        back: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await self._deadline.pause()
        self._back = back
        gone: asyncio.Future[Any] = asyncio.ensure_future(self._gone.wait())
        try:
            await self._client.hear_channel(self._caller)
            if not await self._client.refer(self._caller, uri):
                await self._client.redirect(self._caller, uri)
            async with asyncio.timeout(AWAY_PATIENCE + _LEAVING):
                waited: set[asyncio.Future[Any]] = {back, gone}
                await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError as lost:
            raise StuckError("the caller's network does not tell what became of him") from lost
        finally:
            self._back = None
            self._deadline.resume()
            gone.cancel()
            with suppress(AriError):  # it is gone, and so is that
                await self._client.forget_channel(self._caller)
        return not back.done()

    async def _left(self) -> bool:
        """Whether the call leaves us, as it was told to."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LEAVING):
                await self._gone.wait()
        return self._gone.is_set()

    async def hand_back(self) -> bool:
        """Give the call to the dialplan, which rings the phones; False where that cannot be."""
        try:
            async with self._deadline.let_go():
                if not any(
                    self._client.owns(channel)
                    for channel in await self._client.channels()
                    if channel["id"] == self._caller
                ):
                    return False  # the dialplan has it already, or the caller has hung up
                await self._client.give_to_phones(self._caller)
        except AriError as lost:
            log.warning("call %s cannot be given back to the dialplan: %s", self._caller, lost)
            return False
        return True
