"""The studio's shell: carries its script (core/studio.py) out on the line of one of our phones.

One phone at a time is in the studio. What is kept lies beside the texts, the earlier recording with
it (ownvoice.py), and the next sound that a caller hears is the new one.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from screener.asterisk.client import Client
from screener.asterisk.connection import Connection
from screener.asterisk.line import Line
from screener.asterisk.translate import Arrived
from screener.calls.pinlock import PinLock
from screener.calls.visit import END, Visit, carry_out, phone_name
from screener.config import Settings
from screener.core.audio import RATE
from screener.core.ownvoice import LONGEST
from screener.core.script import Command, Drop, Hangup, Note, Play
from screener.core.studio import Adopt, Repertoire, TakeDown, Taken, record_prompts
from screener.core.visit import Ask, LockedFor, Unlock
from screener.errors import AriError, AriRefused, RecordingError, SetupError
from screener.voice import ownvoice
from screener.voice.prompts import Prompts

log = logging.getLogger(__name__)

# A recording ends after so much silence (seconds), if nobody presses the key.
_SILENCE = 8.0


class Studio:
    """Takes the phones that dialled studio.code."""

    def __init__(
        self, settings: Settings, client: Client, connection: Connection, prompts: Prompts
    ) -> None:
        self.prompts = prompts
        self.settings = settings
        self._client = client
        self._connection = connection
        self._inside: Line | None = None
        self.lock = PinLock(settings.studio.pin, "in the studio")
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def channels(self) -> Collection[str]:
        """The channels that are ours: what is recorded on them belongs to nobody else."""
        return (self._inside.channel,) if self._inside is not None else ()

    def take(self, arrived: Arrived) -> None:
        """A phone has come in by the studio's extension (asterisk/dialplan.py)."""
        task = asyncio.ensure_future(self._answer(arrived))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def catch_up(self, channels: Iterable[Mapping[str, Any]]) -> None:
        """Take in what happened while no events came; `channels` are all that Asterisk has."""
        if self._inside is not None:
            self._inside.catch_up(channels)

    async def _answer(self, arrived: Arrived) -> None:
        line = Line(self._client, self._connection, arrived)
        if self._inside is not None:
            await carry_out(line, self._turn_away(line), "a call to the studio")
            return
        self._inside = line
        try:
            visit = self._visit(line, phone_name(self.settings, arrived))
            await carry_out(line, visit, "a call to the studio")
        finally:
            self._inside = None

    async def _visit(self, line: Line, phone: str) -> None:
        with tempfile.TemporaryDirectory(prefix="screener-studio-") as folder:
            visit = _Visit(self, line, phone, Path(folder))
            await line.answer()
            try:
                await visit.follow(record_prompts(self._repertoire()))
            finally:
                await asyncio.shield(visit.tidy_up())

    async def _turn_away(self, line: Line) -> None:
        await line.answer()
        for prompt in ("studio-busy", "goodbye"):
            await line.play(*self.prompts.sound((prompt,)))

    def _repertoire(self) -> Repertoire:
        languages = self.prompts.languages
        return Repertoire(
            languages,
            {
                language: tuple(p.name for p in self.prompts if p.language == language)
                for language in languages
            },
            {e.number: e.prompt for e in self.settings.directory.extensions.values()},
        )


class _Visit(Visit):
    """One call to the studio. Takes lie in `folder` until the call is over."""

    def __init__(self, studio: Studio, line: Line, phone: str, folder: Path) -> None:
        super().__init__(line)
        self._studio = studio
        self._phone = phone
        self._folder = folder
        self._takes: dict[str, bytes] = {}
        self._seconds: dict[str, float] = {}

    async def tidy_up(self) -> None:
        """Nothing of what was recorded stays in Asterisk."""
        for take in self._takes:
            with suppress(AriError):
                await self.line.delete_recording(take)

    async def perform(self, command: Command[Any]) -> Any:
        match command:
            case Play(prompts):
                return await self.line.play(*self._sound(prompts))
            case Ask(prompts, longest, take, wait):
                return await self.ask(self._sound(prompts, take), longest, wait)
            case Unlock(keys):
                return await self._studio.lock.opens(keys, self._phone)
            case LockedFor():
                return self._studio.lock.locked_for()
            case TakeDown():
                return await self._take_down()
            case Adopt(take, prompt):  # to its end, though he hangs up: he wants it
                return await asyncio.shield(self._adopt(take, prompt))
            case Drop():
                return None  # it goes with the others
            case Note(text):
                return log.info("studio: %s", text)
            case Hangup():
                return await self.line.hangup()
        raise TypeError(f"no such command: {command!r}")

    def _sound(self, names: Iterable[str], take: str = "") -> tuple[tuple[str, ...], float]:
        """Media URIs of a take and prompts ("greeting", "de/greeting"), and their seconds."""
        split = [name.rpartition("/")[::2] for name in names]
        prompts = self._studio.prompts
        uris = tuple(prompts.uri(name, language) for language, name in split)
        seconds = sum(prompts.seconds(name, language) for language, name in split)
        if not take:
            return uris, seconds
        return (f"recording:{take}", *uris), seconds + self._seconds[take]

    async def _take_down(self) -> Taken:
        """Record until the key; what was spoken, without the silence around it."""
        self.forget_keys()  # they belonged to what was said before
        take = self.line.name_take()
        self._takes[take] = b""
        over = await self.line.record(take, LONGEST, _SILENCE, END)
        if over.failed:
            raise AriRefused("Asterisk could not record: is its disk full?")
        path = self._folder / "take.wav"
        await self.line.fetch_recording(take, path)
        self._seconds[take] = path.stat().st_size / (2 * RATE)
        self._takes[take], fault = await asyncio.to_thread(ownvoice.examined, path)
        self.forget_keys()  # among them the one that ended the recording
        return Taken(take, fault)

    async def _adopt(self, take: str, prompt: str) -> bool:
        """Put a take beside the texts and let callers hear it; else all is as it was."""
        language, _, name = prompt.rpartition("/")
        folder = self._studio.settings.sounds / language
        try:
            await asyncio.to_thread(ownvoice.take_in, folder, name, self._takes[take])
        except RecordingError as failed:
            log.error("%s was not kept: %s", prompt, failed)
            return False
        try:
            await asyncio.to_thread(self._studio.prompts.renew, log.info)
        except SetupError as failed:
            log.error("%s was not taken over: %s", prompt, failed)
            try:
                await asyncio.to_thread(ownvoice.undo, folder, name)
            except RecordingError as stays:
                log.error("the earlier recording was not brought back: %s", stays)
            return False
        log.info("%s recorded %s", self._phone, prompt)
        return True
