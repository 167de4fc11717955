"""Number lists on disk, one file each: data/lists/NAME.numbers.

A file is a head, a header in JSON (what the list is, where it came from) and, from the next
multiple of eight on, the arrays that core/numberlist.py asks:

    8 bytes   b"NUMBERS\\n"
    4         version, 4 length of the header, 8 length of the file, 4 CRC-32 of the header, 4 zeros
    ...       the header; its "arrays" gives each array's offset and length

in this machine's byte order. It is mapped, not read: what no call asks for costs no memory. A file
is never changed but replaced, by a rename; who has the old one open keeps it whole.
"""

from __future__ import annotations

import json
import mmap
import re
import struct
import sys
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from screener.core.numberlist import Numbers
from screener.errors import ListError

SUFFIX = ".numbers"
VERSION = 1
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
"""What a list may be called, so that a rule can name it."""
_MAGIC = b"NUMBERS\n"
_HEAD = struct.Struct("=8sIIQII")
_ARRAYS = {
    "uppers": "I",
    "starts": "I",
    "lowers": "I",
    "whens": "I",
    "ranges": "Q",
    "prefixes": "Q",
}


def folder(data: Path) -> Path:
    """Where a front door's lists lie; `data` is its data folder. It need not be there yet."""
    return data / "lists"


def names(data: Path) -> frozenset[str]:
    """The lists that there are, by the names that rules call them by; also damaged ones."""
    try:
        return frozenset(path.name.removesuffix(SUFFIX) for path in files(data))
    except OSError:
        return frozenset()


def files(data: Path) -> list[Path]:
    """The lists' files, in the order of their names. A list has changed when its file's mtime,
    size or inode has."""
    found = (path for path in folder(data).glob(f"*{SUFFIX}") if not path.name.startswith("."))
    return sorted(found)


def open_all(data: Path) -> tuple[dict[str, Numbers], list[str]]:
    """Every list by its name, and a sentence for each that cannot be used (it is left out).

    A list stays as it was opened, whatever becomes of its file: open again to see a change.
    """
    opened: dict[str, Numbers] = {}
    troubles = []
    for path in files(data):
        try:
            opened[path.name.removesuffix(SUFFIX)] = open_list(path)
        except ListError as error:
            troubles.append(str(error))
    return opened, troubles


def open_list(path: Path) -> Numbers:
    """One list's numbers, mapped. Raises ListError that says what is wrong with the file."""
    raise NotImplementedError


def subset(part: Numbers, whole: Numbers) -> bool:
    """Whether `whole` holds every number of `part`, however often either was reported."""
    raise NotImplementedError
