"""Answers and classes of phrases in what was heard."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.core.frontdoor import Extension, MessageBox, RingGroup
from screener.core.grammar import (
    Answers,
    PhraseClass,
    phrase_classes,
    spoken,
)
from screener.core.jsgf import Grammar, read
from screener.core.verdict import WANTED
from screener.core.words import DIGITS
from tests.core.phrases import phrases_in

GRAMMARS = Path(__file__).parents[2] / "grammars"
WORD = st.from_regex(r"[a-z]{1,8}(?:'[a-z]{1,3})?", fullmatch=True)
PHRASE = st.lists(WORD, min_size=1, max_size=4).map(" ".join)


def extension(number: str, *names: str) -> Extension:
    return Extension(number, names, RingGroup("all", ()), MessageBox("box", ()))


EXTENSIONS = {
    "201": extension("201", "Office", "Dr. Smith"),
    "2": extension("2", "family"),
    "30": extension("30"),
}


def reached(words: str, answers: Answers) -> str:
    """The extension that a caller's words reach, as the attendant looks it up; "" for none."""
    phrases = spoken(EXTENSIONS)
    return phrases.get(answers.understood(words, phrases), "")


def shipped(name: str) -> Grammar:
    path = GRAMMARS / name
    return read(path.read_text(encoding="utf-8"), path.name)


# Answers -----------------------------------------------------------------------------------------


def test_an_extension_is_reached_by_its_names_and_its_digits() -> None:
    assert spoken(EXTENSIONS) == {
        "office": "201",
        "dr smith": "201",
        "smith": "201",
        "family": "2",
        "two zero one": "201",
        "two": "2",
        "three zero": "30",
    }


def test_a_name_comes_before_another_extensions_digits() -> None:
    assert spoken({"1": extension("1"), "2": extension("2", "one")})["one"] == "2"


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("two zero one", "201"),
        ("two oh one", "201"),
        ("the office", "201"),
        ("dr smith", "201"),
        ("three oh", "30"),
        ("two", "2"),
        ("two two", ""),
        ("oh", ""),
        ("please", ""),
        ("hello", ""),
        ("", ""),
    ],
)
def test_the_shipped_grammar_reads_answers(words: str, number: str) -> None:
    assert reached(words, Answers.of(shipped("attendant.jsgf"))) == number


def test_the_shipped_grammar_knows_every_digit_and_what_is_no_answer() -> None:
    answers = Answers.of(shipped("attendant.jsgf"))
    assert {"yes", "no", "stop", "hello"} <= set(answers.other)
    assert not set(answers.other) & answers.wordings(DIGITS).keys()
    assert {*DIGITS, "oh", "yes"} <= set(answers.not_expected())


def test_an_answer_may_have_words_around_it() -> None:
    answers = Answers({"zero": ("oh",)}, before=("extension",), after=("please",))
    assert reached("extension two oh one please", answers) == "201"
    assert reached("extension please", answers) == ""


@given(expected=st.sets(PHRASE, max_size=4), ways=st.dictionaries(WORD, st.tuples(WORD, WORD)))
def test_an_expected_phrase_always_means_itself(
    expected: set[str], ways: dict[str, tuple[str, ...]]
) -> None:
    answers = Answers(ways, ("extension",), ("please",))
    assert all(answers.understood(phrase, expected) == phrase for phrase in expected)
    assert set(answers.wordings(expected).values()) == expected


# Classes of phrases ------------------------------------------------------------------------------


CLASSES = (
    PhraseClass("press", frozenset({("press", "one"), ("press", "one", "now")})),
    PhraseClass("last call", frozenset({("final", "notice")})),
)


def test_a_class_is_found_by_its_longest_phrase_once_and_in_order() -> None:
    text = "This is your FINAL notice: press 1 now. Press one now, press"
    assert phrases_in(text, CLASSES) == [("last call", "final notice"), ("press", "press one now")]


@pytest.mark.parametrize("text", ["", "finally noticed", "press", "compress one", "one press"])
def test_parts_of_words_and_phrases_are_nothing(text: str) -> None:
    assert phrases_in(text, CLASSES) == []


@given(before=PHRASE, after=PHRASE)
def test_a_phrase_is_found_between_any_words(before: str, after: str) -> None:
    assert ("last call", "final notice") in phrases_in(f"{before} final notice {after}", CLASSES)


def test_a_phrase_without_words_is_refused() -> None:
    with pytest.raises(ValueError, match="without words"):
        PhraseClass("x", frozenset({()}))


@pytest.mark.parametrize("name", ["robocalls.jsgf", "wanted.jsgf"])
def test_the_shipped_classes_find_their_own_phrases(name: str) -> None:
    grammar = shipped(name)
    assert grammar.mistakes == ()
    classes = phrase_classes(grammar)
    for rule, phrases in grammar.rules.items():
        for phrase in phrases:
            kinds = {kind for kind, _ in phrases_in(phrase, classes)}
            assert rule.replace("_", " ") in kinds


@pytest.mark.parametrize("name", ["robocalls.jsgf", "wanted.jsgf"])
def test_no_shipped_phrase_is_a_single_word(name: str) -> None:
    """The bundled recogniser hears single words in any talk: two together are a phrase."""
    phrases = [phrase for rule in shipped(name).rules.values() for phrase in rule]
    assert [phrase for phrase in phrases if " " not in phrase] == []


def test_the_verdict_knows_the_shipped_wanted_classes() -> None:
    assert {each.name for each in phrase_classes(shipped("wanted.jsgf"))} == WANTED


def test_a_robocall_shows_two_classes_and_a_greeting_none() -> None:
    classes = phrase_classes(shipped("robocalls.jsgf"))
    robocall = (
        "We sent you several notices that you have yet to extend your warranty past the factory"
        " cutoff. Press 5 now or press 9 to be removed from our list."
    )
    kinds = {kind for kind, _ in phrases_in(robocall, classes)}
    assert {"warranty", "press a digit", "opt out", "last call"} <= kinds
    assert phrases_in("hi it's john can you call me when you get home", classes) == []
