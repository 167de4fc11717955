"""Entries of a list that is being made, piled up on disk and taken off in order.

They come in as they stand in the sources, ten million if need be, and memory holds only a million
at a time: each batch is sorted and put on disk (a file without a name, so that nothing is left of
it whatever happens); then, from all batches, the same stretch of numbers is taken, sorted and freed
of what came twice, and the next stretch.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from screener.numberlists.listfile import Piece

BATCH = 1 << 20
"""Entries that are sorted at a time: some 60 MB."""
_STRIDE = 1 << 12  # of each batch, every so many-th number is kept in mind to find the stretches


class Pile:
    """A pile in `folder`; `dated` where its entries have times and marks. Raises OSError."""

    def __init__(self, folder: Path, dated: bool) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (the pile closes it)
        self._dated = dated
        self._batches: list[tuple[int, int]] = []  # where each begins in the file; its length
        self._samples: list[NDArray[np.uint64]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def __len__(self) -> int:
        """How many entries lie on it, those that came twice counted twice."""
        return sum(count for _, count in self._batches)

    def add(self, piece: Piece) -> None:
        """Put entries on the pile, in any order; `BATCH` of them or fewer."""
        if not len(piece[0]):
            return
        numbers, whens, marks = self._in_order(piece)
        self._batches.append((self._file.seek(0, 2), len(numbers)))
        self._samples.append(numbers[::_STRIDE].copy())
        for array in (numbers, whens, marks):
            self._file.write(array.tobytes())

    def __iter__(self) -> Iterator[Piece]:
        """All entries in order, each once."""
        self._file.flush()
        columns = [self._numbers(*batch) for batch in self._batches]
        edges = [np.searchsorted(column, self._stretches()) for column in columns]
        bounds = [
            [0, *map(int, edge), count]
            for edge, (_, count) in zip(edges, self._batches, strict=True)
        ]
        for stretch in zip(*(pairwise(bound) for bound in bounds), strict=True):
            parts = [
                self._part(batch, first, last)
                for batch, (first, last) in zip(self._batches, stretch, strict=True)
                if first < last
            ]
            if len(parts) == 1:
                yield parts[0]
            elif parts:
                numbers, whens, marks = zip(*parts, strict=True)
                whole = np.concatenate(numbers), np.concatenate(whens), np.concatenate(marks)
                yield self._in_order(whole)

    def _stretches(self) -> NDArray[np.uint64]:
        """The numbers at which a new stretch begins: about `BATCH` entries lie between two."""
        samples = np.sort(np.concatenate(self._samples)) if self._samples else np.empty(0)
        step = BATCH // _STRIDE
        return np.unique(samples[step::step]).astype(np.uint64)

    def _numbers(self, begin: int, count: int) -> NDArray[np.uint64]:
        return np.memmap(self._file, np.uint64, "r", begin, (count,))

    def _part(self, batch: tuple[int, int], first: int, last: int) -> Piece:
        """Entries `first` up to `last` of a batch."""
        begin, count = batch
        whens = begin + 8 * count
        numbers = np.frombuffer(self._read(begin + 8 * first, 8 * (last - first)), np.uint64)
        if not self._dated:
            return numbers, _NONE, _NONE
        return (
            numbers,
            np.frombuffer(self._read(whens + 4 * first, 4 * (last - first)), np.uint32),
            np.frombuffer(self._read(whens + 4 * (count + first), 4 * (last - first)), np.uint32),
        )

    def _read(self, begin: int, length: int) -> bytes:
        self._file.seek(begin)
        return self._file.read(length)

    def _in_order(self, piece: Piece) -> Piece:
        """Sorted by number, time and mark, and of what is the same in all three, one."""
        numbers, whens, marks = piece
        if not self._dated:
            numbers = np.sort(numbers)
            return numbers[np.r_[True, numbers[1:] != numbers[:-1]]], _NONE, _NONE
        order = _order(numbers, whens, marks)
        numbers, whens, marks = numbers[order], whens[order], marks[order]
        differs = (numbers[1:] != numbers[:-1]) | (whens[1:] != whens[:-1])
        kept = np.r_[True, differs | (marks[1:] != marks[:-1])]
        return numbers[kept], whens[kept], marks[kept]


def _order(
    numbers: NDArray[np.uint64], whens: NDArray[np.uint32], marks: NDArray[np.uint32]
) -> NDArray[np.intp]:
    """The order by number, time and mark.

    By number alone it takes a fifth of the time, and most are reported once: so by number first,
    and only those that come more than once by all three.
    """
    order = np.argsort(numbers)
    again = numbers[order[1:]] == numbers[order[:-1]]
    several = np.flatnonzero(np.r_[again, False] | np.r_[False, again])
    own = order[several]
    order[several] = own[np.lexsort((marks[own], whens[own], numbers[own]))]
    return order


_NONE = np.empty(0, np.uint32)
