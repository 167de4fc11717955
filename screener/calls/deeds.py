"""What a call script asks for, done on the caller's line: each command of core/script.py once.

    deeds = Deeds(house, line, call, entry)
    heard = await deeds.do(Listen(("greeting",), keys))

The session decides what becomes of a command that fails or that the caller does not stay for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from screener.asterisk.leg import Leg
from screener.asterisk.line import Line
from screener.asterisk.playback import Sound
from screener.asterisk.treatment import treat
from screener.calls.callback import pass_on
from screener.calls.ear import Ear
from screener.calls.heardaudio import LONGEST
from screener.calls.house import House
from screener.calls.ledger import Entry
from screener.calls.putaway import put_away
from screener.calls.summons import Summons
from screener.calls.tape import Tape
from screener.core.audio import RATE
from screener.core.call import Call, Ending
from screener.core.callback import Request
from screener.core.dictation import START, Dictation
from screener.core.letter import Letter, LetterKind, addressed
from screener.core.rules import Action
from screener.core.script import (
    Answer,
    AskBack,
    Block,
    CallerGone,
    Command,
    Drop,
    FindRoom,
    Hangup,
    Heard,
    Keep,
    Listen,
    Note,
    Overhear,
    Play,
    Rang,
    Record,
    Recorded,
    RecordName,
    Redirect,
    Replay,
    Report,
    Ring,
    Speak,
    Talk,
    Treat,
)
from screener.core.transcript import Transcript
from screener.errors import RulesError
from screener.messages.recorder import Recorder
from screener.rules.promotion import promote


class Deeds:
    """Does the commands of one call. `talking` is true while two people talk, `leg` the phone.

    `call` may be set anew, when more is known of it.
    """

    def __init__(self, house: House, line: Line, call: Call, entry: Entry) -> None:
        self.call = call
        self.leg: Leg | None = None
        self.talking = False
        self._house = house
        self._line = line
        self._entry = entry
        self._tracker = house.campaigns.tracker()
        self._ear = Ear(line, house.media, house.recogniser, house.classes, self._tracker)
        self._tape = Tape(line, house.takes, house.outbox)
        self._overheard: dict[str, Transcript] = {}
        self._language = ""
        self._decided_by = ""
        self._summons: Summons | None = None

    def left_by_caller(self, command: Command[Any]) -> CallerGone:
        """The caller did not stay for a command: with what had come of it."""
        match command:
            case Listen():
                return CallerGone(self._ear.unfinished)
            case Ring() if self._summons is not None and self._summons.bell is not None:
                return CallerGone(rang=self._summons.bell.so_far)
        return CallerGone()

    async def close(self) -> None:
        """Leave nothing of the call behind, but for its row."""
        self._house.room.take_back(self._line.channel)
        await self._ear.close()
        await self._line.close()
        await self._tape.forget_names()

    async def remember(self, ending: Ending) -> None:
        """Keep what the caller was heard to say, and learn from it what robots play."""
        house, entry = self._house, self._entry
        if entry.number:
            heard = bytes(self._ear.heard_audio[: LONGEST * RATE])
            await asyncio.to_thread(house.heard.keep, entry.number, heard)
        told, number = self._ear.phrases, self.call.caller.shows
        house.campaigns.over(self._tracker, ending.verdict, entry.started, number, told)

    def sounding(self, command: Command[Any]) -> float:
        """How many seconds of sound a command plays."""
        match command:
            case Play(prompts) | Listen(prompts) | Ring(meanwhile=prompts):
                return self._sound(prompts)[1]
            case Replay(take, prompts):
                return self._sound(prompts)[1] + self._tape.seconds(take)
        return 0.0

    async def do(self, command: Command[Any]) -> Any:  # noqa: PLR0911, PLR0912, C901 (a table)
        match command:
            case Note():
                return None
            case Answer():
                return await self._line.answer()
            case Play(prompts):
                return await self._play(prompts)
            case Listen():
                return await self._listen(command)
            case Replay():
                return await self._replay(command)
            case Ring():
                return await self._ring(command)
            case Talk():
                return await self._talk()
            case Record():
                return await self._record(command)
            case RecordName():
                await self._ear.close()
                return await self._tape.record_name()
            case Block():
                return await self._block()
            case Overhear():
                return await self._overhear(command)
            case Keep():
                return await self._keep(command)
            case AskBack():
                return await self._ask_back(command)
            case Drop(take):
                return await self._tape.drop(take)
            case FindRoom(box):
                return await self._house.room.for_message(box, self._line.channel)
            case Report(kind, text):
                return await self._entry.happened(kind, text)
            case Treat():
                return await self._treat(command)
            case Redirect(target):
                return await self._line.redirect(target)
            case Speak(language):
                self._language = language
                return None
            case Hangup():
                return await self._line.hangup()
        raise TypeError(f"no such command: {command!r}")

    async def _play(self, prompts: tuple[str, ...]) -> None:
        await self._line.play(*self._sound(prompts))

    def _sound(self, prompts: Iterable[str]) -> Sound:
        """Prompts as they are spoken in this call, and their length together in seconds."""
        return self._house.prompts.sound(prompts, self._language)

    async def _listen(self, listen: Listen) -> Heard:
        return await self._ear.listen(listen, *self._sound(listen.prompts))

    async def _replay(self, replay: Replay) -> Heard:
        uris, seconds = self._sound(replay.prompts)
        take, length = self._tape.sound(replay.take)
        listen = Listen(replay.prompts, replay.keys, wait=replay.wait)
        return await self._ear.listen(listen, (*take, *uris), length + seconds)

    async def _ring(self, ring: Ring) -> Rang:
        name = self._tape.name_sound(ring.name) if ring.name else None
        rang, _ = await asyncio.gather(self._summon(ring, name), self._ear.close())
        self._decided_by = rang.phone
        return rang

    async def _summon(self, ring: Ring, name: Sound | None) -> Rang:
        """From the moment that two are connected nothing parts them: nor that we are stopped."""
        self._summons = Summons(self._house, self._line, self.call, self._language, name)
        rang, self.leg = await self._summons.ring(ring)
        self.talking = self.leg is not None
        return rang

    async def _block(self) -> str:
        """Write a rule against the caller; where none can be written, the story says why."""
        label = f"turned away from the phone by {self._decided_by}"
        ours = (
            self._house.settings,
            Action.BLOCK,
            self.call.caller.shows,
            label,
            self._entry.number,
        )
        try:
            return (await asyncio.to_thread(promote, *ours)).rule.place
        except RulesError as impossible:
            await self._entry.tell(f"not blocked: {impossible}")
            return ""

    async def _talk(self) -> None:
        assert self.leg is not None  # scripts talk only after a phone answered
        self.talking = True
        await self.leg.gone.wait()
        self.talking = False

    async def _record(self, record: Record) -> Recorded:
        await self._ear.close()
        reel, dictation = self._tape.reel(record.box.name), Dictation(record)
        recorder = Recorder(self._line, self._house.media, self._sound)
        with self._house.room.promised(record.box, self._line.channel):
            by = await recorder.record(dictation, reel)
            if by is not None:
                return await self._tape.recorded(reel, by, dictation.speech)
            self._house.media.unheard()
            await self._entry.tell("none of the caller's sound comes here: Asterisk records it")
            return await self._tape.record(record.box, self._sound(START))

    async def _overhear(self, overhear: Overhear) -> Recorded:
        reel = self._tape.reel(overhear.box.name)
        with self._house.room.promised(overhear.box, self._line.channel):
            by = await self._ear.overhear(overhear, reel.add_ulaw)
            recorded, transcript = await asyncio.gather(
                self._tape.recorded(reel, by), self._ear.transcript()
            )
        await self._ear.close()
        self._overheard[recorded.take] = transcript
        return recorded

    async def _keep(self, keep: Keep) -> bool:
        number = self.call.caller.shows
        overheard = self._overheard.get(keep.take)
        letter = Letter(
            call=self._entry.number,
            number=number,
            name=self.call.name,
            did=self.call.did,
            when=self._entry.started,
            seconds=self._tape.seconds(keep.take),
            why=keep.why,
            ruling=keep.ruling,
            kind=LetterKind.MESSAGE if overheard is None else LetterKind.ROBOT,
            transcript=overheard.shown() if overheard else "",
            confidence=overheard.confidence if overheard else 0.0,
            heard=self._ear.phrases if overheard is not None else (),
            links=self._house.links.offered(self._entry.number, number, datetime.now(UTC)),
        )
        keeping = self._tape.keep(keep.take, addressed(letter, keep.box))
        return await put_away(keeping, self._line, self._sound)

    async def _ask_back(self, ask: AskBack) -> bool:
        request = Request(
            asked_for=ask.number,
            id=self._entry.number,
            number=self.call.caller.shows,
            name=self.call.name,
            did=self.call.did,
            when=f"{self.call.at:%A %d %B %Y, %H:%M}",
            why=ask.why,
        )
        return await pass_on(request, ask.box, self._house.outbox, self._house.client)

    async def _treat(self, command: Treat) -> None:
        # He leaves no message, however long it lasts.
        self._house.room.take_back(self._line.channel)
        await self._ear.close()
        await treat(self._line, command.treatment, self._sound(("sit", "not-in-service")))
