"""A file given new content in one step: the old text or the new, never half of it.

The new content is brought to the disk beside the file and takes its name. A file of the owner's
keeps its owner and mode, and what somebody else wrote meanwhile is not overwritten.
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


def write(
    path: Path,
    content: str | bytes,
    *,
    mode: int | None = None,
    durable: bool = True,
    shared: bool = False,
) -> None:
    """Give a file of our own new content: after a crash it holds the old one or the new; after a
    power cut, too, unless it need not be `durable`. Raises OSError.

    Only one writes it at a time, beside it, as NAME.part; or several may, where it is `shared`.
    """
    part = path.with_suffix(".part")
    if shared:
        part = path.with_name(f".{path.name}.{token_hex(4)}.part")
    try:
        if mode is not None:
            part.unlink(missing_ok=True)  # what a crash left, of another mode
            part.touch(mode, exist_ok=False)
        with part.open("wb") as file:
            file.write(content.encode("utf-8") if isinstance(content, str) else content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        with suppress(OSError):  # a full disk is not to be filled with halves
            part.unlink()
        raise
    if durable:
        to_disk(path.parent)


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
