"""Headers that list addresses: whatever strangers write, it is read, and in time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.core.sipheader import LONGEST, MOST, addresses


@pytest.mark.parametrize(
    ("value", "uris"),
    [
        ("<sip:a@h>", ["sip:a@h"]),
        ("sip:a@h", ["sip:a@h"]),
        ("sip:a@h;q=0.3, <sip:b@h;transport=udp>;q=0.9", ["sip:a@h", "sip:b@h;transport=udp"]),
        ('"Smith, John; \\"Jack\\" <x>" <sip:a@h>,<tel:+1805>', ["sip:a@h", "tel:+1805"]),
        ("", []),
        (",,;,", []),
        ("*", []),
        ('"never, closed <sip:a@h>', ["sip:a@h"]),
        ("<sip:never closed", []),
        ("<sip:a@h", ["sip:a@h"]),
        ("nonsense, <sip:a@h>", ["sip:a@h"]),
        ("sip:>", []),
    ],
)
def test_what_is_an_address_is_read(value: str, uris: list[str]) -> None:
    assert [found.uri for found in addresses(value)] == uris


def test_parameters_stand_outside_of_the_brackets() -> None:
    (found,) = addresses('"a" <sip:a@h;q=1>; Q = 0.5 ;lr;reason="user-busy"')
    assert found.parameters == {"q": "0.5", "lr": "", "reason": "user-busy"}
    assert found.text == '"a" <sip:a@h;q=1>; Q = 0.5 ;lr;reason="user-busy"'


def test_of_many_addresses_the_first_are_read() -> None:
    assert len(addresses("<sip:a@h>," * 1000)) == MOST
    assert addresses(" " * LONGEST + "<sip:a@h>") == ()


@given(st.text(st.sampled_from('"\\<>,;:=sip@ a'), max_size=400) | st.text(max_size=400))
def test_no_text_is_too_much(text: str) -> None:
    for found in addresses(text):
        assert ":" in found.uri
        assert not set(found.uri) & set("<> \t\r\n")
        assert found.uri in text
