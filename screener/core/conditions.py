"""What rules ask about a call: one class for each word of the language.

A condition is asked `holds(call, shelf)`: True, False, or None where the call does not show what
the question is about (it carries no signature; the country of a withheld number). A None never
matches, and neither does its `not`: what a call lacks decides nothing. `told` says the same in
words, for whoever asks why. `str()` gives the condition as it stands in a rule file.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from screener.core import number
from screener.core.call import Call
from screener.core.callerid import quoted, shown, shown_number
from screener.core.hours import Hours
from screener.core.pattern import NamePattern, NumberPattern
from screener.core.ruletext import written
from screener.core.shelf import Shelf
from screener.core.spans import told_span, written_span


@dataclass(frozen=True, slots=True)
class From:
    """The caller's number is in one of the patterns. A withheld number is in none."""

    patterns: tuple[NumberPattern, ...]

    def holds(self, call: Call, shelf: Shelf) -> bool | None:
        shows = call.caller.e164 or ("" if call.caller.withheld else call.caller.raw)
        return bool(shows) and any(pattern.matches(shows) for pattern in self.patterns)

    def told(self, call: Call, shelf: Shelf) -> str:
        if call.caller.withheld:
            return "the number is withheld"
        return _told_of_number(_caller(call), call.caller.e164 or call.caller.raw, self.patterns)

    def __str__(self) -> str:
        return f"from {_listed(self.patterns)}"


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
        return _told_of_number(
            f"the number called, {shown_number(call.did)},", call.did, self.patterns
        )

    def __str__(self) -> str:
        return f"to {_listed(self.patterns)}"


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
        return f"the name {quoted(call.name)} does not match {_either(self.patterns)}"

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
                return f"{_caller(call)} is no telephone number at all"
            case True:
                return f"{_caller(call)} is a number that no numbering plan has"
        return f"{_caller(call)} is a number that can be assigned"

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
            return f"the kind of {_caller(call)} is not known"
        if self.holds(call, shelf):
            return f"{_caller(call)} is {' or '.join(kinds)}"
        return f"{_caller(call)} is {' or '.join(kinds)}, not {_either(self.kinds)}"

    def __str__(self) -> str:
        return f"kind {_listed(self.kinds)}"


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
            return f"the country of {_caller(call)} is not known"
        if self.holds(call, shelf):
            return f"{_caller(call)} is a number of {country}"
        return f"{_caller(call)} is a number of {country}, not of {_either(self.countries)}"

    def __str__(self) -> str:
        return f"country {_listed(self.countries)}"


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
            return f"{_caller(call)} is {quoted(known)} of your contacts"
        begins = "begins" if self.holds(call, shelf) else "does not begin"
        return f"{_caller(call)} {begins} like your {call.did} ({self._head(call)})"

    def __str__(self) -> str:
        return f"neighbour {self.digits}" if self.digits else "neighbour"


@dataclass(frozen=True, slots=True)
class During:
    """The call comes in within these hours, by the owner's clock."""

    hours: Hours

    def holds(self, call: Call, shelf: Shelf) -> bool | None:
        return self.hours.holds(call.at)

    def told(self, call: Call, shelf: Shelf) -> str:
        within = "within" if self.hours.holds(call.at) else "not within"
        return f"{_clock(call.at)} is {within} {self.hours}"

    def __str__(self) -> str:
        return f"on {self.hours}"


@dataclass(frozen=True, slots=True)
class Attested:
    """The call carries one of these attestations: A, B or C."""

    levels: tuple[str, ...]

    def holds(self, call: Call, shelf: Shelf) -> bool | None:
        level = call.signature.attestation
        return level in self.levels if level else None

    def told(self, call: Call, shelf: Shelf) -> str:
        level = call.signature.attestation
        if not level:
            return "the call carries no attestation, which counts neither way"
        return f"the attestation is {level}" + (
            "" if level in self.levels else f", not {_either(self.levels)}"
        )

    def __str__(self) -> str:
        return f"attestation {_listed(self.levels)}"


@dataclass(frozen=True, slots=True)
class Verified:
    """The signature's verification had one of these outcomes: passed, failed."""

    outcomes: tuple[str, ...]

    def holds(self, call: Call, shelf: Shelf) -> bool | None:
        verstat = call.signature.verstat
        return verstat in self.outcomes if verstat else None

    def told(self, call: Call, shelf: Shelf) -> str:
        verstat = call.signature.verstat
        if not verstat:
            return "no signature was verified, which counts neither way"
        return f"the signature's verification {verstat}"

    def __str__(self) -> str:
        return f"verstat {_listed(self.outcomes)}"


@dataclass(frozen=True, slots=True)
class Listed:
    """The number is in one of these lists, with `reports` or more reports `within` a time."""

    lists: tuple[str, ...]
    reports: int = 1
    within: timedelta | None = None

    def _count(self, name: str, call: Call, shelf: Shelf) -> int:
        numbers = shelf.lists.get(name)
        if numbers is None or not call.caller.e164:
            return 0
        return numbers.reports(call.caller.e164, call.utc - self.within if self.within else None)

    def holds(self, call: Call, shelf: Shelf) -> bool | None:
        for name in self.lists:  # noqa: SIM110 (as in To)
            if self._count(name, call, shelf) >= self.reports:
                return True
        return False

    def told(self, call: Call, shelf: Shelf) -> str:
        if call.caller.withheld:
            return f"the withheld number is not in {_either(self.lists)}"
        span = f" within {told_span(self.within)}" if self.within else ""
        for name in self.lists:
            count = self._count(name, call, shelf)
            if count >= self.reports and (self.reports > 1 or self.within):
                return f"{_caller(call)} has {_times(count, 'report')}{span} in {name}"
            if count >= self.reports:
                return f"{_caller(call)} is in {name}"
        if self.reports == 1 and not self.within:
            return f"{_caller(call)} is not in {_either(self.lists)}"
        most = max((self._count(name, call, shelf) for name in self.lists), default=0)
        reports = f"{_times(most, 'report')}{span} in {_either(self.lists)}"
        return f"{_caller(call)} has {reports}, fewer than {self.reports}"

    def __str__(self) -> str:
        words = [f"list {_listed(map(written, self.lists))}"]
        if self.reports > 1:
            words.append(f"reports>={self.reports}")
        if self.within:
            words.append(f"within {written_span(self.within)}")
        return " ".join(words)


@dataclass(frozen=True, slots=True)
class InContacts:
    """The number is in one of these address books."""

    books: tuple[str, ...]

    def _name(self, call: Call, shelf: Shelf) -> tuple[str, str] | None:
        for book in self.books:
            name = shelf.contacts.get(book, {}).get(call.caller.e164)
            if name is not None and call.caller.e164:
                return name, book
        return None

    def holds(self, call: Call, shelf: Shelf) -> bool | None:
        return self._name(call, shelf) is not None

    def told(self, call: Call, shelf: Shelf) -> str:
        found = self._name(call, shelf)
        if found is None:
            return f"{_caller(call)} is not in {_either(self.books)}"
        return f"{_caller(call)} is {quoted(found[0])} in {found[1]}"

    def __str__(self) -> str:
        return f"contacts {_listed(map(written, self.books))}"


class Event(StrEnum):
    """What may have been between us and a number, in the words of rule files."""

    ANSWERED = "answered-before"  # it called, and somebody talked with it
    DIALLED = "dialled-before"  # one of our phones dialled it
    MESSAGE = "message-before"  # it left a message


_EVENTS = {
    Event.ANSWERED: ("was answered here", "was never answered here"),
    Event.DIALLED: ("was dialled from here", "was never dialled from here"),
    Event.MESSAGE: ("left a message", "never left a message"),
}


@dataclass(frozen=True, slots=True)
class Happened:
    """Something has been between us and the number `within` a time (None: ever)."""

    event: Event
    within: timedelta | None = None

    def _last(self, call: Call) -> datetime | None:
        """When it was last, within the time."""
        match self.event:
            case Event.ANSWERED:
                times = call.history.answered
            case Event.DIALLED:
                times = call.history.dialled
            case Event.MESSAGE:
                times = call.history.messages
        if not times or (self.within is not None and times[-1] < call.utc - self.within):
            return None
        return times[-1]

    def holds(self, call: Call, shelf: Shelf) -> bool | None:
        return self._last(call) is not None

    def told(self, call: Call, shelf: Shelf) -> str:
        last = self._last(call)
        did, never = _EVENTS[self.event]
        span = f" within {told_span(self.within)}" if self.within else ""
        if last is None:
            return f"{_caller(call)} {never}{span}"
        return f"{_caller(call)} {did} on {_clock(last.astimezone(call.at.tzinfo))}"

    def __str__(self) -> str:
        within = f" within {written_span(self.within)}" if self.within else ""
        return f"{self.event}{within}"


@dataclass(frozen=True, slots=True)
class Called:
    """The number has called `times` or more before, `within` a time (None: ever)."""

    times: int
    within: timedelta | None = None

    def holds(self, call: Call, shelf: Shelf) -> bool | None:
        calls, times = call.history.calls, self.times
        if len(calls) < times or self.within is None or times < 1:
            return len(calls) >= times
        # They are sorted: enough of them are recent where the last but so many is.
        return calls[-times] >= call.utc - self.within

    def _count(self, call: Call) -> int:
        calls = call.history.calls
        if self.within is None:
            return len(calls)
        return len(calls) - bisect_left(calls, call.utc - self.within)

    def told(self, call: Call, shelf: Shelf) -> str:
        span = f" within {told_span(self.within)}" if self.within else ""
        fewer = "" if self.holds(call, shelf) else f", fewer than {self.times}"
        return f"{_caller(call)} called {_times(self._count(call), 'time')} before{span}{fewer}"

    def __str__(self) -> str:
        within = f" within {written_span(self.within)}" if self.within else ""
        return f"calls>={self.times}{within}"


@dataclass(frozen=True, slots=True)
class Expecting:
    """The owner has said that he expects a call (`screener expect 2h`)."""

    def holds(self, call: Call, shelf: Shelf) -> bool | None:
        return bool(call.expecting)

    def told(self, call: Call, shelf: Shelf) -> str:
        return f"you expect a call: {call.expecting}" if call.expecting else "no call is expected"

    def __str__(self) -> str:
        return "expecting"


@dataclass(frozen=True, slots=True)
class Emergency:
    """Somebody here has called for help, or those who help call back (RFC 7090)."""

    def holds(self, call: Call, shelf: Shelf) -> bool | None:
        return bool(call.emergency)

    def told(self, call: Call, shelf: Shelf) -> str:
        return call.emergency or "there is no emergency"

    def __str__(self) -> str:
        return "emergency"


@dataclass(frozen=True, slots=True)
class Not:
    """The condition is known not to hold."""

    condition: Condition

    def holds(self, call: Call, shelf: Shelf) -> bool | None:
        held = self.condition.holds(call, shelf)
        return None if held is None else not held

    def told(self, call: Call, shelf: Shelf) -> str:
        return self.condition.told(call, shelf)

    def __str__(self) -> str:
        return f"not {self.condition}"


Condition: TypeAlias = (
    From
    | To
    | Named
    | Withheld
    | Impossible
    | OfKind
    | InCountry
    | Neighbour
    | During
    | Attested
    | Verified
    | Listed
    | InContacts
    | Happened
    | Called
    | Expecting
    | Emergency
    | Not
)


# Words -------------------------------------------------------------------------------------------


def _caller(call: Call) -> str:
    """The caller's number in a sentence."""
    if call.caller.withheld:
        return "the withheld number"
    return shown_number(call.caller.e164 or call.caller.raw)


def _told_of_number(subject: str, shows: str, patterns: Iterable[NumberPattern]) -> str:
    for pattern in patterns:
        if shows and pattern.matches(shows):
            return subject + (f" is {pattern}" if pattern.exact else f" is one of {pattern}")
    return f"{subject} is not {_either(patterns)}"


def _listed(values: Iterable[object]) -> str:
    return ", ".join(str(value) for value in values)


def _either(values: Iterable[object], most: int = 3) -> str:
    """The values as a sentence names them; of many, the first."""
    named = [str(value) for value in values]
    if len(named) > most:
        return f"{', '.join(named[:most])} or one of {len(named) - most} more"
    return " or ".join(named)


def _times(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _clock(at: datetime) -> str:
    return at.strftime("%a %d %b %Y %H:%M")
