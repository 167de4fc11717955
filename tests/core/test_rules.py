"""The first rule that matches decides."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from screener.core.rulefile import parse
from screener.core.rules import Action, RuleSet, Target, Where
from screener.core.script import Treatment
from screener.core.shelf import Shelf
from screener.core.signature import Signature
from tests.core.lines import stranger

TEXT = """
allow  from +14155550100                "Mom"
block  from +1900*, 1976*               "premium numbers"   play busy
allow  name *clinic*                    "the clinic"
block  name "* survey*"                 "campaigns"
block  withheld name *political*        "shy campaigns"
screen from +1805*                      "gateway traffic"
block  from +1805*
send   attestation C to +18182223333    "gateway traffic"   message family
allow  not attestation C name *friend*  "a friend"          ring office
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
    assert ruling.reason == (
        'block play busy "premium numbers" (test.rules:3): +1 900 555 0100 is one of +1900*'
    )
    assert ruling.effect == "block play busy"
    assert ruling.treatment is Treatment.BUSY
    assert RuleSet().judge(stranger()).reason == "no rule matches: screened"


def test_a_rule_sends_a_call_where_it_says() -> None:
    call = replace(stranger("+12125550100"), signature=Signature("C"))
    ruling = RuleSet(RULES).judge(call)
    assert (ruling.action, ruling.target) == (Action.SEND, Target(Where.MESSAGE, "family"))
    assert ruling.reason.startswith('send message family "gateway traffic" (test.rules:9): ')


def test_what_a_call_does_not_show_decides_nothing() -> None:
    unsigned = stranger("+12125550100", "A friend")
    assert RuleSet(RULES).judge(unsigned).action is Action.SCREEN
    signed = replace(unsigned, signature=Signature("A"))
    assert RuleSet(RULES).judge(signed).target == Target(Where.RING, "office")


def test_a_rule_that_was_of_no_use_for_long_enough_decides_no_more() -> None:
    rules, _ = parse('block from +1212* "once a pest" expires 9mo', "t.rules", "US")
    call = stranger("+12125550100")
    used = {rules[0].key: call.at - timedelta(days=270)}
    assert RuleSet(rules, Shelf(used=used)).judge(call).action is Action.BLOCK
    assert RuleSet(rules, Shelf()).judge(call).action is Action.BLOCK
    used = {rules[0].key: call.at - timedelta(days=271)}
    explained = RuleSet(rules, Shelf(used=used)).explain(call)
    assert explained.ruling.action is Action.SCREEN
    assert explained.passed[0][1].startswith("it was last used on ")


def test_no_rule_expires_by_a_clock_that_was_not_set_yet() -> None:
    rules, _ = parse('allow from +1212* "a friend" expires 9mo', "t.rules", "US")
    used = {rules[0].key: datetime(1970, 1, 1, 0, 3, tzinfo=UTC)}
    assert RuleSet(rules, Shelf(used=used)).judge(stranger("+12125550100")).action is Action.ALLOW


def test_an_explanation_tells_of_each_rule_before_why_it_did_not_decide() -> None:
    explained = RuleSet(RULES).explain(stranger("+18055550142", "Jo"))
    assert explained.ruling.rule is RULES[5]
    assert [why for _, why in explained.passed] == [
        "+1 805 555 0142 is not +14155550100",
        "+1 805 555 0142 is not +1900* or +1976*",
        'the name "Jo" does not match *clinic*',
        'the name "Jo" does not match * survey*',
        "the number is not withheld",
    ]


def test_the_key_of_a_rule_is_what_it_says_whatever_its_label_and_place() -> None:
    texts = (
        'block from 900* "a" expires 90d',
        '\nBLOCK from +1 900* expires 90d "b" play sit',
    )
    keys = {parse(text, text[:1], "US")[0][0].key for text in texts}
    assert keys == {"block play sit when from +1900* expires 90d"}
