"""Numbers as they arrive: read as E.164, as nothing, or as withheld."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.core.number import example, is_emergency, read, read_dialled


@pytest.mark.parametrize(
    ("text", "country", "e164"),
    [
        ("+14155550100", "US", "+14155550100"),
        ("(415) 555-0100", "US", "+14155550100"),
        ("4155550100", "US", "+14155550100"),
        ("14155550100", "US", "+14155550100"),
        ("030 123456", "DE", "+4930123456"),
        ("+44 20 7946 0000", "US", "+442079460000"),
        ("12", "US", ""),
        ("1234567890123456789012345678901234567890", "US", ""),
        ("sip:mom@example.net", "US", ""),
        ("mom", "US", ""),
    ],
)
def test_numbers_as_people_write_them(text: str, country: str, e164: str) -> None:
    number = read(text, country)
    assert number.e164 == e164
    assert not number.withheld


@pytest.mark.parametrize("text", ["", "anonymous", "Anonymous", "Restricted", "unavailable", "  "])
def test_a_withheld_number(text: str) -> None:
    assert read(text, "US").withheld


@given(st.text(max_size=200))
def test_whatever_a_stranger_sends_is_read(text: str) -> None:
    number = read(text, "US")
    assert len(number.raw) <= 40
    assert number.raw.isprintable()
    assert number.raw or number.withheld
    assert number.e164 == "" or number.e164.startswith("+")


def test_an_example_reads_as_a_number_of_its_country() -> None:
    assert read(example("DE"), "DE").e164.startswith("+49")


@pytest.mark.parametrize(
    ("text", "country", "emergency"),
    [
        ("911", "US", True),
        ("112", "US", True),
        ("9911", "US", True),
        ("*67911", "US", True),
        ("911#", "US", True),
        ("110", "DE", True),
        ("0112", "DE", True),
        ("*31#112", "DE", True),
        ("999", "GB", True),
        ("0000", "AU", True),
        # extensions of an office, and numbers that only begin so
        ("1120", "US", False),
        ("9111", "US", False),
        ("9115550100", "US", False),
        ("+911", "US", False),
        ("911", "DE", False),
        ("933", "US", False),
        ("9", "US", False),
        ("", "US", False),
        ("*39", "US", False),
    ],
)
def test_a_call_for_help_as_people_dial_it(text: str, country: str, emergency: bool) -> None:
    assert is_emergency(text, country) is emergency


@given(st.text(max_size=50))
def test_nothing_that_is_dialled_does_any_harm(text: str) -> None:
    is_emergency(text, "US")
    assert read_dialled(text, "US")[:1] in ("", "+")


@pytest.mark.parametrize(
    ("text", "country", "e164"),
    [
        ("18055550142", "US", "+18055550142"),
        ("*6718055550142", "US", "+18055550142"),
        ("*31#030123456", "DE", "+4930123456"),
        ("011442079460123", "US", "+442079460123"),
        ("2", "US", ""),
        ("*39", "US", ""),
    ],
)
def test_the_number_that_is_reached_by_dialling(text: str, country: str, e164: str) -> None:
    assert read_dialled(text, country) == e164
