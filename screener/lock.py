"""The lock of a front door: one screener at a time, or each call would be answered twice."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import TextIO

from screener import disk
from screener.errors import SetupError

_FILE = "lock"
_TRIES = 10
_MOMENT = 0.02  # seconds between two tries


def lock(data: Path) -> TextIO:
    """Lock the front door whose data folder this is, until the returned file is closed.

    However its holder ends, the lock goes with him. Raises SetupError where another has it, or
    where the folder cannot be written.
    """
    try:
        data.mkdir(parents=True, exist_ok=True)
        file = (data / _FILE).open("a+", encoding="ascii")
    except OSError as error:
        raise SetupError(f"{data} {disk.unwritable(error)}") from error
    if not _taken(file):
        with file:
            file.seek(0)
            other = file.read().strip()
        raise SetupError(f"another screener runs this front door (process {other}): end it first")
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def holder(data: Path) -> int | None:
    """The process that runs the front door whose data folder this is; None where none does.

    Raises SetupError where the folder may not be read.
    """
    try:
        with (data / _FILE).open(encoding="ascii", errors="replace") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                pid = file.read().strip()
                return int(pid) if pid.isdigit() else 0  # 0: it has only just begun
            return None
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SetupError(
            f"{data} cannot be read ({error.strerror}): ask as the user who runs screener"
        ) from error


def _taken(file: TextIO) -> bool:
    """Take the lock. Whoever asks `holder` has it for a moment: that is no other screener."""
    for _ in range(_TRIES):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_MOMENT)
        else:
            return True
    return False
