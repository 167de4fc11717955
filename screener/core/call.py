"""A call: who calls which DID, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from screener.core.number import Number


@dataclass(frozen=True, slots=True)
class Call:
    """An incoming call as it arrives. `uid` is Asterisk's channel id, `did` is E.164."""

    uid: str
    did: str
    caller: Number
    name: str = ""


class Outcome(StrEnum):
    """How a call ended; the word in the call's row and in the report."""

    CONNECTED = "connected"
    MESSAGE = "message"  # nobody was reached, a message was kept
    NO_MESSAGE = "no message"  # the message box was offered and nothing was left
    TREATED = "turned away"  # unwanted: it got its treatment
    SILENT = "silent"  # nothing was ever said or keyed
    GAVE_UP = "gave up"  # the caller hung up before anything came of the call
    FAILED = "failed"  # we failed, and gave the call to the phones
    LOST = "lost"  # we or Asterisk went away in mid-call; settled afterwards


@dataclass(frozen=True, slots=True)
class Ending:
    """How a call ended and why, for its row.

    `reason` is one sentence; `rule` names the rule that decided ("" for none); `verdict` is the
    word of verdict.py ("" when nobody listened); `evidence` are sentences with times.
    `rang_after` is in seconds from the start of ringing to the answer.
    """

    outcome: Outcome
    reason: str
    rule: str = ""
    verdict: str = ""
    evidence: tuple[str, ...] = ()
    answered_by: str = ""
    rang_after: float | None = None
