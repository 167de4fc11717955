"""Mails handed to a real SMTP server on loopback."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult

from screener.core.delivery import Answers, Delivery
from screener.core.reply import is_too_large
from screener.errors import MailError
from screener.mail import mailsession
from screener.mail.mailsession import fingerprint, why
from screener.mail.parcel import Parcel
from screener.mail.postman import Postman, reach
from screener.settings.surroundings import MailSecurity, MailSettings
from tests.shell.post import CERTIFICATE, MailServer, let_in, settings, tls

MAIL = b"Subject: a message\r\n\r\none line\r\n.\r\n.and another\r\n"
MOM = "mom@example.org"


async def deliver(mail: MailSettings, *to: str) -> Answers:
    def visit() -> Answers:
        with Postman(mail) as postman:
            return postman.deliver(to, MAIL)

    return await asyncio.to_thread(visit)


async def failure(mail: MailSettings) -> str:
    """Why no mail could be handed over at all."""
    try:
        answers = await deliver(mail, MOM)
    except (OSError, ValueError) as error:
        return why(error)
    raise AssertionError(answers)


async def test_a_mail_is_taken_as_it_is_for_all_its_recipients(server: MailServer) -> None:
    answers = await deliver(settings(server), MOM, "dad@example.org")
    taken = (Delivery.ACCEPTED, "250 kept")
    assert answers == {MOM: taken, "dad@example.org": taken}
    assert server.to == [[MOM, "dad@example.org"]]
    assert server.mails[0].get_content() == "one line\r\n.\r\n.and another\r\n"


@pytest.mark.parametrize(
    ("reply", "delivery"),
    [
        ("451 4.3.0 try again later", Delivery.WAITING),
        ("552 5.2.2 mailbox full", Delivery.WAITING),
        ("550 5.1.1 no such user", Delivery.REFUSED),
    ],
)
@pytest.mark.parametrize("at", ["rcpt", "data"])
async def test_a_reply_is_the_recipients_answer(
    server: MailServer, reply: str, delivery: Delivery, at: str
) -> None:
    """What replies mean: tests/core/test_reply.py."""
    setattr(server, at, lambda *_: reply)
    assert await deliver(settings(server), MOM) == {MOM: (delivery, reply)}
    assert server.mails == []


async def test_a_reply_is_shown_harmless_and_not_at_length(server: MailServer) -> None:
    server.data = lambda: "550 no such\x1b user " + "x" * 1000 + "y" * 100
    _, reply = (await deliver(settings(server), MOM))[MOM]
    assert reply.startswith("550 no such\\x1b user xxx")
    assert len(reply) == 400


async def test_each_recipient_has_an_answer_of_its_own(server: MailServer) -> None:
    replies = {
        MOM: "250 OK",
        "gone@example.org": "550 5.1.1 no such user",
        "full@example.org": "452 4.2.2 full",
    }
    server.rcpt = replies.__getitem__
    assert await deliver(settings(server), *replies) == {
        MOM: (Delivery.ACCEPTED, "250 kept"),
        "gone@example.org": (Delivery.REFUSED, "550 5.1.1 no such user"),
        "full@example.org": (Delivery.WAITING, "452 4.2.2 full"),
    }
    assert server.to == [[MOM]]


async def test_recipients_keep_their_answers_when_the_server_dies_in_data(
    server: MailServer,
) -> None:
    server.rcpt = lambda a: "550 no" if a.startswith("gone") else "250 OK"
    server.data = lambda: None
    answers = await deliver(settings(server), "gone@example.org", MOM)
    assert answers["gone@example.org"] == (Delivery.REFUSED, "550 no")
    assert answers[MOM][0] is Delivery.WAITING
    assert "closed" in answers[MOM][1]


async def test_a_sender_who_is_not_welcome_is_every_recipients_answer(server: MailServer) -> None:
    answers = await deliver(settings(server, sender="door@unwelcome.example"), MOM, "dad@x.org")
    told = "550 not from there (said of the sender, door@unwelcome.example)"
    assert answers == dict.fromkeys((MOM, "dad@x.org"), (Delivery.REFUSED, told))
    assert not server.asked


async def test_a_server_that_is_not_there() -> None:
    server = MailServer()
    async with server.up():
        pass
    assert "refused" in await failure(settings(server))


async def test_the_mail_is_taken_before_leave_is(server: MailServer) -> None:
    """What came of it can be written down before the postman says QUIT."""

    def visit() -> list[int]:
        with Postman(settings(server)) as postman:
            postman.deliver([MOM], MAIL)
            before = len(server.mails)
            assert not server.left
        return [before, server.left]

    assert await asyncio.to_thread(visit) == [1, 1]


# Protected connections ---------------------------------------------------------------------------


async def test_starttls_and_login(monkeypatch: pytest.MonkeyPatch) -> None:
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
        refused = await failure(replace(wanted, password="guess"))
        assert refused.startswith("535")
        assert "guess" not in refused
        assert (await deliver(wanted, MOM))[MOM][0] is Delivery.ACCEPTED
    assert server.to == [[MOM]]


async def test_tls_from_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    server = MailServer()
    async with server.up(implicit_tls=True):
        mail = settings(server, host="localhost", security=MailSecurity.TLS)
        assert "certificate verify failed" in await failure(mail)
        assert server.mails == []
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        assert (await deliver(mail, MOM))[MOM][0] is Delivery.ACCEPTED


async def test_a_server_without_starttls_gets_nothing_in_the_open(server: MailServer) -> None:
    assert "STARTTLS" in await failure(settings(server, security=MailSecurity.STARTTLS))
    assert server.mails == []


# Reaching it -------------------------------------------------------------------------------------


async def test_reaching_a_server_sends_nothing(server: MailServer) -> None:
    await asyncio.to_thread(reach, settings(server))
    assert server.left == 1
    assert not server.asked
    assert server.mails == []


async def test_a_server_out_of_reach_is_named_with_the_reason() -> None:
    server = MailServer()
    async with server.up():
        pass
    with pytest.raises(MailError, match=rf"127\.0\.0\.1:{server.port}: .*refused"):
        await asyncio.to_thread(reach, settings(server))


# A certificate that the owner pins ---------------------------------------------------------------

_PEM = CERTIFICATE.read_text()  # the key stands first
PINNED = fingerprint(ssl.PEM_cert_to_DER_cert(_PEM[_PEM.index("-----BEGIN CERT") :]))
OTHER = "sha256:" + 64 * "0"


def protected(server: MailServer, security: MailSecurity, pin: str) -> MailSettings:
    # 127.0.0.1 is not the certificate's name: nothing but the pin can make it fit.
    return settings(server, security=security, fingerprint=pin, user="door", password="secret")


@pytest.mark.parametrize("security", [MailSecurity.TLS, MailSecurity.STARTTLS])
async def test_the_pinned_certificate_is_taken_and_no_other(security: MailSecurity) -> None:
    logins = []

    def login(*given: Any) -> AuthResult:
        logins.append(given[-1].password)
        return let_in(*given)

    server = MailServer()
    implicit = security is MailSecurity.TLS
    options = {"auth_required": True, "authenticator": login, "auth_require_tls": not implicit}
    if not implicit:
        options["tls_context"] = tls()
    async with server.up(implicit, **options):
        told = await failure(protected(server, security, OTHER))
        assert PINNED in told
        assert "mail.fingerprint pins another" in told
        assert logins == []  # whoever shows another certificate hears no password
        answers = await deliver(protected(server, security, PINNED), MOM)
        assert answers == {MOM: (Delivery.ACCEPTED, "250 kept")}
    assert logins == [b"secret"]


@pytest.mark.parametrize("security", [MailSecurity.TLS, MailSecurity.STARTTLS])
async def test_reaching_a_server_shows_the_fingerprint_that_could_be_pinned(
    security: MailSecurity,
) -> None:
    server = MailServer()
    implicit = security is MailSecurity.TLS
    async with server.up(implicit, **({} if implicit else {"tls_context": tls()})):
        mail = settings(server, security=security)
        with pytest.raises(MailError) as refused:
            await asyncio.to_thread(reach, mail)
        assert "its certificate does not verify" in str(refused.value)
        assert f'mail.fingerprint = "{PINNED}"' in str(refused.value)
        told = await asyncio.to_thread(reach, replace(mail, fingerprint=PINNED))
    assert told.startswith(f"127.0.0.1:{server.port} takes our mail over {security}")


async def test_reaching_a_server_tells_how_large_a_mail_may_be() -> None:
    server = MailServer()
    async with server.up(data_size_limit=20_500_000):
        assert (await asyncio.to_thread(reach, settings(server))).endswith(
            "takes our mail, at most 20.5 MB each"
        )


# STARTTLS that somebody on the line takes out -----------------------------------------------------


async def test_a_server_whose_starttls_is_refused_gets_nothing_in_the_open() -> None:
    """The offer is there, and the command is answered by 454."""
    heard = []

    async def stripped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.test\r\n")
        while line := await reader.readline():
            heard.append(line)
            ehlo = line.upper().startswith(b"EHLO")
            writer.write(b"250-mail.test\r\n250 STARTTLS\r\n" if ehlo else b"454 no TLS\r\n")
        writer.close()

    async with listening(stripped) as port:
        mail = settings(MailServer(port=port), security=MailSecurity.STARTTLS, user="door",
                        password="secret")  # fmt: skip
        assert await failure(mail) == "454 no TLS"
    assert [line.split()[0].upper() for line in heard] == [b"EHLO", b"STARTTLS"]


async def test_a_password_is_said_to_no_server_that_offers_no_login(server: MailServer) -> None:
    told = await failure(settings(server, user="door", password="secret"))
    assert told.startswith("it offers no login")
    assert "secret" not in told


async def test_a_server_that_speaks_no_tls_at_the_port_of_tls(server: MailServer) -> None:
    told = await failure(settings(server, security=MailSecurity.TLS))
    assert told.startswith("no TLS could be agreed on")


async def test_a_host_that_there_is_not() -> None:
    told = await failure(settings(MailServer(port=25), host="no-such-host.invalid"))
    assert told == "there is no such host, or the network is away"


# Servers that are slow, or drop -------------------------------------------------------------------


@contextlib.asynccontextmanager
async def listening(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    """A server that is not one of aiosmtpd's: its port."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


DRIP = 0.02


@pytest.mark.parametrize("greeted", [b"", b"220 mail.test\r\n"])
async def test_a_server_that_drips_holds_nobody_for_ever(
    monkeypatch: pytest.MonkeyPatch, greeted: bytes
) -> None:
    """Each letter comes in time, and the reply has no end."""
    monkeypatch.setattr(mailsession, "TALK_SECONDS", 1.0)

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeted)
        with contextlib.suppress(OSError):
            while True:
                writer.write(b"2")
                await writer.drain()
                await asyncio.sleep(DRIP)

    async with listening(drip) as port:
        told = await failure(settings(MailServer(port=port)))
    assert told == "the mail server is too slow: its time was over"


async def test_a_server_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailsession, "SMTP_SECONDS", 0.3)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with listening(silent) as port:
        assert await failure(settings(MailServer(port=port))) == "no answer in time"


async def test_a_server_that_never_says_whether_it_has_the_mail(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailsession, "ACCEPT_SECONDS", 0.3)
    server.stalled = asyncio.Event()
    delivery, told = (await deliver(settings(server), MOM))[MOM]
    server.stalled.set()
    assert delivery is Delivery.WAITING
    assert told in {"no answer in time", "the mail server is too slow: its time was over"}


@pytest.mark.parametrize("reply", ["421 4.3.2 going down", None])
@pytest.mark.parametrize("at", ["MAIL", "RCPT", "DATA"])
async def test_a_server_that_drops_at_any_stage_has_it_again_later(
    reply: str | None, at: str
) -> None:
    async def drops(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.test\r\n")
        while line := await reader.readline():
            if line.upper().startswith(at.encode()):
                writer.write(f"{reply}\r\n".encode() if reply else b"")
                break
            writer.write(b"250 OK\r\n")
        writer.close()

    async with listening(drops) as port:
        mail = settings(MailServer(port=port))
        try:
            answers = await deliver(mail, MOM)
        except OSError as error:
            answers = {MOM: (Delivery.WAITING, why(error))}
    assert answers[MOM][0] is Delivery.WAITING
    assert answers[MOM][1].startswith(reply or "") and answers[MOM][1]


async def test_a_server_that_says_yes_to_data_has_nothing() -> None:
    """It is out of step: its 250 is of something that was asked before."""
    heard = []

    async def out_of_step(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.test\r\n")
        while line := await reader.readline():
            heard.append(line)
            writer.write(b"250 OK\r\n")
        writer.close()

    async with listening(out_of_step) as port:
        answers = await deliver(settings(MailServer(port=port)), MOM, "dad@example.org")
    assert [delivery for delivery, _ in answers.values()] == [Delivery.WAITING] * 2
    assert "250 (to DATA, where 354 was due) OK" in answers[MOM][1]
    assert b"one line\r\n" not in heard


@pytest.mark.parametrize("lines", [2_000, 500_000])
async def test_a_server_that_refuses_in_the_midst_of_a_mail_and_hangs_up_is_heard(
    lines: int,
) -> None:
    """And the smaller one is handed over in the same visit."""
    kept = []

    async def limits(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.test\r\n")
        while line := await reader.readline():
            said = line[:4].upper().strip()
            writer.write(b"354 go\r\n" if said == b"DATA" else b"250 OK\r\n")
            if said == b"DATA":
                mail = b""
                while not mail.endswith(b"\r\n.\r\n") and len(mail) < 100_000:
                    mail += await reader.readline()
                if len(mail) >= 100_000:
                    writer.write(b"552 5.3.4 message too big for system\r\n")
                    break
                kept.append(mail)
                writer.write(b"250 kept\r\n")
        with contextlib.suppress(OSError):
            await writer.drain()
            writer.close()

    # What the buffers on the way take, and more: the server hangs up while that is sent.
    large = MAIL + (b"x" * 70 + b"\r\n") * lines

    def visit(port: int) -> list[Answers]:
        with Postman(settings(MailServer(port=port))) as postman:
            return [postman.deliver([MOM], mail) for mail in (large, MAIL)]

    async with listening(limits) as port:
        refused, taken = await asyncio.to_thread(visit, port)
    assert is_too_large(refused[MOM][1])
    assert taken == {MOM: (Delivery.ACCEPTED, "250 kept")}
    assert len(kept) == 1


async def test_a_sound_that_changes_while_it_is_sent_is_taken_by_no_server(
    server: MailServer, tmp_path: Path
) -> None:
    """The mail has no end then: not even that of the QUIT that comes after it."""
    mail = EmailMessage(policy=SMTP)
    mail.set_content("hello")
    mail.add_attachment(b"", maintype="audio", subtype="mpeg")
    sound = tmp_path / "a.mp3"
    sound.write_bytes(b"x" * 300_000)
    parcel = Parcel.of(mail, sound)
    sound.write_bytes(b"x" * 200_000)

    def visit() -> Answers:
        with Postman(settings(server)) as postman:
            return postman.deliver([MOM], parcel)

    answers = await asyncio.to_thread(visit)
    assert answers[MOM] == (Delivery.WAITING, "a.mp3 has changed while it was being sent")
    assert server.mails == []
    assert server.left == 0


async def test_several_mails_in_one_visit(server: MailServer) -> None:
    """Also after one that was refused at any stage."""
    server.rcpt = lambda to: "550 no" if to.startswith("gone") else "250 OK"
    replies = iter(["250 kept", "554 spam", "250 kept"])
    server.data = lambda: next(replies)

    def visit() -> list[Delivery]:
        with Postman(settings(server)) as postman:
            told = [postman.deliver([to], Parcel(MAIL))
                    for to in (MOM, "gone@example.org", MOM, MOM)]  # fmt: skip
        return [delivery for answers in told for delivery, _ in answers.values()]

    accepted, refused = Delivery.ACCEPTED, Delivery.REFUSED
    assert await asyncio.to_thread(visit) == [accepted, refused, refused, accepted]
    assert server.left == 1


# Too large ----------------------------------------------------------------------------------------


async def test_a_mail_that_the_server_would_not_take_is_not_sent() -> None:
    server = MailServer()
    async with server.up(data_size_limit=20):
        reply = (await deliver(settings(server), MOM))[MOM][1]
    assert is_too_large(reply)
    assert server.sizes == []


# Sendmail, alone or behind the server -------------------------------------------------------------


def sendmail_program(tmp_path: Path) -> str:
    path = tmp_path / "sendmail"
    path.write_text(f'#!/bin/sh\ncat > "{tmp_path}/taken"\n')
    path.chmod(0o700)
    return str(path)


async def test_sendmail_has_the_mail_where_there_is_no_server(tmp_path: Path) -> None:
    mail = settings(MailServer(), host="", sendmail=sendmail_program(tmp_path))
    answers = await deliver(mail, MOM)
    assert answers == {MOM: (Delivery.ACCEPTED, f"taken by {mail.sendmail}")}
    assert (tmp_path / "taken").read_bytes() == MAIL.replace(b"\r\n", b"\n")


async def test_the_server_comes_first(server: MailServer, tmp_path: Path) -> None:
    mail = settings(server, sendmail=sendmail_program(tmp_path))
    assert (await deliver(mail, MOM))[MOM] == (Delivery.ACCEPTED, "250 kept")
    assert not (tmp_path / "taken").exists()


async def test_sendmail_has_the_mail_when_the_server_cannot_be_reached(tmp_path: Path) -> None:
    server = MailServer()
    async with server.up():
        pass
    mail = settings(server, sendmail=sendmail_program(tmp_path))
    delivery, reply = (await deliver(mail, MOM))[MOM]
    assert delivery is Delivery.ACCEPTED
    assert reply.startswith(f"taken by {mail.sendmail} (the mail server 127.0.0.1: ")
    assert "refused" in reply


async def test_what_the_server_refuses_is_not_tried_behind_its_back(
    server: MailServer, tmp_path: Path
) -> None:
    server.rcpt = lambda _: "550 5.1.1 no such user"
    mail = settings(server, sendmail=sendmail_program(tmp_path))
    assert (await deliver(mail, MOM))[MOM] == (Delivery.REFUSED, "550 5.1.1 no such user")
    assert not (tmp_path / "taken").exists()


async def test_a_full_mailbox_waits_though_sendmail_says_it_is_for_good(tmp_path: Path) -> None:
    path = tmp_path / "sendmail"
    path.write_text("#!/bin/sh\necho msmtp: server message: 552 5.2.2 mailbox full >&2\nexit 65\n")
    path.chmod(0o700)
    delivery, reply = (await deliver(settings(MailServer(), host="", sendmail=str(path)), MOM))[MOM]
    assert (delivery, is_too_large(reply)) == (Delivery.WAITING, False)


async def test_a_sendmail_that_is_not_there_is_named(tmp_path: Path) -> None:
    mail = settings(MailServer(), host="", sendmail=str(tmp_path / "gone"))
    assert "gone" in await failure(mail)
