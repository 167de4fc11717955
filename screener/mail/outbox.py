"""The outbox: messages are kept on disk, and tried until the mail server has them.

What is kept lies in spool.py's folders, and stays whatever happens. An attempt is written down
before the next thing happens. A crash between the mail server's 250 and that leaves a second copy
with the same Message-ID, which is the right one of the two mistakes (RFC 1047). What an attempt
means to a message is decided in core/delivery.py; postman.py speaks to the mail server. What must
be made of a message before, preparation.py has made beside.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, tzinfo
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from screener import background
from screener.core import notice as notices
from screener.core.agenda import Agenda
from screener.core.callerid import shown
from screener.core.composed import Composed
from screener.core.delivery import FIRST_RETRY, Answers, Delivery, Record, State
from screener.core.event import Event
from screener.core.letter import Letter, is_address
from screener.core.notice import Notice
from screener.errors import MailError, StoreError
from screener.mail.carriage import Carrier
from screener.mail.mailqueue import Item, MailQueue
from screener.mail.mailsession import why
from screener.mail.outage import Outage
from screener.mail.postman import Postman
from screener.mail.preparation import Preparation
from screener.mail.spool import MAIL, Spool
from screener.settings.surroundings import MailSettings

log = logging.getLogger(__name__)

AT_ONCE = 4  # messages on their way at the same time: one that hangs holds up no other
LOOK_AGAIN = 60.0  # seconds after which queued/ is looked through for what another process changed
NUDGED = 2.0  # seconds after which it is seen whether another process asks for that
POLITE_STOP = 5.0  # seconds that a stop leaves an attempt to come to its end

_NO_ADDRESS = (Delivery.REFUSED, "this is not a mail address: correct the box in screener.toml")


class Outbox:
    """The messages under `root`. Opening it makes its folders, or raises OutboxError;
    MailError where the sender's address is none.

    `put` may be called while `run` delivers, and what mailqueue.py does in another process (the
    command line). `tell` is given what is worth a word in the weekly report; `clock` says what
    time it is; `to_sound` gives the link to a message's sound (links.py), or ""; `transcribe`
    makes the transcript of the message in a folder (transcripts.py); without it, there are none.
    `recovered` is set once `run` has queued what a crash had left whole and not queued.
    """

    def __init__(
        self,
        root: Path,
        mail: MailSettings,
        zone: tzinfo | None = None,
        *,
        tell: Callable[[Event], Awaitable[None]] | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        to_sound: Callable[[str, datetime], str] = lambda _id, _now: "",
        transcribe: Callable[[Path], None] = lambda _folder: None,
    ) -> None:
        if not is_address(mail.sender):
            raise MailError(
                f"mail cannot be sent from {shown(mail.sender)!r}: make mail.sender in "
                "screener.toml an address like screener@example.org."
            )
        self._mail = mail
        self._zone = zone
        self._outage = Outage(mail)
        self._carrier = Carrier(mail.sender, zone, to_sound)
        self.recovered = asyncio.Event()
        self._woken = asyncio.Event()
        self._trying: dict[str, asyncio.Task[None]] = {}
        self._spool = Spool(root)
        self._queue = MailQueue(root)
        self._preparation = Preparation(self._spool.folder, transcribe, self._prepared)
        self._raw: set[str] = set()  # to be prepared
        self._agenda = Agenda()
        self._tell = tell
        self._clock = clock
        self._stale = True  # the agenda may lack what is on the disk
        self._asked = 0.0
        self._held: Counter[Path] = Counter()
        self._looked = -LOOK_AGAIN

    # Keeping

    async def put(self, audio: Path | BinaryIO, letter: Letter, *, give: bool = False) -> str:
        """Keep a message: when this returns its id, it is on disk to stay and will be mailed.

        `audio` is a whole WAV file, by its path or open for reading; it is copied, not taken. With
        `give`, the file at a path is taken: that costs no time however long it is, and then it is
        no longer there. Nobody may write to it any more.
        Raises OutboxError with the reason (no room, no such file, not a WAV file); then nothing is
        kept, and `audio` is still where it was.
        """
        sender = self._mail.sender
        held = audio if isinstance(audio, Path) else None
        keep = partial(self._spool.keep, audio, letter, sender, give=give)
        return await self._kept(keep, held, raw=True)

    def hold(self, audio: Path, work: asyncio.Future[Any]) -> None:
        """A recording is not to be touched until `work` on it is done."""
        self._held[audio] += 1
        work.add_done_callback(lambda _: self._let_go(audio))

    def _let_go(self, audio: Path) -> None:
        self._held[audio] -= 1
        self._held += Counter()  # forget those that nobody holds

    def holds(self, audio: Path) -> bool:
        """Whether a recording is being written, or put into the outbox, at this moment."""
        return audio in self._held

    def room(self) -> int:
        """How many bytes of recordings the disk still takes; ask before a caller is invited to
        speak. Never blocks for long; 0 where the disk cannot be asked."""
        return self._spool.room()

    async def notify(self, notice: Notice) -> str:
        """Keep a notice, as `put` keeps a message: it is mailed however long that takes.

        Raises OutboxError; then nothing is kept.
        """
        return await self._kept(lambda: self._spool.keep(None, notice, self._mail.sender))

    async def post(self, to: tuple[str, ...], mail: EmailMessage, what: str) -> str:
        """Keep a mail that is composed already, as `put` keeps a message; its id.

        Its From, To, Date and Message-ID are set here; `mail` itself stays as it is. `what` is its
        line in `screener outbox`. Raises OutboxError; then nothing is kept.
        """
        composed, sender = Composed(to, what), self._mail.sender
        return await self._kept(lambda: self._spool.keep_mail(mail, composed, sender, self._zone))

    async def _kept(
        self, keep: Callable[[], str], audio: Path | None = None, *, raw: bool = False
    ) -> str:
        """Keep something, in a thread, and have it delivered; where it is `raw`, prepared first."""
        keeping = asyncio.ensure_future(asyncio.to_thread(keep))
        if audio is not None:
            self.hold(audio, keeping)
        try:
            name = await asyncio.shield(keeping)
        except asyncio.CancelledError:
            keeping.add_done_callback(self._kept_late)  # the thread keeps it all the same
            raise
        if raw:
            self._raw.add(name)
            self._woken.set()
        elif name not in self._trying:  # a look at the disk may have been faster
            self._prepared(name)
        return name

    def _kept_late(self, keeping: asyncio.Future[str]) -> None:
        """What nobody waited for has been kept, or has not."""
        if not keeping.cancelled() and (error := keeping.exception()) is not None:
            log.error("what took too long to be kept was not kept: %s", error)
        self._stale = True
        self._woken.set()

    def _prepared(self, name: str) -> None:
        """Something can be tried."""
        now = self._clock()
        self._agenda.enter(name, now, now)
        self._woken.set()

    # Delivering

    async def run(self) -> None:
        """Deliver until cancelled: what is due, as it comes and as its time comes.

        A cancellation leaves attempts under way a few seconds to end. One that needs longer is
        abandoned with its thread: if the mail server takes that message after all, it is sent
        again at the next start, with the same Message-ID.
        """
        with self._spool.alone():
            await asyncio.to_thread(self._spool.recover, self._clock())
            self.recovered.set()
            self._stale = True
            try:
                while True:
                    self._woken.clear()
                    await self._look_if_stale()
                    self._begin_preparing()
                    pause = self._start_due()
                    # Not wait_for: before Python 3.12 it can lose a cancellation.
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(pause):
                            await self._woken.wait()
            finally:
                self._preparation.stop()
                if self._trying:
                    await asyncio.wait(self._trying.values(), timeout=POLITE_STOP)
                for task in self._trying.values():
                    task.cancel()

    async def _look_if_stale(self) -> None:
        """Look through the disk: now and then, and when somebody has asked for something."""
        asked = await asyncio.to_thread(self._spool.asked)
        ago = time.monotonic() - self._looked
        if self._stale or asked != self._asked or ago > LOOK_AGAIN:
            self._stale, self._asked = False, asked
            await self._look(self._clock())

    async def _look(self, now: datetime) -> None:
        self._looked = time.monotonic()
        self._agenda.look()
        known = self._agenda.names | self._preparation.names | self._trying.keys()
        found = await asyncio.to_thread(self._spool.queue, now, known)
        raw = await asyncio.to_thread(self._spool.raw, found)
        for name in found.keys() - raw:  # somebody may want it at once
            self._preparation.leave(name)
        self._raw |= raw
        ready = {name: due for name, due in found.items() if name not in raw}
        self._agenda.looked(ready, self._trying, now)

    def _begin_preparing(self) -> None:
        for name in sorted(self._raw):  # the oldest first
            self._preparation.begin(name)
        self._raw.clear()

    def _start_due(self) -> float:
        """Start an attempt for what is due, as far as there are places; return the seconds until
        it is worth looking again."""
        now = self._clock()
        while len(self._trying) < AT_ONCE and (name := self._agenda.take(now)) is not None:
            if name not in self._trying:  # never twice at once
                self._trying[name] = asyncio.create_task(self._try(name, self._clock))
                self._trying[name].add_done_callback(partial(_told_of_mistake, name))
        due = self._agenda.next_due()
        if due is None or len(self._trying) >= AT_ONCE:
            return NUDGED
        return min(NUDGED, max(0.0, (due - now).total_seconds()))

    async def _try(self, name: str, clock: Callable[[], datetime]) -> None:
        try:
            attempt = partial(self._attempt, name, clock)
            after, event = await background.done(attempt, f"outbox {name}")
            if after is not None:
                self._agenda.enter(name, after.due, clock())
            if event is not None and self._tell is not None:
                await self._tell(event)
        except OSError as error:
            # Not the mail server, whose errors are answers, but our own disk.
            log.error("message %s could not be moved on and stays queued: %s", name, error)
            self._agenda.enter(name, clock() + FIRST_RETRY, clock())
        except StoreError as error:
            log.error("the report will not tell of message %s: %s", name, error)
        finally:
            del self._trying[name]
            self._woken.set()

    def _attempt(
        self, name: str, clock: Callable[[], datetime]
    ) -> tuple[Record | None, Event | None]:
        """Try one message once, from reading it to moving it where it belongs. In a thread.

        Returns its record where it stays queued, and what its owner is to read of it in his report.
        """
        begun = clock()
        record = self._spool.begin(name, begun)
        if record is None:
            return None, None
        answers: Answers = {a: _NO_ADDRESS for a in record.waiting if not is_address(a)}
        to = [address for address in record.waiting if address not in answers]
        with Postman(self._mail) as postman:
            try:
                if to:
                    answers = {**answers, **self._deliver(record, to, postman)}
            except (OSError, ValueError) as error:
                answers = {**answers, **dict.fromkeys(to, (Delivery.WAITING, why(error)))}
            self._outage.learn({address: answers[address] for address in to})
            now = clock()
            after = record.after(answers, now, begun) if answers else record
            after, state = after.settled(self._mail.retry_days, now)
            self._spool.write_down(after, state)
        return after if state is State.QUEUED else None, after.trouble(record, state, now)

    def _deliver(self, record: Record, to: Sequence[str], postman: Postman) -> Answers:
        """Hand over what a record is about: each recipient's answer. Raises OSError, ValueError."""
        folder = self._spool.folder(record.id)
        match record.letter:
            case Letter() as letter:
                return self._carrier.carry(record, letter, folder, to, postman)
            case Notice() as notice:
                note = notices.compose(
                    notice,
                    sender=self._mail.sender,
                    message_id=record.message_id,
                    written=record.written,
                    zone=self._zone,
                )
                return postman.deliver(to, note.as_bytes())
            case Composed():
                return postman.deliver(to, (folder / MAIL).read_bytes())

    # For people

    def items(self) -> list[Item]:
        """Every message there is, queued, failed and sent, oldest first within each."""
        return self._queue.items()


def _told_of_mistake(name: str, task: asyncio.Task[None]) -> None:
    """A message that a mistake of ours keeps from being sent is tried again at the next look."""
    if not task.cancelled() and (mistake := task.exception()) is not None:
        log.error("message %s stays queued: a mistake in screener", name, exc_info=mistake)
