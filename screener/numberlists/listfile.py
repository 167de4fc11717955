"""Writes a number list's file (lists.py says how it looks), and reads all of one again."""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import tempfile
import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from screener import replacement
from screener.core.numberlist import EPOCH, index_of
from screener.numberlists.lists import ARRAYS, HEAD, MAGIC, VERSION, Info, Opened

_COPY = 1 << 20  # bytes that are copied at a time

Piece: TypeAlias = tuple[NDArray[np.uint64], NDArray[np.uint32], NDArray[np.uint32]]
"""Integers of numbers in ascending order, when each was reported, and the reports' marks; the last
two empty in a plain list. No number is in two pieces, and none is lower than in a piece before."""


@dataclass(slots=True)
class _Written:
    """What has been written so far, and where the uppers change."""

    entries: int = 0
    numbers: int = 0
    newest: int = 0
    uppers: list[int] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)

    def count(self, numbers: NDArray[np.uint64], whens: NDArray[np.uint32]) -> None:
        firsts = np.flatnonzero(np.r_[True, numbers[1:] != numbers[:-1]])
        self.numbers += len(firsts)
        self.newest = max(self.newest, int(whens.max(initial=0)))
        upper = numbers >> np.uint64(32)
        for at in np.flatnonzero(np.r_[True, upper[1:] != upper[:-1]]).tolist():
            if not self.uppers or int(upper[at]) != self.uppers[-1]:
                self.uppers.append(int(upper[at]))
                self.starts.append(self.entries + at)
        self.entries += len(numbers)


def write(
    path: Path,
    info: Info,
    pieces: Iterable[Piece],
    ranges: Sequence[tuple[int, int]],
    prefixes: Sequence[tuple[int, int]],
) -> Info:
    """Write a list, and put it in the place of the one that may be there, all at once.

    `ranges` and `prefixes` are as `numberlist.merged` makes them. Returns `info` with the counts.
    Whatever goes wrong, and however hard the machine falls, the old list stays as it was. Raises
    OSError. A list of no number at all is not written.
    """
    written = _Written()
    making = path.with_name(f".{path.name}.new")
    with contextlib.ExitStack() as stack:
        spools = {
            name: stack.enter_context(tempfile.TemporaryFile(dir=path.parent))
            for name in ("lowers", "whens", "marks")
        }
        for numbers, whens, marks in pieces:
            if len(numbers):
                written.count(numbers, whens)
                lowers = (numbers & np.uint64(0xFFFFFFFF)).astype(np.uint32)
                for name, array in zip(spools, (lowers, whens, marks), strict=True):
                    spools[name].write(array.tobytes())
        starts = [*written.starts, written.entries]
        small: dict[str, NDArray[np.generic]] = {
            "uppers": np.array(written.uppers, np.uint32),
            "starts": np.array(starts, np.uint32),
            "index": np.frombuffer(_index(starts, spools["lowers"]), np.uint32),
            "ranges": np.array(ranges, np.uint64),
            "prefixes": np.array(prefixes, np.uint64),
        }
        newest = EPOCH + timedelta(seconds=written.newest) if written.newest else None
        info = replace(
            info,
            entries=written.entries,
            numbers=written.numbers,
            ranges=len(ranges),
            prefixes=len(prefixes),
            newest=newest,
        )
        stack.callback(making.unlink, missing_ok=True)
        with making.open("wb") as file:  # not replacement.write: all of it is never in memory
            size = _fill(file, info, spools, {name: a.tobytes() for name, a in small.items()})
            file.flush()
            os.fsync(file.fileno())
        # Nobody shall write into a file that others have mapped: only its folder's owner replaces.
        making.chmod(0o444)
        making.replace(path)
    replacement.to_disk(path.parent)
    return replace(info, size=size)


def _index(starts: Sequence[int], lowers: IO[bytes]) -> array[int]:
    """The index of numbers that lie in a file."""
    lowers.flush()
    if not starts[-1]:
        return array("I")
    with (
        mmap.mmap(lowers.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
        memoryview(mapped) as view,
        view.cast("I") as numbers,
    ):
        return index_of(starts, numbers)


def _fill(
    file: IO[bytes], info: Info, spools: Mapping[str, IO[bytes]], small: Mapping[str, bytes]
) -> int:
    """Write everything into the new file; its size in bytes."""
    arrays = {}
    file.write(bytes(HEAD.size))
    for name in ARRAYS:
        file.write(bytes(-file.tell() % 8))
        begin = file.tell()
        if name in small:
            file.write(small[name])
        else:
            spools[name].seek(0)
            while block := spools[name].read(_COPY):
                file.write(block)
        arrays[name] = begin, file.tell() - begin
    header = {**asdict(info), "arrays": arrays}
    text = json.dumps(header, default=datetime.isoformat).encode()
    size = file.tell() + len(text)
    file.write(text)
    file.seek(0)
    file.write(HEAD.pack(MAGIC, VERSION, len(text), size, zlib.crc32(text), 0))
    return size


def pieces_of(opened: Opened, most: int) -> Iterator[Piece]:
    """A list's entries, `most` or fewer at a time."""
    numbers = opened.numbers
    for at, upper in enumerate(numbers.uppers):
        for first in range(numbers.starts[at], numbers.starts[at + 1], most):
            part = slice(first, min(first + most, numbers.starts[at + 1]))
            lowers = np.frombuffer(numbers.lowers[part], np.uint32).astype(np.uint64)
            whens = numbers.whens[part] if numbers.whens is not None else b""
            yield (
                lowers | (np.uint64(upper) << np.uint64(32)),
                np.frombuffer(whens, np.uint32),
                np.frombuffer(opened.marks[part], np.uint32),
            )
