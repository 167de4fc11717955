"""A list of another program, and how its entries become rules, or are skipped with a reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias
from unicodedata import category

from screener.core.callerid import shown
from screener.core.conditions import Condition
from screener.core.rules import Action, Rule
from screener.core.ruletext import LONGEST_LABEL


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

UNCLOSED = "a quote in it is never closed"
NO_ACTION = "nothing says whether to allow or to block it"

Line: TypeAlias = tuple[int, str]
"""A line and its number, from 1."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """An entry that becomes no rule. `text` is harmless to show."""

    line: int
    text: str
    why: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}: {self.why}"


Entries: TypeAlias = Iterator[Rule | Skipped]


def skipped(line: int, text: str, why: str) -> Skipped:
    """An entry that becomes no rule, its text as a stranger wrote it."""
    return Skipped(line, shown(" ".join(text[:500].split())), why)


def label(text: str) -> str:
    """A stranger's words as a rule's label: one line, without signs that nobody sees."""
    return one_line(text[:LONGEST_LABEL])


def one_line(text: str) -> str:
    """The text with a blank for each sign that ends a line or that nobody sees."""
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
