"""One call's shell: runs a call script against Asterisk, and writes the call's row, always.

The script (core/reception.py) decides; `Session` carries its commands out one by one and sends
back what came of each. Whatever goes wrong on the way ends in one place: the call is given to the
dialplan, which rings the phones without us.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from screener.acquaintance import Acquaintance
from screener.asterisk.bell import Bell, Sounds
from screener.asterisk.capture import Capture
from screener.asterisk.client import Client
from screener.asterisk.connection import Connection
from screener.asterisk.leg import Leg
from screener.asterisk.line import Line
from screener.asterisk.media import Media
from screener.asterisk.playback import Sound
from screener.asterisk.translate import Arrived
from screener.asterisk.treatment import treat
from screener.callback import pass_on
from screener.campaigns import Campaigns
from screener.config import Settings
from screener.core import narration
from screener.core.audio import RATE
from screener.core.call import Call, Ending, Outcome
from screener.core.callback import Request
from screener.core.grammar import PhraseClass
from screener.core.letter import Letter, LetterKind
from screener.core.patience import patience
from screener.core.reception import Reception, receive
from screener.core.redirection import Redirections, reachable
from screener.core.rules import Action
from screener.core.script import (
    Answer,
    AskBack,
    Block,
    CallerGone,
    Command,
    Drop,
    Hangup,
    Heard,
    Keep,
    LineFailed,
    Listen,
    Note,
    Overhear,
    Play,
    Rang,
    Record,
    Recorded,
    RecordName,
    Redirect,
    Refusal,
    Replay,
    Ring,
    Script,
    Speak,
    Talk,
    Treat,
)
from screener.core.transcript import Transcript
from screener.ear import Ear
from screener.errors import AriError, AriGone, AriNotInStasis, RulesError, StuckError
from screener.heardaudio import LONGEST, HeardAudio
from screener.ledger import Entry
from screener.links import Links
from screener.outbox import Outbox
from screener.promotion import promote
from screener.prompts import Prompts
from screener.recogniser import Recogniser
from screener.store import Store
from screener.switchboard import Switchboard
from screener.tape import Tape

log = logging.getLogger(__name__)

# Tidying up must not keep a failed call from the phones.
_TIDYING = 3.0
# When Asterisk says that the caller's channel is gone, the event is at most this far behind.
_EVENT_BEHIND = 1.0


@dataclass(frozen=True, slots=True)
class House:
    """What all calls share. `takes` is the folder of recordings that are not kept yet."""

    acquaintance: Acquaintance
    client: Client
    connection: Connection
    media: Media
    recogniser: Recogniser
    classes: Sequence[PhraseClass]
    prompts: Prompts
    outbox: Outbox
    store: Store
    takes: Path
    links: Links
    campaigns: Campaigns
    heard: HeardAudio
    switchboard: Switchboard
    settings: Settings
    capture: Capture


class Session:
    """One call, from its arrival until nothing of it is left but its row."""

    def __init__(self, house: House, arrived: Arrived, call: Call) -> None:
        self._house = house
        self._call = call
        self._line = Line(house.client, house.connection, arrived)
        self._tracker = house.campaigns.tracker()
        self._ear = Ear(self._line, house.media, house.recogniser, house.classes, self._tracker)
        self._tape = Tape(self._line, house.takes, house.outbox)
        self._entry = Entry(house.store)
        self._leg: Leg | None = None
        self._overheard: dict[str, Transcript] = {}
        self._talking = False
        self._decided_by = ""
        self._language = ""

    async def run(self, reception: Reception) -> Outcome:
        """Take the call through its script to its end; how it ended."""
        events = asyncio.ensure_future(self._line.run())
        ending = Ending(Outcome.FAILED, "screener was stopped in mid-call")
        script: Script[Ending] | None = None
        try:
            self._call = await self._house.acquaintance.known(self._call, reception.rules)
            script = receive(self._call, reception)
            await self._entry.begin(self._call, shadow=reception.shadow)
            ending = await self._follow(script)
        except asyncio.CancelledError:
            ending = _failed(script, ending.reason)
            raise
        except Exception as failure:
            log.exception("call %d failed", self._entry.number)
            ending = _failed(script, f"{type(failure).__name__}: {failure}")
        finally:
            try:
                await asyncio.shield(self._finish(ending))
            finally:
                events.cancel()
        return ending.outcome

    def catch_up(self, channels: Iterable[Mapping[str, Any]]) -> None:
        """Take in what happened while no events came; `channels` are all that Asterisk has."""
        self._line.catch_up(channels)

    async def _finish(self, ending: Ending) -> None:
        """Hang up, tidy up, write the row; a call that failed goes to the phones.

        Two people who are talking when we are stopped go on talking: their bridge is Asterisk's.
        """
        failed = ending.outcome is Outcome.FAILED and not self._line.gone.is_set()
        if failed and self._talking:
            ending = replace(
                ending, outcome=Outcome.CONNECTED, answered_by=self._leg.phone if self._leg else ""
            )
        else:
            if not failed:
                with suppress(AriError):  # settlement.py hangs up whom Asterisk would not let go
                    await self._line.hangup()
            with suppress(TimeoutError):
                async with asyncio.timeout(_TIDYING):
                    await self._ear.close()
                    await self._line.close()
                    await self._tape.forget_names()
            if failed and await self._line.hand_back():
                await self._entry.tell("given to the dialplan: the phones ring without us")
        await self._entry.end(ending)
        if self._entry.number:
            heard = bytes(self._ear.heard_audio[: LONGEST * RATE])
            await asyncio.to_thread(self._house.heard.keep, self._entry.number, heard)
        told, number = self._ear.phrases, self._shown_number
        self._house.campaigns.over(self._tracker, ending.verdict, self._entry.started, number, told)

    @property
    def _shown_number(self) -> str:
        """The caller's number, "" where he shows none."""
        caller = self._call.caller
        return "" if caller.withheld else caller.e164 or caller.raw

    async def _follow(self, script: Script[Ending]) -> Ending:
        """Carry out what the script yields until it returns."""
        try:
            command = next(script)
            while True:
                await self._entry.tell(narration.before(command))
                try:
                    outcome = await self._carry_out(command)
                except CallerGone as gone:
                    await self._entry.tell("the caller hung up")
                    command = script.throw(gone)
                else:
                    await self._entry.tell(narration.after(command, outcome))
                    command = script.send(outcome)
        except StopIteration as over:
            ending: Ending = over.value
            return ending

    async def _carry_out(self, command: Command[Any]) -> Any:
        """Do one command; raises CallerGone when the caller hangs up before it is done."""
        if not _interrupted_by_hangup(command):
            return await self._in_time(command)
        work = asyncio.ensure_future(self._in_time(command))
        gone = asyncio.ensure_future(self._line.gone.wait())
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
            if work.done() and not isinstance(work.exception(), AriGone | AriNotInStasis):
                return work.result()
            # The caller has hung up; or Asterisk has refused us, and that is why.
            await asyncio.wait({gone}, timeout=_EVENT_BEHIND)
            if not gone.done():
                return work.result()
        finally:
            work.cancel()
            gone.cancel()
            await asyncio.gather(work, gone, return_exceptions=True)
        raise CallerGone(self._ear.unfinished if isinstance(command, Listen) else None)

    async def _in_time(self, command: Command[Any]) -> Any:
        """Do one command, which must not take for ever: the phones ring where it does."""
        longest = patience(command, self._sounding(command))
        try:
            async with asyncio.timeout(longest):
                return await self._perform(command)
        except TimeoutError as stuck:
            raise StuckError(
                f"{type(command).__name__} made no progress for {longest:.0f} s"
            ) from stuck

    def _sounding(self, command: Command[Any]) -> float:
        """How many seconds of sound a command plays."""
        match command:
            case Play(prompts) | Listen(prompts) | Ring(meanwhile=prompts):
                return self._sound(prompts)[1]
            case Replay(take, prompts):
                return self._sound(prompts)[1] + self._tape.seconds(take)
        return 0.0

    async def _perform(self, command: Command[Any]) -> Any:  # noqa: PLR0911, PLR0912, C901 (a table)
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

    def _sound(self, prompts: Iterable[str], language: str | None = None) -> Sound:
        """Prompts as media URIs, and their length together in seconds; as the call is spoken."""
        sounds, names = self._house.prompts, tuple(prompts)
        language = self._language if language is None else language
        uris = tuple(sounds.uri(name, language) for name in names)
        return uris, sum(sounds.seconds(name, language) for name in names)

    async def _listen(self, listen: Listen) -> Heard:
        return await self._ear.listen(listen, *self._sound(listen.prompts))

    async def _replay(self, replay: Replay) -> Heard:
        uris, seconds = self._sound(replay.prompts)
        media = (f"recording:{replay.take}", *uris)
        listen = Listen(replay.prompts, replay.keys, wait=replay.wait)
        return await self._ear.listen(listen, media, self._tape.seconds(replay.take) + seconds)

    async def _ring(self, command: Ring) -> Rang:
        """Ring, and remember whose turn it was, whether or not the caller waits for the end."""
        board, group = self._house.switchboard, command.group
        people = self._house.settings.directory
        circumstances = await board.circumstances(
            reachable(group, people), datetime.now(UTC), urgent=bool(self._call.emergency)
        )
        redirections = Redirections(group, people, self._call.did, circumstances.states)
        bell = Bell(
            self._line,
            command,
            circumstances,
            redirections=redirections,
            sounds=self._while_ringing(command),
            capture=self._house.capture,
        )
        try:
            (rang, self._leg), _ = await asyncio.gather(bell.ring(), self._ear.close())
        finally:
            await board.rang(group, bell.first, self._leg.phone if self._leg else "")
        self._decided_by = rang.phone
        return rang

    def _while_ringing(self, command: Ring) -> Sounds:
        """What is heard while a group rings; by our own people in their language."""
        waiting = ("still-ringing",) if command.group.told_every else ()
        everybody = reachable(command.group, self._house.settings.directory)
        confirming = any(phone.confirm for phone in everybody.phones) or command.group.redirect_to
        asking = ("take-call",) if confirming and not command.announced else ()
        return Sounds(
            self._sound(command.meanwhile),
            self._sound(waiting),
            self._announcement(command.name) if command.announced else ((), 0.0),
            self._sound(asking, ""),
        )

    def _announcement(self, name: str) -> Sound:
        """Who calls, by the name that he spoke (a take) or by his number, and what may be done."""
        digits = [f"digit-{digit}" for digit in self._shown_number if digit in "0123456789"]
        who = self._tape.name_sound(name) if name else self._sound(digits or ["no-number"], "")
        parts = (self._sound(("call-from",), ""), who, self._sound(("choose-call",), ""))
        return tuple(uri for uris, _ in parts for uri in uris), sum(part[1] for part in parts)

    async def _block(self) -> str:
        """Write a rule against the caller; where none can be written, the story says why."""
        label = f"turned away from the phone by {self._decided_by}"
        ours = (self._house.settings, Action.BLOCK, self._shown_number, label, self._entry.number)
        try:
            return (await asyncio.to_thread(promote, *ours)).rule.place
        except RulesError as impossible:
            await self._entry.tell(f"not blocked: {impossible}")
            return ""

    async def _talk(self) -> None:
        assert self._leg is not None  # scripts talk only after a phone answered
        self._talking = True
        await self._leg.gone.wait()
        self._talking = False

    async def _record(self, record: Record) -> Recorded:
        await self._ear.close()
        return await self._tape.record(record)

    async def _overhear(self, overhear: Overhear) -> Recorded:
        reel = self._tape.reel(overhear.box.name)
        by = await self._ear.overhear(overhear, reel.write)
        recorded, transcript = await asyncio.gather(
            self._tape.recorded(reel, by), self._ear.transcript()
        )
        await self._ear.close()
        self._overheard[recorded.take] = transcript
        return recorded

    async def _keep(self, keep: Keep) -> bool:
        number = self._shown_number
        overheard = self._overheard.get(keep.take)
        letter = Letter(
            call=self._entry.number,
            box=keep.box.name,
            to=keep.box.mail,
            number=number,
            name=self._call.name,
            did=self._call.did,
            when=self._entry.started,
            seconds=0.0,
            why=keep.why,
            ruling=keep.ruling,
            kind=LetterKind.MESSAGE if overheard is None else LetterKind.ROBOT,
            transcript=overheard.shown() if overheard else "",
            confidence=overheard.confidence if overheard else 0.0,
            heard=self._ear.phrases if overheard is not None else (),
            links=self._house.links.offered(self._entry.number, number, datetime.now(UTC)),
        )
        return await self._tape.keep(keep.take, letter)

    async def _ask_back(self, ask: AskBack) -> bool:
        request = Request(
            asked_for=ask.number,
            id=self._entry.number,
            number=self._shown_number,
            name=self._call.name,
            did=self._call.did,
            when=f"{self._call.at:%A %d %B %Y, %H:%M}",
            why=ask.why,
        )
        return await pass_on(request, ask.box, self._house.outbox, self._house.client)

    async def _treat(self, command: Treat) -> None:
        await self._ear.close()
        await treat(self._line, command.treatment, self._sound(("sit", "not-in-service")))


def _interrupted_by_hangup(command: Command[Any]) -> bool:
    """Whether a caller who hangs up ends it. A refusal or a redirect ends the call itself."""
    if isinstance(command, Treat):
        return not isinstance(command.treatment, Refusal)
    return not isinstance(
        command,
        Note
        | Speak
        | Record
        | RecordName
        | Overhear
        | Keep
        | AskBack
        | Drop
        | Block
        | Hangup
        | Redirect,
    )


def _failed(script: Script[Ending] | None, reason: str) -> Ending:
    """The ending of a call that failed, with what its script knew of it by then."""
    if script is None:
        return Ending(Outcome.FAILED, reason)
    with suppress(LineFailed):  # it was the script that failed: it tells nothing any more
        try:
            script.throw(LineFailed(reason))
        except StopIteration as over:
            ending: Ending = over.value
            return ending
    return Ending(Outcome.FAILED, reason)
