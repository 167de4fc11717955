"""`make bench`: measure screener beside Asterisk's own dialplan, print it, keep it in bench.json.

    python -m tests.bench             # about ten minutes
    python -m tests.bench --quick     # about three

Exit status 1 when a call failed, a mail was lost or came twice without a cause, or delivering left
files or threads behind; 2 when it could not run. A slow figure is no failure.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from screener.asterisk.installation import install
from screener.errors import ScreenerError
from tests.bench import machine, table
from tests.bench.answers import answers
from tests.bench.campaigns import COUNT, campaigns
from tests.bench.cost import CALL, at_rest, cost
from tests.bench.crowd import crowds
from tests.bench.delay import delay
from tests.bench.deliveries import QUEUED, deliveries
from tests.bench.encoding import encodings
from tests.bench.figures import DEAF, DIALPLAN, SCREENED, Cost, Figures
from tests.bench.hearing import LADDER, ear_costs, talkers, without_ear
from tests.bench.house import House, furnished
from tests.bench.lists import lists
from tests.bench.messages import SPOKEN, messages
from tests.bench.reports import REPORTED, reports
from tests.bench.rivals import rivals
from tests.bench.rulings import rulings
from tests.calls.sip import CallError
from tests.calls.stage import REPOSITORY

RESULT = REPOSITORY / "bench.json"


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured. `rates` are calls a second, for `seconds` each; `ear` is for how long
    (seconds) it is watched what listening takes, and every so-many-th clip is judged."""

    rates: tuple[float, ...] = (2.0, 10.0)
    seconds: float = 8.0
    rounds: tuple[tuple[str, ...], ...] = ((DIALPLAN, SCREENED), (DEAF,))
    visits: int = 15
    crowd: int = 100
    ear: float = 10.0
    ladder: tuple[int, ...] = LADDER
    answers: int = 25
    every: int = 1


FULL = Plan()
QUICK = Plan(
    *((5.0,), 4.0, ((DIALPLAN, SCREENED), (DEAF,))),
    visits=5,
    crowd=20,
    ear=6.0,
    ladder=(4, 8),
    answers=5,
    every=12,
)


class Bench:
    """One run, telling on `console` what it does."""

    def __init__(self, plan: Plan, console: Console) -> None:
        self._plan = plan
        self._console = console
        self._begun = time.monotonic()

    async def run(self) -> Figures:
        """Measure everything."""
        installation = await asyncio.to_thread(install, self.tell)
        described = machine.describe(installation.version)
        self.tell(f"Asterisk {installation.version}; load {described['load_at_start']}")
        async with furnished(installation) as house:
            described["versions"]["recogniser"] = house.engine
            described["call"] = CALL
            await asyncio.sleep(1.0)
            rest = house.meter.screener_memory(), house.meter.asterisk_memory()
            costs, deaf = await self._costs(house)
            spread = await delay(house, self._plan.visits, self.tell)
            spoken = await answers(house, self._plan.answers, self.tell)
            ears = await ear_costs(house, self._plan.ear, deaf, self.tell)
            talking = await talkers(house, self._plan.ladder, self.tell)
            levels = await crowds(house, self._plan.crowd, self.tell)
            after = house.meter.screener_memory(), house.meter.asterisk_memory()
        judged = await rivals(installation, self._plan.every, self.tell)
        ruled = rulings()
        for found in ruled:
            self.tell(f"{found.rules} {found.what}: {found.median:.3f} ms a call")
        matched = await asyncio.to_thread(campaigns, COUNT // 10 if self._plan is QUICK else COUNT)
        self.tell(f"{matched.count} recordings: {matched.median_ms:.1f} ms to find one")
        listed = await asyncio.to_thread(lists, self.tell, installation, self._plan is QUICK)
        calls = REPORTED // 10 if self._plan is QUICK else REPORTED
        reported = await asyncio.to_thread(reports, calls)
        self.tell(f"a week out of {reported.calls:,} calls reported in {reported.whole:.2f} s")
        spoken_for = 600.0 if self._plan is QUICK else SPOKEN
        kept = await asyncio.to_thread(messages, spoken_for)
        self.tell(f"{spoken_for / 60:.0f} min of a message are kept in {kept.kept:.3f} s")
        made = await asyncio.to_thread(encodings, spoken_for)
        self.tell(f"encoded at {min(each.ours for each in made):.0f} times real time")
        mails = await asyncio.to_thread(deliveries, QUEUED // 10 if self._plan is QUICK else QUEUED)
        self.tell(f"{mails.count} mails delivered: {mails.lost} lost, {mails.repeated} came twice")
        described["load_at_end"] = machine.load()
        measured = (costs, spread, levels, talking, *rest, *after, ruled, listed)
        more = (ears, spoken, judged, matched, reported, kept, made, mails)
        return Figures(described, *measured, *more)

    async def _costs(
        self, house: House
    ) -> tuple[tuple[Cost, ...], Mapping[str, tuple[float, float]]]:
        """What calls cost; and of talkers, what they cost a screener that does not listen."""
        found = []
        rest = await at_rest(house, 3.0)
        for round_ in self._plan.rounds:
            if DEAF in round_:
                await house.restart("-m", "tests.bench.deaf")
            for rate in self._plan.rates:
                for work in round_:
                    found.append(await cost(house, work, rate, self._plan.seconds, rest))
                    self.tell(_said(found[-1]))
        deaf = await without_ear(house, self._plan.ear)  # the last round is the deaf one
        await house.restart("-m", "screener")
        return tuple(found), deaf

    def tell(self, line: str) -> None:
        seconds = time.monotonic() - self._begun
        self._console.print(Text(f"{seconds:5.0f} s  {line}"), soft_wrap=True)


def _said(cost: Cost) -> str:
    return (
        f"{cost.work}, {cost.calls} calls at {cost.rate:g} a second: Asterisk {cost.asterisk:.1f}"
        f" + screener {cost.screener:.1f} ms a call, {cost.failed} failed;"
        f" other programs took {100 * cost.elsewhere:.0f} % of a core"
    )


def keep(figures: Figures, path: Path) -> None:
    """Write the figures as JSON."""
    text = json.dumps(figures.as_json(), indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


async def main(arguments: Sequence[str]) -> int:
    options = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    options.add_argument("--quick", action="store_true", help="a part of it, in three minutes")
    plan = QUICK if options.parse_args(arguments).quick else FULL
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    try:
        figures = await Bench(plan, console).run()
    except (ScreenerError, CallError, OSError) as error:
        console.print(Text(f"The measurement broke off: {error}", style="bold red"))
        return 1 if isinstance(error, CallError) else 2
    console.print()
    table.show(figures, console)
    keep(figures, RESULT)
    console.print(Text(f"all figures: {RESULT.name}"))
    for failure in figures.failures:
        console.print(Text(failure, style="bold red"))
    return 1 if figures.failures else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
