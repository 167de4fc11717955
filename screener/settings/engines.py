"""Which engine listens to callers, with which model, and what language it understands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from screener.settings.surroundings import Engine, SpeechSettings

MODELS = "models"
"""The folder of models in the data folder."""

_BUNDLED = "en"  # the language of the model that comes with PocketSphinx


def chosen(engine: Engine, model: Path | None, data: Path) -> tuple[Engine, Path | None]:
    """Which engine listens, with which model (None: the one that comes with PocketSphinx).

    `engine` and `model` are what screener.toml says of speech; `data` is the data folder.
    """
    if model is None and engine is not Engine.POCKETSPHINX:
        model = next(iter(installed(data)), None)
    if engine is Engine.AUTO:
        sphinx = model is None or kind_of(model) is Engine.POCKETSPHINX
        engine = Engine.POCKETSPHINX if sphinx else Engine.VOSK
    return engine, model


def installed(data: Path) -> list[Path]:
    """The model folders in the data folder, by name."""
    folder = data / MODELS
    if not folder.is_dir():
        return []
    return sorted(f for f in folder.iterdir() if f.is_dir() and not f.name.startswith("."))


def kind_of(model: Path) -> Engine:
    """Whose model a folder holds, by its files: a PocketSphinx model has an mdef."""
    return Engine.POCKETSPHINX if (model / "mdef").exists() else Engine.VOSK


@dataclass(frozen=True, slots=True)
class Languages:
    """The language that is spoken where a number names none, and the one that is `understood`."""

    usual: str
    understood: str

    def by_key(self, language: str) -> bool:
        """Whether callers of a number in this language ("" for the usual) are not understood."""
        return (language or self.usual).partition("-")[0] != self.understood.partition("-")[0]


def languages(speech: SpeechSettings, data: Path) -> Languages:
    """As screener.toml says. A model that somebody has chosen is one of the usual language."""
    try:
        _, model = chosen(speech.engine, speech.model, data)
    except OSError:  # the recogniser will say what is wrong there
        return Languages(speech.language, speech.language)
    return Languages(speech.language, speech.language if model is not None else _BUNDLED)
