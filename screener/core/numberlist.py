"""A list of numbers, ten million of them if need be: four bytes each, a lookup in microseconds.

An E.164 number (ITU-T E.164: at most 15 digits, the first never 0) is kept as the integer of its
digits, in two parts. The upper (the integer divided by 2**32) has few values in any real list: each
stands once, with where its entries begin. The lower is a sorted array of 32 bits an entry, in which
a number is found by bisection. In a list of reports there is an entry for every report, and beside
it when it was made, in seconds since 2000 (UTC); a number's reports stand in the order of time.
Every 256th number is held as a whole besides: bisection begins there, in what stays in the
processor's cache, and ends in a stretch of one kilobyte.

Ranges are pairs of integers, first and last. Prefixes are such pairs of *aligned* numbers: filled
up to 15 digits, with zeros for the first and nines for the last, so that +1900 takes in +1900555
and +19005550100 alike. Both are sorted and do not overlap.

All of it is asked where it lies: in the pages of a mapped file (lists.py), or in any bytes.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""What a report's time is counted from. A report without a date stands at 0: it is always old."""
_EPOCH = int(EPOCH.timestamp())
DIGITS = 15
"""The longest number that there is (ITU-T E.164)."""
LAST_MOMENT = 2**32 - 1
_LOWER = 2**32 - 1
STRETCH = 256
"""How many entries lie between two heads."""


class Numbers:
    """A number list; implements shelf.NumberList.

    `uppers` ascend, and `starts` has one more: entries of `uppers[i]` are `starts[i]` up to, not
    including, `starts[i + 1]` in `lowers`. `heads` are the integers of entries 0, 256, 512 ...
    `whens` is as long as `lowers`, or None in a plain list. `ranges` and `prefixes` are first,
    last, first, last ... Of 4 bytes unsigned (cast "I") are `lowers` and `whens`.
    """

    __slots__ = ("_bounds", "heads", "lowers", "prefixes", "ranges", "starts", "uppers", "whens")

    def __init__(
        self,
        *,
        uppers: Sequence[int],
        starts: Sequence[int],
        heads: Sequence[int],
        lowers: memoryview,
        whens: memoryview | None,
        ranges: Sequence[int],
        prefixes: Sequence[int],
    ) -> None:
        self.uppers = uppers
        self.starts = starts
        self.heads = heads
        self.lowers = lowers
        self.whens = whens
        self.ranges = ranges
        self.prefixes = prefixes
        self._bounds = dict(zip(uppers, pairwise(starts), strict=True))

    def reports(self, number: str, since: datetime | None = None) -> int:
        """How often `number` was reported, since then (aware); in a plain list 1; 0: not in it.

        `number` is E.164 as `number.read` gives it. It is taken at its word: this is the one step
        of a ruling that must not take longer because ten million numbers are in the list.
        """
        try:
            value = int(number)
        except ValueError:  # "": the call shows no number
            return 0
        # What `first` does, without the call: it would be a fifth of the time.
        bounds = self._bounds.get(value >> 32)
        if bounds is not None:
            begin, end = bounds
            beyond = bisect_left(self.heads, value) * STRETCH
            near, lower, lowers = beyond - STRETCH, value & _LOWER, self.lowers
            at = bisect_left(
                lowers, lower, near if near > begin else begin, beyond if beyond < end else end
            )
            if at < end and lowers[at] == lower:
                return self._counted(at, value, end, since)
        return 1 if (self.ranges or self.prefixes) and self.covers(value) else 0

    def _counted(self, first: int, value: int, end: int, since: datetime | None) -> int:
        """How many reports there are from `first` on, in all or since then."""
        if self.whens is None:
            return 1
        alone = first + 1 == end or self.lowers[first + 1] != value & _LOWER
        if since is None:
            return 1 if alone else self._last(first, value) - first
        if alone:
            return 1 if self.whens[first] >= since.timestamp() - _EPOCH else 0
        last = self._last(first, value)
        return last - bisect_left(self.whens, since.timestamp() - _EPOCH, first, last)

    def dates(self, number: str) -> list[datetime | None]:
        """When `number` was reported, oldest first, None where that is not known."""
        value = as_integer(number)
        first = self.first(value)
        if first < 0 or self.whens is None:
            return []
        whens = self.whens[first : self._last(first, value)]
        return [EPOCH + timedelta(seconds=when) if when else None for when in whens]

    def first(self, value: int) -> int:
        """Where the first entry of a number's integer is; -1: nowhere."""
        bounds = self._bounds.get(value >> 32)
        if bounds is None:
            return -1
        begin, end = bounds
        beyond = bisect_left(self.heads, value) * STRETCH
        near = beyond - STRETCH
        lower = value & _LOWER
        # Comparisons instead of min and max: a third of a lookup's time is calls of functions.
        at = bisect_left(
            self.lowers, lower, near if near > begin else begin, beyond if beyond < end else end
        )
        return at if at < end and self.lowers[at] == lower else -1

    def _last(self, first: int, value: int) -> int:
        """The entry after a number's last one."""
        _, end = self._bounds[value >> 32]
        beyond = bisect_right(self.heads, value) * STRETCH
        return bisect_right(self.lowers, value & _LOWER, first, min(beyond, end))

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
    seconds = int(moment.timestamp()) - _EPOCH
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


def _within(value: int, pairs: Sequence[int]) -> bool:
    """Whether a value is in one of the pairs: then an odd number of their ends lie before it.

    A value that is itself a first or a last one is found there.
    """
    at = bisect_left(pairs, value)
    return at % 2 == 1 or (at < len(pairs) and pairs[at] == value)
