"""Patterns of numbers as people write them: read, or refused with what was expected."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.core.numbertext import read_pattern
from screener.core.pattern import NumberPattern


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
