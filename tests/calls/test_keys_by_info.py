"""Keys by SIP INFO, as telephones and trunks send them that are set up so (dtmf_mode=info), pressed
more quickly than Asterisk hands them on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from screener.asterisk.installation import Installation
from screener.core.call import Outcome
from tests.calls.patience import openings, talk, until
from tests.calls.stage import Stage

CODE, PIN = "*97", "1144"
QUICKLY = 0.1
"""Seconds between two keys, each of which says that it was down for longer."""
MORE = f"""
[voicemail]
code = "{CODE}"
[extensions.22]
names = ["anna miller"]
ring = "office"
box = "family"
"""
# The study's telephone and all who call from outside; the kitchen's is as screener sets it up.
INFO = """
[study](+type=endpoint)
dtmf_mode=info

[anonymous](+type=endpoint)
dtmf_mode=info
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(installation: Installation) -> AsyncIterator[Stage]:
    """A house whose box has a PIN with keys that are pressed twice."""
    async with Stage(
        installation,
        box='pin_file = "family-pin"',
        more=MORE,
        secrets={"family-pin": PIN},
        extra_pjsip=INFO,
    ) as stage:
        yield stage


@pytest.mark.parametrize("name", ["kitchen", "study"])
@pytest.mark.parametrize("prompt", ["over", "after"])
async def test_a_pin_opens_the_box(stage: Stage, name: str, prompt: str) -> None:
    """Over the prompt Asterisk tells of the first two keys as they come, and of none twice."""
    before = openings(stage, name)
    async with stage.dialling(name, CODE, events=False) as phone:
        await phone.answered()
        await phone.hear_sound(within=10)
        if prompt == "after":
            await phone.hear_quiet(1.0, within=20)
        await phone.key_by_info(f"{PIN}#", every=QUICKLY)
        await until(lambda: openings(stage, name) > before, "the box is open")


async def test_an_extension_rings_its_phone(stage: Stage) -> None:
    async with stage.caller(events=False) as call:
        await call.answered()
        await call.hear_sound(within=10)
        await call.key_by_info("22", every=QUICKLY)
        await stage.phones["office"].answered(within=15)
        await talk(stage, call)
        await call.hang_up()
    row = await stage.row(within=20)
    assert row.outcome == Outcome.CONNECTED
    assert row.reason == "the caller keyed 22: extension 22, anna miller"
    assert stage.rung == ("office",)
