"""Ringing a group's phones for one caller, until one answers or none will.

What the phones say goes to core/ringing.py, which knows what it means.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from screener.asterisk.line import Leg, Line, Sound
from screener.core.frontdoor import RingGroup
from screener.core.ringing import Ringing
from screener.core.script import Rang
from screener.errors import AriError, AriGone, AriNotInStasis


async def ring(line: Line, group: RingGroup, meanwhile: Sound) -> tuple[Rang, Leg | None]:
    """Ring a group; connect the caller to the first who answers.

    The caller hears `meanwhile` and then the ringing tone. Returns what came of it and the leg that
    he is connected to, if any. When it is cancelled, because he hung up, the line's `close` stops
    the phones.
    """
    ringing = Ringing(group)
    clock = asyncio.get_running_loop().time
    started = clock()
    comfort = asyncio.ensure_future(_comfort(line, meanwhile))
    try:
        legs = await asyncio.gather(*(line.dial(phone, group.seconds) for phone in group.phones))
        await _until_over(line, ringing, group.seconds)
    finally:
        # Before he is connected: a sound that still plays would keep him from the bridge.
        comfort.cancel()
        await asyncio.gather(comfort, return_exceptions=True)
    seconds = clock() - started
    by_phone = {leg.phone: leg for leg in legs}
    winner = by_phone.pop(ringing.winner, None)
    if winner is not None and not await _connected(line, winner):
        ringing.remarks.append(f"{winner.phone} answered and hung up at once")
        winner = None
    await asyncio.gather(*(line.end_leg(leg) for leg in by_phone.values()))
    return Rang(winner.phone if winner else "", seconds, tuple(ringing.remarks)), winner


async def _comfort(line: Line, sound: Sound) -> None:
    """What the caller hears while phones ring. That it fails is no reason to stop ringing."""
    with suppress(AriError):
        await line.play(*sound)
        await line.ring()
        try:
            await asyncio.Event().wait()
        finally:
            await line.ring_stop()


async def _until_over(line: Line, ringing: Ringing, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            while not ringing.over:
                ringing.said(await line.phone_events.get())
    except TimeoutError:
        ringing.time_is_up()


async def _connected(line: Line, leg: Leg) -> bool:
    try:
        await line.connect(leg)
    except (AriGone, AriNotInStasis):
        return False
    return True
