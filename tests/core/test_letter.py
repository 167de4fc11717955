"""The mail that carries a message: what it says, and that no caller can make it say more."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.core.callerid import shown
from screener.core.letter import (
    Letter,
    LetterKind,
    Link,
    SoundFormat,
    as_data,
    compose,
    from_data,
    is_address,
    length,
    sound_name,
)
from screener.core.rules import Action

PACIFIC = timezone(timedelta(hours=-8))
LETTER = Letter(
    call=17,
    box="office",
    to=("mom@example.org", "dad@example.org"),
    number="+18055550142",
    name="Mom",
    did="+18182223333",
    when=datetime(2026, 11, 20, 22, 3, 11, tzinfo=UTC),
    seconds=42.2,
    why="nobody answered within 25 s",
)


def mailed(letter: Letter, remark: str = "", form: SoundFormat = SoundFormat.MP3) -> EmailMessage:
    """What a mail program makes of the mail."""
    mail = compose(
        letter,
        b"sound",
        form,
        sender="door@example.org",
        message_id="<17@example.org>",
        written=letter.when,
        zone=PACIFIC,
        remark=remark,
    )
    read = message_from_bytes(mail.as_bytes(), policy=default)
    assert isinstance(read, EmailMessage)
    return read


def test_the_mail_says_what_the_rules_said() -> None:
    letter = replace(LETTER, ruling="screen (2-block.rules:3): the number is withheld")
    assert "  Rules   screen (2-block.rules:3): the number is withheld\n" in body(mailed(letter))
    once = replace(letter, why=f"nobody answered; {letter.ruling}")
    assert body(mailed(once)).count(letter.ruling) == 1
    assert from_data(as_data(letter)) == letter


def body(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def test_a_mail_says_who_called_when_how_long_and_why() -> None:
    mail = mailed(LETTER)
    assert mail["Subject"] == "Message from Mom (+1 805 555 0142), 0:42"
    assert mail["From"] == "Mom <door@example.org>"
    assert mail["To"] == "mom@example.org, dad@example.org"
    assert mail["Date"].datetime == LETTER.when
    assert mail["Message-ID"] == "<17@example.org>"
    assert mail["Reply-To"] is None
    assert body(mail) == (
        "Mom (+1 805 555 0142) left a message of 0:42.\n"
        "\n"
        '  From    "Mom", +1 805 555 0142\n'
        "  To      +1 818 222 3333, message box office\n"
        "  When    Friday 20 November 2026, 14:03\n"
        "  Why     nobody answered within 25 s\n"
        "  Call    17  (screener calls show 17)\n"
        "\n"
        "The recording is attached: message from +18055550142 2026-11-20 14.03.mp3\n"
        "\n"
        "Let this caller in from now on (screener calls allow 17)\n"
        "Block this caller from now on (screener calls block 17)\n"
    )


def test_the_recording_is_attached_under_a_name_that_tells() -> None:
    [attachment] = mailed(LETTER).iter_attachments()
    assert attachment.get_filename() == "message from +18055550142 2026-11-20 14.03.mp3"
    assert attachment.get_content_type() == "audio/mpeg"
    assert attachment.get_content() == b"sound"


def test_a_wav_attachment_says_why_it_is_one() -> None:
    mail = mailed(LETTER, remark="ffmpeg is missing", form=SoundFormat.WAV)
    [attachment] = mail.iter_attachments()
    assert attachment.get_filename() == "message from +18055550142 2026-11-20 14.03.wav"
    assert attachment.get_content_type() == "audio/wav"
    assert "14.03.wav\nffmpeg is missing\n" in body(mail)


@pytest.mark.parametrize(
    ("number", "name", "subject", "sender"),
    [
        ("+18055550142", "", "Message from +1 805 555 0142, 0:42", "+1 805 555 0142"),
        ("", "", "Message from a withheld number, 0:42", "a withheld number"),
        ("", "Mom", "Message from Mom (a withheld number), 0:42", "Mom"),
        ("+18055550142", "Café Zoë", "Message from Café Zoë (+1 805 555 0142), 0:42", "Café Zoë"),
    ],
)
def test_callers_without_a_name_or_number(
    number: str, name: str, subject: str, sender: str
) -> None:
    mail = mailed(replace(LETTER, number=number, name=name))
    assert mail["Subject"] == subject
    assert mail["From"].addresses[0].display_name == sender
    assert mail["From"].addresses[0].addr_spec == "door@example.org"


def test_a_name_cannot_pose_as_another_address() -> None:
    mail = mailed(replace(LETTER, name='"Bank" <support@bank.example>, x'))
    assert mail["From"].addresses[0].display_name == "Bank support bank.example x"


def test_a_name_that_turns_the_reading_direction_or_breaks_the_line_is_shown_escaped() -> None:
    mail = mailed(replace(LETTER, name="evil\u202egpj\r\nBcc: all@example.org"))
    assert mail["Bcc"] is None
    assert "evil\\u202egpj\\r\\nBcc: all@example.org" in mail["Subject"]
    assert '"evil\\u202egpj\\r\\nBcc: all@example.org"' in body(mail)


def test_a_name_that_is_an_encoded_word_is_not_decoded() -> None:
    mail = mailed(replace(LETTER, name="=?utf-8?B?PGJhbmtAeD4=?=", number="=?utf-8?B?DQo=?="))
    assert "bank" not in mail["From"].addresses[0].display_name
    assert "= ?utf-8?B?PGJhbmtAeD4= ?=" in mail["Subject"]


HOSTILE = st.one_of(
    st.text(max_size=5000),
    st.text(
        st.sampled_from('\r\n\t\x00"<>@,;:\\()[]=?_ \u202e\u2066\u200d\ud800äé日ab'), max_size=90
    ),
    st.sampled_from(["=?utf-8?b?PGE+?=", "a" * 4096, "\r\n.\r\n", "\r\n\r\n<html>", "é" * 4096]),
)


def squeezed(text: str) -> str:
    """Without white space: Python may fold a long name in mid-word, which costs or adds a space."""
    return "".join(text.split())


@given(name=HOSTILE, number=HOSTILE, why=HOSTILE, box=HOSTILE, remark=HOSTILE)
def test_whatever_strangers_write_there_is_one_of_each_header(
    name: str, number: str, why: str, box: str, remark: str
) -> None:
    letter = replace(LETTER, name=name, number=number, why=why, box=box)
    mail = mailed(letter, remark=remark)
    for header in ("From", "To", "Subject", "Date", "Message-ID", "Content-Type"):
        assert len(mail.get_all(header, [])) == 1, header
    assert {header.lower() for header in mail} == {
        "from",
        "to",
        "subject",
        "date",
        "message-id",
        "auto-submitted",
        "mime-version",
        "content-type",
    }
    assert [address.addr_spec for address in mail["From"].addresses] == ["door@example.org"]
    assert [address.addr_spec for address in mail["To"].addresses] == list(LETTER.to)
    [attachment] = mail.iter_attachments()
    assert attachment.get_content() == b"sound"
    if name.strip():
        assert squeezed(shown(name)) in squeezed(mail["Subject"])
        assert shown(name).replace('"', "'") in body(mail)
    assert all(c.isprintable() for c in mail["Subject"] + mail["From"] + mail["To"])
    assert all(c.isprintable() or c == "\n" for c in body(mail))


@given(name=HOSTILE)
def test_no_line_of_a_mail_is_longer_than_smtp_allows(name: str) -> None:
    mail = compose(
        replace(LETTER, name=name, why=name),
        bytes(5000),
        SoundFormat.MP3,
        sender="door@example.org",
        message_id="<17@example.org>",
        written=LETTER.when,
        zone=PACIFIC,
    )
    lines = mail.as_bytes().split(b"\r\n")
    assert max(map(len, lines)) <= 998  # RFC 5321 4.5.3.1.6
    assert not any(b"\r" in line or b"\n" in line for line in lines)


@given(number=HOSTILE)
def test_a_file_name_is_safe_whatever_the_number(number: str) -> None:
    name = sound_name(replace(LETTER, number=number), SoundFormat.MP3, PACIFIC)
    assert set(name) <= set("messagfro withldnub+0123456789-.3p")
    assert name.startswith("message from ")
    assert len(name) < 60


@given(name=HOSTILE, why=HOSTILE, seconds=st.floats(0, 7200))
def test_a_letter_survives_json(name: str, why: str, seconds: float) -> None:
    letter = replace(LETTER, name=name, why=why, seconds=seconds)
    assert from_data(as_data(letter)) == letter


# A wanted robot, and what can be done about a caller ---------------------------------------------

UNTIL = datetime(2026, 12, 20, 22, 3, tzinfo=UTC)
LINKS = (
    Link(Action.ALLOW, "http://127.0.0.1:8190/let-in/AbC", UNTIL),
    Link(Action.BLOCK, "http://127.0.0.1:8190/block/DeF", UNTIL),
)
REMINDER = replace(
    LETTER,
    kind=LetterKind.ROBOT,
    number="+18665550142",
    name="WALGREENS RX",
    why="wanted robot: talked on over the prompt and spoke of prescription",
    transcript="this is a reminder from … your prescription is ready for pick up",
    confidence=0.824,
    links=LINKS,
)


def test_a_wanted_robots_mail_says_so_and_what_can_be_done() -> None:
    mail = mailed(REMINDER)
    who = "WALGREENS RX (+1 866 555 0142)"
    assert mail["Subject"] == f"Reminder (automatic call) kept: {who}, 0:42"
    assert body(mail) == (
        f"Reminder (automatic call) kept: {who} spoke for 0:42; no phone rang.\n"
        "\n"
        '  From    "WALGREENS RX", +1 866 555 0142\n'
        "  To      +1 818 222 3333, message box office\n"
        "  When    Friday 20 November 2026, 14:03\n"
        "  Why     wanted robot: talked on over the prompt and spoke of prescription\n"
        "  Call    17  (screener calls show 17)\n"
        "\n"
        "The recording is attached: reminder from +18665550142 2026-11-20 14.03.mp3\n"
        "\n"
        "Written down by a machine, which is 82 % sure of it (… where it is not sure of a word):\n"
        "  this is a reminder from … your prescription is ready for pick up\n"
        "\n"
        "Let this caller in from now on (screener calls allow 17)\n"
        "  http://127.0.0.1:8190/let-in/AbC\n"
        "Block this caller from now on (screener calls block 17)\n"
        "  http://127.0.0.1:8190/block/DeF\n"
        "A link asks before it changes anything, and works once, until Sunday 20 December 2026.\n"
    )


def test_a_message_can_be_answered_by_a_link_too() -> None:
    text = body(mailed(replace(LETTER, links=LINKS)))
    assert "left a message" in text
    assert "/let-in/AbC\n" in text
    assert "machine" not in text


@pytest.mark.parametrize("number", ["", "*", "anonymous", "+1*"])
def test_nobody_is_told_to_let_in_a_caller_whom_no_rule_can_name(number: str) -> None:
    text = body(mailed(replace(LETTER, number=number)))
    assert "from now on" not in text


def test_a_call_that_has_no_row_is_named_in_no_command() -> None:
    assert "from now on" not in body(mailed(replace(LETTER, call=0)))


def test_without_a_transcript_the_phrases_that_were_known_are_told() -> None:
    phrases = ("the pharmacy", "your prescription is", "ready for pick up")
    text = body(mailed(replace(REMINDER, transcript="", heard=phrases)))
    assert (
        "What a machine knew of its words, and there were more:\n"
        '  "the pharmacy", "your prescription is", "ready for pick up"\n'
    ) in text
    assert "the pharmacy" not in body(mailed(replace(REMINDER, heard=phrases)))
    assert "machine" not in body(mailed(replace(REMINDER, transcript="")))


@given(transcript=HOSTILE, phrase=HOSTILE)
def test_a_transcript_is_text_within_the_mails_width(transcript: str, phrase: str) -> None:
    mail = mailed(replace(REMINDER, transcript=transcript, heard=(phrase,)))
    assert all(c.isprintable() or c == "\n" for c in body(mail))
    assert max(map(len, body(mail).splitlines())) <= 100
    assert mail.get_all("Subject", []) == mailed(REMINDER).get_all("Subject", [])


@given(transcript=HOSTILE, confidence=st.floats(0, 1))
def test_a_reminder_survives_the_queue(transcript: str, confidence: float) -> None:
    letter = replace(REMINDER, transcript=transcript, confidence=confidence, heard=(transcript,))
    assert from_data(json.loads(json.dumps(as_data(letter)))) == letter


def test_what_an_earlier_version_queued_is_a_message() -> None:
    data = as_data(REMINDER)
    for new in ("ruling", "kind", "transcript", "confidence", "heard", "links"):
        del data[new]
    plain = from_data(data)
    assert (plain.kind, plain.transcript) == (LetterKind.MESSAGE, "")
    assert (plain.heard, plain.links) == ((), ())


@pytest.mark.parametrize(
    "wrong", [{"kind": "spam"}, {"links": [["allow"]]}, {"links": [["x", "y", "2026-11-20"]]}]
)
def test_what_is_no_letter_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        from_data(as_data(REMINDER) | wrong)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (42.2, "0:42"), (59.7, "1:00"), (300, "5:00"), (3603, "1:00:03")],
)
def test_length(seconds: float, text: str) -> None:
    assert length(seconds) == text


@pytest.mark.parametrize("good", ["mom@example.org", "a.b+c@x", "o'neil@sub.example.co.uk"])
def test_addresses_that_mail_can_be_sent_to(good: str) -> None:
    assert is_address(good)


@pytest.mark.parametrize(
    "bad", ["", "mom", "@x", "mom@", "a b@x", "a@x\r\nDATA", "<a@b>", "a@b, c@d", "é@x", "a@b\n"]
)
def test_addresses_that_mail_cannot_be_sent_to(bad: str) -> None:
    assert not is_address(bad)
