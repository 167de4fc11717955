"""How findings are worded: numbers, choices, counts and times in the sentences of conditions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from screener.core.call import Call
from screener.core.callerid import shown_number
from screener.core.pattern import NumberPattern


def the_caller(call: Call) -> str:
    """The caller's number in a sentence."""
    if call.caller.withheld:
        return "the withheld number"
    return shown_number(call.caller.e164 or call.caller.raw)


def told_of_number(subject: str, shows: str, patterns: Iterable[NumberPattern]) -> str:
    """Which of the patterns the number `shows` is in; `subject` begins the sentence."""
    for pattern in patterns:
        if shows and pattern.matches(shows):
            return subject + (f" is {pattern}" if pattern.exact else f" is one of {pattern}")
    return f"{subject} is not {either(patterns)}"


def listed(values: Iterable[object]) -> str:
    """The values as a rule file lists them."""
    return ", ".join(str(value) for value in values)


def either(values: Iterable[object], most: int = 3) -> str:
    """The values as a sentence names them; of many, the first."""
    named = [str(value) for value in values]
    if len(named) > most:
        return f"{', '.join(named[:most])} or one of {len(named) - most} more"
    return " or ".join(named)


def counted(count: int, what: str) -> str:
    """A count in a sentence: "1 report", "3 reports"."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def clock(at: datetime) -> str:
    """A time in a sentence, in the zone that it is in."""
    return at.strftime("%a %d %b %Y %H:%M")
