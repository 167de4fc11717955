"""What a report's link tells a rule by: the same rule is known again, and no other is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from screener.core.rulefile import parse
from screener.core.rules import Rule
from screener.core.withdrawal import (
    MARK,
    in_its_place,
    mark_of,
    marked,
    moved,
    place_in,
    titled,
)

TEXT = """allow from 415-555-0100   "Mom"
block from 900*            "premium"   play busy
block name *survey*
"""


def rules(text: str = TEXT) -> tuple[Rule, ...]:
    found, mistakes = parse(text, "2-block.rules", "US")
    assert not mistakes
    return tuple(found)


@pytest.mark.parametrize("at", range(3))
def test_a_rule_is_found_by_its_mark_and_by_its_title(at: int) -> None:
    rule = rules()[at]
    assert len(mark_of(rule)) == MARK
    assert marked(rules(), mark_of(rule)) == titled(rules(), rule.title) == rule
    assert not moved(rule, mark_of(rule))
    assert place_in(rule.title) == rule.place == f"2-block.rules:{at + 1}"


@pytest.mark.parametrize("at", range(3))
def test_at_another_line_it_is_the_same_rule_and_has_moved(at: int) -> None:
    was = rules()[at]
    now = rules(f"# a remark\n\n{TEXT}")
    found = marked(now, mark_of(was))
    assert found == replace(was, line=was.line + 2)
    assert found is not None
    assert moved(found, mark_of(was))
    assert titled(now, was.title) == found


@pytest.mark.parametrize(
    "line",
    [
        'block from 901*            "premium"   play busy',
        'block from 900*            "dear ones" play busy',
        'block from 900*            "premium"   play sit',
        'screen from 900*           "premium"',
        '# block from 900*          "premium"   play busy',
    ],
)
def test_what_was_changed_is_another_rule(line: str) -> None:
    was = rules()[1]
    now = rules(TEXT.replace(TEXT.splitlines()[1], line))
    assert marked(now, mark_of(was)) is None
    there = in_its_place(now, mark_of(was))
    assert (there.line if there else None) == (None if line.startswith("#") else 2)


def test_of_two_that_say_the_same_the_one_in_its_place_is_meant() -> None:
    twice = rules('block name x "a"\nblock name y "b"\nblock name x "a"\n')
    assert marked(twice, mark_of(twice[2])) == twice[2]
    assert marked(twice, mark_of(twice[0])) == twice[0]
    assert titled(twice, '"a" (2-block.rules:7)') is None  # either of the two may have moved
    assert titled(twice, '"b" (2-block.rules:7)') == twice[1]
    assert titled(twice, '"b" (3-other.rules:2)') is None


@pytest.mark.parametrize(
    "title",
    [
        "no rule matches: screened",
        "",
        '"x" (2-block.rules)',
        '"x" (a/b.rules:3)',
        '"x" (my old.rules:3)',
        '"x" ($(reboot).rules:3)',
        '"x" (1.rules:3) and more',
    ],
)
def test_what_is_no_title_has_no_place(title: str) -> None:
    assert place_in(title) == ""
    assert titled(rules(), title) is None


def test_a_label_may_say_whatever_it_likes() -> None:
    title = '"say (1-a.rules:1) (x)\nor so" (2-block.rules:12)'
    assert place_in(title) == "2-block.rules:12"
