"""A leg: a phone's side of a call, from the dialling to the hang-up.

What happens on it comes as news: what the phone said, and what whoever answered it chose.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from screener.asterisk.belongings import Belongings
from screener.asterisk.client import Client
from screener.asterisk.dialplan import deadline_of
from screener.asterisk.playback import Playbacks, Sound
from screener.asterisk.translate import Event, Forwarded, Gone, Key, Left, Up, said
from screener.core.keypad import Keypad
from screener.core.ringing import Said
from screener.core.script import Decision
from screener.errors import AriError

log = logging.getLogger(__name__)

# A phone's channel that nobody took care of any more ends this long after its ringing time.
_DEAD = 5.0
# We stop a phone when its time is over; Asterisk does it this much later, should we not.
_LATE = 2.0
# How often whoever answered is asked, and how long he has for his answer (seconds).
_ASKED = 2
_CHOICE = 4.0
# Asterisk ends the leg of one who is asked for longer than this.
_LONGEST_ASKED = 90.0


@dataclass(frozen=True, slots=True)
class LegSaid:
    """What the phone at the end of a leg has said. `target` is where a redirect pointed."""

    leg: Leg
    said: Said
    target: str = ""


@dataclass(frozen=True, slots=True)
class LegRedirected:
    """All that the phone at the end of a leg has redirected to is known, the best one first."""

    leg: Leg
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LegChose:
    """What whoever answered a leg wants done with the caller; None: he chose nothing in time."""

    leg: Leg
    decision: Decision | None


News: TypeAlias = LegSaid | LegRedirected | LegChose


class Leg:
    """One channel to a phone. `gone` is set when it has ended; its news go to `news`.

    `call_id` is the SIP Call-ID of one that was dialled `identified`.
    """

    def __init__(
        self,
        phone: str,
        client: Client,
        own: Belongings,
        playbacks: Playbacks,
        news: asyncio.Queue[News],
    ) -> None:
        self.phone = phone
        self.channel = own.name(f"leg-{phone}")
        self.gone = asyncio.Event()
        self.call_id = ""
        self._client = client
        self._own = own
        self._playbacks = playbacks
        self._news = news
        self._keypad = Keypad()
        self._keys: asyncio.Queue[str] = asyncio.Queue()
        self._ended = False

    def take_in(self, event: Event) -> None:
        """Something has happened on this channel."""
        match event:
            case Up():
                self._tell(Said.ANSWERED)
            case Forwarded(target=target):
                self._tell(Said.REDIRECTED, target)
            case Gone():
                self.gone.set()
                self._tell(said(event))
            case Left():
                self.gone.set()
            case Key(told=told):
                if self._keypad.pressed(told):
                    self._keys.put_nowait(told.digit)

    def _tell(self, what: Said, target: str = "") -> None:
        self._news.put_nowait(LegSaid(self, what, target))

    async def dial(
        self,
        endpoint: str,
        seconds: float,
        caller: str,
        shown: Mapping[str, str],
        *,
        identified: bool = False,
    ) -> None:
        """Ring for so long, on behalf of the channel `caller`; `shown` are variables of the leg."""
        arrival = self._own.arrival(self.channel)
        try:
            await self._own.make(
                self._client.create(self.channel, endpoint, "leg", seconds + _DEAD, shown)
            )
            await self._own.arrived(arrival)
            if identified:
                self.call_id = await self._client.variable(self.channel, "CHANNEL(pjsip,call-id)")
            if self._ended:  # before it was there to be hung up
                await self._own.end_channel(self.channel)
                return
            await self._client.dial(self.channel, math.ceil(seconds + _LATE), caller)
        except AriError as failed:
            # One phone that cannot be rung is that phone's matter: the others ring.
            log.warning("%s cannot be rung: %s", self.phone, failed)
            self.gone.set()
            self._tell(Said.UNREACHABLE)

    async def play(self, sound: Sound) -> None:
        """Play a sound to whoever answered, to its end."""
        await self._playbacks.play(self.channel, *sound)

    async def ask(self, question: Sound, choices: Mapping[str, Decision]) -> None:
        """Ask whoever answered; what he chose comes as news. Keys that are no choice are none."""
        decision: Decision | None = None
        try:
            await self._client.set_global(deadline_of(self.channel), f"{_LONGEST_ASKED:.0f}")
            for _ in range(_ASKED):
                decision = await self._answer(question, choices)
                if decision is not None:
                    break
        except AriError as failed:  # he has hung up, or Asterisk cannot play: nobody was asked
            log.info("%s could not be asked: %s", self.phone, failed)
        self._news.put_nowait(LegChose(self, decision))

    async def _answer(self, question: Sound, choices: Mapping[str, Decision]) -> Decision | None:
        """Ask once; None where he chose nothing in time."""
        playing = asyncio.ensure_future(self.play(question))
        choosing = asyncio.ensure_future(self._choice(choices))
        try:
            await asyncio.wait({playing, choosing}, return_when=asyncio.FIRST_COMPLETED)
            if not choosing.done():
                playing.result()  # or what kept the question from being heard
                await asyncio.wait({choosing}, timeout=_CHOICE)
            return choosing.result() if choosing.done() else None
        finally:
            playing.cancel()
            choosing.cancel()
            await asyncio.gather(playing, choosing, return_exceptions=True)

    async def _choice(self, choices: Mapping[str, Decision]) -> Decision:
        while (key := await self._keys.get()) not in choices:
            pass
        return choices[key]

    async def end(self) -> None:
        """Hang up, or ring no longer, or not at all."""
        self._ended = True
        if not self.gone.is_set():
            await self._own.end_channel(self.channel)
