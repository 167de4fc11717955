"""What commands leave behind them on a call, where something beside them hangs."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import cast

import pytest

from screener.asterisk.leg import Leg
from screener.asterisk.line import Line
from screener.calls import deeds as deeds_module
from screener.calls.deeds import Deeds
from screener.calls.house import House
from screener.calls.ledger import Entry
from screener.core.script import Rang, Ring
from tests.core.lines import FAMILY, stranger


class Answered:
    """A summons that a phone has answered at once."""

    def __init__(self, *_: object) -> None:
        pass

    async def ring(self, _: Ring) -> tuple[Rang, Leg]:
        return Rang("kitchen", 0.0), cast(Leg, SimpleNamespace(phone="kitchen"))


async def test_who_are_connected_are_talking_though_the_ear_does_not_close(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Or the watchdog would part them, and ring the phones for one who is talking."""
    campaigns = SimpleNamespace(tracker=lambda: None)
    house = dict.fromkeys(("media", "recogniser", "takes", "outbox"))
    stand_in = SimpleNamespace(campaigns=campaigns, classes=(), **house)
    monkeypatch.setattr(deeds_module, "Summons", Answered)
    done = Deeds(cast(House, stand_in), cast(Line, None), stranger(), cast(Entry, None))
    monkeypatch.setattr(done._ear, "close", asyncio.Event().wait)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await done.do(Ring(FAMILY))
    assert done.talking
