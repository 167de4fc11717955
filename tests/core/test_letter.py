"""What is known of a message: it survives its way through the queue, whatever is in it."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.core.frontdoor import MessageBox, SoundFormat
from screener.core.letter import (
    LetterKind,
    addressed,
    as_data,
    from_data,
    is_address,
    length,
)
from tests.core.letters import HOSTILE, LETTER, REMINDER

# To a box -----------------------------------------------------------------------------------------

STUDIO = MessageBox(
    "studio", ("host@example.org",), form=SoundFormat.OPUS, bits=64000, zone="Asia/Tokyo"
)


def test_a_letter_is_mailed_as_its_box_wants_it() -> None:
    assert addressed(LETTER, STUDIO) == replace(
        LETTER,
        box="studio",
        to=("host@example.org",),
        form=SoundFormat.OPUS,
        bits=64000,
        zone="Asia/Tokyo",
        wants_transcript=True,
    )


def test_nothing_of_the_box_that_a_letter_was_to_before_is_left() -> None:
    home = MessageBox("home", ("mom@example.org",))
    assert addressed(addressed(LETTER, STUDIO), home) == addressed(LETTER, home)


def test_what_is_transcribed_already_or_not_wanted_is_not_transcribed() -> None:
    unheard = replace(REMINDER, transcript="")  # the recogniser was sure of nothing
    transcribed = replace(LETTER, transcript="call me back")
    for letter in (REMINDER, unheard, transcribed):
        assert not addressed(letter, STUDIO).wants_transcript
    assert not addressed(LETTER, replace(STUDIO, transcript=False)).wants_transcript


@given(name=HOSTILE, why=HOSTILE, seconds=st.floats(0, 7200))
def test_a_letter_survives_json(name: str, why: str, seconds: float) -> None:
    letter = replace(LETTER, name=name, why=why, seconds=seconds)
    assert from_data(as_data(letter)) == letter


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
