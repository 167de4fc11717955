"""Numbers as they arrive: read as E.164, as nothing, or as withheld."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.core import number
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
        ("1 (415) 555 0100", "US", "+14155550100"),
        ("+1.415.555.0100", "DE", "+14155550100"),
        ("115-555-0100", "US", "+11155550100"),
        ("sip:mom@example.net", "US", ""),
        ("tel:+1-415-555-0100;ext=12", "US", "+14155550100"),
        ("tel:555-0100;phone-context=+1-415", "US", "+14155550100"),
        ("TEL:(415)555-0100", "US", "+14155550100"),
        ("sip:+14155550100@10.0.0.1;user=phone", "US", "+14155550100"),
        ("<sips:%2B14155550100:secret@example.net>", "US", "+14155550100"),
        (
            "sip:+14155550100;phone-context=x@a-very-long-name-of-a-host.example.net",
            "US",
            "+14155550100",
        ),
        ("0044 20 7946 0000", "US", "+442079460000"),
        ("0044 20 7946 0000", "DE", "+442079460000"),
        ("00", "US", ""),
        ("00" + "1" * 40, "US", ""),
        ("mom", "US", ""),
    ],
)
def test_numbers_as_people_write_them(text: str, country: str, e164: str) -> None:
    number = read(text, country)
    assert number.e164 == e164
    assert not number.withheld


@pytest.mark.parametrize("text", ["sip:anonymous@anonymous.invalid", "<sip:Restricted@x>"])
def test_a_withheld_number_in_a_uri(text: str) -> None:
    assert read(text, "US").withheld


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


@given(
    st.from_regex(r"(\+?1[ .-]?)?\(?[2-9][0-9]{2}\)?[ .-]?[0-9]{3}[ .-]?[0-9]{4}", fullmatch=True)
)
def test_north_american_numbers_are_read_as_libphonenumber_does(text: str) -> None:
    parsed = phonenumbers.parse(text, "US")
    form = phonenumbers.PhoneNumberFormat.E164
    assert read(text, "US").e164 == phonenumbers.format_number(parsed, form)


CODES = st.sampled_from(sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE))
ABROAD = st.tuples(CODES, st.text("0123456789", max_size=13)).map(lambda n: f"+{n[0]}{n[1]}")


@given(ABROAD | st.text("+0123456789", max_size=12), st.sampled_from(["US", "DE", "IT"]))
def test_what_was_kept_of_a_number_is_read_as_the_number_was(text: str, country: str) -> None:
    once = read(text, country)
    if not once.withheld:
        assert number.read_again(once.e164 or once.raw, country).e164 == once.e164


@given(ABROAD, st.sampled_from(["US", "DE", "IT"]))
def test_a_number_at_a_glance_is_what_the_parser_makes_of_it(text: str, country: str) -> None:
    e164 = read(text, country).e164
    glanced = number._glanced(e164)
    if glanced is not None:
        assert glanced == phonenumbers.parse(e164)
