"""What is known of a ring group before it rings: which phones can, and whose turn it is.

A phone's state is Asterisk's to tell; do-not-disturb is on disk, the hours are in screener.toml.
Who rang first and who answered last is remembered in data/turns.json, for which no call waits. What
cannot be told in time is taken for the best: a phone rings rather than not.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from screener import replacement
from screener.asterisk.client import Client
from screener.calls import donotdisturb
from screener.config import Settings
from screener.core.frontdoor import Phone, RingGroup, Strategy
from screener.core.ringing import Circumstances, State
from screener.errors import AriError, AriGone

log = logging.getLogger(__name__)

TURNS = "turns.json"
"""The file in the data folder that remembers whose turn it is."""
_PATIENCE = 1.0  # seconds that a call waits to hear how the phones are
_DISK = 0.25  # seconds that a call waits for the disk, to hear who is left in peace
_CLOSING = 1.0  # seconds that turns may take to be written down when we stop


class Switchboard:
    """The phones of one house. `client` is None where no Asterisk can be asked."""

    def __init__(self, settings: Settings, client: Client | None) -> None:
        self._zone = settings.zone
        self._data = settings.data
        self._client = client
        self._turns = _Turns(settings.data / TURNS)
        self._unwritten = False
        self._writing: asyncio.Task[None] | None = None

    async def circumstances(
        self, group: RingGroup, at: datetime, channel: str = "", *, urgent: bool = False
    ) -> Circumstances:
        """How a group's phones are at `at` (aware), and whose turn it is.

        Where it is `urgent`, none is left in peace: somebody called for help. Some things Asterisk
        tells only to who names a `channel`, whichever it is: the caller's.
        """
        told, quiet = await asyncio.gather(
            self._states(group.phones, channel), self._left_in_peace()
        )
        states = dict(told)
        here = at.astimezone(self._zone)
        for phone in () if urgent else group.phones:
            if phone.name in quiet:
                states[phone.name] = State.UNDISTURBED
            elif phone.hours is not None and not phone.hours.holds(here):
                states[phone.name] = State.CLOSED
        began_with = self._turns.began_with.get(group.name, "")
        answered = dict(self._turns.answered)
        return Circumstances(states, began_with, answered, secrets.randbits(64))

    def began(self, group: RingGroup, first: str) -> None:
        """A group begins to ring with this phone: its next call begins with another."""
        if group.strategy is Strategy.ROUND_ROBIN:  # nobody else asks
            self._turns.began_with[group.name] = first
            self._write_down()

    def answered(self, phone: str) -> None:
        """This phone has answered."""
        self._turns.answered[phone] = time.time()
        self._write_down()

    def _write_down(self) -> None:
        """Write the turns down, as soon as the disk has room for them."""
        self._unwritten = True
        if self._writing is None or self._writing.done():
            self._writing = asyncio.ensure_future(self._write())

    async def _write(self) -> None:
        while self._unwritten:
            self._unwritten = False
            await asyncio.to_thread(self._turns.write, self._turns.text)

    async def close(self) -> None:
        """Wait until the turns are written down, but not for a disk that hangs."""
        if self._writing is not None:
            await asyncio.wait({self._writing}, timeout=_CLOSING)

    async def _left_in_peace(self) -> frozenset[str]:
        """The phones that are not to be disturbed, if the disk tells it in time."""
        try:
            async with asyncio.timeout(_DISK):
                return await asyncio.to_thread(donotdisturb.phones, self._data)
        except TimeoutError:
            log.warning("who is left in peace is not known (the disk hangs): all ring")
            return frozenset()

    async def _states(self, phones: Iterable[Phone], channel: str) -> Iterable[tuple[str, State]]:
        """What Asterisk knows of phones; of those that it tells nothing of, they are free."""
        if self._client is None:
            return []
        told = {
            phone.name: asyncio.ensure_future(self._channels(phone, channel)) for phone in phones
        }
        try:
            async with asyncio.timeout(_PATIENCE):
                await asyncio.gather(*told.values())
                found = {name: one.result() for name, one in told.items()}
                talking = await self._talking() if any(found.values()) else frozenset()
        except (TimeoutError, AriError) as unknown:
            log.warning("how the phones are is not known (%s): all ring", unknown or "timed out")
            return []
        return [(name, _state(channels, talking)) for name, channels in found.items()]

    async def _channels(self, phone: Phone, channel: str) -> frozenset[str] | None:
        """The channels that a phone has; None where it is not registered."""
        assert self._client is not None
        if not is_of_the_house(phone):
            return frozenset()
        try:
            known = await self._client.endpoint(phone.endpoint)
        except AriGone:
            return None
        if known.get("state") == "offline" and not await self._may_answer(phone, channel):
            return None
        return frozenset(str(each) for each in known.get("channel_ids", ()))

    async def _may_answer(self, phone: Phone, channel: str) -> bool:
        """Whether a phone that is taken for offline may be there all the same.

        An Asterisk that has just started knows who was registered, and takes them for offline until
        it has asked each of them, which may be a minute.
        """
        if self._client is None or not channel:
            return False
        resource = phone.endpoint.partition("/")[2]
        contacts = await self._client.variable(channel, f"PJSIP_AOR({resource},contact)")
        for contact in filter(None, contacts.split(",")):
            status = await self._client.variable(channel, f"PJSIP_CONTACT({contact},status)")
            if status != "Unreachable":
                return True
        return False

    async def _talking(self) -> frozenset[str]:
        """The channels on which somebody talks: one that only rings is no call yet."""
        assert self._client is not None
        channels = await self._client.channels()
        return frozenset(str(c["id"]) for c in channels if c.get("state") == "Up")


def is_of_the_house(phone: Phone) -> bool:
    """Whether it is a phone that registers here; of what is behind a trunk nothing is known."""
    technology, _, resource = phone.endpoint.partition("/")
    return technology.upper() == "PJSIP" and not set("@/") & set(resource)


def _state(channels: frozenset[str] | None, talking: frozenset[str]) -> State:
    if channels is None:
        return State.OFFLINE
    return State.IN_CALL if channels & talking else State.FREE


class _Turns:
    """Who began and who answered last, by group and by phone; if it is lost, it begins anew."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.began_with: dict[str, str] = {}
        self.answered: dict[str, float] = {}
        try:
            read = json.loads(path.read_text(encoding="ascii"))
            self.began_with = {str(k): str(v) for k, v in read["began_with"].items()}
            self.answered = {str(k): float(v) for k, v in read["answered"].items()}
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("whose turn it is to ring is forgotten (%s: %s)", path, error)

    @property
    def text(self) -> str:
        return json.dumps({"began_with": self.began_with, "answered": self.answered})

    def write(self, text: str) -> None:
        try:  # one that a power cut takes away is a turn that is forgotten
            replacement.write(self._path, text, durable=False, shared=True)
        except OSError as error:
            log.warning("whose turn it is to ring is not written down: %s", error)
