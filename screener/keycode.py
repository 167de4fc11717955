"""The key code: one of our phones says that a call is expected, and hears that it was understood.

The window is opened before anything is said, so that it counts whatever becomes of the call.
Dialled again, the code begins the time anew: whoever dials it twice is still waiting, and would not
guess that the second time undoes the first. He who no longer waits presses 0 when he is told so.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from screener.asterisk.client import Client
from screener.asterisk.connection import Connection
from screener.asterisk.line import Line
from screener.asterisk.translate import Arrived, endpoint_of
from screener.config import Settings
from screener.core.window import Kind
from screener.errors import AriError, PromptMissing, SetupError
from screener.prompts import Prompts
from screener.windows import Windows

log = logging.getLogger(__name__)

OFF = "0"
# Seconds that a person has to press it after he has been told so.
_WAIT = 4.0


class KeyCode:
    """Takes the phones that dialled the key code."""

    def __init__(
        self,
        settings: Settings,
        client: Client,
        connection: Connection,
        prompts: Prompts,
        windows: Windows,
    ) -> None:
        self._settings = settings
        self._client = client
        self._connection = connection
        self._prompts = prompts
        self._windows = windows
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, arrived: Arrived) -> None:
        """A phone has come in by the key code's extension; its channel's name is the third
        argument (asterisk/dialplan.py)."""
        task = asyncio.ensure_future(self._answer(arrived))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, arrived: Arrived) -> None:
        line = Line(self._client, self._connection, arrived)
        events = asyncio.ensure_future(line.run())
        try:
            await self._open(phone_name(self._settings, arrived))
            talk = asyncio.ensure_future(self._talk(line))
            gone = asyncio.ensure_future(line.gone.wait())
            await asyncio.wait({talk, gone}, return_when=asyncio.FIRST_COMPLETED)
            for task in (talk, gone):
                task.cancel()
            for ended in await asyncio.gather(talk, gone, return_exceptions=True):
                if isinstance(ended, AriError | PromptMissing | SetupError):
                    log.warning("the key code was not answered to its end: %s", ended)
                elif isinstance(ended, Exception):
                    raise ended  # the dialplan hangs up, when the channel's deadline is over
            with suppress(AriError):
                await line.hangup()
        finally:
            await line.close()
            events.cancel()

    async def _talk(self, line: Line) -> None:
        """Say that the window is open, and close it for whoever presses 0."""
        pressed = asyncio.Event()
        line.on_key = lambda key: pressed.set() if key == OFF else None
        await line.answer()
        told = asyncio.ensure_future(self._say(line, "expecting-on"))
        with suppress(TimeoutError):
            async with asyncio.timeout(self._prompts.seconds("expecting-on") + _WAIT):
                await pressed.wait()
        told.cancel()
        await asyncio.gather(told, return_exceptions=True)
        if pressed.is_set():
            await asyncio.to_thread(self._windows.end, Kind.EXPECTING)
            log.info("no call is expected any more")
            await self._say(line, "expecting-off")
        await self._say(line, "goodbye")

    async def _say(self, line: Line, prompt: str) -> None:
        await line.play((self._prompts.uri(prompt),), self._prompts.seconds(prompt))

    async def _open(self, phone: str) -> None:
        ours = self._settings.windows
        length = timedelta(seconds=ours.expecting)
        log.info("%s dialled %s: a call is expected", phone, ours.code)
        try:
            await asyncio.to_thread(
                self._windows.begin,
                *(Kind.EXPECTING, datetime.now(UTC), length, f"{phone} dialled {ours.code}"),
            )
        except SetupError as failed:  # it is open as long as we run
            log.error("%s", failed)


def phone_name(settings: Settings, arrived: Arrived) -> str:
    """The name in screener.toml of the phone that dialled a key code."""
    endpoint = endpoint_of(arrived.args[2]) if len(arrived.args) > 2 else ""
    names = {p.endpoint.casefold(): p.name for p in settings.phones.values()}
    return names.get(endpoint.casefold()) or endpoint.partition("/")[2] or "a phone"
