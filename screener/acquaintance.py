"""What is known of a caller when his call comes in: all that the rules may ask about it.

What Asterisk tells comes with the channel; what has been between us and the number is in the store;
whether a window of life is open (a call is expected, somebody called for help) is on disk. A source
that fails or is slow leaves its part empty, is logged, and never holds up the call.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime

from screener.asterisk.translate import Arrived
from screener.config import Settings
from screener.core import number
from screener.core.call import Call
from screener.core.callerid import shown
from screener.core.frontdoor import FrontDoor
from screener.core.rules import RuleSet
from screener.errors import StoreError
from screener.store import Store

log = logging.getLogger(__name__)


class Acquaintance:
    """Makes a `Call` of a channel that has come in."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store

    def met(self, arrived: Arrived) -> tuple[Call, FrontDoor]:
        """The call that a channel brings, as far as the channel tells, and the door it came to.

        A DID that is not in screener.toml gets the first door: somebody who is dialled, rings.
        """
        country = self._settings.country
        did = number.read(arrived.args[1] if len(arrived.args) > 1 else "", country)
        doors = self._settings.doors
        door = doors.get(did.e164) or next(iter(doors.values()))
        caller = number.read(arrived.number, country)
        at = datetime.now(UTC).astimezone(self._settings.zone)
        return Call(arrived.channel, did.e164 or door.did, caller, at, arrived.name), door

    async def known(self, call: Call, rules: RuleSet) -> Call:
        """The call with what these rules may ask of its past. Whoever shows no number has none."""
        shows = call.caller.e164 or call.caller.raw
        if call.caller.withheld or not shows or not rules.asks_history:
            return call
        try:
            return replace(call, history=await self._store.history(shows))
        except StoreError as unknown:
            log.warning("history unknown of %s: %s", shown(shows), unknown)
            return call
