"""What has been between us and a number before a call."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime, timedelta

MOST = 1000
"""How many of each kind a history goes back: whoever calls more often is a pest anyway."""


@dataclass(frozen=True, slots=True)
class History:
    """Times of earlier calls with one number, the call in question not among them.

    All are aware, in UTC, and sorted: oldest first.
    `calls`: it called us; `answered`: of these, one of our phones was answered and they talked;
    `messages`: it left a message that was kept; `dialled`: one of our phones dialled it; `passed`:
    its caller answered the challenge.
    """

    calls: tuple[datetime, ...] = ()
    answered: tuple[datetime, ...] = ()
    messages: tuple[datetime, ...] = ()
    dialled: tuple[datetime, ...] = ()
    passed: tuple[datetime, ...] = ()

    def until(self, at: datetime) -> History:
        """What had been by then."""
        times = (self.calls, self.answered, self.messages, self.dialled, self.passed)
        return History(*(found[: bisect_right(found, at)] for found in times))

    def passed_within(self, seconds: float, at: datetime) -> datetime | None:
        """When its caller last answered the challenge, if not longer before `at`; else None."""
        if not self.passed or at - self.passed[-1] > timedelta(seconds=seconds):
            return None
        return self.passed[-1]
