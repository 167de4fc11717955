"""The links in mails: signed, they expire, and each works once.

A link's token says what is to be done (allow or block), about which number, because of which call,
and until when; a MAC under a key of this front door vouches for it (RFC 2104, HMAC-SHA-256, of
which 128 bits are kept). Whoever holds the mail holds the link: so it can do nothing else. What was
used is remembered on disk for as long as the link would work.
"""

from __future__ import annotations

import hmac
import json
import logging
import os
import re
import struct
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from screener import replacement, secret
from screener.core.letter import Link
from screener.core.promotion import ACTIONS, can_be_named
from screener.core.rules import CLOCKLESS, Action
from screener.errors import LinkError

log = logging.getLogger(__name__)

LIFE = timedelta(days=30)
"""How long a link works: longer than a message waits for a mail server that is down (14 days)."""

KEY, USED = "link-key", "links-used.json"
"""Their files in the data folder."""

PATHS = {Action.ALLOW: "let-in", Action.BLOCK: "block"}
"""What stands before the token in a link's path."""

# The action's number, when it ends (s since 1970), the call, the number without its plus; the MAC.
_FIELDS = struct.Struct(">BIIQ")
_MOST = 1 << 32
_LAST = datetime.fromtimestamp(_MOST, UTC) - LIFE
_MAC = 16
_TOKEN = re.compile(r"[A-Za-z0-9_-]{44}", re.ASCII)  # 33 bytes in base64url (RFC 4648)
_PURPOSE = b"screener link 1\0"
_LEAST_KEY = 32  # characters of what secret.made makes


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a link of ours says: `number` is E.164. `seal` is its MAC, by which it is remembered."""

    action: Action
    call: int
    number: str
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
        """The links for a call's mail; none without pages, or for a number no rule can name.

        By a clock that was never set (`now`) a link would have expired when it arrives.
        """
        if not (self.url and self._key and 0 < call < _MOST and can_be_named(number)):
            return ()
        if not CLOCKLESS <= now < _LAST:
            return ()
        until = (now + LIFE).replace(microsecond=0)
        return tuple(
            Link(action, f"{self.url}/{PATHS[action]}/{self._token(action, call, number, until)}",
                 until)
            for action in ACTIONS
        )  # fmt: skip

    def _token(self, action: Action, call: int, number: str, until: datetime) -> str:
        fields = _FIELDS.pack(ACTIONS.index(action), int(until.timestamp()), call, int(number[1:]))
        return urlsafe_b64encode(fields + self._mac(fields)).decode("ascii")

    def _mac(self, fields: bytes) -> bytes:
        return hmac.digest(self._key, _PURPOSE + fields, "sha256")[:_MAC]

    def read(self, token: str) -> Ticket | None:
        """What a token says; None where it is none of ours."""
        if not self._key or not _TOKEN.fullmatch(token):
            return None
        raw = urlsafe_b64decode(token)
        fields, seal = raw[: _FIELDS.size], raw[_FIELDS.size :]
        if not hmac.compare_digest(seal, self._mac(fields)):
            return None
        action, until, call, number = _FIELDS.unpack(fields)
        ends = datetime.fromtimestamp(until, UTC)
        return Ticket(ACTIONS[action], call, f"+{number}", ends, seal.hex())

    def standing(self, ticket: Ticket, now: datetime) -> Standing:
        """Whether a link works at `now`. Raises LinkError when it cannot be told."""
        if now >= ticket.until:
            return Standing.EXPIRED
        with self._lock:
            return Standing.USED if ticket.seal in self._used() else Standing.GOOD

    def use(self, ticket: Ticket, now: datetime) -> Standing:
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

    def take_back(self, ticket: Ticket) -> None:
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
        part = path.with_suffix(".part")
        try:
            with part.open("w", encoding="ascii") as file:
                json.dump(used, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
            replacement.to_disk(self._data)
        except OSError as error:
            raise LinkError(f"{path} cannot be written: {error.strerror}") from None
