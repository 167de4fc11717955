"""The durable mail spool and SMTP delivery.

A recorded message is a folder, and the folder that it is in says what has become of it:

    outbox/new/ID/      being put together; the caller has not been told anything yet
    outbox/queued/ID/   kept: on disk to stay, waiting for the mail server
    outbox/sent/ID/     the mail server has taken it for every recipient
    outbox/failed/ID/   refused for good, or given up: kept and shown, to be tried again by hand

with `audio.wav`, `letter.json` (what is known, every recipient's state, every attempt) and, once it
was needed, `message.mp3`. A folder is completed and fsynced in new/, then renamed into queued/, and
only then does `put` return: so a caller who hangs up, a crash or a power cut cannot cut a message
short. Nothing is ever sent from what a call still writes to. Only `sweep` deletes, and only what
was sent.

An attempt is written down before the next thing happens, by an atomic replace of letter.json. A
crash between the mail server's 250 and that leaves a second copy with the same Message-ID, which is
the right one of the two mistakes (RFC 1047).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import json
import logging
import os
import re
import secrets
import shutil
import smtplib
import ssl
import struct
import threading
import wave
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from pydub import AudioSegment
from pydub.exceptions import CouldntDecodeError, CouldntEncodeError

from screener.config import MailSecurity, MailSettings
from screener.core.callerid import shown
from screener.core.letter import Letter, SoundFormat, as_data, compose, from_data, is_address
from screener.errors import OutboxError

log = logging.getLogger(__name__)

T = TypeVar("T")

FIRST_RETRY = timedelta(seconds=30)
LONGEST_RETRY = timedelta(hours=1)
# A message is given up after MailSettings.retry_days, but never before this many attempts: a
# machine that was off for a fortnight, or whose clock was wrong, still gives it a fair try.
FAIR_TRIES = 10
AT_ONCE = 4  # messages on their way at the same time: one that hangs holds up no other
LOOK_AGAIN = 60.0  # seconds after which queued/ is looked through for what another process changed
POLITE_STOP = 5.0  # seconds that a stop leaves an attempt to come to its end
SMTP_SECONDS = 30.0  # for the connection and for each reply
# The reply to the whole message: a server that scans it may take its time (RFC 5321 4.5.3.2.6).
ACCEPT_SECONDS = 600.0
MP3_RATE = 16000  # Hz: the lowest that plain MPEG-2 Layer III has (ISO 13818-3)
MP3_BITS = 32000  # bits a second, constant


class State(StrEnum):
    """What has become of a message; the name of the folder that it is in."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"


class Delivery(StrEnum):
    """What has become of a message for one recipient."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Recipient:
    """One mail address, and the mail server's last word on it."""

    address: str
    delivery: Delivery = Delivery.WAITING
    reply: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to deliver, or what else happened to a message; `at` is in UTC."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Record:
    """All that letter.json says. `since` is when the time that retry_days counts began."""

    id: str
    message_id: str
    letter: Letter
    written: datetime
    since: datetime
    due: datetime
    tries: int
    recipients: tuple[Recipient, ...]
    history: tuple[Attempt, ...]

    @property
    def waiting(self) -> tuple[str, ...]:
        return tuple(r.address for r in self.recipients if r.delivery is Delivery.WAITING)


@dataclass(frozen=True, slots=True)
class Item:
    """A message in the outbox, for people. `record` is None when letter.json cannot be read, and
    `trouble` then says why. `folder` holds its sound."""

    id: str
    state: State
    folder: Path
    record: Record | None
    trouble: str = ""


Answers = Mapping[str, tuple[Delivery, str]]


# The outbox --------------------------------------------------------------------------------------


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

    def _keep(self, audio: Path | BinaryIO, letter: Letter) -> str:
        now = datetime.now(UTC)
        name = f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
        making = self._root / "new" / name
        self._making.add(name)
        try:
            with _disk(self._root):
                making.mkdir()
                _save(making, self._first_record(name, letter, now))
                _copy_sound(audio, making)
                _sync(making)
                self._move(making, State.QUEUED)
        except BaseException:
            shutil.rmtree(making, ignore_errors=True)  # what is left after a crash, recover() finds
            raise
        finally:
            self._making.discard(name)
        return name

    def _first_record(self, name: str, letter: Letter, now: datetime) -> Record:
        domain = self._mail.sender.rpartition("@")[2]
        host = domain if is_address(f"x@{domain}") else "screener.invalid"
        return Record(
            id=name,
            message_id=f"<screener-{name}@{host}>",
            letter=letter,
            written=now,
            since=now,
            due=now,
            tries=0,
            recipients=tuple(Recipient(address) for address in dict.fromkeys(letter.to)),
            history=(),
        )

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
                if (folder / "audio.wav").exists() and (folder / "letter.json").exists():
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
            record = _renewed(record, now)
        server: smtplib.SMTP | None = None
        answers: Answers = {a: _NO_ADDRESS for a in record.waiting if not is_address(a)}
        reachable = [address for address in record.waiting if address not in answers]
        try:
            if reachable:
                mail = self._composed(folder, record)
                server = _connect(self._mail)
                answers = {**answers, **_hand_over(server, self._mail.sender, reachable, mail)}
        except (OSError, ValueError) as error:
            waits = (Delivery.WAITING, _why(error))
            answers = {**answers, **dict.fromkeys(reachable, waits)}
        self._write_down(folder, _after(record, answers, now), now)
        if server is not None:
            _farewell(server)

    def _write_down(self, folder: Path, record: Record, now: datetime) -> None:
        """Save what an attempt came to, and move the message if that settles it."""
        state = _state(record, timedelta(days=self._mail.retry_days), now)
        if state is State.FAILED and record.waiting:
            text = f"given up after {self._mail.retry_days:g} days; kept"
            record = replace(record, history=(*record.history, Attempt(now, text)))
        self._unsaved[record.id] = record
        with contextlib.suppress(OSError):  # a full disk: `_unsaved` knows, and the next attempt
            _save(folder, record)  # writes it down
            (folder / "now").unlink(missing_ok=True)
            del self._unsaved[record.id]
        if state is not State.QUEUED:
            self._move(folder, state)  # needs no room

    def _composed(self, folder: Path, record: Record) -> bytes:
        sound, form, remark = _attachment(folder)
        mail = compose(
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
        with _disk(self._root):
            return [
                _item(folder, state)
                for state in (State.QUEUED, State.FAILED, State.SENT)
                for folder in sorted((self._root / state).iterdir())
            ]

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

    def sweep(self, older_than: timedelta, now: datetime) -> int:
        """Delete what was sent more than `older_than` before `now`; return how many that were."""
        swept = 0
        with _disk(self._root):
            for folder in sorted((self._root / State.SENT).iterdir()):
                if datetime.fromtimestamp(folder.stat().st_mtime, UTC) < now - older_than:
                    shutil.rmtree(folder)
                    swept += 1
        return swept


def _item(folder: Path, state: State) -> Item:
    try:
        return Item(folder.name, state, folder, _load(folder))
    except (OSError, ValueError, KeyError, TypeError) as error:
        trouble = f"letter.json cannot be read ({error}): the message itself is audio.wav"
        return Item(folder.name, state, folder, None, trouble)


# What an attempt comes to ------------------------------------------------------------------------

_NO_ADDRESS = (Delivery.REFUSED, "this is not a mail address: correct the box in screener.toml")


def _after(record: Record, answers: Answers, now: datetime) -> Record:
    """The record after an attempt: each recipient's state, the attempt, the time of the next."""
    recipients = tuple(
        replace(r, delivery=answers[r.address][0], reply=answers[r.address][1])
        if r.address in answers
        else r
        for r in record.recipients
    )
    told = "; ".join(f"{address}: {d} ({text})" for address, (d, text) in answers.items())
    return replace(
        record,
        recipients=recipients,
        tries=record.tries + 1,
        due=now + retry_after(record.tries + 1),
        history=(*record.history, Attempt(now, told)),
    )


def retry_after(tries: int) -> timedelta:
    """How long to wait after so many attempts: 30 s, 1 min, 2 min, ... 1 h."""
    return min(FIRST_RETRY * (1 << min(tries - 1, 10)), LONGEST_RETRY)


def _state(record: Record, patience: timedelta, now: datetime) -> State:
    """Where a message with this record belongs."""
    if record.waiting:
        old = now - record.since > patience and record.tries >= FAIR_TRIES
        return State.FAILED if old else State.QUEUED
    refused = any(r.delivery is Delivery.REFUSED for r in record.recipients)
    return State.FAILED if refused or not record.recipients else State.SENT


def _renewed(record: Record, now: datetime) -> Record:
    """The record of a message that its owner wants tried again."""
    recipients = tuple(
        replace(r, delivery=Delivery.WAITING) if r.delivery is Delivery.REFUSED else r
        for r in record.recipients
    )
    history = (*record.history, Attempt(now, "tried again by hand"))
    return replace(record, since=now, tries=0, recipients=recipients, history=history)


# SMTP --------------------------------------------------------------------------------------------


_NOT_ALLOWED_YET = frozenset({530, 534, 535, 538})  # log in, or secure the line, first


def _connect(mail: MailSettings) -> smtplib.SMTP:
    """A session with the mail server, secured and logged in as the settings say.

    Raises OSError (which smtplib's errors are) or ValueError. All of that is taken as temporary: a
    wrong password is the owner's mistake and must not turn messages into bounces.
    """
    if mail.security is MailSecurity.TLS:
        context = ssl.create_default_context()
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            mail.host, mail.port, timeout=SMTP_SECONDS, context=context
        )
    else:
        server = smtplib.SMTP(mail.host, mail.port, timeout=SMTP_SECONDS)
    try:
        if mail.security is MailSecurity.STARTTLS:
            server.starttls(context=ssl.create_default_context())
        server.ehlo_or_helo_if_needed()
        if mail.user:
            server.login(mail.user, mail.password)
    except BaseException:
        server.close()
        raise
    return server


def reach(mail: MailSettings) -> None:
    """See whether the mail server is there and lets us in, sending nothing (EHLO, NOOP, QUIT).

    Raises OutboxError.
    """
    try:
        server = _connect(mail)
        server.noop()
    except (OSError, ValueError) as error:
        raise OutboxError(f"the mail server {mail.host}:{mail.port}: {_why(error)}") from error
    _farewell(server)


def _hand_over(server: smtplib.SMTP, sender: str, to: Sequence[str], mail: bytes) -> Answers:
    """One mail transaction (RFC 5321 3.3): each recipient's answer.

    Raises OSError when the session breaks; then nothing was accepted.
    """
    size = [f"size={len(mail)}"] if server.has_extn("size") else []
    code, reply = server.mail(sender, size)
    if code != 250:
        return dict.fromkeys(to, _answer(code, reply))
    answers = {address: _answer(*server.rcpt(address)) for address in to}
    willing = [a for a, (delivery, _) in answers.items() if delivery is Delivery.ACCEPTED]
    if not willing:
        return answers
    try:
        if server.sock is not None:
            server.sock.settimeout(ACCEPT_SECONDS)
        code, reply = server.data(mail)
    except smtplib.SMTPDataError as error:  # DATA itself was not welcome
        code, reply = error.smtp_code, _as_bytes(error.smtp_error)
    except OSError as error:
        # The session is gone, but what was said of the recipients before that stays true.
        return {**answers, **dict.fromkeys(willing, (Delivery.WAITING, _why(error)))}
    return {**answers, **dict.fromkeys(willing, _answer(code, reply))}


def _answer(code: int, reply: bytes) -> tuple[Delivery, str]:
    """What a reply means for a recipient (RFC 5321 4.2.1, RFC 3463).

    A full mailbox (x.2.2) is temporary even where the server says 5xx, and so is what asks us to
    log in or to secure the line (RFC 4954, RFC 3207): its owner can put it right.
    """
    text = shown(f"{code} {_as_bytes(reply).decode('utf-8', 'replace')}", 400)
    if 200 <= code < 300:
        return Delivery.ACCEPTED, text
    mailbox_full = re.match(r"5\d\d[ -]5\.2\.2\b", text) is not None
    if 500 <= code < 600 and code not in _NOT_ALLOWED_YET and not mailbox_full:
        return Delivery.REFUSED, text
    return Delivery.WAITING, text


def _as_bytes(reply: bytes | str) -> bytes:
    return reply if isinstance(reply, bytes) else reply.encode("utf-8", "replace")


def _farewell(server: smtplib.SMTP) -> None:
    """QUIT. What was accepted stays accepted whatever comes of it."""
    with contextlib.suppress(OSError):
        if server.sock is not None:
            server.sock.settimeout(5.0)
        server.quit()
    server.close()


def _why(error: OSError | ValueError) -> str:
    """What went wrong with the mail server, in its own words where it said something."""
    if isinstance(error, smtplib.SMTPResponseException):
        return _answer(error.smtp_code, _as_bytes(error.smtp_error))[1]
    return shown(str(error) or type(error).__name__, 400)


# The sound ---------------------------------------------------------------------------------------


def _attachment(folder: Path) -> tuple[bytes, SoundFormat, str]:
    """The recording as MP3, encoded once; else as WAV with a sentence that says why."""
    mp3 = folder / "message.mp3"
    try:
        if not mp3.exists():
            _encode(folder / "audio.wav", mp3)
        return mp3.read_bytes(), SoundFormat.MP3, ""
    except (OSError, CouldntEncodeError, CouldntDecodeError, wave.Error, EOFError) as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        remark = f"It is a WAV file because ffmpeg could make no MP3 of it: {reason[0]}"
        return (folder / "audio.wav").read_bytes(), SoundFormat.WAV, remark


def _encode(wav: Path, mp3: Path) -> None:
    """Make an MP3 of a WAV file; it is there whole or not at all."""
    part = mp3.with_suffix(".part")
    with wave.open(str(wav)) as sound:
        seconds = sound.getnframes() / sound.getframerate()
    AudioSegment.from_wav(str(wav)).export(
        str(part),
        format="mp3",
        bitrate=f"{MP3_BITS // 1000}k",
        parameters=["-ar", str(MP3_RATE), "-ac", "1"],
    ).close()
    if part.stat().st_size < 0.99 * seconds * MP3_BITS / 8:
        raise CouldntEncodeError("the MP3 came out shorter than the recording")
    part.replace(mp3)


def _copy_sound(audio: Path | BinaryIO, folder: Path) -> None:
    """Copy a WAV file to audio.wav, durably, a piece at a time: it may last an hour."""
    part = folder / "audio.part"
    with contextlib.ExitStack() as opened:
        source = opened.enter_context(audio.open("rb")) if isinstance(audio, Path) else audio
        copy = opened.enter_context(part.open("w+b"))
        shutil.copyfileobj(source, copy, 1 << 18)
        _mend_header(copy)
        copy.flush()
        os.fsync(copy.fileno())
    part.rename(folder / "audio.wav")


def _mend_header(file: BinaryIO) -> None:
    """Make a WAV header tell how much sound there is.

    Recorders write that last (Asterisk's format_wav too), so a recording that outlived its recorder
    says "0 bytes", and all of it follows. Raises OutboxError for what is not a WAV file.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    riff, _, kind = struct.unpack("<4sI4s", file.read(12).ljust(12, b"\0"))
    at = 12
    while riff == b"RIFF" and kind == b"WAVE" and at + 8 <= size:
        file.seek(at)
        chunk, length = struct.unpack("<4sI", file.read(8))
        if chunk == b"data":
            there = size - at - 8
            if length == 0 or length > there:
                file.seek(4)
                file.write(struct.pack("<I", size - 8))
                file.seek(at + 4)
                file.write(struct.pack("<I", there))
            return
        at += 8 + length + length % 2
    raise OutboxError("the recording is not a WAV file, so it cannot be kept as a message.")


# The disk ----------------------------------------------------------------------------------------


def _save(folder: Path, record: Record) -> None:
    """Replace letter.json by this record, durably: after a crash it is the old one or the new."""
    data: dict[str, Any] = asdict(record) | {"letter": as_data(record.letter)}
    text = json.dumps(data, indent=1, default=datetime.isoformat)
    part = folder / "letter.part"
    with part.open("w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(folder / "letter.json")
    _sync(folder)


def _load(folder: Path) -> Record:
    """What `_save` wrote. Raises OSError, ValueError, KeyError or TypeError."""
    data = json.loads((folder / "letter.json").read_text(encoding="ascii"))
    when = {name: datetime.fromisoformat(data[name]) for name in ("written", "since", "due")}
    return Record(
        id=folder.name,
        message_id=str(data["message_id"]),
        letter=from_data(data["letter"]),
        tries=int(data["tries"]),
        recipients=tuple(
            Recipient(str(r["address"]), Delivery(r["delivery"]), str(r["reply"]))
            for r in data["recipients"]
        ),
        history=tuple(
            Attempt(datetime.fromisoformat(a["at"]), str(a["text"])) for a in data["history"]
        ),
        **when,
    )


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


async def _in_thread(work: Callable[[], T], name: str) -> T:
    """Run `work` in a thread that does not keep the process from ending (unlike to_thread's)."""
    done: Future[T] = Future()
    done.set_running_or_notify_cancel()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001  # carried to whoever awaits it
            done.set_exception(error)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await asyncio.wrap_future(done)
