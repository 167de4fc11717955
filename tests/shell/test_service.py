"""The running process: what goes wrong beside the calls does not close the front door."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from screener import config, service, sideline
from screener.asterisk.client import Client
from screener.rules.inforce import RulesInForce
from screener.service import Service
from screener.web.app import Web
from tests.shell.household import PLAIN, Write


async def endless(*_: object) -> None:
    await asyncio.Event().wait()


def mistaken_once(again: asyncio.Event) -> Callable[[], Any]:
    """Work that fails as nobody has thought of; when it is begun anew, it sets `again`."""
    mistakes = [KeyError("nobody thought of it")]

    async def work() -> None:
        if mistakes:
            raise mistakes.pop()
        again.set()
        await endless()

    return work


def front_door(write: Write, *, deliver: Callable[..., Any], rescue: Callable[..., Any]) -> Service:
    """A front door that nobody calls, with these ways to deliver and to rescue."""
    idle = SimpleNamespace(run=endless)
    loaded = SimpleNamespace(rules=SimpleNamespace(rules=()), files=0, troubles=())
    state = SimpleNamespace(loaded=loaded, since=datetime.now(UTC), copied=False, mistakes=())
    rules = SimpleNamespace(state=state, rules=loaded.rules, untold=lambda: None, watch=endless)
    door = Service(
        config.load(write(PLAIN)),
        cast(RulesInForce, rules),
        cast(Client, None),
        (),
        cast(Web, idle),
    )
    door.connection = cast(Any, idle)
    door.outgoing = door.lamps = door.weekly = door.retention = cast(Any, idle)
    door.settlement = cast(Any, SimpleNamespace(rescue=rescue))
    outbox = SimpleNamespace(run=deliver)
    prompts = SimpleNamespace(renew_if_changed=lambda _: None)
    store = SimpleNamespace(seen=lambda *_: asyncio.sleep(0))
    door.house = cast(Any, SimpleNamespace(outbox=outbox, prompts=prompts, store=store))
    return door


@pytest.mark.parametrize("what", ["deliver", "rescue"])
async def test_a_mistake_beside_the_calls_ends_no_front_door(
    write: Write, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(sideline, "_AGAIN", 0.0)
    monkeypatch.setattr(service, "_RESCUE_AGAIN", 0.0)
    again, stop = asyncio.Event(), asyncio.Event()
    work = {"deliver": endless, "rescue": endless, what: mistaken_once(again)}
    serving = asyncio.ensure_future(front_door(write, **work).serve(stop, lambda _: None))
    begun = asyncio.ensure_future(again.wait())
    async with asyncio.timeout(60):
        await asyncio.wait({serving, begun}, return_when=asyncio.FIRST_COMPLETED)
        assert not serving.done()
        stop.set()
        await serving
