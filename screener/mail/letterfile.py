"""letter.json, what is known of a message, in the message's folder: read, replaced, moved, durably.

For all who look into those folders: spool.py and preparation.py deliver from there, mailqueue.py is
for people, messages/ finds what was recorded, and privacy/ deletes; each may be another process. A
message's folder moves by a rename, and letter.json is replaced whole; so whoever looks meanwhile
sees what was before or what is now.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

from screener import replacement
from screener.core.delivery import Record, as_json, from_json
from screener.disk import told
from screener.errors import OutboxError

log = logging.getLogger(__name__)

LETTER = "letter.json"
NOW = "now"  # an empty file beside it: somebody wants the message tried at once
SENDING = "sending"  # an empty file beside it: an attempt has begun, at the file's time
DROPPED = "dropped"  # the folder of what was dropped, beside those of core.delivery.State
ASKED = "asked"  # a file beside these folders; its time changes when somebody has asked for a retry
LOCK = "lock"  # a file beside these folders, locked by who delivers

UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, ArithmeticError)
"""What `load` raises for a letter.json that is there and says nothing."""


def save(folder: Path, record: Record) -> None:
    """Replace letter.json by this record, durably: after a crash it is the old one or the new."""
    replacement.write(folder / LETTER, as_json(record))


def load(folder: Path) -> Record:
    """What `save` wrote. Raises OSError, or what is in UNREADABLE."""
    return from_json(folder.name, (folder / LETTER).read_text(encoding="ascii"))


def move(folder: Path, to: Path) -> Path:
    """Rename a message's folder into another one, durably; where it lies then."""
    there = folder.rename(to / folder.name)
    replacement.to_disk(to)
    replacement.to_disk(folder.parent)
    return there


def delete(folder: Path) -> bool:
    """Delete a folder with all that is in it; whether that could be done.

    One that stays (it is another user's, or no folder at all) is no reason to leave the others.
    """
    try:
        shutil.rmtree(folder)
    except OSError as error:
        log.error("%s cannot be deleted: %s", folder, error.strerror or error)
        return False
    return True


def make(folder: Path) -> None:
    """Make a folder for messages, where it is not there yet, durably."""
    if not folder.is_dir():
        folder.mkdir(exist_ok=True)
        replacement.to_disk(folder.parent)


@contextlib.contextmanager
def disk(root: Path) -> Iterator[None]:
    """Turn what goes wrong with the disk into one sentence that says what to do."""
    try:
        yield
    except OSError as error:
        why = told(error, named=True)
        raise OutboxError(f"the outbox {root} cannot be used: {why}.") from error
