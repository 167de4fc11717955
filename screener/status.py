"""What the running service says of itself on disk: data/status.json.

It is written anew, whole, whenever something changes, and removed by nobody: after a crash it tells
of a process that is no more. Whether that is so, lock.py knows.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from screener import __version__, replacement
from screener.config import Settings
from screener.rules.inforce import State

log = logging.getLogger(__name__)

FILE = "status.json"
"""The name of the file in the data folder."""


_MOST_LINES = 110  # mistakes and troubles that are told one by one
_TIMES = ("started", "since", "stopped")
_LINES = ("mistakes", "troubles", "warnings")


@dataclass(frozen=True, slots=True)
class Status:
    """A service as it last described itself. Times are aware.

    `doors` gives each DID's ring group. `connected` says whether Asterisk is. `rules` of `files`
    are in force since `since`; with `mistakes`, what lies in the rules folder is not: the newest
    good rules are, which an earlier run left where `copied`. `mistakes` holds the first of
    `wrong` in all. `troubles` are what else was skipped, `warnings` those of screener.toml.
    `unheard` says why callers are not heard, "" where they are. `stopped` is when it stopped
    politely.
    """

    pid: int
    started: datetime
    shadow: bool
    doors: Mapping[str, str]
    rules: int
    files: int
    since: datetime
    version: str = __version__
    connected: bool = False
    copied: bool = False
    wrong: int = 0
    mistakes: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    unheard: str = ""
    stopped: datetime | None = None

    def as_data(self) -> dict[str, Any]:
        """The status as JSON knows it."""
        times = {key: _iso(getattr(self, key)) for key in _TIMES}
        return asdict(self) | times

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """What `as_data` gave. Raises KeyError, TypeError or ValueError for anything else."""
        known = {field.name: data[field.name] for field in fields(cls)}
        for key in _LINES:
            known[key] = tuple(str(line) for line in known[key])
        for key in _TIMES:
            known[key] = datetime.fromisoformat(known[key]) if known[key] else None
        return cls(**known)


def begun(settings: Settings, rules: State) -> Status:
    """The status of this process, which begins now."""
    return Status(
        pid=os.getpid(),
        started=datetime.now(UTC),
        shadow=settings.shadow,
        doors={did: door.group.name for did, door in settings.doors.items()},
        warnings=settings.warnings,
        **in_force(rules),
    )


def in_force(rules: State) -> dict[str, Any]:
    """What a status says of the rules."""
    loaded = rules.loaded
    return {
        "rules": len(loaded.rules.rules),
        "files": loaded.files,
        "since": rules.since,
        "copied": rules.copied,
        "wrong": len(rules.mistakes),
        "mistakes": rules.mistakes[:_MOST_LINES],
        "troubles": loaded.troubles[:_MOST_LINES],
    }


def write(data: Path, status: Status) -> None:
    """Replace the status in the data folder: a reader sees the old one or the new. Raises OSError.

    It tells of now, and need not survive a power cut: nothing is fsynced.
    """
    replacement.write(data / FILE, json.dumps(status.as_data(), indent=1), durable=False)


def read(data: Path) -> Status | None:
    """The status that was last written; None where there is none, or none that can be read."""
    try:
        return Status.from_data(json.loads((data / FILE).read_text(encoding="ascii")))
    except (OSError, ValueError, KeyError, TypeError):
        return None


class Bulletin:
    """The status of this process, written down while `run` runs.

    `change` never waits for the disk; where that cannot be written, it is logged, once.
    """

    def __init__(self, data: Path, status: Status) -> None:
        self.status = status
        self._data = data
        self._changed = asyncio.Event()
        self._changed.set()
        self._failed = ""

    def change(self, **changes: Any) -> None:
        """Change fields of the status."""
        self.status = replace(self.status, **changes)
        self._changed.set()

    async def run(self) -> None:
        """Write the status whenever it has changed; and at the end, that we have stopped."""
        try:
            while True:
                await self._changed.wait()
                self._changed.clear()
                await asyncio.to_thread(self._write)
        finally:
            self.change(stopped=datetime.now(UTC), connected=False)
            self._write()

    def _write(self) -> None:
        try:
            write(self._data, self.status)
            self._failed = ""
        except OSError as error:
            if str(error) != self._failed:
                log.warning("`screener status` is not up to date: %s", error)
            self._failed = str(error)


def _iso(when: datetime | None) -> str | None:
    return when.isoformat(timespec="seconds") if when else None
