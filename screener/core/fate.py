"""What became of a call, as the weekly report counts it: each call has one fate.

The words are those of the report's first sentence, so each says exactly what it counts.
"""

from __future__ import annotations

from enum import StrEnum

from screener.core.call import Outcome
from screener.core.course import HUNG_UP_SILENT
from screener.core.verdict import Kind

TROUBLE = "ended in trouble"
"""What is said of calls that failed, in the sentence and beside the picture."""


class Fate(StrEnum):
    """What became of a call. Calls are counted, not callers: who calls twice counts twice."""

    REACHED = "reached you"
    """One of your phones took the call, and the two talked."""
    ROBOT = "robots"
    """Kept from the phones: a rule that blocks turned him away, or he was found to be an unwanted
    robot, or stayed on the line and said nothing though he was asked twice."""
    MESSAGE = "left a message"
    """A person, or who was not found to be anything else, left a message that was kept, or a
    number to be called back at."""
    REMINDER = "reminders"
    """A wanted robot (a clinic's reminder, a code) was heard out, and what it said was kept."""
    GAVE_UP = "gave up"
    """The caller hung up, or left no message, after he had been heard to talk or key something, or
    while the phones rang; and was not found to be a robot. He may be a person."""
    WORDLESS = "hung up without a word"
    """The caller hung up before he had said or keyed anything: a dialer, or a person."""
    DECLINED = "turned away by you"
    """Somebody answered a phone, heard who calls, and turned him away."""
    MISSED = "not answered"
    """Nobody came to the doorbell."""
    ELSEWHERE = "sent elsewhere"
    """A rule sent the call to another number."""
    FAILED = "trouble"
    """Screener or Asterisk failed or was stopped; the phones rang without us where they could."""
    OPEN = "in progress"
    """The call is not over."""


def fate(outcome: str, verdict: str, answered_by: str, reason: str) -> Fate:
    """The fate of a call by what its row says (core/story.py)."""
    match outcome:
        case "":
            return Fate.OPEN
        case Outcome.CONNECTED:
            return Fate.REACHED
        case Outcome.MESSAGE | Outcome.ASKED_BACK:
            return Fate.REMINDER if verdict == Kind.WANTED_ROBOT else Fate.MESSAGE
        case Outcome.TREATED:
            return Fate.DECLINED if answered_by else Fate.ROBOT
        case Outcome.SILENT:
            return Fate.WORDLESS if reason.startswith(HUNG_UP_SILENT) else Fate.ROBOT
        case Outcome.GAVE_UP | Outcome.NO_MESSAGE:
            return Fate.ROBOT if verdict == Kind.UNWANTED_ROBOT else Fate.GAVE_UP
        case Outcome.UNANSWERED:
            return Fate.MISSED
        case Outcome.REDIRECTED:
            return Fate.ELSEWHERE
    return Fate.FAILED
