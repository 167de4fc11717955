"""What is known of a caller when his call comes in: all that the rules may ask about it.

What Asterisk tells comes with the channel; what has been between us and the number is in the store;
whether a window of life is open (a call is expected, somebody called for help) is on disk. A source
that fails or is slow leaves its part empty, is logged, and never holds up the call.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from screener.asterisk.translate import Arrived
from screener.config import Settings
from screener.core import diversion, number, signature
from screener.core.call import Call
from screener.core.callerid import shown
from screener.core.frontdoor import FrontDoor, Phone
from screener.core.rules import RuleSet
from screener.core.window import Kind
from screener.errors import SetupError, StoreError
from screener.records.store import Store
from screener.rules.windows import Windows

log = logging.getLogger(__name__)


# What people dial within a house is shorter than any number that could call us back.
_SHORTEST = 5
# By a clock that was set back since, a call may lie ahead. One that lies further ahead came in
# while the clock was wrong by days or years, and would count as recent for as long.
_SET_BACK = timedelta(days=1)

_PATIENCE = 0.25  # seconds that a call waits for the small files of windows


class Acquaintance:
    """Makes a `Call` of a channel that has come in; keeps what our phones dial.

    `windows` are life's windows: an open one is part of every call.
    """

    def __init__(self, settings: Settings, store: Store) -> None:
        self.windows = Windows.of(settings)
        self._settings = settings
        self._store = store
        # A thread of its own: where the disk hangs, it is the only one that does.
        self._looking = ThreadPoolExecutor(1, thread_name_prefix="windows")

    def met(self, arrived: Arrived) -> tuple[Call, FrontDoor]:
        """The call that a channel brings, as far as the channel tells, and the door it came to.

        Where it was dialled at another of our numbers first, that number's door it is. A DID that
        is not in screener.toml gets the first door: somebody who is dialled, rings.
        """
        country = self._settings.country
        came_in = number.read(arrived.args[1] if len(arrived.args) > 1 else "", country).e164
        doors = self._settings.doors
        first = diversion.door(came_in, arrived.headers, doors, country)
        did = first or came_in
        door = doors.get(did) or next(iter(doors.values()))
        caller = number.read(arrived.number, country)
        at = datetime.now(UTC).astimezone(self._settings.zone)
        call = Call(
            arrived.channel,
            did or door.did,
            caller,
            at,
            arrived.name,
            signature.read(arrived.headers),
            emergency=_called_back(arrived),
            came_to=came_in if first else "",
        )
        return call, door

    async def known(self, call: Call, rules: RuleSet) -> Call:
        """The call with the windows that are open, and with what may be asked of its past.

        Whoever shows no number has none.
        """
        call = await self._with_windows(call)
        shows = call.caller.e164 or call.caller.raw
        if call.caller.withheld or not shows or not self._asks_history(rules):
            return call
        try:
            history = await self._store.history(shows)
            return replace(call, history=history.until(call.utc + _SET_BACK))
        except StoreError as unknown:
            log.warning("history unknown of %s: %s", shown(shows), unknown)
            return call

    def _asks_history(self, rules: RuleSet) -> bool:
        """Whether anything asks for it: a rule, or a door that remembers who was challenged."""
        doors = self._settings.doors.values()
        return rules.asks_history or any(door.remembered for door in doors)

    async def _with_windows(self, call: Call) -> Call:
        """The call with why a window is open, if one is."""
        loop = asyncio.get_running_loop()
        looking = loop.run_in_executor(self._looking, self.windows.open, call.at)
        try:
            found = {one.kind: one.why for one in await asyncio.wait_for(looking, _PATIENCE)}
        except TimeoutError:
            log.error("no call is taken as expected: the disk is slow; check it and its cables")
            return call
        if not found:
            return call
        emergency = found.get(Kind.EMERGENCY, call.emergency)
        return replace(call, expecting=found.get(Kind.EXPECTING, ""), emergency=emergency)

    async def dialled(self, phone: Phone, dialled: str) -> None:
        """One of our phones has dialled something: a number that may call back, or for help."""
        at, country = datetime.now(UTC), self._settings.country
        within_the_house = {p.endpoint.partition("/")[2] for p in self._settings.phones.values()}
        if dialled in within_the_house:
            return
        try:
            if number.is_emergency(dialled, country):
                await self._called_for_help(phone, dialled, at)
            elif len(dialled) >= _SHORTEST and (called := number.read_dialled(dialled, country)):
                await self._store.dialled(called, at)
        except (SetupError, StoreError) as failed:
            log.error("%s dialled %s: %s", phone.name, shown(dialled), failed)

    async def _called_for_help(self, phone: Phone, dialled: str, at: datetime) -> None:
        """Whoever calls now may call because of it: everybody rings for some hours."""
        length = timedelta(seconds=self._settings.windows.emergency)
        log.warning("%s dialled %s", phone.name, shown(dialled))
        if length:
            why = f"{phone.name} dialled {shown(dialled)}"
            await asyncio.to_thread(self.windows.begin, Kind.EMERGENCY, at, length, why)


def _called_back(arrived: Arrived) -> str:
    """Why the call itself says that it is an emergency: somebody who helps calls back (RFC 7090).

    As with a signature, the header is as trustworthy as the trunk that it comes over.
    """
    priorities = [value for name, value in arrived.headers if name.lower() == "priority"]
    if any(value.strip().lower() == "psap-callback" for value in priorities):
        return (
            "the call is marked as a call back by an emergency service"
            " (Priority: psap-callback, RFC 7090)"
        )
    return ""
