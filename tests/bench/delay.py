"""How long a caller waits: from letting go of his last key to the INVITE at the phone.

One call at a time, keys as RFC 4733 events. The key's time is when its last packet was sent, the
INVITE's when the phone's SIPp had it. In the dialplan the key matches one extension exactly, so
that Background and WaitExten wait for no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from tests.bench.figures import Delay, Quartiles
from tests.bench.house import KEY, PHONE, PLAIN, House
from tests.bench.meter import Use
from tests.calls.stage import DID

_LISTENS = 0.4


@dataclass(frozen=True, slots=True)
class Visit:
    """One caller's call: seconds from answer to prompt, seconds from key to ring, and his line:
    RTP packets that never came, and the longest pause between two (seconds)."""

    answer_to_prompt: float
    key_to_invite: float
    lost: int
    longest_pause: float


async def visit(house: House, did: str, listens: float = _LISTENS) -> Visit:
    """Call, key after `listens` seconds of the prompt, wait for the INVITE, hang up."""
    office = house.stage.phones[PHONE]
    office.forget()
    async with house.stage.caller(did=did) as call:
        answered = await call.answered()
        prompt = await call.hear_sound(within=5)
        await asyncio.sleep(listens)
        heard = [(packet.sequence, packet.at) for packet in call.rtp.packets]
        keyed = await call.key(KEY)
        rung = await office.rang(within=5)
    await office.quiet(within=5)
    house.stage.callers.clear()
    lost, pause = gaps(heard)
    return Visit(prompt - answered, rung.invited - keyed, lost, pause)


def gaps(packets: list[tuple[int, float]]) -> tuple[int, float]:
    """Of (sequence number, arrival): how many are missing, and the longest pause in seconds."""
    pairs = list(pairwise(packets))
    lost = sum(max(0, ((b[0] - a[0]) & 0xFFFF) - 1) for a, b in pairs)
    return lost, max((b[1] - a[1] for a, b in pairs), default=0.0)


async def delay(house: House, calls: int, tell: Callable[[str], None]) -> Delay:
    """Of so many calls each, dialplan and screener in turn."""
    await house.stage.phones[PHONE].will("never")
    before = house.meter.read()
    plain, screened = [], []
    for number in range(1, calls + 1):
        plain.append((await visit(house, PLAIN)).key_to_invite * 1000)
        screened.append((await visit(house, DID)).key_to_invite * 1000)
        if number % 10 == 0 or number == calls:
            tell(f"from key to ring: {number} of {calls} pairs of calls")
    use = Use.between(before, house.meter.read())
    return Delay(Quartiles.of(plain), Quartiles.of(screened), use.elsewhere / use.seconds)
