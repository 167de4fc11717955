"""Spans of time: read, written, told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.core.spans import read_span, told_span, written_span


@pytest.mark.parametrize(
    ("text", "span", "written", "told"),
    [
        ("90s", timedelta(seconds=90), "90s", "90 seconds"),
        ("30m", timedelta(minutes=30), "30m", "30 minutes"),
        ("1H", timedelta(hours=1), "1h", "1 hour"),
        ("24h", timedelta(days=1), "1d", "1 day"),
        ("90d", timedelta(days=90), "90d", "90 days"),
        ("3w", timedelta(weeks=3), "21d", "21 days"),
        ("2mo", timedelta(days=60), "60d", "60 days"),
        ("9mo", timedelta(days=270), "9mo", "9 months"),
        ("1y", timedelta(days=365), "1y", "1 year"),
    ],
)
def test_a_span(text: str, span: timedelta, written: str, told: str) -> None:
    assert read_span(text) == span
    assert written_span(span) == written
    assert told_span(span) == told


@pytest.mark.parametrize(
    "text", ["", "0d", "d", "3", "3 d", "-1d", "1.5h", "3mon", "101y", "9999999s"]
)
def test_what_is_no_span(text: str) -> None:
    with pytest.raises(ValueError, match="expected a time like 30m, 2h, 90d, 3w, 9mo or 1y"):
        read_span(text)


@given(st.integers(1, 36_500), st.sampled_from(("y", "mo", "w", "d", "h", "m", "s")))
def test_what_is_written_reads_back(count: int, unit: str) -> None:
    try:
        span = read_span(f"{count}{unit}")
    except ValueError:
        assert unit in ("y", "mo", "w")
        return
    assert read_span(written_span(span)) == span
