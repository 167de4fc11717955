"""From a call to a rule: whatever a caller writes, the rule names his number and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.core.promotion import ACTIONS, Place, can_be_named, is_promotion, place_for, rule_for
from screener.core.rulefile import parse
from screener.core.rules import Action, RuleSet
from tests.core.lines import stranger

PHARMACY = "+18665550142"


@pytest.mark.parametrize("number", ["+18665550142", "+4989123456", "+123456789012345"])
def test_a_whole_number_can_be_named(number: str) -> None:
    assert can_be_named(number)


@pytest.mark.parametrize(
    "number",
    [
        *("", "*", "+1866*", "+1*", "866-555-0142", "+1866555????", "anonymous", "201"),
        "+0123456789",
        *("+1..+9", "+18665550142\n", "+1866555014२", "+1234567890123456", "tel:+18665550142"),
    ],
)  # fmt: skip
def test_what_is_a_pattern_or_no_number_cannot(number: str) -> None:
    assert not can_be_named(number)
    with pytest.raises(ValueError, match="no rule can name"):
        rule_for(Action.ALLOW, number, "", 1)


@given(
    name=st.one_of(st.text(max_size=300), st.text('"#/\\\r\n\u2028\u202e ,*', max_size=90)),
    action=st.sampled_from(ACTIONS),
    call=st.integers(1, 10**9),
)
def test_whatever_the_caller_is_called_it_is_one_rule_for_his_number(
    name: str, action: Action, call: int
) -> None:
    line = rule_for(action, PHARMACY, name, call)
    [rule], mistakes = parse(line, "1.rules", "US")
    assert mistakes == ()
    assert rule.action is action
    assert [str(condition) for condition in rule.conditions] == [f"from {PHARMACY}"]
    assert rule.target is None
    assert f"call {call}" in rule.label
    judged = RuleSet((rule,)).judge(stranger(PHARMACY))
    assert judged.action is action
    assert RuleSet((rule,)).judge(stranger("+18665550143")).action is Action.SCREEN


def test_a_rule_says_whose_it_is_and_where_it_comes_from() -> None:
    line = rule_for(Action.ALLOW, PHARMACY, 'WALGREENS "RX"', 17)
    assert line == f'allow from {PHARMACY} "WALGREENS ""RX"" (promoted, call 17)"'
    assert rule_for(Action.BLOCK, PHARMACY, " ", 17) == (
        f'block from {PHARMACY} "blocked, call 17"'
    )
    assert rule_for(Action.BLOCK, PHARMACY, "", 0) == f'block from {PHARMACY} "blocked"'


@pytest.mark.parametrize("name", ["", "WALGREENS", 'a "b" (promoted)'])
@pytest.mark.parametrize("call", [0, 17])
def test_it_is_known_again_as_one_of_ours(name: str, call: int) -> None:
    for action in ACTIONS:
        [rule], _ = parse(rule_for(action, PHARMACY, name, call), "1.rules", "US")
        assert is_promotion(rule, PHARMACY)
        assert not is_promotion(rule, "+18665550143")


@pytest.mark.parametrize(
    "line",
    [
        f"allow from {PHARMACY}",
        f'allow from {PHARMACY} "the pharmacy"',
        f'allow from {PHARMACY} to 818-222-3333 "promoted, call 1"',
        f'allow from {PHARMACY}, +18665550143 "promoted, call 1"',
        f'allow from {PHARMACY} "promoted, call 1" ring office',
        f'allow from {PHARMACY} "promoted, call 1" expires 9mo',
        f'screen from {PHARMACY} "promoted, call 1"',
        'allow from +1866555014? "promoted, call 1"',
    ],
)
def test_what_the_owner_wrote_or_has_changed_is_none_of_ours(line: str) -> None:
    [rule], mistakes = parse(line, "1.rules", "US")
    assert not mistakes
    assert not is_promotion(rule, PHARMACY)


# Where it stands ---------------------------------------------------------------------------------

MOM = "allow from 415-555-0100\n"


def placed(action: Action, files: dict[str, str]) -> Place:
    rules = [rule for file in sorted(files) for rule in parse(files[file], file, "US")[0]]
    home = {Action.ALLOW: "1-allow.rules", Action.BLOCK: "2-block.rules"}[action]
    return place_for(action, home, rules, files)


def test_it_stands_at_the_end_of_its_file() -> None:
    files = {"1-allow.rules": MOM, "2-block.rules": "block to *\n"}
    assert placed(Action.ALLOW, files) == Place("1-allow.rules")
    assert placed(Action.BLOCK, files) == Place("2-block.rules")
    assert placed(Action.ALLOW, {}) == Place("1-allow.rules")


def test_who_is_let_in_comes_before_all_that_could_turn_him_away() -> None:
    night = f"{MOM}\n# at night\n# nobody\nsend on 22:00-07:00 message family\n{MOM}"
    assert placed(Action.ALLOW, {"1-allow.rules": night}) == Place("1-allow.rules", 3)
    early = {"0-first.rules": "block from 866*\n", "1-allow.rules": MOM}
    assert placed(Action.ALLOW, early) == Place("0-first.rules", 1)
