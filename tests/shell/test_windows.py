"""Life's windows on disk: what one process opens another sees, and no file holds up a call."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from screener.core.window import Kind
from screener.errors import SetupError
from screener.rules.windows import Windows

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 20, 13, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "windows"


@pytest.fixture
def windows(folder: Path) -> Windows:
    return Windows(folder, BERLIN)


def begin(windows: Windows, kind: Kind = Kind.EXPECTING, why: str = "you opened it") -> None:
    windows.begin(kind, NOW, 2 * HOUR, why)


def test_none_is_open_where_there_is_no_folder(windows: Windows) -> None:
    assert windows.open(NOW) == []
    assert windows.why(Kind.EXPECTING, NOW) == ""


def test_one_that_was_opened_says_why_until_it_is_over(windows: Windows) -> None:
    begin(windows)
    assert windows.why(Kind.EXPECTING, NOW) == "you opened it at 14:05 until 16:05"
    assert windows.why(Kind.EMERGENCY, NOW) == ""
    assert windows.why(Kind.EXPECTING, NOW + 2 * HOUR) == ""
    assert windows.open(NOW + 2 * HOUR) == []


def test_all_that_are_open_are_listed(windows: Windows) -> None:
    begin(windows)
    windows.begin(Kind.EMERGENCY, NOW, HOUR, "kitchen dialled 911")
    expecting, emergency = windows.open(NOW)
    assert expecting == (Kind.EXPECTING, NOW + 2 * HOUR, "you opened it at 14:05 until 16:05")
    assert emergency == ("emergency", NOW + HOUR, "kitchen dialled 911 at 14:05")
    assert expecting.until.tzinfo is BERLIN


def test_opened_again_it_begins_anew(windows: Windows) -> None:
    begin(windows)
    windows.begin(Kind.EXPECTING, NOW + HOUR, HOUR / 2, "you opened it")
    assert windows.why(Kind.EXPECTING, NOW + HOUR) == "you opened it at 15:05 until 15:35"


def test_closed_it_is_closed_and_closing_twice_is_no_mistake(windows: Windows) -> None:
    begin(windows)
    windows.end(Kind.EXPECTING)
    windows.end(Kind.EXPECTING)
    assert windows.open(NOW) == []


def test_what_another_process_opens_and_closes_is_seen(windows: Windows, folder: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from datetime import datetime, timedelta, UTC\n"
        "from screener.rules.windows import Windows; from screener.core.window import Kind\n"
        "windows = Windows(Path(sys.argv[1]), None)\n"
        "now = datetime.now(UTC)\n"
        "if sys.argv[2] == 'begin': windows.begin(Kind.EXPECTING, now, timedelta(hours=1), 'x')\n"
        "else: windows.end(Kind.EXPECTING)\n"
    )
    for what, count in (("begin", 1), ("end", 0)):
        subprocess.run([sys.executable, "-c", script, str(folder), what], check=True)
        assert len(windows.open(datetime.now(UTC))) == count


def test_no_draft_is_left_beside_it(windows: Windows, folder: Path) -> None:
    begin(windows)
    assert [path.name for path in folder.iterdir()] == ["expecting"]


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"{}", b"[" * 4000, b"{" * 100_000, b'{"opened": "yes"}']
)
def test_a_broken_file_is_no_window_and_is_logged_once(
    windows: Windows, folder: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    folder.mkdir(parents=True)
    (folder / "emergency").write_bytes(content)
    assert windows.why(Kind.EMERGENCY, NOW) == ""
    assert windows.open(NOW) == []
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert f"{folder / 'emergency'} cannot be read" in record.message
    begin(windows, Kind.EMERGENCY, "kitchen dialled 911")
    assert windows.why(Kind.EMERGENCY, NOW)


def test_what_is_no_file_holds_up_no_call(
    windows: Windows, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "emergency").mkdir(parents=True)
    os.mkfifo(folder / "expecting")
    assert windows.open(NOW) == []
    assert len(caplog.records) == 2


def test_one_that_cannot_be_written_is_open_all_the_same(windows: Windows, folder: Path) -> None:
    folder.parent.mkdir()
    folder.write_text("in the way")
    with pytest.raises(SetupError, match="cannot be written"):
        begin(windows, Kind.EMERGENCY, "kitchen dialled 911")
    assert windows.why(Kind.EMERGENCY, NOW) == "kitchen dialled 911 at 14:05"
    folder.unlink()
    windows.begin(Kind.EMERGENCY, NOW, HOUR, "study dialled 112")
    assert windows.why(Kind.EMERGENCY, NOW) == "study dialled 112 at 14:05"
    windows.end(Kind.EMERGENCY)
    assert windows.open(NOW) == []
