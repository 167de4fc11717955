"""Life's windows on disk: data/windows/expecting and data/windows/emergency.

One small file for each window that was opened (core/window.py says whether it still is). Whoever
opens or closes one does it by replacing or deleting the file: the running service, or `screener
expect` in another process. The service looks for each call, in a thread: about ten microseconds
where no window was opened, seventy where one was. A file that cannot be read is logged and counts
as no window.
"""

from __future__ import annotations

import logging
import os
import stat
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from screener import replacement
from screener.config import Settings
from screener.core import window
from screener.core.window import Kind, Window
from screener.errors import SetupError

log = logging.getLogger(__name__)

FOLDER = "windows"
"""The folder in the data folder."""
_LARGEST = 4096


class OpenWindow(NamedTuple):
    """A window that is open: until when (aware, in the owner's zone), and why, as a clause."""

    kind: Kind
    until: datetime
    why: str


class Windows:
    """The windows of one front door. `zone` is whose clock is told, None for this machine's."""

    def __init__(self, folder: Path, zone: ZoneInfo | None) -> None:
        self._folder = folder
        self._zone = zone
        self._unwritten: dict[Kind, Window] = {}
        self._broken: dict[Kind, str] = {}

    @classmethod
    def of(cls, settings: Settings) -> Windows:
        return cls(settings.data / FOLDER, settings.zone)

    def open(self, now: datetime) -> list[OpenWindow]:
        """The windows that are open now. `now` is aware."""
        here = now.astimezone(self._zone)
        found = ((kind, self._read(kind)) for kind in Kind)
        return [
            OpenWindow(kind, one.until.astimezone(self._zone), one.told(kind, here))
            for kind, one in found
            if one is not None and one.is_open(now)
        ]

    def why(self, kind: Kind, now: datetime) -> str:
        """Why such a window is open, as a clause ("kitchen dialled 911 at 12:03"); "" if none is.

        Never raises and never waits, whatever stands in the folder.
        """
        one = self._read(kind)
        if one is None or not one.is_open(now):
            return ""
        return one.told(kind, now.astimezone(self._zone))

    def begin(self, kind: Kind, now: datetime, length: timedelta, why: str) -> Window:
        """Open a window, in place of one of its kind that is open. It waits for the disk.

        Where it cannot be written, this process holds it open all the same, and SetupError says
        what to do.
        """
        one = Window(now, now + length, why)
        path = self._folder / kind
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            replacement.write(path, window.written(one) + "\n", shared=True)
        except OSError as error:
            self._unwritten[kind] = one
            raise SetupError(
                f"{path} cannot be written ({error.strerror}): make room, or give the user who runs"
                " screener the right to write there"
            ) from error
        self._unwritten.pop(kind, None)
        return one

    def end(self, kind: Kind) -> None:
        """Close a window, if one of this kind is open."""
        self._unwritten.pop(kind, None)
        path = self._folder / kind
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise SetupError(f"{path} cannot be deleted ({error.strerror}): delete it") from error

    def _read(self, kind: Kind) -> Window | None:
        """The window that was opened last, whether or not it still is; None if none was."""
        if kind in self._unwritten:
            return self._unwritten[kind]
        try:
            found = window.read(_content(self._folder / kind))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as broken:
            said = (broken.strerror if isinstance(broken, OSError) else None) or str(broken)
            if self._broken.get(kind) != said:  # once, not with each call
                self._broken[kind] = said
                log.error("%s cannot be read (%s): delete it", self._folder / kind, said)
            return None
        self._broken.pop(kind, None)
        return found


def _content(path: Path) -> str:
    """What stands in a small file. Opening what is no file (a pipe) must not wait for a writer."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ValueError("it is no file")
        return os.read(handle, _LARGEST).decode()
    finally:
        os.close(handle)
