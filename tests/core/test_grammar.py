"""JSGF to phrases, and phrases in what was heard."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from screener.core.frontdoor import Extension, MessageBox, RingGroup
from screener.core.grammar import (
    DIGITS,
    Answers,
    Grammar,
    PhraseClass,
    intent,
    normal,
    phrase_classes,
    phrases_in,
    read,
    spoken,
    written,
)
from screener.core.verdict import WANTED

GRAMMARS = Path(__file__).parents[2] / "grammars"
HEAD = "#JSGF V1.0;\ngrammar g;\n"

WORD = st.from_regex(r"[a-z]{1,8}(?:'[a-z]{1,3})?", fullmatch=True)
PHRASE = st.lists(WORD, min_size=1, max_size=4).map(" ".join)
NAME = st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True)


def extension(number: str, *names: str) -> Extension:
    return Extension(number, names, RingGroup("all", ()), MessageBox("box", ()))


EXTENSIONS = {
    "201": extension("201", "Office", "Dr. Smith"),
    "2": extension("2", "family"),
    "30": extension("30"),
}


def shipped(name: str) -> Grammar:
    path = GRAMMARS / name
    return read(path.read_text(encoding="utf-8"), path.name)


# Reading -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "phrases"),
    [
        ("one", ("one",)),
        ("one | two three", ("one", "two three")),
        ("press [the] (one | two)", ("press the one", "press the two", "press one", "press two")),
        ("your <car>", ("your car", "your van")),
        ("stop | <NULL>", ("stop",)),
        ("stop | <VOID>", ("stop",)),
        ("/10/ one | /1/ two", ("one", "two")),
        ("one {tag} // comment\n | two /* another\n one */ three", ("one", "two three")),
        ("Press 1 | don't", ("press one", "don't")),
        ("a | a", ("a",)),
    ],
)
def test_a_rule_stands_for_its_phrases(rule: str, phrases: tuple[str, ...]) -> None:
    grammar = read(f"{HEAD}<car> = car | van;\npublic <x> = {rule};\n", "g.jsgf")
    assert grammar.mistakes == ()
    assert sorted(grammar.rules["x"]) == sorted(phrases)
    assert "car" not in grammar.rules  # a private rule


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("", "g.jsgf:1: this is not JSGF"),
        ("grammar g;", "g.jsgf:1: this is not JSGF"),
        (HEAD + "public <x> = one | (two ;\n", 'g.jsgf:3: this is not JSGF from "| (two ;" on'),
        (HEAD + "<y> = b;\npublic <x> = <z>;\n", "g.jsgf:4: <x> refers to <z>, which is not"),
        (HEAD + "\npublic <x> = one+;\n", "g.jsgf:4: <x> repeats something"),
        (HEAD + "\npublic <x> = one*;\n", "g.jsgf:4: <x> repeats something"),
        (HEAD + "public <x> = a <x>;\n", "g.jsgf:3: <x> refers to itself by <x>"),
        (HEAD + "<a> = <b>;\n<b> = <a>;\npublic <x> = <a>;\n", "g.jsgf:5: <x> refers to itself"),
        (HEAD + "public <x> = a;\npublic <x> = b;\n", "g.jsgf: "),
        (HEAD + "import <other.rule>;\npublic <x> = a;\n", "g.jsgf: imports are not read"),
        (HEAD + f"public <x> = {'(a | b) ' * 20};\n", "g.jsgf:3: <x> stands for more than 5000"),
        (HEAD + f"public <x> = {' | '.join(['a'] * 3000)};\n", "g.jsgf: too many alternatives"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, mistake: str) -> None:
    grammar = read(text, "g.jsgf")
    assert any(told.startswith(mistake) for told in grammar.mistakes), grammar.mistakes


def test_one_bad_rule_does_not_hide_another() -> None:
    grammar = read(HEAD + "public <x> = a+;\npublic <y> = <z>;\npublic <w> = fine;\n", "g.jsgf")
    assert len(grammar.mistakes) == 2
    assert grammar.rules == {"w": ("fine",)}


@settings(deadline=None)
@given(text=st.text(max_size=60))
def test_no_text_is_too_bad_to_be_read(text: str) -> None:
    for whole in (text, HEAD + text, f"{HEAD}public <x> = {text};"):
        grammar = read(whole, "g.jsgf")
        assert all(mistake.startswith("g.jsgf:") for mistake in grammar.mistakes)
        assert grammar.rules or grammar.mistakes or "public" not in whole


@settings(deadline=None, max_examples=40)  # pyjsgf takes a millisecond for each word
@given(
    rules=st.dictionaries(
        NAME, st.lists(PHRASE, min_size=1, max_size=6, unique=True), min_size=1, max_size=3
    )
)
def test_what_is_written_reads_back(rules: dict[str, list[str]]) -> None:
    grammar = read(written("g", rules), "g.jsgf")
    assert grammar.mistakes == ()
    assert grammar.rules == {name: tuple(phrases) for name, phrases in rules.items()}


def test_many_alternatives_are_written_so_that_they_read_back() -> None:
    rules = {"x": tuple(f"a{'b' * n}" for n in range(400)), "none": ()}
    assert read(written("g", rules), "g").rules == rules


@given(text=st.text(max_size=40))
def test_a_normal_phrase_stays_as_it_is(text: str) -> None:
    assert normal(normal(text)) == normal(text)
    assert set(normal(text)).isdisjoint("0123456789.,!()<>|")


def test_normal_writes_what_recognisers_print() -> None:
    assert normal("Dr. José  O\N{RIGHT SINGLE QUOTATION MARK}Neill, #201!") == (
        "dr jose o'neill two zero one"
    )


# Answers -----------------------------------------------------------------------------------------


def test_an_extension_is_reached_by_its_names_and_its_digits() -> None:
    assert spoken(EXTENSIONS) == {
        "office": "201",
        "dr smith": "201",
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
    assert intent(words, EXTENSIONS, Answers.of(shipped("attendant.jsgf"))) == number


def test_the_shipped_grammar_knows_every_digit_and_what_is_no_answer() -> None:
    answers = Answers.of(shipped("attendant.jsgf"))
    assert {"yes", "no", "stop", "hello"} <= set(answers.other)
    assert not set(answers.other) & answers.wordings(DIGITS).keys()
    assert {*DIGITS, "oh", "yes"} <= set(answers.not_expected())


def test_an_answer_may_have_words_around_it() -> None:
    answers = Answers({"zero": ("oh",)}, before=("extension",), after=("please",))
    assert intent("extension two oh one please", EXTENSIONS, answers) == "201"
    assert intent("extension please", EXTENSIONS, answers) == ""


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
