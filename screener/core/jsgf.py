"""JSGF, the grammar files that people edit: text -> the phrases of each rule, and back.

Source: JSpeech Grammar Format, W3C Note of 5 June 2000. Read here is what stands for a list of
phrases: rules, references, alternatives, ( ), [ ], comments, tags and weights (both passed over).
Not read, and told: imports, * and +. The library pyjsgf was tried: it reads "a (b) c | d" as
"a (b) (c | d)" (its issue 39). The tests hold this reader against PocketSphinx's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import NoReturn, TypeAlias

from screener.core.words import normal

MOST_PHRASES = 5000
"""A rule that stands for more phrases than this is a slip of the pen, and would slow every call."""

_DEEPEST = 50  # brackets within brackets, or rules within rules

Words: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grammar:
    """A grammar file's public rules, each with its phrases in their order, and its mistakes."""

    rules: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    mistakes: tuple[str, ...] = ()


def read(text: str, source: str) -> Grammar:
    """The phrases of every public rule of a JSGF text; `source` names it in mistakes."""
    reader = _Reader(_tokens(text))
    reader.file()
    rules: dict[str, tuple[str, ...]] = {}
    mistakes = list(reader.mistakes)
    for name, rule in reader.rules.items():
        try:
            phrases = _phrases(rule.choice, reader.rules, (name,))
        except _WrongError as error:
            mistakes.append((rule.line, f"<{name}> {error}"))
            continue
        if rule.public:
            rules[name] = tuple(dict.fromkeys(filter(None, (normal(" ".join(p)) for p in phrases))))
    return Grammar(rules, tuple(f"{source}:{line}: {told}" for line, told in sorted(mistakes)))


def written(name: str, rules: Mapping[str, Iterable[str]]) -> str:
    """A JSGF text in which each rule is public and stands for its phrases; `read` reads it back."""
    lines = ["#JSGF V1.0;", f"grammar {name};"]
    lines += [f"public <{rule}> = {' | '.join(each) or '<VOID>'};" for rule, each in rules.items()]
    return "\n".join(lines) + "\n"


# Reading -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class _Reference:
    name: str


@dataclass(frozen=True, slots=True)
class _Choice:
    """One of several sequences, or none of them where it is `optional`."""

    sequences: tuple[tuple[str | _Reference | _Choice, ...], ...]
    optional: bool = False


@dataclass(frozen=True, slots=True)
class _Rule:
    choice: _Choice
    line: int
    public: bool


class _WrongError(Exception):
    """What is wrong with a rule, as the end of a sentence."""


_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|//[^\n]*", re.DOTALL)
_TOKEN = re.compile(
    r"""\s* (?: (?P<passed> \{ (?: \\. | [^}\\] )* \} | / \s* [0-9.]+ \s* / )
              | (?P<token> <[^<>\n]*> | [=|()\[\]*+;] | "[^"\n]*"
                         | [^\s=|()\[\]*+;<>{}/"]+ | \S ) )""",
    re.VERBOSE,
)


def _tokens(text: str) -> list[_Token]:
    """The tokens of a text, and one that says where it ends. Tags and weights are passed over."""
    bare = _COMMENT.sub(lambda comment: " " + "\n" * comment[0].count("\n"), text)
    found, line, at = [], 1, 0
    for match in _TOKEN.finditer(bare):
        if match["token"]:
            line += bare.count("\n", at, match.start("token"))
            at = match.start("token")
            found.append(_Token(match["token"], line))
    return [*found, _Token("", 1 + bare.count("\n"))]


class _Reader:
    """Recursive descent over the tokens; after a mistake it goes on behind the next semicolon."""

    def __init__(self, tokens: list[_Token]) -> None:
        self.rules: dict[str, _Rule] = {}
        self.mistakes: list[tuple[int, str]] = []
        self._tokens = tokens
        self._at = 0

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        token = self._next
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def _wrong(self, expected: str) -> NoReturn:
        found = f'"{self._next.text}"' if self._next.text else "the end of the file"
        raise _WrongError(f"expected {expected}, found {found}")

    def _expect(self, text: str, what: str) -> None:
        if self._next.text != text:
            self._wrong(what)
        self._take()

    def file(self) -> None:
        """Read all of it."""
        for statement in (self._header, self._name):
            self._recovering(statement)
        while self._next.text:
            self._recovering(self._import if self._next.text == "import" else self._rule)

    def _recovering(self, statement: object) -> None:
        assert callable(statement)
        line = self._next.line
        try:
            statement()
        except _WrongError as error:
            self.mistakes.append((self._next.line if self._next.text else line, str(error)))
            while self._next.text and self._take().text != ";":
                pass

    def _header(self) -> None:
        self._expect("#JSGF", 'the first line to be "#JSGF V1.0;"')
        while self._next.text not in {";", ""}:
            self._take()  # version, character set, language
        self._expect(";", '";" after #JSGF V1.0')

    def _name(self) -> None:
        self._expect("grammar", '"grammar" and its name')
        self._take()
        self._expect(";", '";" after the grammar\'s name')

    def _import(self) -> None:
        raise _WrongError("imports are not read: copy the rule in")

    def _rule(self) -> None:
        public = self._next.text == "public"
        if public:
            self._take()
        line = self._next.line
        if not self._next.text.startswith("<") or len(self._next.text) < 3:
            self._wrong("a rule, <name> = ...;")
        name = self._take().text[1:-1].strip()
        self._expect("=", f'"=" after <{name}>')
        choice = self._choice(0)
        if self._next.text == "=":
            raise _WrongError('the rule before this one does not end: put ";" after it')
        self._expect(";", '";", "|" or more words')
        if name in self.rules:
            raise _WrongError(f"<{name}> is there twice: give one of them another name")
        self.rules[name] = _Rule(choice, line, public)

    def _choice(self, depth: int) -> _Choice:
        if depth > _DEEPEST:
            raise _WrongError("brackets are nested too deep")
        sequences = [self._sequence(depth)]
        while self._next.text == "|":
            self._take()
            sequences.append(self._sequence(depth))
        return _Choice(tuple(sequences))

    def _sequence(self, depth: int) -> tuple[str | _Reference | _Choice, ...]:
        parts: list[str | _Reference | _Choice] = []
        while self._next.text not in {"|", ")", "]", ";", "=", ""}:
            parts.append(self._part(depth))
            if self._next.text in {"*", "+"}:
                raise _WrongError(
                    f"something is repeated by {self._next.text}:"
                    " write out how often it may be said"
                )
        if not parts:
            self._wrong("words")
        return tuple(parts)

    def _part(self, depth: int) -> str | _Reference | _Choice:
        text = self._next.text
        if text in {"(", "["}:
            self._take()
            inner = self._choice(depth + 1)
            closing = ")" if text == "(" else "]"
            self._expect(closing, f'"{closing}"')
            return _Choice(inner.sequences, optional=text == "[")
        if text.startswith("<") and len(text) > 2:
            return _Reference(self._take().text[1:-1].strip())
        if text in {"*", "+", "<", ">", "<>", "{", "}", "/", '"'}:
            self._wrong("words")
        return self._take().text.strip('"')


# Phrases -----------------------------------------------------------------------------------------


def _phrases(choice: _Choice, rules: Mapping[str, _Rule], path: Words) -> list[Words]:
    """Every phrase that a choice stands for; `path` are the rules that led here."""
    found: list[Words] = []
    for sequence in choice.sequences:
        parts = [_part_phrases(part, rules, path) for part in sequence]
        _bound(len(found) + prod(map(len, parts)))
        found += (tuple(word for words in each for word in words) for each in product(*parts))
    return [*found, ()] if choice.optional else found


def _part_phrases(
    part: str | _Reference | _Choice, rules: Mapping[str, _Rule], path: Words
) -> list[Words]:
    if isinstance(part, str):
        return [(part,)]
    if isinstance(part, _Choice):
        return _phrases(part, rules, path)
    if part.name in {"NULL", "VOID"}:
        return [()] if part.name == "NULL" else []
    if part.name not in rules:
        raise _WrongError(f"refers to <{part.name}>, which is not in this file")
    if part.name in path or len(path) > _DEEPEST:
        raise _WrongError(f"refers to itself by <{part.name}>: it would never end")
    return _phrases(rules[part.name].choice, rules, (*path, part.name))


def _bound(count: int) -> None:
    if count > MOST_PHRASES:
        raise _WrongError(f"stands for more than {MOST_PHRASES} phrases: make it smaller")
