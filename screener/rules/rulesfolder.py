"""The folder of rule files, as something that a program may write to as well as its owner.

A rule is added or removed by its text; all else in the files stays byte for byte. A file is
replaced in one step (a new one beside it, brought to the disk, takes its name), keeps its owner and
mode, and stays a symbolic link where it was one. What somebody else wrote meanwhile is never
overwritten: the file is compared right before it is replaced, and screener's own programs wait for
one another (flock on the folder).
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from screener import replacement, textfile
from screener.core import amendment, review, ruletext
from screener.core.amendment import Amended
from screener.core.pattern import NumberPattern
from screener.core.rulefile import Mistake, parse
from screener.core.rules import Rule
from screener.core.withdrawal import OFF
from screener.errors import ConfigError, RulesError

_FILE = re.compile(r"[^./\\\0][^/\\\0]*\.rules")
_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Added:
    """What came of adding a rule.

    `rule` stands at `rule.place`; with `already`, it stood there before and nothing was written.
    `taken_by` are earlier rules that take all its calls: it decides none. `broken` are mistakes of
    the folder's files, because of which no change takes effect yet.
    """

    rule: Rule
    already: bool = False
    taken_by: tuple[Rule, ...] = ()
    broken: tuple[Mistake, ...] = ()


@dataclass(frozen=True, slots=True)
class Removed:
    """A line, or one value of its list, that is no more. `content` is the line as it was.

    `left` is what the line says now, "" where the whole line is gone; `lost` is a line that says
    what was lost.
    """

    rule: Rule
    content: str
    left: str
    lost: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What stands in the folder: each file's text (without a byte order mark) and its rules."""

    texts: dict[str, str]
    rules: tuple[Rule, ...]
    mistakes: tuple[Mistake, ...]

    def line(self, rule: Rule) -> str:
        """The line of a rule, as it stands in its file."""
        return amendment.line_of(self.texts[rule.file], rule.line)

    def at(self, file: str, line: int) -> Rule | None:
        return next((r for r in self.rules if (r.file, r.line) == (file, line)), None)


class RulesFolder:
    """The rule files in `folder`; `country` (ISO 3166) reads the numbers in them."""

    def __init__(self, folder: Path, country: str) -> None:
        self.folder = folder
        self._country = country

    def read(self) -> Contents:
        """All files, in the order in which they are asked. Raises RulesError or ConfigError."""
        texts: dict[str, str] = {}
        rules: list[Rule] = []
        mistakes: list[Mistake] = []
        for path in sorted(self.folder.glob("[!.]*.rules")):  # .#1.rules is an editor's own
            text = _text(path, _bytes(path)).removeprefix(_BOM)
            found, wrong = parse(text, path.name, self._country)
            texts[path.name] = text
            rules += found
            mistakes += wrong
        return Contents(texts, tuple(rules), tuple(mistakes))

    def add(
        self, rule: str, *, file: str = "", first: bool = False, line: int | None = None
    ) -> Added:
        """Write a rule, in the words of rule files, into `file`, or into the one it belongs to.

        It goes to the file's end; with `first` before the file's other rules, with `line` at that
        line. A rule that is there already is not written again. Raises ConfigError when the rule
        has mistakes, RulesError when it cannot be written.
        """
        read, wrong = parse(rule, "", self._country)
        if wrong or len(read) != 1 or len(ruletext.lines(rule)) != 1:
            raise ConfigError([m.text for m in wrong] or ["expected one rule, on one line"])
        if file and not _FILE.fullmatch(file):
            raise RulesError(f"{file}: expected the name of a rule file, such as 2-block.rules")
        with self._locked():
            before = self.read()
            there = next((r for r in before.rules if r.key == read[0].key), None)
            if there is not None:
                taken = review.taken_by(before.rules, there)
                return Added(there, True, taken, before.mistakes)
            file = file or amendment.home(read[0].action, before.rules)
            written = self._amend(
                file, lambda text: amendment.with_rule(text, rule, first=first, line=line)
            )
            now = self.read()
            new = now.at(file, written.line)
            if new is None:
                raise RulesError(f"{file} was changed meanwhile: look at it, then try again")
            return Added(new, False, review.taken_by(now.rules, new), now.mistakes)

    def append(self, file: str, lines: Sequence[str]) -> tuple[int, int]:
        """Write whole lines at the end of `file`; the first and the last line number they got.

        They stand in the file as they are given: `add` is for a rule that a person has typed.
        Raises RulesError.
        """
        if not _FILE.fullmatch(file):
            raise RulesError(f"{file}: expected the name of a rule file, such as 2-block.rules")
        with self._locked():
            written = self._amend(
                file,
                lambda text: amendment.with_rule(text, amendment.line_end(text).join(lines)),
            )
        return written.line, written.line + len(lines) - 1

    def remove(
        self, rule: Rule, pattern: NumberPattern | None = None, *, content: str | None = None
    ) -> Removed:
        """Take a rule out of its file; with `pattern`, only this value of its `from` if it has
        others. The line must still be what was read (`content`, if given). Raises RulesError."""
        with self._locked():
            lost: list[Removed] = []

            def edit(text: str) -> Amended:
                lines = ruletext.lines(text)
                was = lines[rule.line - 1] if rule.line <= len(lines) else ""
                if rule.line > len(lines) or content not in (None, was):
                    raise RulesError(f"{rule.place} was changed meanwhile: look at it, try again")
                left = pattern and amendment.without_value(was, rule, pattern, self._country)
                if left and pattern:
                    only = amendment.only_value(was, rule, pattern)
                    lost.append(Removed(rule, was, left, only))
                    return Amended(amendment.with_line(text, rule.line, left), rule.line)
                lost.append(Removed(rule, was, "", was))
                return Amended(amendment.without_line(text, rule.line), rule.line)

            self._amend(rule.file, edit)
            return lost[0]

    def switch_off(self, rule: Rule, content: str) -> Removed:
        """Make a comment of a rule's line, which must still be what was read: no other line moves.
        Raises RulesError."""
        off = OFF + content.strip()

        def edit(text: str) -> Amended:
            lines = ruletext.lines(text)
            if rule.line > len(lines) or lines[rule.line - 1] != content:
                raise RulesError(f"{rule.place} was changed meanwhile: look at it, try again")
            return Amended(amendment.with_line(text, rule.line, off), rule.line)

        with self._locked():
            self._amend(rule.file, edit)
        return Removed(rule, content, off, content)

    def remove_all(self, rules: Sequence[Rule], contents: Contents) -> list[Removed]:
        """Take out several rules as they were read, the last of a file first."""
        backwards = sorted(rules, key=lambda rule: (rule.file, rule.line), reverse=True)
        return [self.remove(rule, content=contents.line(rule)) for rule in backwards][::-1]

    def _amend(self, file: str, edit: Callable[[str], Amended]) -> Amended:
        """Change one file by an edit of its text."""
        path = (self.folder / file).resolve()
        before = _bytes(path) if path.exists() else None
        text = _text(path, before or b"")
        mark = _BOM if text.startswith(_BOM) else ""
        amended = edit(text.removeprefix(_BOM))
        _replace(path, before, (mark + amended.text).encode("utf-8"))
        return amended

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One screener program at a time changes the files."""
        try:
            folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise RulesError(f"{self.folder}: cannot be opened ({error.strerror})") from None
        try:
            try:
                fcntl.flock(folder, fcntl.LOCK_EX)
            except OSError as error:
                raise RulesError(f"{self.folder}: cannot be locked ({error.strerror})") from None
            yield
        finally:
            os.close(folder)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RulesError(f"{path}: cannot be read ({error.strerror})") from None


def _text(path: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RulesError(f"{path}:{textfile.not_utf8(error)}") from None


def _replace(path: Path, before: bytes | None, content: bytes) -> None:
    """Give the file at `path` new content in one step, if it still holds what it held `before`
    (None: it was not there). Raises RulesError, and leaves the file as it is."""
    try:
        done = replacement.replace(path, before, content)
    except OSError as error:
        raise RulesError(
            f"{path} was not changed ({error.strerror}): make room on the disk, or give the user"
            " who runs this the right to write to the folder and its files"
        ) from None
    if not done:
        raise RulesError(f"{path} was changed by somebody else meanwhile: nothing was written")
