"""The text files that recognisers read, with what to do where one is not there."""

from __future__ import annotations

from pathlib import Path

from screener.errors import RecogniserError


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
