"""How long a caller waits who says his extension: from his last syllable to the phone's INVITE.

Recorded people say a digit once the prompt is over, some calls at a time. The end of the word is
when the last packet that holds some of it was sent, the INVITE when the phone's SIPp had it. Only
words that were understood have a delay; the others are counted.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from screener.core.vad import ENDPOINT
from tests.bench.figures import Answers, Quartiles
from tests.bench.house import House
from tests.calls import speech
from tests.calls.phones import Phone

AT_ONCE = 5
TARGET_MS = 1000 * ENDPOINT + 150
_PHONES = {1: "kitchen", 2: "office"}
# A word's end: what follows is 25 dB softer than the word, and no syllable.
_SYLLABLE = speech.SPEECH_DBFS - 25.0
_UNDERSTANDING = 2.5


async def answers(house: House, calls: int, tell: Callable[[str], None]) -> Answers:
    """Of so many spoken answers, the delays of those that were understood."""
    for name in house.stage.phones:
        await house.stage.phones[name].will("never")
    queue = list(enumerate(words(calls)))
    delays: list[float] = []

    async def serve() -> None:
        while queue:
            number, (digit, said) = queue.pop()
            office = house.stage.phones[_PHONES[digit]]
            delay = await answer(house, f"+1212555{number:04}", said, office)
            if delay is not None:
                delays.append(1000 * delay)

    await asyncio.gather(*(serve() for _ in range(AT_ONCE)))
    await house.stage.assert_nothing_left(within=30)
    house.stage.callers.clear()
    tell(f"spoken answers: {len(delays)} of {calls} understood at once")
    return Answers(calls, Quartiles.of(delays) if delays else None, TARGET_MS)


def words(count: int) -> list[tuple[int, bytes]]:
    """So many spoken digits, in turn: which, and how it sounds, without the silence around it."""
    spoken = [
        (digit, speech.trimmed(speech.at_level(clip.pcm()), _SYLLABLE))
        for digit in _PHONES
        for clip in speech.spoken_digits(digit)
    ]
    return [spoken[n % len(spoken)] for n in range(count)]


async def answer(house: House, number: str, said: bytes, phone: Phone) -> float | None:
    """One call; seconds from the word's end to the INVITE, None where he was asked again."""
    async with house.stage.caller(number) as call:
        await call.answered()
        await call.hear_sound(within=5)
        await call.hear_quiet(1.2, within=30)
        await call.speak(said)
        ended = time.monotonic()
        while time.monotonic() < ended + _UNDERSTANDING:
            for rung in phone.calls:
                if number in rung.from_header:
                    return rung.invited - ended
            await asyncio.sleep(0.02)
    return None
