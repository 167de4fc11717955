"""What commands leave behind them on a call, where something beside them hangs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from screener.asterisk.leg import Leg
from screener.asterisk.line import Line
from screener.calls import deeds as deeds_module
from screener.calls.deeds import Deeds
from screener.calls.house import House
from screener.calls.ledger import Entry
from screener.core.script import FindRoom, Rang, Ring, Treat, Treatment
from screener.mail.outbox import Outbox
from screener.messages.room import Room
from tests.core.lines import BOX, FAMILY, stranger


class Answered:
    """A summons that a phone has answered at once."""

    def __init__(self, *_: object) -> None:
        pass

    async def ring(self, _: Ring) -> tuple[Rang, Leg]:
        return Rang("kitchen", 0.0), cast(Leg, SimpleNamespace(phone="kitchen"))


def deeds(line: object, **house: object) -> Deeds:
    """The deeds of a call on this line, in a house of which only what is named is there."""
    campaigns = SimpleNamespace(tracker=lambda: None)
    absent = dict.fromkeys(("media", "recogniser", "takes", "outbox"))
    stand_in = SimpleNamespace(campaigns=campaigns, classes=(), **absent | house)
    return Deeds(cast(House, stand_in), cast(Line, line), stranger(), cast(Entry, None))


async def test_who_are_connected_are_talking_though_the_ear_does_not_close(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Or the watchdog would part them, and ring the phones for one who is talking."""
    monkeypatch.setattr(deeds_module, "Summons", Answered)
    done = deeds(None)
    monkeypatch.setattr(done._ear, "close", asyncio.Event().wait)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await done.do(Ring(FAMILY))
    assert done.talking


@pytest.mark.parametrize("by", ["the end of the call", "a treatment"])
async def test_the_room_that_a_caller_was_promised_is_free_again_when_he_speaks_no_more(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, by: str
) -> None:
    async def nothing(*_: object) -> None:
        pass

    outbox = SimpleNamespace(room=lambda: 16000 * BOX.limit)
    room = Room(tmp_path / "missing", cast(Outbox, outbox), (), tmp_path / "told")
    prompts = SimpleNamespace(sound=lambda *_: ((), 0.0))
    line = SimpleNamespace(channel="first", close=nothing)
    done = deeds(line, room=room, prompts=prompts)
    monkeypatch.setattr(done._ear, "close", nothing)
    monkeypatch.setattr(deeds_module, "treat", nothing)
    assert await done.do(FindRoom(BOX))
    assert not await room.for_message(BOX, "second")
    await (done.close() if by == "the end of the call" else done.do(Treat(Treatment.RINGING)))
    assert await room.for_message(BOX, "second")
