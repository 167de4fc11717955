"""What a recogniser has made of speech: words with their times and how sure it is of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Below this a word is not shown as the caller's.
SURE = 0.5
# How sure an engine is of a word that it does not rate: as of most of those that it does.
UNRATED = 0.6
# A transcript whose words are, on the whole, less sure than this is not shown. PocketSphinx's of 13
# robocalls and 30 utterances of people: of the 6 above it, 0.82 of the words that are shown were
# right, of the 7 robocalls below it 0.65; none of the people's came near it.
WORTH = 0.55


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
    """Words in the order in which they were said. Where not all was listened to, `until` is how
    many seconds were (0: all)."""

    words: tuple[Word, ...] = ()
    until: float = 0.0

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
        if told in ([], ["…"]):
            return ""
        rest = f" (only the first {self.until / 60:g} minutes)" if self.until else ""
        return " ".join(told) + rest

    def is_worth_showing(self, least: int) -> bool:
        """Whether a reader learns more than he is misled; `least` words, as the engine needs."""
        return len(self.words) >= least and self.confidence >= WORTH and bool(self.shown())

    def as_data(self) -> dict[str, Any]:
        """The transcript as JSON knows it."""
        words = [[word.text, word.start, word.end, word.confidence] for word in self.words]
        return {"words": words, "until": self.until}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Transcript:
        """What `as_data` gave. Raises KeyError, TypeError or ValueError for anything else."""
        words = tuple(
            Word(str(text), float(start), float(end), float(confidence))
            for text, start, end, confidence in data["words"]
        )
        return cls(words, float(data.get("until", 0.0)))
