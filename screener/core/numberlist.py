"""A list of numbers, ten million of them if need be: four bytes each, a lookup in microseconds.

An E.164 number (ITU-T E.164: at most 15 digits, the first never 0) is kept as the integer of its
digits, in two parts. The upper (the integer divided by 2**32) has few values in any real list: each
stands once, with where its entries begin. The lower is a sorted array of 32 bits an entry, in which
a number is found by bisection. In a list of reports there is an entry for every report, and beside
it when it was made, in seconds since 2000 (UTC); a number's reports stand in the order of time.

Ranges are pairs of integers, first and last. Prefixes are such pairs of *aligned* numbers: filled
up to 15 digits, with zeros for the first and nines for the last, so that +1900 takes in +1900555
and +19005550100 alike. Both are sorted and do not overlap.

All of it is asked where it lies: in the pages of a mapped file (lists.py), or in any bytes.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""What a report's time is counted from. A report without a date stands at 0: it is always old."""
DIGITS = 15
"""The longest number that there is (ITU-T E.164)."""
LAST_MOMENT = 2**32 - 1
_LOWER = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Numbers:
    """A number list; implements shelf.NumberList.

    `uppers` ascend, and `starts` has one more: entries of `uppers[i]` are `starts[i]` up to, not
    including, `starts[i + 1]` in `lowers`. `whens` is as long as `lowers`, or None in a plain list.
    `ranges` and `prefixes` are first, last, first, last ... Unsigned, of 4 bytes (cast "I"), those
    two of 8 ("Q").
    """

    uppers: memoryview
    starts: memoryview
    lowers: memoryview
    whens: memoryview | None
    ranges: memoryview
    prefixes: memoryview

    def reports(self, number: str, since: datetime | None = None) -> int:
        """How often `number` (E.164) was reported, since then (aware); in a plain list 1.

        0: it is not in the list, or it is no E.164 number.
        """
        value = as_integer(number)
        if not value:
            return 0
        first, last = self.entries(value)
        if self.whens is None:
            return 1 if first < last or self.covers(value) else 0
        if since is None or first == last:
            return last - first
        return last - bisect_left(self.whens, seconds_of(since), first, last)

    def dates(self, number: str) -> list[datetime | None]:
        """When `number` was reported, oldest first, None where that is not known."""
        first, last = self.entries(as_integer(number))
        whens = self.whens[first:last] if self.whens is not None else ()
        return [EPOCH + timedelta(seconds=when) if when else None for when in whens]

    def entries(self, value: int) -> tuple[int, int]:
        """The entries of a number's integer: the first, and the one after the last."""
        upper, lower = value >> 32, value & _LOWER
        at = bisect_left(self.uppers, upper)
        if at == len(self.uppers) or self.uppers[at] != upper:
            return 0, 0
        end = self.starts[at + 1]
        first = bisect_left(self.lowers, lower, self.starts[at], end)
        if first == end or self.lowers[first] != lower:
            return 0, 0
        return first, first + 1 if self.whens is None else bisect_right(
            self.lowers, lower, first, end
        )

    def covers(self, value: int) -> bool:
        """Whether a number's integer is in a range, or begins with one of the prefixes."""
        return _within(value, self.ranges) or (
            len(self.prefixes) > 0 and _within(aligned(value), self.prefixes)
        )


def as_integer(number: str) -> int:
    """The integer of an E.164 number ("+14155550100"); 0 for what is none."""
    digits = number[1:]
    if number[:1] != "+" or len(digits) > DIGITS or not (digits.isascii() and digits.isdigit()):
        return 0
    return 0 if digits[0] == "0" else int(digits)


def written(value: int) -> str:
    """The E.164 number of an integer."""
    return f"+{value}"


def aligned(value: int, fill: str = "0") -> int:
    """A number, or its beginning, filled up to 15 digits."""
    return int(str(value).ljust(DIGITS, fill))


def seconds_of(moment: datetime) -> int:
    """An aware time as reports have it: whole seconds since 2000, not before, not beyond 2136."""
    seconds = (moment - EPOCH) // timedelta(seconds=1)
    return min(max(seconds, 0), LAST_MOMENT)


def merged(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Pairs of first and last, sorted, and those that overlap or touch made one."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(pairs):
        if found and first <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(last, found[-1][1])
        else:
            found.append((first, last))
    return found


def _within(value: int, pairs: memoryview) -> bool:
    """Whether a value is in one of the pairs: then an odd number of their ends lie before it.

    A value that is itself a first or a last one is found there.
    """
    at = bisect_left(pairs, value)
    return at % 2 == 1 or (at < len(pairs) and pairs[at] == value)
