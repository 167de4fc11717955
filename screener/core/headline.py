"""The weekly report in one sentence, and whose days it is about."""

from __future__ import annotations

from screener.core.fate import TROUBLE, Fate
from screener.core.report import Report


def title(report: Report) -> str:
    """ "Week 46, 9 to 15 November 2026"."""
    first, last = report.period.first, report.period.last
    days = f"{first.day} {first:%B %Y}"
    if first != last:
        begins = f"{first.day}"
        if first.month != last.month or first.year != last.year:
            begins += f" {first:%B}" + (f" {first.year}" if first.year != last.year else "")
        days = f"{begins} to {last.day} {last:%B %Y}"
    week = f"Week {first.isocalendar().week}, " if report.period.is_week else ""
    return f"{week}{days}{', so far' if report.so_far else ''}"


def headline(report: Report) -> str:
    """The report in one sentence. What each word counts is said in core/fate.py and core/report.py:
    calls, not callers; "people" are those with whom somebody talked, "robots" those that were kept
    from the phones."""
    when = "This week" if report.period.is_week else "In these days"
    when += " so far" if report.so_far else ""
    if not report.calls:
        return f"{when} nobody called."
    somebody = bool(report.fates.get(Fate.REACHED))
    told = [_fate_told(each, count, somebody) for each, count in report.fates.items()]
    sentence = f"{when} {many(report.calls, 'call')}: {', '.join(told)}"
    if report.saved:
        sentence += f"; {many(report.saved, 'message')} came of calls that broke off"
    if report.spared_rings:
        rings = many(report.spared_rings, "ring")
        sentence += f"; the phone was spared {rings} and {_about(report.spared_seconds)}"
    return f"{sentence}."


def _fate_told(each: Fate, count: int, somebody: bool) -> str:
    """`somebody`: has reached you, and the robots "did not"."""
    match each:
        case Fate.REACHED:
            return f"{many(count, 'person', 'people')} reached you"
        case Fate.ROBOT if somebody:
            return f"{many(count, 'robot')} did not"
        case Fate.ROBOT:
            return f"{many(count, 'robot was', 'robots were')} kept out"
        case Fate.MESSAGE:
            return many(count, "message")
        case Fate.REMINDER:
            return many(count, "reminder")
        case Fate.FAILED:
            return f"{count} {TROUBLE}"
    return f"{count} {each}"


def many(count: int, one: str, several: str = "") -> str:
    """ "1 call", "1,200 calls"."""
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"


def _about(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes >= 120:
        return f"about {many(round(seconds / 3600), 'hour')}"
    return f"about {many(max(1, minutes), 'minute')}"


def subject(report: Report) -> str:
    """The subject of the mail: "Week 46: 45 calls, 2 gave up, 27 robots kept out"."""
    period = report.period
    name = f"Week {period.first.isocalendar().week}" if period.is_week else title(report)
    if report.so_far and period.is_week:
        name += " so far"
    if not report.calls:
        return f"{name}: nobody called"
    told = [many(report.calls, "call")]
    kept = (report.fates.get(Fate.MESSAGE, 0), report.fates.get(Fate.REMINDER, 0))
    messages = sum(kept) + report.saved
    for count, what in (
        (report.fates.get(Fate.GAVE_UP, 0), f"{report.fates.get(Fate.GAVE_UP, 0):,} gave up"),
        (messages, many(messages, "message")),
        (report.spared_rings, f"{many(report.spared_rings, 'robot')} kept out"),
    ):
        told += [what] if count else []
    return f"{name}: {', '.join(told)}"
