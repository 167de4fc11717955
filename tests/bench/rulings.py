"""What it takes to decide one call against 1,000 rules, and to say why: calls that none matches.

    python -m tests.bench.rulings

Every call shows another number and another name, so that nothing is known of it from the call
before. A ruling is from the call to the word what is done (RuleSet.judge); an explanation says of
each rule why it did not decide (RuleSet.explain). The calls' past is in memory, as it is when a
call is judged.
"""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from screener.core import number
from screener.core.call import Call
from screener.core.history import History
from screener.core.rulefile import parse
from screener.core.rules import RuleSet
from screener.core.shelf import Shelf
from screener.core.signature import Signature
from tests.bench.figures import Rulings

COUNT = 1000
_CALLS = 2000
_EXPLAINED = 50
_NOW = datetime(2026, 11, 20, 14, 3, tzinfo=ZoneInfo("America/Los_Angeles"))
_TRADES = (
    *("survey", "political", "warranty", "solar", "loan", "debt", "campaign", "poll"),
    *("medicare", "energy", "roofing", "windows", "insurance", "travel", "cruise", "prize"),
)
_CALLERS = ("WIRELESS CALLER", "SMITH JOHN", "ACME Dental of Reseda", "TOLL FREE CALL")


@dataclass(frozen=True, slots=True)
class _Numbers:
    """A list of numbers; imported ones are measured elsewhere."""

    numbers: frozenset[str]

    def reports(self, number: str, since: datetime | None = None) -> int:
        return int(number in self.numbers)


def rulings(count: int = _CALLS) -> tuple[Rulings, ...]:
    """Measure a household's mix of rules, and rules of names alone, with so many calls."""
    calls = _calls(count)
    return (
        _measured("rules of every kind", _mixed(), calls),
        _measured("rules, each of a name", (f'block name "*{n}*"' for n in _names()), calls),
    )


def _mixed() -> Iterable[str]:
    """Rules as an owner has them: mostly numbers, then names, some of each other kind."""
    chance = random.Random(3)
    names = _names()
    for _, name in zip(range(COUNT // 20), names, strict=False):
        yield from (f"block from {_number(chance)}" for _ in range(8))
        yield from (f"block from {_number(chance)[:7]}*" for _ in range(2))
        first = _number(chance)[:-2]
        yield f"block from {first}00..{first}49"
        yield from (f'block name "*{name} {letter}*"' for letter in "abc")
        yield f"block name /^{name}.* (inc|llc)$/"
        yield f"block list {chance.choice(('ftc.csv', 'mine.txt'))}"
        yield f"screen country {chance.choice(('DE', 'IN', 'PH', 'GB'))} attestation C"
        yield f"block calls>={chance.randint(5, 9)} within {chance.randint(1, 9)}d"
        yield f"allow answered-before within {chance.randint(1, 90)}d"
        yield f"send on sat {chance.randint(0, 22):02}:00-23:00 message family"


def _names() -> list[str]:
    return [f"{trade} {n}" for n in range(COUNT // len(_TRADES) + 1) for trade in _TRADES][:COUNT]


def _number(chance: random.Random) -> str:
    return f"+1900{chance.randint(2_000_000, 9_999_999)}"


def _calls(count: int) -> list[Call]:
    """Calls of people whom no rule knows, each of whom has called a dozen times before."""
    chance = random.Random(4)
    past = tuple(_NOW.astimezone(UTC) - timedelta(days=500 - n) for n in range(12))
    return [
        Call(
            "1795218116.0",
            "+18182223333",
            number.read(f"+1805{chance.randint(2_000_000, 9_999_999)}", "US"),
            _NOW,
            f"{chance.choice(_CALLERS)} {n}",
            Signature("B", "passed"),
            History(calls=past),
        )
        for n in range(count)
    ]


def _measured(what: str, lines: Iterable[str], calls: Sequence[Call]) -> Rulings:
    rules, mistakes = parse("\n".join(lines), "50.rules", "US")
    assert not mistakes, mistakes
    shelf = Shelf({name: _Numbers(frozenset()) for name in ("ftc.csv", "mine.txt")})
    ruled = RuleSet(rules, shelf)
    assert all(ruled.judge(call).rule is None for call in calls[:3])
    number.plan.cache_clear()
    judged = _times(ruled.judge, calls)
    explained = _times(ruled.explain, calls[:_EXPLAINED])
    return Rulings(
        what,
        len(rules),
        statistics.median(judged),
        statistics.quantiles(judged, n=100)[98],
        statistics.median(explained),
    )


def _times(work: Callable[[Call], object], calls: Sequence[Call]) -> list[float]:
    """Milliseconds for each call; without collections of garbage that all the others left."""
    times = []
    gc.collect()
    gc.disable()
    try:
        for call in calls:
            began = time.perf_counter()
            work(call)
            times.append(1000 * (time.perf_counter() - began))
    finally:
        gc.enable()
    return times


if __name__ == "__main__":
    for found in rulings():
        print(
            f"{found.rules} rules, {found.what}: median {found.median:.3f} ms,"
            f" 99th percentile {found.p99:.3f} ms, explained in {found.explained:.1f} ms"
        )
