"""A number is found in a text however it is written, and another's is not taken for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.core.callerid import shown_number
from screener.core.mention import naming, spellings

MOM = "+18055550142"


@pytest.mark.parametrize(
    "text",
    [
        "+18055550142",
        "18055550142",
        "0018055550142",
        "+1 805 555 0142",
        "(805) 555-0142",
        "805-555-0142",
        "805.555.0142",
        "8055550142",
        "tel:+1-805-555-0142",
        "x+18055550142y",
        "805\u2011555\u20110142",
        '{"number": "+18055550142"}',
    ],
)
def test_each_way_of_writing_it_is_found_and_gone(text: str) -> None:
    assert naming(MOM).search(text)
    left = naming(MOM).sub("somebody", f"a {text} b")
    assert not any(piece in left for piece in ("0142", "555"))


@pytest.mark.parametrize(
    "text", ["+18055550143", "918055550142", "80555501423", "805 555", "0142", "", "+180555501420"]
)
def test_another_number_is_another(text: str) -> None:
    assert not naming(MOM).search(text)


def test_in_another_country() -> None:
    berlin = naming("+493012345678")
    for text in ("030 12345678", "+49 30 12345678", "0049 30 12345678", "(030) 1234-5678"):
        assert berlin.search(text), text
    assert not berlin.search("+493012345679")


def test_the_number_that_people_are_shown_is_found() -> None:
    for number in (MOM, "+493012345678", "+442079460018", "+33142685300", "+390612345678"):
        assert naming(number).search(shown_number(number))
        assert naming(number).fullmatch(number)


@pytest.mark.parametrize("number", ["201", "+1", "x", "911"])
def test_what_is_too_short_is_found_in_no_text(number: str) -> None:
    assert not naming(number).search(f"{number} {number}")
    assert number in spellings(number)


@given(number=st.text(min_size=1, max_size=40), text=st.text(max_size=80))
def test_no_number_whatever_is_an_expression(number: str, text: str) -> None:
    naming(number).search(text + number)
    assert spellings(number)[0] == number
