"""The phrases in a call's words, while a recogniser thinks them over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.core.grammar import PhraseClass
from screener.core.phrases import Phrases
from screener.core.transcript import UNRATED, Word
from tests.core.phrases import phrases_in

CLASSES = (
    PhraseClass("press digit", frozenset({("press", "one"), ("press", "one", "now")})),
    PhraseClass("account", frozenset({("your", "account")})),
)


def words(text: str, *sure: float) -> tuple[Word, ...]:
    """Words as a recogniser gives them; those that `sure` does not rate are not rated."""
    rated = [*sure, *[UNRATED] * len(text.split())]
    return tuple(Word(word, 0.0, 0.0, rated[n]) for n, word in enumerate(text.split()))


def test_a_phrase_has_the_time_at_which_it_was_first_heard() -> None:
    phrases = Phrases(CLASSES)
    phrases.hear(words("please press one"), 1.0)
    phrases.hear(words("please press one now or press one"), 2.0)
    [told] = phrases.told
    assert (told.kind, told.at) == ("press digit", 1.0)


def test_a_phrase_is_as_sure_as_its_words_and_becomes_surer_with_them() -> None:
    phrases = Phrases(CLASSES)
    phrases.hear(words("press one", 0.2, 0.4), 1.0)
    assert phrases.told[0].confidence == pytest.approx(0.3)
    phrases.hear(words("press one your", 0.6, 0.8), 1.2)
    [told] = phrases.told
    assert told.at == 1.0
    assert told.confidence == pytest.approx(0.7)


def test_what_is_said_twice_is_as_sure_as_the_surer_time() -> None:
    phrases = Phrases(CLASSES)
    phrases.hear(words("press one and press one", 0.2, 0.2, 0.2, 0.9, 0.9), 1.0)
    [told] = phrases.told
    assert told.confidence == pytest.approx(0.9)


def test_what_the_recogniser_thinks_better_of_was_not_said() -> None:
    phrases = Phrases(CLASSES)
    phrases.hear(words("press one about your account"), 1.0)
    phrases.hear(words("press one about your count"), 1.2)
    assert [phrase.kind for phrase in phrases.told] == ["press digit"]
    phrases.hear(words("press one about your account"), 1.4)
    assert [(phrase.kind, phrase.at) for phrase in phrases.told] == [
        ("press digit", 1.0),
        ("account", 1.4),
    ]


WORDS = st.lists(st.sampled_from(["press", "one", "now", "your", "account", "and"]), max_size=12)


@given(st.lists(st.tuples(st.integers(0, 6), WORDS, st.floats(0, 1)), max_size=20))
def test_what_is_found_step_by_step_is_what_is_found_at_once(
    turns: list[tuple[int, list[str], float]],
) -> None:
    """Each time the last few words are taken back and others said: as if all were read anew."""
    phrases = Phrases(CLASSES)
    now: list[Word] = []
    for at, (taken_back, said, sure) in enumerate(turns):
        now = now[: max(0, len(now) - taken_back)] + [Word(text, 0.0, 0.0, sure) for text in said]
        phrases.hear(now, float(at))
        at_once = Phrases(CLASSES)
        at_once.hear(now, 0.0)
        read = {kind for kind, _ in phrases_in(" ".join(word.text for word in now), CLASSES)}
        assert {phrase.kind for phrase in phrases.told} == read
        assert {(p.kind, p.confidence) for p in phrases.told} == {
            (p.kind, p.confidence) for p in at_once.told
        }
        assert all(0.0 <= phrase.at <= at for phrase in phrases.told)
