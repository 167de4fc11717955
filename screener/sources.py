"""The files that number lists are made from, line by line: FTC complaints, any CSV, plain text.

A CSV file has a header that names a column of telephone numbers, and may name one of dates: then
each line is a report. Without such a header a file is plain text: on each line a number, the
beginning of one and a `*` (+1900*), or a range (+14155550100..+14155550199); what stands behind it
is a comment, as is what begins with #. Numbers are E.164, or as people write them in the configured
country. Either kind may be packed with gzip.

A line is a line: no quoted field goes over its end. So a stray quotation mark costs one line. What
cannot be read is skipped and counted, and the first of it told with its line and why.
"""

from __future__ import annotations

import csv
import gzip
import os
import re
import stat
import sys
import zlib
from array import array
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import compress
from pathlib import Path
from typing import IO

from screener import blocks
from screener.core.callerid import shown
from screener.core.numberlist import LAST_MOMENT, aligned, as_integer, seconds_of
from screener.core.numberreader import NumberReader, decoded
from screener.errors import ListError
from screener.lists import Source

STDIN = "-"
LONGEST_LINE = 65_536
"""Bytes; a longer line is skipped."""
MOST_RANGES = 500_000
"""Ranges and prefixes that one list may have: unlike numbers, they are held in memory."""
_BLOCK = 1 << 20
_TOLD = 5  # skipped lines that are told; the others are counted

Progress = Callable[[str, int, int], None]
"""Told of a source's name, how many of its bytes are read, and how many there are (0: unknown)."""


@dataclass(slots=True)
class Skipped:
    """What could not be read, so far: lines without any number, other lines, and the first few of
    these with why; `undated` reports are kept but carry no date that could be read."""

    blank: int = 0
    unread: int = 0
    undated: int = 0
    told: list[str] = field(default_factory=list)

    def note(self, source: str, line: int, why: Callable[[], str]) -> None:
        """A line that is left out."""
        self.unread += 1
        if len(self.told) < _TOLD:
            self.told.append(f"{shown(source)}:{line}: {why()}")


@dataclass(slots=True)
class Entries:
    """What some lines hold: integers of numbers; of reports, when and the marks as well; firsts and
    lasts of ranges and of prefixes (aligned)."""

    numbers: array[int] = field(default_factory=lambda: array("Q"))
    whens: array[int] = field(default_factory=lambda: array("I"))
    marks: array[int] = field(default_factory=lambda: array("I"))
    ranges: list[tuple[int, int]] = field(default_factory=list)
    prefixes: list[tuple[int, int]] = field(default_factory=list)


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
        self._form: _Text | _Csv | None = None

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
            self._form = _header(lines[0], self._dates) or _Text()
            self.dated = isinstance(self._form, _Csv) and self._form.date is not None
            if isinstance(self._form, _Csv):
                del lines[0]
                first += 1
        place = _Place(self.name, self._reader, self._skipped, found)
        self._form.read(lines, first, place)
        return found


def _state(of: os.stat_result) -> tuple[int, ...]:
    return of.st_dev, of.st_ino, of.st_size, of.st_mtime_ns


def _unpacked(raw: IO[bytes]) -> IO[bytes] | gzip.GzipFile:
    """What is in the file, whether it is packed with gzip or not."""
    peek = getattr(raw, "peek", None)
    start: bytes = peek(2)[:2] if peek is not None else b""
    return gzip.open(raw) if start == b"\x1f\x8b" else raw


# Lines -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Place:
    """Where lines come from and where what they hold goes."""

    source: str
    reader: NumberReader
    skipped: Skipped
    found: Entries

    def skip(self, line: int, text: bytes) -> None:
        """Leave out a line in whose `text` there is no number."""
        self.skipped.note(self.source, line, lambda: self._why(text))

    def too_long(self, line: int) -> None:
        """Leave out a line that is none that a person has written."""
        why = f"the line is longer than {LONGEST_LINE} characters"
        self.skipped.note(self.source, line, lambda: why)

    def _why(self, text: bytes) -> str:
        try:
            self.reader.pattern(text)
        except ValueError as error:
            return str(error)
        return f"{shown(decoded(text[:80]))} is not what a list can hold: it holds whole numbers"


_COMMENT = re.compile(rb"[#;,\t]|  |//")
_NUMBER = rb"\+?\(?[0-9](?:[0-9 ()./-]*[0-9])?"
_PATTERN = re.compile(_NUMBER + rb"(?: ?\.\. ?" + _NUMBER + rb"|[-. ]?[?xX]+\*?|[-. ]?\*)(?=\s|$)")
_HEAD = re.compile(_NUMBER)


class _Text:
    """Plain text: a number, prefix or range on each line."""

    def read(self, lines: list[bytes], first: int, to: _Place) -> None:
        number, keep = to.reader.read, to.found.numbers.append
        glance = to.reader.glance
        for at, whole in _unusual(blocks.plain, lines, first, to):
            line = whole.strip()
            value = glance(line)
            if value:
                keep(value)
            elif len(line) > LONGEST_LINE:
                to.too_long(at)
            elif line:
                self.odd(line, at, to, number)

    @staticmethod
    def odd(line: bytes, at: int, to: _Place, number: Callable[[bytes], int]) -> None:
        """A line that is not just a number: with a comment, a prefix, a range, or nonsense."""
        text = _COMMENT.split(line, maxsplit=1)[0].strip(b" \"'")
        if not text:
            to.skipped.blank += line[:1] not in b"#;/"
        elif (pattern := _PATTERN.match(text)) or text in (b"*", b"+*"):
            if not _keep_pattern(pattern[0] if pattern else text, to):
                to.skip(at, pattern[0] if pattern else text)
        elif value := _leading(text, number):
            to.found.numbers.append(value)
        else:
            to.skip(at, text)


def _unusual(
    form: Callable[[list[bytes]], blocks.Found], lines: list[bytes], first: int, to: _Place
) -> Iterator[tuple[int, bytes]]:
    """The lines that are not of the usual form, with their numbers; the others are kept."""
    if not to.reader.american or not lines:
        return enumerate(lines, first)
    numbers, whens, fits = form(lines)
    to.found.numbers.frombytes(numbers.tobytes())
    if len(whens):
        to.found.whens.frombytes(whens.tobytes())
        usual = compress(lines, fits.tolist())
        to.found.marks.extend(map(zlib.crc32, map(bytes.strip, usual)))
    others = (~fits).nonzero()[0].tolist()
    return ((first + at, lines[at]) for at in others)


def _keep_pattern(text: bytes, to: _Place) -> bool:
    """Keep a prefix or a range; False where it is neither."""
    try:
        pattern = to.reader.pattern(text)
    except ValueError:
        return False
    first, _, last = pattern.partition("..")
    beginning = pattern.rstrip("*").rstrip("?")
    if last:
        to.found.ranges.append((as_integer(first), as_integer(last)))
        return True
    if not as_integer(beginning):  # every number, or a ? that is followed by a digit
        return False
    if pattern.endswith("?*"):
        return False
    if pattern.endswith("*"):
        value = int(beginning)
        to.found.prefixes.append((aligned(value), aligned(value, "9")))
        return True
    open_digits = len(pattern) - len(beginning)
    value = int(beginning) * 10**open_digits
    to.found.ranges.append((value, value + 10**open_digits - 1))
    return True


def _leading(text: bytes, number: Callable[[bytes], int]) -> int:
    """The number at a line's beginning: its longest part that is one; 0 for none."""
    head = _HEAD.match(text)
    if head is None or b" " not in text:
        return number(text)
    words = head[0].split()[:8]
    for count in range(len(words), 0, -1):
        if value := number(b" ".join(words[:count])):
            return value
    return 0


# Columns -----------------------------------------------------------------------------------------

# In the order in which they are preferred.
_NUMBERS = (
    *("company_phone_number", "phone_number", "phonenumber", "phone", "telephone_number"),
    *("telephone", "tel", "caller_id_number", "callerid_number", "caller_id", "callerid", "cid"),
    *("caller", "calling_number", "number", "num", "msisdn", "e164", "from", "src", "source"),
)
_DATES = (
    *("created_date", "report_date", "reported_at", "reported", "date_reported", "date_created"),
    *("created_at", "created", "ticket_created", "date", "datetime", "date_time", "timestamp"),
    *("time", "when", "calldate", "call_date", "date_of_issue", "violation_date", "last_seen"),
)


@dataclass(slots=True)
class _Csv:
    """Lines of fields: which of them is the number, which the date (None: there is none)."""

    delimiter: bytes
    number: int
    date: int | None
    dates: Dates

    def read(self, lines: list[bytes], first: int, to: _Place) -> None:
        if self.date is None:
            self._read_plain(lines, first, to)
            return
        number, when = to.reader.read, self.dates.read
        keep, date, mark = to.found.numbers.append, to.found.whens.append, to.found.marks.append
        column, dated, delimiter = self.number, self.date, self.delimiter
        most = max(column, dated) + 1
        usual = (column, dated, delimiter) == (0, 1, b",")
        numbered = (
            _unusual(blocks.complaints, lines, first, to) if usual else enumerate(lines, first)
        )
        for at, whole in numbered:
            line = whole.strip()
            fields = line.split(delimiter, most) if b'"' not in line else self._quoted(line, most)
            value = number(fields[column]) if column < len(fields) else 0
            if not value:
                self._skip(line, fields, at, to)
                continue
            moment = when(fields[dated]) if dated < len(fields) else 0
            if not moment:
                to.skipped.undated += 1
            keep(value)
            date(moment)
            mark(zlib.crc32(line))

    def _read_plain(self, lines: list[bytes], first: int, to: _Place) -> None:
        text, number, keep = _Text.odd, to.reader.read, to.found.numbers.append
        for at, whole in enumerate(lines, first):
            line = whole.strip()
            fields = self._quoted(line, self.number + 1) if line else []
            own = fields[self.number].strip() if self.number < len(fields) else b""
            value = to.reader.glance(own) if own else 0
            if value:
                keep(value)
            elif own and len(line) <= LONGEST_LINE:
                text(own, at, to, number)
            else:
                self._skip(line, fields, at, to)

    def _skip(self, line: bytes, fields: list[bytes], at: int, to: _Place) -> None:
        own = fields[self.number].strip() if self.number < len(fields) else b""
        if len(line) > LONGEST_LINE:
            to.too_long(at)
        elif not own:
            to.skipped.blank += bool(line)
        else:
            to.skip(at, own)

    def _quoted(self, line: bytes, most: int) -> list[bytes]:
        """The first fields of a line that may have quoted ones."""
        fields = line.split(self.delimiter, most)
        # No delimiter within quotes, so far as we look: as in nearly every line.
        if all(text.count(b'"') in (0, 2) for text in fields[:most]):
            return [text.strip(b' "') for text in fields]
        if len(line) > LONGEST_LINE:
            return []
        row = _fields(line.decode("latin-1"), self.delimiter)
        return [text.encode("latin-1") for text in row]


def _header(line: bytes, dates: Dates) -> _Csv | None:
    """What a file's first line says of its columns; None where it is no header."""
    if len(line) > LONGEST_LINE:
        return None
    delimiter = max((b",", b";", b"\t", b"|"), key=line.count)
    texts = _fields(decoded(line), delimiter)
    columns = [re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") for text in texts]
    if any(sum(c.isdigit() for c in column) > 4 for column in columns):
        return None
    number = _place(_NUMBERS, columns)
    if number is None:
        likely = (at for at, name in enumerate(columns) if "phone" in name or "caller_id" in name)
        number = next(likely, None)
    if number is None or (len(columns) == 1 and len(columns[0]) > 30):
        return None
    return _Csv(delimiter, number, _place(_DATES, columns), dates)


def _fields(line: str, delimiter: bytes) -> list[str]:
    lines = [line.replace("\r", " ")]  # a line is a line
    return next(csv.reader(lines, delimiter=delimiter.decode()), [])


def _place(wanted: tuple[str, ...], columns: list[str]) -> int | None:
    return next((columns.index(name) for name in wanted if name in columns), None)


# Dates -------------------------------------------------------------------------------------------

_MONTH_FIRST = frozenset({"US", "PR", "GU", "VI", "AS", "MP", "PH", "FM", "PW", "MH"})
_SLASHED = re.compile(
    r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4})"
    r"(?:[ T,]+(\d{1,2}):(\d\d)(?::(\d\d))?(?:\.\d+)?\s*([AaPp][Mm])?)?"
)
_USUAL = re.compile(rb"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d:\d\d)?")
_MOST_KEPT = 100_000  # a day has 86,400 seconds


class Dates:
    """Reads the dates of reports, as `country` writes them; those without a zone are UTC.

    ISO 8601 (2024-01-02 00:11:22), 1/2/2024 13:45 (the month first where people write so),
    2.1.2024, and seconds since 1970.
    """

    def __init__(self, country: str) -> None:
        self._month_first = country in _MONTH_FIRST
        self._days: dict[bytes, int] = {}
        self._clocks: dict[bytes, int] = {}

    def read(self, text: bytes) -> int:
        """Seconds since 2000 (UTC), 1 or more; 0 when it is no date."""
        try:  # 2024-01-02 00:11:22: a day and a time of day that have come before
            return self._days[text[:10]] + self._clocks[text[10:]]
        except KeyError:
            return self._first_time(text)

    def _first_time(self, text: bytes) -> int:
        moment = self._moment(decoded(text[:64]).strip())
        if moment is None:
            return 0
        seconds = min(max(seconds_of(moment), 1), LAST_MOMENT)
        clock = 3600 * moment.hour + 60 * moment.minute + moment.second
        room = len(self._days) < _MOST_KEPT and len(self._clocks) < _MOST_KEPT
        if _USUAL.fullmatch(text) and seconds > 86_400 and room:
            self._days[text[:10]] = seconds - clock
            self._clocks[text[10:]] = clock
        return seconds

    def _moment(self, text: str) -> datetime | None:
        try:
            if text.isdigit() and len(text) == 10:
                return datetime.fromtimestamp(int(text), UTC)
            if slashed := _SLASHED.fullmatch(text):
                return self._slashed(slashed)
            moment = datetime.fromisoformat(text.replace("/", "-"))
        except (ValueError, OverflowError, OSError):
            return None
        try:
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except OverflowError:
            return None

    def _slashed(self, found: re.Match[str]) -> datetime:
        """A date with the year last. Raises ValueError where there is no such day."""
        first, second, year = int(found[1]), int(found[3]), int(found[4])
        month_first = found[2] == "/" and self._month_first
        month, day = (first, second) if month_first else (second, first)
        if month > 12:  # then it can only be the other way
            month, day = day, month
        hour = int(found[5] or 0)
        if found[8]:
            hour = hour % 12 + (12 if found[8].lower() == "pm" else 0)
        clock = hour, int(found[6] or 0), int(found[7] or 0)
        return datetime(year, month, day, *clock, tzinfo=UTC)
