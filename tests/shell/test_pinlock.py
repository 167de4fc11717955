"""The lock that a PIN opens, and after wrong ones does not at once."""

from __future__ import annotations

import asyncio

import pytest

from screener.calls.pinlock import PinLock
from screener.core.visit import LONGEST_WAIT


class Clock:
    """The time of the event loop, in which who sleeps gets there at once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: self.now)
        monkeypatch.setattr(asyncio, "sleep", self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


async def test_after_wrong_ones_the_right_one_waits_a_little_or_is_not_looked_at(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock, lock = Clock(monkeypatch), PinLock("2468", "in the studio")
    for _ in range(4):
        assert not await lock.opens("1111", "study")
    assert clock.slept == [0.0, 1.0, 2.0, 4.0]
    assert lock.locked_for() == 8.0
    assert await lock.opens("2468", "study")
    assert clock.slept[4:] == [8.0]
    for _ in range(5):
        assert not await lock.opens("1111", "study")
    clock.slept.clear()
    assert lock.locked_for() > LONGEST_WAIT
    for keys in ("2468", "1111"):
        assert not await lock.opens(keys, "kitchen")
    assert clock.slept == []
    assert caplog.text.count("that kitchen keyed in the studio was not looked at") == 2
    clock.now += 16.0
    assert lock.locked_for() == 0.0
    assert await lock.opens("2468", "study")
