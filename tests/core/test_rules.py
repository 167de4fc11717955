"""The first rule that matches decides."""

from __future__ import annotations

from screener.core.rulefile import parse
from screener.core.rules import Action, RuleSet
from screener.core.script import Treatment
from tests.core.lines import stranger

TEXT = """
allow  from +14155550100                "Mom"
block  from +1900*, 1976*               "premium numbers"   play busy
allow  name *clinic*                    "the clinic"
block  name "* survey*"                 "campaigns"
block  withheld name *political*        "shy campaigns"
screen from +1805*                      "gateway traffic"
block  from +1805*
"""
RULES, MISTAKES = parse(TEXT, "test.rules", "US")


def judge(number: str, name: str = "") -> tuple[Action, str]:
    ruling = RuleSet(RULES).judge(stranger(number, name))
    return ruling.action, ruling.rule.label if ruling.rule else ""


def test_the_text_is_without_mistakes() -> None:
    assert MISTAKES == ()


def test_an_exact_number() -> None:
    assert judge("+14155550100") == (Action.ALLOW, "Mom")
    assert judge("+14155550101") == (Action.SCREEN, "")


def test_a_prefix() -> None:
    assert judge("+19005550100") == (Action.BLOCK, "premium numbers")
    assert judge("+19765550100") == (Action.BLOCK, "premium numbers")


def test_a_name_is_blind_to_case() -> None:
    assert judge("+12125550100", "Main Street CLINIC") == (Action.ALLOW, "the clinic")
    assert judge("+12125550100", "Big Survey Inc") == (Action.BLOCK, "campaigns")


def test_conditions_of_one_line_must_all_hold() -> None:
    assert judge("anonymous", "Political Action") == (Action.BLOCK, "shy campaigns")
    assert judge("anonymous", "Grandma") == (Action.SCREEN, "")
    assert judge("+12125550100", "Political Action") == (Action.SCREEN, "")


def test_the_first_rule_decides() -> None:
    assert judge("+18055550142") == (Action.SCREEN, "gateway traffic")


def test_a_withheld_number_matches_no_number() -> None:
    rules, _ = parse('block from +*  "all"\nblock from 0* "x"', "t.rules", "DE")
    assert RuleSet(rules).judge(stranger("anonymous")).action is Action.SCREEN


def test_a_ruling_explains_itself() -> None:
    ruling = RuleSet(RULES).judge(stranger("+19005550100"))
    assert ruling.reason == 'block "premium numbers" (test.rules:3)'
    assert ruling.treatment is Treatment.BUSY
    assert RuleSet().judge(stranger()).reason == "no rule matches: screened"
