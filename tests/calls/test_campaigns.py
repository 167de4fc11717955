"""A recording that calls twice, from two numbers, over a real line: the second time it is known."""

from __future__ import annotations

import asyncio

from screener.campaigns import campaignfile
from screener.campaigns.learning import judge
from screener.core.campaign import Campaign, Standing
from screener.core.story import CallRow
from tests.calls.sip import POLL
from tests.calls.stage import Stage
from tests.calls.test_ear import UNWANTED, plays, recorded, told


async def called(stage: Stage, number: int, sound: bytes) -> CallRow:
    """The row of the call that plays this."""
    await plays(stage, f"+1415555{number:04}", sound)
    return await stage.row(within=20, number=number)


async def learnt(stage: Stage, calls: int) -> Campaign:
    """The one campaign, when so many calls of it were written down: after their rows."""
    async with asyncio.timeout(10):
        while True:
            every, _ = campaignfile.read_all(campaignfile.folder(stage.settings.data))
            if [one.calls for one in every] == [calls]:
                return every[0]
            await asyncio.sleep(POLL)


def forget_all(stage: Stage) -> None:
    """Of what the calls of other tests have taught, nothing is left."""
    where = campaignfile.folder(stage.settings.data)
    with campaignfile.locked(where):
        every, _ = campaignfile.read_all(where)
        campaignfile.remove(where, [one.id for one in every])


def knows(row: CallRow) -> bool:
    return any(line.startswith("same recording as ") for line in row.evidence)


async def test_a_recording_is_known_again_sooner_and_not_once_it_is_forgotten(stage: Stage) -> None:
    forget_all(stage)
    sound = next(iter(recorded().values()))
    first = await called(stage, 1, sound)
    second = await called(stage, 2, sound[2 * 8000 :])  # a second of it is missing
    rows = {"first": first, "second": second}
    assert {row.verdict for row in rows.values()} == {UNWANTED}, told(rows)
    assert [knows(row) for row in rows.values()] == [False, True], told(rows)
    asked_again = ["when asked again" in row.reason for row in rows.values()]
    assert asked_again == [True, False], told(rows)
    one = await learnt(stage, calls=2)
    assert one.numbers == 2
    judge(campaignfile.folder(stage.settings.data), one.id, Standing.NEVER)
    rows["third"] = await called(stage, 3, sound)
    assert not knows(rows["third"]), told(rows)
    assert stage.rung == (), told(rows)
