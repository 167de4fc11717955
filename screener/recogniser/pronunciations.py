"""How words sound, for PocketSphinx: the owner's words.dict, then the wheel's cmudict."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable
from pathlib import Path

from screener.recogniser.files import text_of

WORDS = "words.dict"
"""In the grammars folder: how words sound that the dictionary lacks, "smythe S M AY DH"."""


class Pronunciations:
    """How words sound: the owner's words first, then a dictionary's, read when needed.

    The whole dictionary would be 30 MB in memory; only words that were asked for are kept.
    """

    def __init__(self, own: Path, dictionary: Path) -> None:
        self._dictionary = dictionary
        self._lock = threading.Lock()
        self._known: dict[str, tuple[str, ...]] = {}
        if own.exists():
            self._known |= _sounds(text_of(own).splitlines(), None)

    def learn(self, phrases: Iterable[str]) -> None:
        """Look up the words of phrases that are not known yet."""
        with self._lock:
            missing = {w for phrase in phrases for w in phrase.split()} - self._known.keys()
            if missing:
                with self._dictionary.open(encoding="utf-8") as lines:
                    found = _sounds(lines, missing)
                self._known |= {word: found.get(word, ()) for word in missing}

    def unknown(self, phrases: Iterable[str]) -> tuple[str, ...]:
        """The words that no dictionary has."""
        phrases = list(phrases)
        self.learn(phrases)
        words = dict.fromkeys(word for phrase in phrases for word in phrase.split())
        return tuple(word for word in words if not self._known[word])

    def heard(self, phrases: Iterable[str]) -> list[str]:
        """The phrases all of whose words have a sound."""
        phrases = list(phrases)
        unknown = set(self.unknown(phrases))
        return [phrase for phrase in phrases if unknown.isdisjoint(phrase.split())]

    def of(self, phrases: Iterable[str]) -> list[tuple[str, str]]:
        """(word, phones) for a decoder; a word's further pronunciations as "word(2)"."""
        phrases = list(phrases)
        self.learn(phrases)
        return [
            (word if n == 1 else f"{word}({n})", phones)
            for word in sorted({word for phrase in phrases for word in phrase.split()})
            for n, phones in enumerate(self._known[word], 1)
        ]


def _sounds(lines: Iterable[str], wanted: Collection[str] | None) -> dict[str, tuple[str, ...]]:
    """Lines of a dictionary, "word(2) W ER D" -> each word's pronunciations."""
    found: dict[str, tuple[str, ...]] = {}
    for line in lines:
        word, _, phones = line.strip().partition(" ")
        word = word.partition("(")[0]
        if phones and not word.startswith("#") and (wanted is None or word in wanted):
            found[word] = (*found.get(word, ()), phones.strip())
    return found
