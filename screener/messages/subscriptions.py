"""The addresses of boxes' feeds: who knows one hears the box, so none can be guessed.

In data/feeds.json, which only its owner may read: for each box the secret part of its address (192
random bits), "" where its feed was switched off by hand, and since when. A new one revokes the old.
The command line may change it while screener serves: it is read again whenever it has changed.
"""

from __future__ import annotations

import fcntl
import hmac
import json
import re
import secrets
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from screener import replacement
from screener.disk import told
from screener.errors import LinkError

FILE = "feeds.json"
"""Its file in the data folder."""

SECRET = re.compile(r"[A-Za-z0-9_-]{32}", re.ASCII)
"""How the secret part of an address looks."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """The secret part of the address of a box's feed ("": it is off), and since when it is so."""

    secret: str
    since: datetime


class Subscriptions:
    """The addresses of one front door's feeds; `data` is its data folder."""

    def __init__(self, data: Path) -> None:
        self._path = data / FILE
        self._lock = threading.Lock()
        self._read: tuple[int, Mapping[str, Subscription]] = (0, {})

    def all(self) -> Mapping[str, Subscription]:
        """Each box that has or had an address. Raises LinkError."""
        with self._lock:
            try:
                written = self._path.stat().st_mtime_ns
                if written != self._read[0]:
                    self._read = written, _from(self._path.read_text(encoding="ascii"))
            except FileNotFoundError:
                return {}
            except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
                raise LinkError(
                    f"{self._path} cannot be read ({error}): mend or delete it (then every box gets"
                    " a new address)"
                ) from None
            return self._read[1]

    def box(self, secret: str) -> str:
        """The box whose feed's address has this secret; "" for none. Raises LinkError."""
        found = ""
        for box, known in self.all().items():  # all of them: the time it takes tells nothing
            if known.secret and hmac.compare_digest(known.secret.encode(), secret.encode()):
                found = box
        return found

    def opened(self, boxes: Collection[str], now: datetime) -> Mapping[str, Subscription]:
        """The same, when each of these boxes has been given an address; one that is off stays so.

        Raises LinkError.
        """
        if not set(boxes) <= set(self.all()):
            with self._changing() as known:
                for box in boxes:
                    known.setdefault(box, _fresh(now))
        return self.all()

    def renew(self, box: str, now: datetime) -> Subscription:
        """Give a box a new address; the old one leads nowhere. Raises LinkError."""
        with self._changing() as known:
            known[box] = _fresh(now)
            return known[box]

    def revoke(self, box: str, now: datetime) -> None:
        """The box's feed is off, and its address leads nowhere. Raises LinkError."""
        with self._changing() as known:
            known[box] = Subscription("", now)

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Subscription]]:
        """What is known, to be changed; it is on disk when this ends. One process at a time."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.with_suffix(".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                known = dict(self.all())
                yield known
                self._write(known)
        except OSError as error:
            raise LinkError(f"{self._path} cannot be written: {told(error)}") from None

    def _write(self, known: Mapping[str, Subscription]) -> None:
        data = {
            box: {"secret": one.secret, "since": one.since.isoformat()}
            for box, one in known.items()
        }
        replacement.write(self._path, json.dumps(data, indent=1), mode=0o600)


def _fresh(now: datetime) -> Subscription:
    return Subscription(secrets.token_urlsafe(24), now.replace(microsecond=0))


def _from(text: str) -> dict[str, Subscription]:
    """What `_write` wrote. Raises ValueError, KeyError, TypeError or AttributeError."""
    data: dict[str, Any] = json.loads(text)
    found = {}
    for box, one in data.items():
        secret = str(one["secret"])
        if secret and not SECRET.fullmatch(secret):
            raise ValueError(f"{box} has no secret of 32 characters")
        found[box] = Subscription(secret, datetime.fromisoformat(one["since"]))
    return found
