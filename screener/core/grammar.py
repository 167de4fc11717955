"""What callers may say: heard words -> an extension, or classes of phrases.

A phrase is lower-case words with a blank between them, "two zero one", as recognisers print them.
What people edit is in grammars/*.jsgf, read by jsgf.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
from typing import Protocol

from screener.core.jsgf import Grammar, Words
from screener.core.words import DIGITS, normal

# An answer at the attendant ----------------------------------------------------------------------


class Named(Protocol):
    """What has names that callers say."""

    @property
    def names(self) -> tuple[str, ...]: ...


def spoken(offered: Mapping[str, Named]) -> dict[str, str]:
    """What reaches each of what is offered, phrase -> number: its names, and its digits said one by
    one. Of a name of two words each will do, where it can mean nobody else."""
    phrases: dict[str, str] = {}
    for number, each in offered.items():
        for name in each.names:
            phrases.setdefault(normal(name), number)
    for number in offered:
        phrases.setdefault(normal(number), number)
    phrases.pop("", None)
    for half, numbers in _halves(offered).items():
        if len(numbers) == 1:
            phrases.setdefault(half, *numbers)
    return phrases


# Words of a name that call nobody by themselves.
_NO_NAME = frozenset(
    (
        *("the", "my", "our", "your", "and", "of", "for", "to", "at", "in"),
        *("mr", "mrs", "ms", "dr", "mister", "miss", "missus"),
    )
)


def _halves(offered: Mapping[str, Named]) -> dict[str, set[str]]:
    """The given and the family names of all names of two words: word -> whose they are."""
    halves: dict[str, set[str]] = {}
    for number, each in offered.items():
        for name in each.names:
            words = normal(name).split()
            for word in words if len(words) == 2 else ():
                if word not in _NO_NAME and word not in DIGITS:
                    halves.setdefault(word, set()).add(number)
    return halves


@dataclass(frozen=True, slots=True)
class Understood:
    """Which of the expected phrases an answer was, "" for none; `sure` is False for probably."""

    words: str = ""
    sure: bool = True


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


def phrases_at(
    words: Iterable[str], classes: Iterable[PhraseClass]
) -> Iterator[tuple[int, str, Words]]:
    """(at which word, class, phrase) for each that these words hold: of a class the longest.

    Two different classes weigh, one alone does not: people say such things too.
    """
    words = tuple(words)
    index = _index(tuple(classes))
    for at, word in enumerate(words):
        for name, phrases in index.get(word, {}).items():
            longest = next((p for p in phrases if words[at : at + len(p)] == p), ())
            if longest:
                yield at, name, longest


@lru_cache(maxsize=8)
def _index(classes: tuple[PhraseClass, ...]) -> dict[str, dict[str, list[Words]]]:
    """First word -> class -> its phrases, longest first: texts are searched all the time."""
    index: dict[str, dict[str, list[Words]]] = {}
    for each in classes:
        for phrase in sorted(each.phrases, key=lambda words: -len(words)):
            index.setdefault(phrase[0], {}).setdefault(each.name, []).append(phrase)
    return index
