"""Numbers as they arrive: read as E.164, as nothing, or as withheld."""

from __future__ import annotations

import re

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.core import number
from screener.core.number import example, is_emergency, read, read_dialled, read_pattern
from screener.core.pattern import NumberPattern


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


@pytest.mark.parametrize(
    ("text", "country", "pattern"),
    [
        ("+14155550100", "DE", "+14155550100"),
        (" (415) 555-0100 ", "US", "+14155550100"),
        ("1-800-FLOWERS", "US", "+18003569377"),
        ("611", "US", "611"),
        ("*", "US", "*"),
        ("+*", "US", "+*"),
        ("900*", "US", "+1900*"),
        ("1-900*", "US", "+1900*"),
        ("(900)*", "US", "+1900*"),
        ("0900*", "DE", "+49900*"),
        ("900*", "DE", "+49900*"),
        ("06 1*", "HU", "+361*"),
        ("02*", "IT", "+3902*"),
        ("8*", "IT", "+398*"),
        ("495*", "RU", "+7495*"),
        ("+44 (0)20*", "US", "+4420*"),
        ("0044 20*", "US", "+4420*"),
        ("011 44 20*", "CA", "+4420*"),
        ("415-555-????", "US", "+1415555????"),
        ("415 555 xxXX", "US", "+1415555????"),
        ("+1415555????*", "US", "+1415555????*"),
        ("030-xxxxxx", "DE", "+4930??????"),
        ("112", "DE", "112"),
        ("04941*", "DE", "+494941*"),
        ("44 20 ???? ????", "GB", "+4420????????"),
        ("7 495 ???????", "RU", "+7495???????"),
        ("0221 4*", "AR", "+542214*"),
        ("415-555-0100..415-555-0199", "US", "+14155550100..+14155550199"),
        ("+14155550100 .. 4155550199", "US", "+14155550100..+14155550199"),
    ],
)
def test_a_pattern_as_people_write_it(text: str, country: str, pattern: str) -> None:
    assert read_pattern(text, country) == pattern
    assert read_pattern(pattern, country) == pattern


@pytest.mark.parametrize(
    ("text", "country", "words"),
    [
        ("", "US", "'' is not a telephone number in US; expected one like (201) 555-0123"),
        ("mom", "DE", "'mom' is not a telephone number in DE; expected one like 030 123456"),
        ("\x1b[2J", "US", r"'\x1b[2J' is not a telephone number"),
        ("1" * 40, "US", "has 40 digits; a telephone number has at most 15"),
        ("+" + "1" * 40 + "*", "US", "has 40 digits; a telephone number has at most 15"),
        ("?" * 40, "US", "has 41 digits; a telephone number has at most 15"),
        ("anonymous", "US", "there is the word: withheld"),
        ("555-0100", "US", "555-0100 lacks its area code; expected a whole number like"),
        ("*0100", "US", "a * stands only at the end of a number"),
        ("1900*55", "US", "a * stands only at the end of a number"),
        ("mom*", "US", "'mom' is not the beginning of a telephone number; expected one like 900*"),
        ("0*", "DE", "0* is too short a beginning; every number of DE is +49*"),
        ("00*", "DE", "every number of DE is +49*"),
        ("011*", "US", "every number of US is +1*"),
        ("843*", "RU", "843 may be read in two ways in RU; write it with its country code: +743*"),
        ("4941*", "DE", "4941* may be read in two ways in DE"),
        ("44 20*", "GB", "write it with its country code: +4420* or +444420*"),
        ("49 30 ??????", "DE", "code: +4930?????? or +494930??????"),
        ("011 15*", "AR", "is shown without its 15; write it with its country code, a 9 and"),
        ("(0221) 15-4??-????", "AR", "its area code: +549221*"),
        ("4155550100-4155550199", "US", "; for a range write 4155550100..4155550199"),
        ("555-????", "US", "has not as many digits as a number in US"),
        ("415-555-0199..415-555-0100", "US", "are no range; expected two whole numbers"),
        ("+14155550100..+493012345678", "US", "are no range"),
        ("611..711", "US", "are no range"),
        ("415-555-0100..", "US", "'' is not a telephone number"),
    ],
)
def test_what_is_no_pattern_says_what_was_expected(text: str, country: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        read_pattern(text, country)


@given(
    st.text(st.characters(), max_size=60) | st.text("0123456789+*?x.() -", max_size=25),
    st.sampled_from(["US", "DE", "RU", "IT", "GB", "HU", "AR"]),
)
def test_any_text_is_a_pattern_or_a_mistake(text: str, country: str) -> None:
    try:
        pattern = read_pattern(text, country)
    except ValueError as error:
        assert str(error).isprintable()
        assert len(str(error)) < 300
        return
    assert NumberPattern(pattern).text == pattern
    assert read_pattern(pattern, country) == pattern
    assert sum(c.isdigit() or c == "?" for c in pattern) <= 30


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
