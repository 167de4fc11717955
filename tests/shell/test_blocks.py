"""What is read by the block is what would be read line by line."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from screener.core.numberlist import EPOCH
from screener.core.numberreader import NumberReader
from screener.core.reportdate import Dates
from screener.numberlists import blocks

US = NumberReader("US")
DATES = Dates("US")

number = st.one_of(
    st.text("0123456789", min_size=9, max_size=12),
    st.integers(2_000_000_000, 9_999_999_999).map(str),
    st.integers(2_000_000_000, 9_999_999_999).map(lambda n: f"+1{n}"),
    st.integers(2_000_000_000, 9_999_999_999).map(lambda n: f"1{n}"),
    st.text(max_size=14),
)
date = st.one_of(
    st.datetimes().map(lambda moment: moment.strftime("%Y-%m-%d %H:%M:%S")),
    st.from_regex(
        r"20[0-3][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-6][0-9]:[0-6][0-9]", fullmatch=True
    ),
    st.text(max_size=20),
)
end = st.sampled_from(("", "\r", ",x", ",", " ", "x"))


def line(text: str) -> bytes:
    return text.replace("\n", " ").encode("utf-8", "replace")


@given(st.lists(st.tuples(number, end), max_size=30))
@settings(max_examples=300)
def test_plain_numbers(parts: list[tuple[str, str]]) -> None:
    lines = [line(one + rest) for one, rest in parts]
    values, _, fits = blocks.plain(lines)
    usual = [one for one, fit in zip(lines, fits, strict=True) if fit]
    assert values.tolist() == [US.read(one.strip()) for one in usual]


@given(st.lists(st.tuples(number, date, end, st.booleans()), max_size=30))
@settings(max_examples=300)
def test_complaints(parts: list[tuple[str, str, str, bool]]) -> None:
    lines = [
        line(f'"{one}","{when}"{rest}' if quoted else f"{one},{when}{rest}")
        for one, when, rest, quoted in parts
    ]
    values, whens, fits = blocks.complaints(lines)
    usual = [one.strip() for one, fit in zip(lines, fits, strict=True) if fit]
    fields = [one.replace(b'"', b"").split(b",") for one in usual]
    assert values.tolist() == [US.read(field[0]) for field in fields]
    assert whens.tolist() == [DATES.read(field[1]) for field in fields]


@pytest.mark.parametrize("text", ["4155550100", "14155550100", "+14155550100", "4155550100\r"])
def test_usual_numbers_are_read_at_once(text: str) -> None:
    values, _, fits = blocks.plain([b"", text.encode(), b"other"])
    assert (values.tolist(), fits.tolist()) == ([14155550100], [False, True, False])


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2000-01-01 00:00:01", 1),
        ("2024-02-29 23:59:59", 762_566_399),
        ("2024-12-31 00:00:00", 788_918_400),
        ("2023-02-29 00:00:00", 0),
        ("2000-01-01 00:00:00", 0),
        ("1999-12-31 00:00:00", 0),
        ("2024-01-02 24:00:00", 0),
    ],
)
def test_usual_dates_are_read_at_once(text: str, seconds: int) -> None:
    _, whens, fits = blocks.complaints([f"4155550100,{text},x".encode()])
    assert whens.tolist() == ([seconds] if seconds else [])
    assert fits.tolist() == [seconds > 0]
    if seconds:
        assert f"{EPOCH + timedelta(seconds=seconds):%Y-%m-%d %H:%M:%S}" == text
