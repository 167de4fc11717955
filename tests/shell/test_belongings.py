"""What is made for a call bears its name, and is known when it comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from screener.asterisk import belongings as belongings_module
from screener.asterisk.belongings import TAKE, Belongings, box_of, is_part, owner
from screener.asterisk.client import Client
from screener.asterisk.connection import Connection
from screener.errors import AriDown


@pytest.fixture
async def own() -> AsyncIterator[Belongings]:
    async def found() -> None:
        pass

    async with Client("http://127.0.0.1:1/ari", "screener", "secret", "screener") as client:
        connection = Connection(client, lambda _: None, found, lambda: None)
        yield Belongings(client, connection, "channel")


def test_a_take_tells_its_call_and_its_box() -> None:
    for box in ("family", "front-office", "box_2"):
        take = f"asterisk-1795218116.0{TAKE}{box}-3"
        assert (owner(take), box_of(take)) == ("asterisk-1795218116.0", box)
        assert is_part(take)
    assert not is_part("asterisk-1795218116.0")


async def test_everything_has_a_name_of_its_own(own: Belongings) -> None:
    names = [own.name("leg-kitchen"), own.name("leg-kitchen"), own.name("talk")]
    assert len(set(names)) == 3
    assert {owner(name) for name in names} == {"channel"}


async def test_a_channel_is_waited_for_until_it_has_arrived(own: Belongings) -> None:
    arrivals = [own.arrival(own.name("leg")) for _ in range(2)]
    waiting = asyncio.ensure_future(own.arrived(*arrivals))
    own.has_arrived("channel_screener_leg-2")
    await asyncio.sleep(0)
    assert not waiting.done()
    own.has_arrived("channel_screener_leg-1")
    own.has_arrived("channel_screener_leg-1")  # the second time nobody waits
    await waiting


async def test_a_channel_that_does_not_come_is_not_waited_for(
    own: Belongings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(belongings_module, "_ARRIVAL", 0.01)
    with pytest.raises(AriDown, match="did not reach us"):
        await own.arrived(own.arrival(own.name("leg")))


async def test_what_is_being_made_is_waited_for_though_its_maker_was_cancelled(
    own: Belongings,
) -> None:
    answer = asyncio.get_running_loop().create_future()
    maker = asyncio.ensure_future(own.make(answer))
    await asyncio.sleep(0)
    maker.cancel()
    await asyncio.gather(maker, return_exceptions=True)
    done = asyncio.ensure_future(own.made())
    await asyncio.sleep(0)
    assert not done.done()
    answer.set_result(None)
    await done
