"""Text as recognisers print it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from screener.core.words import normal


@given(text=st.text(max_size=40))
def test_a_normal_phrase_stays_as_it_is(text: str) -> None:
    assert normal(normal(text)) == normal(text)
    assert set(normal(text)).isdisjoint("0123456789.,!()<>|")


def test_normal_writes_what_recognisers_print() -> None:
    assert normal("Dr. José  O\N{RIGHT SINGLE QUOTATION MARK}Neill, #201!") == (
        "dr jose o'neill two zero one"
    )
