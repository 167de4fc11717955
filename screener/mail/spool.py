"""The mail spool on disk: messages as folders, each moved on durably, none lost by a crash.

A recorded message is a folder, and the folder that it is in says what has become of it:

    outbox/new/ID/      being put together; the caller has not been told anything yet
    outbox/queued/ID/   kept: on disk to stay, waiting for the mail server
    outbox/sent/ID/     the mail server has taken it for every recipient
    outbox/failed/ID/   refused for good, or given up: kept and shown, to be tried again by hand

with `audio.wav`, `letter.json` (what is known, every recipient's state, every attempt) and, once
it was needed, what is mailed of it (recording.py) and its transcript (transcripts.py). A notice to
the owner (core/notice.py) lies there too: a letter.json, and no sound; a composed mail
(core/composed.py) has mail.eml in the place of its sound. A folder is completed and fsynced in
new/, then renamed into queued/, and only then does `keep` return: so a caller who hangs up, a
crash or a power cut cannot cut a message short. Nothing is ever sent from what a call still writes
to.

What was dropped by hand lies in outbox/dropped/ID for a while. Nothing else is deleted here but
parts of messages, which `recover` clears away: whole ones are deleted by `sweep` (mailqueue.py:
what was sent, and what was dropped, when their time is over) and by `screener forget`
(privacy/forgetting.py). An attempt is written down by an
atomic replace of letter.json (letterfile.py). Empty files beside it: `sending`, while an attempt is
under way; `now`, when somebody wants it tried at once. recording.py looks after the sound,
mailqueue.py shows all this to people.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import secrets
import shutil
from collections.abc import Container, Iterable, Iterator
from datetime import UTC, datetime, tzinfo
from email.message import EmailMessage
from pathlib import Path
from typing import BinaryIO

from screener import replacement
from screener.core.composed import Composed, enveloped
from screener.core.delivery import Freight, Record, State
from screener.core.letter import Letter
from screener.core.notice import Notice
from screener.errors import OutboxError
from screener.mail import letterfile, progress
from screener.mail.letterfile import ASKED, DROPPED, LETTER, LOCK, NOW, SENDING, UNREADABLE
from screener.sound import recording

log = logging.getLogger(__name__)

# Bytes that no new message may take: for the histories and encoded sounds of those that are here.
RESERVE = 50_000_000
MAIL = "mail.eml"  # a composed mail, in its folder


class Spool:
    """The folders under `root`. Opening it makes them, or raises OutboxError.

    `keep` may be called while others are read and moved on. What people do with messages
    (mailqueue.py) may happen meanwhile, in another process.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._making: set[str] = set()
        # What could not be written down because the disk is full is remembered here, so that
        # a recipient who has the message does not get it again as long as we run.
        self._unsaved: dict[str, Record] = {}
        with letterfile.disk(root):
            root.mkdir(parents=True, exist_ok=True)
            root.chmod(0o700)  # people's voices
            for name in ("new", *State):
                (root / name).mkdir(exist_ok=True)
            replacement.to_disk(root)
            replacement.to_disk(root.parent)

    def folder(self, name: str) -> Path:
        """Where a queued message lies."""
        return self._root / State.QUEUED / name

    def keep(
        self,
        audio: Path | BinaryIO | None,
        letter: Letter | Notice,
        sender: str,
        *,
        give: bool = False,
    ) -> str:
        """Put a message or a notice on disk, to stay; its id. Raises OutboxError: nothing is kept.

        `audio` is a whole WAV file, by its path or open for reading; it is copied, not taken. With
        `give`, the file at a path is taken (on the same file system without copying it): once the
        message is kept it is no longer there, and meanwhile nobody may write to it.
        """
        link = give and isinstance(audio, Path) and self._is_near(audio)
        if audio is not None and not link:
            self._need(_size(audio))
        with self._made(letter, sender) as (folder, record):
            if audio is not None:
                progress.take_room(folder, len(letter.to))
                recording.keep(audio, folder, link=link)
        if give and isinstance(audio, Path):
            with contextlib.suppress(OSError):  # kept it is; what is left over is found as such
                audio.unlink()
        return record.id

    def room(self) -> int:
        """How many bytes of new messages the disk takes: what is free, less a reserve for what
        must be written of those that are here. 0 where the disk cannot be asked."""
        try:
            disk = os.statvfs(self._root)
        except OSError as error:
            log.error("the outbox %s cannot be asked for its room: %s", self._root, error)
            return 0
        return max(0, disk.f_bavail * disk.f_frsize - RESERVE)

    def _need(self, size: int) -> None:
        """Refuse before anything is written what would not fit."""
        if size > (room := self.room()):
            raise OutboxError(
                f"the outbox {self._root} cannot be used: there is no room left on the disk: "
                f"{size / 1e6:.1f} MB are needed and {room / 1e6:.1f} MB are free beyond a reserve "
                f"of {RESERVE / 1e6:.0f} MB: free some."
            )

    def _is_near(self, audio: Path) -> bool:
        """Whether a file lies on the outbox's file system."""
        with contextlib.suppress(OSError):
            return audio.stat().st_dev == self._root.stat().st_dev
        return False

    def keep_mail(
        self, mail: EmailMessage, composed: Composed, sender: str, zone: tzinfo | None
    ) -> str:
        """Put a composed mail on disk, to stay; its id. Raises OutboxError: nothing is kept."""
        with self._made(composed, sender) as (folder, record):
            content = enveloped(
                mail,
                composed,
                sender=sender,
                message_id=record.message_id,
                written=record.written,
                zone=zone,
            )
            self._need(len(content))
            with (folder / MAIL).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        return record.id

    @contextlib.contextmanager
    def _made(self, letter: Freight, sender: str) -> Iterator[tuple[Path, Record]]:
        """A folder in new/ with its letter.json, to be filled; then it is queued, or is no more."""
        now = datetime.now(UTC)
        name = f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
        making = self._root / "new" / name
        self._making.add(name)
        try:
            with letterfile.disk(self._root):
                making.mkdir()
                record = Record.begun(name, letter, sender, now)
                letterfile.save(making, record)
                yield making, record
                replacement.to_disk(making)
                letterfile.move(making, self._root / State.QUEUED)
        except BaseException:
            # Nothing is kept, then; what is left after a crash, recover() finds.
            for left in (self._root / State.QUEUED / name, making):
                shutil.rmtree(left, ignore_errors=True)
            raise
        finally:
            self._making.discard(name)

    def recover(self, now: datetime) -> list[str]:
        """Clear new/ of what a crash left there; return the ids that were saved. Whom it ended in
        the middle of an attempt is told in the message's history.

        A message whose sound was completely copied is queued: its caller may have been about to
        hear that it is kept, and one message too many is better than one too few. A part of a
        message is deleted: its caller was told nothing, and the recording it was copied from has
        not been touched.
        """
        saved = []
        with letterfile.disk(self._root):
            for folder in sorted((self._root / "new").iterdir()):
                if folder.name in self._making:
                    continue
                if _is_whole(folder):
                    letterfile.move(folder, self._root / State.QUEUED)
                    saved.append(folder.name)
                else:
                    letterfile.delete(folder)
            for folder in (self._root / State.QUEUED).iterdir():
                if (folder / SENDING).exists():
                    self._cut_short(folder, now)
        return saved

    def _cut_short(self, folder: Path, now: datetime) -> None:
        """Write down that a crash ended an attempt; where it cannot be, the next attempt does."""
        with contextlib.suppress(OSError, *UNREADABLE):
            if (record := _told_of_crash(folder, letterfile.load(folder), now)) is not None:
                letterfile.save(folder, record)
            (folder / SENDING).unlink()

    def queue(self, now: datetime, known: Container[str] = ()) -> dict[str, datetime]:
        """The queued messages, and when each is due. Of those that are `known`, which are not read
        again, only those that somebody wants tried now."""
        queue = {}
        self._save_late()
        try:
            folders = sorted((self._root / State.QUEUED).iterdir())
        except OSError as error:  # a disk that went away may come back: look again in a while
            log.error("the outbox %s cannot be read: %s", self._root, error)
            return {}
        for folder in folders:
            try:
                if (folder / NOW).exists():
                    due = now
                elif folder.name in known:
                    continue
                else:
                    due = self._read(folder).due
            except FileNotFoundError:  # moved on since we looked
                continue
            except (OSError, *UNREADABLE):
                due = now
            queue[folder.name] = due
        return queue

    def raw(self, names: Iterable[str]) -> frozenset[str]:
        """Those of them of whose mail something must be made first (preparation.py): recorded
        messages that were never tried, unless somebody wants them tried now."""
        return frozenset(name for name in names if self._is_raw(self.folder(name)))

    def _is_raw(self, folder: Path) -> bool:
        with contextlib.suppress(OSError, *UNREADABLE):
            record = self._read(folder)
            raw = isinstance(record.letter, Letter) and not record.tries
            return raw and not (folder / NOW).exists()
        return False

    def asked(self) -> float:
        """Changes when somebody has asked for a retry in another process."""
        with contextlib.suppress(OSError):
            return (self._root / ASKED).stat().st_mtime
        return 0.0

    def begin(self, name: str, now: datetime) -> Record | None:
        """Begin an attempt: what is known of a queued message; None where it is gone, or moved to
        failed/ because there is nothing that can be read. Raises OSError."""
        folder = self.folder(name)
        try:
            record = self._read(folder)
        except FileNotFoundError:
            if folder.exists():
                letterfile.move(folder, self._root / State.FAILED)
            return None
        except UNREADABLE:  # nobody to send it to; `screener outbox` says why
            letterfile.move(folder, self._root / State.FAILED)
            return None
        if (folder / SENDING).exists():
            record = _told_of_crash(folder, record, now) or record
        if (folder / NOW).exists():
            record = record.renewed(now)
        with contextlib.suppress(OSError):  # a full disk delivers all the same
            (folder / SENDING).touch()
            os.utime(folder / SENDING, (now.timestamp(), now.timestamp()))
        return record

    def write_down(self, record: Record, state: State) -> None:
        """Save what an attempt came to, and move the message where that puts it."""
        folder = self.folder(record.id)
        self._unsaved[record.id] = record
        try:
            letterfile.save(folder, record)
            if not _asked_meanwhile(folder):
                (folder / NOW).unlink(missing_ok=True)
            del self._unsaved[record.id]
        except OSError:  # a full disk: `_unsaved` knows, and the next attempt writes it down
            if isinstance(record.letter, Letter) and folder.exists():
                taken = {r.address: r.reply for r in record.recipients if r.taken}
                known = progress.Progress.read(folder)
                known.taken(taken).write(folder)  # there is room for that; a new start reads it
        again = state is State.FAILED and _asked_meanwhile(folder)
        with contextlib.suppress(OSError):
            (folder / SENDING).unlink(missing_ok=True)
        if not folder.exists():
            log.warning("message %s was taken away while it was being sent", record.id)
            self._save_late()
        elif state is not State.QUEUED and not again:
            letterfile.move(folder, self._root / state)  # needs no room

    def _save_late(self) -> None:
        """Write down, where there is room again, what was moved on while there was none."""
        for name, record in list(self._unsaved.items()):
            for place in (State.SENT, State.FAILED, DROPPED):
                folder = self._root / place / name
                with contextlib.suppress(OSError):
                    if folder.exists():
                        letterfile.save(folder, record)
                        self._unsaved.pop(name, None)

    def _read(self, folder: Path) -> Record:
        return self._unsaved.get(folder.name) or letterfile.load(folder)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the outbox for this process: two deliverers would send everything twice."""
        with letterfile.disk(self._root), (self._root / LOCK).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise OutboxError(
                    f"another screener already delivers from {self._root}: stop it first."
                ) from error
            yield


def _asked_meanwhile(folder: Path) -> bool:
    """Whether somebody has asked for a retry since the attempt that is over had begun."""
    with contextlib.suppress(OSError):  # nobody has; or the attempt could leave no mark
        return (folder / NOW).stat().st_mtime > (folder / SENDING).stat().st_mtime
    return False


def _size(audio: Path | BinaryIO) -> int:
    """The bytes of a file, by its path or open; 0 where nobody knows: it is tried."""
    try:
        if isinstance(audio, Path):
            return audio.stat().st_size
        at = audio.tell()
        size = audio.seek(0, os.SEEK_END)
        audio.seek(at)
    except OSError:
        return 0
    else:
        return size - at


def _is_whole(folder: Path) -> bool:
    """Whether all of a message is there: its letter and its sound, or a notice's letter.

    A composed mail is begun again by whoever composed it: half of one may lie there.
    """
    if not (folder / LETTER).exists():
        return False
    if (folder / "audio.wav").exists():
        return True
    try:
        return isinstance(letterfile.load(folder).letter, Notice)
    except (OSError, *UNREADABLE):
        return False


def _told_of_crash(folder: Path, record: Record, now: datetime) -> Record | None:
    """What is known of a message in whose folder an attempt has left its mark, with that attempt;
    None where its end is written down already, and only the mark was left."""
    begun = datetime.fromtimestamp((folder / SENDING).stat().st_mtime, UTC)
    if not record.waiting or (record.history and record.history[-1].at >= begun):
        return None
    return record.cut_short(begun, now)
