"""What the report's pictures show: their figures, and the words for who sees no pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from screener.core.fate import TROUBLE, Fate
from screener.core.report import Report

CALLS, HOURS = "calls", "hours"
"""The names of the pictures."""

SHOWN: Mapping[str, tuple[Fate, ...]] = {
    "reached you": (Fate.REACHED,),
    "left a message": (Fate.MESSAGE, Fate.REMINDER),
    "gave up": (Fate.GAVE_UP,),
    "without a word": (Fate.WORDLESS,),
    "kept out": (Fate.ROBOT, Fate.DECLINED),
    "other": (Fate.MISSED, Fate.ELSEWHERE, Fate.OPEN),
    TROUBLE: (Fate.FAILED,),
}
"""The stripes of a bar, from the bottom up, and what each is made of."""

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture by its name; `alt` says its figures in words."""

    name: str
    alt: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of the picture of calls: whose it is, and its stripes in the order of SHOWN."""

    label: str
    counts: tuple[int, ...]

    @property
    def calls(self) -> int:
        return sum(self.counts)


def bars(report: Report) -> list[Bar]:
    """A bar for each period, this one last; each under its first day."""
    days = timedelta(days=report.period.days)
    first = report.period.first - len(report.before) * days
    found = []
    for n, fates in enumerate([*(past.fates for past in report.before), report.fates]):
        counts = tuple(sum(fates.get(each, 0) for each in those) for those in SHOWN.values())
        found.append(Bar(_day(first + n * days), counts))
    return found


def calls_told(report: Report) -> str:
    """The figures of the bars: "9 Nov: 41 calls (12 reached you, 26 kept out); ..."."""
    what = "weeks" if report.period.is_week else "days"
    told = []
    for bar in bars(report):
        stripes = zip(bar.counts, SHOWN, strict=True)
        each = ", ".join(f"{count:,} {name}" for count, name in stripes if count)
        told.append(f"{bar.label}: {bar.calls:,}" + (f" ({each})" if each else ""))
    return f"Calls by what became of them, {what} from their first day: {'; '.join(told)}."


def hours_told(report: Report) -> str:
    """The figures of the hours: each day's calls, and the busiest hour."""
    days = [sum(hours) for hours in report.hours]
    most, day, hour = max(
        (calls, -day, -hour) for day, of_day in enumerate(report.hours)
        for hour, calls in enumerate(of_day)
    )  # fmt: skip
    each = ", ".join(f"{DAYS[n]} {calls:,}" for n, calls in enumerate(days))
    busiest = f"{DAYS[-day]} {-hour:02}:00 to {-hour + 1:02}:00 with {most:,}"
    quarters = ", ".join(
        f"{at:02}-{at + 6:02} h {sum(sum(hours[at : at + 6]) for hours in report.hours):,}"
        for at in range(0, 24, 6)
    )
    return f"Calls by day and hour: {each}; {quarters}; the busiest hour was {busiest}."


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"
