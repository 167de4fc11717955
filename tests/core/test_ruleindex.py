"""No rule is overlooked for the sake of speed."""

from __future__ import annotations

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from screener.core.conditions import Condition, From, InCountry, Listed, Named, Not, Withheld
from screener.core.pattern import Expressions, NamePattern, NumberPattern
from screener.core.ruleindex import Index
from screener.core.rules import Action, Rule, RuleSet
from screener.core.shelf import Shelf
from tests.core.lines import stranger

DIGITS = st.text("0123456789", min_size=1, max_size=4).map(lambda tail: f"+1415555{tail}")
RANGES = st.tuples(st.integers(0, 9999), st.integers(0, 9999)).map(
    lambda ends: f"+1415555{min(ends):04d}..+1415555{max(ends):04d}"
)
NUMBERS = (
    DIGITS
    | DIGITS.map(lambda text: f"{text}*")
    | DIGITS.map(lambda text: f"{text[:6]}?{text[7:]}")
    | RANGES
    | st.just("*")
).map(NumberPattern)
TEXT = st.text("aBß*? \u212a\u0345", max_size=5).filter(str.strip)
NAMES = (TEXT | st.sampled_from(["/^a.*b$/", "/B+/", "/^$/", "/k/", "*"])).map(NamePattern)
CONDITIONS: st.SearchStrategy[Condition] = (
    st.lists(NUMBERS, min_size=1, max_size=3).map(lambda some: From(tuple(some)))
    | st.lists(NAMES, min_size=1, max_size=3).map(lambda some: Named(tuple(some)))
    | st.just(Withheld())
    | st.just(Not(Withheld()))
    | st.just(InCountry(("US",)))
    | st.just(Not(InCountry(("US",))))
)
RULES = st.lists(
    st.lists(CONDITIONS, min_size=1, max_size=2).map(lambda c: Rule(Action.BLOCK, tuple(c))),
    max_size=8,
)
CALLS = st.builds(
    stranger,
    st.integers(0, 9999).map(lambda tail: f"+1415555{tail:04d}") | st.just("anonymous"),
    st.text("aAbBßk \u212a\u0345\ud800", max_size=6),
)


@given(RULES, CALLS)
def test_the_rule_that_decides_is_the_first_that_holds(rules: list[Rule], call: object) -> None:
    assert isinstance(call, type(stranger()))
    first = next((rule for rule in rules if rule.holds(call, Shelf())), None)
    assert RuleSet(tuple(rules)).deciding(call) is first


def test_a_rule_of_numbers_is_asked_only_for_such_a_number() -> None:
    rules: list[tuple[Condition, ...]] = [
        (From((NumberPattern("+14155550100"), NumberPattern("+1900*"))),),
        (Named((NamePattern("*Survey*"),)),),
        (Named((NamePattern("/^poll/"),)),),
        (Withheld(),),
        (From((NumberPattern("+14155550100..+14155550199"),)), Withheld()),
    ]
    index = Index(rules)
    assert list(index.candidates(stranger("+12125550100"))) == [3]
    assert list(index.candidates(stranger("+14155550100"))) == [0, 3, 4]
    assert list(index.candidates(stranger("+19005550100", "a survey"))) == [0, 1, 3]
    assert list(index.candidates(stranger("+12125550100", "Pollster"))) == [2, 3]


def test_expressions_that_are_too_large_together_are_all_candidates() -> None:
    # Each of them RE2 takes alone, within what one may take.
    large = [rf"(\pL{{{count}}}x){{4}}" for count in range(30, 60)]
    few, many = Expressions(large[:1]), Expressions(large * 40)
    assert list(few.found("nobody")) == []
    assert list(many.found("nobody")) == list(range(1200))


def test_expressions_are_found_by_their_places() -> None:
    found = Expressions(["^acme", "survey$", "^$"]).found
    assert (list(found("ACME Survey")), list(found("")), list(found("x"))) == ([0, 1], [2], [])


def test_what_many_rules_ask_is_found_out_once_a_call() -> None:
    asked = 0

    class Numbers:
        def reports(self, number: str, since: datetime | None = None) -> int:
            nonlocal asked
            asked += 1
            return 0

    listed = [Rule(Action.BLOCK, (Listed(("ftc.csv",)),), str(label)) for label in range(9)]
    last = Rule(Action.SCREEN, (Not(Listed(("ftc.csv",))),))
    rules = RuleSet((*listed, last), Shelf({"ftc.csv": Numbers()}))
    assert (rules.deciding(stranger()), asked) == (last, 2)
    assert (rules.deciding(stranger()), asked) == (last, 4)
