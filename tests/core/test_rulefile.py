"""Rule files: what people write is read, every mistake is named, and what is printed reads back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.core.rulefile import WORDS, parse, write
from screener.core.rules import Action, From, Named, Rule, Withheld
from screener.core.script import Treatment


def one(text: str, country: str = "US") -> Rule:
    rules, mistakes = parse(text, "t.rules", country)
    assert [str(m) for m in mistakes] == []
    assert len(rules) == 1
    return rules[0]


def mistake(text: str, country: str = "US") -> str:
    rules, mistakes = parse(text, "t.rules", country)
    assert rules == ()
    assert len(mistakes) == 1
    return str(mistakes[0])


def test_a_number_as_people_write_it() -> None:
    assert one('allow from (415) 555-0100 "Mom"').conditions == (From(("+14155550100",)),)
    assert one("allow from 415 555 0100, +1 212 555 0100").conditions == (
        From(("+14155550100", "+12125550100")),
    )


def test_a_prefix_in_the_owners_country() -> None:
    assert one("block from 900*").conditions == (From(("+1900*",)),)
    assert one("block from 0900*", "DE").conditions == (From(("+49900*",)),)
    assert one("block from +1900*").conditions == (From(("+1900*",)),)


def test_case_spaces_comments_and_blank_lines() -> None:
    rules, mistakes = parse("\n# all\n  ALLOW   Withheld  # so be it\n\n", "t.rules", "US")
    assert mistakes == ()
    assert [(r.action, r.line, r.label) for r in rules] == [(Action.ALLOW, 3, "ALLOW Withheld")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("alow from +14155550100", "t.rules:1:1: 'alow' is not an action"),
        ("alow from +14155550100", "did you mean allow?"),
        ("allow form +14155550100", "t.rules:1:7: 'form' is not a condition"),
        ("allow form +14155550100", "did you mean from?"),
        ("allow", "t.rules:1:6: expected a condition: from, name, withheld"),
        ('allow "Mom"', "t.rules:1:7: expected a condition"),
        ("allow from", "t.rules:1:11: expected a value after from"),
        ("allow from +14155550100,", "expected a value after from"),
        ("allow from 12", "'12' is not a telephone number in US; expected one like (201) 555-0123"),
        ('allow from +14155550100 "Mom', "t.rules:1:25: this quote is never closed"),
        ('allow withheld "a" "b"', 't.rules:1:20: "b" is too much'),
        ("allow withheld play sit", "t.rules:1:16: play belongs to block, not to allow"),
        ("block withheld play", "expected after play: sit, busy, hangup"),
        ("block withheld play buzy", "'buzy' is not a treatment; expected sit, busy, hangup"),
        ("block withheld play buzy", "did you mean busy?"),
    ],
)
def test_a_mistake_names_its_place_and_what_was_expected(text: str, words: str) -> None:
    assert words in mistake(text)


def test_all_mistakes_at_once_and_the_good_rules_beside_them() -> None:
    rules, mistakes = parse("allow\nallow withheld\nblok withheld\n", "t.rules", "US")
    assert [rule.line for rule in rules] == [2]
    assert [m.line for m in mistakes] == [1, 3]


@given(st.text())
def test_any_text_gives_rules_or_mistakes(text: str) -> None:
    rules, mistakes = parse(text, "t.rules", "US")
    assert len(rules) + len(mistakes) <= len(text.splitlines())


_label = st.text(
    st.characters(blacklist_characters='"', blacklist_categories=("Cc", "Cs", "Zl", "Zp")),
    min_size=1,
    max_size=30,
)
_conditions = st.lists(
    st.one_of(
        st.just(Withheld()),
        st.lists(
            st.from_regex(r"\+1[2-9][0-9]{2}[2-9][0-9]{6}|\+[1-9][0-9]{1,8}\*", fullmatch=True),
            min_size=1,
            max_size=3,
        ).map(lambda numbers: From(tuple(numbers))),
        st.lists(_label.map(str.casefold), min_size=1, max_size=3).map(
            lambda globs: Named(tuple(globs))
        ),
    ),
    min_size=1,
    max_size=3,
).map(tuple)


@given(st.sampled_from(Action), _conditions, _label, st.sampled_from(Treatment))
def test_what_is_printed_parses_back(
    action: Action,
    conditions: tuple[From | Named | Withheld, ...],
    label: str,
    treatment: Treatment,
) -> None:
    if action is not Action.BLOCK:
        treatment = Treatment.SIT
    rule = Rule(action, conditions, label, treatment, "t.rules", 1)
    read = one(write(rule))
    folded = tuple(
        Named(tuple(glob.casefold() for glob in c.globs)) if isinstance(c, Named) else c
        for c in conditions
    )
    assert read == replace(rule, conditions=folded)


def test_the_words_of_the_language() -> None:
    assert set(WORDS) == {
        *("allow", "block", "screen", "from", "name", "withheld", "play", "sit", "busy", "hangup")
    }
