"""The mail that carries a notice: what it says, and that nobody's file can make it say more."""

import json
from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from hypothesis import given
from hypothesis import strategies as st

from screener.core.delivery import Record, as_json, from_json
from screener.core.notice import Notice, as_data, compose, from_data

PACIFIC = timezone(timedelta(hours=-8))
WRITTEN = datetime(2026, 11, 20, 22, 3, 11, tzinfo=UTC)
NOTICE = Notice(
    ("mom@example.org", "dad@example.org"), "your rules have a mistake", ("Dear you,", "", "  1")
)


def mailed(notice: Notice) -> EmailMessage:
    """What a mail program makes of the mail."""
    mail = compose(
        notice, sender="door@example.org", message_id="<1@x>", written=WRITTEN, zone=PACIFIC
    )
    read = message_from_bytes(mail.as_bytes(), policy=default)
    assert isinstance(read, EmailMessage)
    return read


def test_a_notice_is_a_mail_of_plain_text() -> None:
    mail = mailed(NOTICE)
    assert mail["Subject"] == "your rules have a mistake"
    assert mail["From"] == "screener <door@example.org>"
    assert mail["To"] == "mom@example.org, dad@example.org"
    assert mail["Message-ID"] == "<1@x>"
    assert mail["Date"].datetime == WRITTEN
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().replace("\r\n", "\n") == "Dear you,\n\n  1\n"


HOSTILE = st.one_of(
    st.text(max_size=2000),
    st.text(st.sampled_from("\r\n\t\0<>@=?_ \u202e\u200d\ud800äa."), max_size=90),
    st.sampled_from(["=?utf-8?b?PGE+?=", "\r\n.\r\n", "\r\n\r\nBcc: all@example.org"]),
)


@given(subject=HOSTILE, lines=st.lists(HOSTILE, min_size=1, max_size=5))
def test_whatever_stands_in_a_file_stays_one_line_of_the_mail(
    subject: str, lines: list[str]
) -> None:
    mail = mailed(Notice(NOTICE.to, subject, tuple(lines)))
    for header in ("From", "To", "Subject", "Date", "Message-ID", "Content-Type"):
        assert len(mail.get_all(header, [])) == 1, header
    assert mail["Bcc"] is None
    text = mail.get_content().replace("\r\n", "\n")
    assert len(text.split("\n")) == len(lines) + 1
    assert all(char.isprintable() or char == "\n" for char in text)


@given(
    to=st.lists(st.text()),
    subject=st.text(st.characters(exclude_categories=["Cs"])),
    lines=st.lists(st.text(st.characters(exclude_categories=["Cs"]))),
)
def test_what_is_kept_is_read_back(to: list[str], subject: str, lines: list[str]) -> None:
    notice = Notice(tuple(to), subject, tuple(lines))
    assert from_data(json.loads(json.dumps(as_data(notice)))) == notice
    record = Record.begun("1f", notice, "door@example.org", WRITTEN)
    assert from_json("1f", as_json(record)) == record
