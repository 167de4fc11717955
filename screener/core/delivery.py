"""What becomes of a message on its way: each recipient's answer, every attempt, the next try.

A message is tried until the mail server has taken or refused it for every recipient. A recipient
who has it does not get it again; one for whom the server has no final word waits, with pauses that
double, until the owner's patience is over. Pure: what the answers were and what time it is are
given, and the outbox does with its folders what is said here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from screener.core import letter as letters
from screener.core import notice as notices
from screener.core.letter import Letter
from screener.core.notice import Notice

FIRST_RETRY = timedelta(seconds=30)
LONGEST_RETRY = timedelta(hours=1)
# A message is given up after MailSettings.retry_days, but never before this many attempts: a
# machine that was off for a fortnight, or whose clock was wrong, still gives it a fair try.
FAIR_TRIES = 10


class State(StrEnum):
    """What has become of a message; the name of the folder that it is in."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"


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


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to deliver, or what else happened to a message; `at` is in UTC."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Record:
    """All that letter.json says. `since` is when the time that retry_days counts began.

    `letter` is what is on its way: a recorded message, or a notice, which has no recording.
    """

    id: str
    message_id: str
    letter: Letter | Notice
    written: datetime
    since: datetime
    due: datetime
    tries: int
    recipients: tuple[Recipient, ...]
    history: tuple[Attempt, ...]

    @classmethod
    def begun(cls, name: str, letter: Letter | Notice, sender: str, now: datetime) -> Record:
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

    def after(self, answers: Answers, now: datetime) -> Record:
        """The record after an attempt: what each recipient got, and when the next is due."""
        recipients = tuple(
            replace(r, delivery=answers[r.address][0], reply=answers[r.address][1])
            if r.address in answers
            else r
            for r in self.recipients
        )
        told = "; ".join(f"{address}: {d} ({text})" for address, (d, text) in answers.items())
        return replace(
            self,
            recipients=recipients,
            tries=self.tries + 1,
            due=now + retry_after(self.tries + 1),
            history=(*self.history, Attempt(now, told)),
        )

    def settled(self, retry_days: float, now: datetime) -> tuple[Record, State]:
        """Where a message with this record belongs, and the record that it has there."""
        if not self.waiting:
            refused = any(r.delivery is Delivery.REFUSED for r in self.recipients)
            return self, State.FAILED if refused or not self.recipients else State.SENT
        if now - self.since <= timedelta(days=retry_days) or self.tries < FAIR_TRIES:
            return self, State.QUEUED
        given_up = Attempt(now, f"given up after {retry_days:g} days; kept")
        return replace(self, history=(*self.history, given_up)), State.FAILED

    def renewed(self, now: datetime) -> Record:
        """The record of a message that its owner wants tried again."""
        recipients = tuple(
            replace(r, delivery=Delivery.WAITING) if r.delivery is Delivery.REFUSED else r
            for r in self.recipients
        )
        history = (*self.history, Attempt(now, "tried again by hand"))
        return replace(self, since=now, tries=0, recipients=recipients, history=history)


def retry_after(tries: int) -> timedelta:
    """How long to wait after so many attempts: 30 s, 1 min, 2 min, ... 1 h."""
    return min(FIRST_RETRY * (1 << min(tries - 1, 10)), LONGEST_RETRY)


def as_json(record: Record) -> str:
    """The record as letter.json keeps it, in ASCII."""
    data: dict[str, Any] = asdict(record)
    del data["letter"]
    if isinstance(record.letter, Notice):
        data["notice"] = notices.as_data(record.letter)
    else:
        data["letter"] = letters.as_data(record.letter)
    return json.dumps(data, indent=1, default=datetime.isoformat)


def from_json(name: str, text: str) -> Record:
    """What `as_json` gave of the message `name`. Raises KeyError, TypeError or ValueError."""
    data = json.loads(text)
    when = {key: datetime.fromisoformat(data[key]) for key in ("written", "since", "due")}
    letter: Letter | Notice
    if "notice" in data:
        letter = notices.from_data(data["notice"])
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
        history=tuple(
            Attempt(datetime.fromisoformat(a["at"]), str(a["text"])) for a in data["history"]
        ),
        **when,
    )
