"""The mail spool on disk: messages as folders, each moved on durably, none lost by a crash.

A recorded message is a folder, and the folder that it is in says what has become of it:

    outbox/new/ID/      being put together; the caller has not been told anything yet
    outbox/queued/ID/   kept: on disk to stay, waiting for the mail server
    outbox/sent/ID/     the mail server has taken it for every recipient
    outbox/failed/ID/   refused for good, or given up: kept and shown, to be tried again by hand

with `audio.wav`, `letter.json` (what is known, every recipient's state, every attempt) and, once it
was needed, `message.mp3`. A notice to the owner (core/notice.py) lies there too: a letter.json, and
no sound. A folder is completed and fsynced in new/, then renamed into queued/, and only then does
`keep` return: so a caller who hangs up, a crash or a power cut cannot cut a message short. Nothing
is ever sent from what a call still writes to. Only `sweep` deletes, and only what was sent.

An attempt is written down by an atomic replace of letter.json. An empty file `now` beside it says
that somebody wants it tried at once. recording.py looks after the sound.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from screener import recording, replacement
from screener.core.callerid import shown
from screener.core.delivery import Record, State, as_json, from_json
from screener.core.letter import Letter
from screener.core.notice import Notice
from screener.errors import OutboxError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Item:
    """A message in the outbox, for people. `record` is None when letter.json cannot be read, and
    `trouble` then says why. `folder` holds its sound."""

    id: str
    state: State
    folder: Path
    record: Record | None
    trouble: str = ""

    @property
    def call(self) -> int | None:
        """The call that left the message; None where it is a notice, or cannot be read."""
        letter = self.record.letter if self.record else None
        return letter.call if isinstance(letter, Letter) else None


class Spool:
    """The folders under `root`. Opening it makes them, or raises OutboxError.

    `keep` may be called while others are read and moved on. `items`, `retry` and `sweep` may be
    called in another process (the command line) while a service runs.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._making: set[str] = set()
        # What could not be written down because the disk is full is remembered here, so that
        # a recipient who has the message does not get it again as long as we run.
        self._unsaved: dict[str, Record] = {}
        with _disk(root):
            root.mkdir(parents=True, exist_ok=True)
            root.chmod(0o700)  # people's voices
            for name in ("new", *State):
                (root / name).mkdir(exist_ok=True)

    def folder(self, name: str) -> Path:
        """Where a queued message lies."""
        return self._root / State.QUEUED / name

    def keep(self, audio: Path | BinaryIO | None, letter: Letter | Notice, sender: str) -> str:
        """Put a message or a notice on disk, to stay; its id. Raises OutboxError: nothing is kept.

        `audio` is a whole WAV file, by its path or open for reading; it is copied, not taken.
        """
        now = datetime.now(UTC)
        name = f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
        making = self._root / "new" / name
        self._making.add(name)
        try:
            with _disk(self._root):
                making.mkdir()
                _save(making, Record.begun(name, letter, sender, now))
                if audio is not None:
                    recording.keep(audio, making)
                replacement.to_disk(making)
                self._move(making, State.QUEUED)
        except BaseException:
            shutil.rmtree(making, ignore_errors=True)  # what is left after a crash, recover() finds
            raise
        finally:
            self._making.discard(name)
        return name

    def _move(self, folder: Path, state: State) -> None:
        """Rename a folder into its new state, durably."""
        folder.rename(self._root / state / folder.name)
        replacement.to_disk(self._root / state)
        replacement.to_disk(folder.parent)

    def recover(self) -> list[str]:
        """Clear new/ of what a crash left there; return the ids that were saved.

        A message whose sound was completely copied is queued: its caller may have been about to
        hear that it is kept, and one message too many is better than one too few. A part of a
        message is deleted: its caller was told nothing, and the recording it was copied from has
        not been touched.
        """
        saved = []
        with _disk(self._root):
            for folder in sorted((self._root / "new").iterdir()):
                if folder.name in self._making:
                    continue
                if _is_whole(folder):
                    self._move(folder, State.QUEUED)
                    saved.append(folder.name)
                else:
                    shutil.rmtree(folder)
        return saved

    def queue(self, now: datetime) -> dict[str, datetime]:
        """The queued messages, and when each is due."""
        queue = {}
        try:
            folders = sorted((self._root / State.QUEUED).iterdir())
        except OSError as error:  # a disk that went away may come back: look again in a while
            log.error("the outbox %s cannot be read: %s", self._root, error)
            return {}
        for folder in folders:
            try:
                due = now if (folder / "now").exists() else self._read(folder).due
            except FileNotFoundError:  # moved on since we looked
                continue
            except (OSError, ValueError, KeyError, TypeError):
                due = now
            queue[folder.name] = due
        return queue

    def open(self, name: str, now: datetime) -> Record | None:
        """What is known of a queued message; None where it is gone, or moved to failed/ because
        there is nothing that can be read."""
        folder = self.folder(name)
        try:
            record = self._read(folder)
        except FileNotFoundError:
            if folder.exists():
                self._move(folder, State.FAILED)
            return None
        except (OSError, ValueError, KeyError, TypeError):
            self._move(folder, State.FAILED)  # nobody to send it to; `items` says why
            return None
        return record.renewed(now) if (folder / "now").exists() else record

    def write_down(self, record: Record, state: State) -> None:
        """Save what an attempt came to, and move the message where that puts it."""
        folder = self.folder(record.id)
        self._unsaved[record.id] = record
        with contextlib.suppress(OSError):  # a full disk: `_unsaved` knows, and the next attempt
            _save(folder, record)  # writes it down
            (folder / "now").unlink(missing_ok=True)
            del self._unsaved[record.id]
        if state is not State.QUEUED:
            self._move(folder, state)  # needs no room

    def _read(self, folder: Path) -> Record:
        return self._unsaved.get(folder.name) or _load(folder)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the outbox for this process: two deliverers would send everything twice."""
        with _disk(self._root), (self._root / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise OutboxError(
                    f"another screener already delivers from {self._root}: stop it first."
                ) from error
            yield

    def items(self) -> list[Item]:
        """Every message there is, queued, failed and sent, oldest first within each."""
        found: dict[str, Item] = {}
        with _disk(self._root):
            for state in (State.QUEUED, State.FAILED, State.SENT):
                for folder in sorted((self._root / state).iterdir()):
                    found.pop(folder.name, None)  # moved on while we looked: it is here now
                    found[folder.name] = _item(folder, state)
        return list(found.values())

    def retry(self, name: str) -> None:
        """Have a failed or queued message tried again now, also for recipients that were refused.

        Its retry_days begin anew. Raises OutboxError when there is no such message.
        """
        with _disk(self._root):
            for state in (State.FAILED, State.QUEUED):
                # Looked up, not joined: a name like ".." comes from somebody's command line.
                folder = {f.name: f for f in (self._root / state).iterdir()}.get(name)
                if folder is not None:
                    (folder / "now").touch()
                    if state is State.FAILED:
                        self._move(folder, State.QUEUED)
                    return
        raise OutboxError(f"no message {shown(name)} is waiting or failed: see `screener outbox`.")

    def sweep(self, older_than: timedelta, now: datetime) -> int:
        """Delete what was sent more than `older_than` before `now`; return how many that were."""
        swept = 0
        with _disk(self._root):
            for folder in sorted((self._root / State.SENT).iterdir()):
                if datetime.fromtimestamp(folder.stat().st_mtime, UTC) < now - older_than:
                    shutil.rmtree(folder)
                    swept += 1
        return swept


def _is_whole(folder: Path) -> bool:
    """Whether all of a message is there: its letter and its sound, or a notice's letter."""
    if not (folder / "letter.json").exists():
        return False
    if (folder / "audio.wav").exists():
        return True
    try:
        return isinstance(_load(folder).letter, Notice)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _item(folder: Path, state: State) -> Item:
    try:
        return Item(folder.name, state, folder, _load(folder))
    except (OSError, ValueError, KeyError, TypeError) as error:
        trouble = f"letter.json cannot be read ({error}): the message itself is audio.wav"
        return Item(folder.name, state, folder, None, trouble)


def _save(folder: Path, record: Record) -> None:
    """Replace letter.json by this record, durably: after a crash it is the old one or the new."""
    part = folder / "letter.part"
    with part.open("w", encoding="ascii") as file:
        file.write(as_json(record))
        file.flush()
        os.fsync(file.fileno())
    part.replace(folder / "letter.json")
    replacement.to_disk(folder)


def _load(folder: Path) -> Record:
    """What `_save` wrote. Raises OSError, ValueError, KeyError or TypeError."""
    return from_json(folder.name, (folder / "letter.json").read_text(encoding="ascii"))


@contextlib.contextmanager
def _disk(root: Path) -> Iterator[None]:
    """Turn what goes wrong with the disk into one sentence that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            what = "there is no room left on the disk: free some"
        else:
            name = f" ({error.filename})" if error.filename else ""
            what = f"{error.strerror or error}{name}"
        raise OutboxError(f"the outbox {root} cannot be used: {what}.") from error
