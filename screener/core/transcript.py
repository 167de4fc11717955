"""What a recogniser has made of speech: words with their times and how sure it is of each."""

from __future__ import annotations

from dataclasses import dataclass

# Below this a word is not shown as the caller's.
SURE = 0.5
# How sure an engine is of a word that it does not rate: as of most of those that it does.
UNRATED = 0.6


@dataclass(frozen=True, slots=True)
class Word:
    """One word. `start` and `end` are in seconds of speech that the recogniser was given;
    `confidence` is between 0 and 1, as the engine has it."""

    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Transcript:
    """Words in the order in which they were said."""

    words: tuple[Word, ...] = ()

    @property
    def text(self) -> str:
        """The words with a blank between them."""
        return " ".join(word.text for word in self.words)

    @property
    def confidence(self) -> float:
        """The mean over all words; 0 where there are none."""
        return sum(word.confidence for word in self.words) / len(self.words) if self.words else 0.0

    def shown(self, sure: float = SURE) -> str:
        """The words that may be shown as the caller's; "…" stands for those that may not."""
        told: list[str] = []
        for word in self.words:
            text = word.text if word.confidence >= sure else "…"
            if text != "…" or told[-1:] != ["…"]:
                told.append(text)
        return "" if told == ["…"] else " ".join(told)
