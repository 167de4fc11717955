"""The running process: connect, a session for each call, settle what was left, stop politely."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

from screener.asterisk.client import Client
from screener.asterisk.connection import Connection
from screener.asterisk.dialplan import STUDIO, VOICEMAIL
from screener.asterisk.outgoing import Outgoing
from screener.asterisk.translate import TYPES, Arrived
from screener.calls import keycode
from screener.calls.house import House
from screener.calls.keycode import KeyCode
from screener.calls.settlement import Settlement
from screener.calls.studio import Studio
from screener.calls.voicemail import Voicemail
from screener.config import Settings
from screener.core.call import Outcome
from screener.core.event import Event, EventKind
from screener.core.frontdoor import Phone
from screener.core.reception import Reception
from screener.errors import AriDown, OutboxError, ScreenerError, SetupError, StoreError
from screener.messages.lamps import Lamps
from screener.privacy.retention import Retention
from screener.report.weekly import Weekly
from screener.rules.inforce import RulesInForce
from screener.session import Session
from screener.sideline import sideline
from screener.status import Bulletin, begun, in_force
from screener.web.app import Web

log = logging.getLogger(__name__)

# What the dialplan gives a caller's channel as its first argument, and a phone's that dialled the
# key code (asterisk/dialplan.py).
_CALLER = "did"
_CODES = tuple(("code", extension) for extension in keycode.EXTENSIONS)
_STUDIO, _VOICEMAIL = ("code", STUDIO), ("code", VOICEMAIL)
# Seconds after which recordings that nobody kept or dropped are looked for again.
_RESCUE_AGAIN = 600.0
# Seconds until the outbox is tried again when its disk has failed.
_DELIVER_AGAIN = 60.0
# Seconds after which it is looked whether texts or recordings of prompts have changed.
_LOOK_AGAIN = 2.0


class Service:
    """The calls in progress, and what they share."""

    house: House
    settlement: Settlement
    keycode: KeyCode
    studio: Studio
    voicemail: Voicemail
    lamps: Lamps
    outgoing: Outgoing
    weekly: Weekly
    retention: Retention

    def __init__(
        self,
        settings: Settings,
        rules: RulesInForce,
        client: Client,
        directions: Sequence[str],
        pages: Web,
    ) -> None:
        self.connection = Connection(client, self._arrival, self._found, self._lost)
        self._settings = settings
        self._rules = rules
        self._bulletin = Bulletin(settings.data, begun(settings, rules.state))
        self._client = client
        self._directions = directions
        self._pages = pages
        self._calls: dict[str, tuple[Session, asyncio.Task[Outcome]]] = {}
        self._writing: set[asyncio.Task[None]] = set()
        self._failed = asyncio.Event()
        self._noted: tuple[str, ...] = ()
        self._tell: Callable[[str], None] = log.info
        self._open = asyncio.Event()

    async def serve(self, stop: asyncio.Event, tell: Callable[[str], None]) -> None:
        """Take calls until `stop` is set; then give those in progress to the phones."""
        self._tell = tell
        tasks = {
            asyncio.ensure_future(self.connection.run()),
            asyncio.ensure_future(self.outgoing.run()),
            asyncio.ensure_future(sideline(self._deliver, "delivering messages")),
            asyncio.ensure_future(sideline(self._rescue, "looking for recordings")),
            asyncio.ensure_future(sideline(self.retention.run, "deleting what is old")),
            asyncio.ensure_future(self._renew_prompts()),
            asyncio.ensure_future(self._watch()),
            asyncio.ensure_future(self._bulletin.run()),
            asyncio.ensure_future(sideline(self._pages.run, "the web pages")),
            asyncio.ensure_future(sideline(self.lamps.run, "the lamps")),
            asyncio.ensure_future(sideline(self.weekly.run, "the weekly report")),
            asyncio.ensure_future(stop.wait()),
        }
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()  # what ended us, unless it was `stop`
        finally:
            await self._stop_calls()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _deliver(self) -> None:
        """Deliver messages. A disk that is full or damaged is no reason to close the door."""
        while True:
            try:
                await self.house.outbox.run()
            except OutboxError as trouble:
                log.error("messages are not delivered: %s", trouble)
            await asyncio.sleep(_DELIVER_AGAIN)

    async def _rescue(self) -> None:
        """Mail what callers had recorded when their call failed: at once, or when it can be."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_RESCUE_AGAIN):
                    await self._failed.wait()
            self._failed.clear()
            try:
                await self.settlement.rescue()
            except ScreenerError as trouble:
                log.warning("recordings are looked for again later: %s", trouble)

    async def _renew_prompts(self) -> None:
        """Take over what the owner has worded or recorded anew; broken, all stays as it was."""
        while True:
            await asyncio.sleep(_LOOK_AGAIN)
            try:
                await asyncio.to_thread(self.house.prompts.renew_if_changed, log.info)
            except SetupError as trouble:
                log.error("prompts stay as they were: %s", trouble)

    async def _watch(self) -> None:
        """Take changed rules over."""
        await self._took_over()
        await self._rules.watch(self._took_over)

    async def _took_over(self) -> None:
        """Other rules are in force, or the newest are broken: write that down, tell the owner."""
        self._bulletin.change(**in_force(self._rules.state))
        try:
            keys = [rule.key for rule in self._rules.rules.rules if rule.expires]
            await self.house.store.seen(keys, datetime.now(UTC))
        except StoreError as trouble:
            log.error("rules may not expire in time: %s", trouble)
        mistakes = self._rules.state.mistakes
        if mistakes and mistakes != self._noted:
            await self._note(EventKind.RULES_BROKEN, mistakes[0])
        self._noted = mistakes
        notice = await asyncio.to_thread(self._rules.untold)
        if notice is None:
            return
        try:
            await self.house.outbox.notify(notice)
        except OutboxError as trouble:
            log.error("the owner could not be told that the rules are broken: %s", trouble)
        else:
            await asyncio.to_thread(self._rules.told)

    async def _stop_calls(self) -> None:
        tasks = [task for _, task in self._calls.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _arrival(self, arrived: Arrived) -> None:
        """A channel has come in that nobody expected: a new call, or a phone's key code."""
        if arrived.args[:2] in _CODES:
            self.keycode.take(arrived)
            return
        if arrived.args[:2] == _STUDIO:
            self.studio.take(arrived)
            return
        if arrived.args[:2] == _VOICEMAIL:
            self.voicemail.take(arrived)
            return
        if arrived.args[:1] != (_CALLER,):
            return  # what is left of an older run's call: settlement.py sees to it
        call, door = self.house.acquaintance.met(arrived)
        session = Session(self.house, arrived, call)
        reception = Reception(
            door,
            self._settings.directory,
            self._rules.rules,
            self._settings.shadow,
            chance=secrets.randbits(32),
        )
        task = asyncio.ensure_future(session.run(reception))
        self._calls[call.uid] = (session, task)
        task.add_done_callback(partial(self._over, call.uid))

    def ours(self) -> Collection[str]:
        """The channels of the calls in progress, and of the phones in the studio and voicemail."""
        return {*self._calls, *self.studio.channels, *self.voicemail.channels}

    def unheard(self, why: str) -> None:
        """Callers' sound does not come from Asterisk; "": it does again."""
        self._bulletin.change(unheard=why)

    def dialled(self, phone: Phone, number: str) -> None:
        """One of our phones has dialled a number."""
        task = asyncio.ensure_future(self.house.acquaintance.dialled(phone, number))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    def _over(self, uid: str, task: asyncio.Task[Outcome]) -> None:
        self._calls.pop(uid, None)
        if not task.cancelled() and (task.exception() or task.result() is Outcome.FAILED):
            self._failed.set()

    async def _found(self) -> None:
        """The event socket is open: hear only what we read, and see what happened meanwhile."""
        try:
            await self._client.only_events(*TYPES)
            await self._catch_up()
        except AriDown as down:
            log.warning("the connection was lost again: %s", down)
            return
        except ScreenerError as failed:
            log.error("what was left of earlier calls could not be settled: %s", failed)
        self._bulletin.change(connected=True)
        self.lamps.reached()
        if not self._open.is_set():
            self._open.set()
            for did, door in self._settings.doors.items():
                self._tell(f"the front door of {did} is open; it rings {door.group.name}")
            if self._settings.shadow:
                self._tell("shadow mode: every call rings, whatever the rules say")
            for line in self._directions:
                self._tell(line)

    async def _catch_up(self) -> None:
        known = list(self._calls.values())  # a call that comes in while we ask is in no answer
        channels = await self._client.channels()
        for session, _ in known:
            session.catch_up(channels)
        self.studio.catch_up(channels)
        self.voicemail.catch_up(channels)
        await self.settlement.settle()

    def _lost(self) -> None:
        self._bulletin.change(connected=False)
        log.warning("%d calls go on without news from Asterisk", len(self._calls))
        if self._open.is_set():
            went_on = f"the connection was lost; {len(self._calls)} calls went on without news"
            task = asyncio.ensure_future(self._note(EventKind.ASTERISK_AWAY, went_on))
            self._writing.add(task)
            task.add_done_callback(self._writing.discard)

    async def _note(self, kind: EventKind, what: str) -> None:
        """Write down a trouble, for the weekly report."""
        try:
            await self.house.store.happened(Event(datetime.now(UTC), kind, what))
        except StoreError as trouble:
            log.error("the report will not tell of it: %s: %s: %s", kind, what, trouble)
