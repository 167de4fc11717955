"""What an unwanted caller gets, carried out on his line.

Before the answer a treatment costs him nothing, and its cause is the SIP status that he is sent.
"""

from __future__ import annotations

import asyncio

from screener.asterisk.line import Line
from screener.asterisk.playback import Sound
from screener.core.script import Refusal, Treatment

ENDLESS = 120.0
"""Seconds after which a treatment that goes on until the caller hangs up ends by itself."""

# The Q.850 cause with which a treatment ends the call: 1 unassigned number (SIP 404), 17 user busy
# (486), 19 no answer (480), 16 normal clearing, 21 call rejected (403).
_CAUSES = {
    Treatment.SIT: 1,
    Treatment.BUSY: 17,
    Treatment.RINGING: 19,
    Treatment.SILENCE: 16,
    Treatment.HANGUP: 21,
}


async def treat(line: Line, treatment: Treatment | Refusal, not_in_service: Sound) -> None:
    """Give a caller his treatment and hang up; `not_in_service` is what SIT plays to him."""
    if isinstance(treatment, Refusal):
        await line.refuse(treatment.code)
        return
    match treatment:
        case Treatment.SIT:
            await line.play(*not_in_service)
        case Treatment.RINGING:
            await line.ring()
            await asyncio.sleep(ENDLESS)
        case Treatment.SILENCE:
            await line.answer()
            await asyncio.sleep(ENDLESS)
    await line.hangup(_CAUSES[treatment])
