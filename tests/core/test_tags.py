"""What a podcast player shows of a message."""

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from screener.core.letter import LetterKind
from screener.core.tags import Tags, of
from tests.shell.post import LETTER

ZONE = ZoneInfo("Europe/Berlin")


def test_a_message_says_who_and_when() -> None:
    assert of(LETTER, ZONE) == Tags(
        title="Message from Mom, 20 November 2026, 23:03",
        artist="Mom (+1 805 555 0142)",
        album="office",
        date="2026-11-20T23:03:11",
        comment="nobody answered",
    )


def test_a_withheld_number_and_a_robot() -> None:
    tags = of(replace(LETTER, name="", number="", kind=LetterKind.ROBOT), ZONE)
    assert tags.title == "Reminder from a withheld number, 20 November 2026, 23:03"
    assert tags.artist == "a withheld number"


def test_a_part_is_numbered() -> None:
    tags = of(LETTER, ZONE)
    assert (tags.track, tags.of(2, 3).track) == ("", "2/3")
    assert tags.of(2, 3).title == "Message from Mom, 20 November 2026, 23:03 (2 of 3)"


@pytest.mark.parametrize(
    "name", ["A\r\nB: c", "\x00\x1b[2J", "\u202eevil", "<img src=x>", '"; rm -rf', "x" * 4096]
)
def test_whatever_a_caller_calls_himself_is_one_short_line(name: str) -> None:
    tags = of(replace(LETTER, name=name, why=name, box=name), ZONE)
    for text in (tags.title, tags.artist, tags.album, tags.comment):
        assert text.isprintable()
        assert len(text) <= 300
        text.encode("utf-8")
