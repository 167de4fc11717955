"""The weekly report as data: what the rows of some days say, counted and put in order.

No clock and no link is in it: the same rows give the same report. core/reckoning.py makes it of
rows; core/reportparts.py puts it into words, of which the text and the page of the mail are made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from screener.core.event import EventKind
from screener.core.fate import Fate
from screener.core.promotion import can_be_named
from screener.core.rules import Action
from screener.core.week import Period

LEAST_SPARED, MOST_SPARED = 20.0, 120.0
"""What a call that a robot's does not become a ring costs at least, and at most (seconds)."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A message as it lies in the outbox: its length in seconds, its box, what was said."""

    seconds: float
    box: str = ""
    transcript: str = ""


@dataclass(frozen=True, slots=True)
class Caller:
    """Calls of one number that had the same fate.

    All withheld numbers are one (`number` is "" then). Of the newest of the `calls` are the name,
    `call` (its id), `at`, `seconds`, `why` and `rule`; `allowed`: a rule had let it in. `heard` are
    those calls whose sound is kept, newest first.
    """

    number: str
    name: str
    withheld: bool
    fate: Fate
    calls: int
    call: int
    at: datetime
    seconds: float | None
    why: str
    rule: str = ""
    allowed: bool = False
    heard: tuple[int, ...] = ()

    @property
    def undo(self) -> Action | None:
        """What a rule can make of this caller from now on that undoes it; None: no rule can."""
        if self.allowed or not can_be_named(self.number):
            return None
        return Action.BLOCK if self.fate is Fate.REACHED else Action.ALLOW


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was kept in a call; `recording` is None where it is no more in the outbox."""

    caller: Caller
    recording: Recording | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """How many calls something was true of."""

    what: str
    calls: int
    numbers: int = 0


@dataclass(frozen=True, slots=True)
class Trouble:
    """Events of one kind: how often, the newest texts first, and when the newest was."""

    kind: EventKind
    count: int
    texts: tuple[str, ...]
    last: datetime


@dataclass(frozen=True, slots=True)
class Past:
    """The fates of an earlier period's calls."""

    name: str
    fates: Mapping[Fate, int]

    @property
    def calls(self) -> int:
        return sum(self.fates.values())


@dataclass(frozen=True, slots=True)
class Report:
    """What happened in a period, in words of core/fate.py; `so_far`: it was not over.

    `spared_rings` are the calls of robots: without screener each would have rung. `spared_seconds`
    is what they would have cost, about: for each the time that it spent with us, but no less than
    LEAST_SPARED (somebody gets up) and no more than MOST_SPARED (a treatment may last). What rang
    in shadow mode is neither. `hours` are calls by day of the week (Monday first) and hour.
    `strangers` reached you although no rule let them in. `shadow` calls rang whatever the rules
    said, and these would have turned `would_block` of them away. `saved` of the messages came of
    calls that had another fate: they broke off, and what had been recorded was mailed. So many
    messages of these days and before are `undelivered`: no mail server took them, and they stay.
    """

    period: Period
    so_far: bool
    fates: Mapping[Fate, int]
    spared_rings: int
    spared_seconds: float
    hours: tuple[tuple[int, ...], ...]
    before: tuple[Past, ...] = ()
    shadow: int = 0
    would_block: int = 0
    saved: int = 0
    undelivered: int = 0
    gave_up: tuple[Caller, ...] = ()
    wordless: tuple[Caller, ...] = ()
    messages: tuple[Message, ...] = ()
    reminders: tuple[Message, ...] = ()
    kept_out: tuple[Caller, ...] = ()
    strangers: tuple[Caller, ...] = ()
    others: tuple[Caller, ...] = ()
    campaigns: tuple[Count, ...] = ()
    rules: tuple[Count, ...] = ()
    evidence: tuple[Count, ...] = ()
    redirects: tuple[Count, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    deleted: tuple[Trouble, ...] = ()

    @property
    def calls(self) -> int:
        """The calls that came in."""
        return sum(self.fates.values())

    @property
    def empty(self) -> bool:
        """Nobody called, nothing else happened, and nothing waits for somebody to see to it."""
        return not (self.calls or self.troubles or self.deleted or self.undelivered)
