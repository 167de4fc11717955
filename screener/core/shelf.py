"""What rules look things up in: number lists, address books, and when each rule was last used.

`lists.py` and `contacts.py` fill it; the rules only ask.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeAlias

Contacts: TypeAlias = Mapping[str, str]
"""An address book: E.164 number -> the name it stands under."""


class NumberList(Protocol):
    """A list of numbers, ten million of them if need be; asking takes microseconds."""

    def reports(self, number: str, since: datetime | None = None) -> int:
        """How often `number` (E.164) was reported, since then; in a plain list 1. 0: not in it."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """`lists` and `contacts` by the names that rules call them by ("ftc.csv", "family.vcf").

    `used` says when a rule (by `Rule.key`) last decided a call, or was first seen; aware.
    """

    lists: Mapping[str, NumberList] = field(default_factory=dict)
    contacts: Mapping[str, Contacts] = field(default_factory=dict)
    used: Mapping[str, datetime] = field(default_factory=dict)

    def contact(self, number: str) -> str | None:
        """The name under which `number` stands in any address book; None: in none."""
        return next((book[number] for book in self.contacts.values() if number in book), None)
