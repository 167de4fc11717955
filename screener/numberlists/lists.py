"""Number lists on disk, one file each: data/lists/NAME.numbers.

A file is a head, the arrays that core/numberlist.py asks, each from a multiple of eight on, and
last a header in JSON that says what the list is and where it came from:

    8 bytes   b"NUMBERS\\n"
    4         version (1)
    4         length of the header, which ends the file
    8         length of the file
    4         CRC-32 of the header
    4         zeros
    ...       lowers, whens, uppers, starts, index, ranges, prefixes, marks: the header says where

in this machine's byte order. A report's mark is the CRC-32 of the line that it came from, so that
a line that comes twice counts once; only an import looks at it. The file is mapped, not read: what
no call asks for costs no memory. It is never changed but replaced, by a rename: who has the old one
open keeps it whole. How a list comes about is in imports.py, how it is written in
listfile.py.
"""

from __future__ import annotations

import json
import mmap
import os
import re
import struct
import zlib
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import ge, gt
from pathlib import Path
from typing import Any, Literal

from screener.core.numberlist import Numbers, index_length
from screener.errors import ListError

SUFFIX = ".numbers"
VERSION = 1
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
"""What a list may be called, so that a rule can name it."""
MAGIC = b"NUMBERS\n"
HEAD = struct.Struct("=8sIIQII")
ARRAYS: Mapping[str, Literal["I", "Q"]] = {
    **dict.fromkeys(("lowers", "whens", "uppers", "starts", "index"), "I"),
    **dict.fromkeys(("ranges", "prefixes"), "Q"),
    "marks": "I",
}
"""The arrays in the order in which they lie, each of unsigned integers of 4 bytes or 8."""
_PAIRS = ("ranges", "prefixes")
_AGAIN = "import it again"
_AT_A_TIME = 1 << 20


@dataclass(frozen=True, slots=True)
class Source:
    """A file that a list was made from, as it was when it was read. `mtime` is in nanoseconds."""

    path: str
    size: int
    mtime: int
    lines: int


@dataclass(frozen=True, slots=True)
class Info:
    """What a list is. `dated`: it holds reports, each with its time; else plain numbers.

    `entries` are reports (or plain numbers), `numbers` the different ones among them; `ranges` and
    `prefixes` are counts, too. `newest` is the newest report's time. `origins` are what the owner
    named (files, folders, globs; absolute), `sources` the files that were found there.
    `country` is where national numbers were read; `size` that of the file in bytes.
    """

    name: str
    dated: bool
    country: str
    imported: datetime
    origins: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    entries: int = 0
    numbers: int = 0
    ranges: int = 0
    prefixes: int = 0
    newest: datetime | None = None
    size: int = 0


@dataclass(frozen=True, slots=True)
class Opened:
    """A list's file, mapped: what it is, what calls ask, and the marks of its reports."""

    info: Info
    numbers: Numbers
    marks: memoryview


def folder(data: Path) -> Path:
    """Where a front door's lists lie; `data` is its data folder. It need not be there yet."""
    return data / "lists"


def file_of(data: Path, name: str) -> Path:
    """The file of a list. Raises ListError for a name that no list can have."""
    if not NAME.fullmatch(name):
        raise ListError(
            f"{name!r} cannot be a list's name: take up to 64 letters, digits, dots, hyphens and"
            " underlines, so that a rule can say `list NAME`"
        )
    return folder(data) / f"{name}{SUFFIX}"


def files(data: Path) -> list[Path]:
    """The lists' files, in the order of their names; also damaged ones.

    A list has changed when its file's inode, size or mtime has.
    """
    found = folder(data).glob(f"*{SUFFIX}")
    return sorted(path for path in found if NAME.fullmatch(_name(path)))


def names(data: Path) -> frozenset[str]:
    """The lists that there are, by the names that rules call them by."""
    return frozenset(_name(path) for path in files(data))


def open_all(data: Path) -> tuple[dict[str, Numbers], list[str]]:
    """Every list by its name, and a sentence for each that cannot be used (it is left out).

    A list stays as it was opened, though its file is replaced or removed: open again to see a
    change. Only whoever cuts the file short in place (it is read-only, so that takes root and
    `rsync --inplace`, say) ends the process by SIGBUS, as mmap(2) has it; the phones ring then.
    """
    opened: dict[str, Numbers] = {}
    troubles = []
    for path in files(data):
        try:
            opened[_name(path)] = open_list(path).numbers
        except ListError as error:
            troubles.append(str(error))
    return opened, troubles


def open_list(path: Path) -> Opened:
    """Map one list. Raises ListError that says what is wrong with the file."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size < HEAD.size:
                raise ListError(f"{path} is no number list: it is too short; {_AGAIN}")
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            mapped.madvise(mmap.MADV_RANDOM)  # what is fetched besides would only cost memory
    except FileNotFoundError:
        raise ListError(
            f"there is no list {_name(path)}: `screener lists show` names those that there are"
        ) from None
    except OSError as error:
        raise ListError(f"{path} cannot be read ({error.strerror})") from None
    header = _header(path, mapped, size)
    try:
        arrays, info = _laid_out(memoryview(mapped), header), _info(header, _name(path), size)
    except (ValueError, KeyError, TypeError, IndexError, OverflowError) as error:
        raise ListError(f"{path} is damaged ({error}): {_AGAIN}") from None
    # The kernel fetches what calls will ask for while we go on: no call shall wait for a disk.
    mapped.madvise(mmap.MADV_WILLNEED, 0, min(size, header["arrays"]["marks"][0] + 1))
    numbers = Numbers(
        uppers=arrays["uppers"].tolist(),
        starts=arrays["starts"].tolist(),
        index=arrays["index"],
        lowers=arrays["lowers"],
        whens=arrays["whens"] if info.dated else None,
        ranges=arrays["ranges"].tolist(),
        prefixes=arrays["prefixes"].tolist(),
    )
    return Opened(info, numbers, arrays["marks"])


def _name(path: Path) -> str:
    return path.name.removesuffix(SUFFIX)


def _header(path: Path, mapped: mmap.mmap, size: int) -> dict[str, Any]:
    magic, version, length, whole, crc, _ = HEAD.unpack(mapped[: HEAD.size])
    if magic != MAGIC:
        raise ListError(f"{path} is no number list: {_AGAIN}")
    if version != VERSION:
        raise ListError(f"{path} was made by another version of screener or elsewhere: {_AGAIN}")
    if whole != size:
        raise ListError(f"{path} is damaged: it has {size} bytes instead of {whole}; {_AGAIN}")
    text = mapped[max(size - length, 0) :]
    if zlib.crc32(text) != crc:
        raise ListError(f"{path} is damaged: its header was changed; {_AGAIN}")
    header: dict[str, Any] = json.loads(text)
    return header


def _laid_out(mapped: memoryview, header: Mapping[str, Any]) -> dict[str, memoryview]:
    """The arrays where they lie. Raises ValueError where they cannot be right.

    Only the small ones are looked through: with wrong numbers in a large one, answers would be
    wrong, but no lookup can run out of an array.
    """
    arrays = {}
    for name, form in ARRAYS.items():
        offset, length = header["arrays"][name]
        if not 0 <= offset <= offset + length <= len(mapped) or offset % 8:
            raise ValueError(f"its {name} lie outside it")
        arrays[name] = mapped[offset : offset + length].cast(form)
    count, starts = len(arrays["lowers"]), arrays["starts"].tolist()
    if len(starts) != len(arrays["uppers"]) + 1 or (starts[0], starts[-1]) != (0, count):
        raise ValueError("its numbers are not all there")
    index = arrays["index"]
    if any(map(ge, starts, starts[1:])) or len(index) != index_length(starts):
        raise ValueError("its index is not all there")
    if len(index) and not 0 == index[0] <= index[-1] == count:
        raise ValueError("its index points elsewhere")
    dated = count if header["dated"] else 0
    if len(arrays["whens"]) != dated or len(arrays["marks"]) != dated:
        raise ValueError("its dates are not all there")
    if any(len(arrays[name]) % 2 for name in _PAIRS):
        raise ValueError("its ranges are not all there")
    for name in ("uppers", "starts", "index", *_PAIRS):
        numbers = arrays[name].tolist()
        if any(map(gt, numbers, numbers[1:])):
            raise ValueError(f"its {name} are out of order")
    return arrays


def _info(header: Mapping[str, Any], name: str, size: int) -> Info:
    newest = header["newest"]
    return Info(
        name=name,
        dated=header["dated"],
        country=header["country"],
        imported=datetime.fromisoformat(header["imported"]),
        origins=tuple(header["origins"]),
        sources=tuple(Source(**source) for source in header["sources"]),
        **{key: int(header[key]) for key in ("entries", "numbers", "ranges", "prefixes")},
        newest=datetime.fromisoformat(newest) if newest else None,
        size=size,
    )


# Two lists ---------------------------------------------------------------------------------------


def subset(part: Numbers, whole: Numbers) -> bool:
    """Whether `whole` holds every number of `part`, however often either was reported.

    Where `part` has a range or prefix, one of `whole` must take it in.
    """
    wide = zip(part.ranges[::2], part.ranges[1::2], strict=True)
    beginnings = zip(part.prefixes[::2], part.prefixes[1::2], strict=True)
    return (
        all(_one_pair(whole.ranges, pair) for pair in wide)
        and all(_one_pair(whole.prefixes, pair) for pair in beginnings)
        and all(whole.covers(value) for value in _missing(part, whole))
    )


def _one_pair(pairs: Sequence[int], pair: tuple[int, int]) -> bool:
    at = bisect_right(pairs[::2], pair[0]) - 1
    return at >= 0 and pair[1] <= pairs[2 * at + 1]


def _missing(part: Numbers, whole: Numbers) -> Iterator[int]:
    """The numbers of `part` that are not entries of `whole`."""
    import numpy as np  # noqa: PLC0415 (60 ms and 20 MB, which a running screener need not have)

    theirs = {upper: at for at, upper in enumerate(whole.uppers)}
    for at, upper in enumerate(part.uppers):
        place = theirs.get(upper)
        bounds = slice(*whole.starts[place : place + 2]) if place is not None else slice(0)
        other = np.frombuffer(whole.lowers[bounds], np.uint32)
        for first in range(part.starts[at], part.starts[at + 1], _AT_A_TIME):
            last = min(first + _AT_A_TIME, part.starts[at + 1])
            mine = np.frombuffer(part.lowers[first:last], np.uint32)
            if len(other):
                found = np.minimum(np.searchsorted(other, mine), len(other) - 1)
                mine = mine[other[found] != mine]
            for lower in mine.tolist():
                yield (upper << 32) | lower
