"""What a scene of the demo is, and what it is judged by.

A scene is a call, or a few, played on the stage of a house. It is judged by what the phones, the
callers and the mail server have on record, then by the call's row.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from screener.asterisk.installation import Installation
from screener.core.call import Outcome
from screener.core.story import CallRow
from tests.calls import speech
from tests.calls.callers import Caller
from tests.calls.narrator import Narrator
from tests.calls.phones import Phone
from tests.calls.stage import Stage

HELLO, WHO = "hello, it is me", "oh, good morning"


@dataclass
class Seen:
    """What was seen of a scene: `wrong` are the sentences that say what should not be so."""

    what: str = ""
    why: str = ""
    soon: str = ""
    wrong: list[str] = field(default_factory=list)

    def expect(self, true: bool, otherwise: str) -> None:
        if not true:
            self.wrong.append(otherwise)


Play = Callable[[Stage, Narrator, Seen], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Scene:
    """One line of the demo's table: "4n", a variant of scene 4, and what is played."""

    number: str
    title: str
    play: Play

    def is_one_of(self, wanted: frozenset[str]) -> bool:
        """Whether its number, or that of what it is a variant of, is among these."""
        return not wanted or bool(wanted & {self.number, self.number.rstrip("dnw")})


@dataclass(frozen=True, slots=True)
class House:
    """A house and the scenes that are played in it.

    `rehearse` makes what is said in them: not during a call.
    """

    furnished: Callable[[Installation], Stage]
    scenes: tuple[Scene, ...]
    rehearse: Callable[[], None]


# Judging -----------------------------------------------------------------------------------------


async def connected(stage: Stage, seen: Seen, phone: str) -> None:
    """The call's row must say what the phones have shown."""
    row = await stage.row(within=20)
    seen.expect(row.outcome == Outcome.CONNECTED, f"its row says {row.outcome}")
    seen.expect(row.answered_by == phone, f"its row says {row.answered_by!r} answered")
    seen.what = f"connected to {phone}"
    seen.why = row.reason


async def no_phone_rang(stage: Stage, seen: Seen) -> CallRow:
    row = await stage.row(within=20)
    seen.expect(not stage.rung, f"{stage.rung} rang")
    seen.why = row.reason
    return row


async def both_hear_each_other(call: Caller, phone: Phone, seen: Seen) -> None:
    hello, who = speech.say(HELLO), speech.say(WHO, "flite:slt")
    breath = speech.silence(0.3)  # nobody talks in the instant in which he is connected
    since = time.monotonic()
    await asyncio.gather(call.speak(breath + hello), phone.rtp.speak(breath + who))
    await asyncio.sleep(0.3)
    there = await asyncio.to_thread(speech.likeness, phone.rtp.heard(since), hello)
    seen.expect(there > 0.5, f"{phone.name} does not hear the caller ({there:.2f})")
    here = await asyncio.to_thread(speech.likeness, call.heard(since), who)
    seen.expect(here > 0.5, f"the caller does not hear {phone.name} ({here:.2f})")


def audible(call: Caller, *, until: float) -> bool:
    return any(p.dbfs > -45 for p in call.rtp.packets if p.at < until)


def audible_now(call: Caller) -> bool:
    return any(p.dbfs > -45 for p in call.rtp.packets[-25:])
