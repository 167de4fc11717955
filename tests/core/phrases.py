"""The phrases of a text, as tests ask for them."""

from collections.abc import Iterable

from screener.core.grammar import PhraseClass, phrases_at
from screener.core.words import normal


def phrases_in(text: str, classes: Iterable[PhraseClass]) -> list[tuple[str, str]]:
    """(class, phrase) for what a text holds, each once, in the order of the text."""
    found = phrases_at(normal(text).split(), classes)
    return list(dict.fromkeys((name, " ".join(phrase)) for _, name, phrase in found))
