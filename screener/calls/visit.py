"""A visit of one of our own phones: what is said and done on its line until it hangs up."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from screener.asterisk.line import Line
from screener.asterisk.playback import Sound
from screener.asterisk.translate import Arrived, endpoint_of
from screener.config import Settings
from screener.core.script import Command, Script
from screener.errors import AriError, ScreenerError

log = logging.getLogger(__name__)

END = "#"
"""The key that ends what is keyed."""


async def carry_out(line: Line, work: Coroutine[Any, Any, None], what: str) -> None:
    """Do `work` on the line until it is done or the phone has hung up, and hang up; `what` it is
    stands in the log where something fails."""
    events = asyncio.ensure_future(line.run())
    talk = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(line.gone.wait())
    try:
        await asyncio.wait({talk, gone}, return_when=asyncio.FIRST_COMPLETED)
        for task in (talk, gone):
            task.cancel()
        for ended in await asyncio.gather(talk, gone, return_exceptions=True):
            if isinstance(ended, ScreenerError):
                log.warning("%s was not carried out to its end: %s", what, ended)
            elif isinstance(ended, Exception):
                raise ended  # the dialplan hangs up, when the channel's deadline is over
        with suppress(AriError):
            await line.hangup()
    finally:
        await line.close()
        for task in (talk, gone, events):
            task.cancel()


def phone_name(settings: Settings, arrived: Arrived) -> str:
    """The name in screener.toml of the phone that dialled; its channel's name is the third argument
    (asterisk/dialplan.py)."""
    endpoint = endpoint_of(arrived.args[2]) if len(arrived.args) > 2 else ""
    names = {p.endpoint.casefold(): p.name for p in settings.phones.values()}
    return names.get(endpoint.casefold()) or endpoint.partition("/")[2] or "a phone"


class Visit(ABC):
    """One phone's visit, as a script leads it."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self._keys: asyncio.Queue[str] = asyncio.Queue()
        line.on_key = self._keys.put_nowait

    @abstractmethod
    async def perform(self, command: Command[Any]) -> Any:
        """Do what the script asks for; what came of it."""

    async def follow(self, script: Script[None]) -> None:
        """Carry out what the script yields until it returns; cancelled when the phone hangs up."""
        try:
            command = next(script)
            while True:
                command = script.send(await self.perform(command))
        except StopIteration:
            pass
        finally:
            script.close()

    async def ask(self, sound: Sound, longest: int, wait: float) -> str:
        """Play, and collect keys: up to the `longest`th, or to #; the first one stops the sound."""
        playing = asyncio.ensure_future(self.line.play(*sound))
        keys = ""
        try:
            while len(keys) < longest:
                key = await self.key(playing, wait)
                playing.cancel()
                if key in ("", END):
                    break
                keys += key
        finally:
            playing.cancel()
            await asyncio.gather(playing, return_exceptions=True)
        return keys

    async def key(self, playing: asyncio.Future[None], wait: float) -> str:
        """The next key; "" where none comes for `wait` seconds after the sound."""
        key = asyncio.ensure_future(self._keys.get())
        either: set[asyncio.Future[Any]] = {key, playing}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not key.done():
                if playing.done() and not playing.cancelled():
                    playing.result()  # raises what went wrong with it
                await asyncio.wait((key,), timeout=wait)
            return key.result() if key.done() else ""
        finally:
            key.cancel()

    def forget_keys(self) -> None:
        """Forget the keys that nobody has asked for yet."""
        while not self._keys.empty():
            self._keys.get_nowait()
