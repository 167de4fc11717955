"""The weekly report is sent: when, to whom, each week once, and what of weeks that were missed."""

from __future__ import annotations

import asyncio
import re
import shutil
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from screener.config import Settings, load
from screener.core.composed import Composed
from screener.core.report import Report
from screener.core.week import Period, week_named, weekly_time
from screener.errors import OutboxError, ReportError
from screener.mail.links import Links
from screener.mail.outbox import Outbox
from screener.records.calllog import DATABASE
from screener.report import reporting, weekly
from screener.report.weekly import MOST_MADE_UP, STATE, Weekly
from tests.fixtures import quarter
from tests.shell.household import PLAIN, Write

WEEK = quarter.LAST
ON = weekly_time("mon 08:00")
DUE = ON.after(WEEK, quarter.ZONE)
MINUTE = timedelta(minutes=1)


class House:
    """A front door with a quarter's calls, and a clock that is put as one likes."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.now = DUE - timedelta(days=3)
        self.links = Links(settings.data)
        self.links.open()
        self.links.url = "https://door.example.net"
        self.begin()

    def begin(self) -> None:
        """Start anew, as after a crash."""
        self.outbox = Outbox(self.settings.data / "outbox", self.settings.mail, quarter.ZONE)
        self.weekly = Weekly(self.settings, self.outbox, self.links, lambda: self.now)

    async def at(self, when: datetime) -> list[str]:
        self.now = when
        return await self.weekly.send_due()

    def sent(self) -> list[str]:
        """What lies in the outbox."""
        letters = [item.record.letter for item in self.outbox.items() if item.record is not None]
        return [letter.what for letter in letters if isinstance(letter, Composed)]

    def mail(self) -> EmailMessage:
        [folder] = (self.settings.data / "outbox" / "queued").iterdir()
        mail = message_from_bytes((folder / "mail.eml").read_bytes(), policy=default)
        assert isinstance(mail, EmailMessage)
        return mail


@pytest.fixture
def settings(write: Write, tmp_path: Path) -> Settings:
    made = load(write(f'timezone = "{quarter.ZONE.key}"\n{PLAIN}'))
    made.data.mkdir(exist_ok=True)
    quarter.write(made.data / DATABASE, quarter.rows(), quarter.events())
    return made


@pytest.fixture
def house(settings: Settings) -> House:
    return House(settings)


async def test_a_week_is_reported_at_its_hour_and_once(house: House) -> None:
    assert await house.at(DUE - timedelta(days=3)) == []
    assert await house.at(DUE - MINUTE) == []
    assert await house.at(DUE) == ["2026-W46"]
    for later in range(0, 6 * 24, 7):
        assert await house.at(DUE + timedelta(hours=later)) == []
    assert house.sent() == ["weekly report 2026-W46"]


async def test_the_mail_has_a_text_a_page_that_says_the_same_and_its_pictures(house: House) -> None:
    await house.at(DUE - timedelta(days=3))
    await house.at(DUE)
    mail = house.mail()
    assert mail["To"] == "you@example.net"
    assert mail["Subject"].startswith("Week 46: 45 calls, ")
    text, page = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert page is not None
    told = " ".join(text.get_content().split())
    html = page.get_content()
    for said in ("This week 45 calls: 6 people reached you, 27 robots did not", "Who gave up"):
        assert said in told
        assert said in html
    links = set(re.findall(r"https://door\.example\.net/[a-z-]+/[A-Za-z0-9_-]{38,44}", told))
    assert len(links) == 17
    assert links == set(re.findall(r'href="(https://door[^"]+)"', html))
    pictures = {part["Content-ID"].strip("<>"): part for part in mail.walk() if part["Content-ID"]}
    assert set(re.findall('src="cid:([^"]+)"', html)) == set(pictures)
    assert all(part.get_content().startswith(b"\x89PNG") for part in pictures.values())
    assert "http" not in re.sub(r'https://door\.example\.net/[^"]+', "", html)


async def test_a_link_of_the_report_does_what_it_says_and_works_once(house: House) -> None:
    await house.at(DUE - timedelta(days=3))
    await house.at(DUE)
    text = house.mail().get_body(("plain",))
    assert text is not None
    address = r"https://door\.example\.net/let-in/(\S+)"
    found = re.search(rf"screener calls allow ([0-9]+)\s+{address}", text.get_content())
    assert found is not None
    ticket = house.links.read(found[2])
    assert ticket is not None
    assert (ticket.call, ticket.action.value) == (int(found[1]), "allow")
    assert house.links.use(ticket, DUE + timedelta(days=29)).value == "good"
    assert house.links.use(ticket, DUE + timedelta(days=29)).value == "used"
    assert ticket.until - DUE < timedelta(days=32)


async def test_who_dies_after_it_was_kept_does_not_send_it_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.at(DUE - timedelta(days=3))
    before = (house.settings.data / STATE).read_text()
    assert await house.at(DUE) == ["2026-W46"]
    (house.settings.data / STATE).write_text(before)  # the crash came before this was written
    house.begin()
    assert await house.at(DUE + MINUTE) == []
    assert house.sent() == ["weekly report 2026-W46"]
    assert (house.settings.data / STATE).read_text() != before


async def test_an_outbox_that_takes_nothing_is_tried_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.at(DUE - timedelta(days=3))
    folder = house.settings.data / "outbox" / "new"
    folder.rmdir()
    folder.write_text("in the way")
    with pytest.raises(OutboxError):
        await house.at(DUE)
    folder.unlink()
    folder.mkdir()
    assert await house.at(DUE + MINUTE) == ["2026-W46"]


async def test_weeks_that_were_missed_are_made_up_for_if_somebody_called(house: House) -> None:
    await house.at(DUE - timedelta(weeks=2, days=3))
    house.begin()  # the machine was off for four weeks
    assert await house.at(DUE + timedelta(weeks=2)) == [
        *("2026-W44", "2026-W45", "2026-W46"),  # 2026-W47 is empty
        "2026-W48",  # and so is this, but it is the newest
    ]


async def test_of_many_weeks_only_the_newest_are_made_up_for(house: House) -> None:
    await house.at(DUE - timedelta(weeks=10, days=3))
    sent = await house.at(DUE)
    assert len(sent) == MOST_MADE_UP + 1
    assert sent[-1] == "2026-W46"


async def test_the_first_start_reports_nothing_of_what_lies_behind(house: House) -> None:
    assert await house.at(DUE + MINUTE) == []
    assert await house.at(DUE + timedelta(weeks=1)) == ["2026-W47"]


@pytest.mark.parametrize("damage", ["", "{}", '{"week": 7}', '{"week": "2026-W99"}', "\x00"])
async def test_a_damaged_record_of_what_was_sent_sends_nothing_twice(
    house: House, damage: str
) -> None:
    await house.at(DUE - timedelta(days=3))
    (house.settings.data / STATE).write_text(damage)
    assert await house.at(DUE) == []
    assert await house.at(DUE + timedelta(weeks=1)) == ["2026-W47"]


async def test_a_record_that_cannot_be_written_is_told(house: House) -> None:
    (house.settings.data / "report.part").mkdir()
    with pytest.raises(ReportError, match=r"report\.json: cannot be written"):
        await house.at(DUE)


@pytest.mark.parametrize("year", [1970, 2000])
async def test_a_clock_that_was_never_set_sends_nothing(house: House, year: int) -> None:
    assert await house.at(datetime(year, 1, 9, tzinfo=UTC)) == []
    assert not (house.settings.data / STATE).exists()


async def test_a_clock_that_is_put_back_sends_nothing_again_and_one_from_afar_does_no_harm(
    house: House,
) -> None:
    await house.at(DUE - timedelta(days=3))
    assert await house.at(DUE) == ["2026-W46"]
    assert await house.at(DUE - timedelta(days=2)) == []
    assert await house.at(DUE + MINUTE) == []
    assert len(await house.at(DUE + timedelta(weeks=52))) == 1  # empty, all but the newest
    assert await house.at(DUE + timedelta(weeks=1)) == ["2026-W47"]
    assert await house.at(DUE + timedelta(weeks=2)) == ["2026-W48"]


async def test_a_clock_that_is_put_back_repeats_no_report_that_is_deleted_by_now(
    house: House,
) -> None:
    await house.at(DUE - timedelta(weeks=1, days=3))
    assert await house.at(DUE) == ["2026-W45", "2026-W46"]
    for folder in (house.settings.data / "outbox" / "queued").iterdir():
        shutil.rmtree(folder)  # sent, and kept for long enough
    assert await house.at(DUE - timedelta(days=15)) == []
    house.begin()
    assert await house.at(DUE + MINUTE) == []
    assert await house.at(DUE + timedelta(weeks=1)) == ["2026-W47"]


@pytest.mark.parametrize("weeks", [1, 5, 140])
async def test_a_clock_that_stands_ahead_for_a_minute_costs_no_report(
    house: House, weeks: int
) -> None:
    await house.at(DUE - timedelta(days=3))
    ahead = await house.at(DUE - timedelta(days=1) + timedelta(weeks=weeks))
    told = [*ahead]
    for later in range(3):
        told += await house.at(DUE + timedelta(weeks=later))
    assert {"2026-W46", "2026-W47", "2026-W48"} <= {*told}
    assert len(told) == len({*told})


async def test_a_clock_that_stood_ahead_at_the_first_start_costs_no_report(house: House) -> None:
    assert await house.at(DUE + timedelta(weeks=140)) == []
    assert await house.at(DUE - timedelta(days=3)) == []
    assert await house.at(DUE) == ["2026-W46"]
    assert await house.at(DUE + timedelta(weeks=1)) == ["2026-W47"]


@pytest.mark.parametrize("changes", ['on = ""', "to = []"])
async def test_it_can_be_switched_off(house: House, write: Write, changes: str) -> None:
    path = house.settings.path
    path.write_text(f"{path.read_text()}\n[report]\n{changes}\n")
    house.settings = load(path)
    house.begin()
    await house.at(DUE - timedelta(days=3))
    assert await house.at(DUE) == []
    assert house.sent() == []


@pytest.mark.parametrize(
    ("on", "week", "due"),
    [
        # Sunday 29 March 2026 has no 02:30 in Berlin, and Sunday 25 October has two.
        ("sun 02:30", "2026-W12", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        ("sun 02:30", "2026-W42", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    ],
)
async def test_an_hour_that_is_left_out_or_doubled_comes_once(
    house: House, on: str, week: str, due: datetime
) -> None:
    report = replace(house.settings.report, on=weekly_time(on))
    house.settings = replace(house.settings, zone=ZoneInfo("Europe/Berlin"), report=report)
    house.begin()
    await house.at(due - timedelta(days=7))
    sent = [await house.at(due + timedelta(minutes=n)) for n in range(-120, 180, 10)]
    assert [each for each in sent if each] == [[week_named(week).name]]


async def test_it_is_made_beside_the_calls(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    threads = set()
    real = reporting.report_of

    def noted(settings: Settings, period: Period, now: datetime) -> Report:
        threads.add(threading.current_thread())
        return real(settings, period, now)

    monkeypatch.setattr(reporting, "report_of", noted)
    await house.at(DUE - timedelta(days=3))
    await house.at(DUE)
    assert threads
    assert threading.main_thread() not in threads


async def test_trouble_is_logged_and_tried_again(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(weekly, "_LOOK", 0.01)
    monkeypatch.setattr(weekly, "_AGAIN", 0.01)
    await house.at(DUE - timedelta(days=3))
    house.now = DUE
    state = house.settings.data / "report.part"
    state.mkdir()  # so that what was sent cannot be written down
    running = asyncio.ensure_future(house.weekly.run())
    async with asyncio.timeout(60):
        while "the weekly report is not sent yet" not in caplog.text:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        state.rmdir()
        while "2026-W46" not in (house.settings.data / STATE).read_text():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    running.cancel()
    assert house.sent() == ["weekly report 2026-W46"]
