"""Weeks and weekly times: year ends, missing and doubled hours, and what is none."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.core.week import Period, week_named, week_of, weekly_time

BERLIN = ZoneInfo("Europe/Berlin")
PACIFIC = ZoneInfo("America/Los_Angeles")
BEIRUT = ZoneInfo("Asia/Beirut")  # puts the clock on at midnight
ZONES = [UTC, BERLIN, PACIFIC, BEIRUT, ZoneInfo("Asia/Kathmandu"), ZoneInfo("Pacific/Apia")]


def hours(week: Period, zone: ZoneInfo) -> float:
    return (week.until(zone) - week.since(zone)) / timedelta(hours=1)


@pytest.mark.parametrize(
    ("name", "zone", "long"),
    [
        ("2026-W46", BERLIN, 168),
        ("2026-W13", BERLIN, 167),
        ("2026-W43", BERLIN, 169),
        ("2026-W10", PACIFIC, 167),
        ("2026-W44", PACIFIC, 169),
        ("2026-W13", BEIRUT, 167),
    ],
)
def test_a_week_has_the_hours_that_the_clock_on_the_wall_shows(
    name: str, zone: ZoneInfo, long: int
) -> None:
    assert hours(week_named(name), zone) == long


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("2026-W01", date(2025, 12, 29)),
        ("2026-W53", date(2026, 12, 28)),
        ("2027-W01", date(2027, 1, 4)),
        ("2024w09", date(2024, 2, 26)),
    ],
)
def test_year_ends_are_those_of_the_iso_calendar(name: str, first: date) -> None:
    week = week_named(name)
    assert (week.first, week.last) == (first, first + timedelta(days=6))
    assert week.name == name.replace("w", "-W")


@pytest.mark.parametrize("text", ["", "2026", "2026-W54", "2027-W53", "2026-W00", "46", "W46", "٢"])
def test_what_is_no_week_is_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(ValueError, match="expected a week like 2026-W46"):
        week_named(text)


@pytest.mark.parametrize("first", [date.min, date(9999, 12, 1), date(2026, 11, 21)])
def test_days_beyond_the_calendar_and_backwards_are_no_period(first: date) -> None:
    with pytest.raises(ValueError, match="no days from"):
        Period(first, first - timedelta(days=1) if first > date.min else first)


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC)),
    st.sampled_from(ZONES),
)
def test_every_moment_is_in_the_one_week_that_its_date_is_in(at: datetime, zone: ZoneInfo) -> None:
    week = week_of(at, zone)
    assert week.since(zone) <= at < week.until(zone)
    assert week.since(zone) == week.before.until(zone)
    assert week == week_named(week.name)
    assert week.before.after == week


def test_other_days_have_as_many_before_them() -> None:
    days = Period(date(2026, 11, 10), date(2026, 11, 12))
    assert days.name == "2026-11-10..2026-11-12"
    assert days.before == Period(date(2026, 11, 7), date(2026, 11, 9))
    assert [each.first.day for each in days.earlier(2)] == [4, 7]


# When a report is due ----------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "mon", "08:00", "xyz 08:00", "mon 24:00", "mon 8", "mon 8:0"])
def test_what_is_no_weekly_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match='expected a day and a time like "mon 08:00"'):
        weekly_time(text)


@pytest.mark.parametrize("text", ["mon 08:00", "sun 23:59", "Wednesday 7:30"])
def test_a_weekly_time_is_written_as_it_is_read(text: str) -> None:
    assert weekly_time(str(weekly_time(text))) == weekly_time(text)


def test_a_report_is_due_at_its_time_in_the_owners_zone_once_the_week_is_over() -> None:
    on = weekly_time("mon 08:00")
    due = on.after(week_named("2026-W46"), BERLIN)
    assert due == datetime(2026, 11, 16, 7, 0, tzinfo=UTC)
    assert on.last_due(due, BERLIN).name == "2026-W46"
    assert on.last_due(due - timedelta(seconds=1), BERLIN).name == "2026-W45"


@pytest.mark.parametrize(
    ("on", "week", "due"),
    [
        # Sunday 29 March 2026: 02:30 is left out in Berlin.
        ("sun 02:30", "2026-W12", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        # Sunday 25 October 2026: 02:30 comes twice, and the first counts.
        ("sun 02:30", "2026-W42", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    ],
)
def test_a_time_that_is_left_out_or_doubled_comes_once(on: str, week: str, due: datetime) -> None:
    at = weekly_time(on)
    assert at.after(week_named(week), BERLIN) == due
    minutes = [due + timedelta(minutes=n) for n in range(-180, 180)]
    weeks = [at.last_due(minute, BERLIN).name for minute in minutes]
    assert sum(a != b for a, b in pairwise(weeks)) == 1
