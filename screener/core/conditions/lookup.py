"""What rules look a caller up in: number lists and address books."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from screener.core.call import Call
from screener.core.callerid import quoted
from screener.core.conditions.wording import counted, either, listed, the_caller
from screener.core.ruletext import written
from screener.core.shelf import Shelf
from screener.core.spans import told_span, written_span


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
        for name in self.lists:  # noqa: SIM110 (as in parties.To)
            if self._count(name, call, shelf) >= self.reports:
                return True
        return False

    def told(self, call: Call, shelf: Shelf) -> str:
        if call.caller.withheld:
            return f"the withheld number is not in {either(self.lists)}"
        span = f" within {told_span(self.within)}" if self.within else ""
        for name in self.lists:
            count = self._count(name, call, shelf)
            if count >= self.reports and (self.reports > 1 or self.within):
                return f"{the_caller(call)} has {counted(count, 'report')}{span} in {name}"
            if count >= self.reports:
                return f"{the_caller(call)} is in {name}"
        if self.reports == 1 and not self.within:
            return f"{the_caller(call)} is not in {either(self.lists)}"
        most = max((self._count(name, call, shelf) for name in self.lists), default=0)
        reports = f"{counted(most, 'report')}{span} in {either(self.lists)}"
        return f"{the_caller(call)} has {reports}, fewer than {self.reports}"

    def __str__(self) -> str:
        words = [f"list {listed(map(written, self.lists))}"]
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
            return f"{the_caller(call)} is not in {either(self.books)}"
        return f"{the_caller(call)} is {quoted(found[0])} in {found[1]}"

    def __str__(self) -> str:
        return f"contacts {listed(map(written, self.books))}"
