"""What every engine gives: decoders for speech as it comes, and the meaning of short answers.

All of it may take its time and is called in threads (following.py) or from a command that has time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from screener.core.grammar import Understood
from screener.core.transcript import Transcript


class Decoder(Protocol):
    """What turns a stream of speech into words; used by one thread at a time."""

    def hear(self, pcm: bytes) -> Transcript:
        """Take some 8 kHz PCM; the words so far, which may be thought over when more is heard."""

    def transcript(self) -> Transcript:
        """The words so far, none of them waiting to be rated. More may be heard afterwards."""

    def close(self) -> None:
        """Free its memory."""


class Engine(Protocol):
    """An engine with its model. `name` is for people: "PocketSphinx 5.1.1, bundled English"."""

    name: str

    def decoder(self) -> Decoder:
        """One for a call's speech."""

    def answer(self, utterance: bytes, expected: frozenset[str]) -> Understood:
        """Which of the expected phrases a short utterance (8 kHz PCM) is, and whether surely."""

    def unknown_words(self, phrases: Iterable[str]) -> tuple[str, ...]:
        """The words of these phrases that this engine cannot hear: it knows no sound of them."""
