"""What becomes of a message on its way: each recipient's answer, every attempt, the next try.

A message is tried until the mail server has taken or refused it for every recipient. A recipient
who has it does not get it again; one for whom the server has no final word waits, with pauses that
double, until the owner's patience is over. Pure: what the answers were and what time it is are
given, and the outbox does with its folders what is said here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise, takewhile
from typing import Any

from screener.core import composed as composeds
from screener.core import letter as letters
from screener.core import notice as notices
from screener.core.composed import Composed
from screener.core.event import Event, EventKind
from screener.core.letter import Letter
from screener.core.notice import Notice

FIRST_RETRY = timedelta(seconds=30)
LONGEST_RETRY = timedelta(hours=1)
# A message is given up after MailSettings.retry_days, but never before this many attempts: a
# machine that was off for a fortnight, or whose clock was wrong, still gives it a fair try.
FAIR_TRIES = 10
# Between two attempts lies so much only where nobody could try, or where the clock has leapt.
_AWAY = timedelta(days=1)


class State(StrEnum):
    """The name of the folder that a message is in."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"


class Status(StrEnum):
    """What has become of a message. While it is in queued/ it may be any of the first three."""

    QUEUED = "queued"  # kept, and not tried yet
    SENDING = "sending"  # the mail server is being spoken to
    DEFERRED = "deferred"  # tried, and to be tried again
    SENT = "sent"  # taken for every recipient
    FAILED = "failed"  # refused for good, or given up; kept
    DROPPED = "dropped"  # by its owner's command; kept for a while, so that it can be undone


class Delivery(StrEnum):
    """What has become of a message for one recipient."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    REFUSED = "refused"


Answers = Mapping[str, tuple[Delivery, str]]
"""What an attempt brought: to each address, what became of it, and the server's reply."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """One mail address, and the mail server's last word on it."""

    address: str
    delivery: Delivery = Delivery.WAITING
    reply: str = ""

    @property
    def taken(self) -> bool:
        """Whether the mail server has it for him."""
        return self.delivery is Delivery.ACCEPTED


Freight = Letter | Notice | Composed
"""What is on its way: a recorded message, a notice, or a mail that was composed elsewhere."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to deliver, or what else happened to a message; `at` is in UTC.

    It left the message as `status` (None: written by an earlier version, which did not say).
    `begun` is when the attempt began: from then on the message was being sent.
    """

    at: datetime
    text: str
    status: Status | None = None
    begun: datetime | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """All that letter.json says. `since` is when the time that retry_days counts began.

    Only a recorded message, whose `letter` is a Letter, has a recording.
    """

    id: str
    message_id: str
    letter: Freight
    written: datetime
    since: datetime
    due: datetime
    tries: int
    recipients: tuple[Recipient, ...]
    history: tuple[Attempt, ...]

    @classmethod
    def begun(cls, name: str, letter: Freight, sender: str, now: datetime) -> Record:
        """The record of a message that is new at `now` and due at once; `sender` is an address."""
        return cls(
            id=name,
            message_id=f"<screener-{name}@{sender.rpartition('@')[2]}>",
            letter=letter,
            written=now,
            since=now,
            due=now,
            tries=0,
            recipients=tuple(Recipient(address) for address in dict.fromkeys(letter.to)),
            history=(),
        )

    @property
    def waiting(self) -> tuple[str, ...]:
        """The addresses for which the mail server has had no final word yet."""
        return tuple(r.address for r in self.recipients if r.delivery is Delivery.WAITING)

    @property
    def is_deferred(self) -> bool:
        """Whether it was tried in vain for somebody, and will be tried again."""
        tried = self.tries > 0 or any(step.status is Status.DEFERRED for step in self.history)
        return tried and bool(self.waiting)

    @property
    def why_waiting(self) -> str:
        """The mail server's last word on those who wait, or why it could not be asked."""
        waiting = (r.reply for r in self.recipients if r.delivery is Delivery.WAITING)
        return "; ".join(dict.fromkeys(filter(None, waiting)))

    @property
    def status(self) -> Status:
        """What has become of it as far as the record tells: it does not know of an attempt under
        way, nor that it was given up by an earlier version."""
        if self.history and self.history[-1].status is not None:
            return self.history[-1].status
        if not self.waiting:
            return _FINAL[self._taken]
        return Status.DEFERRED if self.tries else Status.QUEUED

    @property
    def _taken(self) -> bool:
        return bool(self.recipients) and all(
            r.delivery is Delivery.ACCEPTED for r in self.recipients
        )

    @property
    def _tries_in_a_row(self) -> int:
        """The attempts since the machine was last off for long, or its clock leapt."""
        times = [step.at for step in reversed(self.history)]
        gaps = (later - earlier for later, earlier in pairwise(times))
        row = sum(1 for _ in takewhile(lambda gap: abs(gap) <= _AWAY, gaps))
        return min(self.tries, row + 1)

    def after(self, answers: Answers, now: datetime, begun: datetime | None = None) -> Record:
        """The record after an attempt: what each recipient got, and when the next is due.

        `begun` is when the attempt began, where somebody knows.
        """
        recipients = tuple(
            replace(r, delivery=answers[r.address][0], reply=answers[r.address][1])
            if r.address in answers
            else r
            for r in self.recipients
        )
        told = "; ".join(f"{address}: {d} ({text})" for address, (d, text) in answers.items())
        after = replace(
            self,
            recipients=recipients,
            tries=self.tries + 1,
            due=now + retry_after(self.tries + 1),
        )
        status = Status.DEFERRED if after.waiting else _FINAL[after._taken]
        return replace(after, history=(*self.history, Attempt(now, told, status, begun)))

    def cut_short(self, begun: datetime, now: datetime) -> Record:
        """The record of a message whose attempt of `begun` was never written to its end: whoever
        made it is no more. It may have arrived, and is sent again."""
        status = Status.DEFERRED if self.tries else Status.QUEUED
        return replace(self, history=(*self.history, Attempt(now, _CUT_SHORT, status, begun)))

    def settled(self, retry_days: float, now: datetime) -> tuple[Record, State]:
        """Where a message with this record belongs, and the record that it has there."""
        if not self.waiting:
            return self, State.SENT if self._taken else State.FAILED
        if now - self.since <= timedelta(days=retry_days) or self._tries_in_a_row < FAIR_TRIES:
            return self, State.QUEUED
        told = f"given up after {retry_days:g} days; kept"
        given_up = Attempt(now, told, Status.FAILED)
        return replace(self, history=(*self.history, given_up)), State.FAILED

    def trouble(self, before: Record, state: State, now: datetime) -> Event | None:
        """What an attempt that made `before` this record, and put it into `state`, was of trouble:
        that it waits for the first time, or has failed."""
        last = "; ".join(f"{r.address}: {r.reply}" for r in self.recipients if r.reply)
        if state is State.FAILED:
            return Event(now, EventKind.MAIL_FAILED, f"{self.id}: {last or 'for nobody'}")
        known = any(step.status is Status.DEFERRED for step in before.history)
        if self.status is Status.DEFERRED and not known:
            return Event(now, EventKind.MAIL_DEFERRED, f"{self.id}: {last}")
        return None

    def dropped(self, now: datetime) -> Record:
        """The record of a message that its owner does not want any more."""
        step = Attempt(now, "dropped by hand", Status.DROPPED)
        return replace(self, history=(*self.history, step))

    def brought_back(self, now: datetime) -> Record:
        """The record of a message that was dropped, and is again what it was."""
        before = self.history
        while before and before[-1].status is Status.DROPPED:
            before = before[:-1]
        step = Attempt(now, "brought back", replace(self, history=before).status)
        return replace(self, history=(*self.history, step))

    def readdressed(self, to: Sequence[str]) -> Record:
        """The record of a message that goes to these addresses now, those of its box; who has it
        already keeps it."""
        had = tuple(r for r in self.recipients if r.delivery is Delivery.ACCEPTED)
        known = {r.address for r in had}
        new = tuple(Recipient(address) for address in dict.fromkeys(to) if address not in known)
        return replace(self, letter=replace(self.letter, to=tuple(to)), recipients=(*had, *new))

    def renewed(self, now: datetime) -> Record:
        """The record of a message that its owner wants tried again."""
        recipients = tuple(
            replace(r, delivery=Delivery.WAITING) if r.delivery is Delivery.REFUSED else r
            for r in self.recipients
        )
        again = Attempt(now, "tried again by hand", Status.QUEUED)
        history = (*self.history, again)
        return replace(self, since=now, tries=0, recipients=recipients, history=history)


_FINAL = {True: Status.SENT, False: Status.FAILED}
_CUT_SHORT = (
    "cut short: screener ended before the mail server's answer was written down; it may have"
    " arrived, and is sent again with the same Message-ID"
)


def retry_after(tries: int) -> timedelta:
    """How long to wait after so many attempts: 30 s, 1 min, 2 min, ... 1 h."""
    return min(FIRST_RETRY * (1 << min(tries - 1, 10)), LONGEST_RETRY)


def as_json(record: Record) -> str:
    """The record as letter.json keeps it, in ASCII."""
    data: dict[str, Any] = asdict(record)
    del data["letter"]
    match record.letter:
        case Notice():
            data["notice"] = notices.as_data(record.letter)
        case Composed():
            data["composed"] = composeds.as_data(record.letter)
        case Letter():
            data["letter"] = letters.as_data(record.letter)
    return json.dumps(data, indent=1, default=datetime.isoformat)


def from_json(name: str, text: str) -> Record:
    """What `as_json` gave of the message `name`. Raises KeyError, TypeError or ValueError."""
    data = json.loads(text)
    when = {key: datetime.fromisoformat(data[key]) for key in ("written", "since", "due")}
    letter: Freight
    if "notice" in data:
        letter = notices.from_data(data["notice"])
    elif "composed" in data:
        letter = composeds.from_data(data["composed"])
    else:
        letter = letters.from_data(data["letter"])
    return Record(
        id=name,
        message_id=str(data["message_id"]),
        letter=letter,
        tries=int(data["tries"]),
        recipients=tuple(
            Recipient(str(r["address"]), Delivery(r["delivery"]), str(r["reply"]))
            for r in data["recipients"]
        ),
        history=tuple(_attempt(a) for a in data["history"]),
        **when,
    )


def _attempt(data: Mapping[str, Any]) -> Attempt:
    status, begun = data.get("status"), data.get("begun")  # earlier versions did not write these
    return Attempt(
        at=datetime.fromisoformat(data["at"]),
        text=str(data["text"]),
        status=Status(status) if status else None,
        begun=datetime.fromisoformat(begun) if begun else None,
    )
