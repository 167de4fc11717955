"""A box as a podcast: its feed follows the rules whatever strangers call themselves."""

from __future__ import annotations

import struct
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.core import episode
from screener.core.episode import Episode
from screener.core.letter import Letter, LetterKind
from screener.core.transcript import Transcript, Word
from screener.messages.podcast import Podcast, rss
from screener.sound import cover
from tests.shell.podcastrules import ITUNES, mistakes
from tests.shell.post import LETTER

AT = "https://door.example.net/feed/x/feed.xml"
SHOW = Podcast(
    title="Messages: family",
    about="Messages that callers have left.",
    url=AT,
    home="https://door.example.net/feed/x/",
    cover="https://door.example.net/feed/x/cover.png",
    language="en",
    email="screener@example.net",
    changed=datetime(2026, 11, 20, 22, 3, tzinfo=UTC),
)
HOSTILE = [
    "\r\nSubject: x",
    "\0\x01\x08\x0b\x1f\x7f\x85",
    "\u202eevil\u2066\u200f",
    "<script>alert(1)</script><img src=x onerror=y>",
    "]]><item><title>mine</title></item>",
    "&lt;b&gt; &amp; \"quotes\" 'too'",
    "\ufffe\uffff\ud800",
    "x" * 4096,
    "  ",
    "<!ENTITY a SYSTEM 'file:///etc/passwd'>&a;",
]


def of(letter: Letter, number: int = 1, transcript: Transcript | None = None) -> Episode:
    return Episode(
        id=f"2026112{number}T220311-1f2e3d4c",
        title=episode.title(letter),
        author=episode.author(letter),
        when=letter.when,
        notes=episode.notes(letter, transcript, UTC),
        url=f"https://door.example.net/feed/x/{number}.mp3",
        size=12345,
        seconds=letter.seconds,
    )


class Elements(HTMLParser):
    """Which elements HTML has, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, int]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, len(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def assert_nothing_injected(xml: bytes) -> None:
    assert mistakes(xml, AT) == []
    [item] = ET.fromstring(xml).iter("item")
    for name in ("title", ITUNES + "author"):
        line = item.findtext(name, "")
        assert "\n" not in line
        assert not {"<", ">"} & set(line)
        assert all(sign.isprintable() for sign in line)
        assert len(line) <= 255
    notes = Elements()
    notes.feed(item.findtext("description", ""))
    assert set(notes.found) == {("p", 0)}
    assert all(sign.isprintable() for sign in notes.text)


def test_a_feed_follows_the_rules() -> None:
    hours = (1, 60)
    letters = [
        replace(LETTER, when=LETTER.when + timedelta(hours=n), seconds=n * 61.0) for n in hours
    ]
    xml = rss(SHOW, [of(letter, number) for number, letter in enumerate(letters)])
    assert mistakes(xml, AT) == []
    first, second = ET.fromstring(xml).iter("item")
    assert first.findtext("title") == "Message from Mom (+1 805 555 0142)"
    assert first.findtext(ITUNES + "author") == "Mom"
    assert first.findtext("pubDate") == "Fri, 20 Nov 2026 23:03:11 +0000"
    assert first.findtext("guid") == "screener:20261120T220311-1f2e3d4c"
    assert [i.findtext(ITUNES + "duration") for i in (first, second)] == ["1:01", "1:01:00"]
    said = first.findtext("description", "")
    assert said.startswith(
        "<p>&quot;Mom&quot;, +1 805 555 0142 called +1 818 222 3333 on Friday 20"
    )
    assert "<p>Why: nobody answered.</p>" in said


def test_an_empty_feed_follows_the_rules() -> None:
    assert mistakes(rss(SHOW, []), AT) == []


def test_the_same_messages_always_make_the_same_feed() -> None:
    assert rss(SHOW, [of(LETTER)]) == rss(SHOW, [of(LETTER)])


@pytest.mark.parametrize("name", HOSTILE)
def test_whatever_a_caller_calls_himself_nothing_is_injected(name: str) -> None:
    words = Transcript((Word(name, 0.0, 1.0, 0.9),))
    bad = replace(LETTER, name=name, number=name, why=name, ruling=name + "!", heard=(name,))
    assert_nothing_injected(rss(SHOW, [of(bad)]))
    assert_nothing_injected(rss(SHOW, [of(bad, transcript=words)]))
    assert_nothing_injected(rss(SHOW, [of(replace(bad, kind=LetterKind.ROBOT, transcript=name))]))


@given(name=st.text(), why=st.text(), words=st.text())
def test_no_text_whatever_breaks_the_feed(name: str, why: str, words: str) -> None:
    bad = replace(LETTER, name=name, number=name, why=why, ruling=why, transcript=words)
    assert_nothing_injected(rss(SHOW, [of(bad)]))


def test_a_transcript_is_marked_as_a_machines() -> None:
    words = Transcript((Word("call", 0.0, 0.4, 0.9), Word("back", 0.4, 0.8, 0.7)))
    *_, last = episode.notes(LETTER, words, UTC)
    assert last == "Written down by a machine, which is 80 % sure of it: call back"
    *_, last = episode.notes(replace(LETTER, heard=("press one",)), None, UTC)
    assert last == 'What a machine knew of its words, and there were more: "press one"'
    *_, last = episode.notes(replace(LETTER, heard=("press one",)), Transcript(), UTC)
    assert "press one" in last


def test_a_robots_reminder_and_a_hidden_number_are_called_what_they_are() -> None:
    robot = replace(LETTER, kind=LetterKind.ROBOT, name="", number="")
    assert episode.title(robot) == "Reminder (automatic call) from a withheld number"
    assert episode.author(robot) == "withheld"


def test_times_are_those_of_the_recipient() -> None:
    berlin = replace(LETTER, zone="Europe/Berlin")
    first, *_ = episode.notes(berlin, None, timezone(timedelta(hours=-8)))
    assert "Friday 20 November 2026, 23:03 CET" in first


# The cover ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("box", ["family", "the-Millers_of_Sunset-Boulevard_1234567", "$x^2$"])
def test_a_cover_is_as_large_as_apple_asks_and_is_drawn_once(tmp_path: Path, box: str) -> None:
    path = cover.of(tmp_path / "covers", box)
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    wide, high, depth, colour = struct.unpack(">IIBB", content[16:26])
    assert wide == high == cover.SIZE
    assert 1400 <= wide <= 3000
    assert depth == 8
    assert colour in {2, 6}  # RGB, with or without alpha
    assert len(content) < 512_000
    before = path.stat().st_mtime_ns
    assert cover.of(tmp_path / "covers", box) == path
    assert path.stat().st_mtime_ns == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]
