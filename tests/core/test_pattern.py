"""Patterns of numbers and names: what they match, what they cover, what is no pattern."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from screener.core.pattern import LONGEST_NAME, LONGEST_PATTERN, NamePattern, NumberPattern
from screener.core.ruletext import written


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("+14155550100", ["+14155550100"], ["+1415555010", "+141555501000", "14155550100", ""]),
        ("+1900*", ["+19005550100", "+1900"], ["+1901", "1900", "+190"]),
        ("*", ["+14155550100", "611", "mom"], []),
        ("+*", ["+14155550100"], ["611", "mom"]),
        ("611", ["611"], ["6110", "+611"]),
        ("+1415555????", ["+14155550100"], ["+1415555010", "+141555501000", "+1415555010x"]),
        ("+1?00*", ["+1900", "+18005550100"], ["+1910", "+19"]),
        (
            "+14155550100..+14155550199",
            ["+14155550100", "+14155550150", "+14155550199"],
            ["+14155550099", "+14155550200", "+141555501500", ""],
        ),
    ],
)
def test_a_pattern_of_numbers(text: str, inside: list[str], outside: list[str]) -> None:
    pattern = NumberPattern(text)
    assert [number for number in inside if not pattern.matches(number)] == []
    assert [number for number in outside if pattern.matches(number)] == []
    assert str(pattern) == text


@pytest.mark.parametrize(
    "text", ["", "+", "mom", "+1415*5", "+1..+2..+3", "+2..+1", "+1..+12", "1..2", "+1 415", "+1\n"]
)
def test_what_is_no_pattern_of_numbers(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no (pattern|range)"):
        NumberPattern(text)


_digits = st.text("0123", min_size=1, max_size=5)
_numbers = st.builds("+{}".format, _digits)
_ranges = st.tuples(_digits, _digits).filter(lambda ends: len(ends[0]) == len(ends[1]))
_patterns = st.one_of(
    _numbers,
    _numbers.map(lambda number: f"{number}*"),
    st.builds("+{}{}".format, st.text("01?", min_size=1, max_size=5), st.sampled_from(["", "*"])),
    _ranges.map(lambda ends: "..".join(f"+{end}" for end in sorted(ends))),
    st.sampled_from(["*", "+*"]),
).map(NumberPattern)


@given(_patterns, _patterns, st.lists(_numbers | _digits, max_size=30))
def test_a_pattern_that_covers_another_has_all_of_its_numbers(
    wide: NumberPattern, narrow: NumberPattern, numbers: list[str]
) -> None:
    assert wide.covers(wide)
    assert NumberPattern("*").covers(narrow)
    if wide.covers(narrow):
        assert all(wide.matches(number) for number in numbers if narrow.matches(number))


@given(_patterns, _numbers)
def test_exact_and_prefix_say_what_a_pattern_is(pattern: NumberPattern, number: str) -> None:
    if pattern.exact:
        assert pattern.matches(number) is (number == pattern.exact)
    if pattern.prefix is not None:
        assert pattern.matches(number) is number.startswith(pattern.prefix)


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("mom", ["Mom", "MOM", "mom"], ["mommy", "a mom", ""]),
        ("*survey*", ["Survey", "big SURVEY inc"], ["surve y"]),
        ("a*b*c", ["abc", "aXbXc", "abbc"], ["ac", "acb", "ab"]),
        ("*ab*ab*", ["abab", "xabxabx"], ["ab", "aba"]),
        ("v?*", ["v1", "V123"], ["v", "av1"]),
        ("?", ["x", "\u00fc"], ["", "xy"]),
        ("stra\u00dfe", ["STRASSE", "Stra\u00dfe"], ["strase"]),
        ("caf\u00e9", ["CAFE\u0301", "Caf\u00c9"], ["cafe"]),
        ("a.c", ["a.c"], ["abc"]),
        ("(x)?", ["(x)1"], ["x1"]),
        ("political", ["\uff30olitical"], []),
        ("/^v[0-9]{6,}$/", ["V123456"], ["v12345", "xv123456"]),
        ("/stra\u00dfe/", ["Stra\u00dfe 1"], ["street"]),
        (r"/24\/7/", ["open 24/7"], ["247"]),
        ("/(auto|car) warrant(y|ies)/", ["YOUR AUTO WARRANTY"], ["warranty"]),
        ("/", ["/"], ["a"]),
        ("//", ["//"], ["a"]),
        ("/abc", ["/abc"], ["abc"]),
    ],
)
def test_a_pattern_of_names(text: str, inside: list[str], outside: list[str]) -> None:
    pattern = NamePattern(text)
    assert [name for name in inside if not pattern.matches(name)] == []
    assert [name for name in outside if pattern.matches(name)] == []
    assert str(pattern) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("/(a/", "a parenthesis is opened and not closed"),
        ("/a)/", "a parenthesis is closed that was not opened"),
        ("/[a/", "a bracket [ is opened and not closed"),
        ("/a**/", "** repeats a repetition"),
        ("/*a/", "nothing stands before * to be repeated"),
        ("/a{1001}/", "{1001} repeats too often: 1000 times at most"),
        ("/[z-a]/", "z-a is no range of characters"),
        (r"/\q/", r"\q means nothing"),
        ("/(?=a)b/", "look-around, (?=...) (?!...) (?<=...) and the like, does not exist here"),
        ("/(?<!a)b/", "look-around, (?=...) (?!...) (?<=...) and the like, does not exist here"),
        (r"/(a)\1/", "back-references do not exist here"),
        ("/(?P<x>a)(?P=x)/", "back-references do not exist here"),
        ("/(?>a)/", "(?> means nothing"),
        ("/((a{100}){100}){100}/", "{100} repeats too often: 1000 times at most"),
        ("x" * (LONGEST_PATTERN + 1), f"a pattern has at most {LONGEST_PATTERN} characters"),
        ("a\nb", "a pattern has no control characters"),
        ("a\ud800", "a pattern has no control characters"),
    ],
)
def test_what_is_no_pattern_of_names(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
        NamePattern(text)


@pytest.mark.parametrize("text", ["*a*", "/a/", "a?*", "a"])
@pytest.mark.parametrize("name", ["\ud800", "a\ud800", "a\x00\x1b", "x" * 4096, "\U0001f600" * 400])
def test_no_name_is_too_odd(text: str, name: str) -> None:
    assert NamePattern(text).matches(name) is (text in ("*a*", "/a/", "a?*") and name[0] == "a")


def test_of_a_long_name_the_first_characters_count() -> None:
    assert NamePattern("/b/").matches("a" * (LONGEST_NAME - 1) + "b")
    assert not NamePattern("/b/").matches("a" * LONGEST_NAME + "b")


_globs = st.text("ab*?", min_size=1, max_size=6).map(NamePattern)
_names = st.text("abAB", max_size=6)


@given(_globs, _names)
def test_a_glob_is_what_it_says(glob: NamePattern, name: str) -> None:
    body = re.escape(glob.text).replace(r"\*", ".*").replace(r"\?", ".")
    assert glob.matches(name) is bool(re.fullmatch(body, name, re.IGNORECASE))
    assert not glob.matches(name) or glob.piece in name.lower()


@given(_globs, _globs, st.lists(_names, max_size=30))
def test_a_glob_that_covers_another_has_all_of_its_names(
    wide: NamePattern, narrow: NamePattern, names: list[str]
) -> None:
    assert wide.covers(wide)
    if wide.covers(narrow):
        assert all(wide.matches(name) for name in names if narrow.matches(name))


@pytest.mark.parametrize(
    ("wide", "narrow", "covered"),
    [
        ("*", "/x/", True),
        ("*survey*", "big survey", True),
        ("*Survey*", "a*survey*b", True),
        ("a?c", "a*c", False),
        ("a?c", "a?c", True),
        ("a*c", "a?c", True),
        ("*a*", "*b*", False),
        ("/a/", "*a*", False),
        ("/a/", "/A/", False),
    ],
)
def test_covering(wide: str, narrow: str, covered: bool) -> None:
    assert NamePattern(wide).covers(NamePattern(narrow)) is covered


@given(st.text(min_size=1, max_size=20))
def test_a_glob_reads_back_as_it_was_written(text: str) -> None:
    from screener.core.rulefile import parse

    assume(bool(text.strip()))
    try:
        pattern = NamePattern(text)
    except ValueError:
        return
    rules, mistakes = parse(
        f"block name {pattern if pattern.expression else written(text)}", "", "US"
    )
    assert mistakes == ()
    assert rules[0].conditions[0].patterns == (pattern,)  # type: ignore[union-attr]  # it is a name
