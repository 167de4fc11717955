"""Hours and days: what people write is read, and the wall clock decides."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.core.hours import DAY, Hours, Period, UnreadError, read

NEW_YORK = ZoneInfo("America/New_York")
MONDAY = datetime(2026, 11, 16)


def at(day: int, clock: str) -> datetime:
    """A time in the week of MONDAY; day 0 is that Monday."""
    hours, minutes = map(int, clock.split(":"))
    return MONDAY + timedelta(days=day, hours=hours, minutes=minutes)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("mon-fri 22:00-07:00", "mon-fri 22:00-07:00"),
        ("Sat,SUN", "sat, sun"),
        ("monday wednesday 9:00 - 12:30", "mon, wed 09:00-12:30"),
        ("mon, wed 9:00-12:30, sat", "mon, wed 09:00-12:30, sat"),
        ("mon-fri 8:00-12:00, 13:00-17:00", "mon-fri 08:00-12:00, 13:00-17:00"),
        ("22:00-7:00", "22:00-07:00"),
        ("sat 1:00-2:00, 22:00-07:00", "sat 01:00-02:00, 22:00-07:00"),
        ("sun-tue", "mon, tue, sun"),
        ("sat-fri", "mon-sun"),
        ("00:00-24:00", "mon-sun"),
        ("sat 18:00-00:00", "sat 18:00-24:00"),
        ("2026-12-24", "2026-12-24"),
        ("2026-12-24 .. 2027-1-1", "2026-12-24..2027-01-01"),
        ("2026-12-31 18:00-24:00, sat", "2026-12-31 18:00-24:00, sat"),
        ("tue 9:00-12:00, mon 9:00-12:00", "mon, tue 09:00-12:00"),
        ("mon\u2013fri 9:00\u201317:00", "mon-fri 09:00-17:00"),
    ],
)
def test_what_people_write(text: str, canonical: str) -> None:
    hours = read(text)
    assert str(hours) == canonical
    assert read(canonical) == hours


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("", 0, "expected days (mon-fri, sat), hours (22:00-07:00) or a date (2026-12-24)"),
        ("mon,", 4, "expected days"),
        (", mon", 0, "before the comma"),
        ("mon,,tue", 4, "before the comma"),
        ("mon-fry", 4, "'fry' is no day; expected mon, tue"),
        ("noon", 0, "'noon' is no day"),
        ("mon 9-17", 4, "'9-17' is no time; expected days"),
        ("mon 9:00", 4, "'9:00' is no time"),
        ("mon 9:00-12:60", 9, "there is no time 12:60; expected one from 00:00 to 24:00"),
        ("24:00-07:00", 0, "there is no time 24:00; expected one from 00:00 to 23:59"),
        ("2026-02-30", 0, "there is no day 2026-02-30; expected a date like"),
        ("2026-12-24..2026-12-23", 12, "2026-12-23 is before 2026-12-24"),
        ("12-24", 0, "'12-24' is no time"),
        ("mon 9:00pm-10:00pm", 4, "is no time"),
    ],
)
def test_what_cannot_be_read(text: str, place: int, words: str) -> None:
    with pytest.raises(UnreadError) as caught:
        read(text)
    assert caught.value.at == place
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        (
            "mon 9:00-12:30",
            [(0, "09:00"), (0, "12:29")],
            [(0, "08:59"), (0, "12:30"), (1, "10:00")],
        ),
        (
            "fri 22:00-07:00",
            [(4, "22:00"), (5, "06:59")],
            [(5, "07:00"), (4, "06:59"), (5, "22:00")],
        ),
        ("sun 22:00-07:00", [(6, "23:00"), (7, "03:00"), (0, "03:00")], [(1, "03:00")]),
        ("22:00-07:00", [(2, "23:00"), (2, "00:00"), (3, "06:59")], [(2, "12:00")]),
        ("mon 7:00-7:00", [(0, "07:00"), (1, "06:59")], [(0, "06:59"), (1, "07:00")]),
        ("sat", [(5, "00:00"), (5, "23:59")], [(4, "23:59"), (6, "00:00")]),
        ("2026-11-17", [(1, "00:00"), (1, "23:59")], [(0, "23:59"), (2, "00:00"), (8, "12:00")]),
        ("2026-11-17 22:00-02:00", [(1, "22:00"), (2, "01:59")], [(1, "01:00"), (2, "22:00")]),
        ("2026-11-17..2026-11-18", [(1, "00:00"), (2, "23:59")], [(3, "00:00")]),
        ("sun-tue", [(6, "12:00"), (0, "12:00"), (1, "12:00")], [(2, "12:00"), (5, "12:00")]),
        ("mon, wed 9:00-12:30, sat", [(2, "09:00"), (5, "20:00")], [(0, "20:00"), (1, "10:00")]),
    ],
)
def test_the_wall_clock_decides(
    text: str, inside: list[tuple[int, str]], outside: list[tuple[int, str]]
) -> None:
    hours = read(text)
    assert [moment for moment in inside if not hours.holds(at(*moment))] == []
    assert [moment for moment in outside if hours.holds(at(*moment))] == []


def test_in_spring_the_hour_that_is_left_out_never_comes() -> None:
    hours = read("sun 02:00-03:00")
    start = datetime(2026, 3, 8, 0, 0, tzinfo=NEW_YORK).astimezone(UTC)
    minutes = [(start + timedelta(minutes=m)).astimezone(NEW_YORK) for m in range(6 * 60)]
    assert not any(hours.holds(minute) for minute in minutes)
    around = [minute for minute in minutes if read("sun 01:30-03:30").holds(minute)]
    assert len(around) == 60  # half an hour before it, half an hour after it


def test_in_autumn_the_doubled_hour_counts_twice() -> None:
    start = datetime(2026, 11, 1, 0, 0, tzinfo=NEW_YORK).astimezone(UTC)
    minutes = [(start + timedelta(minutes=m)).astimezone(NEW_YORK) for m in range(6 * 60)]
    held = [minute for minute in minutes if read("sun 01:30-03:30").holds(minute)]
    assert len(held) == 30 + 30 + 60 + 30
    assert {minute.fold for minute in held} == {0, 1}


def test_the_first_and_last_day_of_all_time() -> None:
    night = read("22:00-07:00")
    assert night.holds(datetime.min)
    assert night.holds(datetime.max)
    assert not read("sun 22:00-07:00").holds(datetime(1, 1, 1, 12))


def test_hours_without_a_day_are_none() -> None:
    with pytest.raises(ValueError, match="without a day"):
        Hours((Period(days=frozenset()),))


_minute = st.integers(0, DAY - 1)
_dates = st.dates(date(2026, 11, 1), date(2027, 1, 10))
_weekly = st.builds(
    lambda days, start, end: Period(days=days, start=start, end=end),
    st.frozensets(st.integers(0, 6), min_size=1),
    st.sampled_from([0, 1, 540, 1320, 1439]) | _minute,
    st.sampled_from([0, 420, 1439, DAY]) | _minute,
)
_dated = st.builds(
    lambda first, days, start, end: Period(
        first=first, last=first + timedelta(days=days), start=start, end=end
    ),
    _dates,
    st.integers(0, 30) | st.just(500),
    _minute,
    st.just(DAY) | _minute,
)
hours_of_all_kinds = st.builds(
    lambda periods: Hours(tuple(periods)),
    st.lists(st.one_of(_weekly, _weekly, st.just(Period()), _dated), min_size=1, max_size=4),
)
_times = st.datetimes(datetime(2026, 10, 30), datetime(2027, 2, 20))


@given(hours_of_all_kinds)
def test_what_is_printed_reads_back(hours: Hours) -> None:
    assert read(str(hours)) == hours


@given(st.text(max_size=60) | st.from_regex(r"([a-z0-9:., -]|mon|fri|9:00|2026-12-24){0,12}"))
def test_any_text_is_hours_or_unread(text: str) -> None:
    try:
        hours = read(text)
    except UnreadError as unread:
        assert 0 <= unread.at <= len(text)
    else:
        assert read(str(hours)) == hours


@given(hours_of_all_kinds, hours_of_all_kinds, st.lists(_times, min_size=20, max_size=20))
def test_hours_that_cover_others_hold_whenever_they_do(
    wide: Hours, narrow: Hours, times: list[datetime]
) -> None:
    both = Hours((*wide.periods, *narrow.periods))
    assert both.covers(narrow)
    if wide.covers(narrow):
        assert all(wide.holds(time) for time in times if narrow.holds(time))


@pytest.mark.parametrize(
    ("wide", "narrow", "covered"),
    [
        ("mon-fri", "tue 9:00-12:00", True),
        ("mon-fri", "fri 22:00-07:00", False),
        ("mon-sat", "fri 22:00-07:00", True),
        ("9:00-12:00, 12:00-15:00", "mon 10:00-14:00", True),
        ("9:00-12:00, 12:01-15:00", "mon 10:00-14:00", False),
        ("22:00-07:00", "1:00-6:00", True),
        ("sat, sun", "2026-11-21", True),
        ("sat, sun", "2026-11-20..2026-11-21", False),
        ("2026-11-21", "sat", False),
        ("2026-11-01..2029-11-30", "2027-01-01..2029-01-01 9:00-12:00", True),
        ("mon-sun", "2027-01-01..2029-01-01 9:00-12:00", True),
        ("mon-fri", "2027-01-01..2029-01-01", False),
    ],
)
def test_covering(wide: str, narrow: str, covered: bool) -> None:
    assert read(wide).covers(read(narrow)) is covered
