"""How long a command may take: a call whose script makes no progress is given to the phones.

Each command ends by itself, whatever the caller does. These are the times after which one has not,
and something of ours hangs that nobody has thought of.
"""

from __future__ import annotations

from typing import Any

from screener.core.dictation import LONGEST_PAUSE, PAUSES
from screener.core.frontdoor import Strategy
from screener.core.listening import LONGEST_AFTER
from screener.core.script import (
    Command,
    Keep,
    Listen,
    Overhear,
    Record,
    RecordName,
    Redirect,
    Replay,
    Ring,
    Talk,
    Treat,
)

GRACE = 15.0
"""Seconds beyond the longest that a command takes: Asterisk and the disk may be slow."""

# Whoever answers an announced call is told who calls, asked twice, and has time to choose. He may
# answer at the last moment, and another after him; where phones ring in turn, each may.
_ASKED = 90.0
_NAME = 30.0
# What is recorded is copied and measured: so much of its length, on a slow machine (4 ms a second
# on a fast one).
_MEASURED = 0.03
# Until the network has told what became of a call that is sent elsewhere.
_AWAY = 60.0


def patience(command: Command[Any], sounds: float) -> float | None:
    """The longest that a command may take in seconds, of which its `sounds` are so many.

    None for what lasts as long as two people talk, and for what an unwanted caller gets.
    """
    match command:
        case Talk() | Treat():
            return None
        case Listen(wait=wait) | Replay(wait=wait):
            return sounds + wait + LONGEST_AFTER + GRACE
        case Ring(group):
            together = group.strategy in (Strategy.ALL, Strategy.FIRST_AVAILABLE)
            asked = 1 if together else max(1, len(group.phones))
            return sounds + group.seconds + asked * _ASKED + GRACE
        case Record(box):
            return sounds + box.limit + PAUSES + LONGEST_PAUSE + GRACE
        case Overhear(box, silence):
            return box.limit * (1 + _MEASURED) + silence + GRACE
        case Keep(_, box):
            return sounds + box.limit * _MEASURED + GRACE
        case RecordName():
            return sounds + _NAME + GRACE
        case Redirect():
            return _AWAY + GRACE
    return sounds + GRACE
