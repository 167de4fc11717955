"""What a call costs in processor time, screened and by Asterisk's own dialplan.

The call: a stranger is answered, hears the prompt, keys an extension a second into it, its phone
rings for half a second and answers, they talk, he hangs up. Both programs' use is counted from the
first call to when nothing of the last is left, less what they use at rest in as long a time.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from screener.core.call import Outcome
from tests.bench.figures import DIALPLAN, Cost
from tests.bench.house import KEY, PHONE, PLAIN, House
from tests.bench.meter import Use
from tests.bench.traffic import Press, Traffic
from tests.calls.stage import DID

CALL = "answer, prompt, key at 1 s, phone rings 0.5 s, talk 1.5 s, hang-up: 3 s"
_KEY = Press(KEY, after=1.0)
_STAYS = 2.0
_RINGS = 0.5


@dataclass(frozen=True, slots=True)
class Rest:
    """Seconds of processor time that each program uses in a second without calls."""

    asterisk: float
    screener: float


async def at_rest(house: House, seconds: float) -> Rest:
    """What the two use when nobody calls."""
    before = house.meter.read()
    await asyncio.sleep(seconds)
    use = Use.between(before, house.meter.read())
    return Rest(use.asterisk / use.seconds, use.screener / use.seconds)


async def cost(house: House, work: str, rate: float, seconds: float, rest: Rest) -> Cost:
    """Of calls at `rate` a second, placed for so many seconds."""
    office = house.stage.phones[PHONE]
    await office.will("answer", rings=_RINGS)
    calls = max(1, round(rate * seconds))
    rung, connected = office.rung, _connected(house)
    traffic = Traffic(house.pbx, PLAIN if work == DIALPLAN else DID, stays=_STAYS, key=_KEY)
    meter = house.meter
    before = meter.read()
    flow = await traffic.run(rate=rate, calls=calls)
    await house.stage.assert_nothing_left()
    use = Use.between(before, meter.read())
    reached = office.rung - rung
    if work != DIALPLAN:
        reached = min(reached, await _written_down(house, connected + calls) - connected)
    asterisk = use.asterisk - rest.asterisk * use.seconds
    screener = use.screener - rest.screener * use.seconds if work != DIALPLAN else 0.0
    return Cost(
        work=work,
        rate=rate,
        calls=calls,
        failed=max(flow.failed, calls - reached),
        asterisk=1000 * asterisk / calls,
        screener=1000 * screener / calls,
        elsewhere=use.elsewhere / use.seconds,
        trouble=flow.complaints,
    )


def _connected(house: House) -> int:
    return sum(row.outcome == Outcome.CONNECTED for row in house.stage.rows())


async def _written_down(house: House, wanted: int) -> int:
    """How many rows say that the caller was connected, the last row having had its time."""
    for _ in range(100):
        if _connected(house) >= wanted:
            break
        await asyncio.sleep(0.05)
    return _connected(house)
