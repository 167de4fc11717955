"""What happened while we were away: calls and recordings that an interruption left behind.

Asked of Asterisk, never guessed. It runs each time that the event socket opens: after a start, when
an earlier run may have died in mid-call, and after a lost connection, when calls of ours went on.
Recordings are looked for after a call that failed as well, and now and then.
Promise 3 (nothing is lost) is kept here: a recording that nobody kept or dropped is mailed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from screener.asterisk.belongings import NAME, TAKE, box_of, is_part, owner
from screener.asterisk.client import Client
from screener.asterisk.connection import Connection, Mailbox
from screener.asterisk.translate import Gone, Left
from screener.calls.tape import measure
from screener.config import Settings
from screener.core.call import Outcome
from screener.core.delivery import Freight
from screener.core.event import Event, EventKind
from screener.core.letter import Letter, addressed
from screener.core.message import LEAST_SPEECH
from screener.core.story import CallRow
from screener.errors import AriGone, AriNotInStasis, ScreenerError, StoreError
from screener.mail.links import Links
from screener.mail.outbox import Outbox
from screener.messages import provenance
from screener.records.calllog import DATABASE, CallLog
from screener.records.store import CallEnd, Store

log = logging.getLogger(__name__)


# A call that came in while we asked is news that may be this far behind (seconds).
_EVENTS_BEHIND = 0.2
_BROKEN_OFF = "screener was interrupted before anything was said"
# Times in the store are rounded.
_ROUNDED = timedelta(seconds=1)
# So long (seconds) the outbox has, when both have just started, to queue what a crash has left.
_RECOVERING = 5.0
# How often we look whether a caller's channel has gone back to the dialplan, before we go on.
_LOOKS = 25


@dataclass(frozen=True, slots=True)
class Settlement:
    """Settles what is left of calls that no session owns. `ours` tells the channels of the calls in
    progress at this moment: a call that comes in while we ask is one of them."""

    client: Client
    connection: Connection
    settings: Settings
    store: Store
    outbox: Outbox
    takes: Path
    links: Links
    ours: Callable[[], Collection[str]]
    _watching: set[asyncio.Task[None]] = field(default_factory=set)
    _rescuing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def settle(self) -> None:
        """Settle everything of which no part belongs to a call of `ours`."""
        channels = [str(c["id"]) for c in await self.client.channels() if self.client.owns(c)]
        bridges = [b for b in await self.client.bridges() if is_part(str(b["id"]))]
        await asyncio.sleep(_EVENTS_BEHIND)
        strays = {channel for channel in channels if owner(channel) not in self.ours()}
        talking = _talking(bridges, strays)
        for channel in sorted(strays - talking, key=is_part):
            await self._end(channel)
        for bridge in bridges:
            members = set(bridge["channels"])
            if owner(str(bridge["id"])) not in self.ours() and not members & talking:
                await _regardless(self.client.destroy_bridge(str(bridge["id"])))
        for bridge in bridges:
            members = talking & {str(channel) for channel in bridge["channels"]}
            if members:
                self._see_off(str(bridge["id"]), members)
        await self._settle_rows(talking)
        await self._until_gone(strays - talking)
        await self.rescue()

    async def _until_gone(self, strays: Collection[str]) -> None:
        """A recording is whole when the channel that it was made on is gone."""
        for _ in range(_LOOKS):
            left = [str(c["id"]) for c in await self.client.channels() if self.client.owns(c)]
            if not any(channel in strays for channel in left):
                return
            await asyncio.sleep(_EVENTS_BEHIND)

    def _see_off(self, bridge: str, members: Collection[str]) -> None:
        """Two people talk whose call we have lost: when one hangs up, so must the other."""
        if any(self.connection.is_delivered(channel) for channel in members):
            return  # seen to already, when the connection had been lost before
        mailbox: Mailbox = asyncio.Queue()
        for channel in members:
            self.connection.deliver(channel, mailbox)

        async def until_one_hangs_up() -> None:
            while not isinstance(await mailbox.get(), Left | Gone):
                pass
            for channel in members:
                await _regardless(self.client.hangup(channel))
            await _regardless(self.client.destroy_bridge(bridge))
            self.connection.forget(mailbox)

        task = asyncio.ensure_future(until_one_hangs_up())
        self._watching.add(task)
        task.add_done_callback(self._watching.discard)

    async def _end(self, channel: str) -> None:
        """A caller goes to the phones; what we had made for his call is hung up."""
        if is_part(channel):
            await _regardless(self.client.hangup(channel))
            return
        log.warning("call %s was left behind: given to the phones", channel)
        await _regardless(self.client.give_to_phones(channel))

    async def _settle_rows(self, talking: Collection[str]) -> None:
        """The rows that an earlier run left open."""
        for row in await self.store.unsettled():
            if row.uid in self.ours():
                continue
            if row.uid in talking:
                reason = "screener was away; the two went on talking"
                end = CallEnd(datetime.now(UTC), Outcome.CONNECTED, reason)
            else:
                reason = "screener stopped in the middle of this call"
                end = CallEnd(datetime.now(UTC), Outcome.LOST, reason)
            with suppress(StoreError):
                await self.store.end(row.id, end)
            log.warning("call %d: %s", row.id, reason)

    async def rescue(self) -> None:
        """Takes that were neither kept nor dropped: to the outbox with those that hold speech."""
        async with self._rescuing:  # or both would mail what they find
            await self._rescue()

    async def _rescue(self) -> None:
        recordings = await self.client.stored_recordings()
        stored = [name for name in recordings if TAKE in name]
        for name in recordings:
            if NAME in name and owner(name) not in self.ours():
                await _regardless(self.client.delete_recording(name))
        found = await asyncio.to_thread(lambda: [*self.takes.glob("*.wav")])
        local = [path.stem for path in found]
        # The last take of a call is the one that its caller wanted.
        strays = sorted({*stored, *local}, key=_take_number, reverse=True)
        await self._until_gone({owner(take) for take in strays} - set(self.ours()))
        for take in strays:
            if owner(take) in self.ours():
                continue
            try:
                await self._rescue_one(take, from_asterisk=take in stored)
            except (ScreenerError, OSError) as failed:  # the others are not lost with it
                log.error("recording %s stays where it is: %s", take, failed)

    async def _rescue_one(self, take: str, *, from_asterisk: bool) -> None:
        path = self.takes / f"{take}.wav"
        if self.outbox.holds(path):
            return  # a disk that hangs: its call is over, and a thread is at it all the same
        if from_asterisk:
            await self.client.fetch_recording(take, path)
        seconds, speech = await asyncio.to_thread(measure, path)
        row = await asyncio.to_thread(_row_of, self.settings, owner(take))
        if await self._is_unfinished(path, row):
            return  # the outbox has it, and will queue it
        kept = await asyncio.to_thread(self._is_kept, path, row)
        if speech >= LEAST_SPEECH and not kept:
            letter = self._letter(take, row, seconds)
            await self.outbox.put(path, letter, give=True)
            log.warning("a message was left behind (%.1f s): sent to %s", seconds, letter.box)
        elif not kept:
            call = f"call {row.id}" if row else "a call"
            with suppress(StoreError):
                await self.store.happened(
                    Event(datetime.now(UTC), EventKind.NOTHING_SAID, f"{call}: {_BROKEN_OFF}")
                )
        await asyncio.to_thread(path.unlink, missing_ok=True)
        if from_asterisk:
            with suppress(AriGone):
                await self.client.delete_recording(take)

    def _is_kept(self, path: Path, row: CallRow | None) -> bool:
        """Whether a take, or another of its call, lies in the outbox."""
        return any(
            _is_in(path, item.folder)
            or (item.record is not None and _is_of(item.record.letter, row))
            for item in self.outbox.items()
        )

    async def _is_unfinished(self, path: Path, row: CallRow | None) -> bool:
        """Whether a crash has left a take in the outbox, whole and not queued; the outbox, which
        may be starting as well, has some time to queue it."""

        def look() -> bool:
            left = provenance.unfinished(self.settings.data / "outbox")
            return any(_is_in(path, folder) or _is_of(letter, row) for folder, letter in left)

        if not await asyncio.to_thread(look):
            return False
        with suppress(TimeoutError):
            async with asyncio.timeout(_RECOVERING):
                await self.outbox.recovered.wait()
        return await asyncio.to_thread(look)

    def _letter(self, take: str, row: CallRow | None, seconds: float) -> Letter:
        """A letter for a rescued take, to the box that it was recorded for."""
        boxes = self.settings.boxes
        fronts = (door for door in self.settings.doors.values() if not door.doorbell)
        first = next((door.box for door in fronts), next(iter(boxes.values())))
        box = boxes.get(box_of(take), first)  # a box may be gone from screener.toml
        call, number = (row.id, row.number) if row else (0, "")
        letter = Letter(
            call=call,
            number=number,
            name=row.name if row else "",
            did=row.did if row else "",
            when=row.started if row else datetime.now(UTC),
            seconds=seconds,
            why="screener was interrupted while this was being recorded",
            links=self.links.offered(call, number, datetime.now(UTC)),
        )
        return addressed(letter, box)


def _talking(bridges: Iterable[Mapping[str, Any]], strays: Collection[str]) -> set[str]:
    """The stray channels that are in a bridge with a caller and a phone: two people talk."""
    together: set[str] = set()
    for bridge in bridges:
        members = {str(channel) for channel in bridge["channels"]} & set(strays)
        if len(members) > 1 and any(not is_part(channel) for channel in members):
            together |= members
    return together


def _is_in(path: Path, folder: Path) -> bool:
    """Whether a message's sound is this very file: its take was kept, and not yet taken away."""
    with suppress(OSError):
        return path.samefile(folder / "audio.wav")
    return False


def _is_of(letter: Freight, row: CallRow | None) -> bool:
    """Whether a letter is about this call, and not of one that once had its id."""
    return (
        isinstance(letter, Letter)
        and row is not None
        and letter.call == row.id
        and abs(letter.when - row.started) < _ROUNDED
    )


def _take_number(take: str) -> int:
    return int(take.rpartition("-")[2]) if take.rpartition("-")[2].isdigit() else 0


def _row_of(settings: Settings, uid: str) -> CallRow | None:
    with CallLog(settings.data / DATABASE) as calls:
        return calls.by_uid(uid)


async def _regardless(request: Awaitable[None]) -> None:
    with suppress(AriGone, AriNotInStasis):
        await request
