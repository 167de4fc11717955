"""The durable mail spool: messages kept on disk, and tried until the mail server has them.

A recorded message is a folder, and the folder that it is in says what has become of it:

    outbox/new/ID/      being put together; the caller has not been told anything yet
    outbox/queued/ID/   kept: on disk to stay, waiting for the mail server
    outbox/sent/ID/     the mail server has taken it for every recipient
    outbox/failed/ID/   refused for good, or given up: kept and shown, to be tried again by hand

with `audio.wav`, `letter.json` (what is known, every recipient's state, every attempt) and, once it
was needed, `message.mp3`. A notice to the owner (core/notice.py) lies there too: a letter.json, and
no sound. A folder is completed and fsynced in new/, then renamed into queued/, and
only then does `put` return: so a caller who hangs up, a crash or a power cut cannot cut a message
short. Nothing is ever sent from what a call still writes to. Only `sweep` deletes, and only what
was sent.

An attempt is written down before the next thing happens, by an atomic replace of letter.json. A
crash between the mail server's 250 and that leaves a second copy with the same Message-ID, which is
the right one of the two mistakes (RFC 1047). What an attempt means to a message is decided in
core/delivery.py; postman.py speaks to the mail server, recording.py looks after the sound.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import logging
import os
import secrets
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import BinaryIO

from screener import recording
from screener.core import letter as letters
from screener.core import notice as notices
from screener.core.callerid import shown
from screener.core.delivery import (
    FIRST_RETRY,
    LONGEST_RETRY,
    Answers,
    Delivery,
    Record,
    State,
    as_json,
    from_json,
)
from screener.core.letter import Letter, is_address
from screener.core.notice import Notice
from screener.errors import OutboxError
from screener.postman import Postman, why
from screener.surroundings import MailSettings

log = logging.getLogger(__name__)

AT_ONCE = 4  # messages on their way at the same time: one that hangs holds up no other
LOOK_AGAIN = 60.0  # seconds after which queued/ is looked through for what another process changed
POLITE_STOP = 5.0  # seconds that a stop leaves an attempt to come to its end

_NO_ADDRESS = (Delivery.REFUSED, "this is not a mail address: correct the box in screener.toml")


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


class Outbox:
    """The spool under `root`. Opening it makes its folders, or raises OutboxError.

    `put` may be called while `run` delivers. `items`, `retry` and `sweep` may be called in another
    process (the command line) while a service runs.
    """

    def __init__(self, root: Path, mail: MailSettings, zone: tzinfo | None = None) -> None:
        if not is_address(mail.sender):
            raise OutboxError(
                f"mail cannot be sent from {shown(mail.sender)!r}: make mail.sender in "
                "screener.toml an address like screener@example.org."
            )
        self._root = root
        self._mail = mail
        self._zone = zone
        self._next_sweep = datetime.min.replace(tzinfo=UTC)
        self._woken = asyncio.Event()
        self._making: set[str] = set()
        self._trying: dict[str, asyncio.Task[None]] = {}
        self._places = asyncio.Semaphore(AT_ONCE)
        # What could not be written down because the disk is full is remembered here, so that
        # a recipient who has the message does not get it again as long as we run.
        self._unsaved: dict[str, Record] = {}
        with _disk(root):
            root.mkdir(parents=True, exist_ok=True)
            root.chmod(0o700)  # people's voices
            for name in ("new", *State):
                (root / name).mkdir(exist_ok=True)

    # Keeping

    async def put(self, audio: Path | BinaryIO, letter: Letter) -> str:
        """Keep a message: when this returns its id, it is on disk to stay and will be mailed.

        `audio` is a whole WAV file, by its path or open for reading; it is copied, not taken.
        Raises OutboxError with the reason (no room, no such file, not a WAV file); then nothing is
        kept, and `audio` is still where it was.
        """
        try:
            return await asyncio.to_thread(self._keep, audio, letter)
        finally:
            self._woken.set()

    async def notify(self, notice: Notice) -> str:
        """Keep a notice, as `put` keeps a message: it is mailed however long that takes.

        Raises OutboxError; then nothing is kept.
        """
        try:
            return await asyncio.to_thread(self._keep, None, notice)
        finally:
            self._woken.set()

    def _keep(self, audio: Path | BinaryIO | None, letter: Letter | Notice) -> str:
        now = datetime.now(UTC)
        name = f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
        making = self._root / "new" / name
        self._making.add(name)
        try:
            with _disk(self._root):
                making.mkdir()
                _save(making, Record.begun(name, letter, self._mail.sender, now))
                if audio is not None:
                    recording.keep(audio, making)
                _sync(making)
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
        _sync(self._root / state)
        _sync(folder.parent)

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

    # Delivering

    async def run(self) -> None:
        """Deliver until cancelled: what is due, as it comes and as its time comes.

        A cancellation leaves attempts under way a few seconds to end. One that needs longer is
        abandoned with its thread: if the mail server takes that message after all, it is sent
        again at the next start, with the same Message-ID.
        """
        with self._alone():
            await asyncio.to_thread(self.recover)
            try:
                while True:
                    await self._sweep_daily(datetime.now(UTC))
                    self._woken.clear()
                    pause = await self._start_due(datetime.now(UTC))
                    # Not wait_for: before Python 3.12 it can lose a cancellation.
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(pause):
                            await self._woken.wait()
            finally:
                if self._trying:
                    await asyncio.wait(self._trying.values(), timeout=POLITE_STOP)
                for task in self._trying.values():
                    task.cancel()

    async def deliver_due(self, now: datetime) -> list[str]:
        """Try every queued message that is due at `now`, once; return the ids that were tried."""
        await self._start_due(now)
        tried = dict(self._trying)
        await asyncio.gather(*tried.values())
        return sorted(tried)

    async def _start_due(self, now: datetime) -> float:
        """Start an attempt for what is due; return the seconds until something else will be."""
        pause = LOOK_AGAIN
        for name, due in (await asyncio.to_thread(self._queue, now)).items():
            if name in self._trying:
                continue
            # A due time further off than any we give was written under a wrong clock.
            if due <= now or due > now + LONGEST_RETRY:
                self._trying[name] = asyncio.create_task(self._try(name, now))
            else:
                pause = min(pause, (due - now).total_seconds())
        return pause

    async def _try(self, name: str, now: datetime) -> None:
        try:
            async with self._places:
                await _in_thread(lambda: self._attempt(name, now), f"outbox {name}")
        except OSError as error:
            # Not the mail server, whose errors are answers, but our own disk. The message stays
            # in `_trying` for a while, so that it is not tried again at once.
            log.error("message %s could not be moved on and stays queued: %s", name, error)
            await asyncio.sleep(FIRST_RETRY.total_seconds())
        finally:
            del self._trying[name]
            self._woken.set()

    def _queue(self, now: datetime) -> dict[str, datetime]:
        """The queued messages and when each is due."""
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

    def _attempt(self, name: str, now: datetime) -> None:
        """Try one message once, from reading it to moving it where it belongs. In a thread."""
        folder = self._root / State.QUEUED / name
        try:
            record = self._read(folder)
        except FileNotFoundError:
            if folder.exists():
                self._move(folder, State.FAILED)
            return
        except (OSError, ValueError, KeyError, TypeError):
            self._move(folder, State.FAILED)  # nobody to send it to; `items` says why
            return
        if (folder / "now").exists():
            record = record.renewed(now)
        answers: Answers = {a: _NO_ADDRESS for a in record.waiting if not is_address(a)}
        to = [address for address in record.waiting if address not in answers]
        with Postman(self._mail) as postman:
            try:
                if to:
                    answers = {**answers, **postman.deliver(to, self._composed(folder, record))}
            except (OSError, ValueError) as error:
                answers = {**answers, **dict.fromkeys(to, (Delivery.WAITING, why(error)))}
            self._write_down(folder, record.after(answers, now), now)

    def _write_down(self, folder: Path, record: Record, now: datetime) -> None:
        """Save what an attempt came to, and move the message where that puts it."""
        record, state = record.settled(self._mail.retry_days, now)
        self._unsaved[record.id] = record
        with contextlib.suppress(OSError):  # a full disk: `_unsaved` knows, and the next attempt
            _save(folder, record)  # writes it down
            (folder / "now").unlink(missing_ok=True)
            del self._unsaved[record.id]
        if state is not State.QUEUED:
            self._move(folder, state)  # needs no room

    def _composed(self, folder: Path, record: Record) -> bytes:
        if isinstance(record.letter, Notice):
            note = notices.compose(
                record.letter,
                sender=self._mail.sender,
                message_id=record.message_id,
                written=record.written,
                zone=self._zone,
            )
            return note.as_bytes()
        sound, form, remark = recording.attachment(folder)
        mail = letters.compose(
            record.letter,
            sound,
            form,
            sender=self._mail.sender,
            message_id=record.message_id,
            written=record.written,
            zone=self._zone,
            remark=remark,
        )
        return mail.as_bytes()

    def _read(self, folder: Path) -> Record:
        return self._unsaved.get(folder.name) or _load(folder)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the outbox for this process: two deliverers would send everything twice."""
        with _disk(self._root), (self._root / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise OutboxError(
                    f"another screener already delivers from {self._root}: stop it first."
                ) from error
            yield

    # For people

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
        """Try a failed or queued message again now, also for recipients that were refused.

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
                    self._woken.set()
                    return
        raise OutboxError(f"no message {shown(name)} is waiting or failed: see `screener outbox`.")

    async def _sweep_daily(self, now: datetime) -> None:
        if now >= self._next_sweep:
            self._next_sweep = now + timedelta(days=1)
            await asyncio.to_thread(self.sweep, timedelta(days=self._mail.keep_days), now)

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


# The disk ----------------------------------------------------------------------------------------


def _save(folder: Path, record: Record) -> None:
    """Replace letter.json by this record, durably: after a crash it is the old one or the new."""
    part = folder / "letter.part"
    with part.open("w", encoding="ascii") as file:
        file.write(as_json(record))
        file.flush()
        os.fsync(file.fileno())
    part.replace(folder / "letter.json")
    _sync(folder)


def _load(folder: Path) -> Record:
    """What `_save` wrote. Raises OSError, ValueError, KeyError or TypeError."""
    return from_json(folder.name, (folder / "letter.json").read_text(encoding="ascii"))


def _sync(folder: Path) -> None:
    """fsync a folder: the names in it are on disk."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


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


async def _in_thread(work: Callable[[], None], name: str) -> None:
    """Run `work` in a thread that does not keep the process from ending (unlike to_thread's)."""
    done: Future[None] = Future()
    done.set_running_or_notify_cancel()

    def run() -> None:
        try:
            work()
            done.set_result(None)
        except BaseException as error:  # noqa: BLE001  # carried to whoever awaits it
            done.set_exception(error)

    threading.Thread(target=run, name=name, daemon=True).start()
    await asyncio.wrap_future(done)
