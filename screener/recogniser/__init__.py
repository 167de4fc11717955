"""Understanding callers: one protocol and two engines, neither of which holds up the event loop.

`understand` makes of one short answer one of the phrases that were expected, or nothing; `follow`
takes a caller's speech as it comes and knows the words so far. Both engines decode in threads of
lower priority than the event loop's, with Python's global lock released.

    engine.py       what both engines give
    following.py    an engine in threads, and the queue between a call and its decoder
    workers.py      those threads, which nobody waits for
    sphinx.py       PocketSphinx, with the English model of its wheel: the embedded default
    vosk.py         Vosk, where a model is installed
"""

from __future__ import annotations

from pathlib import Path

from screener.config import Settings
from screener.core.grammar import Answers
from screener.errors import RecogniserError
from screener.recogniser import sphinx, vosk
from screener.recogniser.files import phrase_classes, read_grammar
from screener.recogniser.following import Following, Recogniser
from screener.recogniser.sphinx import Sphinx
from screener.recogniser.vosk import Vosk
from screener.settings.engines import MODELS, chosen, installed, kind_of
from screener.settings.surroundings import Engine

__all__ = [
    "MODELS",
    "Following",
    "Recogniser",
    "chosen",
    "installed",
    "kind_of",
    "load",
    "phrase_classes",
    "prove",
]

_ANSWERS = "attendant.jsgf"


def load(settings: Settings) -> Recogniser:
    """The engine that screener.toml asks for. Takes up to seconds: call it in a thread.

    Raises RecogniserError, with what to do, when the engine, its model or a grammar cannot be used.
    """
    answers = Answers.of(read_grammar(settings.grammars / _ANSWERS))
    engine, model = chosen(settings.speech.engine, settings.speech.model, settings.data)
    if engine is Engine.POCKETSPHINX:
        return Recogniser(Sphinx(settings, answers, model))
    if model is None:
        raise RecogniserError(
            f"speech.engine is vosk, but no model is in {settings.data / MODELS}: unpack a Vosk"
            " model there (`screener models fetch` can), name its folder as speech.model, or set"
            " speech.engine to auto"
        )
    return Recogniser(Vosk(model, answers))


def prove(model: Path) -> None:
    """Have its engine load a model, in another process, which takes seconds.

    Raises RecogniserError with what is wrong with it.
    """
    (sphinx if kind_of(model) is Engine.POCKETSPHINX else vosk).prove(model)
