"""The numbers of rules for other programs: CSV and vCard.

CSV has the columns `number,description,action,then`: the first two are those of FreePBX's Blacklist
module, the others say what a rule does with the number, so that `screener rules import` makes the
same rules of it. A spreadsheet takes a cell that begins with = + - or @ for a formula; a
description that begins so gets an apostrophe in front (OWASP, CSV Injection), which the import
takes away. Numbers get none: an E.164 number begins with "+", every program that reads such a file
expects it bare, and of digits, "+", "*", "?" and "." no formula can be made that does anything.

vCard (3.0, RFC 2426) holds whole numbers in E.164 only: no telephone's address book knows patterns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from screener.core.conditions import From
from screener.core.pattern import NumberPattern
from screener.core.rulefile import parse
from screener.core.rules import Rule
from screener.core.spans import written_span

HEADER = ("number", "description", "action", "then")
# The last four are the full-width forms, which spreadsheets take for the same.
_FORMULA = re.compile("[\\s']*[=+\\-@\t\r\uff1d\uff0b\uff0d\uff20]")


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The text of an export, how many numbers are in it, and what of the rules is not.

    `patterns` counts numbers that the format cannot hold, `others` rules that ask for anything but
    the caller's number.
    """

    text: str
    numbers: int
    patterns: int
    others: int


def as_csv(rules: Iterable[Rule], country: str) -> Excerpt:
    """One row for each number or pattern of the rules that ask for nothing else.

    `country` (ISO 3166) is the one in which the rules were read.
    """
    rows = [HEADER]
    others = 0
    for rule in rules:
        patterns = _numbers(rule)
        others += patterns is None
        rows += [
            (pattern.text, guarded(_name(rule, country)), rule.action.value, _then(rule))
            for pattern in patterns or ()
        ]
    text = "".join(",".join(map(cell, row)) + "\r\n" for row in rows)
    return Excerpt(text, len(rows) - 1, 0, others)


def as_vcard(rules: Iterable[Rule], country: str) -> Excerpt:
    """One card for each rule that names whole numbers and asks for nothing else."""
    cards: list[str] = []
    numbers = unfit = others = 0
    for rule in rules:
        patterns = _numbers(rule)
        if patterns is None:
            others += 1
            continue
        whole = [p.exact for p in patterns if p.exact.startswith("+")]
        unfit += len(patterns) - len(whole)
        numbers += len(whole)
        if whole:
            cards.append(_card(_name(rule, country) or whole[0], whole))
    return Excerpt("".join(cards), numbers, unfit, others)


def _numbers(rule: Rule) -> tuple[NumberPattern, ...] | None:
    """The patterns of a rule that asks for the caller's number and for nothing else."""
    match rule.conditions:
        case (From(patterns=patterns),):
            return patterns
    return None


def _name(rule: Rule, country: str) -> str:
    """The rule's label; "" where the owner gave none and it only repeats the line."""
    read, _ = parse(rule.label, "", country)
    return "" if any(again.key == rule.key for again in read) else rule.label


def _then(rule: Rule) -> str:
    """What stands behind the label of the rule's line, "" where it is what goes without saying."""
    words = rule.effect.partition(" ")[2]
    words = "" if words == "play sit" else words
    expires = f"expires {written_span(rule.expires)}" if rule.expires else ""
    return f"{words} {expires}".strip()


def guarded(text: str) -> str:
    """Text that no spreadsheet takes for a formula; `unguarded` gives it back."""
    return f"'{text}" if _FORMULA.match(text) else text


def unguarded(text: str) -> str:
    """What `guarded` was given."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text[1:]) else text


def cell(text: str) -> str:
    """A cell as it stands in the file: in quotes wherever some program may divide it."""
    return '"' + text.replace('"', '""') + '"' if re.search(r'[",\r\n;\t]|^\s|\s$', text) else text


def _card(name: str, numbers: Iterable[str]) -> str:
    lines = [
        "BEGIN:VCARD",
        "VERSION:3.0",
        f"FN:{_escaped(name)}",
        f"N:{_escaped(name)};;;;",
        *(f"TEL;TYPE=VOICE:{number}" for number in numbers),
        "END:VCARD",
    ]
    return "".join(piece + "\r\n" for line in lines for piece in _folded(line))


def _escaped(text: str) -> str:
    return re.sub(r"([\\,;])", r"\\\1", " ".join(text.split()))


_FOLD = 60  # characters; of these, a line of 75 octets seldom has fewer (RFC 2426, 2.6)


def _folded(line: str) -> Iterator[str]:
    yield line[:_FOLD]
    for at in range(_FOLD, len(line), _FOLD):
        yield " " + line[at : at + _FOLD]
