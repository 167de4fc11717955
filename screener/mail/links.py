"""The links in mails: signed, and they expire. One that changes something works once.

A link's token (token.py) says what is to be done (allow or block), about which number, because of
which call, and until when; in a report's, which rule or campaign is to be taken back. It is signed
with a key of this front door. Whoever holds the mail holds the link: so it can do nothing else.
What was used is remembered on disk for as long as the link would work. A link to a message's sound
is made the same way; it changes nothing, and may be followed again.
"""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from screener import replacement
from screener.core import withdrawal
from screener.core.letter import Link
from screener.core.promotion import ACTIONS, can_be_named
from screener.core.rules import CLOCKLESS, Action
from screener.disk import told
from screener.errors import LinkError
from screener.mail.token import FOUR_BYTES, LAST, Kind
from screener.settings import secret

LIFE = timedelta(days=30)
"""How long a link works: longer than a message waits for a mail server that is down (14 days)."""

KEY, USED = "link-key", "links-used.json"
"""Their files in the data folder."""

PATHS = {Action.ALLOW: "let-in", Action.BLOCK: "block"}
"""What stands before the token in a link's path."""

SOUND = "sound"
"""What stands before a message's id and the token in the path of a link to its sound."""


class Ground(StrEnum):
    """On what calls were decided: a report names it, its link takes it back. So called in the
    link's path."""

    RULE = "rule"
    CAMPAIGN = "campaign"


MARKS = {Ground.RULE: withdrawal.MARK, Ground.CAMPAIGN: 8}
"""How many bytes say which one it is: a rule's mark, a campaign's id."""

# The action's number, when it ends, the call, the number without its plus.
_TICKET = Kind("link", ">BIIQ", at=1)
_WITHDRAWALS = {ground: Kind(ground, f">I{size}s") for ground, size in MARKS.items()}
# When it ends. The message stands before it, as people and logs name it.
_TO_SOUND = Kind(SOUND, ">I")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_LEAST_KEY = 32  # characters of what secret.made makes


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a link of ours says: `number` is E.164. `seal` is its MAC, by which it is remembered."""

    action: Action
    call: int
    number: str
    until: datetime
    seal: str


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What a link of ours in a report says: `mark` is that of the rule, or the campaign's id."""

    ground: Ground
    mark: bytes
    until: datetime
    seal: str


class Standing(StrEnum):
    """Whether a link that is ours still works."""

    GOOD = "good"
    EXPIRED = "expired"
    USED = "used"


class Links:
    """The links of one front door; `data` is its data folder. It may be used in several threads.

    `url` is where the pages are, without a slash at its end; "" while there are none.
    """

    def __init__(self, data: Path) -> None:
        self.url = ""
        self._data = data
        self._key = b""
        self._lock = threading.Lock()

    def open(self) -> None:
        """Read the key, or make it. Raises LinkError."""
        path = self._data / KEY
        try:
            key = secret.made(path)
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not text"
            raise LinkError(f"{path}: cannot be kept ({reason}): no links in mails") from None
        if len(key) < _LEAST_KEY:
            raise LinkError(f"{path} is damaged: delete it, and start screener again")
        self._key = key.encode("ascii")

    def offered(self, call: int, number: str, now: datetime) -> tuple[Link, ...]:
        """The links for a call's mail; none without pages, or for a number no rule can name."""
        if not (self._work(now) and 0 < call < FOUR_BYTES and can_be_named(number)):
            return ()
        until = (now + LIFE).replace(microsecond=0)
        found = []
        for at, action in enumerate(ACTIONS):
            token = _TICKET.sign(self._key, until, at, call, int(number[1:]))
            found.append(Link(action, f"{self.url}/{PATHS[action]}/{token}", until))
        return tuple(found)

    def read(self, token: str) -> Ticket | None:
        """What a token says; None where it is none of ours."""
        said = _TICKET.read(self._key, token)
        if said is None:
            return None
        at, call, number = said.fields
        return Ticket(ACTIONS[at], call, f"+{number}", said.until, said.seal)

    def to_undo(self, ground: Ground, mark: bytes, now: datetime) -> str:
        """The link that takes back something which a report names; "" without pages."""
        if not self._work(now):
            return ""
        return f"{self.url}/{ground}/{_WITHDRAWALS[ground].sign(self._key, now + LIFE, mark)}"

    def withdrawal(self, ground: Ground, token: str) -> Withdrawal | None:
        """What such a link says; None where it is none of ours."""
        said = _WITHDRAWALS[ground].read(self._key, token)
        if said is None:
            return None
        (mark,) = said.fields
        return Withdrawal(ground, mark, said.until, said.seal)

    def to_sound(self, id: str, now: datetime) -> str:
        """The link by which a message that was too large for a mail is heard, for `LIFE` from
        `now` on, as often as one likes; "" without pages."""
        if not (self._work(now) and _ID.fullmatch(id)):
            return ""
        return f"{self.url}/{SOUND}/{id}/{_TO_SOUND.sign(self._key, now + LIFE, about=id)}"

    def sound_until(self, id: str, token: str) -> datetime | None:
        """Until when a link to a message's sound works; None where it is none of ours."""
        said = _TO_SOUND.read(self._key, token, about=id) if _ID.fullmatch(id) else None
        return said.until if said else None

    def _work(self, now: datetime) -> bool:
        """Whether links that are made `now` work. Without pages they do not; by a clock that was
        never set they would have expired when they arrive."""
        return bool(self.url and self._key) and CLOCKLESS <= now < LAST - LIFE

    def standing(self, ticket: Ticket | Withdrawal, now: datetime) -> Standing:
        """Whether a link works at `now`. Raises LinkError when it cannot be told."""
        if now >= ticket.until:
            return Standing.EXPIRED
        with self._lock:
            return Standing.USED if ticket.seal in self._used() else Standing.GOOD

    def use(self, ticket: Ticket | Withdrawal, now: datetime) -> Standing:
        """Use a link: GOOD where it had not been used, and that is on disk. Raises LinkError."""
        if now >= ticket.until:
            return Standing.EXPIRED
        with self._lock:
            used = self._used()
            if ticket.seal in used:
                return Standing.USED
            used = {seal: until for seal, until in used.items() if until > now.timestamp()}
            self._write(used | {ticket.seal: ticket.until.timestamp()})
            return Standing.GOOD

    def take_back(self, ticket: Ticket | Withdrawal) -> None:
        """What the link was used for could not be done: it works again. Raises LinkError."""
        with self._lock:
            used = self._used()
            used.pop(ticket.seal, None)
            self._write(used)

    def _used(self) -> dict[str, float]:
        """The seals of the links that were used, and until when each is remembered."""
        path = self._data / USED
        try:
            read = json.loads(path.read_text(encoding="ascii"))
            return {str(seal): float(until) for seal, until in read.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, AttributeError, TypeError) as error:
            raise LinkError(
                f"{path} cannot be read ({error}): mend or delete it (then links that were used"
                " work again)"
            ) from None

    def _write(self, used: dict[str, float]) -> None:
        """Replace the record, durably."""
        path = self._data / USED
        try:
            replacement.write(path, json.dumps(used, indent=1))
        except OSError as error:
            raise LinkError(f"{path} cannot be written: {told(error)}") from None
