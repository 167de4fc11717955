"""Summoning a group's phones for a caller: what is known of them, and what everybody hears.

The bell rings them (asterisk/bell.py); whose turn it is and how they are tells the switchboard.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial

from screener.asterisk.bell import Bell, Sounds
from screener.asterisk.leg import Leg
from screener.asterisk.line import Line
from screener.asterisk.playback import Sound
from screener.calls.house import House
from screener.core.call import Call
from screener.core.redirection import Redirections, reachable
from screener.core.script import Rang, Ring


class Summons:
    """One ringing of one group for a caller, who hears `language`. `name`: his, as he spoke it."""

    bell: Bell | None = None

    def __init__(
        self, house: House, line: Line, call: Call, language: str, name: Sound | None
    ) -> None:
        self._house = house
        self._line = line
        self._call = call
        self._language = language
        self._name = name

    async def ring(self, command: Ring) -> tuple[Rang, Leg | None]:
        """Ring, and have it remembered whose turn it was: who waits for that is not the caller."""
        board, group = self._house.switchboard, command.group
        people = self._house.settings.directory
        circumstances = await board.circumstances(
            reachable(group, people),
            datetime.now(UTC),
            self._line.channel,
            urgent=bool(self._call.emergency),
        )
        redirections = Redirections(group, people, self._call.did, circumstances.states)
        self.bell = bell = Bell(
            self._line,
            command,
            circumstances,
            redirections=redirections,
            sounds=self._while_ringing(command),
            capture=self._house.capture,
            began=partial(board.began, group),
        )
        rang, leg = await bell.ring()
        if leg is not None:
            board.answered(leg.phone)
        return rang, leg

    def _while_ringing(self, command: Ring) -> Sounds:
        """What is heard while a group rings; by our own people in their language."""
        waiting = ("still-ringing",) if command.group.told_every else ()
        everybody = reachable(command.group, self._house.settings.directory)
        confirming = any(phone.confirm for phone in everybody.phones) or command.group.redirect_to
        asking = ("take-call",) if confirming and not command.announced else ()
        return Sounds(
            self._sound(command.meanwhile),
            self._sound(waiting),
            self._announcement() if command.announced else ((), 0.0),
            self._sound(asking, ""),
        )

    def _announcement(self) -> Sound:
        """Who calls, by the name that he spoke (a take) or by his number, and what may be done."""
        digits = [f"digit-{digit}" for digit in self._call.caller.shows if digit in "0123456789"]
        who = self._name or self._sound(digits or ["no-number"], "")
        parts = (self._sound(("call-from",), ""), who, self._sound(("choose-call",), ""))
        return tuple(uri for uris, _ in parts for uri in uris), sum(part[1] for part in parts)

    def _sound(self, prompts: Iterable[str], language: str | None = None) -> Sound:
        """Prompts, in the caller's language unless another is given ("" for the house's)."""
        language = self._language if language is None else language
        return self._house.prompts.sound(prompts, language)
