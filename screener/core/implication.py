"""What follows from a condition alone, whatever the call, the lists and the address books.

`implies(a, b)` says that whenever `a` holds, `b` holds; `excludes(a, b)` that no call is both. Both
are proofs: one that is not found says nothing, one that is found is never wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from screener.core.conditions import (
    Attested,
    Called,
    Condition,
    During,
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
from screener.core.conditions.signature import LEVELS, OUTCOMES
from screener.core.pattern import NumberPattern


def implies(one: Condition, other: Condition) -> bool:
    """Whether `other` holds for every call for which `one` does. May miss it; never wrong."""
    one, other = plain(one), plain(other)
    if one == other:
        return True
    match one, other:
        case Not(condition=mine), Not(condition=its):
            # False of `mine` must make `its` False, not merely unknown: so of one kind only.
            return type(mine) is type(its) and _broader(its, mine)
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


def plain(condition: Condition) -> Condition:
    """The same condition with as few `not` as can be."""
    match condition:
        case Not(condition=Not(condition=within)):
            return plain(within)
        case Not(condition=Attested(levels=levels)) if set(levels) < set(LEVELS):
            return Attested(tuple(level for level in LEVELS if level not in levels))
        case Not(condition=Verified(outcomes=outcomes)) if set(outcomes) < set(OUTCOMES):
            return Verified(tuple(o for o in OUTCOMES if o not in outcomes))
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


def excludes(one: Condition, other: Condition) -> bool:
    """Whether the two can never hold for one call."""
    one, other = plain(one), plain(other)
    for this, that in ((one, other), (other, one)):
        if implies(this, Not(that)):
            return True
        if isinstance(that, Not) and implies(this, that.condition):
            return True
        # Of a withheld number these are not known, so neither they nor their `not` hold.
        unknown = inner(that)
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


def inner(condition: Condition) -> Condition:
    """The condition without any `not`."""
    return inner(condition.condition) if isinstance(condition, Not) else condition


def split(condition: Condition) -> tuple[Condition, ...]:
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
