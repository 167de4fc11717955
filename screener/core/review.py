"""What is odd about a set of rules that has no mistakes: rules that decide nothing.

A rule can never fire where an earlier one takes every call that it would match, or where its own
conditions exclude one another. Both are proven from the conditions alone (implication.py). A proof
that is not found is no remark: review may miss a dead rule, and never calls a live one dead.

The remarks are sentences for the owner; none is a mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations

from screener.core.call import Call
from screener.core.conditions import (
    Attested,
    Called,
    Condition,
    During,
    Emergency,
    Expecting,
    From,
    Happened,
    Impossible,
    InContacts,
    InCountry,
    Listed,
    Named,
    Neighbour,
    OfKind,
    To,
    Verified,
)
from screener.core.implication import excludes, implies, inner, plain, split
from screener.core.rules import Rule, RuleSet

_FEW = 10
_EFFORT = 3_000_000
"""Pairs of rules that are compared one by one, some seconds; of 100,000 rules not all."""

# What nothing but a condition of its own kind implies.
_ALONE: frozenset[type] = frozenset(
    {
        *(To, Named, Impossible, OfKind, InCountry, Neighbour, During, Attested, Verified),
        *(Listed, InContacts, Happened, Called, Expecting, Emergency),
    }
)


@dataclass(frozen=True, slots=True)
class Remark:
    """Something odd, and where: `place` is FILE:LINE, or the name of a list."""

    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


def review(rules: Sequence[Rule]) -> Iterator[Remark]:
    """Remarks on rules that can never decide a call, in the order of the rules."""
    earlier = _Earlier()
    for rule in rules:
        clash = contradiction(rule)
        taken = () if clash else earlier.taking(rule)
        if clash:
            one, other = clash
            yield Remark(rule.place, f'it can never match: no call is both "{one}" and "{other}"')
        elif taken:
            by = " and ".join(_told(other) for other in taken)
            take = "takes" if len(taken) == 1 else "take"
            yield Remark(rule.place, f"it never decides: {by} before it {take} all its calls")
        else:
            earlier.learn(rule)


def taken_by(rules: Sequence[Rule], rule: Rule) -> tuple[Rule, ...]:
    """The rules before `rule` that leave it no call to decide; () where it may decide some."""
    earlier = _Earlier()
    for other in rules:
        if (other.file, other.line) == (rule.file, rule.line):
            return earlier.taking(rule)
        earlier.learn(other)
    return ()


def contradiction(rule: Rule) -> tuple[Condition, Condition] | None:
    """Two conditions of the rule that can never hold together."""
    return next(
        ((a, b) for a, b in combinations(rule.conditions, 2) if excludes(a, b)),
        None,
    )


def undecided(rules: RuleSet, calls: Iterable[Call]) -> tuple[Rule, ...]:
    """The rules that decide none of these calls, whatever became of the calls at the time."""
    decided = {id(rules.deciding(call)) for call in calls}
    return tuple(rule for rule in rules.rules if id(rule) not in decided)


def unused(rules: Sequence[Rule]) -> Iterator[Remark]:
    """Remarks on rules that no call of the last year matched; of many, one that counts them.

    One for emergencies is none of them: let it stay unused.
    """
    idle = [rule for rule in rules if Emergency() not in rule.conditions]
    for rule in idle if len(idle) <= _FEW else ():
        yield Remark(rule.place, "no call of the last year matched it")
    if len(idle) > _FEW:
        text = f"this and {len(idle) - 1} more rules matched no call of the last year"
        yield Remark(idle[0].place, f"{text}: see the first column of `screener rules list`")


def same_lists(rules: Iterable[Rule], within: Callable[[str, str], bool]) -> Iterator[Remark]:
    """Remarks on lists that rules ask for and that are wholly contained in another such list.

    `within(a, b)` says whether every number of list `a` is in list `b`.
    """
    conditions = (inner(c) for rule in rules for c in rule.conditions)
    asked = sorted({name for c in conditions if isinstance(c, Listed) for name in c.lists})
    seen: set[frozenset[str]] = set()
    for one, other in permutations(asked, 2):
        if frozenset((one, other)) in seen or not within(one, other):
            continue
        seen.add(frozenset((one, other)))
        both = (
            "and the other way round: keep one of them"
            if within(other, one)
            else ("a rule that asks for both needs only that one")
        )
        yield Remark(one, f"every number of this list is in {other} too, {both}")


def _told(rule: Rule) -> str:
    return f'{rule.place} ("{rule.label}")' if rule.label else rule.place


# Which earlier rules take all calls of one -------------------------------------------------------


class _Earlier:
    """The rules asked before one, found by the numbers that they name.

    Only a rule whose `from` covers a number can take that number's calls; the others, few in most
    folders, are compared one by one.
    """

    def __init__(self) -> None:
        self._exact: dict[str, list[Rule]] = {}
        self._prefix: dict[str, list[Rule]] = {}
        self._other: dict[frozenset[type], list[Rule]] = {}
        self._effort = _EFFORT

    def learn(self, rule: Rule) -> None:
        """A rule that the next ones come after. One that may expire takes no call for ever."""
        if rule.expires is not None:
            return
        place = next((c for c in rule.conditions if isinstance(c, From)), None)
        if place is None or any(not p.exact and not p.prefix for p in place.patterns):
            self._other.setdefault(_kinds(rule.conditions) & _ALONE, []).append(rule)
            return
        for pattern in place.patterns:
            if pattern.exact:
                self._exact.setdefault(pattern.exact, []).append(rule)
            else:
                self._prefix.setdefault(pattern.prefix or "", []).append(rule)

    def taking(self, rule: Rule) -> tuple[Rule, ...]:
        """The rule, or the rules together, that take all calls of `rule`; () for none."""
        whole = self._one(rule.conditions)
        if whole is not None:
            return (whole,)
        for at, condition in enumerate(rule.conditions):
            values = split(condition)
            found: dict[int, Rule] = {}
            for value in values:
                one = self._one((*rule.conditions[:at], value, *rule.conditions[at + 1 :]))
                if one is None:
                    break
                found[id(one)] = one
            else:
                if found:
                    return tuple(found.values())
        return ()

    def _one(self, conditions: Sequence[Condition]) -> Rule | None:
        """The first rule that takes every call for which these conditions hold."""
        for rule in self._candidates(conditions):
            if all(any(implies(mine, its) for mine in conditions) for its in rule.conditions):
                return rule
        return None

    def _candidates(self, conditions: Sequence[Condition]) -> Iterator[Rule]:
        place = next((c for c in conditions if isinstance(c, From)), None)
        if place is not None:
            pattern = place.patterns[0]  # who takes all numbers takes the first
            yield from self._exact.get(pattern.exact, ()) if pattern.exact else ()
            head = pattern.text.partition("..")[0].partition("?")[0].rstrip("*")
            for length in range(1, len(head) + 1):
                yield from self._prefix.get(head[:length], ())
        kinds = _kinds(conditions)
        for needed, rules in self._other.items():
            self._effort -= len(rules)
            if needed <= kinds and self._effort >= 0:
                yield from rules


def _kinds(conditions: Iterable[Condition]) -> frozenset[type]:
    return frozenset(type(plain(condition)) for condition in conditions)
