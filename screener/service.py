"""The running process: connect, a session for each call, settle what was left, stop politely."""

from __future__ import annotations

import asyncio
import logging
import secrets
import signal
import sys
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from functools import partial

from screener import campaignfile, keycode, recogniser
from screener.acquaintance import Acquaintance
from screener.asterisk import installation
from screener.asterisk.capture import Capture
from screener.asterisk.capture import password as capture_password
from screener.asterisk.client import Client
from screener.asterisk.connection import Connection
from screener.asterisk.dialplan import STUDIO
from screener.asterisk.media import Media
from screener.asterisk.outgoing import Outgoing
from screener.asterisk.private import PrivateAsterisk
from screener.asterisk.translate import TYPES, Arrived
from screener.calllog import DATABASE
from screener.campaigns import Campaigns
from screener.config import Settings
from screener.core.call import Outcome
from screener.core.frontdoor import Phone
from screener.core.reception import Reception
from screener.errors import AriDown, OutboxError, ScreenerError, SetupError, StoreError
from screener.heardaudio import HeardAudio
from screener.house import House
from screener.inforce import RulesInForce
from screener.keycode import KeyCode
from screener.links import Links
from screener.lock import lock
from screener.outbox import Outbox
from screener.prompts import Prompts
from screener.session import Session
from screener.settlement import Settlement
from screener.status import Bulletin, begun, in_force
from screener.store import Store
from screener.studio import Studio
from screener.switchboard import Switchboard
from screener.web.app import Web

log = logging.getLogger(__name__)

# What the dialplan gives a caller's channel as its first argument, and a phone's that dialled the
# key code (asterisk/dialplan.py).
_CALLER = "did"
_CODES = tuple(("code", extension) for extension in keycode.EXTENSIONS)
_STUDIO = ("code", STUDIO)
# Seconds after which recordings that nobody kept or dropped are looked for again.
_RESCUE_AGAIN = 600.0
# Seconds until the outbox is tried again when its disk has failed.
_DELIVER_AGAIN = 60.0
# Seconds after which it is looked whether texts or recordings of prompts have changed.
_LOOK_AGAIN = 2.0
# Seconds in a day.
_FORGET_AGAIN = 86400.0
# Seconds that a thread may go on while another wants to (the event loop's, of calls).
_SWITCH = 0.0005


async def run(settings: Settings, tell: Callable[[str], None]) -> None:
    """Open the front door and keep it open until SIGINT, SIGTERM or cancellation.

    `tell` is given sentences for the person who started us. Raises SetupError, before any call is
    taken, when something that a call would need is not there.
    """
    # While a thread reads long files, each step of a call waits for it to make room: not 5 ms.
    sys.setswitchinterval(_SWITCH)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sign, stop.set)
    async with AsyncExitStack() as stack:
        stack.enter_context(lock(settings.data))
        service = await _open(settings, tell, stack)
        await service.serve(stop, tell)
    tell("screener has stopped")


async def _open(settings: Settings, tell: Callable[[str], None], stack: AsyncExitStack) -> Service:
    """Read what the owner wrote, then start Asterisk, which rings the phones whatever else fails;
    then load the rest."""
    rules = RulesInForce(settings)
    await asyncio.to_thread(rules.open)
    for line in rules.state.told():
        tell(line)
    prompts = Prompts.open(settings)
    classes = recogniser.phrase_classes(settings.grammars)
    asterisk = settings.asterisk
    url = asterisk.url
    directions: Sequence[str] = ()
    if url is None:
        private = await _start_asterisk(settings, tell, stack)
        url, directions = private.url, private.directions()
    media = await _open_media(settings, stack)
    await asyncio.to_thread(prompts.build, tell)
    engine = await asyncio.to_thread(recogniser.load, settings)
    tell(f"speech is understood by {engine.name}")
    store = Store(settings.data / DATABASE)
    stack.push_async_callback(store.close)
    rules.expire_by(store.last_used)
    takes = settings.data / "takes"
    takes.mkdir(parents=True, exist_ok=True)
    client = await stack.enter_async_context(
        Client(url, asterisk.user, asterisk.secret, asterisk.app)
    )
    outbox = Outbox(settings.data / "outbox", settings.mail, settings.zone)
    campaigns = Campaigns(campaignfile.folder(settings.data), settings.zone)
    stack.push_async_callback(campaigns.close)
    campaigns.begin()
    links = Links(settings.data)
    pages = Web(settings, links)
    service = Service(settings, rules, client, directions, pages)
    switchboard = Switchboard(settings, client)
    stack.push_async_callback(switchboard.close)
    service.house = House(
        acquaintance=Acquaintance(settings, store),
        client=client,
        connection=service.connection,
        media=media,
        recogniser=engine,
        classes=classes,
        prompts=prompts,
        outbox=outbox,
        store=store,
        takes=takes,
        links=links,
        campaigns=campaigns,
        heard=HeardAudio(settings.data, settings.speech.keep_heard),
        switchboard=switchboard,
        settings=settings,
        capture=await _open_capture(settings, stack),
    )
    service.settlement = Settlement(
        client, service.connection, settings, store, outbox, takes, links
    )
    windows = service.house.acquaintance.windows
    service.keycode = KeyCode(settings, client, service.connection, prompts, windows)
    service.studio = Studio(settings, client, service.connection, prompts)
    service.outgoing = Outgoing(settings, url, service.dialled)
    return service


async def _open_media(settings: Settings, stack: AsyncExitStack) -> Media:
    media = Media()
    host = settings.asterisk.media_host
    try:
        await media.open(host)
    except OSError as error:
        raise SetupError(
            f"callers' audio cannot come to asterisk.media_host {host} ({error.strerror}):"
            f" name an address of this machine in {settings.path}"
        ) from error
    stack.callback(media.close)
    return media


async def _open_capture(settings: Settings, stack: AsyncExitStack) -> Capture:
    capture = Capture(capture_password(settings.asterisk.secret))
    if settings.asterisk.hep_port:
        await capture.open(settings.asterisk.media_host, settings.asterisk.hep_port)
    stack.callback(capture.close)
    return capture


async def _start_asterisk(
    settings: Settings, tell: Callable[[str], None], stack: AsyncExitStack
) -> PrivateAsterisk:
    installed = await asyncio.to_thread(installation.install, tell)
    private = PrivateAsterisk(
        installed, settings, settings.data / "asterisk", outlives=True, tell=tell
    )
    await stack.enter_async_context(private.kept())
    tell(f"the private Asterisk {installed.version} runs")
    return private


class Service:
    """The calls in progress, and what they share."""

    house: House
    settlement: Settlement
    keycode: KeyCode
    studio: Studio
    outgoing: Outgoing

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
        self._dialled: set[asyncio.Task[None]] = set()
        self._failed = asyncio.Event()
        self._tell: Callable[[str], None] = log.info
        self._open = asyncio.Event()

    async def serve(self, stop: asyncio.Event, tell: Callable[[str], None]) -> None:
        """Take calls until `stop` is set; then give those in progress to the phones."""
        self._tell = tell
        tasks = {
            asyncio.ensure_future(self.connection.run()),
            asyncio.ensure_future(self.outgoing.run()),
            asyncio.ensure_future(self._deliver()),
            asyncio.ensure_future(self._rescue()),
            asyncio.ensure_future(self._forget()),
            asyncio.ensure_future(self._renew_prompts()),
            asyncio.ensure_future(self._watch()),
            asyncio.ensure_future(self._bulletin.run()),
            asyncio.ensure_future(self._pages.run()),
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
                await self.settlement.rescue(self._ours())
            except ScreenerError as trouble:
                log.warning("recordings are looked for again later: %s", trouble)

    async def _forget(self) -> None:
        """Once a day: what calls sounded like is kept for a while only."""
        while True:
            await asyncio.to_thread(self.house.heard.remove_old, time.time())
            await asyncio.sleep(_FORGET_AGAIN)

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

    def _ours(self) -> Collection[str]:
        """The channels of the calls in progress, and of the phone that is in the studio."""
        return {*self._calls, *self.studio.channels}

    def dialled(self, phone: Phone, number: str) -> None:
        """One of our phones has dialled a number."""
        task = asyncio.ensure_future(self.house.acquaintance.dialled(phone, number))
        self._dialled.add(task)
        task.add_done_callback(self._dialled.discard)

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
        await self.settlement.settle(self._ours())

    def _lost(self) -> None:
        self._bulletin.change(connected=False)
        log.warning("%d calls go on without news from Asterisk", len(self._calls))
