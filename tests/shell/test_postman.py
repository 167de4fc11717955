"""Mails handed to a real SMTP server on loopback, and what its replies mean."""

import asyncio
from dataclasses import replace

import pytest

from screener.core.delivery import Answers, Delivery
from screener.errors import OutboxError
from screener.postman import Postman, reach, why
from screener.surroundings import MailSecurity, MailSettings
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
    "reply",
    [
        "451 4.3.0 try again later",
        "452 4.2.2 mailbox full",
        "552 5.2.2 mailbox full",  # permanent in name only
        "530 5.7.0 authentication required",
        "534 5.7.9 a stronger mechanism is needed",
        "535 5.7.8 who are you",
        "538 5.7.11 not in the open",
    ],
)
@pytest.mark.parametrize("at", ["rcpt", "data"])
async def test_what_is_refused_for_now_waits(server: MailServer, reply: str, at: str) -> None:
    setattr(server, at, lambda *_: reply)
    assert await deliver(settings(server), MOM) == {MOM: (Delivery.WAITING, reply)}
    assert server.mails == []


@pytest.mark.parametrize("reply", ["550 5.1.1 no such user", "554 5.7.1 spam", "552 5.3.4 too big"])
@pytest.mark.parametrize("at", ["rcpt", "data"])
async def test_what_is_refused_for_good_is_refused(server: MailServer, reply: str, at: str) -> None:
    setattr(server, at, lambda *_: reply)
    assert await deliver(settings(server), MOM) == {MOM: (Delivery.REFUSED, reply)}
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
    assert answers == dict.fromkeys((MOM, "dad@x.org"), (Delivery.REFUSED, "550 not from there"))
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
    with pytest.raises(OutboxError, match=rf"127\.0\.0\.1:{server.port}: .*refused"):
        await asyncio.to_thread(reach, settings(server))
