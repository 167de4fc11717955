"""The voicemail's shell: carries its script (core/voicemail.py) out on the line of a phone of ours.

Any number of phones may hear a box at once: what becomes of a message is a mark in its folder
(inbox.py). A message is heard through a link of its own to its sound, in a folder where Asterisk
can read it and nobody can list it: so it is heard to its end whatever state its folder moves to,
and Asterisk need not be let into the outbox.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import shutil
import wave
from collections.abc import Callable, Collection, Coroutine, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from screener.asterisk.leg import Leg, LegSaid
from screener.asterisk.line import Line
from screener.asterisk.playback import Sound
from screener.asterisk.translate import Arrived
from screener.calls.house import House
from screener.calls.pinlock import PinLock
from screener.calls.visit import Visit, carry_out, phone_name
from screener.core.frontdoor import MessageBox
from screener.core.letter import Letter, LetterKind, addressed
from screener.core.ringing import Said
from screener.core.script import Command, Hangup, Note, Play
from screener.core.visit import Ask, LockedFor, Unlock
from screener.core.voicemail import (
    Boxes,
    CallBack,
    Hear,
    Inbox,
    Listened,
    LookInto,
    Mark,
    Message,
    PassOn,
    Put,
    after_key,
    hear_messages,
    in_order,
)
from screener.errors import AriError, OutboxError
from screener.messages.inbox import Kept, Messages

log = logging.getLogger(__name__)

T = TypeVar("T")

SHELF = "listening"
"""The folder in the data folder where the sound of a message lies while it is heard."""

_RINGS = 45.0  # seconds that somebody has to answer who is called back


class Voicemail:
    """Takes the phones that dialled voicemail.code. `marked` is called when a mark was made."""

    def __init__(self, house: House, messages: Messages, marked: Callable[[], None]) -> None:
        self.house = house
        self.messages = messages
        self.marked = marked
        self.shelf = house.settings.data / SHELF
        boxes = house.settings.boxes.values()
        self.locks = {b.name: PinLock(b.pin, f"of the box {b.name}") for b in boxes if b.pin}
        self._lines: set[Line] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        shutil.rmtree(self.shelf, ignore_errors=True)  # what a crash has left there

    @property
    def channels(self) -> Collection[str]:
        """The channels that are ours."""
        return [line.channel for line in self._lines]

    def take(self, arrived: Arrived) -> None:
        """A phone has come in by the voicemail's extension (asterisk/dialplan.py)."""
        task = asyncio.ensure_future(self._answer(arrived))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def catch_up(self, channels: Iterable[Mapping[str, Any]]) -> None:
        """Take in what happened while no events came; `channels` are all that Asterisk has."""
        channels = list(channels)
        for line in self._lines:
            line.catch_up(channels)

    async def _answer(self, arrived: Arrived) -> None:
        line = Line(self.house.client, self.house.connection, arrived)
        self._lines.add(line)
        try:
            phone = phone_name(self.house.settings, arrived)
            await carry_out(line, self._visit(line, phone), "a call to the voicemail")
        finally:
            self._lines.discard(line)

    async def _visit(self, line: Line, phone: str) -> None:
        settings = self.house.settings
        visit = _Visit(self, line, phone)
        boxes = Boxes(
            tuple(self.locks),
            tuple(settings.boxes),
            settings.country,
            bool(settings.directory.outside.trunk),
        )
        await line.answer()
        try:
            await visit.follow(hear_messages(boxes))
        finally:
            await asyncio.shield(visit.tidy_up())


class _Visit(Visit):
    """One call to the voicemail. What it hears lies on the shelf until the call is over."""

    def __init__(self, voicemail: Voicemail, line: Line, phone: str) -> None:
        super().__init__(line)
        self._voicemail = voicemail
        self._house = voicemail.house
        self._messages = voicemail.messages
        self._phone = phone
        self._letters: dict[str, Letter] = {}
        self._sounds: dict[str, Path] = {}
        self._work: set[asyncio.Future[Any]] = set()

    async def tidy_up(self) -> None:
        """Nothing of what was heard stays on the shelf, once nobody is at it any more."""
        if self._work:
            await asyncio.wait(self._work)
        for sound in self._sounds.values():
            await asyncio.to_thread(sound.unlink, missing_ok=True)

    async def perform(self, command: Command[Any]) -> Any:  # noqa: C901, PLR0911 (a table)
        match command:
            case Play(prompts):
                return await self.line.play(*self._house.prompts.sound(prompts))
            case Ask(prompts, longest, _, wait):
                return await self.ask(self._house.prompts.sound(prompts), longest, wait)
            case Unlock(keys, box):
                return await self._voicemail.locks[box].opens(keys, self._phone)
            case LockedFor(box):
                return self._voicemail.locks[box].locked_for()
            case LookInto(box):
                return await self._look_into(self._house.settings.boxes[box])
            case Hear(message):
                return await self._hear(message)
            case Put(message, mark):  # to its end, though he hangs up: he wants it
                return await self._to_its_end(self._put(message, mark))
            case PassOn(message, box):
                return await self._to_its_end(self._pass_on(message, box))
            case CallBack(message, number):
                return await self._call_back(message, number)
            case Note(text):
                return log.info("voicemail: %s to %s", text, self._phone)
            case Hangup():
                return await self.line.hangup()
        raise TypeError(f"no such command: {command!r}")

    async def _to_its_end(self, work: Coroutine[Any, Any, T]) -> T:
        """What comes of `work`, which goes on though he hangs up; the shelf is cleared after it."""
        doing = asyncio.ensure_future(work)
        self._work.add(doing)
        doing.add_done_callback(self._work.discard)
        return await asyncio.shield(doing)

    async def _look_into(self, box: MessageBox) -> Inbox:
        kept = await asyncio.to_thread(self._messages.in_box, box.name)
        self._letters |= {each.id: each.letter for each in kept}
        zone = ZoneInfo(box.zone) if box.zone else self._house.settings.zone
        messages = [_message(each, zone) for each in kept]
        return Inbox(in_order(messages), datetime.now(zone).date())

    # Hearing -------------------------------------------------------------------------------------

    async def _hear(self, message: str) -> Listened:
        """Play a message until a key ends it; some skip in it."""
        try:
            found = await self._to_its_end(asyncio.to_thread(self._sound, message))
        except (OSError, EOFError, wave.Error) as unfit:
            log.error("message %s cannot be heard: %s", message, unfit)
            found = None
        if found is None:
            return Listened(there=False)
        then: float | Listened = 0.0
        while not isinstance(then, Listened):
            then = await self._hear_on(*found, then)
        return then

    async def _hear_on(self, media: tuple[str, ...], seconds: float, at: float) -> float | Listened:
        """Play a message of so many seconds from one of them on; what its end or a key does."""
        clock = asyncio.get_running_loop().time
        begun = clock()
        playing = asyncio.ensure_future(self.line.play(media, seconds - at, at))
        try:
            key = await self.key(playing, 0.0)
        finally:
            playing.cancel()
            await asyncio.gather(playing, return_exceptions=True)
        return after_key(key, at + (clock() - begun), seconds)

    def _sound(self, message: str) -> Sound | None:
        """A message's sound on the shelf, as Asterisk wants it; None where it is no more."""
        path = self._sounds.get(message) or self._take_down(message)
        if path is None:
            return None
        with wave.open(str(path)) as sound:
            seconds = sound.getnframes() / sound.getframerate()
        return (f"sound:{path.with_suffix('')}",), seconds

    def _take_down(self, message: str) -> Path | None:
        """Lay a message's sound on the shelf, under a name that nobody can guess."""
        shelf = self._voicemail.shelf
        shelf.mkdir(exist_ok=True)
        shelf.chmod(0o711)  # to be read by Asterisk, which is told the name, and not to be listed
        path = shelf / f"{secrets.token_hex(16)}.wav"
        for kept in _until_found(self._messages, message):
            try:
                _linked(kept.folder / "audio.wav", path)
            except FileNotFoundError:  # it has just moved on
                continue
            self._sounds[message] = path
            return path
        return None

    # What becomes of it --------------------------------------------------------------------------

    async def _put(self, message: str, mark: Mark) -> bool:
        do = {
            Mark.HEARD: self._messages.mark_heard,
            Mark.REMOVED: self._messages.remove,
            Mark.BACK: self._messages.bring_back,
        }
        try:
            await asyncio.to_thread(do[mark], message)
        except OutboxError as failed:
            log.error("%s: %s", self._phone, failed)
            return False
        log.info("message %s is %s: %s", message, mark, self._phone)
        self._voicemail.marked()
        return True

    async def _pass_on(self, message: str, name: str) -> bool:
        """Mail it to whom another box serves: a letter of its own, with the sound as it was."""
        box, letter = self._house.settings.boxes[name], self._letters[message]
        try:
            if await asyncio.to_thread(self._sound, message) is None:
                return False
            why = f"passed on by {self._phone} from the box {letter.box}; {letter.why}"
            passed_on = addressed(replace(letter, why=why), box)
            await self._house.outbox.put(self._sounds[message], passed_on)
        except (OutboxError, OSError) as failed:
            log.error("message %s was not passed on: %s", message, failed)
            return False
        log.info("message %s is passed on to the box %s: %s", message, name, self._phone)
        self._voicemail.marked()
        return True

    async def _call_back(self, message: str, number: str) -> bool:
        """Ring a number over the trunk, and stay until they have talked."""
        endpoint = self._house.settings.directory.outside.endpoint(number)
        await self.line.shows(self._letters[message].did)  # the number that he had called
        leg = self.line.leg("call-back")
        log.info("%s calls %s back", self._phone, number)
        await self.line.ring()
        try:
            await leg.dial(endpoint, _RINGS, self.line.channel, {})
            async with asyncio.timeout(2 * _RINGS):
                answered = await self._answered(leg)
        except TimeoutError:
            answered = False
        finally:
            with suppress(AriError):  # he may have hung up
                await self.line.ring_stop()
        if answered:
            await self.line.connect(leg)
            await leg.gone.wait()
        else:
            await leg.end()
        self.forget_keys()
        return answered

    async def _answered(self, leg: Leg) -> bool:
        """Whether who is rung answers; what an earlier leg had still to say is no answer."""
        while True:
            news = await self.line.news.get()
            if isinstance(news, LegSaid) and news.leg is leg and news.said is not Said.RINGS:
                return news.said is Said.ANSWERED


def _message(kept: Kept, zone: ZoneInfo | None) -> Message:
    letter = kept.letter
    robot = letter.kind is LetterKind.ROBOT
    return Message(kept.id, letter.number, letter.when.astimezone(zone), robot, kept.new)


def _until_found(messages: Messages, name: str) -> Iterator[Kept]:
    """A message, wherever it moves while it is taken hold of."""
    for _ in range(3):
        if (kept := messages.get(name)) is None:
            return
        yield kept


def _linked(sound: Path, path: Path) -> None:
    """Make a file of the same content, without copying it where that can be."""
    try:
        path.hardlink_to(sound)
    except FileNotFoundError:
        raise
    except OSError:  # another file system
        shutil.copyfile(sound, path)
    path.chmod(0o644)  # Asterisk may be another user; nobody else knows the name
