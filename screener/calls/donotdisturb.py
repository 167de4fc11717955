"""Do not disturb: which phones are left in peace, as small files in data/do-not-disturb.

One empty file for each phone, made and deleted by `screener dnd`, looked at whenever a group rings:
it holds at once, whether or not screener runs.
"""

from __future__ import annotations

import logging
from pathlib import Path

from screener.errors import SetupError

log = logging.getLogger(__name__)

FOLDER = "do-not-disturb"
"""The folder in the data folder."""


def phones(data: Path) -> frozenset[str]:
    """The names of the phones that are left in peace. A folder that cannot be read holds none."""
    try:
        return frozenset(path.name for path in (data / FOLDER).iterdir())
    except FileNotFoundError:
        return frozenset()
    except OSError as error:
        log.error("%s cannot be read (%s): every phone rings", data / FOLDER, error.strerror)
        return frozenset()


def begin(data: Path, phone: str) -> None:
    """Leave a phone in peace, until `end`."""
    path = data / FOLDER / phone
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    except OSError as error:
        raise SetupError(f"{path} cannot be written ({error.strerror}): make room") from error


def end(data: Path, phone: str) -> None:
    """Let a phone ring again."""
    path = data / FOLDER / phone
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise SetupError(f"{path} cannot be deleted ({error.strerror}): delete it") from error
