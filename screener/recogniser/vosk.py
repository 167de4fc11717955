"""Vosk: the engine of choice where a model is installed.

One model is shared by all calls; each call, and each answer, has a small recogniser of its own.
libvosk releases Python's global lock while it decodes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any

from screener.core.audio import RATE
from screener.core.grammar import Answers, Understood
from screener.core.transcript import UNRATED, Transcript, Word
from screener.errors import RecogniserError
from screener.recogniser.files import text_of
from screener.recogniser.trial import try_out
from screener.recogniser.upsampling import Upsampling

# What a model hears that is no word of its own. Noises ("[laughter]", "<eps>") are nothing said.
_UNKNOWN = "[unk]"
_UNKNOWN_WORDS = (_UNKNOWN, "<unk>", "<UNK>")
# A grammar's "[unk]" takes the rest of an answer's last sound, or a breath, and also what was not
# expected: "two zero zero" has been heard as "two zero" and 0.33 s of "[unk]", "hello office" as
# 0.29 s and "office". Of answers heard rightly none had more than 0.21 s (seconds; the tests' own
# model, 24 voices).
_LONGEST_UNKNOWN = 0.25
# An answer with a word that libvosk is less sure of than this is to be confirmed. (The tests' own
# model is sure of all that it hears: this is what "rather than not" means.)
_SURE = 0.6


class _Raising:
    """What libvosk's Python raises is a bare Exception: here it becomes a RecogniserError."""

    def __init__(self, told: str) -> None:
        self._told = told

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if kind is Exception:
            raise RecogniserError(f"{self._told} (libvosk says: {error})") from error


class VoskDecoder:
    """One call's recogniser over the shared model, for free speech or, with `grammar`, phrases.

    Raises RecogniserError.
    """

    def __init__(self, vosk: Any, model: Any, rate: int, grammar: tuple[str, ...] = ()) -> None:
        with _Raising(
            "Vosk could not make a recogniser: free some memory, or take a smaller model"
        ):
            narrowed = (json.dumps(grammar),) if grammar else ()
            self._recogniser = vosk.KaldiRecognizer(model, rate, *narrowed)
        self._recogniser.SetWords(True)  # each with its times and confidence
        self._upsampling = Upsampling(rate)
        self._finished: list[Word] = []

    def hear(self, pcm: bytes) -> Transcript:
        """Take some 8 kHz PCM; the words so far. Those of an unfinished sentence are not rated:
        libvosk would search its lattice anew each time."""
        with _Raising("Vosk could not decode a call"):
            ended = self._recogniser.AcceptWaveform(self._upsampling(pcm))
        if ended:
            self._finished += _words(self._recogniser.Result())
            return Transcript(tuple(self._finished))
        partial = json.loads(self._recogniser.PartialResult()).get("partial", "").split()
        since = self._finished[-1].end if self._finished else 0.0
        unrated = (Word(text, since, since, UNRATED) for text in map(_word, partial) if text)
        return Transcript((*self._finished, *unrated))

    def hear_whole(self, pcm: bytes) -> tuple[Word, ...]:
        """The words of one utterance that is all there."""
        # Kaldi reads ahead: the last word comes out only after some quiet.
        self.hear(pcm + bytes(2 * RATE // 2))
        return self.transcript().words

    def transcript(self) -> Transcript:
        """The words so far with libvosk's own confidence; unknown ones have none.

        What was read ahead is decoded to its end: a word that is just being said comes in two.
        """
        self._finished += _words(self._recogniser.FinalResult())
        return Transcript(tuple(self._finished))

    def close(self) -> None:
        self._recogniser = None  # libvosk frees it with its last reference


def _words(result: str) -> list[Word]:
    """The words of libvosk's answer: `{"result": [{"word": ..., "conf": ...}, ...]}`."""
    said = []
    for told in json.loads(result).get("result", ()):
        text = _word(told["word"])
        sure = 0.0 if text == _UNKNOWN else min(1.0, max(0.0, told["conf"]))
        if text:
            said.append(Word(text, told["start"], told["end"], sure))
    return said


def _word(text: str) -> str:
    """A word as it is told: noises are none, unknown words keep their place among the others."""
    if text in _UNKNOWN_WORDS:
        return _UNKNOWN
    return "" if text.startswith(("[", "<")) else text


def _least(words: Iterable[Word]) -> float:
    """The confidence of the least sure of the words that are none of [unk]."""
    return min((word.confidence for word in words if word.text != _UNKNOWN), default=0.0)


def _text(words: Iterable[Word]) -> str:
    return " ".join(word.text for word in words)


class Vosk:
    """One Vosk model for all calls, a recogniser of its own for each call and each answer."""

    def __init__(self, model: Path, answers: Answers) -> None:
        prove(model)
        self._rate = _model_rate(model)
        import vosk  # noqa: PLC0415 - 25 MB that a machine without a model does without

        vosk.SetLogLevel(-1)
        self.name = f"Vosk {version('vosk')}, {model.name}"
        self._vosk = vosk
        with _Raising(
            f"Vosk cannot load the model {model}: free some memory, or take a smaller one"
        ):
            self._model = vosk.Model(str(model))
        self._answers = answers
        # A graph that is made whole beforehand (HCLG.fst) cannot be narrowed to a grammar.
        self._takes_grammars = not _parts(model, "HCLG.fst")

    def decoder(self) -> VoskDecoder:
        return VoskDecoder(self._vosk, self._model, self._rate)

    def unknown_words(self, phrases: Iterable[str]) -> tuple[str, ...]:
        words = dict.fromkeys(word for phrase in phrases for word in phrase.split())
        return tuple(word for word in words if self._model.vosk_model_find_word(word) < 0)

    def answer(self, utterance: bytes, expected: frozenset[str]) -> Understood:
        grammar = self._grammar(expected) if self._takes_grammars else ()
        decoder = VoskDecoder(self._vosk, self._model, self._rate, grammar)
        said = decoder.hear_whole(utterance)
        unknown = sum(word.end - word.start for word in said if word.text == _UNKNOWN)
        if unknown > _LONGEST_UNKNOWN:
            return Understood()
        known = _text(word for word in said if word.text != _UNKNOWN)
        words = self._answers.understood(known, expected)
        return Understood(words, _least(said) >= _SURE or not words)

    def _grammar(self, expected: frozenset[str]) -> tuple[str, ...]:
        """What to tell apart. Of a phrase with an unknown word libvosk would hear the rest."""
        phrases = [*self._answers.wordings(expected), *self._answers.not_expected()]
        unknown = set(self.unknown_words([*phrases, _UNKNOWN]))
        known = [phrase for phrase in phrases if unknown.isdisjoint(phrase.split())]
        return (*dict.fromkeys(known), *({_UNKNOWN} - unknown))


def prove(model: Path) -> None:
    """Have libvosk load a model, in another process. Raises RecogniserError."""
    _check_layout(model)
    try_out("Vosk", model, _TRIAL, str(_model_rate(model)))


# Each part of a Vosk model and where it may lie: the layout of today, and that of old models.
_LAYOUT = {
    "final.mdl": ("am/final.mdl", "final.mdl"),
    "mfcc.conf": ("conf/mfcc.conf", "mfcc.conf"),
    "HCLG.fst": ("graph/HCLG.fst", "HCLG.fst"),
    "HCLr.fst": ("graph/HCLr.fst", "HCLr.fst"),
    "Gr.fst": ("graph/Gr.fst", "Gr.fst"),
}


def _parts(model: Path, name: str) -> list[Path]:
    return [model / place for place in _LAYOUT[name] if (model / place).is_file()]


def _check_layout(model: Path) -> None:
    if not model.is_dir():
        raise RecogniserError(f"there is no Vosk model folder {model}: correct speech.model")
    missing = missing_parts(model)
    if not missing:
        return
    whole = [f for f in sorted(model.iterdir()) if f.is_dir() and not missing_parts(f)]
    if whole:
        raise RecogniserError(
            f"{model} holds a Vosk model in a folder of its own: set speech.model to {whole[0]}"
        )
    raise RecogniserError(
        f"{model} is not a whole Vosk model, {', '.join(missing)} is missing: a model's folder"
        " holds am/final.mdl, conf/mfcc.conf and graph/; unpack the model again"
    )


def missing_parts(model: Path) -> list[str]:
    """What a folder lacks to be a Vosk model; nothing where it looks whole."""
    missing = [name for name in ("final.mdl", "mfcc.conf") if not _parts(model, name)]
    graph = _parts(model, "HCLG.fst") or (_parts(model, "HCLr.fst") and _parts(model, "Gr.fst"))
    return missing if graph else [*missing, "HCLG.fst (or HCLr.fst and Gr.fst)"]


def _model_rate(model: Path) -> int:
    """The samples per second that a model was trained on; Kaldi's default is 16000."""
    found = re.search(r"--sample-frequency=([0-9]+)", text_of(_parts(model, "mfcc.conf")[0]))
    return int(found[1]) if found else 2 * RATE


_TRIAL = """
import sys, vosk
vosk.KaldiRecognizer(vosk.Model(sys.argv[1]), float(sys.argv[2])).AcceptWaveform(bytes(16000))
"""
