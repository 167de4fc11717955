"""The owner's rules on disk, read as one: rule files, number lists and address books.

`load` reads them all or raises ConfigError with every mistake. Files that change while they are
read are read again. How the running service keeps up with them is in inforce.py.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from screener import textfile
from screener.config import Settings
from screener.core import rulefile, ruletext
from screener.core.call import Call
from screener.core.conditions import Condition, InContacts, Listed, Neighbour, Not
from screener.core.number import Number
from screener.core.rules import Rule, RuleSet
from screener.core.shelf import Contacts, NumberList, Shelf
from screener.errors import ConfigError
from screener.numberlists import lists

RULES = ".rules"
BOOKS = ".vcf"
MOST_BYTES = 16 << 20
"""What a rule file may hold: some 200,000 lines. Numbers by the million belong into a list."""

STILL = 0.15
"""Seconds that files must have been still before they are read."""
_TRIES = 20  # readings of files that change while they are read
_MOST_MISTAKES = 20  # that are told one by one

Stamp: TypeAlias = tuple[int, int, int, int]
Stamps: TypeAlias = Mapping[str, Stamp]
"""Of each file, by its path, what tells whether it has changed: its mtime, ctime, size and inode.
All zero where it cannot be looked at."""
_Book: TypeAlias = tuple[Contacts, tuple[str, ...]]
Books: TypeAlias = dict[Path, tuple[Stamp, _Book]]
"""Address books as they were read, with what is wrong in them, for the next reading."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Rules as they were read: from how many files, and what else is wrong there.

    `troubles` are sentences about what was skipped (a broken entry of an address book); `stamps`
    are those of everything that was read.
    """

    rules: RuleSet
    files: int = 0
    troubles: tuple[str, ...] = ()
    stamps: Stamps = field(default_factory=dict)


def load(
    settings: Settings, folder: Path | None = None, used: Mapping[str, datetime] | None = None
) -> RuleSet:
    """The rules in `folder` (the one that screener.toml names, unless given), ready to judge calls.

    `used` says when each rule was last used, for those that expire (core/shelf.py). Raises
    ConfigError with every mistake of every file, each with its path, line and column.
    """
    return read(settings, folder, used).rules


def read(
    settings: Settings,
    folder: Path | None = None,
    used: Mapping[str, datetime] | None = None,
    books: Books | None = None,
) -> Loaded:
    """As `load`, with what else is to be told. `books` keeps address books from one reading to the
    next: a large one takes a while."""
    folder = folder or settings.rules
    for _ in range(_TRIES):
        before = look(settings, folder)
        reading = _Reading(settings, folder, before, {} if books is None else books)
        loaded = reading.loaded({} if used is None else used)
        if look(settings, folder) == before:
            if reading.mistakes:
                raise ConfigError(reading.mistakes)
            return loaded
        time.sleep(STILL)
    raise ConfigError([f"{folder}: its files change all the time: they could not be read at rest"])


def look(settings: Settings, folder: Path) -> Stamps:
    """The stamps of all that rules in `folder` are made of. Never raises."""
    stamps: dict[str, Stamp] = {}
    for where, endings in ((folder, (RULES, BOOKS)), (_lists(settings), (lists.SUFFIX,))):
        try:
            with os.scandir(where) as entries:
                found = [entry for entry in entries if _counts(entry.name, endings)]
        except OSError as error:
            found = []
            stamps[str(where)] = (error.errno or 0, 0, 0, 0)
        for entry in found:
            stamps[entry.path] = _stamp(entry)
    return stamps


def _counts(name: str, endings: tuple[str, ...]) -> bool:
    """Hidden files are not the owner's: `.#1.rules` is how Emacs marks what it has open."""
    return name.endswith(endings) and not name.startswith(".")


def _stamp(entry: os.DirEntry[str]) -> Stamp:
    try:
        at = entry.stat()
    except OSError:
        return (0, 0, 0, 0)
    return (at.st_mtime_ns, at.st_ctime_ns, at.st_size, at.st_ino)


def lying_in(folder: Path, stamps: Stamps) -> list[Path]:
    """The files in the folder itself, in the order of their names."""
    return sorted(path for path in map(Path, stamps) if path.parent == folder)


def _lists(settings: Settings) -> Path:
    return lists.folder(settings.data)


class _Reading:
    """One reading of all files; `mistakes` are what keeps the rules from coming into force."""

    def __init__(
        self,
        settings: Settings,
        folder: Path,
        stamps: Stamps,
        books: Books,
    ) -> None:
        self.mistakes: list[str] = []
        self._settings = settings
        self._folder = folder
        self._stamps = stamps
        self._books = books
        self._texts: dict[str, list[str]] = {}
        self._troubles: list[str] = []

    def loaded(self, used: Mapping[str, datetime]) -> Loaded:
        self._check_folder()
        rules = tuple(self._rules())
        shelf = Shelf(self._open_lists(rules), self._read_books(rules), used)
        made = RuleSet(rules, shelf)
        warm(made)
        return Loaded(made, len(self._texts), tuple(self._troubles), self._stamps)

    def _check_folder(self) -> None:
        """A folder that is gone or may not be read holds no rules; that is never meant."""
        try:
            os.scandir(self._folder).close()
        except OSError as error:
            self.mistakes.append(f"{self._folder}: cannot be read ({error.strerror})")

    def _of(self, ending: str) -> list[Path]:
        return [path for path in lying_in(self._folder, self._stamps) if path.suffix == ending]

    def _rules(self) -> Iterable[Rule]:
        names = self._names()
        for path in self._of(RULES):
            text = self._text(path)
            self._texts[path.name] = ruletext.lines(text)
            rules, wrong = rulefile.parse(text, path.name, self._settings.country, names)
            self.mistakes.extend(f"{self._folder}/{mistake}" for mistake in wrong)
            yield from rules

    def _text(self, path: Path) -> str:
        """What a rule file holds; "" and a mistake where that cannot be read."""
        try:
            if _size(path) > MOST_BYTES:
                self.mistakes.append(
                    f"{path}: more than {MOST_BYTES >> 20} MB is too much for a rule file: put the"
                    " numbers into a list (`screener lists import`)"
                )
                return ""
            return path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            self.mistakes.append(f"{path}:{textfile.not_utf8(error)}")
        except OSError as error:
            self.mistakes.append(f"{path}: cannot be read ({error.strerror})")
        return ""

    def _names(self) -> rulefile.Names:
        """What rules may name. A list that still is a text file here may be named as well, for a
        better word than that there is none."""
        directory = self._settings.directory
        plain = {path.name for path in self._folder.glob("*") if path.suffix in (".csv", ".txt")}
        return rulefile.Names(
            groups=frozenset(directory.groups),
            extensions=frozenset(directory.extensions),
            dids=frozenset(directory.doors),
            boxes=frozenset(directory.boxes),
            lists=lists.names(self._settings.data) | plain,
            contacts=frozenset(path.name for path in self._of(BOOKS)),
            outside=directory.outside,
        )

    def _open_lists(self, rules: Iterable[Rule]) -> Mapping[str, NumberList]:
        """All lists. One that a rule asks must be there and whole."""
        there, troubles = lists.open_all(self._settings.data)
        for rule, name in lists_of(rules):
            if name in there:
                continue
            damaged = [trouble for trouble in troubles if f"{name}{lists.SUFFIX}" in trouble]
            file = self._folder / name
            never = f"the list {name} is not imported yet: `screener lists import {file}`"
            self.mistakes.append(f"{self._place(rule, name)}: {damaged[0] if damaged else never}")
        self._troubles += troubles
        return there

    def _read_books(self, rules: Iterable[Rule]) -> Mapping[str, Contacts]:
        """The address books that rules name."""
        books: dict[str, Contacts] = {}
        for rule, name in self._named_books(rules):
            if name in books:
                continue
            path = self._folder / name
            try:
                _size(path)
                path.open("rb").close()
            except OSError as error:
                place = self._place(rule, name)
                self.mistakes.append(f"{place}: {path} cannot be read ({error.strerror})")
                continue
            books[name], troubles = self._book(path)
            self._troubles += [f"{self._folder}/{trouble}" for trouble in troubles]
        return books

    def _named_books(self, rules: Iterable[Rule]) -> Iterable[tuple[Rule, str]]:
        """The address books that rules name; `neighbour` means those in any."""
        for rule, asked in _asked(rules):
            if isinstance(asked, InContacts):
                yield from ((rule, name) for name in asked.books)
            elif isinstance(asked, Neighbour):
                yield from ((rule, path.name) for path in self._of(BOOKS))

    def _book(self, path: Path) -> _Book:
        stamp = self._stamps.get(str(path), (0, 0, 0, 0))
        known = self._books.get(path)
        if known is None or known[0] != stamp:
            from screener.rules import contacts  # noqa: PLC0415 (its vobject takes 5 MB)

            numbers, troubles = contacts.read(path, self._settings.country)
            known = self._books[path] = (stamp, (numbers, tuple(troubles)))
        return known[1]

    def _place(self, rule: Rule, name: str) -> str:
        """path:line:column of a name in a rule."""
        lines = self._texts.get(rule.file, [])
        line = lines[rule.line - 1] if 0 < rule.line <= len(lines) else ""
        return f"{self._folder}/{rule.file}:{rule.line}:{line.find(name) + 1}"


def _size(path: Path) -> int:
    """The size of a file. Raises OSError; also for a pipe, which would be read for ever."""
    at = path.stat()
    if stat.S_ISDIR(at.st_mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    if not stat.S_ISREG(at.st_mode):
        raise OSError(errno.EINVAL, "it is no file")
    return at.st_size


def _asked(rules: Iterable[Rule]) -> Iterable[tuple[Rule, Condition]]:
    """Each rule and each of its conditions, without `not`."""
    for rule in rules:
        for condition in rule.conditions:
            yield rule, condition.condition if isinstance(condition, Not) else condition


def lists_of(rules: Iterable[Rule]) -> Iterable[tuple[Rule, str]]:
    """The lists that rules name."""
    for rule, asked in _asked(rules):
        if isinstance(asked, Listed):
            yield from ((rule, name) for name in asked.lists)


def warm(rules: RuleSet) -> None:
    """Judge a call that never was: what rules make once for all calls, they make here and not when
    the first call waits for it."""
    caller = Number(raw="", e164="+12025550100")
    rules.judge(Call("", "", caller, datetime.now(UTC)))
    for rule in rules.rules:
        rule.key  # noqa: B018  # a cached property


def first(lines: tuple[str, ...], most: int = _MOST_MISTAKES) -> list[str]:
    """The first lines, and how many more there are."""
    rest = len(lines) - most
    return [*lines[:most], *([f"and {rest} more"] if rest > 0 else [])]
