"""What rules ask about who calls whom: the numbers and the caller's name."""

from __future__ import annotations

from dataclasses import dataclass

from screener.core import number
from screener.core.call import Call
from screener.core.callerid import quoted, shown, shown_number
from screener.core.conditions.wording import either, listed, the_caller, told_of_number
from screener.core.pattern import NamePattern, NumberPattern
from screener.core.ruletext import written
from screener.core.shelf import Shelf


@dataclass(frozen=True, slots=True)
class From:
    """The caller's number is in one of the patterns. A withheld number is in none."""

    patterns: tuple[NumberPattern, ...]

    def holds(self, call: Call, shelf: Shelf) -> bool | None:
        shows = call.caller.shows
        return bool(shows) and any(pattern.matches(shows) for pattern in self.patterns)

    def told(self, call: Call, shelf: Shelf) -> str:
        if call.caller.withheld:
            return "the number is withheld"
        return told_of_number(the_caller(call), call.caller.e164 or call.caller.raw, self.patterns)

    def __str__(self) -> str:
        return f"from {listed(self.patterns)}"


@dataclass(frozen=True, slots=True)
class To:
    """The DID that was called is in one of the patterns."""

    patterns: tuple[NumberPattern, ...]

    def holds(self, call: Call, shelf: Shelf) -> bool | None:
        for pattern in self.patterns:  # noqa: SIM110 (a generator takes twice as long)
            if pattern.matches(call.did):
                return True
        return False

    def told(self, call: Call, shelf: Shelf) -> str:
        return told_of_number(
            f"the number called, {shown_number(call.did)},", call.did, self.patterns
        )

    def __str__(self) -> str:
        return f"to {listed(self.patterns)}"


@dataclass(frozen=True, slots=True)
class Named:
    """The caller's name is in one of the patterns. A call without a name is in none."""

    patterns: tuple[NamePattern, ...]

    def holds(self, call: Call, shelf: Shelf) -> bool | None:
        named = bool(call.name) and not call.name.isspace()
        return named and any(pattern.matches(call.name) for pattern in self.patterns)

    def told(self, call: Call, shelf: Shelf) -> str:
        if not call.name or call.name.isspace():
            return "the call shows no name"
        hit = next((p for p in self.patterns if p.matches(call.name)), None)
        if hit is not None:
            return f"the name {quoted(call.name)} matches {hit}"
        return f"the name {quoted(call.name)} does not match {either(self.patterns)}"

    def __str__(self) -> str:
        return "name " + ", ".join(
            pattern.text if pattern.expression is not None else written(pattern.text)
            for pattern in self.patterns
        )


@dataclass(frozen=True, slots=True)
class Withheld:
    """The caller shows no number."""

    def holds(self, call: Call, shelf: Shelf) -> bool | None:
        return call.caller.withheld

    def told(self, call: Call, shelf: Shelf) -> str:
        return "the number is withheld" if call.caller.withheld else "the number is not withheld"

    def __str__(self) -> str:
        return "withheld"


@dataclass(frozen=True, slots=True)
class Impossible:
    """The number is of no numbering plan: nobody can have it, so whoever shows it lies."""

    country: str

    def holds(self, call: Call, shelf: Shelf) -> bool | None:
        if call.caller.withheld:
            return None
        if not call.caller.e164:
            return not number.is_short(call.caller.raw, self.country)
        if number.plan(call.caller.e164).assigned:
            return False
        return None if number.lacks_area_code(call.caller) else True

    def told(self, call: Call, shelf: Shelf) -> str:
        match self.holds(call, shelf):
            case None if call.caller.withheld:
                return "the number is withheld: nothing can be said of it"
            case None:
                shows = shown(call.caller.raw, 24)
                return f"{shows} lacks its area code: nothing can be said of it"
            case True if not any(c.isdigit() for c in call.caller.raw):
                return f"{the_caller(call)} is no telephone number at all"
            case True:
                return f"{the_caller(call)} is a number that no numbering plan has"
        return f"{the_caller(call)} is a number that can be assigned"

    def __str__(self) -> str:
        return "impossible"


@dataclass(frozen=True, slots=True)
class OfKind:
    """The numbering plan makes the number one of these kinds (number.KINDS)."""

    kinds: tuple[str, ...]

    def holds(self, call: Call, shelf: Shelf) -> bool | None:
        kinds = number.plan(call.caller.e164).kinds
        return not kinds.isdisjoint(self.kinds) if kinds else None

    def told(self, call: Call, shelf: Shelf) -> str:
        kinds = sorted(number.plan(call.caller.e164).kinds)
        if not kinds:
            return f"the kind of {the_caller(call)} is not known"
        if self.holds(call, shelf):
            return f"{the_caller(call)} is {' or '.join(kinds)}"
        return f"{the_caller(call)} is {' or '.join(kinds)}, not {either(self.kinds)}"

    def __str__(self) -> str:
        return f"kind {listed(self.kinds)}"


@dataclass(frozen=True, slots=True)
class InCountry:
    """The number belongs to one of these countries (ISO 3166)."""

    countries: tuple[str, ...]

    def holds(self, call: Call, shelf: Shelf) -> bool | None:
        country = number.plan(call.caller.e164).country
        return country in self.countries if country else None

    def told(self, call: Call, shelf: Shelf) -> str:
        country = number.plan(call.caller.e164).country
        if not country:
            return f"the country of {the_caller(call)} is not known"
        if self.holds(call, shelf):
            return f"{the_caller(call)} is a number of {country}"
        return f"{the_caller(call)} is a number of {country}, not of {either(self.countries)}"

    def __str__(self) -> str:
        return f"country {listed(self.countries)}"


_SUBSCRIBER = 4  # the digits that tell neighbours apart, unless the rule says how many are shared


@dataclass(frozen=True, slots=True)
class Neighbour:
    """The number begins like the DID, and is in no address book: the guise of a spoofer.

    `digits` of the DID (E.164, without the plus) must be the same; 0: all but the last four.
    """

    digits: int = 0

    def holds(self, call: Call, shelf: Shelf) -> bool | None:
        if not call.caller.e164:
            return None
        alike = self._shared(call) and len(call.caller.e164) == len(call.did)
        return alike and shelf.contact(call.caller.e164) is None

    def _shared(self, call: Call) -> bool:
        return call.caller.e164.startswith(self._head(call))

    def _head(self, call: Call) -> str:
        return call.did[: self.digits + 1] if self.digits else call.did[:-_SUBSCRIBER]

    def told(self, call: Call, shelf: Shelf) -> str:
        if not call.caller.e164:
            return "the call shows no number that could be a neighbour's"
        known = shelf.contact(call.caller.e164)
        if known is not None:
            return f"{the_caller(call)} is {quoted(known)} of your contacts"
        begins = "begins" if self.holds(call, shelf) else "does not begin"
        return f"{the_caller(call)} {begins} like your {call.did} ({self._head(call)})"

    def __str__(self) -> str:
        return f"neighbour {self.digits}" if self.digits else "neighbour"
