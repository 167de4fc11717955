"""Taking back what a report names: a rule is switched off, a campaign is forgotten.

A link has room for little, so it tells a rule by a mark: what the rule says and is called, and
where it stood. So it is known again at another line, and no other rule is taken for it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from screener.core.rules import Rule

MARK = 13
"""Bytes of a rule's mark."""
OFF = "# switched off by a link: "
"""What stands before a rule that a link has switched off: to its file it is a comment."""

_SAYS = 8  # of a mark's bytes; the others are about its place
_TITLE = re.compile(r"(?P<label>.* |)\((?P<file>[\w.+-]+\.rules):(?P<line>[0-9]+)\)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class SwitchOff:
    """What undoes a rule: it is switched off. `title` is what a call's row calls it: where it stood
    then. What takes it out now only the rules as they are can say."""

    title: str
    name = "Switch off"


@dataclass(frozen=True, slots=True)
class Forget:
    """What undoes a campaign: it is forgotten."""

    campaign: str
    name = "Forget it"

    @property
    def command(self) -> str:
        return f"screener campaigns forget {self.campaign}"


def place_in(title: str) -> str:
    """Where the rule stood that is called so; "" where it is no rule's title."""
    found = _TITLE.fullmatch(title)
    return f"{found['file']}:{found['line']}" if found else ""


def titled(rules: Iterable[Rule], title: str) -> Rule | None:
    """The rule of this title; where it has moved in its file, the only one there of its label."""
    there = list(rules)
    found = _TITLE.fullmatch(title)
    same = [rule for rule in there if rule.title == title]
    if same or found is None or not found["label"]:
        return same[0] if same else None
    label, file = found["label"].strip(), found["file"]
    moved = [rule for rule in there if (f'"{rule.label}"', rule.file) == (label, file)]
    return moved[0] if len(moved) == 1 else None


def mark_of(rule: Rule) -> bytes:
    """What tells this rule from others."""
    says = hashlib.blake2b(f"{rule.key}\n{rule.label}".encode(), digest_size=_SAYS).digest()
    place = hashlib.blake2b(rule.place.encode(), digest_size=MARK - _SAYS).digest()
    return says + place


def marked(rules: Iterable[Rule], mark: bytes) -> Rule | None:
    """The rule that has this mark; where it stands elsewhere by now, it all the same."""
    same = [rule for rule in rules if mark_of(rule)[:_SAYS] == mark[:_SAYS]]
    return next((rule for rule in same if not moved(rule, mark)), same[0] if same else None)


def moved(rule: Rule, mark: bytes) -> bool:
    """Whether it stands elsewhere than when the mark was made."""
    return mark_of(rule)[_SAYS:] != mark[_SAYS:]


def in_its_place(rules: Iterable[Rule], mark: bytes) -> Rule | None:
    """The rule that stands where the marked one stood."""
    return next((rule for rule in rules if not moved(rule, mark)), None)
