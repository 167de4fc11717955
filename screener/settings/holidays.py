"""The holidays of a calendar file (iCalendar, RFC 5545): its whole days, for the next two years.

A calendar is written by somebody else: whatever is in the file, reading it takes a moment and ends.
An event that repeats is taken as far as two years ahead; one that begins and ends at an hour is no
holiday, and warned about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import icalendar
import recurring_ical_events
from icalendar.cal import Component

from screener.core.callerid import shown
from screener.core.frontdoor import Holiday
from screener.settings.tables import UnfitError

AHEAD = timedelta(days=2 * 366)
"""How far ahead holidays are known: a start of screener takes over what follows."""

_MOST_BYTES = 2_000_000
_MOST_EVENTS = 2_000
_MOST_REPEATING = 300
_LONGEST = timedelta(days=120)  # what is longer is no holiday, but a slip of the pen
_SHOWN = 60
_MOST_TOLD = 3
# How often an event may come back. A rule by hours or seconds would give millions of days, and one
# for days that there are not (30 February) is followed to the year 9999.
_BY_TIME = ("BYHOUR", "BYMINUTE", "BYSECOND")
_UNFIT_PARTS: Mapping[str, tuple[str, ...]] = {
    "YEARLY": _BY_TIME,
    "MONTHLY": (*_BY_TIME, "BYYEARDAY", "BYWEEKNO", "BYMONTH="),
    "WEEKLY": (*_BY_TIME, "BYYEARDAY", "BYWEEKNO", "BYMONTHDAY", "BYSETPOS"),
    "DAILY": ("BY",),
}
# What the reader of calendars raises for what RFC 5545 does not allow.
_UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
_ONCE = ("DTSTART", "DTEND", "DURATION", "RECURRENCE-ID", "SUMMARY")
_OLDEST, _OLDEST_WEEKLY = 1582, 1970


def read(path: Path, today: date) -> tuple[tuple[Holiday, ...], tuple[str, ...]]:
    """The holidays from today on, in their order, and warnings that name the file.

    Raises `UnfitError`, which names the file as well, where it holds no calendar.
    """
    calendar = _calendar(path)
    warnings: list[str] = []
    events = (event for event in calendar.walk("VEVENT") if not _is_called_off(event))
    fit = [event for event in events if _is_fit(event, warnings)]
    kept = icalendar.Calendar()
    for event in fit:
        kept.add_component(event)
    holidays = set()
    for event in _occurrences(kept, today, path):
        if _is_cancelled(event):
            continue  # one day of an event that repeats
        if isinstance(event.start, datetime) or isinstance(event.end, datetime):
            continue  # one of its times (RDATE) begins at an hour
        name = shown(str(event.get("SUMMARY", "")), _SHOWN).strip() or "holiday"
        last = max(event.start, event.end - timedelta(days=1))  # DTEND is the day after it
        holidays.add(Holiday(name, event.start, last))
    told = [f"{path}: {warning}" for warning in warnings[:_MOST_TOLD]]
    if len(warnings) > _MOST_TOLD:
        told.append(f"{path}: and {len(warnings) - _MOST_TOLD} more events are no holidays")
    if not holidays:
        told.append(f"{path}: it has no whole day from {today} on")
    return tuple(sorted(holidays, key=lambda day: (day.first, day.last, day.name))), tuple(told)


def _calendar(path: Path) -> icalendar.Calendar:
    """The calendar in the file; of several, all their events."""
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise UnfitError(f"{path} cannot be read ({error.strerror})") from None
    if len(content) > _MOST_BYTES or content.count(b"BEGIN:VEVENT") > _MOST_EVENTS:
        much = f"more than {_MOST_EVENTS:,} events or {_MOST_BYTES // 1_000_000} MB"
        raise UnfitError(f"{path}: {much} is no calendar of holidays")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UnfitError(f"{path}:{line}: this is not UTF-8: save it as UTF-8") from None
    if not text.strip():
        raise UnfitError(f"{path} is empty")
    if not text.upper().lstrip().startswith("BEGIN:VCALENDAR"):
        raise UnfitError(f"{path} is no calendar: expected BEGIN:VCALENDAR (iCalendar, RFC 5545)")
    if not text.upper().rstrip().endswith("END:VCALENDAR"):
        raise UnfitError(f"{path} ends without END:VCALENDAR: it was cut off")
    whole = icalendar.Calendar()
    try:
        for calendar in icalendar.Calendar.from_ical(text, multiple=True):
            for event in calendar.walk("VEVENT"):
                whole.add_component(event)
    except _UNREADABLE as error:
        raise UnfitError(f"{path} is no whole calendar{_told(error)}") from None
    return whole


def _is_cancelled(event: Component) -> bool:
    return str(event.get("STATUS", "")).strip().upper() == "CANCELLED"


def _is_called_off(event: Component) -> bool:
    """Whether an event does not come at all. One day of it that does not stays, for it takes the
    place of the day that its event would have."""
    return _is_cancelled(event) and "RECURRENCE-ID" not in event


def _is_fit(event: Component, warnings: list[str]) -> bool:
    """Whether an event is one of whole days that can be followed; a warning where it is not."""
    name = shown(str(event.get("SUMMARY", "")), _SHOWN) or "an event"
    begins, ends, lasts = (_when(event, key) for key in ("DTSTART", "DTEND", "DURATION"))
    if begins is None or any(isinstance(event.get(key), list) for key in _ONCE):
        why = "its time cannot be read"
    elif isinstance(begins, datetime) or not isinstance(begins, date):
        why = "it begins at an hour: whole days are taken, no others"
    elif isinstance(ends, datetime) or (isinstance(lasts, timedelta) and lasts.seconds):
        why = "it ends at an hour: whole days are taken, no others"
    elif ends is not None and ends < begins:
        why = "it ends before it begins"
    elif ((ends - begins) if ends else lasts or _LONGEST) > _LONGEST:
        why = f"it is longer than {_LONGEST.days} days"
    elif not all(_can_be_followed(rule, begins) for rule in _rules(event)):
        why = "it repeats in a way that no holiday does"
    else:
        return True
    warnings.append(f"{name} is no holiday: {why}")
    return False


def _when(event: Component, key: str) -> Any:
    """A property's date, time or length; None where there is none that can be read."""
    return None if event.errors else getattr(event.get(key), "dt", None)


def _rules(event: Component) -> Iterator[icalendar.vRecur]:
    rules = event.get("RRULE", [])
    yield from rules if isinstance(rules, list) else [rules]


def _can_be_followed(rule: icalendar.vRecur, begins: date) -> bool:
    frequency = [str(word).upper() for word in rule.get("FREQ", [])]
    if len(frequency) != 1 or frequency[0] not in _UNFIT_PARTS:
        return False
    if any(interval < 1 for interval in rule.get("INTERVAL", [])):
        return False
    if frequency[0] in ("WEEKLY", "DAILY") and begins.year < _OLDEST_WEEKLY:
        return False
    unfit = _UNFIT_PARTS[frequency[0]]
    return begins.year >= _OLDEST and not any(f"{part}=".startswith(unfit) for part in rule)


def _occurrences(calendar: icalendar.Calendar, today: date, path: Path) -> list[icalendar.Event]:
    """Each time that an event comes, from today on."""
    repeating = sum("RRULE" in event or "RDATE" in event for event in calendar.walk("VEVENT"))
    if repeating > _MOST_REPEATING:
        raise UnfitError(f"{path}: more than {_MOST_REPEATING} events that repeat are too many")
    try:
        return list(recurring_ical_events.of(calendar).between(today, today + AHEAD))
    except _UNREADABLE as error:
        raise UnfitError(f"{path}: its events contradict each other{_told(error)}") from None


def _told(error: Exception) -> str:
    """What the reader of calendars says of a mistake; nothing where it speaks of itself."""
    return f": {shown(str(error), 200)}" if isinstance(error, ValueError) else ""
