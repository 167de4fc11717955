"""How many callers can be at the attendant at once, and what each of them takes.

The crowd grows by `STEP` callers at a time; who hangs up (after 18 s) is replaced. Everybody hears
the prompt and is listened to. At each size it is an error when
- a call is refused, times out or is ended by us (SIPp's count of failed calls),
- screener logs a warning or an error, or a call's row says that it failed,
- the kernel drops a datagram of Asterisk's or screener's for want of room: a lost RTP frame,
- somebody who calls into this crowd misses a packet of the prompt, hears a pause in it of more than
  `LONGEST_PAUSE`, waits more than `SLOWEST_PROMPT` for it, or, having keyed an extension, more than
  `SLOWEST_RING` for the phone's INVITE.
SIPp and our own callers run on the same machine and have their share in these errors.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from screener.core.call import Outcome
from tests.bench.delay import Visit, visit
from tests.bench.figures import Level, Memory
from tests.bench.house import PHONE, House
from tests.bench.meter import Use
from tests.bench.traffic import Flood, Traffic
from tests.calls.sip import CallError
from tests.calls.stage import DID

STEP = 20
LONGEST_PAUSE = 0.1
SLOWEST_PROMPT = 1.0
SLOWEST_RING = 0.5
_STAYS = 18.0
_ARRIVALS = 4.0  # a second
_SETTLING = 1.0
_LISTENS = 1.5


@dataclass
class Crowd:
    """Callers at the attendant, who come in groups. `async with` ends all their calls."""

    house: House
    floods: list[Flood] = field(default_factory=list)

    async def __aenter__(self) -> Crowd:
        self.failed_rows = self._failed_rows()
        self.screener_before = self.house.meter.screener_memory()
        self.asterisk_before = self.house.meter.asterisk_memory()
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(flood.end() for flood in self.floods))

    async def grow(self, traffic: Traffic, callers: int) -> None:
        """So many callers more; returns when they are all there."""
        await self.begin(traffic, callers)
        await asyncio.sleep(callers / _ARRIVALS + _SETTLING)

    async def begin(self, traffic: Traffic, callers: int) -> None:
        """So many callers more, who come in from now on."""
        flood = Flood(traffic, at_once=callers, rate=_ARRIVALS)
        self.floods.append(flood)
        await flood.begin()

    @property
    def size(self) -> int:
        return sum(flood.at_once for flood in self.floods)

    def failures(self) -> list[str]:
        """What went wrong with the crowd's own calls since it came together."""
        found = []
        failed = sum(flood.failed for flood in self.floods)
        if failed:
            complaints = [line for flood in self.floods for line in flood.complaints]
            found.append(f"{failed} calls failed: {'; '.join(complaints[:2])}")
        rows = self._failed_rows() - self.failed_rows
        if rows:
            found.append(f"{rows} rows say that the call failed")
        return found

    def _failed_rows(self) -> int:
        return sum(row.outcome == Outcome.FAILED for row in self.house.stage.rows())


async def crowds(house: House, largest: int, tell: Callable[[str], None]) -> tuple[Level, ...]:
    """Ever larger crowds of people who listen, until something goes wrong or `largest` are in."""
    await house.stage.phones[PHONE].will("never")
    levels: list[Level] = []
    async with Crowd(house) as crowd:
        while crowd.size < largest and not (levels and levels[-1].errors):
            await crowd.grow(Traffic(house.pbx, DID, stays=_STAYS), STEP)
            levels.append(await look(crowd))
            tell(f"{crowd.size} calls at once: {'; '.join(levels[-1].errors) or 'no error'}")
    await house.stage.assert_nothing_left(within=30)
    return tuple(levels)


async def look(crowd: Crowd) -> Level:
    """See how the crowd and one more caller fare."""
    house, meter = crowd.house, crowd.house.meter
    since, drops, before = house.log_size, meter.lost_datagrams(), meter.read()
    errors: list[str] = []
    delay: float | None = None
    try:
        seen = await visit(house, DID, listens=_LISTENS)
        errors += remarks(seen)
        # Before the key was up: our own caller was kept from the processor in the middle of it.
        delay = 1000 * seen.key_to_invite if seen.key_to_invite >= 0 else None
    except CallError as error:
        errors.append(f"one more caller: {str(error).splitlines()[0]}")
    use = Use.between(before, meter.read())
    lost = sum(n - drops.get(socket, 0) for socket, n in meter.lost_datagrams().items())
    if lost > 0:
        errors.append(f"{lost} datagrams lost for want of room")
    errors += [f"screener: {line[24:160]}" for line in house.complaints(since)[:3]]
    return Level(
        calls=crowd.size,
        errors=(*errors, *crowd.failures()),
        asterisk=use.asterisk / use.seconds,
        screener=use.screener / use.seconds,
        elsewhere=use.elsewhere / use.seconds,
        key_to_invite=delay,
        asterisk_each=each(meter.asterisk_memory(), crowd.asterisk_before, crowd.size),
        screener_each=each(meter.screener_memory(), crowd.screener_before, crowd.size),
    )


def each(now: Memory, before: Memory, calls: int) -> float:
    """Megabytes (proportional) that each call has added."""
    return (now.proportional - before.proportional) / calls


def remarks(seen: Visit) -> list[str]:
    """What a caller in the crowd has to complain of."""
    found = []
    if seen.lost:
        found.append(f"{seen.lost} packets of the prompt lost")
    for what, seconds, limit in (
        ("a pause in the prompt of", seen.longest_pause, LONGEST_PAUSE),
        ("answer to prompt", seen.answer_to_prompt, SLOWEST_PROMPT),
        ("key to ring", seen.key_to_invite, SLOWEST_RING),
    ):
        if seconds > limit:
            found.append(f"{what} {1000 * seconds:.0f} ms, more than {1000 * limit:.0f}")
    return found
