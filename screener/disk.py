"""What the disk refuses, told so that whoever reads it knows what to do."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from screener.errors import DiskError

_FULL_DISK = frozenset({errno.ENOSPC, errno.EDQUOT})
_FULL = "there is no room left on the disk: free some"
_NOT_ALLOWED = "give the user who runs screener the right to write there"
_WHAT_TO_DO = {
    errno.EACCES: _NOT_ALLOWED,
    errno.EPERM: _NOT_ALLOWED,
    errno.EROFS: "mount that disk so that it can be written",
    errno.EIO: "is the disk failing?",
}


def told(error: OSError, *, named: bool = False) -> str:
    """Why, and what to do about it, as a clause; `named`: with the file that it happened to."""
    if error.errno in {*_FULL_DISK, errno.EFBIG}:
        return _FULL
    why = error.strerror or str(error)
    file = f" ({error.filename})" if named and error.filename else ""
    what_to_do = _WHAT_TO_DO.get(error.errno or 0, "")
    return f"{why}{file}: {what_to_do}" if what_to_do else f"{why}{file}"


def unwritable(error: OSError) -> str:
    """What is said of a data folder that cannot be written, and what its owner can do about it."""
    full = error.errno in _FULL_DISK
    do = "make room on its disk" if full else "give the user who runs screener the right to"
    return f"cannot be written ({error.strerror}): {do}, or set paths.data to another folder"


@contextmanager
def usable(what: str, where: Path) -> Iterator[None]:
    """Turn what goes wrong with a folder, `what` with its article, into one sentence that says
    what to do. Raises DiskError."""
    try:
        yield
    except OSError as error:
        raise DiskError(f"{what} {where} cannot be used: {told(error, named=True)}.") from error
