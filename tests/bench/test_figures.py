"""What follows from the figures: ratios, shares, the largest crowd, the failures, the JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.bench.deliveries import Delivered
from tests.bench.figures import (
    DEAF,
    DIALPLAN,
    SCREENED,
    Cost,
    Delay,
    Figures,
    Level,
    Memory,
    Quartiles,
    ear_share,
    merged,
    most_at_once,
    per_call,
    rates,
    ratio,
)

SPREAD = Quartiles.of([1.0, 2.0, 3.0, 4.0, 5.0])


def cost(work: str, asterisk: float, screener: float = 0.0, **more: Any) -> Cost:
    plain = {"rate": 2.0, "calls": 20, "failed": 0, "elsewhere": 0.1}
    return Cost(work=work, asterisk=asterisk, screener=screener, **(plain | more))


def level(calls: int, *errors: str, mb: float = 0.5) -> Level:
    return Level(calls, errors, 0.2, 0.3, 0.0, 11.0, 2 * mb, mb)


def figures(costs: tuple[Cost, ...] = (), levels: tuple[Level, ...] = ()) -> Figures:
    rest = Memory(70.0, 50.0)
    talking = level(10, mb=8.0)
    return Figures(
        {"cpu": "a"}, costs, Delay(SPREAD, SPREAD, 0.0), levels, (talking,), rest, rest, rest, rest
    )


def test_the_ratio_is_both_programs_time_over_the_dialplans() -> None:
    costs = (cost(DIALPLAN, 10.0), cost(SCREENED, 25.0, 15.0))
    assert ratio(costs, 2.0) == 4.0


def test_there_is_no_ratio_without_both() -> None:
    assert ratio((cost(SCREENED, 25.0, 15.0),), 2.0) is None
    assert ratio((cost(DIALPLAN, 10.0), cost(SCREENED, 1.0)), 10.0) is None


def test_rounds_weigh_by_their_calls() -> None:
    rounds = (cost(DIALPLAN, 10.0, calls=30), cost(DIALPLAN, 20.0, calls=10, failed=1))
    both = merged(rounds, DIALPLAN, 2.0)
    assert both is not None
    assert (both.asterisk, both.calls, both.failed) == (12.5, 40, 1)


def test_listening_is_what_a_deaf_screener_saves() -> None:
    costs = (cost(SCREENED, 30.0, 30.0), cost(DEAF, 25.0, 20.0))
    assert ear_share(costs, 2.0) == 0.25
    assert ear_share(costs[:1], 2.0) is None


def test_rates_come_in_order_and_once() -> None:
    costs = (cost(DIALPLAN, 1.0, rate=10.0), cost(DIALPLAN, 1.0), cost(SCREENED, 1.0))
    assert rates(costs) == [2.0, 10.0]


def test_quartiles() -> None:
    assert (SPREAD.lowest, SPREAD.lower, SPREAD.median) == (1.0, 2.0, 3.0)
    assert (SPREAD.upper, SPREAD.highest, SPREAD.count) == (4.0, 5.0, 5)
    assert Quartiles.of([7.0]) == Quartiles(7.0, 7.0, 7.0, 7.0, 7.0, 1)


def test_the_largest_crowd_is_the_last_before_an_error() -> None:
    assert most_at_once((level(10), level(20), level(30, "late"))) == 20
    assert most_at_once((level(10, "late"), level(20))) == 0
    assert most_at_once(()) == 0


def test_memory_per_call_is_that_of_the_largest_crowd_without_an_error() -> None:
    run = figures(levels=(level(10, mb=0.7), level(20, mb=0.5), level(30, "late", mb=9.0)))
    assert per_call(run) == {
        "screener": 0.5,
        "asterisk": 1.0,
        "screener_talking": 8.0,
        "asterisk_talking": 16.0,
    }


def test_memory_per_call_is_unknown_when_no_crowd_was_well() -> None:
    each = per_call(figures(levels=(level(10, "late"),)))
    assert (each["screener"], each["asterisk"]) == (None, None)


def test_a_crowd_that_grew_too_large_is_no_failure() -> None:
    fine = figures((cost(DIALPLAN, 1.0),), (level(10), level(20, "late")))
    assert fine.failures == []


def test_failed_calls_are_failures() -> None:
    bad = figures((cost(SCREENED, 1.0, failed=2),), (level(10, "refused"),))
    assert bad.failures == [
        "2 of 20 calls failed (screened, 2 a second)",
        "10 calls at once: refused",
    ]


DELIVERED = Delivered(1000, 22_000, 30.0, 6.0, 3.0, 9, 1400, 0, 31, 0, 0.5, 2, 4)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, None),
        ({"lost": 1}, "1 mails were lost and 0 repeated without a cause"),
        ({"uncaused": 2}, "0 mails were lost and 2 repeated without a cause"),
        ({"files": 800}, "800 files and 4 threads more were open after the last mail"),
        ({"threads": 9}, "2 files and 9 threads more were open after the last mail"),
    ],
)
def test_mails_that_are_lost_and_what_grows_are_failures(
    change: dict[str, int], said: str | None
) -> None:
    found = replace(figures(), delivered=replace(DELIVERED, **change))
    assert found.failures == ([said] if said else [])


def test_the_json_holds_everything_and_what_follows() -> None:
    run = figures((cost(DIALPLAN, 10.0), cost(SCREENED, 25.0, 15.0)), (level(10),))
    read = json.loads(json.dumps(run.as_json()))
    assert read["ratios"] == {"2": 4.0}
    assert read["ear_share"] == {"2": None}
    assert read["calls_at_once"] == 10
    assert read["costs"][1]["screener"] == 15.0
    assert read["delay"]["screened"]["median"] == 3.0
    assert read["screener_rest"]["resident"] == 70.0
    assert read["failures"] == []
    assert json.loads(json.dumps(replace(run, levels=()).as_json()))["calls_at_once"] == 0
