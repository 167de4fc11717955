"""What the disk refuses is told with what to do about it."""

import errno
import os
from pathlib import Path

import pytest

from screener.disk import told, usable
from screener.errors import DiskError


def refusal(number: int) -> OSError:
    return OSError(number, os.strerror(number), "/house/x")


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (errno.ENOSPC, "there is no room left on the disk: free some"),
        (errno.EDQUOT, "there is no room left on the disk: free some"),
        (errno.EACCES, "Permission denied: give the user who runs screener the right to write"),
        (errno.EROFS, "Read-only file system: mount that disk so that it can be written"),
        (errno.EIO, "Input/output error: is the disk failing?"),
        (errno.ENOENT, "No such file or directory"),
    ],
)
def test_it_is_told_what_to_do(number: int, text: str) -> None:
    assert told(refusal(number)).startswith(text)


def test_the_file_is_named_where_nobody_else_does() -> None:
    denied = refusal(errno.EACCES)
    assert told(denied, named=True).startswith("Permission denied (/house/x): give ")
    assert "/house/x" not in told(denied)
    assert told(OSError("unheard of"), named=True) == "unheard of"


def test_a_folder_that_cannot_be_used_is_called_what_it_is(tmp_path: Path) -> None:
    with (
        pytest.raises(DiskError) as refused,
        usable("the folder of recordings", tmp_path),
    ):
        tmp_path.unlink()
    text = f"the folder of recordings {tmp_path} cannot be used: Is a directory ({tmp_path})."
    assert str(refused.value) == text
