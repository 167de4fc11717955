"""What is remembered of a message on its way to the mail server, in carriage.json in its folder.

It is written before it matters: so a repeat, whatever ended the attempt before it, is the same
mails with the same Message-IDs, and goes to those who do not have them.

Room for it is taken when the message is kept, so that it can be written on a disk that is full by
then. It is written in place, in two halves by turns: a checksum of what follows, a number that
grows, and JSON. What a crash leaves of one is told by its checksum, and the other half is what was
written before. What has no room there, and on a file system that gives new room to what is
written in place, needs room again: then the file is replaced, or stays as it was.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from screener import replacement
from screener.core.ladder import Limit

log = logging.getLogger(__name__)

FILE = "carriage.json"
LINK = "link"
"""The load that is a mail with a link to the sound, which stays here."""

_BLOCK = 4096  # bytes that a file system gives at a time
_AT_LEAST, _EACH = 1024, 640  # bytes of a half: its own, and of an address with its reply


@dataclass(frozen=True, slots=True)
class Progress:
    """How large a mail may be; the name of the load that was begun ("": none yet), and how many
    parts of it each address has; who has the whole message, by whatever load, and what the mail
    server said then; whether a link to the sound may be out."""

    limit: Limit = field(default_factory=Limit)
    load: str = ""
    had: Mapping[str, int] = field(default_factory=dict)
    done: Mapping[str, str] = field(default_factory=dict)
    linked: bool = False

    def within(self, limit: Limit) -> Progress:
        """The same with this limit; what comes is then another load, of which nobody has a part."""
        return self if limit == self.limit else replace(self, limit=limit, load="", had={})

    def with_load(self, name: str) -> Progress:
        """The same with this load begun: of another one, nobody has a part."""
        if name == self.load:
            return self
        return replace(self, load=name, had={}, linked=self.linked or name == LINK)

    def taken(self, replies: Mapping[str, str]) -> Progress:
        """The same when these have the message too."""
        return replace(self, done={**self.done, **replies})

    @classmethod
    def read(cls, folder: Path) -> Self:
        """What `write` wrote. Nothing, and what cannot be read, is a message that begins anew: one
        mail too many is better than one too few."""
        try:
            content = (folder / FILE).read_bytes()
            newest = _newest(content)
            if newest is None and not content.strip():
                return cls()  # no more than its room
            data = json.loads(content if newest is None else newest.text)
            return cls(
                _limit(data),
                str(data["load"]),
                {str(address): int(parts) for address, parts in data["had"].items()},
                {str(address): str(reply) for address, reply in data["done"].items()},
                bool(data["linked"]),
            )
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            told = f"{folder.name}/{FILE} cannot be read ({error!r})"
            log.warning("%s: what was sent of the message is not known", told)
            return cls()

    def write(self, folder: Path) -> None:
        """Write it, durably. A disk that is full delivers all the same."""
        if self == self.read(folder):
            return
        with contextlib.suppress(OSError):
            data = asdict(self)
            text = json.dumps({**data.pop("limit"), **data}).encode("ascii")
            if not _written_in_place(folder / FILE, text):
                replacement.write(folder / FILE, text)


def _limit(data: Mapping[str, Any]) -> Limit:
    """The limit in what was read. Earlier versions knew one for all recipients: `sure` was how
    large a mail might be for all that was certain, None where `largest` was."""
    largest = int(data["largest"])
    if "announced" not in data:
        return Limit(largest, largest if data.get("sure") is None else int(data["sure"]))
    told = {str(address): int(size) for address, size in data["told"].items()}
    return Limit(largest, int(data["announced"]), told)


# In place -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Half:
    """What a half of the file holds: the `number`-th text that was written."""

    number: int
    text: bytes
    is_second: bool


def take_room(folder: Path, addresses: int) -> None:
    """Make the file of a message to so many addresses, of nothing yet. Raises OSError."""
    half = _BLOCK * -(-(_AT_LEAST + _EACH * addresses) // _BLOCK)
    with (folder / FILE).open("wb") as file:
        file.write(b" " * (2 * half))
        file.flush()
        os.fsync(file.fileno())


def _written_in_place(path: Path, text: bytes) -> bool:
    """Write a text over the older half; False where there is no such room. Raises OSError."""
    try:
        file = path.open("r+b")
    except FileNotFoundError:
        return False
    with file:
        content = file.read()
        half, odd = divmod(len(content), 2 * _BLOCK)
        newest = _newest(content)
        if odd or not half or (newest is None and content.strip()):
            return False  # of an earlier version, or too large once
        number = newest.number + 1 if newest else 1
        line = b"%d %s" % (number, text)
        line = b"%08x %s\n" % (zlib.crc32(line), line)
        half *= _BLOCK
        if len(line) > half:
            return False
        file.seek(0 if newest is None or newest.is_second else half)
        file.write(line.ljust(half))
        file.flush()
        os.fsync(file.fileno())
    return True


def _newest(content: bytes) -> _Half | None:
    """The half that was written last, and is whole; None where there is none."""
    middle = len(content) // 2
    halves = (_half(content[:middle], second=False), _half(content[middle:], second=True))
    return max(filter(None, halves), key=lambda half: half.number, default=None)


def _half(content: bytes, *, second: bool) -> _Half | None:
    checksum, _, line = content.rstrip().partition(b" ")
    if not line or b"%08x" % zlib.crc32(line) != checksum:
        return None
    number, _, text = line.partition(b" ")
    return _Half(int(number), text, second)
