"""How a word probably sounds."""

from __future__ import annotations

import pytest

from screener.recogniser import lexicon


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("smythe", "smythe S M AY DH"),
        ("office", "office AO F AH S"),
        ("the", "the DH AH"),
    ],
)
def test_a_word_is_written_as_words_dict_has_it(word: str, line: str) -> None:
    assert lexicon.probable(word) == line


def test_where_flite_is_not_there_nothing_is_made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert lexicon.probable("smythe") == ""
