"""What has been kept for long enough is deleted, and nothing else: not under a wrong clock, not an
unsent message, and while calls go on."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
import pytest_asyncio

from screener import config
from screener.calls.heardaudio import HeardAudio
from screener.config import Settings
from screener.core.delivery import State
from screener.core.event import Event, EventKind
from screener.core.letter import Letter
from screener.errors import OutboxError, StoreError
from screener.mail import letterfile
from screener.mail.outbox import Outbox
from screener.mail.spool import Spool
from screener.privacy.retention import DOUBTED, STATE, Retention
from screener.records import erasure
from screener.records.calllog import DATABASE, CallLog
from screener.records.store import CallEnd, CallStart, Store
from screener.settings.keeping import KeepSettings
from screener.sound.transcripts import FILE
from tests.shell.household import PLAIN, Write
from tests.shell.post import LETTER, wav

NOW = datetime(2026, 11, 20, 22, 3, 11, tzinfo=UTC)
DAY = timedelta(days=1)
NEVER_SET = datetime(1970, 1, 1, 0, 5, tzinfo=UTC)
NUMBER = "+18055550142"


@dataclass
class House:
    """A front door's data folder, as a service has it, and clocks that stand where they are set."""

    settings: Settings
    store: Store
    spool: Spool
    sounds: Path
    now: datetime = NOW
    ran: float = 0.0

    @property
    def data(self) -> Path:
        return self.settings.data

    def retention(self, **keep: timedelta | None) -> Retention:
        """As it is after a start, with nothing kept for ever but what is said here."""
        kept = replace(KeepSettings(), **keep)  # type: ignore[arg-type]  # mypy knows no names
        settings = replace(self.settings, keep=kept)
        heard = HeardAudio(self.data, kept.heard.total_seconds())
        return Retention(settings, self.store, heard, lambda: self.now, lambda: self.ran)

    async def call(self, started: datetime, number: str = NUMBER, over: bool = True) -> int:
        call = await self.store.begin(CallStart("uid", started, "+18182223333", number, "Mom"))
        await self.store.tell(call, 0.0, "no rule matches: screened")
        if over:
            await self.store.end(call, CallEnd(started, "message", "nobody answered"))
        return call

    def message(self, letter: Letter, state: State, at: datetime) -> Path:
        """A message in a state, mailed (or tried) at a time."""
        name = self.spool.keep(wav(self.sounds / "said.wav", 0.5), letter, "door@example.org")
        return self._aged(name, state, at)

    async def report(self, at: datetime) -> Path:
        """A weekly report that was mailed at a time."""
        outbox = Outbox(self.data / "outbox", self.settings.mail)
        name = await outbox.post(("you@example.net",), EmailMessage(), "weekly report 2026-W46")
        return self._aged(name, State.SENT, at)

    def _aged(self, name: str, state: State, at: datetime) -> Path:
        folder = letterfile.move(self.spool.folder(name), self.data / "outbox" / state)
        record = letterfile.load(folder)
        steps = tuple(replace(step, at=at) for step in record.history)
        letterfile.save(folder, replace(record, history=steps, written=at))
        when = f"{at:%Y%m%dT%H%M%S}-{name[-8:]}"
        os.utime(folder, (at.timestamp(), at.timestamp()))
        return folder.rename(folder.with_name(when))

    def calls(self) -> list[int]:
        with CallLog(self.data / DATABASE) as log:
            return sorted(row.id for row in log.past())

    def events(self) -> list[Event]:
        with CallLog(self.data / DATABASE) as log:
            return log.events(datetime(1970, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC))


@pytest_asyncio.fixture
async def house(write: Write, tmp_path: Path) -> AsyncIterator[House]:
    settings = config.load(write(PLAIN))
    store = Store(settings.data / DATABASE, patience=60.0)  # each write is done when it returns
    yield House(settings, store, Spool(settings.data / "outbox"), tmp_path)
    await store.close()


# Calls and events --------------------------------------------------------------------------------


async def test_old_calls_go_with_their_stories_and_young_ones_stay(house: House) -> None:
    old = [await house.call(NOW - age * DAY) for age in (900, 731)]
    young = [await house.call(NOW - age * DAY) for age in (729, 1)]
    await house.store.dialled("+14155550100", NOW - 800 * DAY)
    await house.store.dialled("+14155550101", NOW - DAY)
    event = await house.retention().enforce()
    assert house.calls() == young
    with CallLog(house.data / DATABASE) as log:
        assert log._db.execute("SELECT DISTINCT call FROM story ORDER BY 1").fetchall() == [
            (call,) for call in young
        ]
        assert [number for _, number in log.dialled()] == ["+14155550101"]
    assert event is not None
    assert (event.kind, event.text, event.count) == (EventKind.DELETED, "2 calls", 2)
    assert house.events() == [event]
    assert await house.call(NOW) > max(old + young)  # no id is given twice


async def test_what_is_kept_always_is_kept(house: House) -> None:
    calls = [await house.call(NOW - 9000 * DAY)]
    await house.store.happened(Event(NOW - 9000 * DAY, EventKind.DISK_FULL, "x"))
    folder = house.message(LETTER, State.SENT, NOW - 2000 * DAY)
    kept = house.retention(calls=None, events=None, messages=None, transcripts=None)
    assert await kept.enforce() is None
    assert house.calls() == calls
    assert len(house.events()) == 1
    assert folder.exists()


async def test_a_call_in_progress_stays(house: House) -> None:
    call = await house.call(NOW - 900 * DAY, over=False)
    await house.retention().enforce()
    assert house.calls() == [call]


async def test_old_events_go(house: House) -> None:
    for age in (800, 740, 700, 1):
        await house.store.happened(Event(NOW - age * DAY, EventKind.DISK_FULL, f"{age}"))
    event = await house.retention().enforce()
    assert [one.text for one in house.events()] == ["700", "1", "2 events"]
    assert event is not None


async def test_a_call_whose_message_was_not_mailed_stays_and_so_does_the_message(
    house: House,
) -> None:
    old = NOW - 900 * DAY
    waiting, failed, sent = [await house.call(old) for _ in range(3)]
    folders = [
        house.message(replace(LETTER, call=call, when=old), state, old)
        for call, state in ((waiting, State.QUEUED), (failed, State.FAILED), (sent, State.SENT))
    ]
    event = await house.retention().enforce()
    assert house.calls() == [waiting, failed]
    assert [folder.exists() for folder in folders] == [True, True, False]
    assert event is not None
    assert event.text == "1 call, 1 message"


# Messages, transcripts, what was heard -----------------------------------------------------------


async def test_messages_that_were_mailed_go_when_their_time_is_over(house: House) -> None:
    old = house.message(LETTER, State.SENT, NOW - 91 * DAY)
    young = house.message(LETTER, State.SENT, NOW - 89 * DAY)
    await house.retention().enforce()
    assert (old.exists(), young.exists()) == (False, True)


async def test_transcripts_go_before_their_messages_where_that_is_said(house: House) -> None:
    said = replace(LETTER, transcript="call me back", heard=("press one",), when=NOW - 20 * DAY)
    sent, waiting = (house.message(said, s, said.when) for s in (State.SENT, State.QUEUED))
    young = house.message(replace(said, when=NOW - DAY), State.SENT, NOW - DAY)
    for folder in (sent, waiting, young):
        (folder / FILE).write_text("{}")
    event = await house.retention(transcripts=10 * DAY).enforce()
    assert [(folder / FILE).exists() for folder in (sent, waiting, young)] == [False, True, True]
    letters = [letterfile.load(folder).letter for folder in (sent, waiting, young)]
    assert [one.transcript for one in letters if isinstance(one, Letter)] == [
        *("", "call me back", "call me back")
    ]
    assert (sent / "audio.wav").exists()
    assert event is not None
    assert event.count == 1
    assert b"call me back" not in b"".join(p.read_bytes() for p in sent.iterdir() if p.is_file())


async def test_what_was_heard_goes_when_its_time_is_over(house: House) -> None:
    heard = HeardAudio(house.data, 86400.0)
    for call, age in ((1, 31 * DAY), (2, 29 * DAY)):
        heard.keep(call, b"x" * 800)
        at = (NOW - age).timestamp()
        os.utime(heard.path(call), (at, at))
    await house.retention().enforce()
    assert (heard.path(1).exists(), heard.path(2).exists()) == (False, True)


async def test_what_was_heard_goes_with_its_call(house: House) -> None:
    """Nobody would know whose voice it is, and could forget it."""
    heard = HeardAudio(house.data, 30 * 86400.0)
    old, young = [await house.call(NOW - age * DAY) for age in (10, 1)]
    for call in (old, young):
        heard.keep(call, b"x" * 800)
        heard.path(call).with_suffix(".part").write_bytes(b"x")  # a crash left it
    await house.retention(calls=7 * DAY).enforce()
    assert house.calls() == [young]
    assert sorted(p.name for p in heard.path(old).parent.iterdir()) == [
        *(f"{young}.part", f"{young}.wav")
    ]


@pytest.mark.parametrize(
    ("keep", "days"),
    [
        ({}, 30),  # heard
        ({"heard": 10 * DAY}, 10),
        ({"transcripts": 10 * DAY}, 10),
        ({"calls": 10 * DAY}, 10),
        ({"messages": 10 * DAY}, 10),
        ({"messages": None, "transcripts": None, "calls": None}, 30),
        ({"heard": timedelta()}, 1),  # it is on its way for no longer
    ],
)
async def test_a_report_goes_as_soon_as_anything_that_it_repeats_would(
    house: House, keep: dict[str, timedelta | None], days: int
) -> None:
    hour = timedelta(hours=1)
    old = await house.report(NOW - days * DAY - hour)
    young = await house.report(NOW - days * DAY + hour)
    message = house.message(LETTER, State.SENT, NOW - 9 * DAY)
    await house.retention(**keep).enforce()
    assert (old.exists(), young.exists(), message.exists()) == (False, True, True)


# What cannot go ----------------------------------------------------------------------------------


async def test_a_kind_that_fails_keeps_no_other_and_what_went_is_told_the_next_time(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a full disk the store deletes nothing; what frees the disk goes all the same."""
    heard = HeardAudio(house.data, 30 * 86400.0)
    heard.keep(1, b"x" * 800)
    at = (NOW - 40 * DAY).timestamp()
    os.utime(heard.path(1), (at, at))
    folder = house.message(LETTER, State.SENT, NOW - 400 * DAY)
    call = await house.call(NOW - 900 * DAY)
    kept = house.retention()

    async def full(_: object) -> None:
        raise StoreError("calls.db: there is no room left on the disk")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(house.store, "erase", full)
        meanwhile.setattr(house.store, "happened", full)
        with pytest.raises(StoreError, match="no room left"):
            await kept.enforce()
    assert (heard.path(1).exists(), folder.exists(), house.calls()) == (False, False, [call])
    assert house.events() == []
    event = await kept.enforce()  # at once, not a day later
    assert house.calls() == []
    assert event is not None
    assert event.text == "1 call, 1 message, 1 recording of a caller"
    assert house.events() == [event]


async def test_a_transcript_that_cannot_be_taken_out_keeps_no_other(house: House) -> None:
    old = [NOW - age * DAY for age in (50, 40)]
    said = [replace(LETTER, transcript="call me back", when=at) for at in old]
    folders = [
        house.message(one, State.SENT, at) for one, at in zip(said, old, strict=True) for _ in "ab"
    ]
    call = await house.call(NOW - 900 * DAY)
    for stuck in folders[::3]:  # the first and the last
        (stuck / "letter.part").mkdir()
    with pytest.raises(OutboxError):
        await house.retention(transcripts=30 * DAY).enforce()
    letters = [letterfile.load(folder).letter for folder in folders]
    assert [one.transcript for one in letters if isinstance(one, Letter)] == [
        *("call me back", "", "", "call me back")
    ]
    assert call not in house.calls()
    assert [event.text for event in house.events()] == ["1 call, 2 transcripts"]


# Clocks ------------------------------------------------------------------------------------------


async def test_a_clock_that_was_never_set_deletes_nothing(house: House) -> None:
    house.now = NEVER_SET
    call = await house.call(NEVER_SET - 2000 * DAY)
    kept = house.retention()
    assert await kept.enforce() is None
    assert house.calls() == [call]
    assert not (house.data / STATE).exists()


async def test_what_was_written_before_the_clock_was_set_is_as_old_as_what_stands_around_it(
    house: House,
) -> None:
    """A Raspberry Pi starts in 1970, and a call comes in before it knows better."""
    old = [await house.call(at) for at in (NOW - 900 * DAY, NEVER_SET, NOW - 899 * DAY)]
    ahead = await house.call(NOW + 20_000 * DAY)  # and a clock that was far ahead
    last = await house.call(NOW - 800 * DAY)
    young = [await house.call(at) for at in (NEVER_SET, NOW - DAY, NEVER_SET)]
    await house.retention().enforce()
    assert house.calls() == young
    assert not {*old, ahead, last} & set(house.calls())


async def test_sounds_and_messages_of_a_clock_that_was_not_set_are_kept_from_now_on(
    house: House,
) -> None:
    heard = HeardAudio(house.data, 86400.0)
    heard.keep(1, b"x" * 800)
    os.utime(heard.path(1), (300.0, 300.0))
    folder = house.message(replace(LETTER, when=NEVER_SET), State.SENT, NEVER_SET)
    await house.retention().enforce()
    assert heard.path(1).exists()
    assert folder.exists()
    house.now = datetime.now(UTC) + 91 * DAY  # a folder's own time is that of the machine
    (house.data / STATE).unlink()
    await house.retention().enforce()
    assert not heard.path(1).exists()
    assert not folder.exists()


async def test_a_clock_that_leaps_ahead_is_believed_when_it_has_gone_on_for_a_day(
    house: House,
) -> None:
    call = await house.call(NOW - DAY)
    kept = house.retention()
    await kept.enforce()
    house.now, house.ran = NOW + 3000 * DAY, 3600.0
    assert await kept.enforce() is None
    house.now, house.ran = house.now + DAY / 2, house.ran + 43200.0
    assert await kept.enforce() is None
    assert house.calls() == [call]
    house.now, house.ran = house.now + DAY, house.ran + 86400.0
    assert await kept.enforce() is not None
    assert house.calls() == []


async def test_a_machine_that_is_on_by_day_only_deletes_after_an_absence_of_weeks(
    house: House,
) -> None:
    """It never runs for a whole day, so no run of it can tell that the clock goes on."""
    await house.retention().enforce()
    call = await house.call(NOW - 700 * DAY)
    left = []
    for day in (35, 36, 37):
        kept = house.retention()  # a start
        for hour in range(16):
            house.now = NOW + timedelta(days=day, hours=hour)
            house.ran = hour * 3600.0
            await kept.enforce()
        left.append(house.calls())
    assert left == [[call], [], []]
    assert not (house.data / DOUBTED).exists()


@pytest.mark.parametrize("damage", ["", "x", "2026-01-01", "2026-01-01T00:00:00", "\xff", "9999"])
async def test_a_clock_that_was_doubted_at_no_known_time_is_doubted_from_now_on(
    house: House, damage: str
) -> None:
    await house.retention().enforce()
    call = await house.call(NOW - 700 * DAY)
    (house.data / DOUBTED).write_text(damage, encoding="latin-1")
    house.now = NOW + 35 * DAY
    await house.retention().enforce()
    assert house.calls() == [call]
    house.now += DAY
    await house.retention().enforce()
    assert house.calls() == []


async def test_a_doubt_of_long_ago_is_none_of_today(house: House) -> None:
    """The battery is empty again, a month after the clock was set right."""
    call = await house.call(NOW - DAY)
    await house.retention().enforce()
    for day in (3000, 1, 3001, 3003):
        house.now = NOW + day * DAY
        await house.retention().enforce()
        if day == 3001:
            assert house.calls() == [call]
    assert house.calls() == []  # by then it has gone on for two days


async def test_a_clock_that_leaps_and_is_set_right_costs_nothing(house: House) -> None:
    call = await house.call(NOW - DAY)
    await house.retention().enforce()
    kept = house.retention()  # a start with an empty battery
    house.now = NOW + 3000 * DAY
    assert await kept.enforce() is None
    house.now, house.ran = NOW + DAY, 90000.0
    assert await kept.enforce() is None
    house.now, house.ran = NOW + 4000 * DAY, 180000.0
    assert await kept.enforce() is None
    house.now, house.ran = NOW + 4200 * DAY, 280000.0  # it leaps on and on
    assert await kept.enforce() is None
    assert house.calls() == [call]


async def test_it_is_done_once_a_day_and_again_after_a_start(house: House) -> None:
    kept = house.retention()
    await kept.enforce()
    await house.call(NOW - 900 * DAY)
    house.now = NOW + DAY / 2
    assert await kept.enforce() is None
    assert len(house.calls()) == 1
    assert await house.retention().enforce() is not None
    await house.call(NOW - 900 * DAY)
    house.now = NOW + DAY
    assert await kept.enforce() is not None


# Many --------------------------------------------------------------------------------------------


async def test_while_much_is_deleted_calls_are_written_between(house: House) -> None:
    rows = [
        {
            "uid": "u",
            "started": f"2020-06-01T00:00:{n % 60:02}.000+00:00",
            "did": "+18182223333",
            "number": NUMBER,
            "name": "",
            "withheld": 0,
            "state": "over",
        }
        for n in range(erasure.STEP * 6)
    ]
    house.store._db.table("calls").insert_all(rows)
    house.store._next_call = len(rows) + 1
    left: list[int] = []
    deleting = asyncio.ensure_future(house.retention().enforce())
    while not deleting.done():
        call = await house.call(NOW)
        left.append(len(house.calls()))
        await asyncio.sleep(0)
    event = await deleting
    assert event is not None
    assert event.count == len(rows)
    between = {count for count in left if count > erasure.STEP}
    assert len(between) > 2  # calls came in after some of it was gone, and before all of it was
    assert max(house.calls()) == call


async def test_trouble_is_told_and_the_service_goes_on(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    (house.data / "outbox" / "sent").rmdir()
    (house.data / "outbox" / "sent").write_text("no folder")
    running = asyncio.ensure_future(house.retention().run())
    async with asyncio.timeout(60):
        while "is deleted later" not in caplog.text:  # noqa: ASYNC110  # it sets no event
            await asyncio.sleep(0.01)
    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
