"""A line of rules being read: its words from left to right, and what is wrong with them.

Here are the words of the language, too, and what to say of those that are none. What the language
is, is told in rulefile.py; ruleconditions.py and ruletails.py read the two parts of a line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import NoReturn, TypeVar

from screener.core.frontdoor import Outside
from screener.core.rules import Where
from screener.core.ruletext import Sort, Token, WrongError, tokens, written_out
from screener.core.spans import read_span

CONDITIONS = (
    *("from", "to", "name", "withheld", "impossible", "kind", "country", "neighbour"),
    *("on", "attestation", "verstat", "list", "contacts"),
    *("calls>=", "answered-before", "dialled-before", "message-before"),
    *("expecting", "emergency"),
)
TARGETS = tuple(where.value for where in Where)
TAILS = ("play", "refuse", "challenge", *TARGETS, "expires")
STARTS = frozenset({*CONDITIONS, *TAILS, "neighbor", "calls", "not", "when"})
"""The words with which something new begins."""

_MOST_WRONG = 20  # mistakes in values, until the rest of a line is left alone
_HEAD = re.compile("[a-z-]*")
_DIGITS = re.compile(r"(\.\.)?\+?[0-9().*?xX/\u2010-\u2013-]+")

# What people write who come from another language, and what to write here.
_ELSEWHERE = {
    "and": "conditions that stand side by side must all hold: leave the word out",
    "or": "values with commas between them mean or; for other conditions write a second rule",
    "if": "write the conditions as they are, or the word when",
    "unless": "write: not CONDITION",
    "deny": "write: block",
    "within": "it stands behind list, calls>=N, answered-before, dialled-before or message-before",
    "reports": "it stands behind list: list ftc.csv reports>=3",
    "in": "write: within 30d",
    **dict.fromkeys(("anonymous", "unknown", "private", "hidden"), "write: withheld"),
    **dict.fromkeys(("number", "caller", "prefix"), "write: from +14155550100, or from 900*"),
    **dict.fromkeys(("all", "any", "anyone", "always", "everyone"), "for every call write: to *"),
    **dict.fromkeys(("everything", "everybody", "anybody"), "for every call write: to *"),
    "contact": "write: contacts family.vcf",
    "voicemail": "write: message BOX",
    "mailbox": "write: message BOX",
}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Names:
    """What rules may name: ring groups, message boxes, extensions, DIDs (E.164), and the files of
    number lists ("ftc.csv") and address books ("family.vcf"). `outside` is how other numbers are
    reached (None: not known)."""

    groups: frozenset[str] = frozenset()
    boxes: frozenset[str] = frozenset()
    extensions: frozenset[str] = frozenset()
    dids: frozenset[str] = frozenset()
    lists: frozenset[str] = frozenset()
    contacts: frozenset[str] = frozenset()
    outside: Outside | None = None


class Line:
    """A line, and how far it has been read. What is wrong is kept in `wrong`.

    A mistake in a value is noted, and leaves the rest of the line to be read; one in the grammar is
    raised, and ends it. `country` (ISO 3166) reads numbers; without `names`, rules may name all.
    """

    def __init__(self, content: str, country: str, names: Names | None) -> None:
        self.wrong: list[WrongError] = []
        self.country = country
        self.names = names
        self._content = content.rstrip()
        self._tokens: list[Token] = []
        self._at = 0

    def begin(self) -> bool:
        """Take the line apart: whether there is a word in it. Raises WrongError."""
        self._tokens = tokens(self._content)
        return bool(self._tokens)

    def peek(self) -> Token | None:
        """The next word; None at the line's end."""
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def take(self) -> Token:
        """The next word, which is read with that. There must be one."""
        token = self._tokens[self._at]
        self._at += 1
        return token

    def word(self) -> str:
        """The next word as the language knows it; "" where there is none, or a quoted one."""
        token = self.peek()
        return token.text.lower() if token is not None and token.sort == Sort.WORD else ""

    def column(self) -> int:
        """Where the next word stands, or would."""
        token = self.peek()
        return token.column if token is not None else len(self._content) + 1

    def text(self, first: Token, last: Token) -> str:
        """The line from one word to another, as it stands there."""
        return self._content[first.start : last.end]

    def written_out(self) -> str:
        """The rule as its owner wrote it: what it is called when it has no label."""
        return written_out(self._tokens)

    def expected(self, what: str) -> NoReturn:
        """Raise the mistake that something else stands at the next word, or nothing."""
        raise WrongError(self.column(), f"expected {what}")

    def values(self, after: str, example: str) -> Iterator[Token]:
        """The values after a word: at least one, with commas between them."""
        while True:
            token = self.peek()
            if token is None or token.sort == Sort.COMMA:
                self.expected(f"a value after {after}: {example}")
            yield self.take()
            follows = self.peek()
            if follows is None or follows.sort != Sort.COMMA:
                return
            self.take()

    def note(self, token: Token, text: str, known: Iterable[str] = ()) -> None:
        """Keep a mistake, and go on; not for ever."""
        wrong = WrongError(token.column, text, token.text, tuple(known))
        if len(self.wrong) >= _MOST_WRONG:
            raise wrong
        self.wrong.append(wrong)

    def among(self, tokens: Iterable[Token], known: Iterable[str], what: str) -> tuple[str, ...]:
        """The values, each of which must be known; case does not matter."""
        values = {value.lower(): value for value in known}
        found: list[str] = []
        for token in tokens:
            value = values.get(token.text.lower())
            if value is None:
                expected = ", ".join(values.values())
                text = f"{token.shown} is not {what}; expected {expected}"
                self.note(token, text, values.values())
            else:
                found.append(value)
        return tuple(dict.fromkeys(found))

    def read(self, token: Token, reading: Callable[[str], T]) -> T | None:
        """What a reading makes of a value; None, and a mistake, where it does not take it."""
        try:
            return reading(token.text)
        except ValueError as error:
            self.note(token, str(error))
            return None

    def whole_number(self, token: Token) -> Token:
        """A number with all of its words: people write (415) 555 0100."""
        while (after := self.peek()) is not None and after.sort == Sort.WORD:
            if token.sort != Sort.WORD or not _DIGITS.fullmatch(after.text):
                break
            begins = after.text.startswith("+") and not token.text.endswith("..")
            if begins or token.text.endswith("*"):
                self.expected("a comma between two numbers")
            self.take()
            token = Token(f"{token.text} {after.text}", token.sort, token.start, after.end)
        return token

    def span(self, word: str) -> timedelta | None:
        """The span of time after `word`; None, and a mistake, where it is none."""
        if not self.word() or self.word() in STARTS:
            self.expected(f"a time after {word}: 30m, 2h, 90d, 3w, 9mo or 1y")
        return self.read(self.take(), read_span)


def head_of(word: str) -> str:
    """The letters that a word begins with, as the language knows them: "calls" of calls>=3."""
    found = _HEAD.match(word.lower())
    return found[0] if found else ""


def unknown(token: Token, what: str, known: tuple[str, ...]) -> WrongError:
    """The mistake of a word that is not the language's."""
    word = token.text.lower()
    teaching = _ELSEWHERE.get(head_of(word))
    if word.startswith("'"):
        teaching = 'a label, and a name of several words, stands in double quotes: "Mom"'
    if teaching:
        return WrongError(token.column, f"{token.shown} is not {what}; {teaching}")
    expected = known if len(known) < len(CONDITIONS) else CONDITIONS
    text = f"{token.shown} is not {what}; expected {', '.join(expected)}"
    return WrongError(token.column, text, word, known)
