"""What rules ask about a call: one class for each word of the language.

A condition is asked `holds(call, shelf)`: True, False, or None where the call does not show what
the question is about (it carries no signature; the country of a withheld number). A None never
matches, and neither does its `not`: what a call lacks decides nothing. `told` says the same in
words, for whoever asks why. `str()` gives the condition as it stands in a rule file.

The classes lie by what they are about: parties.py, signature.py, moment.py, past.py, lookup.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from screener.core.call import Call
from screener.core.conditions.lookup import InContacts, Listed
from screener.core.conditions.moment import During, Emergency, Expecting
from screener.core.conditions.parties import (
    From,
    Impossible,
    InCountry,
    Named,
    Neighbour,
    OfKind,
    To,
    Withheld,
)
from screener.core.conditions.past import Called, Event, Happened
from screener.core.conditions.signature import Attested, Verified
from screener.core.shelf import Shelf

__all__ = [
    "Attested",
    "Called",
    "Condition",
    "During",
    "Emergency",
    "Event",
    "Expecting",
    "From",
    "Happened",
    "Impossible",
    "InContacts",
    "InCountry",
    "Listed",
    "Named",
    "Neighbour",
    "Not",
    "OfKind",
    "To",
    "Verified",
    "Withheld",
]


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
