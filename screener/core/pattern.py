"""Patterns that rules hold a caller's number or name against.

A `NumberPattern` is written in E.164 (ITU-T), one of:

    +14155550100                    this number
    +1900*                          every number that begins so; `*` alone is every number
    +1415555????                    any digit at each ?, and perhaps more at a * in the end
    +14155550100..+14155550199      from the first to the last, both included

A `NamePattern` is a glob (`*` any text, `?` any one character), or a regular expression between
slashes, found anywhere in the name. Both are blind to case. Regular expressions are RE2's
(https://github.com/google/re2/wiki/Syntax): their time is linear in the name's length, so that no
expression can hold up a call; back-references and look-around do not exist there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import re2

from screener.core.ruletext import is_regex, unseen

_NUMBER = re.compile(r"\+?[0-9?]*\*?|\+[0-9]+\.\.\+[0-9]+")
LONGEST_NAME = 300
"""Characters of a name that are looked at."""
LONGEST_PATTERN = 500
"""Characters that a name's pattern may have."""


@dataclass(frozen=True, slots=True)
class NumberPattern:
    """A set of numbers; `text` is its canonical form. Raises ValueError for any other text."""

    text: str
    _wildcard: re.Pattern[str] | None = field(init=False, repr=False, compare=False)
    _first: str = field(init=False, repr=False, compare=False)
    _last: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not _NUMBER.fullmatch(self.text) or self.text in ("", "+"):
            raise ValueError(f"{self.text!r} is no pattern of numbers")
        first, between, last = self.text.partition("..")
        if between and (len(first) != len(last) or first > last):
            raise ValueError(f"{self.text!r} is no range: two numbers of one length, lower first")
        wildcard = None
        if "?" in self.text:
            body = re.escape(self.text).replace(r"\?", "[0-9]").replace(r"\*", ".*")
            wildcard = re.compile(body, re.DOTALL)
        object.__setattr__(self, "_wildcard", wildcard)
        object.__setattr__(self, "_first", first.rstrip("*"))
        object.__setattr__(self, "_last", last)

    @property
    def exact(self) -> str:
        """The one number that it matches; "" where it is more than one."""
        return "" if self._last or self._wildcard or self.text.endswith("*") else self.text

    @property
    def prefix(self) -> str | None:
        """What its numbers begin with, where that is all that it asks; else None."""
        plain = self._wildcard is None and self.text.endswith("*")
        return self._first if plain else None

    @property
    def head(self) -> str:
        """What every number in the set begins with."""
        if self._wildcard is not None:
            return self.text.partition("?")[0]
        if not self._last:
            return self._first
        alike = (a == b for a, b in zip(self._first, self._last, strict=True))
        return self._first[: next((at for at, same in enumerate(alike) if not same), None)]

    def matches(self, number: str) -> bool:
        """Whether an E.164 number is in the set."""
        if self._wildcard is not None:
            return self._wildcard.fullmatch(number) is not None
        if self._last:
            return len(number) == len(self._first) and self._first <= number <= self._last
        return number.startswith(self._first) if self.text.endswith("*") else number == self.text

    def covers(self, other: NumberPattern) -> bool:
        """Whether every number of `other` is one of these. May miss it for wildcards in ranges."""
        if self.text == other.text:
            return True
        if other.exact:
            return self.matches(other.exact)
        if self.prefix is not None:
            head = other.text.partition("?")[0].rstrip("*") if not other._last else other._first
            return head.startswith(self.prefix) and (
                not other._last or other._last.startswith(self.prefix)
            )
        if self._last and other._last:
            same = len(self._first) == len(other._first)
            return same and self._first <= other._first and other._last <= self._last
        if self._wildcard is not None and other._wildcard is not None:
            return self._covers_by_sign(other.text)
        return False

    def _covers_by_sign(self, other: str) -> bool:
        mine, theirs = self.text.rstrip("*"), other.rstrip("*")
        if other.endswith("*") and not self.text.endswith("*"):
            return False
        if len(theirs) < len(mine) or (len(theirs) > len(mine) and not self.text.endswith("*")):
            return False
        pairs = zip(mine, theirs, strict=False)
        return all(my == their or (my == "?" and their != "+") for my, their in pairs)

    def __str__(self) -> str:
        return self.text


def folded(name: str) -> str:
    """A caller's name as globs look at it: blind to case, and of a long one the beginning.

    Half a surrogate pair, which RE2 does not read, becomes a question mark.
    """
    return _seen(name).casefold()


def _seen(name: str) -> str:
    """What patterns see of a name: its beginning, its letters as they look (Unicode NFKC)."""
    name = name[:LONGEST_NAME]
    if name.isascii():
        return name
    return _plain(name.encode("utf-8", "replace").decode("utf-8"))


def _plain(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


@dataclass(frozen=True, slots=True)
class NamePattern:
    """A set of names; `text` as it stands in the rule, `/.../` for a regular expression.

    Raises ValueError for an expression that RE2 cannot read, for what is too long, and for control
    characters, which no rule can write.
    """

    text: str
    _pieces: tuple[str, ...] | None = field(init=False, repr=False, compare=False)
    _expression: Any = field(init=False, repr=False, compare=False)
    _source: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.text) > LONGEST_PATTERN:
            raise ValueError(f"a pattern has at most {LONGEST_PATTERN} characters")
        if unseen(self.text):
            raise ValueError("a pattern has no control characters")
        expression = self.expression
        if expression is None and "?" not in self.text:
            # Most globs are words and stars: no need of an automaton for "*survey*".
            pieces = tuple(_plain(piece).casefold() for piece in self.text.split("*"))
            object.__setattr__(self, "_pieces", pieces)
            object.__setattr__(self, "_expression", None)
            object.__setattr__(self, "_source", "")
            return
        if expression is None:
            signs = {"*": ".*", "?": "."}
            parts = re.split("([*?])", self.text)
            body = "".join(signs.get(part) or re2.escape(_plain(part)) for part in parts)
            expression = rf"(?s)\A{body}\z"
        object.__setattr__(self, "_pieces", None)
        object.__setattr__(self, "_expression", _compiled(expression))
        object.__setattr__(self, "_source", expression)

    @property
    def piece(self) -> str:
        """A text that every name in the set has in it, as `folded`; "" where that is not told."""
        return max(self._pieces, key=len) if self._pieces else ""

    @property
    def source(self) -> str:
        """The expression for RE2 by which it is looked for; "" where it needs none."""
        return self._source

    @property
    def expression(self) -> str | None:
        """The regular expression between the slashes; None for a glob."""
        return self.text[1:-1] if is_regex(self.text) else None

    def matches(self, name: str) -> bool:
        """Whether a caller's name is in the set; of a long name, the first 300 characters count."""
        if self._pieces is None:
            return self._expression.search(_seen(name).encode()) is not None
        name = folded(name)
        if len(self._pieces) == 1:
            return name == self._pieces[0]
        first, *middle, last = self._pieces
        if not (name.startswith(first) and name.endswith(last)):
            return False
        at, end = len(first), len(name) - len(last)
        for piece in middle:
            found = name.find(piece, at, max(at, end))
            if found < 0:
                return False
            at = found + len(piece)
        return at <= end

    def covers(self, other: NamePattern) -> bool:
        """Whether every name of `other` is one of these, as far as that can be seen at a glance."""
        if self.text in (other.text, "*"):
            return True
        if self.expression is not None or other.expression is not None:
            return False
        if ("?" in self.text and "*" in other.text) or len(other.text) > LONGEST_NAME:
            return False  # one odd character is not any text
        # A glob takes in another when it matches it with something odd in place of each sign.
        return self.matches(other.text.replace("*", "\x00").replace("?", "\x01"))

    def __str__(self) -> str:
        return self.text


def _compiled(expression: str) -> Any:
    """The automaton of a regular expression; raises ValueError with what is wrong in words."""
    try:
        return re2.compile(expression, _options(1 << 20))
    except re2.error as wrong:
        what = wrong.args[0] if wrong.args else ""
        said = what.decode("utf-8", "replace") if isinstance(what, bytes) else str(what)
        raise ValueError(_in_words(*said.partition(": ")[::2])) from None


def _options(memory: int) -> Any:
    """How names are looked at; `memory` is what an automaton may take at most, in bytes."""
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = memory
    return options


class Expressions:
    """The expressions of many patterns (`NamePattern.source`), looked for in one pass over a name.

    A thousand, one after another, take 5 ms; together 0.1 ms.
    """

    def __init__(self, sources: Sequence[str]) -> None:
        self._all = range(len(sources))
        self._set = re2.Set.SearchSet(_options(16 << 20))
        for source in sources:
            self._set.Add(source)
        # RE2 does not tell a search that found nothing from one that ran out of memory. This one
        # is found in every name: where it is missing, the search has failed.
        self._set.Add("")
        try:
            self._set.Compile()
        except re2.error:  # all of them together are too large
            self._set = None

    def found(self, name: str) -> Sequence[int]:
        """The places of those that a caller's name matches; where that fails, of all of them."""
        found = self._set.Match(_seen(name).encode()) if self._set else None
        if not found or max(found) != len(self._all):
            return self._all
        return [at for at in found if at != len(self._all)]


_COMPLAINTS = {
    "missing )": "a parenthesis is opened and not closed",
    "unexpected )": "a parenthesis is closed that was not opened",
    "missing ]": "a bracket [ is opened and not closed",
    "trailing \\": "it ends in a \\",
    "no argument for repetition operator": "nothing stands before {} to be repeated",
    "bad repetition operator": "{} repeats a repetition",
    "invalid repetition size": "{} repeats too often: 1000 times at most",
    "invalid character class range": "{} is no range of characters",
    "invalid escape sequence": "{} means nothing",
    "invalid perl operator": "{} means nothing",
    "pattern too large - compile failed": "it is too large",
}
_AROUND = ("(?=", "(?!", "(?<")  # as they begin


def _in_words(complaint: str, where: str) -> str:
    """RE2's complaint as the owner of a rule file understands it."""
    if complaint == "invalid perl operator" and where.startswith(_AROUND):
        return "look-around, (?=...) (?!...) (?<=...) and the like, does not exist here"
    if complaint.startswith("invalid") and re.fullmatch(r"\\[1-9k]|\(\?P", where):
        return "back-references do not exist here"
    if complaint not in _COMPLAINTS:
        return f"{complaint}: {where}" if where else complaint
    return _COMPLAINTS[complaint].format(where)
