"""Other programs' lists of callers, read as rules.

    freepbx        the Blacklist module's export: CSV with the header `number,description` (FreePBX
                   blacklist, Blacklist.class.php); and `asterisk -rx "database show blacklist"`,
                   lines like `/blacklist/18005551212  : Telemarketer` (Asterisk, main/db.c)
    callattendant  CSV of its tables Blacklist and Whitelist: PhoneNo, Name, Reason, SystemDateTime
                   (emxsys/callattendant, callattendant/screening/blacklist.py)
    jcblock        blacklist.dat and whitelist.dat: what is searched for in the caller ID, ended by
                   "?"; a date from the 20th column on; a comment (jcblock, blacklist.dat.example)
    ncid           ncidd.blacklist and ncidd.whitelist: expressions held against name and number,
                   "^" for the beginning, `#= NAME` for the caller's name (NCID, ncidd.blacklist(5))
    csv            any table with a header that names a column of numbers, or numbers in a column
    text           a number on each line, and perhaps a name behind it
    vcard          an address book: contacts.py reads it

Each entry becomes a `Rule`, or is `Skipped` with the reason. What is here was written by other
programs and strangers: only what reads as a number, a pattern or a name becomes part of a rule, and
an entry that would match nearly every call becomes none.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias
from unicodedata import category

from screener.core import number, rulefile
from screener.core.callerid import shown
from screener.core.conditions import Condition, From, Named, Withheld
from screener.core.excerpt import unguarded
from screener.core.pattern import NamePattern, NumberPattern
from screener.core.ruleline import LONGEST_LABEL
from screener.core.rules import Action, Rule


class Format(StrEnum):
    """What a list can be written in."""

    FREEPBX = "freepbx"
    CALLATTENDANT = "callattendant"
    JCBLOCK = "jcblock"
    NCID = "ncid"
    VCARD = "vcard"
    TEXT = "text"
    CSV = "csv"


TITLES = {
    Format.FREEPBX: "FreePBX",
    Format.CALLATTENDANT: "callattendant",
    Format.JCBLOCK: "jcblock",
    Format.NCID: "NCID",
    Format.VCARD: "vCard",
    Format.TEXT: "text",
    Format.CSV: "CSV",
}

Line: TypeAlias = tuple[int, str]
"""A line and its number, from 1."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """A list's format, and by what it was told."""

    format: Format
    why: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """An entry that becomes no rule. `text` is harmless to show."""

    line: int
    text: str
    why: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}: {self.why}"


def skipped(line: int, text: str, why: str) -> Skipped:
    """An entry that becomes no rule, its text as a stranger wrote it."""
    return Skipped(line, shown(" ".join(text[:500].split())), why)


# Which format ------------------------------------------------------------------------------------

_ASTDB = re.compile(r"/blacklist/(?P<number>.*?)\s*: ?(?P<name>.*)")
_JCBLOCK = re.compile(r"(?P<field>[^?]{1,18})\?\s*(?:-{6}|[0-9]{6})(?:\s+(?P<name>.*))?")
_NCID = re.compile(r"""\s*(?:\^?(?:"[^"]*"|'[^']*')|[^"'#\s]\S*)""")
_DELIMITERS = ",;\t|"
_LOOKED_AT = 50


def recognise(name: str, lines: Iterable[str]) -> Recognised:
    """The format of a file called `name`, from its first lines. Text, if it is nothing else."""
    told = [line.strip() for line in lines if line.strip()][:_LOOKED_AT]
    data = [line for line in told if not line.startswith(("#", "//"))]
    header = _header(data[0]) if data else None
    if any(line.replace(" ", "").upper() == "BEGIN:VCARD" for line in told):
        return Recognised(Format.VCARD, "a line says BEGIN:VCARD")
    if any(_ASTDB.fullmatch(line) for line in data):
        return Recognised(Format.FREEPBX, "its lines begin with /blacklist/, as Asterisk shows it")
    if header is not None and [cell.strip().lower() for cell in header] == _FREEPBX:
        return Recognised(Format.FREEPBX, "its header is number,description")
    if header is not None and {"phoneno", "systemdatetime"} <= {_key(cell) for cell in header}:
        return Recognised(Format.CALLATTENDANT, "its header has PhoneNo and SystemDateTime")
    if data and 2 * sum(bool(_JCBLOCK.fullmatch(line)) for line in data) >= len(data):
        return Recognised(Format.JCBLOCK, 'its entries end in "?" with a date behind')
    if "ncid" in name.lower():
        return Recognised(Format.NCID, "the file's name says so")
    if any(re.search(r"\s#=", line) or re.match(r"\^|\"\^", line) for line in data):
        return Recognised(Format.NCID, 'its entries have "#=" names or begin with "^"')
    if header is not None and _columns(header) is not None:
        return Recognised(Format.CSV, "its header names a column of numbers")
    if data and all(any(sign in line for sign in _DELIMITERS) for line in data):
        return Recognised(Format.CSV, "each line has more than one column")
    return Recognised(Format.TEXT, "it is none of the others")


def action_by_name(name: str) -> Action | None:
    """What a file's name says of its entries: ncidd.whitelist allows. None: nothing, or both."""
    allows = re.search("white|allow|permit", name.lower())
    blocks = re.search("black|block|deny|spam", name.lower())
    if bool(allows) == bool(blocks):
        return None
    return Action.ALLOW if allows else Action.BLOCK


# Entries -----------------------------------------------------------------------------------------


def label(text: str) -> str:
    """A stranger's words as a rule's label: one line, without signs that nobody sees."""
    return _line(text[:LONGEST_LABEL])


def _line(text: str) -> str:
    return "".join(c if c.isprintable() or category(c) == "Zs" else " " for c in text).strip()


@dataclass(frozen=True, slots=True)
class Source:
    """A list that is being read.

    `action` is what its entries do; None where each must say so itself. `country` (ISO 3166) reads
    its numbers. `file` is its name.
    """

    file: str
    format: Format
    action: Action | None
    country: str

    def entry(
        self,
        line: int,
        text: str,
        condition: Condition | str,
        name: str = "",
        action: Action | None = None,
    ) -> Rule | Skipped:
        """The rule of an entry; `condition` is the reason where it becomes none."""
        action = action or self.action
        if isinstance(condition, str):
            return skipped(line, text, condition)
        if action is None:
            return skipped(line, text, NO_ACTION)
        nameless = "" if self.format in (Format.TEXT, Format.CSV) else f"from {TITLES[self.format]}"
        return Rule(action, (condition,), label(name) or nameless, file=self.file, line=line)


UNCLOSED = "a quote in it is never closed"
NO_ACTION = "nothing says whether to allow or to block it"
Entries: TypeAlias = Iterator[Rule | Skipped]


def read(source: Source, lines: Iterable[Line]) -> Entries:
    """The entries of a list, in its order. A vCard has none here: contacts.py reads it."""
    return _READERS[source.format](source, ((at, line.replace("\0", "")) for at, line in lines))


_LONGEST_NAME = 80  # that may be looked for
_FEWEST = 2  # digits of a pattern, letters of a name: less would match nearly every call
_NO_NUMBER = frozenset(
    {"O", "P", "OUT-OF-AREA", "OUT OF AREA", "NO-NUMBER", "NO NUMBER", "BLOCKED", "UNAVAILABLE"}
    | {"PRIVATE", "ANONYMOUS", "WITHHELD", "UNKNOWN", "RESTRICTED"}
)
_WILD = re.compile(r"[*?]|\.\.|[xX]{2}")
_PAUSE = re.compile(r"(?<=[0-9)])\s*(?:[,;]|[pPwW](?=[0-9#*,])).*", re.DOTALL)
_URI = re.compile(r"<?\s*(?:tel|sips?):", re.IGNORECASE)
_LONGEST_NUMBER = 200


def bare_number(text: str) -> str:
    """A number as address books hold it, without the pauses and keys that are dialled after it.

    "+14155550100,,42#" becomes "+14155550100"; a tel: or sip: URI stays as it is (number.py).
    """
    text = text[:_LONGEST_NUMBER].strip()
    return text if _URI.match(text) else _PAUSE.sub("", text)


def number_condition(text: str, country: str) -> Condition | str:
    """What holds for the number or pattern `text`; a reason where it is none."""
    bare = bare_number(text)
    if not bare:
        return "there is no number"
    if bare.upper() in _NO_NUMBER:
        return Withheld()
    if not any(char.isdigit() for char in bare) and not _WILD.search(bare):
        return f"it is no telephone number in {country}"
    e164 = "" if _WILD.search(bare) else number.read(bare, country).e164
    if e164 and number.is_local(e164):
        return "it has no area code"
    if not e164 and sum(char.isdigit() for char in bare) < _FEWEST and _WILD.search(bare):
        return "it would match nearly every call"
    try:
        return From((NumberPattern(e164 or number.read_pattern(bare, country)),))
    except ValueError as wrong:
        return str(wrong) if _WILD.search(bare) else f"it is no telephone number in {country}"


def name_condition(glob: str) -> Condition | str:
    """What holds for a caller's name, `glob` with its stars; a reason where it is none."""
    glob = " ".join(_line(glob).split())
    if len(glob) > _LONGEST_NAME:
        return "it is longer than any name"
    if sum(char.isalnum() for char in glob) < _FEWEST:
        return "it would match nearly every name"
    return Named((NamePattern(glob),))


# FreePBX -----------------------------------------------------------------------------------------

_FREEPBX = ["number", "description"]


def _freepbx(source: Source, lines: Iterable[Line]) -> Entries:
    """Both of its forms; `dest` and `blocked` are settings that stand among the numbers."""
    for line, text, cells in _freepbx_rows(lines):
        written, name = [cell.strip() for cell in (*cells, "", "")][:2]
        if not cells:
            yield skipped(line, text, UNCLOSED)
        elif written == "dest":
            yield skipped(line, text, "it says where FreePBX sent them; see the word play")
        elif written == "blocked":
            if name == "1":
                yield source.entry(line, text, Withheld(), "FreePBX: block unknown callers")
        elif [written.lower(), name.lower()] != _FREEPBX:
            words = "" if name == "1" else name  # 1: no description was given
            yield source.entry(line, text, number_condition(written, source.country), words)


def _freepbx_rows(lines: Iterable[Line]) -> Iterator[tuple[int, str, Sequence[str]]]:
    table: list[Line] = []
    for line, text in lines:
        if found := _ASTDB.fullmatch(text.strip()):
            yield line, text, (found["number"], found["name"])
        elif not re.match(r"\s*(?:/|[0-9]+ results? found)", text):
            table.append((line, text))  # other families of the database are no lists of callers
    yield from _rows(table, ",")


# Tables ------------------------------------------------------------------------------------------

_NUMBERS = {"number", "phone", "phonenumber", "phoneno", "tel", "telephone", "telephonenumber"}
_NUMBERS |= {"callerid", "nmbr", "callernumber", "e164", "companyphonenumber", "phone1value"}
_NUMBERS |= {"phone2value", "phone3value", "mobilephone", "homephone", "businessphone", "mobile"}
_NUMBERS |= {"rufnummer", "telefon", "nummer", "telefono", "numero", "cid"}
# What a row is called, by the first of these that it fills in.
_NAMES: tuple[str, ...] = (
    "name",
    "displayname",
    "fullname",
    "firstname lastname",
    "givenname familyname",
)
_NAMES += ("vorname nachname", "description", "label", "title", "company", "organization", "cnam")
_NAMES += ("comment", "note", "notes", "reason", "subject")
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


def _key(cell: str) -> str:
    return re.sub(r"[^a-z0-9]", "", cell.lower())


def _header(line: str) -> list[str] | None:
    rows = list(_rows([(1, line)], _delimiter(line)))
    return rows[0][2] if rows else None


def _delimiter(line: str) -> str:
    bare = re.sub(r'"[^"]*"', "", line)
    return max(_DELIMITERS, key=bare.count)


def _columns(header: Sequence[str]) -> _Columns | None:
    """The columns that a header names; None where it names none of numbers."""
    keys = [_key(cell) for cell in header]
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


def _table(source: Source, lines: Iterable[Line]) -> Entries:
    lines = iter(lines)
    first = next((line for line in lines if line[1].strip()), (1, ""))
    delimiter = _delimiter(first[1])
    columns: _Columns | None = None
    for line, text, cells in _rows(_again(first, lines), delimiter):
        if not cells:
            yield skipped(line, text, UNCLOSED)
        elif columns is None and (named := _columns(cells)) is not None:
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
    if word := _key(cell(columns.action)):
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


def _rows(lines: Iterable[Line], delimiter: str) -> Iterator[tuple[int, str, list[str]]]:
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


# jcblock -----------------------------------------------------------------------------------------


def _jcblock(source: Source, lines: Iterable[Line]) -> Entries:
    for line, text in lines:
        if not text.strip() or text.startswith("#"):
            continue
        found = _JCBLOCK.fullmatch(text.strip())
        if found is None:
            yield skipped(line, text, 'expected a field that ends in "?", and a date')
            continue
        condition = _jcblock_condition(found["field"], source.country)
        yield source.entry(line, text, condition, found["name"] or "")


def _jcblock_condition(field: str, country: str) -> Condition | str:
    """The field is searched for anywhere in "--NMBR = 8005551212--NAME = JUNK INC--"."""
    if field.strip(" =") in ("NMBR", "NAME", "DATE", "TIME"):
        return "it would match nearly every call"
    name, number_at, value = field.strip().partition("NMBR =")
    if number_at and not name.strip():
        return _beginning(value.strip(), country)
    if re.fullmatch(r"[0-9 ().+-]+", field.strip()):
        return _anywhere(field.strip(), country)
    _, name_at, value = field.partition("NAME =")
    return name_condition(f"{value.strip()}*" if name_at else f"*{field.strip()}*")


def _beginning(text: str, country: str) -> Condition | str:
    """Numbers that begin with `text`; just the one, where it is a whole number."""
    if text.upper() in _NO_NUMBER:
        return Withheld()
    whole = number.read(text, country).e164
    if whole and number.plan(whole).assigned:
        return From((NumberPattern(whole),))
    return number_condition(f"{text.rstrip('*')}*", country)


_ENOUGH = 8  # digits of an E.164 number that can be meant to be a whole one


def _anywhere(text: str, country: str) -> Condition | str:
    """Numbers that have `text` anywhere in them: only a whole number can be said in a rule."""
    condition = number_condition(text, country)
    match condition:
        case From(patterns=(pattern,)) if len(pattern.text) > _ENOUGH or "*" in pattern.text:
            return condition
        case Withheld():
            return condition
    return "it is a part of a number; a rule says a whole number, or how it begins (+1900*)"


# NCID --------------------------------------------------------------------------------------------

_REGULAR = re.compile(r"[\[\](){}|\\+$]|\.[*+?]")


def _ncid(source: Source, lines: Iterable[Line]) -> Entries:
    for line, text in lines:
        expressions, name = _ncid_line(text)
        for expression in expressions:
            condition = _ncid_condition(expression, source.country)
            yield source.entry(line, expression, condition, name)
        if not expressions and text.strip() and not text.lstrip().startswith("#"):
            yield skipped(line, text, UNCLOSED)


def _ncid_line(text: str) -> tuple[list[str], str]:
    """The expressions of a line, without their quotes, and the name behind "#="."""
    at, found = 0, []
    while expression := _NCID.match(text, at):
        written = expression[0].strip()
        quotes = re.fullmatch(r"(\^?)([\"'])(.*)\2", written)
        found.append(quotes[1] + quotes[3] if quotes else written)
        at = expression.end()
    comment = text[at:].strip()
    return found, comment.removeprefix("#=").strip() if comment.startswith("#=") else ""


def _ncid_condition(expression: str, country: str) -> Condition | str:
    """An expression is held against name and number, anywhere unless it begins with "^"."""
    begins = expression.startswith("^")
    body = re.sub(r"^\^(1\?)?", "", expression).strip()
    if body.upper() in _NO_NUMBER:
        return Withheld()
    if re.fullmatch(r"\+?[0-9 ().-]*[0-9][0-9 ().-]*\*?", body):
        return _beginning(body, country) if begins else _anywhere(body, country)
    if not re.search(r"[^\W\d_]", body):
        return "it is an expression on numbers; a rule says how they begin (+1900*)"
    if _REGULAR.search(body):
        return _expression_condition(expression.strip())
    return name_condition(body + "*" if begins else f"*{body}*")


def _expression_condition(expression: str) -> Condition | str:
    expression = _line(expression)
    try:
        return Named((NamePattern("/" + re.sub(r"(?<!\\)/", r"\/", expression) + "/"),))
    except ValueError as wrong:
        return f"it is no regular expression ({wrong})"


# Plain text --------------------------------------------------------------------------------------

_SPLIT = re.compile(r"\s{2,}|\t|\s*[,;|]\s*|\s+(?=#|//|-\s)")
_HEAD = re.compile(r"\+?[0-9(][0-9 ().+/-]*[0-9)*?](?:\s*\.\.\s*\+[0-9]+)?\*?")
_OPENING = " \t#/-;,:|\"'"


def _text(source: Source, lines: Iterable[Line]) -> Entries:
    for line, text in lines:
        written = text.strip()
        if not written or written.startswith(("#", "//", ";")):
            continue
        yield source.entry(line, text, *_text_entry(written, source.country))


def _text_entry(text: str, country: str) -> tuple[Condition | str, str]:
    """The condition and the name of a line like `800 555 1212  Telemarketer # since May`."""
    if _URI.match(text):
        written, _, tail = text.partition(" ")
        return number_condition(written, country), tail.strip(_OPENING)
    head, *rest = _SPLIT.split(text, maxsplit=1)
    tail = rest[0] if rest else ""
    condition = number_condition(head, country)
    if isinstance(condition, str) and (found := _HEAD.match(text)):
        condition, tail = number_condition(found[0], country), text[found.end() :]
    if isinstance(condition, str):
        word, _, after = text.partition(" ")
        second = number_condition(word, country)
        if not isinstance(second, str):
            condition, tail = second, after
    return condition, tail.strip(_OPENING)


_READERS: Mapping[Format, Callable[[Source, Iterable[Line]], Entries]] = {
    Format.FREEPBX: _freepbx,
    Format.CALLATTENDANT: _table,
    Format.JCBLOCK: _jcblock,
    Format.NCID: _ncid,
    Format.TEXT: _text,
    Format.CSV: _table,
    Format.VCARD: lambda source, lines: iter(()),
}
