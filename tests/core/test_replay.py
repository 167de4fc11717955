"""Past calls judged again: what would have ended differently, and at what price."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from screener.core import price
from screener.core.call import Call
from screener.core.conditions import (
    Attested,
    Called,
    Condition,
    Emergency,
    Event,
    Expecting,
    From,
    Happened,
    Not,
    Withheld,
)
from screener.core.history import MOST, History
from screener.core.pattern import NumberPattern
from screener.core.replay import Replay, Way, differs, replay, way
from screener.core.rules import Action, Rule, RuleSet, Target, Where
from screener.core.script import Refusal, Treatment
from screener.core.story import CallRow

PACIFIC = ZoneInfo("America/Los_Angeles")
BEGAN = datetime(2026, 11, 2, 18, 0, tzinfo=UTC)
PEST, FRIEND = "+19005550100", "+14155550100"
DAY = timedelta(days=1)


def row(
    at: timedelta, number: str = PEST, outcome: str = "gave up", ruled: str = "screen"
) -> CallRow:
    """A call of one minute."""
    return CallRow(
        id=1 + round(at / timedelta(minutes=1)),
        uid="1790000000.1",
        started=BEGAN + at,
        did="+18182223333",
        number=number,
        ended=BEGAN + at + timedelta(minutes=1),
        outcome=outcome,
        ruled=ruled,
        seconds=60.0,
    )


def rule(action: Action, *conditions: Condition, label: str = "mine") -> Rule:
    return Rule(action, conditions, label, file="50.rules", line=3)


def numbers(*patterns: str) -> From:
    return From(tuple(NumberPattern(pattern) for pattern in patterns))


PREMIUM = rule(Action.BLOCK, numbers("+1900*"))


def again(
    rows: Iterable[CallRow],
    *rules: Rule,
    dialled: Iterable[tuple[datetime, str]] = (),
    since: datetime | None = None,
) -> Replay:
    return replay(rows, dialled, RuleSet(rules), "US", PACIFIC, since=since)


class Watching(RuleSet):
    """Rules that keep the calls that they are asked about."""

    def deciding(self, call: Call) -> Rule | None:
        seen.append(call)
        return super().deciding(call)


seen: list[Call] = []


def histories(
    rows: Iterable[CallRow], dialled: Iterable[tuple[datetime, str]] = ()
) -> list[History]:
    """The history that each of these calls had, by the replay."""
    seen.clear()
    asking = rule(Action.BLOCK, Happened(Event.DIALLED), numbers("+99"))
    replay(rows, dialled, Watching((asking,)), "US", PACIFIC)
    return [call.history for call in seen]


# Which calls differ ------------------------------------------------------------------------------


def test_calls_under_the_rules_that_they_had_do_not_differ() -> None:
    rows = [row(DAY, ruled="block play sit", outcome="turned away"), row(2 * DAY, FRIEND)]
    found = again(rows, PREMIUM)
    assert (found.calls, found.differences, found.still_wrong) == (2, [], [])


def test_a_call_that_a_new_rule_blocks_differs_and_says_by_which() -> None:
    [difference] = again([row(DAY), row(2 * DAY, FRIEND)], PREMIUM).differences
    assert difference.row.number == PEST
    assert (difference.row.ruled, difference.now) == ("screen", "block play sit")
    assert difference.rule is PREMIUM
    assert (
        difference.reason == 'block play sit "mine" (50.rules:3): +1 900 555 0100 is one of +1900*'
    )
    assert not difference.price


def test_a_rule_that_is_gone_makes_a_difference() -> None:
    [difference] = again([row(DAY, ruled="allow")]).differences
    assert (difference.now, difference.rule) == ("screen", None)
    assert difference.reason == "no rule matches: screened"


def test_another_treatment_is_a_difference_unless_the_old_row_does_not_say_which() -> None:
    rows = [row(DAY, ruled="block play busy"), row(2 * DAY, ruled="block")]
    assert [d.row.ruled for d in again(rows, PREMIUM).differences] == ["block play busy"]


def test_a_call_of_which_nobody_knows_what_was_ruled_is_in_no_figure() -> None:
    found = again([row(DAY, ruled="", outcome="connected")], PREMIUM)
    assert (found.calls, found.unknown, found.differences) == (1, 1, [])
    assert (found.blocked.calls, found.still_wrong) == (0, [])


def test_calls_before_the_day_are_not_judged_but_make_history() -> None:
    rows = [row(DAY), row(2 * DAY), row(3 * DAY)]
    pest = rule(Action.BLOCK, Called(2))
    found = again(rows, pest, since=BEGAN + 2.5 * DAY)
    assert found.calls == 1
    assert [d.row.started for d in found.differences] == [BEGAN + 3 * DAY]


def test_a_call_is_judged_by_what_its_row_says_it_showed() -> None:
    asks: dict[str, Condition] = {
        "expecting": Expecting(),
        "emergency": Emergency(),
        "attestation": Attested(("A",)),
    }
    for field, condition in asks.items():
        shows = {"attestation": "A"}.get(field, "you said so")
        rows = [row(DAY), replace(row(2 * DAY), **{field: shows})]  # type: ignore[arg-type] # strs
        found = again(rows, rule(Action.ALLOW, condition))
        assert [d.row.started for d in found.differences] == [BEGAN + 2 * DAY], field


def test_withheld_and_odd_numbers_are_what_they_were() -> None:
    rows = [replace(row(DAY, ""), withheld=True), row(2 * DAY, "abc"), row(3 * DAY)]
    withheld = again(rows, rule(Action.BLOCK, Withheld())).differences
    assert [d.row.id for d in withheld] == [rows[0].id]
    shown = again(rows, rule(Action.BLOCK, Not(Withheld()))).differences
    assert [d.row.id for d in shown] == [rows[1].id, rows[2].id]
    numbered = again(rows, rule(Action.BLOCK, numbers("+*"))).differences
    assert [d.row.id for d in numbered] == [rows[2].id]


# History -----------------------------------------------------------------------------------------


def test_history_is_of_the_calls_before_and_of_one_number() -> None:
    rows = [
        row(DAY, FRIEND, "connected"),
        row(2 * DAY, PEST, "message"),
        row(3 * DAY, FRIEND),
        row(4 * DAY, FRIEND),
    ]
    dialled = [(BEGAN + 3.5 * DAY, FRIEND), (BEGAN + 5 * DAY, FRIEND)]
    first, pest, second, third = histories(rows, dialled)
    assert (first, pest) == (History(), History())
    assert second == History(calls=(BEGAN + DAY,), answered=(BEGAN + DAY,))
    assert third == History(
        calls=(BEGAN + DAY, BEGAN + 3 * DAY),
        answered=(BEGAN + DAY,),
        dialled=(BEGAN + 3.5 * DAY,),
    )


def test_a_call_that_is_not_over_has_called_but_not_been_answered() -> None:
    second = timedelta(seconds=30)
    rows = [row(DAY, FRIEND, "connected"), row(DAY + second, FRIEND), row(DAY + 3 * second, FRIEND)]
    _, meanwhile, after = histories(rows)
    assert meanwhile == History(calls=(BEGAN + DAY,))
    assert after.answered == (BEGAN + DAY,)


def test_the_history_of_a_pest_is_bounded() -> None:
    minute = timedelta(minutes=1)
    last = histories([row(n * minute) for n in range(MOST + 5)])[-1]
    assert len(last.calls) == MOST
    assert last.calls[-1] == BEGAN + (MOST + 3) * minute


def test_a_clock_that_was_set_back_leaves_history_in_order() -> None:
    *_, last = histories([row(3 * DAY), row(DAY), row(2 * DAY)])
    assert last.calls == (BEGAN + DAY, BEGAN + 3 * DAY)


def test_whoever_shows_no_number_has_no_history() -> None:
    rows = [replace(row(n * DAY, ""), withheld=True) for n in range(3)]
    assert histories(rows, [(BEGAN, "")]) == [History()] * 3


# The price ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", ["connected", "message", "asked for a call"])
def test_a_call_that_was_wanted_is_the_price_of_blocking_it(outcome: str) -> None:
    found = again([row(DAY, outcome=outcome), row(2 * DAY)], PREMIUM)
    assert [d.price for d in found.differences] == [True, False]
    assert (found.blocked.calls, found.blocked.through, found.blocked.wanted) == (2, 2, 1)


def test_a_number_that_was_called_back_within_a_month_was_wanted() -> None:
    dialled = [(BEGAN, PEST), (BEGAN + 40 * DAY, PEST), (BEGAN + 41 * DAY, FRIEND)]
    found = again([row(9 * DAY), row(11 * DAY)], PREMIUM, dialled=dialled)
    assert [d.worth.called_back for d in found.differences] == [None, BEGAN + 40 * DAY]
    assert found.blocked.called_back == 1


def test_to_screen_is_no_price_and_to_send_elsewhere_is() -> None:
    rows = [row(DAY, outcome="connected", ruled="allow")]
    screened = rule(Action.SCREEN, numbers("*"))
    assert [d.price for d in again(rows, screened).differences] == [False]
    sent = replace(screened, action=Action.SEND, target=Target(Where.MESSAGE, "family"))
    assert [d.price for d in again(rows, sent).differences] == [True]


def test_what_was_turned_away_at_the_time_and_called_back_is_still_wrong() -> None:
    rows = [row(n * DAY, ruled="block play sit", outcome="turned away") for n in (1, 40)]
    found = again(rows, PREMIUM, dialled=[(BEGAN + 2 * DAY, PEST)])
    assert [d.row.started for d in found.still_wrong] == [BEGAN + DAY]
    assert (found.blocked.calls, found.blocked.through, found.blocked.wanted) == (2, 1, 1)


def test_in_shadow_mode_what_each_call_was_is_known() -> None:
    rows = [
        replace(row(n * DAY, outcome=outcome, ruled="block play sit"), shadow=True)
        for n, outcome in enumerate(["connected", "gave up", "no message", "message"])
    ]
    found = again(rows, PREMIUM)
    assert found.differences == []
    assert (found.blocked.calls, found.blocked.through, found.blocked.wanted) == (4, 4, 2)
    assert [d.row.outcome for d in found.still_wrong] == ["connected", "message"]


def test_a_robot_that_would_ring_is_a_nuisance() -> None:
    rows = [
        row(DAY, outcome="turned away"),
        row(2 * DAY, outcome="silent"),
        replace(row(3 * DAY, outcome="gave up"), verdict="unwanted robot"),
        row(4 * DAY, outcome="connected"),
        row(5 * DAY, outcome="turned away", ruled="allow"),
    ]
    found = again(rows, rule(Action.ALLOW, numbers("*")))
    assert [d.nuisance for d in found.differences] == [True, True, True, False]
    assert (found.ringing.calls, found.ringing.unwanted) == (5, 4)


@pytest.mark.parametrize(
    ("action", "target", "taken"),
    [
        (Action.ALLOW, None, Way.RINGS),
        (Action.ALLOW, Target(Where.RING, "office"), Way.RINGS),
        (Action.SEND, Target(Where.RING, "block"), Way.RINGS),
        (Action.SEND, Target(Where.EXTENSION, "1"), Way.RINGS),
        (Action.SEND, Target(Where.MENU, "+18182223333"), Way.SCREENED),
        (Action.SCREEN, None, Way.SCREENED),
        (Action.SEND, Target(Where.MESSAGE, "family"), Way.SENT),
        (Action.SEND, Target(Where.REDIRECT, "+18182223334"), Way.SENT),
        (Action.BLOCK, None, Way.BLOCKED),
    ],
)
def test_the_way_of_every_effect(action: Action, target: Target | None, taken: Way) -> None:
    assert way(Rule(action, (), target=target).effect) is taken


def test_every_treatment_is_a_block() -> None:
    for treatment in (*Treatment, Refusal(607)):
        effect = Rule(Action.BLOCK, (), treatment=treatment).effect
        assert way(effect) is Way.BLOCKED
        assert not differs("block", effect)


# Words -------------------------------------------------------------------------------------------


def told(found: Replay, most: int | None = 20) -> list[str]:
    return price.tell(found, PACIFIC, most).split("\n")


def test_the_words_of_a_replay() -> None:
    rows = [
        row(DAY, outcome="connected"),
        row(2 * DAY, outcome="silent"),
        row(3 * DAY, FRIEND, outcome="turned away"),
        row(4 * DAY, "+18055550142", outcome="connected"),
        row(5 * DAY, outcome="turned away", ruled="block play sit"),
    ]
    rules = PREMIUM, rule(Action.ALLOW, numbers(FRIEND), label="Mom")
    assert told(again(rows, *rules, dialled=[(BEGAN + 1.5 * DAY, PEST)])) == [
        "5 calls from 03 Nov 2026 to 07 Nov 2026: 3 would have ended differently.",
        "  2 would be turned away; 1 of them wanted: 1 was answered, 1 was called back;"
        " 1 of them unwanted: turned away at the time, or silent",
        "  1 would ring at once; 1 of them unwanted: turned away at the time, or silent",
        "Wrongly turned away: 1 of 2 calls (50.0 %): 1 was answered, 1 was called back.",
        "  1 more that these rules turn away was turned away at the time, too: nobody knows what"
        " it was.",
        "Wrongly rung through: 1 of 1 call (100.0 %) had been turned away or had said nothing.",
        "",
        "call  when              who called       was     would be        "
        "what it was worth                           by",
        "4321  2026-11-05 10:00  +1 415 555 0100  screen  allow           "
        'turned away                                 "Mom" (50.rules:3)',
        "1441  2026-11-03 10:00  +1 900 555 0100  screen  block play sit  "
        'answered, 1 min 0 s; called back on 03 Nov  "mine" (50.rules:3)',
        "2881  2026-11-04 10:00  +1 900 555 0100  screen  block play sit  "
        'silent                                      "mine" (50.rules:3)',
    ]


def test_nothing_to_judge_and_nothing_different() -> None:
    assert told(again([])) == ["no calls to judge"]
    assert told(again([row(DAY)])) == ["1 call on 03 Nov 2026: none would have ended differently."]


def test_a_long_table_is_cut_and_says_how_to_see_all() -> None:
    found = again([row(n * DAY) for n in range(30)], PREMIUM)
    assert told(found)[-1] == "and 10 more: --all shows them"
    assert len([line for line in told(found, None) if "would be" not in line]) == 33
    assert not any("--all" in line for line in told(found, None))


def test_what_strangers_wrote_stays_in_its_cell() -> None:
    rows = [replace(row(DAY), name="\x1b[2J\nno calls", number="\u202e1"), row(2 * DAY)]
    lines = told(again(rows, rule(Action.BLOCK, Not(Withheld()))))
    assert len(lines) == 7
    assert all(line.isprintable() for line in lines)


def test_json_says_the_same() -> None:
    rows = [row(DAY, outcome="connected"), row(2 * DAY, ruled="")]
    found = price.as_json(again(rows, PREMIUM, dialled=[(BEGAN + 2 * DAY, PEST)]), PACIFIC, None)
    [difference] = found.pop("differences")
    assert found == {
        "calls": 2,
        "first": "2026-11-03T10:00:00-08:00",
        "last": "2026-11-04T10:00:00-08:00",
        "unknown": 1,
        "shadow": 0,
        "called_back_within_days": 30,
        "different": 1,
        "blocked": {
            "calls": 1,
            "known": 1,
            "answered": 1,
            "messages": 0,
            "called_back": 1,
            "wanted": 1,
        },
        "ringing": {"calls": 0, "unwanted": 0},
        "still_wrong": [],
    }
    assert difference == {
        "call": 1441,
        "at": "2026-11-03T10:00:00-08:00",
        "number": PEST,
        "name": "",
        "outcome": "connected",
        "was": "screen",
        "was_rule": "",
        "action": "block play sit",
        "rule": "mine",
        "file": "50.rules",
        "line": 3,
        "reason": 'block play sit "mine" (50.rules:3): +1 900 555 0100 is one of +1900*',
        "answered_seconds": 60.0,
        "message": False,
        "called_back": "2026-11-04T10:00:00-08:00",
        "price": True,
    }
