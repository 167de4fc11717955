"""Each week's report is sent once, whenever the process that sends it is killed."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime

from screener.config import load
from screener.core.composed import Composed
from screener.core.week import week_named
from screener.mail.outbox import Outbox
from tests.shell.household import PLAIN, Write

WEEKS = 20
FIRST = week_named("2026-W01")

# A process that has loaded everything, and has children do the work, which it kills: a start of
# Python each time would take longer than all else.
_SEND = """
import asyncio, json, os, random, signal, sys, time
from datetime import UTC, datetime
from pathlib import Path
from screener.config import load
from screener.core.week import week_named
from screener.mail.links import Links
from screener.mail.outbox import Outbox
from screener.report.weekly import STATE, Weekly

settings = load(Path(sys.argv[1]))
last = week_named(sys.argv[2])
state = settings.data / STATE

def send():
    outbox = Outbox(settings.data / "outbox", settings.mail, settings.zone)
    outbox._spool.recover(datetime.now(UTC))  # as a service does when it starts
    week = week_named(json.loads(state.read_text())["week"] if state.exists() else "2025-W52")
    while week.first < last.first:
        week = week.after
        due = settings.report.on.after(week, settings.zone)
        asyncio.run(Weekly(settings, outbox, Links(settings.data), lambda: due).send_due())

chance = random.Random(3)
for turn in range(1000):
    child = os.fork()
    if not child:
        send()
        os._exit(0)
    time.sleep(chance.uniform(0.0, 0.02 * (turn + 1)))  # longer and longer: it ends
    over, status = os.waitpid(child, os.WNOHANG)
    if over:
        print(turn)
        sys.exit(os.waitstatus_to_exitcode(status))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
"""


def test_a_kill_at_any_moment_loses_no_report_and_doubles_none(write: Write) -> None:
    settings = load(write(f'timezone = "Europe/Berlin"\n{PLAIN}'))
    settings.data.mkdir(exist_ok=True)
    last = FIRST
    for _ in range(WEEKS - 1):
        last = last.after
    command = [sys.executable, "-c", _SEND, str(settings.path), last.name]
    ended = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    assert int(ended.stdout) > 3  # kills
    outbox = Outbox(settings.data / "outbox", settings.mail, settings.zone)
    outbox._spool.recover(datetime.now(UTC))
    letters = [item.record.letter for item in outbox.items() if item.record is not None]
    sent = Counter(letter.what for letter in letters if isinstance(letter, Composed))
    weeks, week = [], FIRST.after  # the first start reports nothing of what lies behind
    while week.first <= last.first:
        weeks.append(f"weekly report {week.name}")
        week = week.after
    assert set(sent.values()) == {1}
    assert set(sent) >= set(weeks)
