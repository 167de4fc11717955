"""What may be said: JSGF files -> phrases; heard words -> an extension, or classes of phrases.

A phrase is lower-case words with a blank between them, "two zero one", as recognisers print them.
`read` takes the text of a grammar file and gives its rules' phrases and every mistake in it; the
rest looks for phrases in what was heard. Source: JSpeech Grammar Format, W3C Note of 5 June 2000.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
from math import prod
from typing import TypeAlias

import jsgf
from jsgf.parser import ParseException

from screener.core.frontdoor import Extension

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
"""The words for 0 to 9."""

MOST_PHRASES = 5000
"""A rule that stands for more phrases than this is a slip of the pen, and would slow every call."""

# How many alternatives stand in one group of what `written` prints: pyjsgf's parser recurses.
_GROUP = 20

Words: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grammar:
    """A grammar file's public rules, each with its phrases in their order, and its mistakes."""

    rules: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    mistakes: tuple[str, ...] = ()


# Reading and printing ----------------------------------------------------------------------------


def read(text: str, source: str) -> Grammar:
    """The phrases of every public rule of a JSGF text; `source` names it in mistakes."""
    try:
        parsed = jsgf.parse_grammar_string(text)
    except ParseException as error:
        return Grammar(mistakes=(f"{source}:{error.lineno}: {_expected(error)}",))
    except jsgf.GrammarError as error:
        return Grammar(mistakes=(f"{source}: {error}",))
    except RecursionError:
        why = (
            "too many alternatives in a row: put brackets around groups of them, (a | b) | (c | d)"
        )
        return Grammar(mistakes=(f"{source}: {why}",))
    expansions = {rule.name: rule.expansion for rule in parsed.rules}
    rules: dict[str, tuple[str, ...]] = {}
    mistakes = [f"{source}: imports are not read: copy the rule in" for _ in parsed.imports]
    for rule in parsed.rules:
        try:
            phrases = _phrases(rule.expansion, expansions, (rule.name,))
        except _UnreadableError as error:
            mistakes.append(f"{source}:{_line_of(rule.name, text)}: <{rule.name}> {error}")
            continue
        if rule.visible:
            rules[rule.name] = tuple(dict.fromkeys(normal(" ".join(p)) for p in phrases if p))
    return Grammar(rules, tuple(mistakes))


def written(name: str, rules: Mapping[str, Iterable[str]]) -> str:
    """A JSGF text in which each rule is public and stands for its phrases; `read` reads it back."""
    lines = ["#JSGF V1.0;", f"grammar {name};"]
    for rule, phrases in rules.items():
        each = list(phrases) or ["<VOID>"]
        groups = (" | ".join(each[at : at + _GROUP]) for at in range(0, len(each), _GROUP))
        lines.append(f"public <{rule}> = {' | '.join(f'({group})' for group in groups)};")
    return "\n".join(lines) + "\n"


def normal(text: str) -> str:
    """Text as a phrase: lower case, no accents, digits as words, no other signs."""
    plain = unicodedata.normalize("NFKD", text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
    plain = "".join(c for c in plain.lower() if not unicodedata.combining(c))
    plain = re.sub("[0-9]", lambda digit: f" {DIGITS[int(digit[0])]} ", plain)
    words = re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)*", plain)
    return " ".join(words)


class _UnreadableError(Exception):
    """A rule that stands for no list of phrases, and why."""


def _phrases(part: jsgf.Expansion, rules: Mapping[str, jsgf.Expansion], path: Words) -> list[Words]:
    """Every phrase that a part of a rule stands for; `path` are the rules that led here."""
    match part:
        case jsgf.Literal():
            found = [tuple(part.text.split())]
        case jsgf.NullRef():
            found = [()]
        case jsgf.VoidRef():
            found = []
        case jsgf.NamedRuleRef():
            found = _referred(part.name, rules, path)
        case jsgf.Repeat():  # * and +
            raise _UnreadableError(
                "repeats something by * or +: write out how often it may be said"
            )
        case jsgf.AlternativeSet():
            found = [p for child in part.children for p in _phrases(child, rules, path)]
        case jsgf.OptionalGrouping():
            found = [*_phrases(part.child, rules, path), ()]
        case jsgf.Sequence():  # and ( )
            found = _in_a_row([_phrases(child, rules, path) for child in part.children])
        case _:
            raise _UnreadableError(f"holds something that is not read here: {part}")
    _bound(len(found))
    return found


def _referred(name: str, rules: Mapping[str, jsgf.Expansion], path: Words) -> list[Words]:
    if name not in rules:
        raise _UnreadableError(f"refers to <{name}>, which is not in this file")
    if name in path:
        raise _UnreadableError(f"refers to itself by <{name}>: it would never end")
    return _phrases(rules[name], rules, (*path, name))


def _in_a_row(parts: list[list[Words]]) -> list[Words]:
    _bound(prod(map(len, parts)))
    return [tuple(word for words in choice for word in words) for choice in product(*parts)]


def _bound(count: int) -> None:
    if count > MOST_PHRASES:
        raise _UnreadableError(f"stands for more than {MOST_PHRASES} phrases: make it smaller")


def _expected(error: ParseException) -> str:
    where = error.line.strip()
    return f'this is not JSGF from "{where[error.col - 1 :] or where}" on: {error.msg}'


def _line_of(rule: str, text: str) -> int:
    found = re.search(rf"<{re.escape(rule)}>\s*=", text)
    return text.count("\n", 0, found.start()) + 1 if found else 1


# An answer at the attendant ----------------------------------------------------------------------


def spoken(extensions: Mapping[str, Extension]) -> dict[str, str]:
    """What reaches each extension, phrase -> number: its names, and its digits said one by one."""
    phrases: dict[str, str] = {}
    for number, extension in extensions.items():
        for name in extension.names:
            phrases.setdefault(normal(name), number)
    for number in extensions:
        phrases.setdefault(normal(number), number)
    phrases.pop("", None)
    return phrases


@dataclass(frozen=True, slots=True)
class Answers:
    """How callers word an answer (grammars/attendant.jsgf).

    `ways` are the wordings of single words ("zero" -> "zero", "oh"); `before` and `after` what may
    stand around an answer; `other` what is said that is no answer.
    """

    ways: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    other: tuple[str, ...] = ()

    @classmethod
    def of(cls, grammar: Grammar) -> Answers:
        """From the attendant's grammar; rules other than before, after, other are words' ways."""
        rules = dict(grammar.rules)
        parts = (rules.pop(name, ()) for name in ("before", "after", "other"))
        return cls(rules, *parts)

    def wordings(self, expected: Iterable[str]) -> dict[str, str]:
        """Each wording of the expected phrases -> the phrase that it stands for."""
        phrases = sorted(expected)
        found = {phrase: phrase for phrase in phrases}
        for phrase in phrases:
            words = [dict.fromkeys((w, *self.ways.get(w, ()))) for w in phrase.split()]
            for choice in product(("", *self.before), *words, ("", *self.after)):
                found.setdefault(" ".join(w for w in choice if w), phrase)
        return found

    def not_expected(self) -> tuple[str, ...]:
        """What else to listen for, lest it is taken for an answer: all digits, and `other`."""
        return (*self.wordings(DIGITS), *self.other)

    def understood(self, words: str, expected: Iterable[str]) -> str:
        """Which expected phrase was said when a recogniser heard `words`; "" for none."""
        return self.wordings(expected).get(normal(words), "")


def intent(words: str, extensions: Mapping[str, Extension], answers: Answers) -> str:
    """The number of the extension that a caller's words ask for, or ""."""
    phrases = spoken(extensions)
    return phrases.get(answers.understood(words, phrases), "")


# Classes of phrases ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PhraseClass:
    """Phrases that mean the same: one rule of robocalls.jsgf or wanted.jsgf."""

    name: str
    phrases: frozenset[Words]

    def __post_init__(self) -> None:
        if () in self.phrases:
            raise ValueError(f"{self.name}: a phrase without words is in every text")


def phrase_classes(grammar: Grammar) -> tuple[PhraseClass, ...]:
    """A class for each rule; its name is the rule's, "final_notice" as "final notice"."""
    return tuple(
        PhraseClass(rule.replace("_", " "), frozenset(tuple(p.split()) for p in phrases))
        for rule, phrases in grammar.rules.items()
    )


def phrases_in(text: str, classes: Iterable[PhraseClass]) -> list[tuple[str, str]]:
    """(class, phrase) for what a text holds, each once, in the order of the text.

    Two different classes weigh, one alone does not: people say such things too.
    """
    words = tuple(normal(text).split())
    index = _index(tuple(classes))
    found: dict[tuple[str, str], None] = {}
    for at, word in enumerate(words):
        for name, phrases in index.get(word, {}).items():
            longest = next((p for p in phrases if words[at : at + len(p)] == p), ())
            if longest:
                found[name, " ".join(longest)] = None
    return list(found)


@lru_cache(maxsize=8)
def _index(classes: tuple[PhraseClass, ...]) -> dict[str, dict[str, list[Words]]]:
    """First word -> class -> its phrases, longest first: texts are searched all the time."""
    index: dict[str, dict[str, list[Words]]] = {}
    for each in classes:
        for phrase in sorted(each.phrases, key=lambda words: -len(words)):
            index.setdefault(phrase[0], {}).setdefault(each.name, []).append(phrase)
    return index
