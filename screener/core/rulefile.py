"""The text of rules: one rule a line, read by people and by this module.

    # a comment; blank lines are free
    allow   from +14155550100                "Mom"
    allow   from 415-555-01*                 "the school"
    block   from +1900*, +1976*              "premium numbers"     play busy
    block   name *political*, "* survey"     "campaigns"
    screen  withheld                         "no number shown"

    ACTION CONDITION... ["LABEL"] [play TREATMENT]

ACTION is allow, block or screen. A CONDITION is `from NUMBER, ...`, `name GLOB, ...` or `withheld`;
where a line has several, all must hold. NUMBER is E.164 or as people write it in the configured
country; a trailing * makes it a prefix. In a GLOB, * is any text and ? any letter, and case does
not matter; one with spaces in it stands in quotes. LABEL is your own name for the rule. TREATMENT,
for block, is sit (the default), busy or hangup.

`parse` gives rules and mistakes side by side, all mistakes at once; it never raises.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NoReturn

from screener.core import number
from screener.core.conditions import Condition, From, Named, Withheld
from screener.core.pattern import NamePattern, NumberPattern
from screener.core.rules import Action, Rule
from screener.core.script import Treatment

CONDITIONS = ("from", "name", "withheld")
WORDS = (*(a.value for a in Action), *CONDITIONS, "play", *(t.value for t in Treatment))

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<comment>\#.*) | (?P<quoted>"[^"]*") | (?P<comma>,) | (?P<word>[^\s,"]+) | (?P<odd>")
    )""",
    re.VERBOSE,
)
_PREFIX = re.compile(r"\+?[0-9(][0-9 ().-]*\*")
_DIGITS = re.compile(r"[0-9().*-]+")


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong in a rule file, and where (line and column count from 1)."""

    file: str
    line: int
    column: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.text}"


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    kind: str
    column: int


class _WrongError(Exception):
    def __init__(self, column: int, text: str) -> None:
        super().__init__(text)
        self.column = column
        self.text = text


def parse(text: str, file: str, country: str) -> tuple[tuple[Rule, ...], tuple[Mistake, ...]]:
    """Read one rule file. `file` is the name for messages; `country` (ISO 3166) reads numbers."""
    rules: list[Rule] = []
    mistakes: list[Mistake] = []
    for line, content in enumerate(text.splitlines(), start=1):
        try:
            tokens = list(_tokens(content))
            if tokens:
                rules.append(_Line(tokens, content, country).rule(file, line))
        except _WrongError as wrong:
            mistakes.append(Mistake(file, line, wrong.column, wrong.text))
    return tuple(rules), tuple(mistakes)


def _tokens(content: str) -> Iterator[_Token]:
    at = 0
    while at < len(content.rstrip()):
        found = _TOKEN.match(content, at)
        assert found is not None and found.lastgroup is not None  # every character is in one group
        column = found.start(found.lastgroup) + 1
        if found.lastgroup == "comment":
            return
        if found.lastgroup == "odd":
            raise _WrongError(column, 'this quote is never closed; expected a second "')
        yield _Token(found.group(found.lastgroup), found.lastgroup, column)
        at = found.end()


def _unknown(token: _Token, known: Iterable[str], what: str) -> NoReturn:
    known = tuple(known)
    near = difflib.get_close_matches(token.text.lower(), known, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise _WrongError(
        token.column, f"{token.text!r} is not {what}; expected {', '.join(known)}{hint}"
    )


class _Line:
    """The tokens of one line, taken from left to right."""

    def __init__(self, tokens: list[_Token], content: str, country: str) -> None:
        self._tokens = tokens
        self._at = 0
        self._content = content
        self._country = country

    def rule(self, file: str, line: int) -> Rule:
        first = self._take()
        if first.kind != "word" or first.text.lower() not in set(Action):
            _unknown(first, (a.value for a in Action), "an action")
        action = Action(first.text.lower())
        conditions = self._conditions()
        label = self._label()
        treatment = self._treatment(action)
        if (left := self._peek()) is not None:
            if left.kind == "word":
                _unknown(left, (*CONDITIONS, "play"), "a condition")
            raise _WrongError(left.column, f"{left.text} is too much; expected the end of the line")
        label = label or _written(self._content)
        return Rule(action, conditions, label, treatment, file=file, line=line)

    def _peek(self) -> _Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _take(self) -> _Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _conditions(self) -> tuple[Condition, ...]:
        found: list[Condition] = []
        while (token := self._peek()) is not None and token.kind == "word":
            word = token.text.lower()
            if word == "play":
                break
            if word not in CONDITIONS:
                _unknown(token, CONDITIONS, "a condition")
            self._take()
            if word == "withheld":
                found.append(Withheld())
            elif word == "from":
                found.append(From(tuple(NumberPattern(self._number(t)) for t in self._list(word))))
            else:
                found.append(
                    Named(tuple(NamePattern(_bare(t).casefold()) for t in self._list(word)))
                )
        if not found:
            column = token.column if token else len(self._content.rstrip()) + 1
            raise _WrongError(column, f"expected a condition: {', '.join(CONDITIONS)}")
        return tuple(found)

    def _list(self, word: str) -> Iterator[_Token]:
        """The values after `word`: joined by commas, and a number may have spaces in it."""
        while True:
            token = self._peek()
            if token is None or token.kind == "comma":
                column = token.column if token else len(self._content.rstrip()) + 1
                raise _WrongError(column, f"expected a value after {word}")
            value = self._take()
            while (after := self._peek()) is not None and self._goes_on(word, after):
                value = _Token(f"{value.text} {self._take().text}", "word", value.column)
            yield value
            if after is None or after.kind != "comma":
                return
            self._take()

    @staticmethod
    def _goes_on(word: str, after: _Token) -> bool:
        """People write numbers with spaces in them: (415) 555 0100."""
        return word == "from" and after.kind == "word" and bool(_DIGITS.fullmatch(after.text))

    def _number(self, token: _Token) -> str:
        text = _bare(token)
        if _PREFIX.fullmatch(text):
            digits = re.sub(r"[^0-9]", "", text)
            if text.startswith("+"):
                return f"+{digits}*"
            calling_code = number.calling_code(self._country)
            return f"+{calling_code}{digits.removeprefix(number.trunk_prefix(self._country))}*"
        read = number.read(text, self._country)
        if not read.e164:
            raise _WrongError(
                token.column,
                f"{text!r} is not a telephone number in {self._country}; expected one like"
                f" {number.example(self._country)}, or the start of one and a *",
            )
        return read.e164

    def _label(self) -> str:
        token = self._peek()
        if token is None or token.kind != "quoted":
            return ""
        return _bare(self._take())

    def _treatment(self, action: Action) -> Treatment:
        token = self._peek()
        if token is None or token.text.lower() != "play":
            return Treatment.SIT
        self._take()
        if action is not Action.BLOCK:
            raise _WrongError(token.column, f"play belongs to block, not to {action}")
        kind = self._peek()
        if kind is None:
            raise _WrongError(token.column, f"expected after play: {', '.join(Treatment)}")
        if kind.text.lower() not in set(Treatment):
            _unknown(kind, (t.value for t in Treatment), "a treatment")
        return Treatment(self._take().text.lower())


def _bare(token: _Token) -> str:
    return token.text[1:-1] if token.kind == "quoted" else token.text


def _written(content: str) -> str:
    """The rule as its owner wrote it, without the comment: its name where it has no label."""
    return " ".join(token.text for token in _tokens(content)).replace(" ,", ",").replace('"', "'")


def write(rule: Rule) -> str:
    """A rule as a line of text that `parse` reads back as the same rule."""
    words: list[str] = [rule.action.value]
    for condition in rule.conditions:
        match condition:
            case _:
                words.append(str(condition))
    words.append(f'"{rule.label}"')
    if rule.action is Action.BLOCK and rule.treatment is not Treatment.SIT:
        words.append(f"play {rule.treatment}")
    return " ".join(words)
