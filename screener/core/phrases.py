"""The phrases of robots in one call's words, as a recogniser hears them and thinks them over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from screener.core.grammar import PhraseClass, phrases_at
from screener.core.script import SpokenPhrase
from screener.core.transcript import Word


@dataclass(frozen=True, slots=True)
class _Place:
    """A phrase and its first word's place among all words."""

    first: int
    phrase: SpokenPhrase


class Phrases:
    """What was found in a call's words so far. `classes` are the phrases that are looked for.

    `told` are they in the order of their times, but for those that say nothing new.
    """

    def __init__(self, classes: Sequence[PhraseClass]) -> None:
        self._classes = classes
        self._reach = _longest(tuple(classes))
        self._words: Sequence[Word] = ()
        self._places: list[_Place] = []
        self.told: tuple[SpokenPhrase, ...] = ()

    def hear(self, words: Sequence[Word], now: float) -> None:
        """All words of the call so far; `now` is in seconds since it was answered.

        A phrase that the recogniser thinks better of is found no more. One that it goes on to hear
        keeps its time, and is as sure as its words have become.
        """
        same = _same(self._words, words)
        begin = max(0, same - self._reach + 1)
        since = {(p.first, p.phrase.kind): p.phrase.at for p in self._places}
        self._places = [place for place in self._places if place.first < begin]
        for at, kind, text in phrases_at([word.text for word in words[begin:]], self._classes):
            first = begin + at
            rated = [word.confidence for word in words[first : first + len(text)]]
            began = since.get((first, kind), now)
            phrase = SpokenPhrase(kind, " ".join(text), began, sum(rated) / len(rated))
            self._places.append(_Place(first, phrase))
        self._words = words
        self.told = _news(place.phrase for place in self._places)


@lru_cache(maxsize=8)
def _longest(classes: tuple[PhraseClass, ...]) -> int:
    """The words of the longest phrase. All calls have the same classes, of some 1500 phrases."""
    return max((len(words) for each in classes for words in each.phrases), default=1)


def _news(phrases: Iterable[SpokenPhrase]) -> tuple[SpokenPhrase, ...]:
    """Phrases in the order of their times, but for those that say nothing new.

    "press five now" says nothing new after "press five"; it may be surer.
    """
    told: list[SpokenPhrase] = []
    for phrase in sorted(phrases, key=lambda phrase: phrase.at):
        old = next((n for n, other in enumerate(told) if _alike(other, phrase)), None)
        if old is None:
            told.append(phrase)
        elif phrase.confidence > told[old].confidence:
            told[old] = replace(told[old], confidence=phrase.confidence)
    return tuple(told)


def _alike(one: SpokenPhrase, other: SpokenPhrase) -> bool:
    within = one.text in other.text or other.text in one.text
    return within and one.kind == other.kind


def _same(before: Sequence[Word], now: Sequence[Word]) -> int:
    """How many words at the beginning are the same, and as sure as before.

    Whoever talks for minutes is not searched for phrases from his first word on, five times a
    second: that took a tenth of what the recogniser takes.
    """
    for at, (old, new) in enumerate(zip(before, now, strict=False)):
        if old is not new and (old.text, old.confidence) != (new.text, new.confidence):
            return at
    return min(len(before), len(now))
