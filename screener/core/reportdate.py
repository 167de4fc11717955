"""The dates of reports, as the files write them that number lists are made from.

A file of complaints has millions, of few days and few times of day: what has been read before is
looked up.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from screener.core.numberlist import LAST_MOMENT, seconds_of
from screener.core.numberreader import decoded

_MONTH_FIRST = frozenset({"US", "PR", "GU", "VI", "AS", "MP", "PH", "FM", "PW", "MH"})
_SLASHED = re.compile(
    r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4})"
    r"(?:[ T,]+(\d{1,2}):(\d\d)(?::(\d\d))?(?:\.\d+)?\s*([AaPp][Mm])?)?"
)
_USUAL = re.compile(rb"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d:\d\d)?")
_MOST_KEPT = 100_000  # a day has 86,400 seconds


class Dates:
    """Reads the dates of reports, as `country` writes them; those without a zone are UTC.

    ISO 8601 (2024-01-02 00:11:22), 1/2/2024 13:45 (the month first where people write so),
    2.1.2024, and seconds since 1970.
    """

    def __init__(self, country: str) -> None:
        self._month_first = country in _MONTH_FIRST
        self._days: dict[bytes, int] = {}
        self._clocks: dict[bytes, int] = {}

    def read(self, text: bytes) -> int:
        """Seconds since 2000 (UTC), 1 or more; 0 when it is no date."""
        try:  # 2024-01-02 00:11:22: a day and a time of day that have come before
            return self._days[text[:10]] + self._clocks[text[10:]]
        except KeyError:
            return self._first_time(text)

    def _first_time(self, text: bytes) -> int:
        moment = self._moment(decoded(text[:64]).strip())
        if moment is None:
            return 0
        seconds = min(max(seconds_of(moment), 1), LAST_MOMENT)
        clock = 3600 * moment.hour + 60 * moment.minute + moment.second
        room = len(self._days) < _MOST_KEPT and len(self._clocks) < _MOST_KEPT
        if _USUAL.fullmatch(text) and seconds > 86_400 and room:
            self._days[text[:10]] = seconds - clock
            self._clocks[text[10:]] = clock
        return seconds

    def _moment(self, text: str) -> datetime | None:
        try:
            if text.isdigit() and len(text) == 10:
                return datetime.fromtimestamp(int(text), UTC)
            if slashed := _SLASHED.fullmatch(text):
                return self._slashed(slashed)
            moment = datetime.fromisoformat(text.replace("/", "-"))
        except (ValueError, OverflowError, OSError):
            return None
        try:
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except OverflowError:
            return None

    def _slashed(self, found: re.Match[str]) -> datetime:
        """A date with the year last. Raises ValueError where there is no such day."""
        first, second, year = int(found[1]), int(found[3]), int(found[4])
        month_first = found[2] == "/" and self._month_first
        month, day = (first, second) if month_first else (second, first)
        if month > 12:  # then it can only be the other way
            month, day = day, month
        hour = int(found[5] or 0)
        if found[8]:
            hour = hour % 12 + (12 if found[8].lower() == "pm" else 0)
        clock = hour, int(found[6] or 0), int(found[7] or 0)
        return datetime(year, month, day, *clock, tzinfo=UTC)
