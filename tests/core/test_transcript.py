"""What of a machine's transcript is shown, and when none of it is."""

import json

import pytest

from screener.core.transcript import Transcript, Word


def said(*words: tuple[str, float], until: float = 0.0) -> Transcript:
    return Transcript(tuple(Word(text, n, n + 1.0, sure) for n, (text, sure) in enumerate(words)),
                      until)  # fmt: skip


def test_words_that_it_is_not_sure_of_are_left_out() -> None:
    heard = said(("call", 0.9), ("me", 0.4), ("bag", 0.2), ("today", 0.5))
    assert heard.shown() == "call … today"
    assert heard.confidence == 0.5


def test_what_was_not_listened_to_is_told() -> None:
    assert said(("hello", 0.9), until=300.0).shown() == "hello (only the first 5 minutes)"


def test_nothing_sure_is_nothing() -> None:
    assert said(("a", 0.1), ("b", 0.1), until=300.0).shown() == ""
    assert Transcript().shown() == ""


@pytest.mark.parametrize(
    ("words", "sure", "least", "worth"),
    [
        (20, 0.6, 20, True),
        (19, 0.9, 20, False),  # too short for this engine
        (20, 0.54, 20, False),
        (1, 0.6, 1, True),
        (0, 0.0, 0, False),
    ],
)
def test_what_misleads_more_than_it_tells_is_not_worth_showing(
    words: int, sure: float, least: int, worth: bool
) -> None:
    assert said(*[("word", sure)] * words).is_worth_showing(least) is worth


def test_as_json_and_back() -> None:
    heard = said(("über", 0.25), ("<b>", 1.0), until=300.0)
    assert Transcript.from_data(json.loads(json.dumps(heard.as_data()))) == heard


@pytest.mark.parametrize("data", [{}, {"words": [1]}, {"words": [["a", 0, 1]]}, {"words": "x"}])
def test_what_is_none_is_refused(data: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        Transcript.from_data(data)
