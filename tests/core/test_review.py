"""What review says of dead rules is true of every call; and it finds the dead rules that matter."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from screener.core import hours
from screener.core.call import Call
from screener.core.conditions import (
    Attested,
    Called,
    Condition,
    During,
    Emergency,
    Event,
    Expecting,
    From,
    Happened,
    Impossible,
    InContacts,
    InCountry,
    Listed,
    Named,
    Neighbour,
    Not,
    OfKind,
    To,
    Verified,
    Withheld,
)
from screener.core.history import History
from screener.core.implication import implies
from screener.core.number import read
from screener.core.pattern import NamePattern, NumberPattern
from screener.core.review import (
    contradiction,
    review,
    same_lists,
    taken_by,
    undecided,
    unused,
)
from screener.core.rules import Action, Rule, RuleSet
from screener.core.shelf import Shelf
from screener.core.signature import Signature

NOW = datetime(2026, 11, 20, 23, 10, tzinfo=UTC)
DID = "+18182223333"


class Reported:
    """A list whose numbers were reported on these days before NOW."""

    def __init__(self, **days: list[int]) -> None:
        self._days = {f"+{number[1:]}": ago for number, ago in days.items()}

    def reports(self, number: str, since: datetime | None = None) -> int:
        ago = self._days.get(number, [])
        return sum(1 for days in ago if since is None or NOW - timedelta(days=days) >= since)


SHELF = Shelf(
    lists={"x": Reported(n14155550100=[1, 5, 50]), "y": Reported(n19005550100=[2])},
    contacts={"a.vcf": {"+14155550100": "Mom"}, "b.vcf": {"+18182220001": "Next door"}},
)

# Many calls, so that a wrong word about two conditions meets one that shows it -------------------

_NUMBERS = (
    *("+14155550100", "+14155550123", "+19005550100", "+18182220001", "+18182229999"),
    *("+493012345678", "+4915112345678", "anonymous", "411", "sip-bob", "+1415abc", "1"),
)
_NAMES = ("", "ACME SURVEY", "ab", "a?b", "axxb")


def _history(days: tuple[int, ...], answered: int) -> History:
    calls = tuple(NOW - timedelta(days=day) for day in days)
    return History(calls, calls[:answered], calls[answered:], calls[:1])


_HISTORIES = (History(), _history((40,), 1), _history((40, 3, 2), 1), _history((3, 2, 1), 2))
_SIGNATURES = (Signature(), Signature("A", "passed"), Signature("C", "failed"), Signature("B"))


def _calls() -> list[Call]:
    found = []
    both = product(_NUMBERS, _NAMES, (DID, "+18182224444"), _HISTORIES, _SIGNATURES)
    for at, (number, name, did, history, signature) in enumerate(both):
        if at % 7:  # every seventh of all that there are
            continue
        windows = ("", "you said so")[at % 2], ("", "help")[at % 3 == 0]
        caller = read(number, "US")
        when = NOW + timedelta(hours=at % 11 * 5)
        found.append(Call("1", did, caller, when, name, signature, history, *windows))
    return found


CALLS = _calls()

# Conditions --------------------------------------------------------------------------------------

_patterns = st.sampled_from(
    [
        NumberPattern(text)
        for text in (
            *("*", "+*", "+1*", "+1415*", "+141?*", "+141555501??", "+1415555010?", "+49*"),
            *("+14155550100", "+14155550123", "+19005550100", "+1900*", "411", "1*"),
            *("+14155550100..+14155550199", "+14155550100..+14155550110", "+14155550123*"),
        )
    ]
)
_names = st.sampled_from(
    [NamePattern(t) for t in ("*", "a*b", "a?b", "ab", "*survey*", "/[a-c]/", "*", "a*", "??")]
)


def _some(values: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(values, min_size=1, max_size=2, unique=True).map(tuple)


_HOURS = [
    hours.read(text)
    for text in (
        "fri",
        "fri 22:00-07:00",
        "mon-fri",
        "sat, sun",
        "23:00-24:00",
        "2026-11-20",
        "fri-sun 00:00-12:00",
    )
]
_spans = st.sampled_from([None, timedelta(days=10), timedelta(days=30)])
_plain = st.one_of(
    st.lists(_patterns, min_size=1, max_size=3).map(tuple).map(From),
    st.lists(_patterns, min_size=1, max_size=2).map(tuple).map(To),
    st.lists(_names, min_size=1, max_size=2).map(tuple).map(Named),
    st.sampled_from([Withheld(), Impossible("US"), Expecting(), Emergency()]),
    _some(st.sampled_from(["mobile", "landline", "premium"])).map(OfKind),
    _some(st.sampled_from(["US", "DE"])).map(InCountry),
    st.sampled_from([0, 3, 6, 9]).map(Neighbour),
    _some(st.sampled_from(["A", "B", "C"])).map(Attested),
    _some(st.sampled_from(["passed", "failed"])).map(Verified),
    st.builds(Listed, _some(st.sampled_from(["x", "y"])), st.integers(1, 3), _spans),
    _some(st.sampled_from(["a.vcf", "b.vcf"])).map(InContacts),
    st.builds(Happened, st.sampled_from(Event), _spans),
    st.builds(Called, st.integers(1, 3), _spans),
    st.sampled_from(_HOURS).map(During),
)
_conditions: st.SearchStrategy[Condition] = st.one_of(_plain, _plain.map(Not))


def rule(*conditions: Condition, line: int = 1, action: Action = Action.BLOCK) -> Rule:
    return Rule(action, conditions, file="t.rules", line=line)


def at(*numbers: str) -> From:
    return From(tuple(NumberPattern(number) for number in numbers))


def remarks(*rules: Rule) -> list[str]:
    placed = [replace(rule, line=line) for line, rule in enumerate(rules, 1)]
    return [str(remark) for remark in review(placed)]


# What it says is true ----------------------------------------------------------------------------


@settings(max_examples=1000)
@given(_conditions, _conditions)
def test_what_is_implied_holds_for_every_call(one: Condition, other: Condition) -> None:
    if implies(one, other):
        for call in CALLS:
            assert not one.holds(call, SHELF) or other.holds(call, SHELF), call
    if contradiction(rule(one, other)):
        for call in CALLS:
            assert not (one.holds(call, SHELF) and other.holds(call, SHELF)), call


_rules = st.lists(_conditions, min_size=1, max_size=2).map(lambda found: rule(*found))


@settings(max_examples=200)
@given(st.lists(_rules, min_size=2, max_size=6))
def test_a_rule_that_is_called_dead_decides_no_call(rules: list[Rule]) -> None:
    placed = [replace(rule, line=line) for line, rule in enumerate(rules, 1)]
    dead = {remark.place for remark in review(placed)}
    for rule in placed:
        if taken_by(placed, rule):
            assert rule.place in dead
    ruleset = RuleSet(tuple(placed), SHELF)
    for call in CALLS if dead else ():
        decided = ruleset.judge(call).rule
        assert decided is None or decided.place not in dead, call


# What it finds -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (at("+1900*"), at("+19005550100")),
        (at("+1900*", "+1976*"), at("+19765550*", "+1900555*")),
        (at("+14155550100..+14155550199"), at("+14155550100..+14155550110")),
        (at("+1415555????"), at("+14155550100")),
        (at("*"), OfKind(("premium",))),
        (at("*"), Not(Withheld())),
        (Named((NamePattern("*survey*"),)), Named((NamePattern("acme survey*"),))),
        (OfKind(("premium", "mobile")), OfKind(("premium",))),
        (InCountry(("DE", "FR")), InCountry(("FR",))),
        (Not(InCountry(("US",))), Not(InCountry(("US", "CA")))),
        (Not(InCountry(("US",))), InCountry(("DE",))),
        (Attested(("B", "C")), Not(Attested(("A",)))),
        (Listed(("x", "y"), 2), Listed(("x",), 3, timedelta(days=30))),
        (InContacts(("a.vcf", "b.vcf")), InContacts(("b.vcf",))),
        (Called(3), Called(5)),
        (Called(3, timedelta(days=90)), Called(3, timedelta(days=30))),
        (Happened(Event.ANSWERED), Happened(Event.ANSWERED, timedelta(days=90))),
        (Not(at("+1415*")), Withheld()),
        (Not(Withheld()), at("+14155550100")),
        (Not(at("+14155550100")), Not(at("+1415*"))),
        (Neighbour(6), Neighbour(7)),
        (During(hours.read("mon-fri")), During(hours.read("tue 10:00-12:00"))),
    ],
)
def test_a_rule_is_dead_after_one_that_takes_all_its_calls(
    earlier: Condition, later: Condition
) -> None:
    found = remarks(rule(earlier), rule(later, Expecting()))
    assert found == ["t.rules:2: it never decides: t.rules:1 before it takes all its calls"]
    assert remarks(rule(later, Expecting()), rule(earlier)) == []


def test_the_earlier_rule_is_named_with_its_label() -> None:
    mom = replace(rule(at("+1415*")), label="Mom's town")
    assert remarks(mom, rule(at("+14155550100"))) == [
        't.rules:2: it never decides: t.rules:1 ("Mom\'s town") before it takes all its calls'
    ]


def test_several_rules_take_all_calls_of_one_between_them() -> None:
    many = rule(at("+14155550100", "+19005550100"))
    found = remarks(rule(at("+1415*")), rule(at("+1900*")), many)
    assert found == [
        "t.rules:3: it never decides: t.rules:1 and t.rules:2 before it take all its calls"
    ]
    assert remarks(rule(at("+1415*")), rule(at("+1901*")), many) == []


@pytest.mark.parametrize(
    "conditions",
    [
        (Withheld(), at("+1900*")),
        (Withheld(), InCountry(("US",))),
        (Withheld(), Not(InCountry(("US",)))),
        (at("+1900*"), at("+1976*")),
        (at("+14155550100"), Not(at("+1415*"))),
        (Attested(("A",)), Not(Attested(("A", "B")))),
        (InContacts(("a.vcf",)), Neighbour()),
    ],
)
def test_conditions_that_exclude_one_another_are_named(conditions: tuple[Condition, ...]) -> None:
    one, other = conditions
    assert remarks(rule(Expecting(), *conditions)) == [
        f't.rules:1: it can never match: no call is both "{one}" and "{other}"'
    ]


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (Not(InCountry(("US",))), Withheld()),  # a withheld number has no country either way
        (at("+1*"), InCountry(("US",))),
        (Named((NamePattern("a?b"),)), Named((NamePattern("a*b"),))),
        (Named((NamePattern(r"/\d/"),)), Named((NamePattern(r"/\D/"),))),
        (Called(3, timedelta(days=30)), Called(5)),
        (Attested(("A", "B", "C")), at("+1*")),  # unsigned calls pass it by
    ],
)
def test_a_live_rule_is_not_called_dead(earlier: Condition, later: Condition) -> None:
    assert remarks(rule(earlier), rule(later)) == []


def test_a_rule_that_expires_shadows_nothing() -> None:
    passing = replace(rule(at("+1900*")), expires=timedelta(days=270))
    assert remarks(passing, rule(at("+19005550100"))) == []
    assert len(remarks(rule(at("+1900*")), replace(passing, conditions=(at("+1900*"),)))) == 1


def test_a_rule_that_never_matches_shadows_nothing() -> None:
    never = rule(at("*"), Withheld())
    assert len(remarks(never, rule(at("+1900*")))) == 1


def test_the_rules_that_decide_no_call_are_found() -> None:
    used, unused = rule(at("+1415*")), rule(at("+1212*"), line=2)
    assert undecided(RuleSet((used, unused), SHELF), CALLS) == (unused,)
    assert undecided(RuleSet((used, unused), SHELF), ()) == (used, unused)


def test_unused_rules_are_named_and_many_of_them_counted() -> None:
    rules = [rule(at(f"+1415555{n:04}"), line=n) for n in range(1, 12)]
    told = [str(remark) for remark in unused([rule(Emergency(), line=30), *rules[:2]])]
    assert told == [
        "t.rules:1: no call of the last year matched it",
        "t.rules:2: no call of the last year matched it",
    ]
    (many,) = unused(rules)
    assert "this and 10 more rules matched no call of the last year" in many.text


def test_lists_that_hold_one_another_are_named_once() -> None:
    rules = [rule(Listed(("x", "y"))), rule(Not(Listed(("z",))))]
    inside = {("x", "y"), ("y", "x"), ("z", "x")}
    found = [str(remark) for remark in same_lists(rules, lambda a, b: (a, b) in inside)]
    assert found == [
        "x: every number of this list is in y too, and the other way round: keep one of them",
        "z: every number of this list is in x too, a rule that asks for both needs only that one",
    ]
    assert list(same_lists(rules, lambda a, b: False)) == []
