"""Recordings that an interruption left: each is mailed once, whatever else is at work on them."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
import pytest_asyncio

from screener import config
from screener.asterisk.belongings import owner
from screener.asterisk.client import Client
from screener.asterisk.connection import Connection
from screener.calls.settlement import Settlement
from screener.config import Settings
from screener.core.delivery import Record, State
from screener.core.letter import Letter
from screener.mail import letterfile
from screener.mail.links import Links
from screener.mail.outbox import Outbox
from screener.mail.spool import Spool
from screener.messages import provenance
from screener.records.calllog import DATABASE
from screener.records.store import CallStart, Store
from screener.sound import recording
from tests.calls import speech
from tests.shell.household import PLAIN, Write
from tests.shell.post import LETTER

WORDS = speech.wav(speech.say("the boiler is fixed, and the key is under the mat", "flite:slt"))
TAKE = "1790000000.17_screener_take-family-1"
STARTED = datetime(2026, 11, 20, 22, 3, 11, 123456, tzinfo=UTC)


class Asterisk:
    """An Asterisk that has these channels of ours and nothing else. `arrives` is called when it has
    told them: what comes in from then on is in no answer. `given` are those that the phones got;
    until `answers` is set, it does not say which recordings it has."""

    def __init__(self, *channels: str, arrives: Callable[[], object] = lambda: None) -> None:
        self.there = [*channels]
        self.arrives = arrives
        self.given: list[str] = []
        self.answers = asyncio.Event()
        self.answers.set()

    def owns(self, _: object) -> bool:
        return True

    async def stored_recordings(self) -> list[str]:
        await self.answers.wait()
        return []

    async def channels(self) -> list[object]:
        return [{"id": channel} for channel in self.there]

    async def bridges(self) -> list[object]:
        asyncio.get_running_loop().call_soon(self.arrives)
        return []

    async def give_to_phones(self, channel: str) -> None:
        self.given.append(channel)
        self.there.remove(channel)


@dataclass
class House:
    """What an earlier run has left, and a new one."""

    settings: Settings
    store: Store
    outbox: Outbox

    @property
    def root(self) -> Path:
        return self.settings.data / "outbox"

    @property
    def take(self) -> Path:
        return self.settings.data / "takes" / f"{TAKE}.wav"

    async def call(self) -> Letter:
        """A call that left its recording behind; the letter that it would have had."""
        number = await self.store.begin(
            CallStart("1790000000.17", STARTED, "+18182223333", "+18055550142", "Mom")
        )
        self.take.parent.mkdir(exist_ok=True)
        self.take.write_bytes(WORDS)
        return replace(LETTER, call=number, when=STARTED)

    def settlement(
        self, asterisk: Asterisk, ours: Callable[[], Collection[str]] = tuple
    ) -> Settlement:
        return Settlement(
            cast(Client, asterisk),
            cast(Connection, None),
            self.settings,
            self.store,
            self.outbox,
            self.take.parent,
            Links(self.settings.data),
            ours,
        )

    async def rescue(self) -> None:
        async with asyncio.timeout(60):
            await self.settlement(Asterisk()).rescue()

    def mailed(self) -> list[Letter]:
        letters = (item.record.letter for item in self.outbox.items() if item.record)
        return [letter for letter in letters if isinstance(letter, Letter)]

    def left_in_new(self, letter: Letter, *, link: bool) -> None:
        """What a crash leaves of a message that was about to be queued."""
        folder = self.root / "new" / "20261120T220355-0a1b2c3d"
        folder.mkdir()
        now = datetime.now(UTC)
        letterfile.save(folder, Record.begun(folder.name, letter, "door@example.org", now))
        recording.keep(self.take, folder, link=link)


@pytest_asyncio.fixture
async def house(write: Write) -> AsyncIterator[House]:
    settings = config.load(write(PLAIN))
    store = Store(settings.data / DATABASE)
    yield House(settings, store, Outbox(settings.data / "outbox", settings.mail))
    await store.close()


async def until(test: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while True:
            if test():
                return
            await asyncio.sleep(0.002)


async def test_a_call_that_comes_in_while_strays_are_looked_for_is_none(house: House) -> None:
    ours: set[str] = set()
    asterisk = Asterisk("stray.1", "new.1", arrives=lambda: ours.add("new.1"))
    async with asyncio.timeout(60):
        await house.settlement(asterisk, lambda: ours).settle()
    assert asterisk.given == ["stray.1"]


async def test_a_rescue_that_had_to_wait_leaves_alone_what_a_call_records_meanwhile(
    house: House,
) -> None:
    ours: set[str] = set()
    asterisk = Asterisk()
    settlement = house.settlement(asterisk, lambda: ours)
    asterisk.answers.clear()
    rescues = [asyncio.ensure_future(settlement.rescue()) for _ in range(2)]
    await asyncio.sleep(0)  # the first one asks Asterisk, the second one waits for the first
    ours.add(owner(TAKE))
    await house.call()
    asterisk.answers.set()
    async with asyncio.timeout(60):
        await asyncio.gather(*rescues)
    assert house.mailed() == []
    assert house.take.read_bytes() == WORDS


async def test_what_nobody_kept_is_mailed_and_no_longer_there(house: House) -> None:
    letter = await house.call()
    await house.rescue()
    await house.rescue()
    [mailed] = house.mailed()
    assert (mailed.call, mailed.box, mailed.number) == (letter.call, "family", "+18055550142")
    assert not house.take.exists()


async def test_what_was_kept_is_not_mailed_again(house: House) -> None:
    letter = await house.call()
    await house.outbox.put(house.take, letter)
    await house.rescue()
    assert house.mailed() == [letter]
    assert not house.take.exists()


async def test_another_call_that_once_had_its_id_has_not_left_its_message(house: House) -> None:
    """As when a power cut has taken the last row, or the database was moved away."""
    letter = await house.call()
    await house.outbox.put(house.take, replace(letter, when=STARTED - timedelta(hours=1)))
    await house.rescue()
    assert len(house.mailed()) == 2
    assert not house.take.exists()


async def test_no_call_has_the_id_of_one_whose_message_is_there(house: House, write: Write) -> None:
    letter = await house.call()
    await house.outbox.put(house.take, replace(letter, call=40))
    house.left_in_new(replace(letter, call=41), link=False)
    data = house.settings.data
    assert provenance.newest_call(data / "outbox") == 41
    for there, above, then in (("moved.db", 41, 42), ("moved.db", 7, 43), (DATABASE, 41, 42)):
        store = Store(data / there, above=above)
        assert await store.begin(CallStart("1", STARTED, "", "", "")) == then
        await store.close()


async def test_an_id_stays_taken_though_its_message_is_deleted_before_the_next_call(
    house: House,
) -> None:
    path = house.settings.data / "moved.db"
    await Store(path, above=41).close()
    store = Store(path)
    assert await store.begin(CallStart("1", STARTED, "", "", "")) == 42
    await store.close()


def test_where_nothing_was_ever_kept_no_call_has_left_a_message(tmp_path: Path) -> None:
    assert provenance.newest_call(tmp_path / "outbox") == 0
    folder = tmp_path / "outbox" / State.SENT / "20261120T220355-0a1b2c3d"
    folder.mkdir(parents=True)
    (folder / "letter.json").write_text("{", encoding="ascii")
    assert provenance.newest_call(tmp_path / "outbox") == 0


async def test_what_a_stalled_disk_still_keeps_is_not_kept_twice(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    letter = await house.call()
    answers, keep = threading.Event(), Spool.keep

    def stalled(*args: object, **named: object) -> object:
        answers.wait()
        return keep(*args, **named)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr(Spool, "keep", stalled)
    keeping = asyncio.ensure_future(house.outbox.put(house.take, letter, give=True))
    await asyncio.sleep(0)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    assert house.outbox.holds(house.take)
    monkeypatch.setattr(Spool, "keep", keep)
    await house.rescue()
    assert house.mailed() == []
    answers.set()
    await until(lambda: not house.outbox.holds(house.take))
    await house.rescue()
    assert house.mailed() == [letter]
    with caplog.at_level(logging.ERROR):
        assert not caplog.records


async def test_what_a_stalled_disk_refuses_in_the_end_is_told_and_rescued(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    letter = await house.call()
    (house.root / "new").rmdir()
    keeping = asyncio.ensure_future(house.outbox.put(house.take, letter, give=True))
    await asyncio.sleep(0)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    await until(lambda: not house.outbox.holds(house.take))
    assert "was not kept" in caplog.text
    (house.root / "new").mkdir()
    await house.rescue()
    assert len(house.mailed()) == 1


@pytest.mark.parametrize("link", [True, False], ids=["link", "copy"])
async def test_what_a_crash_left_before_it_was_queued_is_queued_once(
    house: House, link: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The outbox and this start at the same time, and both find it."""
    letter = await house.call()
    house.left_in_new(letter, link=link)
    monkeypatch.setattr("screener.calls.settlement._RECOVERING", 60.0)
    delivering = asyncio.ensure_future(_late(house.outbox))
    try:
        await house.rescue()
    finally:
        delivering.cancel()
        await asyncio.gather(delivering, return_exceptions=True)
    assert [mailed.call for mailed in house.mailed()] == [letter.call]
    assert not house.take.exists()


async def test_while_the_outbox_does_not_start_the_recording_stays(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("screener.calls.settlement._RECOVERING", 0.05)
    letter = await house.call()
    house.left_in_new(letter, link=True)
    await house.rescue()
    assert house.mailed() == []
    assert house.take.exists()


async def _late(outbox: Outbox) -> None:
    await asyncio.sleep(0.3)
    await outbox.run()
