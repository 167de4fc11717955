"""The weekly report is sent: at the hour that the owner chose, each week once.

What was sent last stands in data/report.json, written after the report lies in the outbox. Who dies
between the two finds the report there when he looks again, by what it is called, and does not send
it twice. Weeks that were missed while the machine was off are made up for: the newest one, and of
those before it, up to `MOST_MADE_UP`, each in which somebody called.

A clock that was never set says nothing of weeks: until it is set, nothing is sent. One that is put
back sends nothing again. The first start reports nothing of what lies behind it.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from screener import replacement
from screener.config import Settings
from screener.core.composed import Composed
from screener.core.rules import CLOCKLESS
from screener.core.week import Period, week_named, week_of
from screener.disk import told
from screener.errors import ReportError, ScreenerError
from screener.mail.links import Links
from screener.mail.outbox import Outbox
from screener.report import charts, reporting

log = logging.getLogger(__name__)

STATE = "report.json"
"""The name of the file in the data folder that says which week was reported last."""
MOST_MADE_UP = 4
"""So many weeks that were missed are looked at before the newest."""

_REMEMBERED = 60  # weeks that were reported, so that a clock that is put back repeats none
_LOOK = 60.0  # seconds after which it is asked again whether a report is due
_AGAIN = 600.0  # the same when one could not be made


class Weekly:
    """Sends the weekly reports of one front door by its outbox."""

    def __init__(
        self,
        settings: Settings,
        outbox: Outbox,
        links: Links,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._outbox = outbox
        self._links = links
        self._clock = clock
        self._path = settings.data / STATE

    async def run(self) -> None:
        """Send what is due, until cancelled. Trouble is logged, and tried again."""
        pause = _LOOK  # until the pages are there that its links lead to
        while True:
            await asyncio.sleep(pause)
            try:
                await self.send_due()
                pause = _LOOK
            except ScreenerError as trouble:
                log.error("the weekly report is not sent yet: %s", trouble)
                pause = _AGAIN

    async def send_due(self) -> list[str]:
        """Send the reports whose time has come; the names of their weeks."""
        report, now = self._settings.report, self._clock()
        if report.on is None or not report.to or now < CLOCKLESS:
            return []
        before = week_of(now, self._settings.zone).before
        reported = await asyncio.to_thread(self._reported)
        past = [week for week in reported if week.first <= before.first]
        if not past:
            # The first start, by this clock or by one that stood ahead: what lies behind is not
            # reported.
            await asyncio.to_thread(self._write, before, reported)
            return []
        sent = []
        due = report.on.last_due(now, self._settings.zone)
        for week in _missed(max(past, key=lambda week: week.first), due):
            if week in reported:  # before a clock was put back
                continue
            if name_of(week) not in await asyncio.to_thread(self._in_outbox):
                if not await self._send(week, now, newest=week == due):
                    continue  # it may be one of days to come, by a clock that stands ahead
                sent.append(week.name)
            reported = [week, *reported]
            await asyncio.to_thread(self._write, week, reported)
        return sent

    async def _send(self, week: Period, now: datetime, *, newest: bool) -> bool:
        """Put a week's report into the outbox; whether it was: that of an empty week that was
        missed is not."""
        what = name_of(week)
        report = await asyncio.to_thread(reporting.report_of, self._settings, week, now)
        if report.empty and not newest:
            return False
        way_of = await asyncio.to_thread(reporting.undoing, self._settings, self._links, now)
        zone = self._settings.zone
        clips = await asyncio.to_thread(reporting.clips_of, self._settings, report)
        draw = charts.draw_apart
        mail = await asyncio.to_thread(reporting.mail_of, report, zone, way_of, clips, draw)
        await self._outbox.post(self._settings.report.to, mail, what)
        log.info("the %s is on its way", what)
        return True

    def _in_outbox(self) -> set[str]:
        """What the composed mails are called that lie in the outbox, sent or not."""
        letters = (item.record.letter for item in self._outbox.items() if item.record is not None)
        return {letter.what for letter in letters if isinstance(letter, Composed)}

    def _reported(self) -> list[Period]:
        """The weeks that were reported, the last first; none where nothing is known."""
        try:
            read = json.loads(self._path.read_text(encoding="ascii"))
            names = [str(read["week"]), *map(str, read.get("reported", ()))]
            return [week_named(name) for name in dict.fromkeys(names)]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ReportError(f"{self._path}: cannot be read: {told(error)}") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            log.warning("%s was damaged: weeks before this one are not reported", self._path)
            return []

    def _write(self, week: Period, reported: Sequence[Period]) -> None:
        names = [each.name for each in reported[:_REMEMBERED]]
        _replace(self._path, json.dumps({"week": week.name, "reported": names}) + "\n")


def name_of(week: Period) -> str:
    """What a period's report is called in the outbox."""
    return f"weekly report {week.name}" if week.is_week else f"report {week.name}"


def _missed(last: Period, due: Period) -> list[Period]:
    """The weeks after the one reported last, as far as they are due, oldest first."""
    found: list[Period] = []
    week = due
    while week.first > last.first and len(found) <= MOST_MADE_UP:
        found.insert(0, week)
        week = week.before
    return found


def _replace(path: Path, text: str) -> None:
    """Replace a file, durably. Raises ReportError."""
    try:
        replacement.write(path, text)
    except OSError as error:
        raise ReportError(f"{path}: cannot be written: {told(error)}") from None
