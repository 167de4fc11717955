"""Hours and days, as rules and people write them.

    mon-fri 22:00-07:00                 five nights; each belongs to the day that it begins on
    sat, sun                            two whole days
    mon, wed 9:00-12:30, sat            two mornings, and a whole Saturday
    mon-fri 8:00-12:00, 13:00-17:00     twice a day
    22:00-07:00                         every night
    2026-12-24..2027-01-01              whole days, the first and the last included
    2026-12-31 18:00-24:00              some hours of one day

As in OpenStreetMap's opening hours, hours belong to all the days named since the hours before them;
days with no hours behind them are whole days. `sun-tue` goes over the week's end. Wall-clock time
only: whoever asks gives the time in the owner's zone, and the clock on his wall decides. So in
spring the hour that is left out comes never, and in autumn the doubled one twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from screener.core.callerid import shown

WEEK = frozenset(range(7))
DAY = 24 * 60
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_NAMES = {
    **{day: at for at, day in enumerate(DAYS)},
    **{
        day: at
        for at, day in enumerate(
            ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
        )
    },
}
_DATE = r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?![0-9:])"
_TIME = r"[0-9]{1,2}:[0-9]{2}(?![0-9:])"
_ITEM = re.compile(
    rf"""\s*(?:
        (?P<date>{_DATE})(?:\s*\.\.\s*(?P<last>{_DATE}))?
        | (?P<start>{_TIME})\s*-\s*(?P<end>{_TIME})
        | (?P<day>[a-z]+)(?:\s*-\s*(?P<to>[a-z]+))?(?![^\s,])
        | (?P<comma>,) | (?P<odd>[^\s,]+)
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_LONG = 400  # days; a longer time of dates is compared as a whole


class UnreadError(ValueError):
    """Hours that cannot be read; `at` is where in the text, `word` what stands there."""

    def __init__(self, at: int, word: str, text: str) -> None:
        super().__init__(text)
        self.at = at
        self.word = word


@dataclass(frozen=True, slots=True)
class Period:
    """Some hours of some days. `days` are 0 (Monday) to 6; `first` and `last` are dates, both
    included, that take the place of days. `start` and `end` are minutes of the day; an `end` that
    is not after `start` lies on the next day, and the period belongs to the day that it began on.
    """

    days: frozenset[int] = WEEK
    first: date | None = None
    last: date | None = None
    start: int = 0
    end: int = DAY

    @property
    def whole(self) -> bool:
        return self.start == 0 and self.end == DAY

    @property
    def closes(self) -> int:
        """When it ends, in minutes from the midnight before it."""
        return self.end if self.end > self.start else self.end + DAY

    def begins_on(self, day: int) -> bool:
        """Whether it begins on a day, which is a date's ordinal."""
        if self.first is not None and self.last is not None:
            return self.first.toordinal() <= day <= self.last.toordinal()
        return (day - 1) % 7 in self.days  # ordinal 1 is a Monday


@dataclass(frozen=True, slots=True)
class Hours:
    """A set of times: within any of the periods, which stand in one order however they came."""

    periods: tuple[Period, ...]
    _spans: tuple[tuple[Period, int, int], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        periods = _in_order(self.periods)
        if not periods:
            raise ValueError("hours without a day")
        object.__setattr__(self, "periods", periods)
        object.__setattr__(self, "_spans", tuple((p, p.start, p.closes) for p in periods))

    def holds(self, at: datetime) -> bool:
        """Whether the wall clock of `at` shows one of these times."""
        day, minute = at.toordinal(), at.hour * 60 + at.minute
        for period, start, closes in self._spans:
            if start <= minute < closes and period.begins_on(day):
                return True
            if minute + DAY < closes and period.begins_on(day - 1):
                return True
        return False

    def covers(self, other: Hours) -> bool:
        """Whether every time of `other` is one of these; long times of dates may be missed."""
        return all(self._covers(period) for period in other.periods)

    def _covers(self, period: Period) -> bool:
        weekly = tuple(p for p in self.periods if p.first is None)
        if period.first is None or period.last is None:
            # Any week will do, say the second of all: dates cannot hold what comes every week.
            days = (day for day in range(8, 15) if period.begins_on(day))
            return all(_within(weekly, period, day) for day in days)
        first, last = period.first.toordinal(), period.last.toordinal()
        if last - first <= _LONG:
            return all(_within(self.periods, period, day) for day in range(first, last + 1))
        return all(_within(weekly, period, day) for day in range(first, first + 7)) or any(
            p.begins_on(first) and p.begins_on(last) and _within((p,), period, first)
            for p in self.periods
            if p.first is not None
        )

    def __str__(self) -> str:
        """The text that `read` reads back as the same hours."""
        words: list[str] = []
        before = _days(Period())  # hours at the very beginning are those of every day
        for period in self.periods:
            days = _days(period)
            if days == before and not period.whole:
                words.append(_clock(period))
            else:
                words.append(days if period.whole else f"{days} {_clock(period)}")
            before = "" if period.whole else days
        return ", ".join(words)


def _in_order(periods: Iterable[Period]) -> tuple[Period, ...]:
    """The same times in their one order: those of the same hours in one, whole days last."""
    weekly: dict[tuple[int, int], frozenset[int]] = {}
    dated: set[Period] = set()
    for period in periods:
        hours = (period.start, period.end or DAY)
        if period.first is not None:
            last = period.last or period.first
            dated.add(Period(WEEK, period.first, last, *hours))
        elif period.days:
            weekly[hours] = weekly.get(hours, frozenset()) | period.days
    merged = [replace(Period(), days=days, start=s, end=e) for (s, e), days in weekly.items()]
    return tuple(sorted([*merged, *dated], key=_order))


def _order(period: Period) -> tuple[bool, date, date, list[int], int, int]:
    first, last = period.first or date.min, period.last or date.min
    return period.whole, first, last, sorted(period.days), period.start, period.end


def _within(periods: Iterable[Period], period: Period, day: int) -> bool:
    """Whether the period that begins on this day lies within the periods of the days around it."""
    spans = sorted(
        (near * DAY + p.start, near * DAY + p.closes)
        for p in periods
        for near in (day - 1, day, day + 1)
        if p.begins_on(near)
    )
    reached, wanted = day * DAY + period.start, day * DAY + period.closes
    for start, end in spans:
        if start <= reached < end:
            reached = end
    return reached >= wanted


def _days(period: Period) -> str:
    """The days of a period as `read` reads them."""
    if period.first is not None:
        one = period.last in (None, period.first)
        return f"{period.first}" if one else f"{period.first}..{period.last}"
    runs: list[list[int]] = []
    for day in sorted(period.days):
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ", ".join(
        f"{DAYS[run[0]]}-{DAYS[run[-1]]}" if len(run) > 2 else ", ".join(DAYS[d] for d in run)
        for run in runs
    )


def _clock(period: Period) -> str:
    (h, m), (hours, minutes) = divmod(period.start, 60), divmod(period.end, 60)
    return f"{h:02}:{m:02}-{hours:02}:{minutes:02}"


# Reading -----------------------------------------------------------------------------------------


def read(text: str) -> Hours:
    """Read hours; raises UnreadError (a ValueError) that says where, and what was expected."""
    found: list[Period] = []
    named: list[Period] = []  # days that still wait for their hours
    latest: list[Period] = [Period()]  # the days that hours without days of their own belong to
    comma = False
    for item in _items(text.replace("\N{EN DASH}", "-")):
        if item["comma"]:
            if comma or not (found or named):
                raise UnreadError(item.start("comma"), "", f"expected {_EXPECTED} before the comma")
            comma = True
            continue
        comma = False
        if item["start"]:
            latest = named or latest
            start, end = _minutes(item, "start", DAY - 1), _minutes(item, "end", DAY)
            found += [replace(period, start=start, end=end) for period in latest]
            named = []
        else:
            named.append(_dates(item) if item["date"] else _weekdays(item))
    if comma or not (found or named):
        raise UnreadError(len(text.rstrip()), "", f"expected {_EXPECTED}")
    return Hours((*found, *named))


_EXPECTED = "days (mon-fri, sat), hours (22:00-07:00) or a date (2026-12-24)"


def _items(text: str) -> Iterator[re.Match[str]]:
    at = 0
    text = text.rstrip()
    while at < len(text):
        item = _ITEM.match(text, at)
        assert item is not None  # every sign is in one group
        if item["odd"]:
            start = item.start("odd")
            raise UnreadError(
                start, item["odd"], f"'{shown(item['odd'], 40)}' is no time; expected {_EXPECTED}"
            )
        yield item
        at = item.end()


def _weekdays(item: re.Match[str]) -> Period:
    first = _weekday(item, "day")
    last = _weekday(item, "to") if item["to"] else first
    count = (last - first) % 7 + 1
    return Period(days=frozenset((first + day) % 7 for day in range(count)))


def _weekday(item: re.Match[str], group: str) -> int:
    word = item[group].lower()
    if word not in _NAMES:
        raise UnreadError(
            item.start(group), word, f"'{shown(word, 40)}' is no day; expected {', '.join(DAYS)}"
        )
    return _NAMES[word]


def _dates(item: re.Match[str]) -> Period:
    first = _date(item, "date")
    last = _date(item, "last") if item["last"] else first
    if last < first:
        raise UnreadError(item.start("last"), "", f"{last} is before {first}")
    return Period(first=first, last=last)


def _date(item: re.Match[str], group: str) -> date:
    try:
        return date(*map(int, item[group].split("-")))
    except ValueError:
        text = f"there is no day {item[group]}; expected a date like 2026-12-24 (year-month-day)"
        raise UnreadError(item.start(group), "", text) from None


def _minutes(item: re.Match[str], group: str, most: int) -> int:
    hours, minutes = map(int, item[group].split(":"))
    if minutes > 59 or hours * 60 + minutes > most:
        latest = "24:00" if most == DAY else "23:59"
        text = f"there is no time {item[group]}; expected one from 00:00 to {latest}"
        raise UnreadError(item.start(group), "", text)
    return hours * 60 + minutes
