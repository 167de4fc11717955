"""The files that number lists are made from: found as they were, and read to their end.

A file may be packed with gzip, piped in, or any size; it must not change while it is read. What its
lines hold is for entries.py.
"""

from __future__ import annotations

import gzip
import os
import stat
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from screener.core.numberreader import NumberReader
from screener.core.reportdate import Dates
from screener.errors import ListError
from screener.numberlists.entries import (
    LONGEST_LINE,
    Columns,
    Entries,
    Place,
    PlainText,
    Skipped,
    header,
)
from screener.numberlists.lists import Source

STDIN = "-"
_BLOCK = 1 << 20

Progress = Callable[[str, int, int], None]
"""Told of a source's name, how many of its bytes are read, and how many there are (0: unknown)."""


class SourceFile:
    """One file to be read. `dated` is None until its first line is read (or for ever: it has none).

    `path` is a file, or "-" for what is piped in. `source` is what there is to remember of it once
    it is read: of what cannot be read a second time, only that it was there.
    """

    def __init__(self, path: str, reader: NumberReader, dates: Dates, skipped: Skipped) -> None:
        self.path = path
        self.name = "standard input" if path == STDIN else Path(path).name
        self.dated: bool | None = None
        self.source = Source(path, 0, 0, 0)
        self._reader = reader
        self._dates = dates
        self._skipped = skipped
        self._lines = 0
        self._form: PlainText | Columns | None = None

    def entries(self, tell: Progress) -> Iterator[Entries]:
        """What the file holds, a megabyte at a time.

        Raises ListError when it cannot be read to its end, or was changed meanwhile.
        """
        try:
            with ExitStack() as stack:
                raw = self._open(stack)
                before = os.fstat(raw.fileno())
                for lines in self._blocks(raw, before.st_size, tell):
                    yield self._read(lines)
                self._settle(before, os.fstat(raw.fileno()))
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ListError(f"{self.path} is damaged or not all there ({error})") from None
        except OSError as error:
            why = error.strerror or error
            raise ListError(f"{self.path} cannot be read ({why})") from None

    def _open(self, stack: ExitStack) -> IO[bytes]:
        if self.path == STDIN:
            return sys.stdin.buffer
        return stack.enter_context(Path(self.path).open("rb"))

    def _settle(self, before: os.stat_result, after: os.stat_result) -> None:
        """Remember the file as it was, or raise ListError when it has become another."""
        self.source = Source(self.path, 0, 0, self._lines)
        if not stat.S_ISREG(before.st_mode):
            return
        states = [_state(before), _state(after)]
        if self.path != STDIN:
            states.append(_state(Path(self.path).stat()))
        if len(set(states)) > 1:
            raise self._changed()
        if self.path != STDIN:
            self.source = Source(self.path, before.st_size, before.st_mtime_ns, self._lines)

    def _changed(self) -> ListError:
        return ListError(
            f"{self.path} was changed while it was read: import it again once it is complete"
        )

    def _blocks(self, raw: IO[bytes], size: int, tell: Progress) -> Iterator[list[bytes]]:
        """The file's lines without their ends, some at a time."""
        unpacked = _unpacked(raw)
        rest, end = b"", b"\n"
        while block := unpacked.read(_BLOCK):
            if not self._lines and not rest:
                block = self._begun(block)
                end = b"\r" if b"\r" in block and b"\n" not in block else b"\n"
            *lines, rest = (rest + block).split(end)
            if len(rest) > LONGEST_LINE:
                rest = rest[: LONGEST_LINE + 1]  # the length is all that counts of it any more
            yield lines
            if raw.seekable():
                if raw.tell() > size:  # it might grow for ever
                    raise self._changed()
                tell(self.name, raw.tell(), size)
        if rest:
            yield [rest]

    def _begun(self, block: bytes) -> bytes:
        """The first bytes of a file, without a byte order mark; what is no text is refused."""
        if block.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise ListError(f"{self.path} is UTF-16 text: save it as UTF-8, then import it")
        if block.startswith(b"PK\x03\x04"):
            raise ListError(f"{self.path} is a ZIP archive or a spreadsheet: import the CSV file")
        return block.removeprefix(b"\xef\xbb\xbf")

    def _read(self, lines: list[bytes]) -> Entries:
        found = Entries()
        first = self._lines + 1
        self._lines += len(lines)
        if self._form is None:
            while lines and (not lines[0].strip() or lines[0].lstrip().startswith(b"#")):
                del lines[0]
                first += 1
            if not lines:
                return found
            self._form = header(lines[0], self._dates) or PlainText()
            self.dated = isinstance(self._form, Columns) and self._form.date is not None
            if isinstance(self._form, Columns):
                del lines[0]
                first += 1
        place = Place(self.name, self._reader, self._skipped, found)
        self._form.read(lines, first, place)
        return found


def _state(of: os.stat_result) -> tuple[int, ...]:
    return of.st_dev, of.st_ino, of.st_size, of.st_mtime_ns


def _unpacked(raw: IO[bytes]) -> IO[bytes] | gzip.GzipFile:
    """What is in the file, whether it is packed with gzip or not."""
    peek = getattr(raw, "peek", None)
    start: bytes = peek(2)[:2] if peek is not None else b""
    return gzip.open(raw) if start == b"\x1f\x8b" else raw
