"""Number lists answer as a plain dictionary would, however many numbers there are."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from screener.core.numberlist import (
    EPOCH,
    LAST_MOMENT,
    Numbers,
    aligned,
    as_integer,
    index_of,
    merged,
    seconds_of,
)
from screener.core.pattern import NumberPattern

values = st.integers(1, 10**15 - 1)
near = st.integers(14155550000, 14155550300)


def made(
    entries: Iterable[tuple[int, int]],
    dated: bool = True,
    ranges: Sequence[tuple[int, int]] = (),
    prefixes: Sequence[tuple[int, int]] = (),
) -> Numbers:
    """A list of (integer, seconds since 2000)."""
    ordered = sorted(entries)
    uppers = sorted({value >> 32 for value, _ in ordered})
    starts = [next(at for at, (v, _) in enumerate(ordered) if v >> 32 == u) for u in uppers]
    lowers = array("I", [value & 0xFFFFFFFF for value, _ in ordered])
    whens = array("I", [when for _, when in ordered])
    return Numbers(
        uppers=uppers,
        starts=[*starts, len(ordered)],
        index=memoryview(index_of([*starts, len(ordered)], lowers)),
        lowers=memoryview(lowers),
        whens=memoryview(whens) if dated else None,
        ranges=[end for pair in ranges for end in pair],
        prefixes=[end for pair in prefixes for end in pair],
    )


reports = st.lists(st.tuples(st.one_of(values, near), st.integers(0, 1000)), max_size=400)


@given(reports, st.one_of(values, near), st.integers(0, 1001))
@settings(max_examples=400)
def test_reports_are_counted_as_one_by_one(
    entries: list[tuple[int, int]], other: int, since: int
) -> None:
    numbers = made(entries)
    for value in {other, *(value for value, _ in entries)}:
        own = [when for v, when in entries if v == value]
        assert numbers.reports(f"+{value}") == len(own)
        moment = EPOCH + timedelta(seconds=since)
        assert numbers.reports(f"+{value}", moment) == sum(when >= since for when in own)
        dates = [EPOCH + timedelta(seconds=when) if when else None for when in sorted(own)]
        assert numbers.dates(f"+{value}") == dates


@given(st.sets(st.one_of(values, near), max_size=400), st.lists(st.one_of(values, near)))
@settings(max_examples=200)
def test_a_plain_list_counts_each_number_once(own: set[int], others: list[int]) -> None:
    numbers = made(((value, 0) for value in own), dated=False)
    now = datetime.now(UTC)
    for value in (*own, *others):
        assert numbers.reports(f"+{value}") == numbers.reports(f"+{value}", now) == (value in own)
        assert numbers.dates(f"+{value}") == []


def test_a_number_reported_a_thousand_times_is_counted_so_often() -> None:
    entries = [(14155550100, when) for when in range(1, 1001)]
    numbers = made([*entries, (14155550099, 5), (14155550101, 5), (493012345, 7)])
    assert numbers.reports("+14155550100") == 1000
    assert numbers.reports("+14155550100", EPOCH + timedelta(seconds=901)) == 100
    assert numbers.reports("+14155550099") == numbers.reports("+14155550101") == 1


def test_each_of_many_numbers_is_found_in_its_bucket_and_none_besides() -> None:
    own = [*range(14150000000, 14150040000, 7), *range(12000000000, 19990000000, 3_000_000)]
    numbers = made((value, 1) for value in set(own))
    assert len(numbers.index) > 30
    assert all(numbers.reports(f"+{value}") == 1 for value in own)
    assert not any(numbers.reports(f"+{value}") for value in range(14150000001, 14150040001, 7))


def test_numbers_that_differ_only_in_their_upper_part_are_told_apart() -> None:
    numbers = made([(5 << 32 | 7, 1), (9 << 32 | 7, 1)])
    found = [numbers.reports(f"+{upper << 32 | 7}") for upper in (4, 5, 6, 9, 10)]
    assert found == [0, 1, 0, 1, 0]


def test_an_empty_list_holds_nothing() -> None:
    assert made([]).reports("+14155550100") == 0
    assert made([], dated=False).reports("+14155550100") == 0


@pytest.mark.parametrize(
    "text", ["", "+", "anonymous", "+1415x", "*97", "4" * 40, "9" * 5000, "-1"]
)
def test_what_is_no_number_is_in_no_list(text: str) -> None:
    numbers = made([(14155550100, 1)], prefixes=[(aligned(1900), aligned(1900, "9"))])
    assert numbers.reports(text) == 0
    assert numbers.dates(text) == []
    assert as_integer(text) == 0


def test_since_is_a_moment_whatever_its_zone() -> None:
    numbers = made([(14155550100, 3600)])
    berlin = timezone(timedelta(hours=1))
    assert numbers.reports("+14155550100", datetime(2000, 1, 1, 2, tzinfo=berlin)) == 1
    assert numbers.reports("+14155550100", datetime(2000, 1, 1, 2, 0, 1, tzinfo=berlin)) == 0


@pytest.mark.parametrize(
    ("moment", "seconds"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), 0),
        (EPOCH + timedelta(microseconds=900_000), 0),
        (datetime(2000, 1, 2, tzinfo=UTC), 86_400),
        (datetime(9999, 12, 31, tzinfo=UTC), LAST_MOMENT),
    ],
)
def test_a_clock_that_jumps_stays_within_bounds(moment: datetime, seconds: int) -> None:
    assert seconds_of(moment) == seconds


digits = st.text("0123456789", min_size=1, max_size=15).filter(lambda d: d[0] != "0")


@given(st.lists(digits, max_size=5), digits, digits)
def test_prefixes_match_as_patterns_do(heads: list[str], tail: str, other: str) -> None:
    pairs = merged([(aligned(int(head)), aligned(int(head), "9")) for head in heads])
    numbers = made([], dated=False, prefixes=pairs)
    patterns = [NumberPattern(f"+{head}*") for head in heads]
    for text in (other, *((head + tail)[:15] for head in heads), *heads):
        expected = any(pattern.matches(f"+{text}") for pattern in patterns)
        assert numbers.reports(f"+{text}") == expected, text


@given(st.lists(st.tuples(values, st.integers(0, 10**6)), max_size=6), values)
def test_ranges_match_as_patterns_do(spans: list[tuple[int, int]], other: int) -> None:
    ends = [(first, min(first + more, 10 ** len(str(first)) - 1)) for first, more in spans]
    numbers = made([], dated=False, ranges=merged(ends))
    patterns = [NumberPattern(f"+{first}..+{last}") for first, last in ends]
    for value in (other, *(v for end in ends for v in (end[0] - 1, end[0], end[1], end[1] + 1))):
        if value < 1:
            continue
        expected = any(pattern.matches(f"+{value}") for pattern in patterns)
        assert numbers.reports(f"+{value}") == expected, value


def test_pairs_that_overlap_or_touch_are_made_one() -> None:
    assert merged([(5, 9), (1, 2), (3, 4), (7, 20), (30, 30)]) == [(1, 20), (30, 30)]
