"""Tokens: a few fields and when they end, signed, as text that a link carries.

The fields are packed (struct), and a MAC under a key vouches for them and for what they are meant
for (RFC 2104, HMAC-SHA-256, of which 128 bits are kept). There is one way to write a token
(base64url without padding, RFC 4648): what is written otherwise is none.
"""

from __future__ import annotations

import hmac
import re
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

FOUR_BYTES = 1 << 32
"""What a number in four bytes stays below."""
LAST = datetime.fromtimestamp(FOUR_BYTES, UTC)
"""A token ends before this: its end stands in four bytes, in seconds since 1970."""

_MAC = 16
_CODED = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Token:
    """What a token says. `seal` is its MAC, by which it is told from others."""

    fields: tuple[Any, ...]
    until: datetime
    seal: str


class Kind:
    """Tokens of one purpose. `form` (struct) is of their fields; the one in place `at` is their
    end, which `sign` and `read` keep apart from the others."""

    def __init__(self, purpose: str, form: str, at: int = 0) -> None:
        self._purpose = f"screener {purpose} 1\0".encode("ascii")
        self._form = struct.Struct(form)
        self._at = at
        self._characters = -(-4 * (self._form.size + _MAC) // 3)

    def sign(self, key: bytes, until: datetime, *fields: int | bytes, about: str = "") -> str:
        """A token that says this. What it is `about` is vouched for, but stands elsewhere."""
        ends = int(until.timestamp())
        packed = self._form.pack(*fields[: self._at], ends, *fields[self._at :])
        return _coded(packed + self._mac(key, packed, about))

    def read(self, key: bytes, text: str, about: str = "") -> Token | None:
        """What a token says; None where it is none of this kind, key and subject."""
        if not (key and len(text) == self._characters and _CODED.fullmatch(text)):
            return None
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        packed, seal = raw[:-_MAC], raw[-_MAC:]
        ours = hmac.compare_digest(seal, self._mac(key, packed, about))
        if not ours or _coded(raw) != text:  # of its last character some bits may say nothing
            return None
        fields = list(self._form.unpack(packed))
        until = datetime.fromtimestamp(fields.pop(self._at), UTC)
        return Token(tuple(fields), until, seal.hex())

    def _mac(self, key: bytes, packed: bytes, about: str) -> bytes:
        said = self._purpose + packed + about.encode("ascii")
        return hmac.digest(key, said, "sha256")[:_MAC]


def _coded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode("ascii").rstrip("=")
