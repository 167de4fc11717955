"""A file of the owner's given new content in one step: the old text or the new, never half of it.

The new content is brought to the disk beside the file and takes its name. The file keeps its owner
and mode. What somebody else wrote meanwhile is not overwritten.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from secrets import token_hex


def replace(path: Path, before: bytes | None, content: bytes) -> bool:
    """Give the file at `path` new content, if it still holds what it held `before` (None: it was
    not there): whether it did. Raises OSError, and leaves the file as it is."""
    beside = path.with_name(f".{path.name}.{token_hex(4)}.new")
    try:
        mode = 0o666 if before is None else 0o600
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            if before is not None:
                _dress(file.fileno(), path)
            file.flush()
            os.fsync(file.fileno())
        now = path.read_bytes() if path.exists() else None
        if now != before:
            return False
        beside.replace(path)
        to_disk(path.parent)
    finally:
        with suppress(OSError):  # after the rename it is there no more
            beside.unlink()
    return True


def _dress(handle: int, like: Path) -> None:
    """Give the new file the owner and the mode of the old one."""
    old, new = like.stat(), os.fstat(handle)
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        os.fchown(handle, old.st_uid, old.st_gid)
    os.fchmod(handle, old.st_mode & 0o7777)


def to_disk(folder: Path) -> None:
    """Let a power cut not bring back the old names (fsync(2): the folder needs its own)."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
