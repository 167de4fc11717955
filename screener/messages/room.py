"""Whether the disk has room for a message, asked before a caller is invited to speak.

Who could lose what he says is told so at once, and may call again. The owner is told by a notice,
at most once a day.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from screener.core.audio import RATE
from screener.core.frontdoor import MessageBox
from screener.core.notice import Notice
from screener.errors import OutboxError
from screener.mail.outbox import Outbox
from screener.mail.spool import RESERVE

log = logging.getLogger(__name__)

LEAST_DISK = 200_000_000
"""Bytes that should be free for the data folder: some three hours of recorded messages."""
_BYTES = 2 * RATE  # a second of a recording has
_TOLD_AGAIN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Room:
    """The room for messages: for `takes`, where they are recorded, and in the outbox.

    `owner` are the addresses that are told when there is none; `told` is the file whose age says
    when they last were.
    """

    takes: Path
    outbox: Outbox
    owner: tuple[str, ...]
    told: Path
    _promised: dict[str, float] = field(default_factory=dict)  # bytes, by the caller's channel
    _telling: asyncio.Lock = field(default_factory=asyncio.Lock)

    @contextmanager
    def promised(self, box: MessageBox, call: str) -> Iterator[None]:
        """While the caller of a channel speaks, nobody else is promised the room that his message
        may need, whether he was promised it before or not."""
        self._promised[call] = _needed(box)
        try:
            yield
        finally:
            self.take_back(call)

    def take_back(self, call: str) -> None:
        """The caller of a channel needs no room any more: what he has said lies on the disk."""
        self._promised.pop(call, None)

    async def for_message(self, box: MessageBox, call: str) -> bool:
        """Whether a message of the box's limit has room: it is promised to the caller of this
        channel until `take_back`. Where there is none, the owner is told."""
        needed = _needed(box)
        free = await asyncio.to_thread(self._free)
        # Nothing is awaited from here to the promise, or another is promised the same.
        room = free - sum(to for other, to in self._promised.items() if other != call)
        if room >= needed:
            self._promised[call] = needed
            return True
        log.error(
            "no message for %s is taken: it may need %.1f MB, and the disk has %.1f MB for it",
            *(box.name, needed / 1e6, room / 1e6),
        )
        async with self._telling:  # who is refused at the same moment finds that he was told
            await self._tell_owner(box, needed, room)
        return False

    def _free(self) -> float:
        """How many bytes of a message both disks take. One that cannot be asked is not full."""
        with suppress(OSError):
            return min(shutil.disk_usage(self.takes).free - RESERVE, self.outbox.room())
        return self.outbox.room()

    async def _tell_owner(self, box: MessageBox, needed: float, room: float) -> None:
        now = datetime.now(UTC)
        ago = now - await asyncio.to_thread(self._last_told)
        if not self.owner or timedelta(0) <= ago < _TOLD_AGAIN:  # not by a clock that was ahead
            return
        notice = Notice(
            self.owner,
            "The disk is nearly full: callers can leave no message",
            (
                f"A caller who wanted to leave a message for {box.name} was asked to call again:"
                f" it may need {needed / 1e6:.0f} MB, and {max(0.0, room) / 1e6:.0f} MB are free"
                f" beyond the {RESERVE / 1e6:.0f} MB that are left alone.",
                "",
                f"Make room on the disk of {self.takes.parent}: until then no message is taken, and"
                " callers are told so. Calls and their phones go on as ever.",
                "",
                "You are told this once a day at most.",
            ),
        )
        try:
            await self.outbox.notify(notice)
            await asyncio.to_thread(self.told.touch)
        except (OutboxError, OSError) as trouble:
            log.error("the owner could not be told that the disk is full: %s", trouble)

    def _last_told(self) -> datetime:
        try:
            return datetime.fromtimestamp(self.told.stat().st_mtime, UTC)
        except OSError:
            return datetime.min.replace(tzinfo=UTC)


def shortage(free: int, boxes: Iterable[MessageBox]) -> str:
    """What so few free bytes keep callers from; "" where there are enough of them."""
    needed = {box.name: _needed(box) for box in boxes}
    refused = [name for name, room in needed.items() if free - RESERVE < room]
    if refused:
        which = "" if len(refused) == len(needed) else f" for {', '.join(refused)}"
        return f"callers can leave no message{which}"
    return "soon callers can leave no message" if free < LEAST_DISK else ""


def _needed(box: MessageBox) -> float:
    """How many bytes the longest message of a box takes."""
    return box.limit * _BYTES
