"""The messages in the outbox for people: listed, looked up, tried again, dropped, brought back.

All of it may be done in another process (the command line) while a service delivers: a message is
taken away by the rename of its folder, and what is asked of the service is an empty file.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import TextIO

from screener.core.callerid import shown
from screener.core.delivery import Delivery, Record, State, Status
from screener.core.letter import Letter
from screener.core.rules import CLOCKLESS
from screener.errors import MessageError
from screener.mail import letterfile
from screener.mail.letterfile import ASKED, DROPPED, LOCK, NOW, SENDING, UNREADABLE
from screener.mail.links import LIFE
from screener.mail.progress import Progress
from screener.mail.spool import MAIL

KEPT_DROPPED = timedelta(days=30)
"""For how long what was dropped can be brought back."""

_NAMED = 5  # messages that an abbreviation that fits several is told to fit
_FOLDERS = (State.QUEUED, State.FAILED, State.SENT)


@dataclass(frozen=True, slots=True)
class Item:
    """A message in the outbox. `record` is None when letter.json cannot be read, and `trouble`
    then says why. `folder` holds its sound. `begun` is when the attempt under way began."""

    id: str
    status: Status
    folder: Path
    record: Record | None
    trouble: str = ""
    begun: datetime | None = None

    @property
    def call(self) -> int | None:
        """The call that left the message; None where it is no message, or cannot be read."""
        letter = self.record.letter if self.record else None
        return letter.call if isinstance(letter, Letter) else None

    @property
    def box(self) -> str:
        """The box that it is for; "" where it is no message."""
        letter = self.record.letter if self.record else None
        return letter.box if isinstance(letter, Letter) else ""

    @property
    def arrived(self) -> bool:
        """Whether the mail server has it, for one recipient at least."""
        return self.record is not None and any(
            recipient.delivery is Delivery.ACCEPTED for recipient in self.record.recipients
        )


class MailQueue:
    """The messages under `root`, the outbox's folder, which need not be there yet.

    What it does raises OutboxError: the disk; MessageError: there is no such message, or what it
    is leaves that undone.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def items(self) -> list[Item]:
        """Every message there is, queued, failed and sent, oldest first within each."""
        found: dict[str, Item] = {}
        with letterfile.disk(self._root):
            for state in _FOLDERS:
                for folder in _folders(self._root / state):
                    found.pop(folder.name, None)  # moved on while we looked: it is here now
                    found[folder.name] = _item(folder)
        return list(found.values())

    def deferred(self) -> list[Item]:
        """What was tried in vain and waits to be tried again, oldest first."""
        with letterfile.disk(self._root):
            items = [_item(folder) for folder in _folders(self._root / State.QUEUED)]
        return [item for item in items if item.record is not None and item.record.is_deferred]

    def dropped(self) -> list[Item]:
        """What was dropped and can be brought back, oldest first."""
        with letterfile.disk(self._root):
            return [_item(folder) for folder in _folders(self._root / DROPPED)]

    def find(self, text: str) -> Item:
        """The message with this id, or the one whose id, or the part of it after the time, begins
        so; also among what was dropped."""
        with letterfile.disk(self._root):
            found = {folder.name: folder for folder in self._everywhere(text)}
            if text in found:
                return _item(found[text])
            if len(found) == 1:
                return _item(*found.values())
        if not found:
            raise MessageError(f"there is no message {shown(text)}: see `screener outbox`.")
        names = sorted(found)
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        raise MessageError(
            f"{shown(text)} may be any of {len(names)} messages: {', '.join(names[:_NAMED])}{more}."
        )

    def _everywhere(self, text: str) -> Iterator[Path]:
        """The folders of the messages that an abbreviation fits.

        Looked up, not joined: a name like ".." comes from somebody's command line.
        """
        for name in (*_FOLDERS, DROPPED):
            for folder in _folders(self._root / name):
                if text and (
                    folder.name.startswith(text) or folder.name.partition("-")[2].startswith(text)
                ):
                    yield folder

    def retry(self, text: str, boxes: Mapping[str, Sequence[str]] = MappingProxyType({})) -> Item:
        """Have a failed or queued message tried again now, also for recipients that were refused.

        Its retry_days begin anew. One that has failed goes to the addresses that its box has by
        now: `boxes` are those of each.
        """
        item = self.find(text)
        if item.status in {Status.SENT, Status.DROPPED}:
            raise MessageError(
                f"message {item.id} was {item.status}: only what is waiting or failed is tried"
                " again."
            )
        with letterfile.disk(self._root):
            (item.folder / NOW).touch()
            if item.folder.parent.name == State.FAILED:
                to = boxes.get(item.box, ())
                if item.record is not None and to and {*to} != {*item.record.letter.to}:
                    item = replace(item, record=item.record.readdressed(to))
                    assert item.record is not None
                    letterfile.save(item.folder, item.record)
                letterfile.move(item.folder, self._root / State.QUEUED)
            self._ask()
        return item

    def drop(self, text: str, now: datetime) -> Item:
        """Take a message away: it is delivered no more, and nobody sees it. It can be brought back
        for KEPT_DROPPED."""
        item = self.find(text)
        if item.status is Status.DROPPED:
            raise MessageError(f"message {item.id} was dropped already.")
        if item.status is Status.SENDING and self._delivers():
            raise MessageError(f"message {item.id} is being sent at this moment: wait for that.")
        dropped = self._root / DROPPED
        with letterfile.disk(self._root):
            letterfile.make(dropped)
            there = letterfile.move(item.folder, dropped)
            for mark in (NOW, SENDING):
                (there / mark).unlink(missing_ok=True)
            os.utime(there)  # from when it is kept on
            with suppress(*UNREADABLE):  # as it is now: an attempt may have ended since we looked
                letterfile.save(there, letterfile.load(there).dropped(now))
        return item

    def _delivers(self) -> bool:
        """Whether somebody delivers from here: else the mark of an attempt is what a crash left."""
        with letterfile.disk(self._root), suppress(FileNotFoundError), self._lock() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def _lock(self) -> TextIO:
        return (self._root / LOCK).open(encoding="ascii")

    def bring_back(self, text: str, now: datetime) -> Item:
        """Undo `drop`: the message is again what it was."""
        item = self.find(text)
        if item.status is not Status.DROPPED:
            raise MessageError(f"message {item.id} was not dropped: it is {item.status}.")
        record = item.record and item.record.brought_back(now)
        place = _PLACES[record.status] if record else State.FAILED
        with letterfile.disk(self._root):
            if record is not None:
                letterfile.save(item.folder, record)
            there = letterfile.move(item.folder, self._root / place)
            self._ask()
        return _item(there)

    def _ask(self) -> None:
        """Let the service that delivers look at once."""
        (self._root / ASKED).touch()

    def sweep(
        self, older_than: timedelta | None, now: datetime, composed: timedelta | None = None
    ) -> int:
        """Delete what was sent more than `older_than` before `now`, and what was dropped long ago;
        return how many were deleted of those that were sent. Of composed mails (reports) those go
        that were sent more than `composed` before; None: always kept, or as messages are.

        What was mailed as a link stays for as long as the link works: it is all that there is."""
        swept = 0
        with letterfile.disk(self._root):
            for folder in _folders(self._root / State.SENT):
                report = composed is not None and (folder / MAIL).exists()
                span = composed if report else older_than
                old = span is not None and _sent(folder, now - span) < now - span
                if old and not _is_heard_by_link(folder, now):
                    swept += letterfile.delete(folder)
            for folder in _folders(self._root / DROPPED):
                if datetime.fromtimestamp(folder.stat().st_mtime, UTC) < now - KEPT_DROPPED:
                    letterfile.delete(folder)
        return swept


_PLACES = {
    Status.QUEUED: State.QUEUED,
    Status.SENDING: State.QUEUED,
    Status.DEFERRED: State.QUEUED,
    Status.SENT: State.SENT,
    Status.FAILED: State.FAILED,
}


def _folders(where: Path) -> list[Path]:
    try:
        return sorted(where.iterdir())
    except FileNotFoundError:  # nothing was ever kept, or dropped
        return []


def _sent(folder: Path, early: datetime) -> datetime:
    """When a message was sent; that it was later than `early` may do where that is plain.

    Its folder's own time does not say it: whoever hears the message leaves a mark there.
    """
    kept = folder.name.partition("-")[0]
    if kept[:1].isdigit() and kept > f"{early:%Y%m%dT%H%M%S}":
        return datetime.max.replace(tzinfo=UTC)
    try:
        at = max(step.at for step in letterfile.load(folder).history)
        if at >= CLOCKLESS:
            return at
    except (OSError, *UNREADABLE):
        pass
    marked = datetime.fromtimestamp(folder.stat().st_mtime, UTC)
    if marked < CLOCKLESS <= early:  # by a clock that was not set: it is kept from now on
        os.utime(folder)
        return datetime.max.replace(tzinfo=UTC)
    return marked


def _is_heard_by_link(folder: Path, now: datetime) -> bool:
    """Whether a mail that was sent has no sound in it, but a link to this folder's that works."""
    if not Progress.read(folder).linked:
        return False
    try:
        return now < letterfile.load(folder).since + LIFE
    except (OSError, *UNREADABLE):
        return False


def _item(folder: Path) -> Item:
    begun = None
    place = folder.parent.name
    try:
        if place == State.QUEUED and (folder / SENDING).exists():
            begun = datetime.fromtimestamp((folder / SENDING).stat().st_mtime, UTC)
        record = letterfile.load(folder)
    except (OSError, *UNREADABLE) as error:
        trouble = f"letter.json cannot be read ({error}): the message itself is audio.wav"
        return Item(folder.name, Status(place), folder, None, trouble)
    status = record.status if place == State.QUEUED else Status(place)
    if begun is not None:
        status = Status.SENDING
    elif place == State.QUEUED and status not in {Status.QUEUED, Status.DEFERRED}:
        status = Status.DEFERRED  # its last step is written down, and it is about to be moved
    return Item(folder.name, status, folder, record, begun=begun)
