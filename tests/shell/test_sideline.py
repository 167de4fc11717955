"""Work beside the calls begins again where it has failed, and ends when it is told to."""

from __future__ import annotations

import asyncio

import pytest

from screener import sideline


async def test_a_mistake_is_logged_and_the_work_begins_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sideline, "_AGAIN", 0.0)
    mistakes = [BlockingIOError(11, "no more processes"), KeyError("nobody thought of it")]

    async def work() -> None:
        if mistakes:
            raise mistakes.pop(0)

    await sideline.sideline(work, "the weekly report")
    assert caplog.text.count("the weekly report failed, and will begin again") == 2
    assert "no more processes" in caplog.text
    assert "nobody thought of it" in caplog.text


async def test_who_is_told_to_end_has_put_his_things_away() -> None:
    begun, put_away = asyncio.Event(), False

    async def work() -> None:
        nonlocal put_away
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            put_away = True

    running = asyncio.ensure_future(sideline.sideline(work, "pages"))
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert put_away
