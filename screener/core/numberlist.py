"""A list of numbers, ten million of them if need be: four bytes each, a lookup in microseconds.

An E.164 number (ITU-T E.164: at most 15 digits, the first never 0) is kept as the integer of its
digits, in two parts. The upper (the integer divided by 2**32) has few values in any real list:
each stands once, with where its entries begin. The lower is a sorted array of 32 bits an entry. Its
first bits say in which bucket it lies, and an index says where each bucket begins: so a number is
found by bisection among about a hundred, and no more memory is touched than must be. In a list of
reports there is an entry for every report, and beside it when it was made, in seconds since 2000
(UTC); a number's reports stand in the order of time.

Ranges are pairs of integers, first and last. Prefixes are such pairs of *aligned* numbers: filled
up to 15 digits, with zeros for the first and nines for the last, so that +1900 takes in +1900555
and +19005550100 alike. Both are sorted and do not overlap.

All of it is asked where it lies: in the pages of a mapped file (lists.py), or in any bytes.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""What a report's time is counted from. A report without a date stands at 0: it is always old."""
_EPOCH = int(EPOCH.timestamp())
DIGITS = 15
"""The longest number that there is (ITU-T E.164)."""
LAST_MOMENT = 2**32 - 1
_LOWER = 2**32 - 1
_BUCKET = 128  # entries, where numbers are spread evenly; more where they lie close together


class Numbers:
    """A number list; implements shelf.NumberList.

    `uppers` ascend, and `starts` has one more: entries of `uppers[i]` are `starts[i]` up to, not
    including, `starts[i + 1]` in `lowers`. `index` is as `index_of` makes it. `whens` is as long as
    `lowers`, or None in a plain list. `ranges` and `prefixes` are first, last, first, last ...
    The views are of unsigned integers of 4 bytes (cast "I").
    """

    __slots__ = ("_buckets", "index", "lowers", "prefixes", "ranges", "starts", "uppers", "whens")

    def __init__(
        self,
        *,
        uppers: Sequence[int],
        starts: Sequence[int],
        index: memoryview,
        lowers: memoryview,
        whens: memoryview | None,
        ranges: Sequence[int],
        prefixes: Sequence[int],
    ) -> None:
        self.uppers = uppers
        self.starts = starts
        self.index = index
        self.lowers = lowers
        self.whens = whens
        self.ranges = ranges
        self.prefixes = prefixes
        shifts = _shifts(starts)
        bases = accumulate((_buckets(shift) + 1 for shift in shifts), initial=0)
        self._buckets = dict(zip(uppers, zip(bases, shifts, strict=False), strict=True))

    def reports(self, number: str, since: datetime | None = None) -> int:
        """How often `number` was reported, since then (aware); in a plain list 1; 0: not in it.

        `number` is E.164 as `number.read` gives it. It is taken at its word: this is the one step
        of a ruling that must not take longer because ten million numbers are in the list.
        """
        try:
            value = int(number)
        except ValueError:  # "": the call shows no number
            return 0
        # What `_found` does, without the call: it would be a fifth of the time.
        bucket = self._buckets.get(value >> 32)
        if bucket is not None:
            base, shift = bucket
            lower, lowers = value & _LOWER, self.lowers
            at = base + (lower >> shift)
            end = self.index[at + 1]
            first = bisect_left(lowers, lower, self.index[at], end)
            if first < end and lowers[first] == lower:
                return self._counted(first, end, lower, since)
        return 1 if (self.ranges or self.prefixes) and self.covers(value) else 0

    def _counted(self, first: int, end: int, lower: int, since: datetime | None) -> int:
        """How many reports of a number there are from `first` on, in all or since then."""
        if self.whens is None:
            return 1
        last = first + 1
        if last < end and self.lowers[last] == lower:
            last = bisect_right(self.lowers, lower, last, end)
        if since is None:
            return last - first
        moment = since.timestamp() - _EPOCH
        if self.whens[last - 1] < moment:
            return 0
        return last - bisect_left(self.whens, moment, first, last - 1)

    def dates(self, number: str) -> list[datetime | None]:
        """When `number` was reported, oldest first, None where that is not known."""
        first, last = self._found(as_integer(number))
        whens = self.whens[first:last] if self.whens is not None else ()
        return [EPOCH + timedelta(seconds=when) if when else None for when in whens]

    def _found(self, value: int) -> tuple[int, int]:
        """The entries of a number's integer: the first, and the one after the last."""
        bucket = self._buckets.get(value >> 32)
        if bucket is None:
            return 0, 0
        base, shift = bucket
        lower = value & _LOWER
        at = base + (lower >> shift)
        first = bisect_left(self.lowers, lower, self.index[at], self.index[at + 1])
        return first, bisect_right(self.lowers, lower, first, self.index[at + 1])

    def covers(self, value: int) -> bool:
        """Whether a number's integer is in a range, or begins with one of the prefixes."""
        return _within(value, self.ranges) or (
            len(self.prefixes) > 0 and _within(aligned(value), self.prefixes)
        )


def index_of(starts: Sequence[int], lowers: Sequence[int]) -> array[int]:
    """Where each bucket begins in `lowers`: for each upper its buckets, and then where it ends."""
    index = array("I")
    for (begin, end), shift in zip(pairwise(starts), _shifts(starts), strict=True):
        at = begin
        for bucket in range(_buckets(shift)):
            at = bisect_left(lowers, bucket << shift, at, end)
            index.append(at)
        index.append(end)
    return index


def index_length(starts: Sequence[int]) -> int:
    """How long the index is that `index_of` makes."""
    return sum(_buckets(shift) + 1 for shift in _shifts(starts))


def _shifts(starts: Sequence[int]) -> list[int]:
    """By how many bits a lower is shifted to say its bucket, for each upper."""
    return [32 - ((end - begin) // _BUCKET).bit_length() for begin, end in pairwise(starts)]


def _buckets(shift: int) -> int:
    return 1 << (32 - shift)


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
