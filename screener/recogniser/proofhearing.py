"""Hears prompts again, by PocketSphinx: which words of a text are not understood in its sound.

It knows the sentences of all prompts, and no others: with the wheel's own model of English it would
take 45 of 100 words of a telephone voice for others, right as they are.
Of 77 prompts, spoken by flite, it did not understand 2 words of 100; and of 77 in which one word
had been spoken as another, it noticed 71.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from difflib import SequenceMatcher
from pathlib import Path

from screener.core.words import normal
from screener.recogniser import languagemodel, lexicon
from screener.recogniser.libpocketsphinx import PocketSphinx
from screener.recogniser.pronunciations import WORDS, Pronunciations
from screener.recogniser.sphinx import SphinxDecoder, options_of

LANGUAGE = "en"
"""The language that PocketSphinx's wheel has a model of."""

_QUIET = bytes(2 * 1600)  # 0.2 s of 8 kHz PCM


class ProofHearing:
    """Hears the prompts whose texts are given. `grammars` may hold words.dict. Raises
    RecogniserError."""

    def __init__(self, texts: Iterable[str], grammars: Path) -> None:
        import pocketsphinx  # noqa: PLC0415 - not needed where Vosk listens

        bundled = Path(pocketsphinx.get_model_path("en-us"))
        sentences = [normal(text) for text in texts]
        self._folder = Path(tempfile.mkdtemp(prefix="screener-"))
        own = self._folder / WORDS
        if (grammars / WORDS).exists():
            shutil.copyfile(grammars / WORDS, own)
        dictionary = bundled / "cmudict-en-us.dict"
        unknown = Pronunciations(own, dictionary).unknown(sentences)
        with own.open("a", encoding="utf-8") as file:
            file.writelines(f"\n{line}" for line in map(lexicon.probable, unknown) if line)
        self._sounds = Pronunciations(own, dictionary)
        options = options_of(bundled / "en-us") | {"fwdflat": "yes", "bestpath": "yes"}
        heard = self._sounds.heard(sentences)
        model, words = languagemodel.make(heard, self._sounds, self._folder)
        decoder = PocketSphinx({**options, "dict": str(words)}, model=model)
        self._decoder = SphinxDecoder(decoder, int(options["samprate"]))

    def missed(self, text: str, pcm: bytes) -> tuple[str, ...]:
        """The words of a text that are not understood in its sound, 8 kHz PCM."""
        words = normal(text).split()
        heard = self._decoder.hear_whole(_QUIET + pcm + _QUIET).split()
        expected, found = ([self._sound(word) for word in each] for each in (words, heard))
        matcher = SequenceMatcher(None, expected, found, autojunk=False)
        right = {
            at for same in matcher.get_matching_blocks() for at in range(same.a, same.a + same.size)
        }
        return tuple(word for at, word in enumerate(words) if at not in right)

    def close(self) -> None:
        self._decoder.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _sound(self, word: str) -> str:
        """How a word sounds: "four" and "for" are one to the ear. "read(2)" is a second way."""
        word = word.partition("(")[0]
        said = self._sounds.of([word])
        return said[0][1] if said else word
