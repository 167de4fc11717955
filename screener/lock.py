"""The lock of a front door: one screener at a time, or each call would be answered twice."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import TextIO

from screener.errors import SetupError


def lock(data: Path) -> TextIO:
    """Lock the front door whose data folder this is, until the returned file is closed.

    However its holder ends, the lock goes with him. Raises SetupError where another has it, or
    where the folder cannot be written.
    """
    try:
        data.mkdir(parents=True, exist_ok=True)
        file = (data / "lock").open("a+", encoding="ascii")
    except OSError as error:
        raise SetupError(
            f"{data} cannot be written ({error.strerror}): give the user who runs screener the"
            " right to, or set paths.data to another folder"
        ) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        with file:
            file.seek(0)
            holder = file.read().strip()
        raise SetupError(
            f"another screener runs this front door (process {holder}): end it first"
        ) from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file
