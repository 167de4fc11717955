"""The course of a call: what has come of it so far, from which its ending is told.

The call scripts write into it as they go, so that a caller who hangs up at any moment still leaves
a row that says what had happened.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from screener.core.call import Ending, Outcome
from screener.core.evidence import Evidence
from screener.core.frontdoor import MessageBox
from screener.core.ringing import redirects
from screener.core.rules import Ruling
from screener.core.script import Decision, Heard, Rang, Recorded
from screener.core.verdict import Kind, Verdict, judge, may_be_wanted

HUNG_UP_SILENT = "nothing was said; the caller hung up"
"""How the reason begins where a caller hung up before he had said anything."""


@dataclass(slots=True)
class Course:
    """What has come of a call so far.

    `ruling` is what the rules said. `doing` completes "the caller hung up ..."; `why` says why the
    call goes where it goes. `take` is the recording that holds what he said, for `box`, until it is
    kept or dropped. `proved`: he has shown that he is a person, now or lately, or a rule has let
    him in; `passed`: he has answered the challenge in this call; `unanswered`: nobody came to
    the doorbell; `asked_back`: the number that he wants to be called at is kept; `lost`: a full
    disk did not take all that he said. `notice`: he has still to hear that calls may be recorded.
    """

    ruling: Ruling
    why: str = ""
    evidence: Evidence = field(default_factory=Evidence)
    doing: str = "before anything was said"
    rang: Rang | None = None
    box: MessageBox | None = None
    take: Recorded | None = None
    message_kept: bool = False
    lost: bool = False
    notice: bool = False
    turned_away: bool = False
    proved: bool = False
    passed: bool = False
    unanswered: bool = False
    asked_back: bool = False

    @property
    def connected(self) -> bool:
        """A phone has taken the call."""
        rang = self.rang
        return rang is not None and bool(rang.phone) and rang.decision is Decision.TAKE

    @property
    def verdict(self) -> Verdict | None:
        """What we make of the caller; None when nobody has listened to him."""
        return judge(self.evidence) if self.evidence.heard else None

    def ending(self, outcome: Outcome, reason: str) -> Ending:
        """The call's ending, with everything that is known."""
        verdict, likeness = self.verdict, self.evidence.likeness
        return Ending(
            outcome=outcome,
            reason=reason,
            rule=self.ruling.name,
            rule_key=self.ruling.key,
            ruled=self.ruling.effect,
            ruling=self.ruling.reason,
            verdict=verdict.kind if verdict else "",
            evidence=self.evidence.sentences(),
            answered_by=self.rang.phone if self.rang else "",
            rang_after=self.rang.seconds if self.rang and self.rang.phone else None,
            passed=self.passed,
            redirects=redirects(self.rang.remarks) if self.rang else (),
            campaign=likeness.campaign if likeness else "",
            deaf=self.evidence.deaf,
            unheard=self.evidence.unheard,
        )

    def listened_to(self, heard: Heard | None) -> None:
        """Take in what was heard of a caller who did not stay for the rest."""
        if heard is not None:
            self.evidence = self.evidence.with_(heard)

    @property
    def is_lost_wanted_robot(self) -> bool:
        """What may have been a wanted robot has hung up, and what it said is not kept."""
        over = self.connected or self.message_kept or self.turned_away or self.asked_back
        return not over and may_be_wanted(self.evidence)

    def caller_gone(self) -> Ending:
        """The ending of a call whose caller has hung up."""
        if self.connected:
            return self.ending(Outcome.CONNECTED, self.why)
        if self.message_kept:
            return self.ending(Outcome.MESSAGE, self.why)
        if self.turned_away:
            return self.ending(Outcome.TREATED, self.why)
        if self.asked_back:
            return self.ending(Outcome.ASKED_BACK, self.why)
        if self.unanswered:
            return self.ending(Outcome.UNANSWERED, self.why)
        verdict = self.verdict
        if verdict and verdict.kind is Kind.SILENT:
            return self.ending(Outcome.SILENT, f"{HUNG_UP_SILENT} {self.doing}")
        return self.ending(Outcome.GAVE_UP, f"the caller hung up {self.doing}")
