"""While a message is put away the caller hears that work goes on; nothing of that keeps it back."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from screener.asterisk.line import Line
from screener.calls import putaway
from screener.errors import AriDown, AriError, AriGone


class Telephone:
    """A line that notes what is played."""

    def __init__(self, fails: AriError | None = None) -> None:
        self.gone = asyncio.Event()
        self.played: list[str] = []
        self._fails = fails
        self.heard = asyncio.Event()

    async def play(self, media: tuple[str, ...], seconds: float) -> None:
        self.played += media
        self.heard.set()
        if self._fails is not None:
            raise self._fails


async def put_away(call: Telephone, until: asyncio.Event, kept: bool = True) -> bool:
    async def keeping() -> bool:
        await until.wait()
        return kept

    return await putaway.put_away(keeping(), cast(Line, call), lambda names: (names, 1.0))


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(putaway, "PATIENCE", 0.01)
    monkeypatch.setattr(putaway, "OFTEN", 0.01)


async def heard(call: Telephone, times: int) -> None:
    async with asyncio.timeout(60):
        while len(call.played) < times:
            call.heard.clear()
            await call.heard.wait()


@pytest.mark.parametrize("kept", [True, False])
async def test_what_takes_no_time_is_not_talked_of(
    kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(putaway, "PATIENCE", 60.0)
    call, done = Telephone(), asyncio.Event()
    done.set()
    assert await put_away(call, done, kept) is kept
    assert call.played == []


async def test_what_takes_long_is_told_and_then_heard_to_go_on() -> None:
    call, done = Telephone(), asyncio.Event()
    work = asyncio.ensure_future(put_away(call, done))
    await heard(call, 4)
    done.set()
    assert await work
    assert call.played[:4] == ["one-moment", "working", "working", "working"]


async def test_who_has_hung_up_hears_no_more_and_it_is_put_away() -> None:
    call, done = Telephone(), asyncio.Event()
    work = asyncio.ensure_future(put_away(call, done))
    await heard(call, 1)
    call.gone.set()
    done.set()
    assert await work
    assert call.played[0] == "one-moment"


@pytest.mark.parametrize("fails", [AriGone("gone"), AriDown("away")])
async def test_a_line_that_cannot_be_played_to_keeps_nothing_back(fails: AriError) -> None:
    call, done = Telephone(fails), asyncio.Event()
    work = asyncio.ensure_future(put_away(call, done))
    await heard(call, 1)
    done.set()
    assert await work
    assert call.played == ["one-moment"]


async def test_a_failure_to_keep_it_is_the_callers_to_see() -> None:
    async def keeping() -> bool:
        raise AriDown("not of the telling")

    with pytest.raises(AriDown, match="not of the telling"):
        await putaway.put_away(keeping(), cast(Line, Telephone()), lambda names: (names, 1.0))
