"""PocketSphinx: the embedded default, whose wheel carries an English model.

It is good for small grammars and for key phrases, not for transcripts.

    libpocketsphinx.py   the C library: decoders, without Python's global lock
    languagemodel.py     what a caller's talk is heard as: the grammars folder's sentences
    pronunciations.py    how words sound
"""

from __future__ import annotations

import math
import re
import threading
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from importlib.metadata import version
from pathlib import Path

from screener.config import Settings
from screener.core.audio import RATE
from screener.core.grammar import Answers, Understood
from screener.core.jsgf import written
from screener.core.menu import said_at
from screener.core.transcript import Transcript, Word
from screener.errors import RecogniserError
from screener.recogniser import languagemodel
from screener.recogniser.files import text_of
from screener.recogniser.libpocketsphinx import PocketSphinx, Segment, release_memory
from screener.recogniser.pronunciations import WORDS, Pronunciations
from screener.recogniser.trial import try_out
from screener.recogniser.upsampling import Upsampling

_FRAMES = 100  # a second, of PocketSphinx's


class Stock:
    """Decoders for calls' talk, made by `make`; those of calls that are over serve further calls.

    To make one takes 25 ms, to use one again 3 ms, and the words are the same. Any thread may ask.
    """

    # So many wait for further calls at most, some 11 MB each; the rest are freed.
    MOST = 4
    # One that has heard more than this (seconds) is freed: it has grown by 5 MB in a minute.
    LONGEST = 60

    def __init__(self, make: Callable[[], PocketSphinx]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._waiting: list[PocketSphinx] = []
        self._at_work = 0
        self._freed = False

    def take(self) -> PocketSphinx:
        with self._lock:
            decoder = self._waiting.pop() if self._waiting else None
        if decoder is None:
            decoder = self._make()
        with self._lock:
            self._at_work += 1
        return decoder

    def give_back(self, decoder: PocketSphinx, heard: float) -> None:
        """`heard` is how many seconds it has heard; inf: it has failed."""
        with self._lock:
            self._at_work -= 1
            kept = heard < self.LONGEST and len(self._waiting) < self.MOST
            if kept:
                self._waiting.append(decoder)
            self._freed = self._freed or not kept
            release = self._freed and self._at_work == 0
            if release:
                self._freed = False
        if not kept:
            decoder.close()
        if release:
            release_memory()


class SphinxDecoder:
    """One PocketSphinx decoder, some 8 MB; used by one thread at a time. Raises RecogniserError.

    At the end it is closed, or given back to the `stock` that it is from.
    """

    def __init__(self, decoder: PocketSphinx, rate: int, stock: Stock | None = None) -> None:
        self._decoder: PocketSphinx | None = decoder
        self._rate = rate
        self._stock = stock
        self._upsampling = Upsampling(rate)
        self._heard = 0.0
        self._started = False
        self._text = ""
        self._said = Transcript()

    def hear(self, pcm: bytes) -> Transcript:
        """Take some 8 kHz PCM; the words so far."""
        decoder = self._open()
        heard, self._heard = self._heard, math.inf  # unless it goes well
        if not self._started:
            decoder.start(stream=True)
            self._started = True
        decoder.process(self._upsampling(pcm))
        text = decoder.words()
        if text != self._text:  # to look at each word takes longer
            self._text, self._said = text, self.transcript()
        self._heard = heard + len(pcm) / 2 / RATE
        return self._said

    def hear_whole(self, pcm: bytes) -> str:
        """The words of an utterance that is all there: its channel is evened out over all of it."""
        decoder = self._open()
        decoder.start(stream=True)
        decoder.process(Upsampling(self._rate)(pcm), whole=True)
        decoder.end()
        return decoder.words()

    def transcript(self) -> Transcript:
        """The words so far. A word's confidence is `_RIGHT`, how often words in such rows are."""
        segments = self._decoder.segments() if self._decoder and self._started else []
        said = [each for each in segments if each.word[0] not in "<["]
        orders = [each.order for each in said]
        following = [*orders[1:], 1]
        return Transcript(tuple(map(_word, said, orders, following)))

    def close(self) -> None:
        decoder, self._decoder = self._decoder, None
        if decoder is None:
            return
        if self._stock is None:
            decoder.close()
        else:
            self._stock.give_back(decoder, self._heard)

    def _open(self) -> PocketSphinx:
        if self._decoder is None:
            raise RecogniserError("PocketSphinx could not decode a call: it is over")
        return self._decoder


# How sure a word is: of words in rows that the language model knows, this part was right. A row is
# counted in words up to this one (1: it stands alone), and then up to the next one. 1990 words of
# 41 synthesised callers, robots and people, each against what was said. How well the sound fits
# tells much less: of right and wrong words the quartiles of it lie almost in the same places.
_RIGHT = {
    (1, 1): 0.16,
    (1, 2): 0.45,
    (1, 3): 0.45,
    (2, 1): 0.39,
    (2, 2): 0.55,
    (2, 3): 0.70,
    (3, 1): 0.66,
    (3, 2): 0.68,
    (3, 3): 0.91,
}


def _word(segment: Segment, order: int, next_order: int) -> Word:
    """ "read(2)" is the second way to say "read"."""
    return Word(
        segment.word.partition("(")[0],
        segment.start / _FRAMES,
        (segment.end + 1) / _FRAMES,
        _RIGHT.get((order, next_order), 0.0),
    )


class Sphinx:
    """The embedded default: PocketSphinx with the wheel's English model, or another of its kind."""

    # Some for callers who answer at the same time; the rest are made anew, in 40 ms.
    _IDLE = 2

    def __init__(self, settings: Settings, answers: Answers, model: Path | None) -> None:
        import pocketsphinx  # noqa: PLC0415 - not needed where Vosk listens

        bundled = Path(pocketsphinx.get_model_path("en-us"))
        hmm = model or bundled / "en-us"
        self.name = f"PocketSphinx {version('pocketsphinx')}, " + (
            model.name if model else "bundled English"
        )
        self._options = options_of(hmm)
        self._rate = int(self._options["samprate"])
        if model is not None:
            prove(model)
        self._answers = answers
        grammars = settings.grammars
        self._pronunciations = Pronunciations(grammars / WORDS, bundled / "cmudict-en-us.dict")
        self._idle: deque[tuple[frozenset[str], tuple[SphinxDecoder, ...]]] = deque()
        expected = said_at(settings.doors.values(), settings.directory.menus.values())
        sentences = languagemodel.sentences(grammars)
        self._pronunciations.learn([*sentences, *answers.wordings(expected), *answers.other])
        self._model, dictionary = languagemodel.make(
            self._pronunciations.heard(sentences),
            self._pronunciations,
            settings.data / "recogniser",
        )
        self._talk_options = {**self._options, **_TALK, "dict": str(dictionary)}
        self._stock = Stock(partial(PocketSphinx, self._talk_options, model=self._model))
        self.decoder().close()  # what is wrong is told now, not during a call

    def unknown_words(self, phrases: Iterable[str]) -> tuple[str, ...]:
        return self._pronunciations.unknown(phrases)

    def answer(self, utterance: bytes, expected: frozenset[str]) -> Understood:
        decoders = self._take_idle(expected) or self._answer_decoders(expected)
        try:
            heard = [decoder.hear_whole(utterance) for decoder in decoders]
        except RecogniserError:
            _close(decoders)
            raise
        if decoders:
            self._idle.append((expected, decoders))
        while len(self._idle) > self._IDLE:
            _close(self._idle.popleft()[1])
        answers = {self._answers.understood(words, expected) for words in heard}
        sure = len(answers) == 1  # both have heard the same
        phrases = answers - {""}
        return Understood(phrases.pop(), sure) if len(phrases) == 1 else Understood()

    def _take_idle(self, expected: frozenset[str]) -> tuple[SphinxDecoder, ...]:
        for _ in range(len(self._idle)):
            try:
                candidate = self._idle.popleft()
            except IndexError:  # another thread was quicker
                break
            if candidate[0] == expected:
                return candidate[1]
            self._idle.append(candidate)
        return ()

    def _answer_decoders(self, expected: frozenset[str]) -> tuple[SphinxDecoder, ...]:
        """Those that tell the expected phrases from each other and from what is no answer.

        There are none where no expected phrase has a sound.
        """
        heard = self._pronunciations.heard
        right = heard(self._answers.wordings(expected))
        if not right:
            return ()
        other = heard(p for p in self._answers.not_expected() if p not in right)
        words = self._pronunciations.of([*right, *other])
        jsgf = written("answer", {"answer": [*right, *other]})
        return tuple(
            SphinxDecoder(PocketSphinx({**self._options, **ear}, words, grammar=jsgf), self._rate)
            for ear in _EARS
        )

    def decoder(self) -> SphinxDecoder:
        return SphinxDecoder(self._stock.take(), self._rate, self._stock)


def _close(decoders: Iterable[SphinxDecoder]) -> None:
    for decoder in decoders:
        decoder.close()


# What an acoustic model's folder holds at the least; its densities are in one of two forms.
_MODEL_FILES = ("mdef", "feat.params", "means", "variances", "transition_matrices")
_DENSITIES = ("sendump", "mixture_weights")


def options_of(hmm: Path) -> dict[str, str]:
    """PocketSphinx's settings for an acoustic model folder."""
    missing = [name for name in _MODEL_FILES if not _holds(hmm / name)]
    if not any(_holds(hmm / name) for name in _DENSITIES):
        missing.append("sendump")
    if missing:  # PocketSphinx never comes back from an empty mdef
        raise RecogniserError(
            f"{hmm} is not a whole PocketSphinx model, {', '.join(missing)} is missing or empty:"
            " unpack the model again, or take speech.model out of screener.toml"
        )
    features = text_of(hmm / "feat.params")
    upper = re.search(r"-upperf\s+([0-9.]+)", features)
    narrow = upper is not None and float(upper[1]) <= RATE / 2
    return {
        "hmm": str(hmm),
        "loglevel": "FATAL",
        "samprate": str(RATE if narrow else 2 * RATE),
        # Words come of the first pass while they are spoken; the further two come after the end.
        "fwdflat": "no",
        "bestpath": "no",
        **({} if narrow else {"cmninit": _TELEPHONE_MEANS}),
    }


def prove(model: Path) -> None:
    """Have PocketSphinx load a model, in another process. Raises RecogniserError."""
    try_out("PocketSphinx", model, _TRIAL, options_of(model)["samprate"])


_TRIAL = """
import sys, pocketsphinx
model, rate = sys.argv[1], int(sys.argv[2])
pocketsphinx.Decoder(hmm=model, samprate=rate, lm=None, dict=None, loglevel="FATAL")
"""


def _holds(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


# The bundled model's features (MFCCs) have these means on telephone speech brought to 16 kHz; it
# begins a stream with them, and goes on to learn the line's own.
_TELEPHONE_MEANS = "43,20,-25,30,-20,4,-5,-8,-4,-9,-1,-6,0"


# An answer is heard twice, as from a somewhat longer and a shorter throat; where one contradicts
# the other, it is asked for again, and where one heard nothing, he is asked whether that was it. Of
# 40 digits of people 33 are right so, 3 of them to be confirmed, and 1 is taken for another (heard
# once: 34 and 2).
_EARS = tuple({"warp_type": "inverse_linear", "warp_params": warp} for warp in ("0.96", "1.08"))


# For talk of minutes: every other frame is scored, by the two likeliest densities. Half the work,
# and as many robocalls found. Narrower beams than PocketSphinx's own (1e-40 for 1e-48) are a fifth
# less work, but 50 of 60 robocalls were found within 14 s, else 56. An answer of a second has all.
_TALK = {"ds": "2", "topn": "2"}
