"""What mail servers and sendmail programs reply, and what that means for a recipient."""

import pytest

from screener.core.delivery import Delivery
from screener.core.reply import is_too_large, may_be_too_large, of_program, of_server

SENDMAIL = "/usr/sbin/sendmail"


def answered(reply: str) -> tuple[Delivery, str]:
    code, _, text = reply.partition(" ")
    return of_server(int(code), text)


@pytest.mark.parametrize(
    "reply",
    [
        "421 4.3.2 going down",
        "451 4.3.0 try again later",
        "452 4.2.2 mailbox full",
        "552 5.2.2 mailbox full",  # permanent in name only
        "550 4.2.2 The email account is over quota",
        "552 Requested mail action aborted: exceeded storage allocation",  # RFC 5321's own words
        "552 Mailbox size limit exceeded",
        "552 user has exceeded his quota limit",
        "552 message rejected: mailbox size limit exceeded",
        "552 5.3.1 mail system full",
        "552 no",
        "554 Mailbox full",
        "554 5.7.1 the recipient's mailbox is full",
        "530 5.7.0 authentication required",
        "534 5.7.9 a stronger mechanism is needed",
        "535 5.7.8 who are you",
        "538 5.7.11 not in the open",
        "354 go ahead",  # no answer to what was asked
        "600 there is no such code",
    ],
)
def test_what_is_refused_for_now_waits(reply: str) -> None:
    assert answered(reply) == (Delivery.WAITING, reply)


@pytest.mark.parametrize(
    "reply",
    ["550 5.1.1 no such user", "554 5.7.1 spam", "552 5.3.4 too big", "552 5.7.0 blocked content"],
)
def test_what_is_refused_for_good_is_refused(reply: str) -> None:
    assert answered(reply) == (Delivery.REFUSED, reply)


@pytest.mark.parametrize("reply", ["250 kept", "251 it is sent on", "250 552 is no code here"])
def test_what_is_taken_is_accepted(reply: str) -> None:
    assert answered(reply) == (Delivery.ACCEPTED, reply)


def test_a_reply_is_kept_as_one_line_that_does_no_harm() -> None:
    told = of_server(550, "no such\x1b user\r\nand more " + "x" * 1000)[1]
    assert told.startswith("550 no such\\x1b user\\r\\nand more xxx")
    assert len(told) == 400


# A sendmail program -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "delivery", "told"),
    [
        (75, Delivery.WAITING, "ended with status 75 (EX_TEMPFAIL)"),
        (69, Delivery.WAITING, "ended with status 69 (EX_UNAVAILABLE)"),
        (77, Delivery.WAITING, "ended with status 77 (EX_NOPERM)"),
        (78, Delivery.WAITING, "ended with status 78 (EX_CONFIG)"),
        (1, Delivery.WAITING, "ended with status 1"),
        (-9, Delivery.WAITING, "was killed by signal 9"),
        (67, Delivery.REFUSED, "ended with status 67 (EX_NOUSER)"),
        (68, Delivery.REFUSED, "ended with status 68 (EX_NOHOST)"),
        (65, Delivery.REFUSED, "ended with status 65 (EX_DATAERR)"),
    ],
)
def test_an_exit_status_is_the_answer(status: int, delivery: Delivery, told: str) -> None:
    assert of_program(SENDMAIL, status, "") == (delivery, f"{SENDMAIL} {told}")
    said = f"{SENDMAIL} {told}: no such user"
    assert of_program(SENDMAIL, status, "no such user") == (delivery, said)


def test_what_a_program_takes_is_accepted() -> None:
    assert of_program(SENDMAIL, 0, "") == (Delivery.ACCEPTED, f"taken by {SENDMAIL}")


def test_a_full_mailbox_waits_though_the_program_says_it_is_for_good() -> None:
    told = "msmtp: server message: 552 5.2.2 mailbox full"
    delivery, reply = of_program(SENDMAIL, 65, told)
    assert delivery is Delivery.WAITING
    assert not is_too_large(reply)


# Too large ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "too_large"),
    [
        ("552 5.3.4 too big", True),
        ("552-5.2.3 Your message exceeded the size limits", True),
        ("550 5.3.4 message size exceeds", True),
        ("552 message size exceeds fixed maximum message size", True),
        ("552 Error: Too much mail data: too large", True),
        ("523 the message is too large", True),
        ("552 5.2.2 mailbox full", False),
        ("552 mailbox full", False),
        ("552 Mailbox size limit exceeded", False),
        ("552 user has exceeded his quota limit", False),
        ("552 5.3.4 exceeded storage allocation", True),
        ("552 exceeded storage allocation: maximum message size is 5 MB", True),
        ("452 4.3.1 size is beyond what is left", False),
        ("550 5.7.1 spam", False),
        ("250 2.0.0 large mails are welcome", False),
        ("/usr/sbin/sendmail ended with status 69: sendmail: fatal: message file too big", True),
        ("/usr/sbin/sendmail ended with status 75", False),
    ],
)
def test_which_reply_asks_for_a_smaller_mail(reply: str, too_large: bool) -> None:
    assert is_too_large(reply) is too_large


@pytest.mark.parametrize(
    ("reply", "either"),
    [
        ("552 Requested mail action aborted: exceeded storage allocation", True),
        ("552 5.0.0 exceeded storage allocation", True),
        ("552 5.2.0 exceeded storage allocation", True),
        ("552-5.3.0 exceeded storage allocation", True),
        ("552 exceeded storage limit", True),
        ("552 no", True),
        ("552 5.2.2 exceeded storage allocation", False),
        ("552 5.3.4 exceeded storage allocation", False),
        ("552 5.2.3 exceeded storage allocation", False),
        ("552 5.3.1 exceeded storage allocation", False),
        ("552 5.7.0 blocked", False),
        ("552 exceeded storage allocation: maximum message size is 5 MB", False),
        ("552 mailbox full", False),
        ("552 user has exceeded his quota limit", False),
        ("550 exceeded storage allocation", False),
        ("452 insufficient system storage", False),
        ("250 552 is no code here", False),
    ],
)
def test_which_reply_is_of_a_large_mail_or_of_a_full_mailbox(reply: str, either: bool) -> None:
    assert may_be_too_large(reply) is either
