"""What a power cut leaves of a folder: that which was fsynced, and nothing else.

A model of the least that POSIX promises: a file's content is on disk as it was when it was last
fsynced, else it is empty; a folder's entries are those that it had when it was last fsynced. Only a
rename is taken for what journals make of it: a thing has one place, its newest that is on disk. So
what survives here survives on any file system that keeps its word.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

Inode = int


@dataclass
class Disk:
    """The disk under `root`. `moments` is how often something was brought to it."""

    root: Path
    moments: int = 0
    _contents: dict[Inode, bytes] = field(default_factory=dict)
    _entries: dict[Inode, dict[str, Inode]] = field(default_factory=dict)
    _folders: set[Inode] = field(default_factory=set)
    _held: list[int] = field(default_factory=list)

    def begin(self) -> None:
        """All that is there is on disk."""
        for folder, _, files in os.walk(self.root):
            self._sync(Path(folder))
            for name in files:
                self._sync(Path(folder) / name)

    def _sync(self, path: Path) -> None:
        inode = path.stat().st_ino
        if path.is_dir():
            names = sorted(path.iterdir())
            self._entries.pop(inode, None)  # the newest news of a folder stands last
            self._entries[inode] = {p.name: p.lstat().st_ino for p in names}
            self._folders |= {p.lstat().st_ino for p in names if p.is_dir()} | {inode}
        else:
            self._contents[inode] = path.read_bytes()
        # Held open, so that no other file is given its number.
        self._held.append(os.open(path, os.O_RDONLY))

    def has(self, handle: int) -> bool:
        """Whether what is open lies on this disk."""
        return _path(handle).is_relative_to(self.root)

    def synced(self, handle: int) -> None:
        """Something was fsynced."""
        self._sync(_path(handle))
        self.moments += 1

    def after_cut(self, to: Path) -> None:
        """Make in `to` what a power cut at this moment leaves."""
        to.mkdir()
        self._restore(self.root.stat().st_ino, to, self._newest())

    def _newest(self) -> dict[Inode, Inode]:
        """The folder in which each thing was last known to be on disk."""
        return {
            inode: folder for folder, names in self._entries.items() for inode in names.values()
        }

    def _restore(self, folder: Inode, to: Path, newest: dict[Inode, Inode]) -> None:
        for name, inode in self._entries.get(folder, {}).items():
            if newest[inode] != folder and inode in self._folders:
                continue
            if inode in self._folders:
                (to / name).mkdir()
                self._restore(inode, to / name, newest)
            else:
                (to / name).write_bytes(self._contents.get(inode, b""))

    def close(self) -> None:
        for handle in self._held:
            os.close(handle)


def _path(handle: int) -> Path:
    return Path(f"/proc/self/fd/{handle}").readlink()


@contextmanager
def watched(
    root: Path, monkeypatch: pytest.MonkeyPatch, each: Callable[[Disk], None]
) -> Iterator[Disk]:
    """Watch what is brought to disk under `root`, and look at it before each time and after."""
    disk = Disk(root)
    disk.begin()
    fsync = os.fsync

    def noticed(handle: int) -> None:
        if disk.has(handle):  # else somebody looks at what a cut left
            each(disk)
            fsync(handle)
            disk.synced(handle)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", noticed)
        try:
            yield disk
            each(disk)
        finally:
            disk.close()
