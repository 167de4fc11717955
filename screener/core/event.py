"""What happened besides calls and is worth a word in the weekly report: troubles, deletions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class EventKind(StrEnum):
    """What kind of thing happened; the word in the store."""

    MAIL_DEFERRED = "mail deferred"  # a message waits for the mail server
    MAIL_FAILED = "mail failed"  # refused for good, or given up
    RULES_BROKEN = "rules broken"  # a rule file was changed and has mistakes
    RECOGNISER_AWAY = "recogniser away"  # a call's words were not listened for
    CALLERS_UNHEARD = "callers not heard"  # a caller's sound did not come from Asterisk
    ASTERISK_AWAY = "asterisk away"  # the connection was lost, or the phones rang without us
    DISK_FULL = "disk full"  # a caller was told that no message can be taken
    NOTHING_SAID = "nothing said"  # a recording that holds no voice was dropped
    DELETED = "deleted"  # what was kept for as long as [keep] says


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at `at` (aware), `count` times; `text` says to what, as a clause."""

    at: datetime
    kind: EventKind
    text: str
    count: int = 1
