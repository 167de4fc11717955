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
from typing import Any

from screener.core.audio import RATE
from screener.core.grammar import Answers
from screener.core.transcript import Transcript
from screener.errors import RecogniserError
from screener.recogniser.files import text_of
from screener.recogniser.trial import try_out
from screener.recogniser.upsampling import Upsampling


class VoskDecoder:
    """One call's recogniser over the shared model: free speech, some seconds a result."""

    def __init__(self, recogniser: Any, rate: int) -> None:
        self._recogniser = recogniser
        self._upsampling = Upsampling(rate)
        self._finished: list[str] = []

    def hear(self, pcm: bytes) -> str:
        """Take some 8 kHz PCM; the words so far."""
        if self._recogniser.AcceptWaveform(self._upsampling(pcm)):
            self._finished.append(_said(self._recogniser.Result()))
            return " ".join(filter(None, self._finished))
        return " ".join(filter(None, (*self._finished, _said(self._recogniser.PartialResult()))))

    def hear_whole(self, pcm: bytes) -> str:
        """The words of one utterance that is all there."""
        # Kaldi reads ahead: the last word comes out only after some quiet.
        words = self.hear(pcm + bytes(2 * RATE // 2))
        self._finished.append(_said(self._recogniser.FinalResult()))
        return " ".join(filter(None, self._finished)) or words

    def transcript(self) -> Transcript:
        return Transcript()

    def close(self) -> None:
        self._recogniser = None  # libvosk frees it with its last reference


def _said(result: str) -> str:
    """The words of libvosk's answer, `{"text": ...}` or `{"partial": ...}`; "[unk]" is no word."""
    said = json.loads(result)
    text: str = said.get("text") or said.get("partial") or ""
    return " ".join(word for word in text.split() if not word.startswith(("[", "<")))


class Vosk:
    """One Vosk model for all calls, a recogniser of its own for each call and each answer."""

    def __init__(self, model: Path, answers: Answers) -> None:
        _check_layout(model)
        self._rate = _model_rate(model)
        try_out("Vosk", model, _TRIAL, str(self._rate))
        import vosk  # noqa: PLC0415 - 25 MB that a machine without a model does without

        vosk.SetLogLevel(-1)
        self.name = f"Vosk {version('vosk')}, {model.name}"
        self._vosk = vosk
        self._model = vosk.Model(str(model))
        self._answers = answers
        # A graph that is made whole beforehand (HCLG.fst) cannot be narrowed to a grammar.
        self._takes_grammars = not _parts(model, "HCLG.fst")

    def decoder(self) -> VoskDecoder:
        return self._decoder()

    def unknown_words(self, phrases: Iterable[str]) -> tuple[str, ...]:
        words = dict.fromkeys(word for phrase in phrases for word in phrase.split())
        return tuple(word for word in words if self._model.vosk_model_find_word(word) < 0)

    def answer(self, utterance: bytes, expected: frozenset[str]) -> str:
        phrases = self._grammar(expected) if self._takes_grammars else ()
        decoder = self._decoder(json.dumps(phrases)) if phrases else self._decoder()
        return self._answers.understood(decoder.hear_whole(utterance), expected)

    def _grammar(self, expected: frozenset[str]) -> tuple[str, ...]:
        """What to tell apart. Of a phrase with an unknown word libvosk would hear the rest."""
        phrases = [*self._answers.wordings(expected), *self._answers.not_expected()]
        unknown = set(self.unknown_words(phrases))
        known = [phrase for phrase in phrases if unknown.isdisjoint(phrase.split())]
        return (*dict.fromkeys(known), "[unk]")

    def _decoder(self, *grammar: str) -> VoskDecoder:
        return VoskDecoder(
            self._vosk.KaldiRecognizer(self._model, self._rate, *grammar), self._rate
        )


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
    missing = [name for name in ("final.mdl", "mfcc.conf") if not _parts(model, name)]
    graph = _parts(model, "HCLG.fst") or (_parts(model, "HCLr.fst") and _parts(model, "Gr.fst"))
    if not graph:
        missing.append("HCLG.fst (or HCLr.fst and Gr.fst)")
    if not model.is_dir():
        raise RecogniserError(f"there is no Vosk model folder {model}: correct speech.model")
    if missing:
        raise RecogniserError(
            f"{model} is not a whole Vosk model, {', '.join(missing)} is missing: a model's folder"
            " holds am/final.mdl, conf/mfcc.conf and graph/; unpack the model again"
        )


def _model_rate(model: Path) -> int:
    """The samples per second that a model was trained on; Kaldi's default is 16000."""
    found = re.search(r"--sample-frequency=([0-9]+)", text_of(_parts(model, "mfcc.conf")[0]))
    return int(found[1]) if found else 2 * RATE


_TRIAL = """
import sys, vosk
vosk.KaldiRecognizer(vosk.Model(sys.argv[1]), float(sys.argv[2])).AcceptWaveform(bytes(16000))
"""
