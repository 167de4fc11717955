"""Key codes: what our phones dial to say something to screener, and hear that it was understood.

That a call is expected: the window is opened before anything is said, so that it counts whatever
becomes of the call. Dialled again, the code begins the time anew: whoever dials it twice is still
waiting, and would not guess that the second time undoes the first. He who no longer waits presses 0
when he is told so.
That the phone is not to be disturbed, or rings again: the ring groups know it from then on.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from screener.asterisk.client import Client
from screener.asterisk.connection import Connection
from screener.asterisk.dialplan import DND_OFF, DND_ON, EXPECT
from screener.asterisk.line import Line
from screener.asterisk.translate import Arrived
from screener.calls import donotdisturb
from screener.calls.visit import carry_out, phone_name
from screener.config import Settings
from screener.core.window import Kind
from screener.errors import SetupError
from screener.rules.windows import Windows
from screener.voice.prompts import Prompts

log = logging.getLogger(__name__)

EXTENSIONS = (EXPECT, DND_ON, DND_OFF)
"""The extensions of the dialplan's key codes that are answered here."""
OFF = "0"
# Seconds that a person has to press it after he has been told so.
_WAIT = 4.0


class KeyCode:
    """Takes the phones that dialled a key code."""

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
        phone = phone_name(self._settings, arrived)
        if arrived.args[1] == EXPECT:
            await self._open(phone)
            talk = self._talk(line)
        else:
            talk = self._confirm(line, await self._leave_in_peace(phone, arrived.args[1] == DND_ON))
        await carry_out(line, talk, "what a key code asked for")

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

    async def _leave_in_peace(self, phone: str, peace: bool) -> str:
        """Leave a phone in peace, or end that; the prompt that says so, "" where it cannot be."""
        if phone not in self._settings.phones:
            log.warning("%s is no phone of screener.toml: it is not left in peace", phone)
            return ""
        write = donotdisturb.begin if peace else donotdisturb.end
        try:
            await asyncio.to_thread(write, self._settings.data, phone)
        except SetupError as failed:
            log.error("%s", failed)
            return ""
        log.info("%s %s", phone, "is left in peace" if peace else "rings again")
        return "dnd-on" if peace else "dnd-off"

    async def _confirm(self, line: Line, understood: str) -> None:
        """Say what was understood; a code that could not be carried out ends in silence."""
        if understood:
            await line.answer()
            await self._say(line, understood)

    async def _say(self, line: Line, prompt: str) -> None:
        await line.play(*self._prompts.sound((prompt,)))

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
