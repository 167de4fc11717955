"""A call: who calls which DID, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from screener.core.history import History
from screener.core.number import Number
from screener.core.signature import Signature


@dataclass(frozen=True, slots=True)
class Call:
    """An incoming call as it arrives, and what is known of it: all that rules may ask about.

    `uid` is Asterisk's channel id, `did` is E.164. `at` is aware, in the owner's time zone: its
    hour is what the clock on his wall shows. `history` is what has been between us and the number.
    `came_to` is the DID that it came in at where it was dialled at another, `did`, and sent on.
    `expecting` and `emergency` say why such a window is open, as a clause ("one of your phones
    dialled 911 at 12:03"); "" where it is not.
    `utc` is `at` in UTC: a thousand rules may ask how long ago something was.
    """

    uid: str
    did: str
    caller: Number
    at: datetime
    name: str = ""
    signature: Signature = field(default_factory=Signature)
    history: History = field(default_factory=History)
    expecting: str = ""
    emergency: str = ""
    came_to: str = ""
    utc: datetime = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "utc", self.at.astimezone(UTC))


class Outcome(StrEnum):
    """How a call ended; the word in the call's row and in the report."""

    CONNECTED = "connected"
    MESSAGE = "message"  # nobody was reached, a message was kept
    NO_MESSAGE = "no message"  # the message box was offered and nothing was left
    TREATED = "turned away"  # unwanted: it got its treatment
    REDIRECTED = "redirected"  # sent elsewhere by a rule
    ASKED_BACK = "asked for a call"  # left a number to be called back at, and it is kept
    UNANSWERED = "nobody answered"  # at a doorbell, where no box answers
    SILENT = "silent"  # nothing was ever said or keyed
    GAVE_UP = "gave up"  # the caller hung up before anything came of the call
    FAILED = "failed"  # we failed, and gave the call to the phones
    LOST = "lost"  # we or Asterisk went away in mid-call; settled afterwards


@dataclass(frozen=True, slots=True)
class Ending:
    """How a call ended and why, for its row.

    `reason` is one sentence; `rule` names the rule that decided ("" for none); `verdict` is the
    word of verdict.py ("" when nobody listened); `evidence` are sentences with times.
    `rule_key` is its key (rules.Rule.key), by which its uses are counted.
    `ruled` is what the rules said, in the form of rules.Ruling.effect ("block play sit"): in
    shadow mode what would have been done; `ruling` is the same with the reason, as a sentence.
    `rang_after` is in seconds from the start of ringing to the answer. `passed`: the caller has
    answered the challenge. `redirects` say what came of phones' redirects, a sentence each;
    `campaign` names the one whose recording it played ("": none); `deaf` says why words were not
    listened for ("": they were), `unheard` why nothing was heard of the caller ("": it was).
    """

    outcome: Outcome
    reason: str
    rule: str = ""
    rule_key: str = ""
    ruled: str = ""
    ruling: str = ""
    verdict: str = ""
    evidence: tuple[str, ...] = ()
    answered_by: str = ""
    rang_after: float | None = None
    passed: bool = False
    redirects: tuple[str, ...] = ()
    campaign: str = ""
    deaf: str = ""
    unheard: str = ""
