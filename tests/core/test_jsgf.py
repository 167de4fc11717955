"""JSGF to phrases and back, and every mistake with its place."""

from __future__ import annotations

import tempfile

import pocketsphinx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.core.jsgf import read, written

HEAD = "#JSGF V1.0;\ngrammar g;\n"
WORD = st.from_regex(r"[a-z]{1,8}(?:'[a-z]{1,3})?", fullmatch=True)
PHRASE = st.lists(WORD, min_size=1, max_size=4).map(" ".join)
NAME = st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True)


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
        ("a (b | c) d | e", ("a b d", "a c d", "e")),
        ("a [b] c | d (e) | f", ("a b c", "a c", "d e", "f")),
        ('"don\'t" do', ("don't do",)),
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
        ("", 'g.jsgf:1: expected the first line to be "#JSGF V1.0;", found the end of the file'),
        ("grammar g;", 'g.jsgf:1: expected the first line to be "#JSGF V1.0;", found "grammar"'),
        ("#JSGF V1.0;\n<x> = a;", 'g.jsgf:2: expected "grammar" and its name, found "<x>"'),
        (HEAD + "public <x> = one | (two ;\n", 'g.jsgf:3: expected ")", found ";"'),
        (HEAD + "public <x> = one | ;\n", 'g.jsgf:3: expected words, found ";"'),
        (
            HEAD + "public <x> = one | two",
            'g.jsgf:3: expected ";", "|" or more words, found',
        ),
        (HEAD + "public <x> = a\n\n<y> = b;", "g.jsgf:5: the rule before this one does not end"),
        (HEAD + "public x = one;\n", 'g.jsgf:3: expected a rule, <name> = ...;, found "x"'),
        (HEAD + "/* two\nlines */ <x> = ) ;\n", 'g.jsgf:4: expected words, found ")"'),
        (HEAD + "<y> = b;\npublic <x> = <z>;\n", "g.jsgf:4: <x> refers to <z>, which is not"),
        (HEAD + "\npublic <x> = one+;\n", "g.jsgf:4: something is repeated by +"),
        (HEAD + "\npublic <x> = (one)*;\n", "g.jsgf:4: something is repeated by *"),
        (HEAD + "public <x> = a <x>;\n", "g.jsgf:3: <x> refers to itself by <x>"),
        (HEAD + "<a> = <b>;\n<b> = <a>;\npublic <x> = <a>;\n", "g.jsgf:5: <x> refers to itself"),
        (HEAD + "public <x> = a;\npublic <x> = b;\n", "g.jsgf:4: <x> is there twice"),
        (HEAD + "import <other.rule>;\npublic <x> = a;\n", "g.jsgf:3: imports are not read"),
        (HEAD + f"public <x> = {'(a | b) ' * 20};\n", "g.jsgf:3: <x> stands for more than 5000"),
        (HEAD + f"public <x> = {'(' * 99}a{')' * 99};\n", "g.jsgf:3: brackets are nested too deep"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, mistake: str) -> None:
    grammar = read(text, "g.jsgf")
    assert any(told.startswith(mistake) for told in grammar.mistakes), grammar.mistakes


def test_one_bad_rule_does_not_hide_another() -> None:
    grammar = read(HEAD + "public <x> = a+;\npublic <y> = <z>;\npublic <w> = fine;\n", "g.jsgf")
    assert len(grammar.mistakes) == 2
    assert grammar.rules == {"w": ("fine",)}


@given(text=st.text(max_size=60) | st.text('ab<>()[]|;=*+/{}" \n', max_size=30))
def test_no_text_is_too_bad_to_be_read(text: str) -> None:
    for whole in (text, HEAD + text, f"{HEAD}public <x> = {text};"):
        grammar = read(whole, "g.jsgf")
        assert all(mistake.startswith("g.jsgf:") for mistake in grammar.mistakes)
        assert grammar.rules or grammar.mistakes or "public" not in whole


@given(
    rules=st.dictionaries(NAME, st.lists(PHRASE, min_size=1, max_size=5, unique=True), max_size=4)
)
def test_what_is_written_reads_back(rules: dict[str, list[str]]) -> None:
    grammar = read(written("g", rules), "g.jsgf")
    assert grammar.mistakes == ()
    assert grammar.rules == {name: tuple(phrases) for name, phrases in rules.items()}


EXPANSION = st.recursive(
    st.sampled_from(["a", "b", "c"]),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(" ".join),
        st.lists(inner, min_size=2, max_size=3).map(" | ".join),
        inner.map("({})".format),
        inner.map("[{}]".format),
    ),
    max_leaves=6,
)


@given(expansion=EXPANSION, others=st.lists(st.text("abc", min_size=1, max_size=4), max_size=5))
def test_phrases_are_those_that_pocketsphinx_accepts(expansion: str, others: list[str]) -> None:
    text = f"{HEAD}public <x> = {expansion};\n"
    with tempfile.NamedTemporaryFile("w", suffix=".jsgf") as file:
        file.write(text)
        file.flush()
        grammar = pocketsphinx.Jsgf(file.name)
    graph = grammar.build_fsg(grammar.get_rule("g.x"), pocketsphinx.LogMath(), 1.0)
    phrases = read(text, "g").rules["x"]
    for phrase in phrases:
        assert graph.accept(phrase), phrase
    for other in map(" ".join, others):
        assert graph.accept(other) == (other in phrases), other


def test_many_alternatives_are_written_so_that_they_read_back() -> None:
    rules = {"x": tuple(f"a{'b' * n}" for n in range(400)), "none": ()}
    assert read(written("g", rules), "g").rules == rules
