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
from screener.recogniser.files import phrase_classes, read_grammar
from screener.recogniser.following import Following, Recogniser
from screener.recogniser.sphinx import Sphinx
from screener.recogniser.vosk import Vosk
from screener.surroundings import Engine

__all__ = ["Following", "Recogniser", "load", "phrase_classes"]

_ANSWERS = "attendant.jsgf"


def load(settings: Settings) -> Recogniser:
    """The engine that screener.toml asks for. Takes up to seconds: call it in a thread.

    Raises RecogniserError, with what to do, when the engine, its model or a grammar cannot be used.
    """
    answers = Answers.of(read_grammar(settings.grammars / _ANSWERS))
    engine = settings.speech.engine
    model = settings.speech.model
    if model is None and engine is not Engine.POCKETSPHINX:
        model = _installed_model(settings.data / "models")
    if engine is Engine.AUTO:
        sphinx = model is None or (model / "mdef").exists()
        engine = Engine.POCKETSPHINX if sphinx else Engine.VOSK
    if engine is Engine.POCKETSPHINX:
        return Recogniser(Sphinx(settings, answers, model))
    if model is None:
        raise RecogniserError(
            f"speech.engine is vosk, but no model is in {settings.data / 'models'}: unpack a Vosk"
            " model there, name its folder as speech.model, or set speech.engine to auto"
        )
    return Recogniser(Vosk(model, answers))


def _installed_model(folder: Path) -> Path | None:
    """The first model folder, by name, in the data folder's models."""
    if not folder.is_dir():
        return None
    return next((path for path in sorted(folder.iterdir()) if path.is_dir()), None)
