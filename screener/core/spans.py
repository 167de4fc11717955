"""Spans of time as rules write them: 90s, 30m, 2h, 90d, 3w, 9mo, 1y.

A month counts 30 days and a year 365: rules fade, they do not keep a calendar.
"""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS: dict[str, tuple[timedelta, str]] = {
    "y": (timedelta(days=365), "year"),
    "mo": (timedelta(days=30), "month"),
    "w": (timedelta(weeks=1), "week"),
    "d": (timedelta(days=1), "day"),
    "h": (timedelta(hours=1), "hour"),
    "m": (timedelta(minutes=1), "minute"),
    "s": (timedelta(seconds=1), "second"),
}
_SPAN = re.compile(r"([0-9]{1,6})(y|mo|w|d|h|m|s)", re.IGNORECASE)
_MONTHS = timedelta(days=180)  # shorter spans are counted in days
_LONGEST = timedelta(days=36_500)


def read_span(text: str) -> timedelta:
    """Read a span; raises ValueError whose text says what was expected."""
    found = _SPAN.fullmatch(text)
    span = int(found[1]) * _UNITS[found[2].lower()][0] if found else timedelta()
    if not timedelta() < span <= _LONGEST:
        raise ValueError("expected a time like 30m, 2h, 90d, 3w, 9mo or 1y")
    return span


def written_span(span: timedelta) -> str:
    """The span as a rule writes it, in a unit that fits it exactly."""
    unit, count = _fitting(span)
    return f"{count}{unit}"


def told_span(span: timedelta) -> str:
    """The span in a sentence: "90 days", "1 hour"."""
    unit, count = _fitting(span)
    word = _UNITS[unit][1]
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _fitting(span: timedelta) -> tuple[str, int]:
    """The unit that people would count such a span in: ninety days, not three months."""
    for unit, (length, _) in _UNITS.items():
        usual = unit != "w" and (unit != "mo" or span >= _MONTHS)
        if usual and span >= length and span % length == timedelta():
            return unit, span // length
    return "s", round(span.total_seconds())
