"""Tokens: what was signed is read, in one spelling, under its own key and for its own purpose."""

from __future__ import annotations

import re
import struct
from base64 import urlsafe_b64decode
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.mail.token import FOUR_BYTES, LAST, Kind

KEY = b"k" * 32
UNTIL = datetime(2026, 12, 20, 22, 3, 11, tzinfo=UTC)
PAIR = Kind("pair", ">BIQ", at=1)
EMPTY = Kind("empty", ">I")
_seconds = st.integers(0, FOUR_BYTES - 1)
_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@given(st.integers(0, 255), st.integers(0, (1 << 64) - 1), _seconds)
def test_what_was_signed_is_read(small: int, large: int, ends: int) -> None:
    until = datetime.fromtimestamp(ends, UTC)
    read = PAIR.read(KEY, PAIR.sign(KEY, until, small, large))
    assert read is not None
    assert (read.fields, read.until) == ((small, large), until)
    assert re.fullmatch("[0-9a-f]{32}", read.seal)


@given(st.integers(0, 26), st.sampled_from(_alphabet))
def test_one_character_more_or_less_or_other_is_no_token(at: int, by: str) -> None:
    good = EMPTY.sign(KEY, UNTIL)
    assert len(good) == 27
    changed = good[:at] + by + good[at + 1 :]
    assert (EMPTY.read(KEY, changed) is None) == (changed != good)
    assert EMPTY.read(KEY, good + by) is None
    assert EMPTY.read(KEY, good[:at] + good[at + 1 :]) is None


def test_the_same_bytes_spelled_otherwise_are_no_token() -> None:
    good = EMPTY.sign(KEY, UNTIL)
    same = [
        good[:-1] + last
        for last in _alphabet
        if urlsafe_b64decode(f"{good[:-1]}{last}=") == urlsafe_b64decode(f"{good}=")
    ]
    assert len(same) == 4  # two bits of the last character say nothing
    assert [text for text in same if EMPTY.read(KEY, text)] == [good]


@given(st.text(max_size=50))
def test_no_text_whatever_is_a_token(text: str) -> None:
    assert PAIR.read(KEY, text) is None
    assert EMPTY.read(KEY, text) is None


def test_a_token_is_for_its_purpose_its_key_and_what_it_is_about() -> None:
    good = EMPTY.sign(KEY, UNTIL, about="this")
    assert EMPTY.read(KEY, good, about="this") is not None
    assert EMPTY.read(KEY, good, about="that") is None
    assert EMPTY.read(KEY, good) is None
    assert EMPTY.read(b"l" * 32, good, about="this") is None
    assert Kind("other", ">I").read(KEY, good, about="this") is None


def test_without_a_key_nothing_is_a_token() -> None:
    assert EMPTY.read(b"", EMPTY.sign(b"", UNTIL)) is None


def test_an_end_after_the_last_one_is_refused_not_cut() -> None:
    second = timedelta(seconds=1)
    read = EMPTY.read(KEY, EMPTY.sign(KEY, LAST - second))
    assert read is not None
    assert read.until == LAST - second
    with pytest.raises(struct.error):
        EMPTY.sign(KEY, LAST)
