"""Messages kept and on their way: a real disk, a real SMTP server on loopback, a real ffmpeg."""

import asyncio
import contextlib
import errno
import json
import os
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path

import pytest
import pytest_asyncio

from screener import replacement
from screener.core.composed import Composed
from screener.core.delivery import FAIR_TRIES, Delivery, Record, Status
from screener.core.event import Event, EventKind
from screener.core.notice import Notice
from screener.errors import MailError, OutboxError, StoreError
from screener.mail.mailqueue import Item, MailQueue
from screener.mail.spool import Spool
from screener.messages.inbox import Messages
from tests.shell.post import (
    LETTER,
    Desk,
    MailServer,
    attached,
    body,
    content,
    let_in,
    names,
    seconds_of,
    settings,
    wav,
)

FIRST_RELEASE = Path(__file__).parents[1] / "fixtures" / "outbox" / "letter.json"
# Later than every `put` of a run of all tests, which may take an hour to come here.
NOW = datetime.now(UTC) + timedelta(hours=3)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "outbox"


@pytest_asyncio.fixture
async def outbox(root: Path, server: MailServer) -> Desk:
    return Desk(root, settings(server), UTC)


def only(outbox: Desk) -> Item:
    [item] = outbox.items()
    return item


def record(outbox: Desk) -> Record:
    kept = only(outbox).record
    assert kept is not None
    return kept


# The way of a message ----------------------------------------------------------------------------


async def test_a_message_is_kept_mailed_and_shown_as_sent(
    outbox: Desk, server: MailServer, audio: Path, tmp_path: Path
) -> None:
    name = await outbox.put(audio, LETTER)
    assert len(content(audio)) == 44 + 32000
    assert only(outbox).status is Status.QUEUED
    assert (only(outbox).folder / "audio.wav").read_bytes() == content(audio)
    assert await outbox.deliver_due(NOW + timedelta(seconds=60)) == [name]
    [mail] = server.mails
    assert mail["Subject"] == "Message from Mom (+1 805 555 0142), 0:02"
    assert mail["Message-ID"] == f"<screener-{name}@example.org>"
    assert seconds_of(attached(mail), tmp_path) == pytest.approx(2.0, abs=0.1)
    item = only(outbox)
    assert (item.id, item.status) == (name, Status.SENT)
    assert record(outbox).recipients[0].reply == "250 kept"
    assert record(outbox).history[0].text == "mom@example.org: accepted (250 kept)"
    assert await outbox.deliver_due(NOW + timedelta(days=1)) == []


async def test_an_open_file_can_be_kept(outbox: Desk, audio: Path, server: MailServer) -> None:
    await outbox.put(BytesIO(content(audio)), LETTER)
    await outbox.deliver_due(NOW + timedelta(seconds=60))
    assert len(server.mails) == 1


async def test_twenty_minutes_arrive_whole(
    outbox: Desk, server: MailServer, tmp_path: Path
) -> None:
    """The story that this product began with: long messages arrived cut off."""
    long = wav(tmp_path / "long.wav", 1200)
    await outbox.put(long, replace(LETTER, seconds=1200))
    await outbox.deliver_due(NOW + timedelta(seconds=60))
    [mail] = server.mails
    assert mail["Subject"].endswith("20:00")
    assert seconds_of(attached(mail), tmp_path) == pytest.approx(1200, abs=0.1)


async def test_without_ffmpeg_the_recording_goes_out_as_it_was_made(
    outbox: Desk,
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
    outbox: Desk, server: MailServer, tmp_path: Path
) -> None:
    """Asterisk writes the length into the header last; killed, it leaves a 0 there."""
    sound = bytearray(wav(tmp_path / "take.wav", 3.0).read_bytes())
    sound[4:8] = sound[40:44] = bytes(4)
    await outbox.put(BytesIO(sound), LETTER)
    await outbox.deliver_due(NOW + timedelta(seconds=60))
    assert seconds_of(attached(server.mails[0]), tmp_path) == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize("junk", [b"", b"RIFF", b"x" * 5000, b"RIFF\0\0\0\0WAVE" + b"\0" * 50])
async def test_what_is_not_a_recording_is_refused(outbox: Desk, root: Path, junk: bytes) -> None:
    with pytest.raises(OutboxError, match="not a WAV file"):
        await outbox.put(BytesIO(junk), LETTER)
    assert outbox.items() == []
    assert names(root / "new") == []


async def test_a_recording_that_is_not_there_is_an_error(outbox: Desk, tmp_path: Path) -> None:
    with pytest.raises(OutboxError, match=r"No such file or directory \(.*gone\.wav\)"):
        await outbox.put(tmp_path / "gone.wav", LETTER)
    assert outbox.items() == []


async def test_a_sender_that_is_no_address_is_refused_at_the_start(
    root: Path, server: MailServer
) -> None:
    with pytest.raises(MailError, match=r"make mail\.sender in screener\.toml an address"):
        Desk(root, settings(server, sender="the door"))


async def test_an_outbox_that_cannot_be_made(tmp_path: Path, server: MailServer) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    with pytest.raises(OutboxError, match=r"the outbox .* cannot be used: "):
        Desk(blocked / "outbox", settings(server))


async def test_a_message_queued_by_the_first_release_is_delivered(
    outbox: Desk, server: MailServer, root: Path, audio: Path, tmp_path: Path
) -> None:
    """Its letter.json was written by a screener that knew of no notices."""
    name = "20261121T025251-f5b7830e"
    (root / "queued" / name).mkdir()
    shutil.copy(FIRST_RELEASE, root / "queued" / name / "letter.json")
    shutil.copy(audio, root / "queued" / name / "audio.wav")
    assert only(outbox).call == 17
    assert await outbox.deliver_due(NOW) == [name]
    [mail] = server.mails
    assert mail["Subject"] == "Message from Mom (+1 805 555 0142), 0:02"
    assert mail["Message-ID"] == f"<screener-{name}@example.org>"
    assert seconds_of(attached(mail), tmp_path) == pytest.approx(2.0, abs=0.1)
    assert only(outbox).status is Status.SENT


# Notices -----------------------------------------------------------------------------------------


NOTICE = Notice(("mom@example.org",), "your rules have a mistake", ("1.rules:3:1: no",))


async def test_a_notice_goes_the_way_of_a_message(outbox: Desk, server: MailServer) -> None:
    name = await outbox.notify(NOTICE)
    assert only(outbox).status is Status.QUEUED
    assert only(outbox).call is None
    assert names(only(outbox).folder) == ["letter.json"]
    assert await outbox.deliver_due(NOW) == [name]
    [mail] = server.mails
    assert mail["Subject"] == "your rules have a mistake"
    assert mail["Message-ID"] == f"<screener-{name}@example.org>"
    assert body(mail).splitlines() == ["1.rules:3:1: no"]
    assert only(outbox).status is Status.SENT


async def test_a_notice_waits_for_a_server_that_is_down_through_a_restart(root: Path) -> None:
    server = MailServer()
    async with server.up():
        pass
    outbox = Desk(root, settings(server))
    name = await outbox.notify(NOTICE)
    await outbox.deliver_due(NOW)
    assert record(outbox).due == NOW + timedelta(seconds=30)
    async with server.up():
        again = Desk(root, settings(server))
        assert await again.deliver_due(NOW + timedelta(seconds=30)) == [name]
    assert [mail["Message-ID"] for mail in server.mails] == [f"<screener-{name}@example.org>"]


# Composed mails ----------------------------------------------------------------------------------


def report() -> EmailMessage:
    """A mail with what the outbox does not leave to others, and a body that is not ASCII."""
    mail = EmailMessage()
    mail["From"] = "somebody@example.com"
    mail["Bcc"] = "stranger@example.com"
    mail["Subject"] = "Your week"
    mail.set_content("zw\u00f6lf Anrufe\n", cte="8bit")
    mail.add_alternative("<p>zw\u00f6lf Anrufe</p>", subtype="html")
    return mail


async def test_a_composed_mail_goes_the_way_of_a_message(
    outbox: Desk, server: MailServer, root: Path
) -> None:
    mail = report()
    name = await outbox.post(("mom@example.org", "dad@example.org"), mail, "weekly report")
    assert mail["From"] == "somebody@example.com"
    assert names(only(outbox).folder) == ["letter.json", "mail.eml"]
    assert (only(outbox).folder / "mail.eml").read_bytes().isascii()
    assert await outbox.deliver_due(NOW) == [name]
    [sent] = server.mails
    assert server.to == [["mom@example.org", "dad@example.org"]]
    assert sent["From"] == "screener <door@example.org>"
    assert sent["To"] == "mom@example.org, dad@example.org"
    assert sent["Message-ID"] == f"<screener-{name}@example.org>"
    assert sent["Date"].datetime == record(outbox).written.replace(microsecond=0)
    assert sent["Bcc"] is None
    assert sent["Subject"] == "Your week"
    assert body(sent) == "zw\u00f6lf Anrufe\n"
    assert only(outbox).status is Status.SENT
    assert record(outbox).letter == Composed(tuple(server.to[0]), "weekly report")


async def test_a_composed_mail_that_lost_its_content_is_not_sent_empty(
    outbox: Desk, server: MailServer
) -> None:
    await outbox.post(("mom@example.org",), report(), "weekly report")
    (only(outbox).folder / "mail.eml").unlink()
    await outbox.deliver_due(NOW)
    assert server.mails == []
    assert "mail.eml" in record(outbox).recipients[0].reply


# Mail servers that are away, slow or unwilling ---------------------------------------------------


async def test_a_server_that_is_down_is_tried_again_until_it_is_up(root: Path, audio: Path) -> None:
    server = MailServer()
    async with server.up():
        pass
    outbox = Desk(root, settings(server))
    name = await outbox.put(audio, LETTER)
    first = NOW + timedelta(seconds=60)
    await outbox.deliver_due(first)
    assert only(outbox).status is Status.DEFERRED
    assert "refused" in record(outbox).history[0].text
    assert record(outbox).due == first + timedelta(seconds=30)
    async with server.up():
        assert await outbox.deliver_due(first + timedelta(seconds=29)) == []
        # A restart keeps the time that it was due.
        again = Desk(root, settings(server))
        assert await again.deliver_due(first + timedelta(seconds=29)) == []
        assert await again.deliver_due(first + timedelta(seconds=30)) == [name]
    assert only(again).status is Status.SENT
    assert len(server.mails) == 1


async def test_an_outage_is_logged_once_and_so_is_its_end(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "screener.mail.outage")
    server = MailServer()
    async with server.up():
        where = f"127.0.0.1:{server.port}"
    outbox = Desk(root, settings(server))
    for _ in range(3):
        await outbox.notify(NOTICE)
    for minutes in (1, 5):
        await outbox.deliver_due(NOW + timedelta(minutes=minutes))
    [begun] = caplog.records
    assert (begun.levelname, begun.message) == (
        "WARNING",
        f"mail waits: {where}: connection refused: no mail server listens there",
    )
    caplog.clear()
    async with server.up():
        await outbox.deliver_due(NOW + timedelta(minutes=30))
        server.data = lambda: "451 4.3.0 later"
        await outbox.notify(NOTICE)
        await outbox.deliver_due(NOW + timedelta(minutes=31))
    assert [line.message for line in caplog.records] == [
        f"mail goes out again: {where}",
        f"mail waits: {where}: 451 4.3.0 later",
    ]


@pytest.mark.parametrize("reply", ["451 4.3.0 try again later", "552 5.2.2 mailbox full"])
@pytest.mark.parametrize("at", ["rcpt", "data"])
async def test_a_temporary_refusal_is_tried_again(
    outbox: Desk, server: MailServer, audio: Path, reply: str, at: str
) -> None:
    setattr(server, at, lambda *_: reply)
    await outbox.put(audio, LETTER)
    await outbox.deliver_due(NOW + timedelta(seconds=60))
    assert only(outbox).status is Status.DEFERRED
    assert record(outbox).recipients[0].reply == reply
    setattr(server, at, lambda *_: "250 kept")
    await outbox.deliver_due(NOW + timedelta(seconds=120))
    assert only(outbox).status is Status.SENT
    assert len(server.mails) == 1
    assert [reply in attempt.text for attempt in record(outbox).history] == [True, False]


@pytest.mark.parametrize("at", ["rcpt", "data"])
async def test_a_bounce_is_kept_with_the_servers_reply_until_tried_by_hand(
    outbox: Desk, server: MailServer, audio: Path, at: str
) -> None:
    setattr(server, at, lambda *_: "550 5.1.1 no such\x1b user")
    name = await outbox.put(audio, LETTER)
    await outbox.deliver_due(NOW + timedelta(seconds=60))
    item = only(outbox)
    assert item.status is Status.FAILED
    assert (item.folder / "audio.wav").read_bytes() == content(audio)
    assert record(outbox).recipients[0].delivery is Delivery.REFUSED
    assert record(outbox).recipients[0].reply == "550 5.1.1 no such\\x1b user"
    assert await outbox.deliver_due(NOW + timedelta(days=3)) == []
    setattr(server, at, lambda *_: "250 kept")
    outbox.retry(name)
    assert await outbox.deliver_due(NOW + timedelta(seconds=61)) == [name]
    assert only(outbox).status is Status.SENT
    assert server.ids == [f"<screener-{name}@example.org>"]


async def test_a_server_that_dies_in_data_gets_the_mail_again(
    outbox: Desk, server: MailServer, audio: Path
) -> None:
    server.data = lambda: None
    await outbox.put(audio, LETTER)
    await outbox.deliver_due(NOW + timedelta(seconds=60))
    assert only(outbox).status is Status.DEFERRED
    assert "closed" in record(outbox).recipients[0].reply
    server.data = lambda: "250 kept"
    await outbox.deliver_due(NOW + timedelta(seconds=120))
    assert only(outbox).status is Status.SENT
    assert len(server.mails) == 1


async def test_who_has_the_mail_does_not_get_it_again_and_who_is_refused_is_remembered(
    outbox: Desk, server: MailServer, audio: Path
) -> None:
    replies = {
        "mom@example.org": "250 OK",
        "gone@example.org": "550 5.1.1 no such user",
        "full@example.org": "452 4.2.2 full",
    }
    server.rcpt = replies.__getitem__
    await outbox.put(audio, replace(LETTER, to=tuple(replies)))
    await outbox.deliver_due(NOW + timedelta(seconds=60))
    assert only(outbox).status is Status.DEFERRED
    replies["full@example.org"] = "250 OK"
    await outbox.deliver_due(NOW + timedelta(seconds=120))
    assert server.to == [["mom@example.org"], ["full@example.org"]]
    assert server.asked == {"mom@example.org": 1, "gone@example.org": 1, "full@example.org": 2}
    assert len(set(server.ids)) == 1
    assert only(outbox).status is Status.FAILED  # one was refused: shown, not dropped
    assert [r.delivery for r in record(outbox).recipients] == [
        Delivery.ACCEPTED,
        Delivery.REFUSED,
        Delivery.ACCEPTED,
    ]


async def test_a_wrong_password_is_the_owners_mistake_and_bounces_nothing(
    root: Path, audio: Path
) -> None:
    server = MailServer()
    login = {"auth_required": True, "auth_require_tls": False, "authenticator": let_in}
    async with server.up(False, **login):
        right = Desk(root, settings(server, user="door", password="secret"))
        await right.put(audio, LETTER)
        wrong = Desk(root, settings(server, user="door", password="guess"))
        await wrong.deliver_due(NOW + timedelta(seconds=60))
        assert only(wrong).status is Status.DEFERRED
        assert record(wrong).recipients[0].reply.startswith("535")
        await right.deliver_due(NOW + timedelta(seconds=120))
    assert only(right).status is Status.SENT
    kept = (only(right).folder / "letter.json").read_text()
    assert "secret" not in kept
    assert "guess" not in kept


async def test_a_box_with_a_wrong_address_does_not_stop_the_others(
    outbox: Desk, server: MailServer, audio: Path
) -> None:
    await outbox.put(audio, replace(LETTER, to=("mom@example.org\r\nDATA", "mom@example.org")))
    await outbox.deliver_due(NOW + timedelta(seconds=60))
    assert server.to == [["mom@example.org"]]
    assert only(outbox).status is Status.FAILED
    assert "not a mail address" in record(outbox).recipients[0].reply


async def test_it_is_given_up_after_its_days_and_kept(root: Path, audio: Path) -> None:
    server = MailServer()
    async with server.up():
        pass
    outbox = Desk(root, settings(server, retry_days=2.0))
    name = await outbox.put(audio, LETTER)
    when, tries = NOW + timedelta(seconds=60), 0
    while await outbox.deliver_due(when):
        when, tries = record(outbox).due, tries + 1
    assert only(outbox).status is Status.FAILED
    assert when - record(outbox).since >= timedelta(days=2)
    assert record(outbox).history[-1].text == "given up after 2 days; kept"
    assert tries == len(record(outbox).history) - 1
    outbox.retry(name)
    await outbox.deliver_due(when)
    assert only(outbox).status is Status.DEFERRED  # its days begin anew


async def test_a_machine_that_was_off_for_weeks_still_gives_it_a_fair_try(
    root: Path, audio: Path
) -> None:
    server = MailServer()
    async with server.up():
        pass
    outbox = Desk(root, settings(server))
    await outbox.put(audio, LETTER)
    when = NOW + timedelta(days=30)
    for _ in range(FAIR_TRIES - 1):
        await outbox.deliver_due(when)
        when = record(outbox).due
        assert only(outbox).status is Status.DEFERRED


async def test_a_message_queued_under_a_wrong_clock_is_due_at_once(
    outbox: Desk, server: MailServer, audio: Path
) -> None:
    await outbox.put(audio, LETTER)
    assert len(await outbox.deliver_due(NOW - timedelta(days=300))) == 1
    assert len(server.mails) == 1


# The delivery loop -------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def running(outbox: Desk) -> AsyncIterator[asyncio.Task[None]]:
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
    outbox: Desk, server: MailServer, audio: Path
) -> None:
    async with running(outbox):
        await outbox.put(audio, LETTER)
        await until(lambda: len(server.mails) == 1)
        await outbox.put(audio, replace(LETTER, call=18))
        await until(lambda: len(server.mails) == 2)
        await until(lambda: {item.status for item in outbox.items()} == {Status.SENT})


async def test_the_loop_tries_again_when_the_time_has_come(
    outbox: Desk, server: MailServer, audio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("screener.core.delivery.FIRST_RETRY", timedelta(milliseconds=50))
    answers = iter(["451 later", "451 later", "250 kept"])
    server.data = lambda: next(answers)
    async with running(outbox):
        await outbox.put(audio, LETTER)
        await until(lambda: only(outbox).status is Status.SENT)
    assert record(outbox).tries == 3


async def test_a_message_that_hangs_holds_up_no_other(
    outbox: Desk, server: MailServer, audio: Path
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


async def test_a_stop_lets_an_attempt_end(outbox: Desk, server: MailServer, audio: Path) -> None:
    server.stalled = asyncio.Event()
    await outbox.put(audio, LETTER)
    async with running(outbox) as task:
        await server.arrived.wait()
        task.cancel()
        server.stalled.set()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert only(outbox).status is Status.SENT


async def test_a_stop_abandons_an_attempt_that_takes_too_long_and_loses_nothing(
    root: Path, server: MailServer, audio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("screener.mail.outbox.POLITE_STOP", 0.05)
    outbox = Desk(root, settings(server))
    server.stalled = asyncio.Event()
    server.data = lambda: None
    await outbox.put(audio, LETTER)
    async with running(outbox) as task:
        await server.arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert only(outbox).status is Status.SENDING
    server.stalled.set()  # the abandoned attempt comes to its end, and writes that down
    await until(lambda: record(outbox).tries == 1)
    server.stalled, server.data = None, lambda: "250 kept"
    again = Desk(root, settings(server))
    await again.deliver_due(NOW + timedelta(minutes=5))
    assert only(again).status is Status.SENT


async def test_only_one_process_delivers(root: Path, outbox: Desk, server: MailServer) -> None:
    async with running(outbox):
        await until((root / "lock").exists)
        with pytest.raises(OutboxError, match="another screener already delivers"):
            await Desk(root, settings(server)).run()


async def test_a_retry_that_another_process_asks_for_is_made_at_once(
    outbox: Desk, server: MailServer, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command line: it leaves its mark on the disk, and the loop looks for marks."""
    monkeypatch.setattr("screener.mail.outbox.NUDGED", 0.05)
    server.data = lambda: "550 no"
    async with running(outbox):
        name = await outbox.notify(NOTICE)
        await until(lambda: only(outbox).status is Status.FAILED)
        server.data = lambda: "250 kept"
        MailQueue(root).retry(name)
        await until(lambda: only(outbox).status is Status.SENT)


async def test_what_a_crash_cut_short_is_told_and_sent_again(
    outbox: Desk, server: MailServer, root: Path
) -> None:
    """What a SIGKILL in the middle of an attempt leaves: a message marked as being sent."""
    name = await outbox.notify(NOTICE)
    Spool(root).begin(name, datetime.now(UTC))
    assert only(outbox).status is Status.SENDING
    async with running(Desk(root, settings(server))):
        await until(lambda: only(outbox).status is Status.SENT)
    cut, sent = record(outbox).history
    assert (cut.status, sent.status) == (Status.QUEUED, Status.SENT)
    assert "cut short" in cut.text
    assert cut.begun is not None
    assert [mail["Message-ID"] for mail in server.mails] == [f"<screener-{name}@example.org>"]


async def test_troubles_are_told_for_the_report_each_once(root: Path, server: MailServer) -> None:
    events: list[Event] = []

    async def tell(event: Event) -> None:
        events.append(event)

    outbox = Desk(root, settings(server), tell=tell)
    name = await outbox.notify(NOTICE)
    server.data = lambda: "451 4.3.0 later\x1b"
    for minutes in (1, 5, 9):
        await outbox.deliver_due(NOW + timedelta(minutes=minutes))
    [deferred] = events
    assert (deferred.kind, deferred.at) == (EventKind.MAIL_DEFERRED, NOW + timedelta(minutes=1))
    assert deferred.text == f"{name}: mom@example.org: 451 4.3.0 later\\x1b"
    server.data = lambda: "550 no"
    await outbox.deliver_due(NOW + timedelta(hours=1))
    assert [event.kind for event in events] == [EventKind.MAIL_DEFERRED, EventKind.MAIL_FAILED]
    await outbox.notify(NOTICE)
    server.data = lambda: "250 kept"
    await outbox.deliver_due(NOW + timedelta(hours=2))
    assert len(events) == 2


async def test_a_database_that_cannot_be_written_holds_up_no_mail(
    root: Path, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    async def tell(_: Event) -> None:
        raise StoreError("the disk is full")

    outbox = Desk(root, settings(server), tell=tell)
    server.data = lambda: "451 later"
    await outbox.notify(NOTICE)
    await outbox.deliver_due(NOW)
    assert "the report will not tell of message" in caplog.text
    server.data = lambda: "250 kept"
    await outbox.deliver_due(NOW + timedelta(hours=1))
    assert only(outbox).status is Status.SENT


# What is on the disk -----------------------------------------------------------------------------


@pytest.mark.parametrize("damage", [{"history": [5]}, {"tries": float("inf")}])
async def test_a_letter_that_is_json_and_says_nothing_ends_nothing(
    outbox: Desk, server: MailServer, root: Path, audio: Path, damage: dict[str, object]
) -> None:
    broken = await outbox.put(audio, LETTER)
    whole = await outbox.put(audio, LETTER)
    letter = root / "queued" / broken / "letter.json"
    letter.write_text(json.dumps(json.loads(letter.read_text()) | damage))
    assert [kept.id for kept in Messages(root).all()] == [whole]
    listed = {item.id: item.trouble for item in MailQueue(root).items()}
    assert listed[whole] == ""
    assert "letter.json cannot be read" in listed[broken]
    desk = Desk(root, settings(server), UTC)  # that finds both on the disk
    await desk.deliver_due(NOW)
    assert len(server.mails) == 1
    assert {item.id: item.status for item in desk.items()} == {
        whole: Status.SENT,
        broken: Status.FAILED,
    }


async def test_a_letter_that_cannot_be_read_is_shown_and_its_sound_kept(
    outbox: Desk, server: MailServer, audio: Path
) -> None:
    await outbox.put(audio, LETTER)
    (only(outbox).folder / "letter.json").write_bytes(b'{"half')
    await outbox.deliver_due(NOW + timedelta(seconds=60))
    item = only(outbox)
    assert item.status is Status.FAILED
    assert item.record is None
    assert "letter.json cannot be read" in item.trouble
    assert (item.folder / "audio.wav").read_bytes() == content(audio)
    assert server.mails == []


async def test_a_full_disk_does_not_make_a_second_copy(
    outbox: Desk, server: MailServer, audio: Path, monkeypatch: pytest.MonkeyPatch
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
    assert only(outbox).status is Status.SENT
    assert record(outbox).tries == 3


async def test_a_full_disk_and_a_new_start_make_no_second_copy(
    outbox: Desk, root: Path, server: MailServer, audio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is room for who has it, where there is none for what was said."""
    server.rcpt = lambda a: "250 OK" if a.startswith("mom") else "451 later"
    await outbox.put(audio, replace(LETTER, to=("mom@example.org", "dad@example.org")))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(replacement, "write", full)
        await outbox.deliver_due(NOW + timedelta(seconds=60))
    again = Desk(root, settings(server), UTC)
    server.rcpt = lambda _: "250 OK"
    await again.deliver_due(NOW + timedelta(hours=1))
    assert server.to == [["mom@example.org"], ["dad@example.org"]]
    assert only(again).status is Status.SENT


async def test_what_was_sent_long_ago_is_swept(
    outbox: Desk, root: Path, server: MailServer, audio: Path
) -> None:
    for _ in range(2):
        await outbox.put(audio, LETTER)
    await outbox.deliver_due(NOW + timedelta(seconds=60))
    old, new = (item.folder for item in outbox.items())
    text = (old / "letter.json").read_text()
    year = f"{NOW.year}-"
    (old / "letter.json").write_text(text.replace(year, f"{NOW.year - 1}-"))
    old = old.rename(old.with_name(f"{NOW.year - 1}{old.name[4:]}"))
    assert MailQueue(root).sweep(timedelta(days=90), NOW) == 1
    assert (old.exists(), new.exists()) == (False, True)
