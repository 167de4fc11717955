"""The outbox: messages are kept on disk, and tried until the mail server has them.

What is kept lies in spool.py's folders, and stays whatever happens. An attempt is written down
before the next thing happens. A crash between the mail server's 250 and that leaves a second copy
with the same Message-ID, which is the right one of the two mistakes (RFC 1047). What an attempt
means to a message is decided in core/delivery.py; postman.py speaks to the mail server.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
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
)
from screener.core.letter import Letter, is_address
from screener.core.notice import Notice
from screener.errors import OutboxError
from screener.postman import Postman, why
from screener.spool import Item, Spool
from screener.surroundings import MailSettings

log = logging.getLogger(__name__)

AT_ONCE = 4  # messages on their way at the same time: one that hangs holds up no other
LOOK_AGAIN = 60.0  # seconds after which queued/ is looked through for what another process changed
POLITE_STOP = 5.0  # seconds that a stop leaves an attempt to come to its end

_NO_ADDRESS = (Delivery.REFUSED, "this is not a mail address: correct the box in screener.toml")


class Outbox:
    """The messages under `root`. Opening it makes its folders, or raises OutboxError.

    `put` may be called while `run` delivers. `items` and `retry` may be called in another process
    (the command line) while a service runs.
    """

    def __init__(self, root: Path, mail: MailSettings, zone: tzinfo | None = None) -> None:
        if not is_address(mail.sender):
            raise OutboxError(
                f"mail cannot be sent from {shown(mail.sender)!r}: make mail.sender in "
                "screener.toml an address like screener@example.org."
            )
        self._mail = mail
        self._zone = zone
        self._next_sweep = datetime.min.replace(tzinfo=UTC)
        self._woken = asyncio.Event()
        self._trying: dict[str, asyncio.Task[None]] = {}
        self._places = asyncio.Semaphore(AT_ONCE)
        self._spool = Spool(root)

    # Keeping

    async def put(self, audio: Path | BinaryIO, letter: Letter) -> str:
        """Keep a message: when this returns its id, it is on disk to stay and will be mailed.

        `audio` is a whole WAV file, by its path or open for reading; it is copied, not taken.
        Raises OutboxError with the reason (no room, no such file, not a WAV file); then nothing is
        kept, and `audio` is still where it was.
        """
        try:
            return await asyncio.to_thread(self._spool.keep, audio, letter, self._mail.sender)
        finally:
            self._woken.set()

    async def notify(self, notice: Notice) -> str:
        """Keep a notice, as `put` keeps a message: it is mailed however long that takes.

        Raises OutboxError; then nothing is kept.
        """
        try:
            return await asyncio.to_thread(self._spool.keep, None, notice, self._mail.sender)
        finally:
            self._woken.set()

    # Delivering

    async def run(self) -> None:
        """Deliver until cancelled: what is due, as it comes and as its time comes.

        A cancellation leaves attempts under way a few seconds to end. One that needs longer is
        abandoned with its thread: if the mail server takes that message after all, it is sent
        again at the next start, with the same Message-ID.
        """
        with self._spool.alone():
            await asyncio.to_thread(self._spool.recover)
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
        for name, due in (await asyncio.to_thread(self._spool.queue, now)).items():
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

    def _attempt(self, name: str, now: datetime) -> None:
        """Try one message once, from reading it to moving it where it belongs. In a thread."""
        record = self._spool.open(name, now)
        if record is None:
            return
        answers: Answers = {a: _NO_ADDRESS for a in record.waiting if not is_address(a)}
        to = [address for address in record.waiting if address not in answers]
        with Postman(self._mail) as postman:
            try:
                if to:
                    answers = {**answers, **postman.deliver(to, self._composed(record))}
            except (OSError, ValueError) as error:
                answers = {**answers, **dict.fromkeys(to, (Delivery.WAITING, why(error)))}
            after = record.after(answers, now)
            self._spool.write_down(*after.settled(self._mail.retry_days, now))

    def _composed(self, record: Record) -> bytes:
        if isinstance(record.letter, Notice):
            note = notices.compose(
                record.letter,
                sender=self._mail.sender,
                message_id=record.message_id,
                written=record.written,
                zone=self._zone,
            )
            return note.as_bytes()
        sound, form, remark = recording.attachment(self._spool.folder(record.id))
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

    # For people

    def items(self) -> list[Item]:
        """Every message there is, queued, failed and sent, oldest first within each."""
        return self._spool.items()

    def retry(self, name: str) -> None:
        """Try a failed or queued message again now, also for recipients that were refused.

        Its retry_days begin anew. Raises OutboxError when there is no such message.
        """
        self._spool.retry(name)
        self._woken.set()

    async def _sweep_daily(self, now: datetime) -> None:
        if now >= self._next_sweep:
            self._next_sweep = now + timedelta(days=1)
            await asyncio.to_thread(self._spool.sweep, timedelta(days=self._mail.keep_days), now)


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
