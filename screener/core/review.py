"""What is odd about a set of rules that has no mistakes: rules that decide nothing.

A rule can never fire where an earlier one takes every call that it would match, or where its own
conditions exclude one another. Both are proven from the conditions alone: `implies(a, b)` says
that whenever `a` holds, `b` holds, whatever the call and whatever is in lists and address books. A
proof that is not found is no remark: review may miss a dead rule, and never calls a live one dead.

The remarks are sentences for the owner; none is a mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
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
    Not,
    OfKind,
    To,
    Verified,
    Withheld,
)
from screener.core.pattern import NumberPattern
from screener.core.rules import Rule, RuleSet

_LEVELS = ("A", "B", "C")
_OUTCOMES = ("passed", "failed")
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
        ((a, b) for a, b in combinations(rule.conditions, 2) if _excludes(a, b)),
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
    conditions = (_inner(c) for rule in rules for c in rule.conditions)
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


def _inner(condition: Condition) -> Condition:
    return _inner(condition.condition) if isinstance(condition, Not) else condition


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
            values = _split(condition)
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
    return frozenset(type(_plain(condition)) for condition in conditions)


def _split(condition: Condition) -> tuple[Condition, ...]:
    """The values of a list as conditions of their own; () for what is no list of several."""
    match condition:
        case From(patterns=(_, _, *_) as patterns):
            return tuple(From((pattern,)) for pattern in patterns)
        case To(patterns=(_, _, *_) as patterns):
            return tuple(To((pattern,)) for pattern in patterns)
        case Named(patterns=(_, _, *_) as patterns):
            return tuple(Named((pattern,)) for pattern in patterns)
        case OfKind(kinds=(_, _, *_) as kinds):
            return tuple(OfKind((kind,)) for kind in kinds)
        case InCountry(countries=(_, _, *_) as countries):
            return tuple(InCountry((country,)) for country in countries)
        case Attested(levels=(_, _, *_) as levels):
            return tuple(Attested((level,)) for level in levels)
        case Listed(lists=(_, _, *_) as lists):
            return tuple(replace(condition, lists=(name,)) for name in lists)
        case InContacts(books=(_, _, *_) as books):
            return tuple(InContacts((book,)) for book in books)
    return ()


# Proofs ------------------------------------------------------------------------------------------


def implies(one: Condition, other: Condition) -> bool:
    """Whether `other` holds for every call for which `one` does. May miss it; never wrong."""
    one, other = _plain(one), _plain(other)
    if one == other:
        return True
    match one, other:
        case Not(condition=inner), Not(condition=its):
            # False of `inner` must make `its` False, not merely unknown: so of one kind only.
            return type(inner) is type(its) and _broader(its, inner)
        case Not(condition=Withheld()), From(patterns=patterns):
            return any(_is_everything(pattern) for pattern in patterns)
        case Not(condition=From(patterns=patterns)), Withheld():
            return any(_is_everything(pattern) for pattern in patterns)
        case Not(), _:
            return False
        case _, Not(condition=its):
            return _denies(one, its)
        case (
            OfKind() | InCountry() | Neighbour() | Listed() | InContacts(),
            From(patterns=patterns),
        ):  # it holds only for a number that is shown, in E.164
            return any(_is_every_e164(pattern) for pattern in patterns)
    return _broader(one, other)


def _plain(condition: Condition) -> Condition:
    """The same condition with as few `not` as can be."""
    match condition:
        case Not(condition=Not(condition=inner)):
            return _plain(inner)
        case Not(condition=Attested(levels=levels)) if set(levels) < set(_LEVELS):
            return Attested(tuple(level for level in _LEVELS if level not in levels))
        case Not(condition=Verified(outcomes=outcomes)) if set(outcomes) < set(_OUTCOMES):
            return Verified(tuple(o for o in _OUTCOMES if o not in outcomes))
    return condition


def _broader(one: Condition, other: Condition) -> bool:
    """Whether `other` is of the same kind as `one` and holds wherever that does."""
    match one, other:
        case (From(patterns=ones), From(patterns=others)) | (
            To(patterns=ones),
            To(patterns=others),
        ):
            return _all_covered(ones, others)
        case Named(patterns=names), Named(patterns=wider):
            return all(any(w.covers(name) for w in wider) for name in names)
        case Neighbour(digits=digits), Neighbour(digits=fewer):
            return digits == fewer or digits >= fewer > 0
        case During(hours=hours), During(hours=more):
            return more.covers(hours)
        case Listed(reports=reports, within=within), Listed(reports=fewer, within=longer):
            return reports >= fewer and _longer(longer, within) and _subset(one, other)
        case Happened(event=event, within=within), Happened(event=same, within=longer):
            return event is same and _longer(longer, within)
        case Called(times=times, within=within), Called(times=fewer, within=longer):
            return times >= fewer and _longer(longer, within)
    return one == other or _subset(one, other)


def _subset(one: Condition, other: Condition) -> bool:
    """Whether the values of one are among the other's, where both are lists of one kind."""
    mine, its = _values(one), _values(other)
    return type(one) is type(other) and bool(mine) and mine <= its


def _values(condition: Condition) -> frozenset[str]:
    match condition:
        case (
            OfKind(kinds=values)
            | InCountry(countries=values)
            | Attested(levels=values)
            | Verified(outcomes=values)
            | Listed(lists=values)
            | InContacts(books=values)
        ):
            return frozenset(values)
    return frozenset()


def _denies(one: Condition, other: Condition) -> bool:
    """Whether `other` is known to be false wherever `one` holds."""
    match one, other:
        case Withheld(), From() | Listed() | InContacts():
            return True
        case (
            From() | OfKind() | InCountry() | Neighbour() | Listed() | InContacts() | Impossible(),
            Withheld(),
        ):
            return True
        case (Neighbour(), InContacts()) | (InContacts(), Neighbour()):
            return True
        case (From(patterns=ones), From(patterns=others)) | (
            To(patterns=ones),
            To(patterns=others),
        ):
            return all(_apart(p, o) for p in ones for o in others)
        case (InCountry(), InCountry()) | (Attested(), Attested()) | (Verified(), Verified()):
            return not _values(one) & _values(other)
    return False


def _excludes(one: Condition, other: Condition) -> bool:
    """Whether the two can never hold for one call."""
    one, other = _plain(one), _plain(other)
    for this, that in ((one, other), (other, one)):
        if implies(this, Not(that)):
            return True
        if isinstance(that, Not) and implies(this, that.condition):
            return True
        # Of a withheld number these are not known, so neither they nor their `not` hold.
        unknown = _inner(that)
        if isinstance(this, Withheld) and isinstance(
            unknown, OfKind | InCountry | Neighbour | Impossible
        ):
            return True
    return False


def _longer(other: timedelta | None, one: timedelta | None) -> bool:
    """Whether what happened within `one` happened within `other`; None is ever."""
    return other is None or (one is not None and one <= other)


def _is_everything(pattern: NumberPattern) -> bool:
    return pattern.prefix == ""


def _is_every_e164(pattern: NumberPattern) -> bool:
    return pattern.prefix in ("", "+")


def _all_covered(ones: Sequence[NumberPattern], others: Sequence[NumberPattern]) -> bool:
    exact = {other.text for other in others}
    return all(p.text in exact or any(other.covers(p) for other in others) for p in ones)


def _apart(one: NumberPattern, other: NumberPattern) -> bool:
    """Whether no number is in both."""
    if one.exact:
        return not other.matches(one.exact)
    if other.exact:
        return not one.matches(other.exact)
    if one.prefix is not None and other.prefix is not None:
        return not (one.prefix.startswith(other.prefix) or other.prefix.startswith(one.prefix))
    return False
