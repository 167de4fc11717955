"""Life's windows on a real line: what our phones dial lets callers ring, and nothing else does."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import pytest_asyncio

from screener.asterisk.installation import Installation
from screener.core.call import Outcome
from screener.core.story import CallRow
from screener.rules.windows import Windows
from tests.calls.patience import talk, until
from tests.calls.sip import CallError
from tests.calls.stage import DID, FRIEND, PEST, STRANGER, Stage

RULES = f"""allow emergency                          "somebody called for help"
allow expecting                          "we expect a call"
allow dialled-before within 90d          "we called them"
allow from {FRIEND}                      "Mom"
block withheld                           "no number"     play busy
block from {PEST}                        "roof sales"    play sit
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(installation: Installation) -> AsyncIterator[Stage]:
    """A house whose rules ask for windows."""
    async with Stage(installation, rules=RULES) as stage:
        yield stage


@pytest.fixture(autouse=True)
def windows(house: Stage) -> Windows:
    """The windows of the house, all closed."""
    folder = house.settings.data / "windows"
    for file in folder.glob("*"):
        file.unlink()
    return Windows.of(house.settings)


def opened(stage: Stage) -> list[str]:
    """The files of windows that were opened."""
    folder = stage.settings.data / "windows"
    return sorted(path.name for path in folder.glob("[!.]*"))


async def until_opened(stage: Stage, *names: str) -> None:
    await until(
        lambda: opened(stage) == sorted(names), f"opened: {names}", instead=lambda: opened(stage)
    )


async def rings_through(stage: Stage, number: str = STRANGER, *, withheld: bool = False) -> CallRow:
    """Somebody calls and talks with whoever answers; the call's row."""
    async with stage.caller(number, withheld=withheld) as call:
        await stage.phones["kitchen"].rang(within=5)
        await call.answered()
        await talk(stage, call)
    return await stage.row(within=20)


async def test_after_a_call_for_help_everybody_rings(stage: Stage) -> None:
    async with stage.caller(withheld=True) as call:
        assert await call.refused() == 486
    async with stage.dialling("kitchen", "911") as phone:
        assert await phone.refused() == 503  # at once: there is no line to the outside
    await until_opened(stage, "emergency")
    async with stage.caller(withheld=True) as call:
        await stage.phones["kitchen"].rang(within=5)
        await call.answered()
        await talk(stage, call)
    row = await stage.row(within=20, number=2)
    assert row.outcome == Outcome.CONNECTED
    assert row.rule == '"somebody called for help" (stage.rules:1)'
    assert "kitchen dialled 911 at " in row.reason
    await stage.fresh()
    assert (await rings_through(stage, PEST)).outcome == Outcome.CONNECTED


async def test_the_key_code_opens_a_window_and_says_so(stage: Stage, windows: Windows) -> None:
    async with stage.dialling("study", "*39") as phone:
        await phone.answered()
        await until_opened(stage, "expecting")
        await phone.hear_sound(within=5)
        await phone.ended(within=20)
        assert phone.result.hung_up_by == "callee"
    row = await rings_through(stage)
    assert row.rule == '"we expect a call" (stage.rules:2)'
    assert "study dialled *39 at " in row.reason


async def test_who_no_longer_waits_presses_zero(stage: Stage) -> None:
    async with stage.dialling("study", "*39") as phone:
        await phone.answered()
        await until_opened(stage, "expecting")
        await phone.hear_sound(within=5)
        await phone.key("0")
        await until_opened(stage)
        await phone.ended(within=20)
    async with stage.caller() as call:
        await call.answered()  # by the attendant
        await call.hear_sound(within=5)
    assert stage.rung == ()


async def test_who_hangs_up_at_once_has_said_it_all_the_same(stage: Stage) -> None:
    async with stage.dialling("study", "*39") as phone:
        await phone.answered()
    await until_opened(stage, "expecting")


async def test_who_calls_back_rings_through(stage: Stage) -> None:
    async with stage.dialling("office", "8055550177") as phone:
        assert await phone.refused() == 503
    row = await rings_through(stage, "+18055550177")
    assert row.rule == '"we called them" (stage.rules:3)'
    assert "+1 805 555 0177 was dialled from here on " in row.reason
    assert opened(stage) == []


@pytest.mark.parametrize("did", ["*39", "911", "expect", "0911", "T", "s", f"{DID}*39"])
async def test_no_caller_from_outside_opens_a_window(stage: Stage, did: str) -> None:
    async with stage.caller(did=did) as call:
        with suppress(CallError):
            await call.ended(within=1.0)  # refused; or the attendant's
    assert opened(stage) == []


async def test_who_says_that_he_is_one_of_the_phones_must_know_its_password(stage: Stage) -> None:
    async with stage.caller("kitchen", did="*39") as call:
        assert await call.refused() == 401
    async with stage.caller("kitchen", did="911") as call:
        assert await call.refused() == 401
    assert opened(stage) == []


async def test_a_phone_that_calls_the_other_calls_nobody_for_help(stage: Stage) -> None:
    async with stage.dialling("kitchen", "2") as phone:
        await stage.phones["office"].answered(within=5)
        await phone.answered()
    assert opened(stage) == []


async def test_an_ordinary_call_is_told_of_each_phone_once(stage: Stage) -> None:
    await stage.phones["study"].will("603", rings=0.2)
    row = await rings_through(stage, FRIEND)
    told = [line.text for line in stage.story(row)]
    assert "kitchen answered; study declined" in told, told


async def test_without_screener_the_key_code_ends_in_congestion(stage: Stage) -> None:
    await stage.kill()
    async with stage.dialling("study", "*39") as phone:
        assert await phone.refused() == 503
    assert opened(stage) == []


async def test_a_hanging_screener_holds_up_no_call_for_help(stage: Stage) -> None:
    assert stage.pid is not None
    os.kill(stage.pid, signal.SIGSTOP)
    try:
        async with stage.dialling("kitchen", "911") as phone:
            assert await phone.refused(within=5) == 503
    finally:
        os.kill(stage.pid, signal.SIGCONT)
    await until_opened(stage, "emergency")


async def test_phones_are_heard_after_a_restart_of_asterisk(stage: Stage) -> None:
    await stage.asterisk.restart()
    deadline = time.monotonic() + 20
    while "screener-phones" not in {app["name"] for app in await stage.ask("applications")}:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    while len((await stage.ask("applications/screener-phones"))["endpoint_ids"]) < 3:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    async with stage.dialling("kitchen", "112") as phone:
        assert await phone.refused() == 503
    await until_opened(stage, "emergency")
