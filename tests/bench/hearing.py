"""What the ear costs a live call, beside the bare libraries, and how many it can hear at once.

All of it with real callers: SIPp sends their audio to Asterisk, Asterisk sends it on to screener.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from tests.bench.crowd import Crowd, look
from tests.bench.figures import EarCost, Level
from tests.bench.house import PHONE, House
from tests.bench.meter import Use
from tests.bench.traffic import Traffic
from tests.calls import speech
from tests.calls.sip import CallError
from tests.calls.stage import DID, REPOSITORY
from tests.calls.test_ear import CHATTER

CALLS = 10
TALKERS, ROBOCALLS = "talkers without end", "robocalls"
_SETTLING = 2.0
_ATTEMPTS = 3
# How long the bare libraries take until they are measured (seconds): loading, and a while to warm.
_GETTING_READY = 5.0
# A robocall is turned away within some 14 s, and a talker gets the message box after 30.
_STAYS = {TALKERS: 24.0, ROBOCALLS: 9.0}
LADDER = (12, 24, 32, 40)
# The recogniser gives a call up when 5 s of it wait (recogniser/following.py).
_STANDS = 6.0


def sounds() -> Mapping[str, tuple[bytes, ...]]:
    """What the callers say, `CALLS` of each kind: one person ten times; ten recordings."""
    long = [clip for clip in speech.recordings() if clip.kind == "human-long"]
    talk = speech.at_level(long[0].pcm() if long else speech.say(CHATTER, "flite:rms"))
    clips = [clip for kind in ("robocall-real", "robocall-tts") for clip in speech.robocalls(kind)]
    chosen = [clips[n * len(clips) // CALLS] for n in range(CALLS)]
    played = tuple(speech.at_level(clip.pcm()) for clip in chosen)
    return {TALKERS: (talk,) * CALLS, ROBOCALLS: played}


async def without_ear(house: House, seconds: float) -> dict[str, tuple[float, float]]:
    """What share of a core each kind of caller takes in a screener that does not listen (deaf.py
    runs), and what the bare libraries take beside it, the callers on the line all the same."""
    await house.stage.phones[PHONE].will("never")
    found = {}
    for what, said in sounds().items():
        work = asyncio.ensure_future(bare(house, said, seconds, _STAYS[what]))
        deaf, _ = await share(house, what, said, seconds + _GETTING_READY)
        found[what] = deaf, await work
    return found


async def ear_costs(
    house: House,
    seconds: float,
    without: Mapping[str, tuple[float, float]],
    tell: Callable[[str], None],
) -> tuple[EarCost, ...]:
    """Of each kind of callers; `without` is what `without_ear` has found."""
    await house.stage.phones[PHONE].will("never")
    found = []
    for what, said in sounds().items():
        since = house.log_size
        heard, elsewhere = await share(house, what, said, seconds)
        deaf, alone = without[what]
        cost = EarCost(what, CALLS, heard - deaf, alone, elsewhere, len(not_heard(house, since)))
        tell(f"{what}: the ear {cost.ear:.4f} of a core each, the bare libraries {cost.bare:.4f}")
        found.append(cost)
    return tuple(found)


async def share(
    house: House, what: str, clips: tuple[bytes, ...], seconds: float
) -> tuple[float, float]:
    """What share of a core each of these callers takes in screener's process, and what share of the
    machine other programs took. Not all may come in: ten SIPps choose their ports; then again."""
    for _ in range(_ATTEMPTS):
        async with Crowd(house) as crowd:
            for clip in dict.fromkeys(clips):
                traffic = Traffic(house.pbx, DID, stays=_STAYS[what], sound=speech.ulaw(clip))
                await crowd.begin(traffic, clips.count(clip))
            await asyncio.sleep(_SETTLING)
            before = house.meter.read()
            await asyncio.sleep(seconds)
            use = Use.between(before, house.meter.read())
            failures = crowd.failures()
        await house.stage.assert_nothing_left(within=30)
        if not failures:
            return use.screener / use.seconds / len(clips), use.elsewhere / use.seconds
    raise CallError(f"{what}: {'; '.join(failures)}")


async def bare(house: House, clips: tuple[bytes, ...], seconds: float, stays: float) -> float:
    """What share of a core the bare libraries (bare.py) take for each of these callers.

    In as many processes as there are cores: what stands beside it works in as many threads.
    """
    cores = os.cpu_count() or 1
    with tempfile.TemporaryDirectory(prefix="bare-") as folder:
        files = [Path(folder) / f"{n}.pcm" for n in range(len(clips))]
        for file, clip in zip(files, clips, strict=True):
            file.write_bytes(clip)
        given = (str(house.stage.home), f"{seconds:g}", f"{stays:g}")
        told = await asyncio.gather(
            *(_work(*given, *map(str, files[n::cores])) for n in range(min(cores, len(clips))))
        )
    return sum(one["used"] for one in told) / sum(one["audio"] for one in told)


async def _work(*given: str) -> dict[str, float]:
    """Run bare.py; what it prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.bare", *given),
        cwd=REPOSITORY,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, complaint = await process.communicate()
    if process.returncode:
        raise CallError(f"the bare libraries failed: {complaint.decode()[-500:]}")
    told: dict[str, float] = json.loads(printed)
    return told


def not_heard(house: House, since: int) -> list[str]:
    """What screener's log says, from this byte on, of calls that its recogniser has given up."""
    return [line for line in house.complaints(since) if "goes on by keys" in line]


async def talkers(
    house: House, ladder: tuple[int, ...], tell: Callable[[str], None]
) -> tuple[Level, ...]:
    """Ever larger crowds of people who talk without end, until something goes wrong.

    Each size stands for a while before one more caller tries his luck in it: who is not kept up
    with is given up by the recogniser, which says so in the log.
    """
    await house.stage.phones[PHONE].will("never")
    sound = speech.ulaw(sounds()[TALKERS][0])
    levels: list[Level] = []
    async with Crowd(house) as crowd:
        for size in ladder:
            since = house.log_size
            traffic = Traffic(house.pbx, DID, stays=_STAYS[TALKERS], sound=sound)
            await crowd.grow(traffic, size - crowd.size)
            await asyncio.sleep(_STANDS)
            level = await look(crowd)
            if deaf := not_heard(house, since):
                told = f"{len(deaf)} calls were not heard any further"
                level = replace(level, errors=(told, *level.errors))
            levels.append(level)
            tell(f"{size} who talk at once: {'; '.join(level.errors) or 'no error'}")
            if level.errors:
                break
    await house.stage.assert_nothing_left(within=30)
    return tuple(levels)
