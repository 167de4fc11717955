"""Tables: CSV with a header that names a column of numbers, or with numbers in a column.

callattendant's tables Blacklist and Whitelist are such: PhoneNo, Name, Reason, SystemDateTime
(emxsys/callattendant, callattendant/screening/blacklist.py).
"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from screener.core import rulefile
from screener.core.callerid import shown
from screener.core.excerpt import unguarded
from screener.core.foreign.listing import UNCLOSED, Entries, Line, Skipped, Source, skipped
from screener.core.foreign.named import number_condition
from screener.core.rules import Action, Rule

DELIMITERS = ",;\t|"
_NUMBERS = frozenset(
    {
        *("number", "phone", "phonenumber", "phoneno", "tel", "telephone", "telephonenumber"),
        *("callerid", "nmbr", "callernumber", "e164", "companyphonenumber", "cid"),
        *("phone1value", "phone2value", "phone3value"),
        *("mobilephone", "homephone", "businessphone", "mobile"),
        *("rufnummer", "telefon", "nummer", "telefono", "numero"),
    }
)
# What a row is called, by the first of these that it fills in.
_NAMES = (
    *("name", "displayname", "fullname"),
    *("firstname lastname", "givenname familyname", "vorname nachname"),
    *("description", "label", "title", "company", "organization", "cnam"),
    *("comment", "note", "notes", "reason", "subject"),
)
_ACTIONS = {"action", "list", "type", "listtype", "rule"}
_ALLOWING = {"allow", "white", "whitelist", "permit", "permitted", "accept", "allowed", "good"}
_BLOCKING = {"block", "black", "blacklist", "blocked", "deny", "denied", "reject", "spam", "bad"}
_UNCLOSED = 10  # lines that a cell with line ends in it may go over


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where in a row what stands; -1 where there is no such column."""

    numbers: tuple[int, ...]
    names: tuple[tuple[int, ...], ...] = ()
    action: int = -1
    then: int = -1


def folded(cell: str) -> str:
    """A header's cell as it is compared: "Phone No." is phoneno."""
    return re.sub(r"[^a-z0-9]", "", cell.lower())


def header_of(line: str) -> list[str] | None:
    """The cells of a table's first line; None where it is blank."""
    first = next(rows([(1, line)], _delimiter(line)), None)
    return first[2] if first is not None else None


def _delimiter(line: str) -> str:
    bare = re.sub(r'"[^"]*"', "", line)
    return max(DELIMITERS, key=bare.count)


def columns_of(header: Sequence[str]) -> _Columns | None:
    """The columns that a header names; None where it names none of numbers."""
    keys = [folded(cell) for cell in header]
    numbers = [at for at, key in enumerate(keys) if key in _NUMBERS]
    if not numbers:
        return None
    names = tuple(tuple(keys.index(key) for key in name.split() if key in keys) for name in _NAMES)
    actions = [at for at, key in enumerate(keys) if key in _ACTIONS]
    then = keys.index("then") if "then" in keys else -1
    return _Columns(tuple(numbers), names, actions[0] if actions else -1, then)


def _guessed(cells: Sequence[str], country: str) -> _Columns:
    """The columns of a table without a header: the first that is a number, the text beside it."""
    at = next(
        (i for i, cell in enumerate(cells) if not isinstance(number_condition(cell, country), str)),
        0,
    )
    others = [i for i, cell in enumerate(cells) if i != at and re.search(r"[^\W\d]", cell)]
    return _Columns((at,), (tuple(others[:1]),))


def entries(source: Source, lines: Iterable[Line]) -> Entries:
    """The entries of a table, whose first row may be a header."""
    lines = iter(lines)
    first = next((line for line in lines if line[1].strip()), (1, ""))
    delimiter = _delimiter(first[1])
    columns: _Columns | None = None
    for line, text, cells in rows(_again(first, lines), delimiter):
        if not cells:
            yield skipped(line, text, UNCLOSED)
        elif columns is None and (named := columns_of(cells)) is not None:
            columns = named
        else:
            columns = columns or _guessed(cells, source.country)
            yield from _row(source, line, text, cells, columns)


def _again(first: Line, lines: Iterator[Line]) -> Iterator[Line]:
    yield first
    yield from lines


def _row(source: Source, line: int, text: str, cells: Sequence[str], columns: _Columns) -> Entries:
    """The entries of a row: one for each of its numbers."""

    def cell(at: int) -> str:
        return unguarded(cells[at].strip()) if 0 <= at < len(cells) else ""

    names = (" ".join(cell(at) for at in name).strip() for name in columns.names)
    name = next((words for words in names if words), "")
    action = source.action
    if word := folded(cell(columns.action)):
        action = _action(word)
        if action is None:
            yield skipped(line, text, f"{shown(word)} is no action; expected allow or block")
            return
    numbers = [written for at in columns.numbers if (written := cell(at))]
    for written in numbers or [""]:
        condition = number_condition(written, source.country)
        rule = source.entry(line, text, condition, name, action)
        yield _with_tail(rule, text, cell(columns.then), source.country)


def _action(word: str) -> Action | None:
    if word in _ALLOWING:
        return Action.ALLOW
    if word in _BLOCKING:
        return Action.BLOCK
    return Action(word) if word in set(Action) else None


def _with_tail(rule: Rule | Skipped, text: str, then: str, country: str) -> Rule | Skipped:
    """The rule with what stands behind its label: "play busy", "ring home expires 9mo"."""
    if isinstance(rule, Skipped) or not then:
        return rule
    if len(then.splitlines()) == 1 and "#" not in then:
        rules, mistakes = rulefile.parse(f"{rulefile.write(rule)} {then}", rule.file, country)
        if not mistakes and len(rules) == 1 and rules[0].conditions == rule.conditions:
            return replace(rules[0], label=rule.label, line=rule.line)
    return skipped(rule.line, text, f"{shown(then)} is nothing that {rule.action} does")


def rows(lines: Iterable[Line], delimiter: str) -> Iterator[tuple[int, str, list[str]]]:
    """Rows of a table: line, text, cells. A cell may have line ends in it, within quotes.

    A quote that is not closed within a few lines costs its line only, and gives no cells.
    """
    waiting: list[Line] = []
    for line in itertools.chain(lines, [None]):
        waiting += [line] if line else []
        while waiting:
            count = _closed(waiting)
            if not count and line and len(waiting) <= _UNCLOSED:
                break
            row, waiting = waiting[: count or 1], waiting[count or 1 :]
            text = "\n".join(part for _, part in row)
            yield from _cells(row[0][0], text, delimiter) if count else [(row[0][0], text, [])]


def _closed(lines: Iterable[Line]) -> int:
    """How many lines the first row takes: those in which each quote is closed; 0: none is."""
    quotes = 0
    for count, (_, text) in enumerate(lines, start=1):
        quotes += text.count('"')
        if quotes % 2 == 0:
            return count
    return 0


def _cells(line: int, text: str, delimiter: str) -> Iterator[tuple[int, str, list[str]]]:
    if not text.strip():
        return
    try:
        cells = next(csv.reader([text], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:
        cells = []
    yield line, text, cells
