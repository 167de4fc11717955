"""What a report over one week out of a million stored calls takes, and a call on disk.

    python -m tests.bench.reports

The calls are those of a made-up office over two years, each with four lines of story, some 9,600 a
week. A report is from the question to the finished mail, pictures among it; beside it, in the same
run, SQLite counts that week's calls and reads their rows, bare.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from screener import config, starter
from screener.core.report import Report
from screener.core.reporttext import by_command
from screener.records.calllog import DATABASE
from screener.records.database import utc
from screener.report import reporting
from tests.fixtures import quarter

REPORTED = 1_000_000
REPORT_TARGET_S = 2.0
_BUSIER = 180.0  # times a household's calls
_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Reported:
    """What it took, in seconds (the best of some rounds): the `data` of a week of `week` calls out
    of `calls`; the `whole` mail; `first` is the first one of a process, which loads matplotlib.
    `counted` and `read` are SQLite's, bare. `bytes_each` is what a call takes on disk.
    """

    calls: int
    week: int
    data: float
    whole: float
    first: float
    counted: float
    read: float
    bytes_each: float


def reports(count: int = REPORTED) -> Reported:
    """Make the calls up, and report their last week."""
    with tempfile.TemporaryDirectory(prefix="screener-reports-") as folder:
        home = Path(folder) / "home"
        starter.write(home)
        settings = replace(config.load(home / config.FILE), zone=quarter.ZONE)
        settings.data.mkdir(exist_ok=True)
        path = settings.data / DATABASE
        weeks = quarter.WEEKS if count >= REPORTED else 1
        quarter.write(path, quarter.rows(weeks=weeks, busier=_BUSIER), quarter.events(), stories=4)
        quarter.multiply(path, count)
        return _measured(settings, path)


def _measured(settings: config.Settings, path: Path) -> Reported:
    now = datetime(2026, 11, 21, tzinfo=quarter.ZONE)

    def data() -> Report:
        return reporting.report_of(settings, quarter.LAST, now)

    def whole() -> bytes:
        return reporting.mail_of(data(), quarter.ZONE, by_command).as_bytes()

    first = _seconds(whole, 1)
    span = [utc(at(quarter.ZONE)) for at in (quarter.LAST.since, quarter.LAST.until)]
    with sqlite3.connect(path) as bare:
        within = "FROM calls WHERE started >= ? AND started < ?"
        (calls,) = bare.execute("SELECT count(*) FROM calls").fetchone()
        (week,) = bare.execute(f"SELECT count(*) {within}", span).fetchone()
        counted = _seconds(lambda: bare.execute(f"SELECT count(*) {within}", span).fetchone())
        read = _seconds(lambda: bare.execute(f"SELECT * {within}", span).fetchall())
    bare.close()
    took = _seconds(data), _seconds(whole)
    return Reported(calls, week, *took, first, counted, read, path.stat().st_size / calls)


def _seconds(work: Callable[[], object], rounds: int = _ROUNDS) -> float:
    """What it takes at best."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


if __name__ == "__main__":
    found = reports()
    print(
        f"{found.calls:,} calls, {found.week:,} in the week: its report {found.whole:.2f} s (the"
        f" first {found.first:.2f} s, the data alone {found.data:.2f} s; target"
        f" {REPORT_TARGET_S:g} s);"
        f" bare: count {1000 * found.counted:.1f} ms, rows {1000 * found.read:.1f} ms;"
        f" {found.bytes_each:.0f} bytes a call"
    )
