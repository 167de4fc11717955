"""What is exported: it comes back as it was, says what it leaves out, and is no formula."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.core import foreign
from screener.core.conditions import From, Named, Withheld
from screener.core.excerpt import as_csv, as_vcard, guarded, unguarded
from screener.core.foreign import Format, Source, recognise
from screener.core.pattern import NamePattern, NumberPattern
from screener.core.rules import Action, Rule, Target, Where
from screener.core.script import Refusal, Treatment

LABELS = st.text(
    alphabet=st.one_of(st.sampled_from("=+-@'#,;\\ \"abc"), st.characters()).filter(
        str.isprintable
    ),
    max_size=200,
).map(str.strip)
NUMBERS = st.integers(2_000_000, 9_999_999).map(lambda tail: f"+1415{tail}")
PATTERNS = st.one_of(
    NUMBERS,
    st.integers(10, 99_999).map(lambda head: f"+{head}*"),
    st.integers(200, 999).map(lambda head: f"+1415{head}????"),
    st.integers(2_000_000, 9_000_000).map(lambda low: f"+1415{low}..+1415{low + 99}"),
).map(NumberPattern)
NUMBER_RULES = st.builds(From, st.tuples(PATTERNS)).map(lambda condition: (condition,))
EXPIRES = st.one_of(st.none(), st.integers(1, 99).map(lambda days: timedelta(days=days)))
RULES = st.one_of(
    st.builds(
        Rule,
        st.just(Action.ALLOW),
        NUMBER_RULES,
        LABELS.filter(bool),
        target=st.sampled_from([None, Target(Where.RING, "home")]),
        expires=EXPIRES,
    ),
    st.builds(
        Rule,
        st.just(Action.BLOCK),
        NUMBER_RULES,
        LABELS.filter(bool),
        st.sampled_from([*Treatment, Refusal(607)]),
        expires=EXPIRES,
    ),
    st.builds(
        Rule,
        st.just(Action.SEND),
        NUMBER_RULES,
        LABELS.filter(bool),
        target=st.sampled_from([Target(Where.MESSAGE, "family"), Target(Where.EXTENSION, "2")]),
    ),
)


@given(st.lists(RULES, max_size=8))
def test_what_is_exported_as_csv_imports_as_the_same_rules(rules: list[Rule]) -> None:
    exported = as_csv(rules, "US")
    assert (exported.numbers, exported.others) == (len(rules), 0)
    lines = list(enumerate(exported.text.splitlines(), start=1))
    assert recognise("list", [text for _, text in lines]).format is Format.CSV
    found = list(foreign.read(Source("x.csv", Format.CSV, None, "US"), lines))
    assert [(e.key, e.label) if isinstance(e, Rule) else e for e in found] == [
        (rule.key, rule.label) for rule in rules
    ]


def test_treatments_survive_an_export() -> None:
    pattern = (From((NumberPattern("+19005550100"),)),)
    rule = Rule(Action.BLOCK, pattern, "premium", Treatment.BUSY)
    lines = list(enumerate(as_csv([rule], "US").text.splitlines(), start=1))
    assert lines[1][1] == "+19005550100,premium,block,play busy"
    (found,) = foreign.read(Source("x.csv", Format.CSV, None, "US"), lines)
    assert isinstance(found, Rule)
    assert found.key == rule.key


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@sum", "\t=x", "'=x", " =x", "''@", "\uff1dx"]
)
def test_no_description_is_a_formula(text: str) -> None:
    assert guarded(text) == f"'{text}"
    assert unguarded(guarded(text)) == text


@given(st.text())
def test_a_guard_can_be_taken_away_again(text: str) -> None:
    assert unguarded(guarded(text)) == text
    assert not guarded(text).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_an_export_says_what_it_leaves_out() -> None:
    numbers = From((NumberPattern("+14155550100"), NumberPattern("+1900*"), NumberPattern("611")))
    rules = [
        Rule(Action.BLOCK, (numbers,), "three"),
        Rule(Action.BLOCK, (Withheld(),), "no number"),
        Rule(Action.BLOCK, (numbers, Named((NamePattern("*spam*"),))), "more than numbers"),
        Rule(Action.BLOCK, (From((NumberPattern("+1976*"),)),), "", Refusal(607)),
    ]
    table, cards = as_csv(rules, "US"), as_vcard(rules, "US")
    assert (table.numbers, table.patterns, table.others) == (4, 0, 2)
    assert (cards.numbers, cards.patterns, cards.others) == (1, 3, 2)
    assert "TEL;TYPE=VOICE:+14155550100\r\n" in cards.text
    assert cards.text.count("BEGIN:VCARD") == 1


def test_a_card_has_no_long_lines() -> None:
    rule = Rule(
        Action.ALLOW, (From((NumberPattern("+14155550100"),)),), "a, very; long \\ name " * 9
    )
    assert all(len(line) <= 75 for line in as_vcard([rule], "US").text.splitlines())
