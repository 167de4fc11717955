"""Weeks as the calendar has them, and other stretches of days, in the owner's time zone.

A week is an ISO week (ISO 8601): it begins on a Monday, and the first of a year is the one with its
first Thursday. It begins when the clock on the owner's wall first shows Monday; so one in which the
clock is put on has 167 hours, and one in which it is put back 169.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from screener.core.hours import DAYS

_WEEK = re.compile(r"([0-9]{4})-?[Ww]([0-9]{2})", re.ASCII)
_ON = re.compile(r"([a-z]{3})[a-z]*\s+([0-9]{1,2}):([0-9]{2})", re.IGNORECASE | re.ASCII)
_DAY = timedelta(days=1)
# Years in which no zone's arithmetic leaves the calendar.
_FIRST, _LAST = date(1970, 1, 5), date(9000, 1, 1)


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of whole days, `first` and `last` included."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if not _FIRST <= self.first <= self.last < _LAST:
            raise ValueError(f"there are no days from {self.first} to {self.last} to report of")

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def is_week(self) -> bool:
        """Whether it is one ISO week."""
        return self.days == 7 and self.first.weekday() == 0

    @property
    def name(self) -> str:
        """ "2026-W46"; of other days, "2026-11-09..2026-11-20"."""
        if self.is_week:
            year, week, _ = self.first.isocalendar()
            return f"{year}-W{week:02}"
        return f"{self.first}..{self.last}"

    @property
    def before(self) -> Period:
        """As many days, right before these."""
        return Period(self.first - self.days * _DAY, self.first - _DAY)

    @property
    def after(self) -> Period:
        """As many days, right after these."""
        return Period(self.last + _DAY, self.last + self.days * _DAY)

    def since(self, zone: tzinfo | None) -> datetime:
        """When it begins, in UTC."""
        return midnight(self.first, zone)

    def until(self, zone: tzinfo | None) -> datetime:
        """When it is over, in UTC: that moment is not in it."""
        return midnight(self.last + _DAY, zone)

    def earlier(self, most: int) -> list[Period]:
        """The periods before this one, oldest first; no more than the calendar has."""
        found: list[Period] = []
        period = self
        while len(found) < most and period.first - period.days * _DAY >= _FIRST:
            period = period.before
            found.insert(0, period)
        return found

    def dates(self) -> Iterator[date]:
        for n in range(self.days):
            yield self.first + n * _DAY


@dataclass(frozen=True, slots=True)
class WeeklyTime:
    """A time of the week on the owner's wall: `day` is 0 (Monday) to 6, `at` a time of that day."""

    day: int
    at: time

    def __str__(self) -> str:
        return f"{DAYS[self.day]} {self.at:%H:%M}"

    def after(self, week: Period, zone: tzinfo | None) -> datetime:
        """The first such time once a week is over, in UTC.

        One that the clock leaves out comes as much later as is left out; of a doubled one, the
        first counts.
        """
        return _utc(week.after.first + self.day * _DAY, self.at, zone)

    def last_due(self, now: datetime, zone: tzinfo | None) -> Period:
        """The newest week whose such time has come."""
        week = week_of(now, zone).before
        while self.after(week, zone) > now:
            week = week.before
        return week


def week_of(at: datetime, zone: tzinfo | None) -> Period:
    """The week that a moment lies in."""
    return _week(at.astimezone(zone).date())


def week_named(text: str) -> Period:
    """ "2026-W46". Raises ValueError whose text says what was expected."""
    found = _WEEK.fullmatch(text.strip())
    try:
        if found is None:
            raise ValueError
        return _week(date.fromisocalendar(int(found[1]), int(found[2]), 1))
    except ValueError:
        last = ""
        if found is not None and found[2] == "53":
            last = f"; {found[1]} has 52 weeks"
        raise ValueError(f"expected a week like 2026-W46{last}") from None


def weekly_time(text: str) -> WeeklyTime:
    """ "mon 08:00". Raises ValueError whose text says what was expected."""
    found = _ON.fullmatch(text.strip())
    try:
        if found is None:
            raise ValueError
        return WeeklyTime(DAYS.index(found[1].lower()), time(int(found[2]), int(found[3])))
    except ValueError:
        raise ValueError('expected a day and a time like "mon 08:00"') from None


def midnight(day: date, zone: tzinfo | None) -> datetime:
    """When a day begins on the owner's wall, in UTC."""
    return _utc(day, time(), zone)


def _week(day: date) -> Period:
    monday = day - day.weekday() * _DAY
    return Period(monday, monday + 6 * _DAY)


def _utc(day: date, at: time, zone: tzinfo | None) -> datetime:
    wall = datetime.combine(day, at)
    # Without a zone, Python reads a naive time as this machine's.
    return (wall if zone is None else wall.replace(tzinfo=zone)).astimezone(UTC)
