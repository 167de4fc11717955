"""screener with a recogniser that is sure of nothing: `python -m tests.calls.doubting run HOUSE`.

What it hears is what it hears always. How sure it is of a word hangs on the last bit of the sound,
which a line never delivers twice; here it is never. Hearing that is truly unsure, from recordings
of people, is in tests/shell/test_recogniser.py.
"""

from __future__ import annotations

from dataclasses import replace

from screener.cli import main
from screener.core.grammar import Understood
from screener.recogniser.sphinx import Sphinx

heard = Sphinx.answer


def doubted(engine: Sphinx, utterance: bytes, expected: frozenset[str]) -> Understood:
    """What the engine understood, as if only one of its ears had."""
    return replace(heard(engine, utterance, expected), sure=False)


if __name__ == "__main__":
    Sphinx.answer = doubted  # type: ignore[method-assign,assignment]  # the one thing that is other
    main()
