"""The mail that carries a message: what it says, and that no caller can make it say more."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.core.callerid import shown
from screener.core.enclosure import Enclosure, sound_name
from screener.core.frontdoor import SoundFormat
from screener.core.letter import Letter, LetterKind, Link
from screener.core.lettermail import compose
from screener.core.localtime import told as told_time
from screener.core.localtime import zone_of
from screener.core.rules import Action
from tests.core.letters import HOSTILE, LETTER, LINKS, REMINDER, UNTIL

PACIFIC = timezone(timedelta(hours=-8))


MP3 = Enclosure(SoundFormat.MP3)


def mailed(
    letter: Letter, enclosure: Enclosure = MP3, zone: tzinfo | None = PACIFIC
) -> EmailMessage:
    """What a mail program makes of the mail."""
    mail = compose(
        letter,
        enclosure,
        b"sound",
        sender="door@example.org",
        message_id="<17@example.org>",
        written=letter.when,
        zone=zone,
    )
    read = message_from_bytes(mail.as_bytes(), policy=default)
    assert isinstance(read, EmailMessage)
    return read


def test_the_mail_says_what_the_rules_said() -> None:
    letter = replace(LETTER, ruling="screen (2-block.rules:3): the number is withheld")
    assert "  Rules   screen (2-block.rules:3): the number is withheld\n" in body(mailed(letter))
    once = replace(letter, why=f"nobody answered; {letter.ruling}")
    assert body(mailed(once)).count(letter.ruling) == 1


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
        "Mom (+1 805 555 0142) left a message of 42 s.\n"
        "\n"
        '  From    "Mom", +1 805 555 0142\n'
        "  To      +1 818 222 3333, message box office\n"
        "  When    Friday 20 November 2026, 14:03\n"
        "  Why     nobody answered within 25 s\n"
        "  Call    17  (screener calls show 17)\n"
        "\n"
        "The recording is attached: message from +18055550142 2026-11-20 14.03.mp3\n"
        "\n"
        "Call +1 805 555 0142 back\n"
        "  tel:+18055550142\n"
        "Let this caller in from now on (screener calls allow 17)\n"
        "Block this caller from now on (screener calls block 17)\n"
    )


def test_the_recording_is_attached_under_a_name_that_tells() -> None:
    [attachment] = mailed(LETTER).iter_attachments()
    assert attachment.get_filename() == "message from +18055550142 2026-11-20 14.03.mp3"
    assert attachment.get_content_type() == "audio/mpeg"
    assert attachment.get_content() == b"sound"


def test_a_wav_attachment_says_why_it_is_one() -> None:
    mail = mailed(LETTER, Enclosure(SoundFormat.WAV, remarks=("ffmpeg is missing",)))
    [attachment] = mail.iter_attachments()
    assert attachment.get_filename() == "message from +18055550142 2026-11-20 14.03.wav"
    assert attachment.get_content_type() == "audio/wav"
    assert "14.03.wav\nffmpeg is missing\n" in body(mail)


@pytest.mark.parametrize(
    ("number", "name", "subject", "sender"),
    [
        ("+18055550142", "", "Message from +1 805 555 0142, 0:42", "+1 805 555 0142"),
        ("", "", "Message from a withheld number, 0:42", "A withheld number"),
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


@pytest.mark.parametrize(
    ("name", "enclosure", "first"),
    [
        ("", MP3, "A withheld number left a message of 42 s."),
        ("", replace(MP3, lost=True), "A withheld number called; of what was recorded"),
        ("jo", MP3, "jo (a withheld number) left a message of 42 s."),
    ],
)
def test_a_mail_begins_as_a_sentence_does(name: str, enclosure: Enclosure, first: str) -> None:
    assert body(mailed(replace(LETTER, number="", name=name), enclosure)).startswith(first)


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


def squeezed(text: str) -> str:
    """Without white space: Python may fold a long name in mid-word, which costs or adds a space."""
    return "".join(text.split())


@given(name=HOSTILE, number=HOSTILE, why=HOSTILE, box=HOSTILE, remark=HOSTILE)
def test_whatever_strangers_write_there_is_one_of_each_header(
    name: str, number: str, why: str, box: str, remark: str
) -> None:
    letter = replace(LETTER, name=name, number=number, why=why, box=box)
    mail = mailed(letter, replace(MP3, remarks=(remark,)))
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
        replace(LETTER, name=name, why=name, transcript=name, ruling=name),
        MP3,
        bytes(5000),
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
    name = sound_name(replace(LETTER, number=number), MP3, PACIFIC)
    assert set(name) <= set("messagfro withldnub+0123456789-.3p")
    assert name.startswith("message from ")
    assert len(name) < 60


# A wanted robot, and what can be done about a caller ---------------------------------------------


def test_a_wanted_robots_mail_says_so_and_what_can_be_done() -> None:
    mail = mailed(REMINDER)
    who = "WALGREENS RX (+1 866 555 0142)"
    assert mail["Subject"] == f"Reminder (automatic call) kept: {who}, 0:42"
    assert body(mail) == (
        f"Reminder (automatic call) kept: {who} spoke for 42 s; no phone rang.\n"
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
    """A full disk refused its row. The caller can be called back all the same."""
    mail = mailed(replace(LETTER, call=0, links=LINKS))
    seen = page(mail)
    for text in (body(mail), " ".join(seen.told)):
        assert "not in the list of calls: it could not be written down" in text
        assert "from now on" not in text
        assert "screener calls" not in text
        assert "A link asks" not in text
    assert seen.links == ["tel:+18055550142"]


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


# Two bodies, one sound ----------------------------------------------------------------------------


class Page(HTMLParser):
    """The words of an HTML page, where its links lead, and whatever else it would fetch."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.told: list[str] = []
        self.links: list[str] = []
        self.fetched: list[str] = []
        self._in = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in = tag
        self.links += [value or "" for name, value in attrs if name == "href"]
        self.fetched += [value or "" for name, value in attrs if name in {"src", "background"}]

    def handle_data(self, data: str) -> None:
        if self._in not in {"style", "title"}:
            self.told.append(data)


def page(mail: EmailMessage) -> Page:
    part = mail.get_body(("html",))
    assert part is not None
    return Page(str(part.get_content()))


def test_a_mail_has_two_bodies_and_beside_them_the_sound() -> None:
    mail = mailed(LETTER)
    assert [part.get_content_type() for part in mail.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "audio/mpeg",
    ]
    [attachment] = mail.iter_attachments()
    assert attachment.get_content_disposition() == "attachment"


EVERYTHING = st.builds(
    replace,
    st.just(LETTER),
    name=HOSTILE,
    number=st.one_of(HOSTILE, st.sampled_from(["", "+18055550142", "+19005551234"])),
    why=HOSTILE,
    ruling=HOSTILE,
    box=HOSTILE,
    transcript=HOSTILE,
    heard=st.tuples(HOSTILE),
    confidence=st.floats(0, 1),
    kind=st.sampled_from(LetterKind),
    links=st.sampled_from([(), LINKS]),
    call=st.sampled_from([0, 17]),
)


@given(letter=EVERYTHING)
def test_both_bodies_say_the_same(letter: Letter) -> None:
    """But for the links, which are addresses in one of them."""
    mail = mailed(letter)
    text, html = body(mail), page(mail)
    url = re.compile(r"^  ((?:tel:|http:)\S+)$", re.MULTILINE)
    assert set(html.links) == set(url.findall(text))
    assert not html.fetched
    lines = url.sub("", text).splitlines()
    for line in lines:
        assert plain(line) in plain("".join(html.told))
    for told in html.told:
        assert plain(told) in plain("".join(lines))


def plain(text: str) -> str:
    """Its letters and digits: where a line breaks is each body's own business."""
    return "".join(c for c in text if c.isalnum())


def test_what_a_stranger_wrote_is_no_markup() -> None:
    name = '"><img src=x onerror=alert(1)><script>alert(2)</script>'
    mail = mailed(replace(LETTER, name=name, transcript="</td></table><a href=http://x>y</a>"))
    html = mail.get_body(("html",))
    assert html is not None
    source = str(html.get_content())
    assert "<script" not in source
    assert "<img" not in source
    assert "&lt;/td&gt;&lt;/table&gt;&lt;a href=http://x&gt;y&lt;/a&gt;" in source
    assert page(mail).links == ["tel:+18055550142"]


def test_the_same_letter_gives_the_same_bytes() -> None:
    """So that a repeat is one, byte for byte, whatever the clock and the lot say."""

    def sent(message_id: str) -> bytes:
        mail = compose(
            REMINDER,
            MP3,
            b"sound",
            sender="door@example.org",
            message_id=message_id,
            written=LETTER.when,
            zone=PACIFIC,
        )
        return mail.as_bytes()

    assert sent("<17@example.org>") == sent("<17@example.org>")
    boundaries = set(re.findall(rb'boundary="([^"]+)"', sent("<17@x>") + sent("<18@x>")))
    assert len(boundaries) == 4


# What can be done ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "callable_"),
    [
        ("+18055550142", True),
        ("+4930123456", True),
        ("", False),  # withheld
        ("anonymous", False),
        ("+19005551234", False),  # premium: a call back is what its owner wants
        ("+999123456789", False),  # no country has such a number
        ("+881612345678", False),  # a satellite phone
        ("+1805555014;ext=1", False),
    ],
)
def test_a_link_dials_only_what_can_be_called(number: str, callable_: bool) -> None:
    mail = mailed(replace(LETTER, number=number))
    assert (f"  tel:{number}\n" in body(mail)) is callable_
    assert page(mail).links == ([f"tel:{number}"] if callable_ else [])


def test_a_message_is_answered_by_three_links_and_a_robot_is_let_in_by_one() -> None:
    assert page(mailed(replace(LETTER, links=LINKS))).links == [
        "tel:+18055550142",
        "http://127.0.0.1:8190/let-in/AbC",
        "http://127.0.0.1:8190/block/DeF",
    ]
    assert page(mailed(REMINDER)).links == ["http://127.0.0.1:8190/let-in/AbC"]


def test_what_is_no_link_is_not_made_one() -> None:
    links = (Link(Action.ALLOW, "javascript:alert(1)", UNTIL),)
    assert page(mailed(replace(REMINDER, links=links))).links == []


# When: time zones ---------------------------------------------------------------------------------

LOS_ANGELES, BERLIN = "America/Los_Angeles", "Europe/Berlin"


@pytest.mark.parametrize(
    ("when", "zone", "told"),
    [
        # The owner's zone needs no name, another's does.
        ("2026-11-20 22:03", "", "Friday 20 November 2026, 14:03"),
        ("2026-11-20 22:03", LOS_ANGELES, "Friday 20 November 2026, 14:03"),
        ("2026-11-20 22:03", BERLIN, "Friday 20 November 2026, 23:03 CET"),
        ("2026-11-20 23:03", BERLIN, "Saturday 21 November 2026, 00:03 CET"),
        ("2026-07-20 22:03", "Asia/Kathmandu", "Tuesday 21 July 2026, 03:48 UTC+0545"),
        # Clocks are set back: 01:30 comes twice.
        ("2026-11-01 08:30", "", "Sunday 1 November 2026, 01:30 PDT"),
        ("2026-11-01 09:30", "", "Sunday 1 November 2026, 01:30 PST"),
        ("2026-10-25 00:30", BERLIN, "Sunday 25 October 2026, 02:30 CEST"),
        ("2026-10-25 01:30", BERLIN, "Sunday 25 October 2026, 02:30 CET"),
        ("2026-10-25 02:30", BERLIN, "Sunday 25 October 2026, 03:30 CET"),
        # Clocks are set forward: nothing is between 02:00 and 03:00.
        ("2026-03-08 09:59", "", "Sunday 8 March 2026, 01:59"),
        ("2026-03-08 10:00", "", "Sunday 8 March 2026, 03:00"),
        # A zone that this machine does not know is the owner's.
        ("2026-11-20 22:03", "Mars/Olympus", "Friday 20 November 2026, 14:03"),
    ],
)
def test_the_time_is_the_recipients(when: str, zone: str, told: str) -> None:
    moment = datetime.fromisoformat(when).replace(tzinfo=UTC)
    mail = mailed(replace(LETTER, when=moment, zone=zone), zone=ZoneInfo(LOS_ANGELES))
    assert f"  When    {told}\n" in body(mail)
    assert mail["Date"].datetime == moment


@given(
    when=st.datetimes(datetime(1980, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),
    zone=st.sampled_from(["", LOS_ANGELES, BERLIN, "Australia/Lord_Howe", "Asia/Kolkata"]),
)
def test_no_two_moments_of_a_recipient_are_told_alike(when: datetime, zone: str) -> None:
    """An hour before and after it, a time of day stands for itself."""
    owners = ZoneInfo(LOS_ANGELES)
    told = {
        told_time(when + timedelta(minutes=minutes), zone_of(zone, owners), owners)
        for minutes in (-60, -30, 0, 30, 60)
    }
    assert len(told) == 5


def test_the_file_is_named_by_the_recipients_time() -> None:
    mail = mailed(replace(LETTER, zone=BERLIN), zone=ZoneInfo(LOS_ANGELES))
    [attachment] = mail.iter_attachments()
    assert attachment.get_filename() == "message from +18055550142 2026-11-20 23.03.mp3"


# How the sound goes -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "content_type"),
    [("mp3", "audio/mpeg"), ("opus", "audio/ogg"), ("wav", "audio/wav")],
)
def test_a_player_is_told_what_the_sound_is(form: str, content_type: str) -> None:
    [attachment] = mailed(LETTER, Enclosure(SoundFormat(form))).iter_attachments()
    assert attachment.get_content_type() == content_type
    assert (attachment.get_filename() or "").endswith(f".{form}")


def test_a_part_says_which_it_is_and_belongs_to_the_first() -> None:
    enclosure = Enclosure(
        SoundFormat.MP3, 1200.0, part=2, parts=3, start=1200.0, remarks=("It was too large.",)
    )
    mail = compose(
        replace(LETTER, seconds=3600, transcript="hello", confidence=0.9),
        enclosure,
        b"sound",
        sender="door@example.org",
        message_id="<17.2@example.org>",
        written=LETTER.when,
        zone=PACIFIC,
        first_id="<17.1@example.org>",
    )
    assert mail["Subject"] == "Message from Mom (+1 805 555 0142), 1:00:00 (2 of 3)"
    assert mail["References"] == mail["In-Reply-To"] == "<17.1@example.org>"
    assert (
        "The recording is attached: message from +18055550142 2026-11-20 14.03 2 of 3.mp3\n"
        "This is part 2 of 3, from 20:00 to 40:00; each comes in a mail of its own.\n"
        "It was too large.\n"
    ) in body(mail)
    assert "hello" not in body(mail)


def test_a_link_stands_for_what_is_not_attached() -> None:
    url = "https://door.example.net/sound/17/AbC"
    mail = mailed(LETTER, Enclosure(SoundFormat.MP3, url=url, until=UNTIL))
    assert list(mail.iter_attachments()) == []
    assert mail.get_content_type() == "multipart/alternative"
    heard = f"The recording is heard by a link, until Sunday 20 December 2026.\n  {url}\n"
    assert heard in body(mail)
    assert page(mail).links[0] == url


def test_a_recording_of_which_nothing_is_left_poses_as_no_message() -> None:
    mail = mailed(LETTER, Enclosure(SoundFormat.MP3, lost=True))
    assert mail["Subject"] == "Call from Mom (+1 805 555 0142): its recording is lost"
    assert list(mail.iter_attachments()) == []
    assert "left a message" not in body(mail)
    assert "nothing is attached" in body(mail)
