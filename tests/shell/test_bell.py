"""The bell, with stand-ins for the line and its legs that say what a test wants said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from screener.asterisk.bell import Bell, Sounds
from screener.asterisk.capture import Capture
from screener.asterisk.leg import Leg, LegChose, LegSaid, News
from screener.asterisk.line import Line
from screener.core.frontdoor import Directory, Phone, Redirects, RingGroup
from screener.core.redirection import Redirections
from screener.core.ringing import Circumstances, Said
from screener.core.script import Decision, Rang, Ring

KITCHEN, ATTIC = Phone("kitchen", "PJSIP/kitchen"), Phone("attic", "PJSIP/attic")
STUDY = Phone("study", "PJSIP/study", confirm=True)
INSIDE = RingGroup("family", (KITCHEN,), seconds=60.0, redirects=Redirects.INSIDE)
HOUSE = Directory(
    {}, {phone.name: phone for phone in (KITCHEN, STUDY, ATTIC)}, {"family": INSIDE}, {}, {}
)
SILENCE = ((), 0.0)


class Side:
    """A phone's side of a call: one of its contacts, which says what it is told to."""

    def __init__(self, phone: str, line: Caller) -> None:
        self.phone = phone
        self.call_id = "call-id"
        self._line = line

    def says(self, said: Said, target: str = "") -> None:
        self._line.news.put_nowait(LegSaid(cast(Leg, self), said, target))

    def chooses(self, decision: Decision | None) -> None:
        self._line.news.put_nowait(LegChose(cast(Leg, self), decision))

    async def dial(self, *_: object, **__: object) -> None:
        self._line.rung.put_nowait(self)

    async def ask(self, *_: object) -> None:
        self._line.asked.put_nowait(self)

    async def end(self) -> None:
        pass


class Caller:
    """The caller's line. `rung` and `asked` are the sides that are, in that order."""

    channel, name, number, headers = "channel", "Ann", "+18055550142", ()

    def __init__(self, contacts: Mapping[str, int]) -> None:
        self.news: asyncio.Queue[News] = asyncio.Queue()
        self.rung: asyncio.Queue[Side] = asyncio.Queue()
        self.asked: asyncio.Queue[Side] = asyncio.Queue()
        self.began: list[str] = []
        self.tones: list[str] = []
        self.tone_asked, self.tone_made = asyncio.Event(), asyncio.Event()
        self.tone_made.set()
        self._contacts = contacts

    def leg(self, phone: str) -> Side:
        return Side(phone, self)

    async def contacts(self, endpoint: str) -> tuple[str, ...]:
        phone = endpoint.partition("/")[2]
        return tuple(f"{endpoint}/{n}" for n in range(self._contacts.get(phone, 1)))

    async def host(self) -> str:
        return "192.0.2.1"

    async def let_us_write_diversion(self) -> None: ...
    async def play(self, *_: object) -> None: ...

    async def ring(self) -> None:
        self.tone_asked.set()
        await self.tone_made.wait()
        self.tones.append("rings")

    async def ring_stop(self) -> None:
        self.tones.append("stops")

    async def connect(self, leg: Leg) -> None: ...


class Targets:
    """What a phone redirects to, as its packets would tell."""

    def __init__(self, targets: tuple[str, ...]) -> None:
        self._targets = targets

    async def of(self, _: str, best: str) -> tuple[str, ...]:
        return self._targets or (best,)


@asynccontextmanager
async def ringing(
    *targets: str, group: RingGroup = INSIDE, **contacts: int
) -> AsyncIterator[tuple[Caller, asyncio.Task[tuple[Rang, Leg | None]]]]:
    """A bell that rings; where the kitchen redirects, it is to `targets`."""
    caller = Caller(contacts)
    bell = Bell(
        cast(Line, caller),
        Ring(group),
        Circumstances(),
        redirections=Redirections(group, HOUSE),
        sounds=Sounds(SILENCE, SILENCE, SILENCE, SILENCE),
        capture=cast(Capture, Targets(targets)),
        began=caller.began.append,
    )
    async with asyncio.timeout(60):
        rings: asyncio.Task[Any] = asyncio.ensure_future(bell.ring())
        try:
            yield caller, rings
        finally:
            rings.cancel()
            await asyncio.gather(rings, return_exceptions=True)


async def test_who_answered_in_place_of_another_and_hung_up_leaves_nothing_ringing() -> None:
    """Or it would ring until the watchdog ends it, though no phone does."""
    async with ringing("study", "attic") as (caller, rings):
        (await caller.rung.get()).says(Said.REDIRECTED, "study")
        assert caller.began == ["kitchen"]  # whether or not it comes to an end
        study = await caller.rung.get()
        study.says(Said.ANSWERED)
        assert await caller.asked.get() is study
        study.says(Said.UNREACHABLE)  # he has hung up
        study.chooses(None)
        rang, leg = await rings
    assert (rang.phone, leg) == ("", None)
    assert rang.remarks[-1] == "study answered, and nobody pressed a key"


@pytest.mark.parametrize("redirect_comes_first", [True, False])
async def test_what_one_contact_redirects_is_followed_where_the_other_is_busy(
    *, redirect_comes_first: bool
) -> None:
    async with ringing(kitchen=2) as (caller, rings):
        desk, app = await caller.rung.get(), await caller.rung.get()
        says = [(desk, Said.REDIRECTED, "attic"), (app, Said.BUSY, "")]
        for side, said, target in says if redirect_comes_first else reversed(says):
            side.says(said, target)
        attic = await caller.rung.get()
        attic.says(Said.ANSWERED)
        rang, _ = await rings
    assert rang.phone == "attic"
    assert rang.remarks == ("kitchen redirected to attic: followed to attic",)


async def test_who_declines_on_one_contact_declines_for_the_other_that_redirects() -> None:
    async with ringing(kitchen=2) as (caller, rings):
        desk, app = await caller.rung.get(), await caller.rung.get()
        app.says(Said.DECLINED)
        desk.says(Said.REDIRECTED, "attic")
        rang, _ = await rings
    assert rang.remarks == ("kitchen declined",)


async def test_a_tone_that_is_just_being_asked_for_when_a_phone_answers_is_stopped() -> None:
    async with ringing() as (caller, rings):
        caller.tone_made.clear()
        await caller.tone_asked.wait()
        (await caller.rung.get()).says(Said.ANSWERED)
        await asyncio.wait({rings}, timeout=0.05)
        caller.tone_made.set()
        await rings
    assert caller.tones == ["rings", "stops"]
