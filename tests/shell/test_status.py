"""What a service says of itself on disk, and what becomes of that when it dies."""

import asyncio
import json
import logging
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from screener.config import load
from screener.errors import SetupError
from screener.lock import holder, lock
from screener.rules.inforce import RulesInForce
from screener.status import FILE, Bulletin, Status, begun, read, write
from tests.shell.household import PLAIN, Write

NOW = datetime(2026, 11, 20, 22, 3, 11, tzinfo=UTC)
STATUS = Status(
    pid=17,
    started=NOW,
    shadow=True,
    doors={"+18182223333": "family"},
    rules=2,
    files=1,
    since=NOW,
    wrong=2,
    mistakes=("1.rules:1:1: é\x1b", "1.rules:2:1: no"),
    troubles=("family.vcf:3: skipped",),
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write(tmp_path, STATUS)
    assert read(tmp_path) == STATUS
    write(tmp_path, replace(STATUS, stopped=NOW, connected=True))
    assert read(tmp_path) == replace(STATUS, stopped=NOW, connected=True)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize(
    "junk", [b"", b"{}", b"[]", b"null", b"\xff", b'{"pid": 1', b'{"started": 3}']
)
def test_a_file_that_is_no_status_is_none(tmp_path: Path, junk: bytes) -> None:
    (tmp_path / FILE).write_bytes(junk)
    assert read(tmp_path) is None


def test_no_status_is_none(tmp_path: Path) -> None:
    assert read(tmp_path) is None


def test_a_field_that_is_missing_makes_it_none(tmp_path: Path) -> None:
    """It may be an older screener's."""
    write(tmp_path, STATUS)
    data = json.loads((tmp_path / FILE).read_text())
    for key in data:
        less = {name: value for name, value in data.items() if name != key}
        (tmp_path / FILE).write_text(json.dumps(less))
        assert read(tmp_path) is None


def test_a_service_says_what_it_begins_with(write: Write) -> None:
    settings = load(write(PLAIN))
    (settings.rules / "1.rules").write_text("screen withheld\n")
    rules = RulesInForce(settings)
    rules.open()
    status = begun(settings, rules.state)
    assert status.doors == {"+18182223333": "family"}
    assert (status.rules, status.files, status.mistakes, status.copied) == (1, 1, (), False)
    assert not status.connected


async def test_each_change_is_written_and_the_end_too(tmp_path: Path) -> None:
    bulletin = Bulletin(tmp_path, STATUS)
    running = asyncio.create_task(bulletin.run())
    for connected in (True, False):
        bulletin.change(connected=connected)
        async with asyncio.timeout(60):
            while read(tmp_path) != replace(STATUS, connected=connected):  # noqa: ASYNC110  # a file
                await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    last = read(tmp_path)
    assert last is not None
    assert last.stopped is not None


async def test_a_status_that_cannot_be_written_is_logged_once_and_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bulletin = Bulletin(tmp_path / "gone", STATUS)
    running = asyncio.create_task(bulletin.run())
    for connected in (True, False):
        bulletin.change(connected=connected)
        await asyncio.sleep(0.01)
    (tmp_path / "gone").mkdir()
    async with asyncio.timeout(60):
        while read(tmp_path / "gone") is None:
            bulletin.change(rules=3)
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert len([r for r in caplog.records if r.levelno >= logging.WARNING]) == 1


# The lock that tells whether it is still true ----------------------------------------------------

HOLD = """
import sys
from pathlib import Path
from screener.lock import lock
held = lock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_who_runs_a_front_door_is_known_until_he_dies(tmp_path: Path) -> None:
    assert holder(tmp_path) is None
    command = (sys.executable, "-c", HOLD, str(tmp_path))
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        assert holder(tmp_path) == process.pid
        with pytest.raises(SetupError, match=rf"\(process {process.pid}\): end it first"):
            lock(tmp_path)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert holder(tmp_path) is None
    lock(tmp_path).close()


def test_whoever_asks_does_not_keep_the_door_shut(tmp_path: Path) -> None:
    """`holder` has the lock itself for a moment."""
    ask = "import sys\nfrom pathlib import Path\nfrom screener.lock import holder\nwhile True: "
    command = (sys.executable, "-c", f"{ask}holder(Path(sys.argv[1]))", str(tmp_path))
    lock(tmp_path).close()
    with subprocess.Popen(command) as asking:
        for _ in range(50):
            lock(tmp_path).close()
        assert asking.poll() is None
        asking.kill()


def test_a_folder_that_may_not_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    with pytest.raises(SetupError, match="cannot be read"):
        holder(tmp_path)
