"""Hours and days, as rules and people write them: `mon-fri 22:00-07:00`.

A place for the grammar and its arithmetic; filled in by `read`. Wall-clock time only: whoever asks
gives the time in the owner's zone, so summer time is right without a word about it here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

WEEK = frozenset(range(7))
DAY = 24 * 60


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


@dataclass(frozen=True, slots=True)
class Hours:
    """A set of times: within any of the periods."""

    periods: tuple[Period, ...]

    def holds(self, at: datetime) -> bool:
        """Whether the wall clock of `at` shows one of these times."""
        raise NotImplementedError

    def covers(self, other: Hours) -> bool:
        """Whether every time of `other` is one of these."""
        raise NotImplementedError

    def __str__(self) -> str:
        """The text that `read` reads back as the same hours."""
        raise NotImplementedError


def read(text: str) -> Hours:
    """Read hours; raises ValueError whose text says what was expected."""
    raise NotImplementedError
