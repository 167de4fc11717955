"""What a user's own Asterisk is given: no name adds a line to it, and no secret is told unasked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from screener.asterisk.pbx import pbx_config
from tests.shell.test_dialplan import SECRET, house, sections


@given(st.text(max_size=60))
def test_no_phone_name_can_add_a_line_to_what_a_pbx_is_given(name: str) -> None:
    plain = sections(pbx_config(house(phones={"x": "PJSIP/kitchen"})))
    assert sections(pbx_config(house(phones={name: "PJSIP/kitchen"}))) == plain


def test_what_a_pbx_is_given_holds_the_secret_only_when_asked() -> None:
    assert SECRET not in pbx_config(house())
    asked = sections(pbx_config(house(), SECRET))
    assert "password=s3cret\\;with a semicolon" in asked["screener"]
    assert "screener-failsafe" in asked


def test_a_pbx_is_given_the_key_code_for_its_phones() -> None:
    read = sections(pbx_config(house()))
    assert read["from-internal-custom"] == ["exten => *39,1,Goto(screener-code,expect,1)"]
    assert "screener-code" in read
