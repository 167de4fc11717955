"""Messages on their way: a real disk, a real SMTP server on loopback, a real ffmpeg."""

import asyncio
import contextlib
import json
import os
import random
import shutil
import signal
import ssl
import subprocess
import sys
import wave
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from screener.config import MailSecurity, MailSettings
from screener.core.letter import Letter, as_data
from screener.errors import OutboxError
from screener.outbox import (
    FAIR_TRIES,
    LONGEST_RETRY,
    Delivery,
    Item,
    Outbox,
    Record,
    State,
    retry_after,
)

CERTIFICATE = Path(__file__).parent.parent / "fixtures" / "mail-server.pem"
NOW = datetime.now(UTC)
LETTER = Letter(
    call=17,
    box="office",
    to=("mom@example.org",),
    number="+18055550142",
    name="Mom",
    did="+18182223333",
    when=datetime(2026, 11, 20, 22, 3, 11, tzinfo=UTC),
    seconds=2.0,
    why="nobody answered",
)


# A mail server -----------------------------------------------------------------------------------


@dataclass
class MailServer:
    """Keeps what it accepts. `rcpt` and `data` say what it replies; `data` None: it hangs up."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    to: list[list[str]] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    rcpt: Callable[[str], str] = lambda _: "250 OK"
    data: Callable[[], str | None] = lambda: "250 kept"
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    stalled: asyncio.Event | None = None

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.asked[address] += 1
        reply = self.rcpt(address)
        if reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(  # noqa: N802  # aiosmtpd's name
        self, server: Any, session: Session, envelope: Envelope
    ) -> str:
        self.arrived.set()
        if self.stalled is not None:
            await self.stalled.wait()
        reply = self.data()
        if reply is None:
            server.transport.abort()
            return "421 gone"
        if reply.startswith("250"):
            assert isinstance(envelope.content, bytes)
            mail = message_from_bytes(envelope.content, policy=default)
            assert isinstance(mail, EmailMessage)
            self.mails.append(mail)
            self.to.append(list(envelope.rcpt_tos))
        return reply

    @property
    def ids(self) -> list[str]:
        return [mail["Message-ID"] for mail in self.mails]

    @contextlib.asynccontextmanager
    async def up(self, implicit_tls: bool = False, **options: Any) -> AsyncIterator[None]:
        """It listens, on the same port every time."""
        loop = asyncio.get_running_loop()
        context = tls() if implicit_tls else None
        make = lambda: SMTP(self, hostname="mail.test", loop=loop, **options)  # noqa: E731  # a factory
        server = await loop.create_server(make, "127.0.0.1", self.port, ssl=context)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            await server.wait_closed()


def tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


@pytest_asyncio.fixture
async def server() -> AsyncIterator[MailServer]:
    server = MailServer()
    async with server.up():
        yield server


def settings(server: MailServer, **changes: Any) -> MailSettings:
    mail = MailSettings(
        host="127.0.0.1",
        port=server.port,
        security=MailSecurity.NONE,
        user="",
        password="",
        sender="door@example.org",
        retry_days=7.0,
    )
    return replace(mail, **changes)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "outbox"


@pytest_asyncio.fixture
async def outbox(root: Path, server: MailServer) -> Outbox:
    return Outbox(root, settings(server), UTC)


# Sound -------------------------------------------------------------------------------------------


def wav(path: Path, seconds: float) -> Path:
    """Noise that goes up and down, as telephone sound: 8 kHz, 16 bit, mono."""
    noise = random.Random(7).randbytes(16000)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        left = int(seconds * 16000)
        while left > 0:
            file.writeframesraw(noise[: min(left, 16000)])
            left -= 16000
    return path


@pytest.fixture
def audio(tmp_path: Path) -> Path:
    return wav(tmp_path / "take.wav", 2.0)


def decoded_seconds(mail: EmailMessage, folder: Path) -> float:
    """How long the mail's attachment plays, according to ffmpeg."""
    [attachment] = mail.iter_attachments()
    sound, plain = folder / "attachment", folder / "attachment.raw"
    sound.write_bytes(attachment.get_content())
    raw = ["-f", "s16le", "-ar", "8000", "-ac", "1"]
    run = ["ffmpeg", "-v", "error", "-y", "-i", str(sound), *raw, str(plain)]
    subprocess.run(run, check=True, timeout=60)
    return plain.stat().st_size / 16000


def content(path: Path) -> bytes:
    return path.read_bytes()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def body(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def only(outbox: Outbox) -> Item:
    [item] = outbox.items()
    return item


def record(outbox: Outbox) -> Record:
    kept = only(outbox).record
    assert kept is not None
    return kept


# The way of a message ----------------------------------------------------------------------------


async def test_a_message_is_kept_mailed_and_shown_as_sent(
    outbox: Outbox, server: MailServer, audio: Path, tmp_path: Path
) -> None:
    name = await outbox.put(audio, LETTER)
    assert len(content(audio)) == 44 + 32000
    assert only(outbox).state is State.QUEUED
    assert (only(outbox).folder / "audio.wav").read_bytes() == content(audio)
    assert await outbox.deliver_due(NOW + timedelta(seconds=60)) == [name]
    [mail] = server.mails
    assert mail["Subject"] == "Message from Mom (+1 805 555 0142), 0:02"
    assert mail["Message-ID"] == f"<screener-{name}@example.org>"
    assert decoded_seconds(mail, tmp_path) == pytest.approx(2.0, abs=0.1)
    item = only(outbox)
    assert (item.id, item.state) == (name, State.SENT)
    assert record(outbox).recipients[0].reply == "250 kept"
    assert record(outbox).history[0].text == "mom@example.org: accepted (250 kept)"
    assert await outbox.deliver_due(NOW + timedelta(days=1)) == []


async def test_an_open_file_can_be_kept(outbox: Outbox, audio: Path, server: MailServer) -> None:
    await outbox.put(BytesIO(content(audio)), LETTER)
    await outbox.deliver_due(NOW + timedelta(seconds=60))
    assert len(server.mails) == 1


async def test_twenty_minutes_arrive_whole(
    outbox: Outbox, server: MailServer, tmp_path: Path
) -> None:
    """The story that this product began with: long messages arrived cut off."""
    long = wav(tmp_path / "long.wav", 1200)
    await outbox.put(long, replace(LETTER, seconds=1200))
    await outbox.deliver_due(NOW + timedelta(seconds=60))
    [mail] = server.mails
    assert mail["Subject"].endswith("20:00")
    assert decoded_seconds(mail, tmp_path) == pytest.approx(1200, abs=0.1)


async def test_without_ffmpeg_the_recording_goes_out_as_it_was_made(
    outbox: Outbox,
    server: MailServer,
    audio: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await outbox.put(audio, LETTER)
    with monkeypatch.context() as without:
        without.setenv("PATH", str(tmp_path))
        await outbox.deliver_due(NOW + timedelta(seconds=60))
    [mail] = server.mails
    [attachment] = mail.iter_attachments()
    assert attachment.get_filename() == "message from +18055550142 2026-11-20 22.03.wav"
    assert attachment.get_content() == content(audio)
    assert "It is a WAV file because ffmpeg could make no MP3 of it: [Errno 2]" in body(mail)


async def test_a_recording_that_outlived_its_recorder_is_whole(
    outbox: Outbox, server: MailServer, tmp_path: Path
) -> None:
    """Asterisk writes the length into the header last; killed, it leaves a 0 there."""
    sound = bytearray(wav(tmp_path / "take.wav", 3.0).read_bytes())
    sound[4:8] = sound[40:44] = bytes(4)
    await outbox.put(BytesIO(sound), LETTER)
    await outbox.deliver_due(NOW + timedelta(seconds=60))
    assert decoded_seconds(server.mails[0], tmp_path) == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize("junk", [b"", b"RIFF", b"x" * 5000, b"RIFF\0\0\0\0WAVE" + b"\0" * 50])
async def test_what_is_not_a_recording_is_refused(outbox: Outbox, root: Path, junk: bytes) -> None:
    with pytest.raises(OutboxError, match="not a WAV file"):
        await outbox.put(BytesIO(junk), LETTER)
    assert outbox.items() == []
    assert names(root / "new") == []


async def test_a_recording_that_is_not_there_is_an_error(outbox: Outbox, tmp_path: Path) -> None:
    with pytest.raises(OutboxError, match=r"No such file or directory \(.*gone\.wav\)"):
        await outbox.put(tmp_path / "gone.wav", LETTER)
    assert outbox.items() == []


async def test_a_sender_that_is_no_address_is_refused_at_the_start(
    root: Path, server: MailServer
) -> None:
    with pytest.raises(OutboxError, match=r"make mail\.sender in screener\.toml an address"):
        Outbox(root, settings(server, sender="the door"))


async def test_an_outbox_that_cannot_be_made(tmp_path: Path, server: MailServer) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    with pytest.raises(OutboxError, match=r"the outbox .* cannot be used: "):
        Outbox(blocked / "outbox", settings(server))


# Mail servers that are away, slow or unwilling ---------------------------------------------------


async def test_a_server_that_is_down_is_tried_again_until_it_is_up(root: Path, audio: Path) -> None:
    server = MailServer()
    async with server.up():
        pass
    outbox = Outbox(root, settings(server))
    name = await outbox.put(audio, LETTER)
    first = NOW + timedelta(seconds=60)
    await outbox.deliver_due(first)
    assert only(outbox).state is State.QUEUED
    assert "refused" in record(outbox).history[0].text
    assert record(outbox).due == first + timedelta(seconds=30)
    async with server.up():
        assert await outbox.deliver_due(first + timedelta(seconds=29)) == []
        # A restart keeps the time that it was due.
        again = Outbox(root, settings(server))
        assert await again.deliver_due(first + timedelta(seconds=29)) == []
        assert await again.deliver_due(first + timedelta(seconds=30)) == [name]
    assert only(again).state is State.SENT
    assert len(server.mails) == 1


def test_the_pauses_between_attempts_double_up_to_an_hour() -> None:
    pauses = [retry_after(tries).total_seconds() for tries in range(1, 10)]
    assert pauses == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert retry_after(10_000) == LONGEST_RETRY


@pytest.mark.parametrize(
    "reply",
    [
        "451 4.3.0 try again later",
        "452 4.2.2 mailbox full",
        "552 5.2.2 mailbox full",  # permanent in name only
        "530 5.7.0 authentication required",
    ],
)
@pytest.mark.parametrize("at", ["rcpt", "data"])
async def test_a_temporary_refusal_is_tried_again(
    outbox: Outbox, server: MailServer, audio: Path, reply: str, at: str
) -> None:
    setattr(server, at, lambda *_: reply)
    await outbox.put(audio, LETTER)
    await outbox.deliver_due(NOW + timedelta(seconds=60))
    assert only(outbox).state is State.QUEUED
    assert record(outbox).recipients[0].reply == reply
    setattr(server, at, lambda *_: "250 kept")
    await outbox.deliver_due(NOW + timedelta(seconds=120))
    assert only(outbox).state is State.SENT
    assert len(server.mails) == 1
    assert [reply in attempt.text for attempt in record(outbox).history] == [True, False]


@pytest.mark.parametrize("at", ["rcpt", "data"])
async def test_a_bounce_is_kept_with_the_servers_reply_until_tried_by_hand(
    outbox: Outbox, server: MailServer, audio: Path, at: str
) -> None:
    setattr(server, at, lambda *_: "550 5.1.1 no such\x1b user")
    name = await outbox.put(audio, LETTER)
    await outbox.deliver_due(NOW + timedelta(seconds=60))
    item = only(outbox)
    assert item.state is State.FAILED
    assert (item.folder / "audio.wav").read_bytes() == content(audio)
    assert record(outbox).recipients[0].delivery is Delivery.REFUSED
    assert record(outbox).recipients[0].reply == "550 5.1.1 no such\\x1b user"
    assert await outbox.deliver_due(NOW + timedelta(days=3)) == []
    setattr(server, at, lambda *_: "250 kept")
    outbox.retry(name)
    assert await outbox.deliver_due(NOW + timedelta(seconds=61)) == [name]
    assert only(outbox).state is State.SENT
    assert server.ids == [f"<screener-{name}@example.org>"]


async def test_a_server_that_dies_in_data_gets_the_mail_again(
    outbox: Outbox, server: MailServer, audio: Path
) -> None:
    server.data = lambda: None
    await outbox.put(audio, LETTER)
    await outbox.deliver_due(NOW + timedelta(seconds=60))
    assert only(outbox).state is State.QUEUED
    assert "closed" in record(outbox).recipients[0].reply
    server.data = lambda: "250 kept"
    await outbox.deliver_due(NOW + timedelta(seconds=120))
    assert only(outbox).state is State.SENT
    assert len(server.mails) == 1


async def test_who_has_the_mail_does_not_get_it_again_and_who_is_refused_is_remembered(
    outbox: Outbox, server: MailServer, audio: Path
) -> None:
    replies = {
        "mom@example.org": "250 OK",
        "gone@example.org": "550 5.1.1 no such user",
        "full@example.org": "452 4.2.2 full",
    }
    server.rcpt = replies.__getitem__
    await outbox.put(audio, replace(LETTER, to=tuple(replies)))
    await outbox.deliver_due(NOW + timedelta(seconds=60))
    assert only(outbox).state is State.QUEUED
    replies["full@example.org"] = "250 OK"
    await outbox.deliver_due(NOW + timedelta(seconds=120))
    assert server.to == [["mom@example.org"], ["full@example.org"]]
    assert server.asked == {"mom@example.org": 1, "gone@example.org": 1, "full@example.org": 2}
    assert len(set(server.ids)) == 1
    assert only(outbox).state is State.FAILED  # one was refused: shown, not dropped
    assert [r.delivery for r in record(outbox).recipients] == [
        Delivery.ACCEPTED,
        Delivery.REFUSED,
        Delivery.ACCEPTED,
    ]


async def test_recipients_keep_their_answers_when_the_server_dies_in_data(
    outbox: Outbox, server: MailServer, audio: Path
) -> None:
    server.rcpt = lambda a: "550 no" if a.startswith("gone") else "250 OK"
    server.data = lambda: None
    await outbox.put(audio, replace(LETTER, to=("gone@example.org", "mom@example.org")))
    await outbox.deliver_due(NOW + timedelta(seconds=60))
    assert [r.delivery for r in record(outbox).recipients] == [Delivery.REFUSED, Delivery.WAITING]


async def test_a_box_with_a_wrong_address_does_not_stop_the_others(
    outbox: Outbox, server: MailServer, audio: Path
) -> None:
    await outbox.put(audio, replace(LETTER, to=("mom@example.org\r\nDATA", "mom@example.org")))
    await outbox.deliver_due(NOW + timedelta(seconds=60))
    assert server.to == [["mom@example.org"]]
    assert only(outbox).state is State.FAILED
    assert "not a mail address" in record(outbox).recipients[0].reply


async def test_it_is_given_up_after_its_days_and_kept(root: Path, audio: Path) -> None:
    server = MailServer()
    async with server.up():
        pass
    outbox = Outbox(root, settings(server, retry_days=2.0))
    name = await outbox.put(audio, LETTER)
    when, tries = NOW + timedelta(seconds=60), 0
    while await outbox.deliver_due(when):
        when, tries = record(outbox).due, tries + 1
    assert only(outbox).state is State.FAILED
    assert when - NOW >= timedelta(days=2)
    assert record(outbox).history[-1].text == "given up after 2 days; kept"
    assert tries == len(record(outbox).history) - 1
    outbox.retry(name)
    await outbox.deliver_due(when)
    assert only(outbox).state is State.QUEUED  # its days begin anew


async def test_a_machine_that_was_off_for_weeks_still_gives_it_a_fair_try(
    root: Path, audio: Path
) -> None:
    server = MailServer()
    async with server.up():
        pass
    outbox = Outbox(root, settings(server))
    await outbox.put(audio, LETTER)
    when = NOW + timedelta(days=30)
    for _ in range(FAIR_TRIES - 1):
        await outbox.deliver_due(when)
        when = record(outbox).due
        assert only(outbox).state is State.QUEUED


async def test_a_message_queued_under_a_wrong_clock_is_due_at_once(
    outbox: Outbox, server: MailServer, audio: Path
) -> None:
    await outbox.put(audio, LETTER)
    assert len(await outbox.deliver_due(NOW - timedelta(days=300))) == 1
    assert len(server.mails) == 1


# Protected connections ---------------------------------------------------------------------------


def let_in(server: Any, session: Session, envelope: Envelope, how: str, data: Any) -> AuthResult:
    right = (data.login, data.password) == (b"door", b"secret")
    return AuthResult(success=right, handled=False)


async def test_starttls_and_login(root: Path, audio: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    server = MailServer()
    login = {"auth_required": True, "authenticator": let_in}
    async with server.up(False, tls_context=tls(), require_starttls=True, **login):
        wanted = settings(
            server,
            host="localhost",
            security=MailSecurity.STARTTLS,
            user="door",
            password="secret",
        )
        await Outbox(root, wanted).put(audio, LETTER)
        # A wrong password is the owner's mistake: no bounce.
        wrong = Outbox(root, replace(wanted, password="guess"))
        await wrong.deliver_due(NOW + timedelta(seconds=60))
        assert only(wrong).state is State.QUEUED
        assert record(wrong).recipients[0].reply.startswith("535")
        right = Outbox(root, wanted)
        await right.deliver_due(NOW + timedelta(seconds=120))
    assert only(right).state is State.SENT
    assert "secret" not in (only(right).folder / "letter.json").read_text()


async def test_tls_from_the_start(root: Path, audio: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = MailServer()
    async with server.up(implicit_tls=True):
        outbox = Outbox(root, settings(server, host="localhost", security=MailSecurity.TLS))
        await outbox.put(audio, LETTER)
        await outbox.deliver_due(NOW + timedelta(seconds=60))
        assert "certificate verify failed" in record(outbox).recipients[0].reply
        assert server.mails == []
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        await outbox.deliver_due(NOW + timedelta(seconds=120))
    assert only(outbox).state is State.SENT


async def test_a_server_without_starttls_gets_nothing_in_the_open(
    root: Path, server: MailServer, audio: Path
) -> None:
    outbox = Outbox(root, settings(server, security=MailSecurity.STARTTLS))
    await outbox.put(audio, LETTER)
    await outbox.deliver_due(NOW + timedelta(seconds=60))
    assert server.mails == []
    assert "STARTTLS" in record(outbox).recipients[0].reply


# The delivery loop -------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def running(outbox: Outbox) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(outbox.run())
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(true: Callable[[], object], seconds: float = 20) -> None:
    """Wait until something holds; the test fails when it does not within the time."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110  # what is waited for is on disk
            await asyncio.sleep(0.01)


async def test_the_loop_is_woken_by_a_new_message(
    outbox: Outbox, server: MailServer, audio: Path
) -> None:
    async with running(outbox):
        await outbox.put(audio, LETTER)
        await until(lambda: len(server.mails) == 1)
        await outbox.put(audio, replace(LETTER, call=18))
        await until(lambda: len(server.mails) == 2)
        await until(lambda: {item.state for item in outbox.items()} == {State.SENT})


async def test_the_loop_tries_again_when_the_time_has_come(
    outbox: Outbox, server: MailServer, audio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("screener.outbox.FIRST_RETRY", timedelta(milliseconds=50))
    answers = iter(["451 later", "451 later", "250 kept"])
    server.data = lambda: next(answers)
    async with running(outbox):
        await outbox.put(audio, LETTER)
        await until(lambda: only(outbox).state is State.SENT)
    assert record(outbox).tries == 3


async def test_the_loop_is_woken_by_a_retry(
    outbox: Outbox, server: MailServer, audio: Path
) -> None:
    server.data = lambda: "550 no"
    async with running(outbox):
        name = await outbox.put(audio, LETTER)
        await until(lambda: only(outbox).state is State.FAILED)
        server.data = lambda: "250 kept"
        outbox.retry(name)
        await until(lambda: only(outbox).state is State.SENT)


async def test_a_message_that_hangs_holds_up_no_other(
    outbox: Outbox, server: MailServer, audio: Path
) -> None:
    server.stalled = asyncio.Event()
    async with running(outbox):
        await outbox.put(audio, LETTER)
        await server.arrived.wait()
        stalled, server.stalled = server.stalled, None
        await outbox.put(audio, replace(LETTER, call=18))
        await until(lambda: len(server.mails) == 1)
        assert "call=18" not in server.ids
        stalled.set()
        await until(lambda: len(server.mails) == 2)


async def test_a_stop_lets_an_attempt_end(outbox: Outbox, server: MailServer, audio: Path) -> None:
    server.stalled = asyncio.Event()
    await outbox.put(audio, LETTER)
    async with running(outbox) as task:
        await server.arrived.wait()
        task.cancel()
        server.stalled.set()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert only(outbox).state is State.SENT


async def test_a_stop_abandons_an_attempt_that_takes_too_long_and_loses_nothing(
    root: Path, server: MailServer, audio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("screener.outbox.POLITE_STOP", 0.05)
    outbox = Outbox(root, settings(server))
    server.stalled = asyncio.Event()
    server.data = lambda: None
    await outbox.put(audio, LETTER)
    async with running(outbox) as task:
        await server.arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert only(outbox).state is State.QUEUED
    server.stalled.set()  # the abandoned attempt comes to its end, and writes that down
    await until(lambda: record(outbox).tries == 1)
    server.stalled, server.data = None, lambda: "250 kept"
    again = Outbox(root, settings(server))
    await again.deliver_due(NOW + timedelta(minutes=5))
    assert only(again).state is State.SENT


async def test_only_one_process_delivers(root: Path, outbox: Outbox, server: MailServer) -> None:
    async with running(outbox):
        await until((root / "lock").exists)
        with pytest.raises(OutboxError, match="another screener already delivers"):
            await Outbox(root, settings(server)).run()


# What is on the disk -----------------------------------------------------------------------------


async def test_a_letter_that_cannot_be_read_is_shown_and_its_sound_kept(
    outbox: Outbox, server: MailServer, audio: Path
) -> None:
    await outbox.put(audio, LETTER)
    (only(outbox).folder / "letter.json").write_bytes(b'{"half')
    await outbox.deliver_due(NOW + timedelta(seconds=60))
    item = only(outbox)
    assert item.state is State.FAILED
    assert item.record is None
    assert "letter.json cannot be read" in item.trouble
    assert (item.folder / "audio.wav").read_bytes() == content(audio)
    assert server.mails == []


@pytest.mark.parametrize("name", ["", "..", "../sent", "nothing", "/etc"])
async def test_only_what_is_there_can_be_retried(outbox: Outbox, name: str) -> None:
    with pytest.raises(OutboxError, match="is waiting or failed"):
        outbox.retry(name)


async def test_only_what_was_sent_is_swept_and_only_when_old(
    outbox: Outbox, server: MailServer, audio: Path
) -> None:
    await outbox.put(audio, LETTER)
    await outbox.deliver_due(NOW + timedelta(seconds=60))
    server.data = lambda: "550 no"
    await outbox.put(audio, LETTER)
    await outbox.deliver_due(NOW + timedelta(seconds=60))
    await outbox.put(audio, LETTER)
    assert outbox.sweep(timedelta(days=30), datetime.now(UTC) + timedelta(days=29)) == 0
    assert outbox.sweep(timedelta(days=30), datetime.now(UTC) + timedelta(days=31)) == 1
    assert [item.state for item in outbox.items()] == [State.QUEUED, State.FAILED]


async def test_a_start_queues_what_was_complete_and_clears_the_rest_away(
    outbox: Outbox, root: Path, audio: Path
) -> None:
    name = await outbox.put(audio, LETTER)
    whole = root / State.QUEUED / name
    for left, files in {
        "a-whole": ("audio.wav", "letter.json"),
        "b-no-sound": ("letter.json",),
        "c-no-letter": ("audio.wav",),
        "d-half": ("letter.json", "audio.part"),
        "e-empty": (),
    }.items():
        (root / "new" / left).mkdir()
        for file in files:
            shutil.copy(whole / file.replace(".part", ".wav"), root / "new" / left / file)
    assert outbox.recover() == ["a-whole"]
    assert names(root / "new") == []
    assert {item.id for item in outbox.items()} == {name, "a-whole"}


async def test_a_full_disk_does_not_make_a_second_copy(
    outbox: Outbox, server: MailServer, audio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the server has taken is known even when it cannot be written down."""
    server.rcpt = lambda a: "250 OK" if a.startswith("mom") else "452 4.2.2 full"
    await outbox.put(audio, replace(LETTER, to=("mom@example.org", "dad@example.org")))
    (only(outbox).folder / "letter.part").mkdir()  # now letter.json cannot be replaced
    await outbox.deliver_due(NOW + timedelta(seconds=60))
    await outbox.deliver_due(NOW + timedelta(seconds=120))
    assert server.to == [["mom@example.org"]]
    assert server.asked == {"mom@example.org": 1, "dad@example.org": 2}
    (only(outbox).folder / "letter.part").rmdir()
    server.rcpt = lambda _: "250 OK"
    await outbox.deliver_due(NOW + timedelta(seconds=300))
    assert server.to == [["mom@example.org"], ["dad@example.org"]]
    assert only(outbox).state is State.SENT
    assert record(outbox).tries == 3


# A process of its own, for what one cannot do to oneself -----------------------------------------

# Reads what to do from its input, a line for each run, and does it in a fork: "ready", "kept N" for
# each message that `put` has kept, the error when there was one, "over" when the fork has ended.
CHILD = """
import asyncio, json, os, resource, sys
from dataclasses import replace
from pathlib import Path
from screener.config import MailSecurity, MailSettings
from screener.core.letter import from_data
from screener.errors import OutboxError
from screener.outbox import Outbox

def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())

async def keep_and_deliver(root, port, audio, letter, first, room):
    mail = MailSettings("127.0.0.1", port, MailSecurity.NONE, "", "", "door@example.org", 7.0)
    outbox = Outbox(Path(root), mail)
    if room:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
    delivery = asyncio.create_task(outbox.run())
    say("ready", os.getpid())
    for call in range(first, first + 1000):
        try:
            await outbox.put(Path(audio), replace(letter, call=call))
        except OutboxError as error:
            return say("error", error)
        say("kept", call)
        await asyncio.sleep(0.02)

while line := os.read(0, 65536):
    given = json.loads(line)
    pid = os.fork()
    if not pid:
        asyncio.run(keep_and_deliver(**given | {"letter": from_data(given["letter"])}))
        os._exit(0)
    os.waitpid(pid, 0)
    say("over")
"""


@dataclass
class Runs:
    """Runs of an outbox, one after another, each in a process that can be killed."""

    process: asyncio.subprocess.Process
    root: Path
    port: int
    pid: int = 0

    @classmethod
    @contextlib.asynccontextmanager
    async def of(cls, root: Path, server: MailServer) -> AsyncIterator["Runs"]:
        pipe = asyncio.subprocess.PIPE
        command = (sys.executable, "-c", CHILD)
        process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
        try:
            yield cls(process, root, server.port)
        finally:
            process.kill()
            await process.wait()

    async def start(self, audio: Path, first: int, room: int = 0) -> None:
        """Begin a run that keeps messages of the calls `first`, `first` + 1 and so on."""
        given = {
            "root": str(self.root),
            "port": self.port,
            "audio": str(audio),
            "letter": as_data(LETTER),
            "first": first,
            "room": room,
        }
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(given).encode() + b"\n")
        word, pid = (await self.line()).split()
        assert word == "ready"
        self.pid = int(pid)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    async def line(self) -> str:
        assert self.process.stdout is not None
        return (await self.process.stdout.readline()).decode().strip()

    async def told(self) -> list[str]:
        """What the run still said until it was over."""
        lines = []
        while (line := await self.line()) != "over":
            assert line
            lines.append(line)
        return lines


def kept(lines: list[str]) -> set[int]:
    return {int(line.split()[1]) for line in lines if line.startswith("kept ")}


def ids_by_call(server: MailServer) -> dict[int, set[str]]:
    calls: dict[int, set[str]] = {}
    for mail in server.mails:
        call = int(body(mail).split("Call")[1].split()[0])
        calls.setdefault(call, set()).add(mail["Message-ID"])
    return calls


async def test_no_room_on_the_disk_is_an_error_and_leaves_nothing_behind(
    root: Path, server: MailServer, tmp_path: Path
) -> None:
    """No file may grow beyond 100 kB (RLIMIT_FSIZE); the message has 160 kB."""
    async with Runs.of(root, server) as runs:
        await runs.start(wav(tmp_path / "take.wav", 10.0), 0, room=100_000)
        [told] = await runs.told()
    assert told.endswith("no room left on the disk: free some.")
    assert names(root / "new") == names(root / "queued") == []
    assert server.mails == []


async def test_killed_as_the_server_takes_the_mail_it_is_repeated_with_the_same_message_id(
    root: Path, server: MailServer, tmp_path: Path
) -> None:
    async with Runs.of(root, server) as runs:

        def take_and_kill() -> str:
            runs.kill()
            return "250 kept"

        server.data = take_and_kill
        await runs.start(wav(tmp_path / "take.wav", 1.0), 0)
        await runs.told()
    assert server.mails
    server.data = lambda: "250 kept"
    outbox = Outbox(root, settings(server))
    outbox.recover()
    await outbox.deliver_due(datetime.now(UTC) + timedelta(days=1))
    assert len(server.mails) > len(set(server.ids))
    assert all(len(ids) == 1 for ids in ids_by_call(server).values())


async def test_killed_at_any_moment_it_loses_nothing_and_repeats_only_the_same_message_id(
    root: Path, server: MailServer, tmp_path: Path
) -> None:
    """SIGKILL while messages are kept and delivered, again and again. Nothing that `put` said was
    kept may be missing in the end; a second copy of a mail has the Message-ID of the first."""
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    chance = random.Random(seed)
    audio = wav(tmp_path / "take.wav", 1.0)
    promised: set[int] = set()
    async with Runs.of(root, server) as runs:
        for run in range(24):
            await runs.start(audio, run * 1000)
            told = [await runs.line() for _ in range(chance.randrange(5))]
            await asyncio.sleep(chance.uniform(0.0, 0.05))
            runs.kill()
            promised |= kept(told + await runs.told())
    left = len(names(root / "new"))
    outbox = Outbox(root, settings(server))
    outbox.recover()
    await outbox.deliver_due(datetime.now(UTC) + timedelta(days=1))
    repeated = len(server.mails) - len(set(server.ids))
    print(f"{len(promised)} kept, {len(server.mails)} mails, {repeated} repeated, {left} in new/")
    assert len(promised) > 10
    assert promised <= set(ids_by_call(server))
    assert all(len(ids) == 1 for ids in ids_by_call(server).values())
    assert {item.state for item in outbox.items()} == {State.SENT}
    assert names(root / "new") == []
    for mail in server.mails:
        [attachment] = mail.iter_attachments()
        assert attachment.get_content_type() == "audio/mpeg"
        assert len(attachment.get_content()) >= 4000
