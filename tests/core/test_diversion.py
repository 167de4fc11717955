"""Which of our numbers was dialled first, and what a call that is sent on says of its way."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.core import diversion
from screener.core.sipheader import addresses
from tests.core.lines import DOOR

HOME, SHOP, GATE = "+18182223333", "+18182224444", "+18182225555"
DOORS = {
    HOME: DOOR,
    SHOP: replace(DOOR, did=SHOP),
    GATE: replace(DOOR, did=GATE, doorbell=True),
}
FIRST = ("Diversion", f"<sip:{SHOP}@provider.example>;reason=unconditional;counter=1")
MIDDLE = ("Diversion", "<sip:+18055550100@provider.example>;reason=no-answer")
HISTORY = (
    "History-Info",
    f"<sip:{HOME}@h>;index=1.1;rc=1,"
    f"<sip:{SHOP}@h?Reason=SIP%3Bcause%3D302>;index=1, <sip:x@h>;index=1.10",
)


def test_the_last_diversion_and_index_1_were_dialled_first() -> None:
    assert diversion.dialled([MIDDLE, FIRST], "US") == (SHOP, "+18055550100")
    assert diversion.dialled([(MIDDLE[0], f"{MIDDLE[1]}, {FIRST[1]}")], "US") == (
        (SHOP, "+18055550100")
    )
    assert diversion.dialled([HISTORY], "US") == (SHOP, HOME)
    assert diversion.dialled([("DIVERSION", "tel:818-222-4444")], "US") == (SHOP,)


@pytest.mark.parametrize(
    ("headers", "did"),
    [
        ([FIRST], SHOP),
        ([MIDDLE, FIRST], SHOP),
        ([HISTORY], SHOP),
        ([MIDDLE], ""),  # none of ours
        ([("Diversion", f"<sip:{HOME}@h>")], ""),  # where it came to anyway
        ([("Diversion", f"<sip:{SHOP}@h>, <sip:{HOME}@h>")], ""),
        ([("Diversion", f"<sip:{GATE}@h>")], ""),  # no header leads to a doorbell
        ([("History-Info", f"<sip:{SHOP}@h>")], ""),  # without an index
        ([("Subject", f"<sip:{SHOP}@h>")], ""),
        ([], ""),
    ],
)
def test_the_number_dialled_first_chooses_the_door(
    headers: list[tuple[str, str]], did: str
) -> None:
    assert diversion.door(HOME, headers, DOORS, "US") == did


def test_a_header_takes_nobody_away_from_a_doorbell() -> None:
    assert diversion.door(GATE, [FIRST], DOORS, "US") == ""
    assert diversion.door("+18055550100", [FIRST], DOORS, "US") == SHOP


def test_who_sends_a_call_on_is_named_above_those_before_him() -> None:
    inside = diversion.onward(["kitchen", "study"], HOME, "192.0.2.1", inside=True, came=[FIRST])
    assert inside["Diversion"] == (
        '"study" <sip:study@192.0.2.1>;reason=deflection,'
        f' "kitchen" <sip:kitchen@192.0.2.1>;reason=deflection, {FIRST[1]}'
    )
    assert inside["History-Info"] == (
        f"<sip:{HOME}@192.0.2.1>;index=1,"
        " <sip:kitchen@192.0.2.1?Reason=SIP%3Bcause%3D302>;index=1.1;rc=1,"
        " <sip:study@192.0.2.1?Reason=SIP%3Bcause%3D302>;index=1.1.1;rc=1.1"
    )


def test_outside_it_is_the_number_of_the_house_that_diverts() -> None:
    outside = diversion.onward(["kitchen"], HOME, "192.0.2.1", inside=False, came=[HISTORY])
    assert outside["Diversion"] == f'"kitchen" <sip:{HOME}@192.0.2.1>;reason=deflection'
    entries = [found.parameters["index"] for found in addresses(outside["History-Info"])]
    assert entries == ["1", "1.1", "1.10", "1.10.1"]


@given(st.lists(st.tuples(st.sampled_from(["Diversion", "History-Info"]), st.text(max_size=200))))
def test_hostile_headers_choose_no_door_and_travel_harmlessly(
    headers: list[tuple[str, str]],
) -> None:
    assert diversion.door(HOME, headers, DOORS, "US") in ("", SHOP)
    for value in diversion.onward(["kitchen"], HOME, "h", inside=True, came=headers).values():
        assert value.isascii()
        assert value.isprintable()
        assert len(value) < 3000
