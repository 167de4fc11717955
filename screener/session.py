"""One call's shell: runs a call script against Asterisk, and writes the call's row, always.

The script (core/reception.py) decides; `Session` has its commands done one by one (deeds.py) and
sends back what came of each. Whatever goes wrong on the way ends in one place: the call is given to
the dialplan, which rings the phones without us.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from screener.asterisk.line import Line
from screener.asterisk.translate import Arrived
from screener.calls.deeds import Deeds
from screener.calls.house import House
from screener.calls.ledger import Entry
from screener.core import narration
from screener.core.call import Call, Ending, Outcome
from screener.core.patience import patience
from screener.core.reception import Reception, receive
from screener.core.script import (
    AskBack,
    Block,
    CallerGone,
    Command,
    Drop,
    FindRoom,
    Hangup,
    Keep,
    LineFailed,
    Note,
    Overhear,
    Record,
    RecordName,
    Redirect,
    Refusal,
    Report,
    Script,
    Speak,
    Treat,
)
from screener.errors import AriError, AriGone, AriNotInStasis, StuckError

log = logging.getLogger(__name__)

# Tidying up must not keep a failed call from the phones.
_TIDYING = 3.0


class Session:
    """One call, from its arrival until nothing of it is left but its row."""

    def __init__(self, house: House, arrived: Arrived, call: Call) -> None:
        self._house = house
        self._call = call
        self._line = Line(house.client, house.connection, arrived)
        self._entry = Entry(house.store)
        self._deeds = Deeds(house, self._line, call, self._entry)

    async def run(self, reception: Reception) -> Outcome:
        """Take the call through its script to its end; how it ended."""
        events = asyncio.ensure_future(self._line.run())
        ending = Ending(Outcome.FAILED, "screener was stopped in mid-call")
        script: Script[Ending] | None = None
        try:
            self._call = await self._house.acquaintance.known(self._call, reception.rules)
            self._deeds.call = self._call
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
        if failed and self._deeds.talking:
            phone = self._deeds.leg.phone if self._deeds.leg else ""
            ending = replace(ending, outcome=Outcome.CONNECTED, answered_by=phone)
        else:
            if not failed:
                with suppress(AriError):  # settlement.py hangs up whom Asterisk would not let go
                    await self._line.hangup()
            with suppress(TimeoutError):
                async with asyncio.timeout(_TIDYING):
                    await self._deeds.close()
            if failed and await self._line.hand_back():
                await self._entry.tell("given to the dialplan: the phones ring without us")
        await self._entry.end(ending)
        await self._deeds.remember(ending)

    async def _follow(self, script: Script[Ending]) -> Ending:
        """Carry out what the script yields until it returns."""
        try:
            command = next(script)
            while True:
                await self._entry.tell(narration.before(command))
                try:
                    outcome = await self._carry_out(command)
                except CallerGone as gone:
                    await self._entry.tell(narration.left(gone))
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
        if self._line.gone.is_set():
            raise CallerGone
        work = asyncio.ensure_future(self._in_time(command))
        gone = asyncio.ensure_future(self._line.gone.wait())
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
            if work.done() and not isinstance(work.exception(), AriGone | AriNotInStasis):
                return work.result()
            # The caller has hung up; or Asterisk has refused us, and that is why.
            if not await self._line.has_left():
                return work.result()
        finally:
            work.cancel()
            gone.cancel()
            await asyncio.gather(work, gone, return_exceptions=True)
        raise self._deeds.left_by_caller(command)

    async def _in_time(self, command: Command[Any]) -> Any:
        """Do one command, which must not take for ever: the phones ring where it does."""
        longest = patience(command, self._deeds.sounding(command))
        try:
            async with asyncio.timeout(longest):
                return await self._deeds.do(command)
        except TimeoutError as stuck:
            raise StuckError(
                f"{type(command).__name__} made no progress for {longest:.0f} s"
            ) from stuck


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
        | FindRoom
        | Report
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
