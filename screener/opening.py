"""Opening the front door: all that a call needs is there before the first one is taken."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial

from screener import recogniser
from screener.asterisk import installation
from screener.asterisk.capture import Capture
from screener.asterisk.capture import password as capture_password
from screener.asterisk.client import Client
from screener.asterisk.media import Media
from screener.asterisk.outgoing import Outgoing
from screener.asterisk.private import PrivateAsterisk
from screener.calls.acquaintance import Acquaintance
from screener.calls.heardaudio import HeardAudio
from screener.calls.house import House
from screener.calls.keycode import KeyCode
from screener.calls.settlement import Settlement
from screener.calls.studio import Studio
from screener.calls.switchboard import Switchboard
from screener.calls.voicemail import Voicemail
from screener.campaigns import campaignfile
from screener.campaigns.learning import Campaigns
from screener.config import Settings
from screener.errors import AriError, SetupError
from screener.lock import lock
from screener.mail.links import Links
from screener.mail.outbox import Outbox
from screener.messages import provenance
from screener.messages.inbox import Messages
from screener.messages.lamps import Lamps
from screener.messages.room import Room
from screener.privacy.retention import Retention
from screener.records.calllog import DATABASE
from screener.records.store import Store
from screener.report.weekly import Weekly
from screener.rules.inforce import RulesInForce
from screener.service import Service
from screener.sound import transcripts
from screener.voice.prompts import Prompts
from screener.web.app import Web

_LOOK_AGAIN = 0.5  # seconds after which it is looked whether calls still go on
# Seconds that a thread may go on while another wants to (the event loop's, of calls).
_SWITCH = 0.0005


async def run(settings: Settings, tell: Callable[[str], None]) -> None:
    """Open the front door and keep it open until SIGINT, SIGTERM or cancellation. With an Asterisk
    of ours we end when its calls are over, or at the second signal.

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
        if settings.asterisk.url is None:
            await _let_calls_end(service.house.client, stop, tell)
    tell("screener has stopped")


async def _let_calls_end(client: Client, stop: asyncio.Event, tell: Callable[[str], None]) -> None:
    """Wait until the calls of our own Asterisk are over, which ends with us: people who talk, and
    callers for whom the phones ring without us. Who asks us to stop once more does not wait."""
    stop.clear()
    told = False
    while not stop.is_set():
        try:
            if not await client.channels():
                return
        except AriError:
            return  # it is gone, and they with it
        if not told:
            tell("calls go on: screener ends when they are over. Ctrl-C once more cuts them off")
        told = True
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_AGAIN):
                await stop.wait()


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
    store = await _open_store(settings, stack)
    rules.expire_by(store.last_used)
    takes = settings.data / "takes"
    takes.mkdir(parents=True, exist_ok=True)
    client = await stack.enter_async_context(
        Client(url, asterisk.user, asterisk.secret, asterisk.app)
    )
    links = Links(settings.data)
    outbox = _outbox(settings, store, links)
    campaigns = _open_campaigns(settings, stack)
    service = Service(settings, rules, client, directions, Web(settings, links))
    media.on_trouble = service.unheard
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
        room=Room(takes, outbox, settings.mail.owner, settings.data / "disk-full-told"),
        links=links,
        campaigns=campaigns,
        heard=HeardAudio(settings.data, settings.keep.heard.total_seconds()),
        switchboard=switchboard,
        settings=settings,
        capture=await _open_capture(settings, stack),
    )
    _appoint(service, settings, url)
    return service


async def _open_store(settings: Settings, stack: AsyncExitStack) -> Store:
    """A message may outlive the row of its call: no other call is to have its id."""
    above = await asyncio.to_thread(provenance.newest_call, settings.data / "outbox")
    store = Store(settings.data / DATABASE, above=above)
    stack.push_async_callback(store.close)
    return store


def _appoint(service: Service, settings: Settings, url: str) -> None:
    """Give the service those who see to what is no caller's call."""
    house = service.house
    client, connection, links = house.client, house.connection, house.links
    service.settlement = Settlement(
        client, connection, settings, house.store, house.outbox, house.takes, links, service.ours
    )
    windows = house.acquaintance.windows
    service.keycode = KeyCode(settings, client, connection, house.prompts, windows)
    service.studio = Studio(settings, client, connection, house.prompts)
    messages = Messages(settings.data / "outbox")
    service.lamps = Lamps(settings, client, messages)
    service.voicemail = Voicemail(house, messages, service.lamps.look)
    service.outgoing = Outgoing(settings, url, service.dialled)
    service.weekly = Weekly(settings, house.outbox, links)
    service.retention = Retention(settings, house.store, house.heard)


def _outbox(settings: Settings, store: Store, links: Links) -> Outbox:
    return Outbox(
        settings.data / "outbox",
        settings.mail,
        settings.zone,
        tell=store.happened,
        to_sound=links.to_sound,
        transcribe=partial(transcripts.make, settings.path),
    )


def _open_campaigns(settings: Settings, stack: AsyncExitStack) -> Campaigns:
    campaigns = Campaigns(campaignfile.folder(settings.data), settings.zone)
    stack.push_async_callback(campaigns.close)
    campaigns.begin()
    return campaigns


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
