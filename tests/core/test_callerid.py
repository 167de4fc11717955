"""What strangers write, made harmless."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.core.callerid import columns, fitted, quoted, shown, shown_number


@given(st.text(max_size=1000), st.integers(1, 200))
def test_shown_is_one_printable_line_of_bounded_length(text: str, most: int) -> None:
    line = shown(text, most)
    assert line.isprintable()
    assert len(line) <= most
    line.encode("utf-8")  # no lone surrogate is left


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=60))
def test_plain_text_is_shown_as_it_is(text: str) -> None:
    assert shown(text) == text


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Zoë 日本", "Zoë 日本"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\r\nb\tc", "a\\r\\nb\\tc"),
        ("\u202eKO", "\\u202eKO"),
        ("a\u200bb\ufeff", "a\\u200bb\\ufeff"),
        ("\ud800", "\\ud800"),
        ("a\u00a0b", "a b"),
        ("e\u0301\u0301\u0301", "e\u0301\u0301\\u0301"),
        ("x" * 61, "x" * 59 + "…"),
    ],
)
def test_shown(text: str, line: str) -> None:
    assert shown(text) == line


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("+18055550142", "+1 805 555 0142"),
        ("+442079460018", "+44 20 7946 0018"),
        ("", "withheld"),
        ("+999123", "+999123"),
        ("sip:\x07bob", "sip:\\x07bob"),
        ("2", "2"),
    ],
)
def test_shown_number(number: str, text: str) -> None:
    assert shown_number(number) == text


@given(st.text(max_size=300))
def test_any_number_is_shown_in_a_short_printable_line(number: str) -> None:
    assert shown_number(number).isprintable()
    assert len(shown_number(number)) <= 40


def test_a_quoted_name_has_no_quote_inside() -> None:
    assert quoted('X"  to  "Y') == "\"X'  to  'Y\""


@given(st.text(max_size=100), st.integers(1, 60))
def test_fitted_takes_exactly_the_columns_wanted(text: str, wanted: int) -> None:
    assert columns(fitted(shown(text), wanted)) == wanted


@given(st.text("ab日本\u0301", max_size=30), st.integers(1, 20))
def test_fitted_keeps_all_that_has_room(text: str, wanted: int) -> None:
    kept = fitted(text, wanted)
    if columns(text) <= wanted:
        assert kept.rstrip(" ") == text
    else:
        kept, _ = kept.split("…")
        assert text.startswith(kept)
        assert columns(kept) <= wanted - 1 < columns(text[: len(kept) + 1])


def test_a_text_of_any_length_is_fitted() -> None:
    """To take off one letter after the other, measuring each time, would take hours of this."""
    assert fitted("日" * 300_000, 6) == "日日… "
