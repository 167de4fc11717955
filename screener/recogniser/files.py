"""The files of the grammars folder, with what to do where one is missing or wrong."""

from __future__ import annotations

from pathlib import Path

from screener.core import grammar
from screener.core.grammar import PhraseClass
from screener.core.jsgf import Grammar, read
from screener.errors import RecogniserError

_CLASSES = ("robocalls.jsgf", "wanted.jsgf")


def phrase_classes(grammars: Path) -> tuple[PhraseClass, ...]:
    """The classes of phrases in the grammars folder. Raises RecogniserError with mistakes."""
    files = [read_grammar(grammars / name) for name in _CLASSES]
    return tuple(each for file in files for each in grammar.phrase_classes(file))


def read_grammar(path: Path) -> Grammar:
    """A JSGF file's phrases. Raises RecogniserError with every mistake in it."""
    found = read(text_of(path), str(path))
    if found.mistakes:
        raise RecogniserError("\n".join(found.mistakes))
    return found


def text_of(path: Path) -> str:
    """A file's text. Raises RecogniserError."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise RecogniserError(
            f"{path} is missing: copy it from a starter configuration (`screener init DIR`)"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise RecogniserError(f"{path} cannot be read: {error}") from None
