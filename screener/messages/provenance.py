"""Which calls the messages in the outbox came from: for whoever must not take one for another's."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from screener.core.delivery import Freight
from screener.core.letter import Letter
from screener.mail import letterfile
from screener.mail.letterfile import LETTER, UNREADABLE


def unfinished(outbox: Path) -> list[tuple[Path, Freight]]:
    """What is whole and not queued yet: at this moment, or a crash has left it so. The folder of
    each message, and its letter."""
    return [
        (folder, letter)
        for folder, letter in _read(outbox, "new")
        if (folder / "audio.wav").exists()
    ]


def newest_call(outbox: Path) -> int:
    """The highest id of the calls that have left a message, whatever became of it; 0 where none
    has. Raises OutboxError."""
    with letterfile.disk(outbox):
        letters = (letter for _, letter in _read(outbox, "*"))
        return max((letter.call for letter in letters if isinstance(letter, Letter)), default=0)


def _read(outbox: Path, place: str) -> list[tuple[Path, Freight]]:
    found = []
    for path in outbox.glob(f"{place}/*/{LETTER}"):
        with suppress(OSError, *UNREADABLE):  # moved on since we looked; or it tells nothing
            found.append((path.parent, letterfile.load(path.parent).letter))
    return found
