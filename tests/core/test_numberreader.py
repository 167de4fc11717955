"""Numbers read by the million are read as one by one, in every country and every form."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from screener.core import number
from screener.core.numberlist import as_integer
from screener.core.numberreader import NumberReader

COUNTRIES = ("US", "DE", "GB", "FR", "IT", "AU", "IN", "JP", "BR", "AR", "MX", "ES", "RU", "CN")
REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
READERS = {country: NumberReader(country) for country in COUNTRIES}


def read(text: str, country: str) -> int:
    """What must come out: the number one by one, unless it lacks its area code."""
    found = number.read(text, country).e164
    return 0 if found and number.is_local(found) else as_integer(found)


digits = st.text("0123456789", min_size=1, max_size=17)


@given(st.sampled_from(COUNTRIES), st.sampled_from(("", "+", "0", "00", "011", "1")), digits)
@settings(max_examples=600)
def test_digits_are_read_as_libphonenumber_reads_them(
    country: str, before: str, behind: str
) -> None:
    text = before + behind
    assert READERS[country].read(text.encode()) == read(text, country)


@given(st.sampled_from(COUNTRIES), st.sampled_from(REGIONS), st.data())
@settings(max_examples=600)
def test_numbers_near_real_ones_are_read_as_libphonenumber_reads_them(
    country: str, region: str, data: st.DataObject
) -> None:
    parsed = phonenumbers.example_number(region)
    if parsed is None:
        return
    form = data.draw(st.sampled_from((0, 1, 2, 3)))
    text = phonenumbers.format_number(parsed, form)
    at = data.draw(st.integers(0, len(text) - 1))
    if text[at].isdigit():
        text = text[:at] + data.draw(st.sampled_from("0123456789")) + text[at + 1 :]
    for own in (country, region):
        reader = READERS.setdefault(own, NumberReader(own))
        assert reader.read(text.encode()) == read(text, own), own


@pytest.mark.parametrize(
    ("country", "text"),
    [
        ("US", "4155550100"),
        ("US", "14155550100"),
        ("US", "(415) 555-0100"),
        ("US", "+1 415.555.0100"),
        ("US", "+493012345678"),
        ("US", "011493012345678"),
        ("DE", "030/12345678"),
        ("DE", "004930 12345678"),
        ("GB", "020 7946 0018"),
        ("IT", "+390612345678"),
        ("FR", "+33 1 23 45 67 89"),
    ],
)
def test_plain_forms_need_no_libphonenumber(country: str, text: str) -> None:
    glanced = READERS[country].glance(text.encode())
    assert glanced == read(text, country) != 0


@pytest.mark.parametrize(
    "text", ["tel:+14155550100", "sip:+14155550100@example.net;user=phone", "SIPS:4155550100@x"]
)
def test_addresses_are_read(text: str) -> None:
    assert READERS["US"].read(text.encode()) == 14155550100


@pytest.mark.parametrize("text", [b"", b"anonymous", b"4" * 40, b"555-0100", b"\xff\xfe4155", b"+"])
def test_what_is_no_number_is_none(text: bytes) -> None:
    assert READERS["US"].read(text) == 0


def test_patterns_are_read_as_rules_read_them() -> None:
    assert READERS["US"].pattern(b"900*") == "+1900*"
    with pytest.raises(ValueError, match="area code"):
        READERS["US"].pattern(b"555-0100")


def test_a_country_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="XX"):
        NumberReader("XX")
