"""What the lines of a number list's source hold: numbers, reports, prefixes, ranges.

A file has one of two forms. Columns have a header that names a column of telephone numbers, and may
name one of dates: then each line is a report. Without such a header a file is plain text: on each
line a number, the beginning of one and a `*` (+1900*), or a range (+14155550100..+14155550199);
what stands behind it is a comment, as is what begins with #. Numbers are E.164, or as people write
them in the configured country.

A line is a line: no quoted field goes over its end. So a stray quotation mark costs one line. What
cannot be read is skipped and counted, and the first of it told with its line and why.
"""

from __future__ import annotations

import csv
import re
import zlib
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import compress

from screener.core.callerid import shown
from screener.core.numberlist import aligned, as_integer
from screener.core.numberreader import NumberReader, decoded
from screener.core.reportdate import Dates
from screener.numberlists import blocks

LONGEST_LINE = 65_536
"""Bytes; a longer line is skipped."""
MOST_RANGES = 500_000
"""Ranges and prefixes that one list may have: unlike numbers, they are held in memory."""
_TOLD = 5  # skipped lines that are told; the others are counted


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


@dataclass(frozen=True, slots=True)
class Place:
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


class PlainText:
    """Plain text: a number, prefix or range on each line."""

    def read(self, lines: list[bytes], first: int, to: Place) -> None:
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
    def odd(line: bytes, at: int, to: Place, number: Callable[[bytes], int]) -> None:
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
    form: Callable[[list[bytes]], blocks.Found], lines: list[bytes], first: int, to: Place
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


def _keep_pattern(text: bytes, to: Place) -> bool:
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
class Columns:
    """Lines of fields: which of them is the number, which the date (None: there is none)."""

    delimiter: bytes
    number: int
    date: int | None
    dates: Dates

    def read(self, lines: list[bytes], first: int, to: Place) -> None:
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

    def _read_plain(self, lines: list[bytes], first: int, to: Place) -> None:
        text, number, keep = PlainText.odd, to.reader.read, to.found.numbers.append
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

    def _skip(self, line: bytes, fields: list[bytes], at: int, to: Place) -> None:
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


def header(line: bytes, dates: Dates) -> Columns | None:
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
    return Columns(delimiter, number, _place(_DATES, columns), dates)


def _fields(line: str, delimiter: bytes) -> list[str]:
    lines = [line.replace("\r", " ")]  # a line is a line
    return next(csv.reader(lines, delimiter=delimiter.decode()), [])


def _place(wanted: tuple[str, ...], columns: list[str]) -> int | None:
    return next((columns.index(name) for name in wanted if name in columns), None)
