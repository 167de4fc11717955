"""The pictures of the weekly report."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest

from screener.core.reckoning import gather
from screener.core.report import Report
from screener.core.reportpicture import CALLS, HOURS
from screener.report import charts
from tests.fixtures import quarter


def report() -> Report:
    return gather(quarter.LAST, quarter.week(quarter.rows()), quarter.ZONE)


def size(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def test_the_same_report_gives_the_same_pictures_wherever_they_are_drawn() -> None:
    drawn = charts.draw(report())
    assert {name: size(png) for name, png in drawn.items()} == {
        CALLS: (840, 600),
        HOURS: (840, 440),
    }
    assert charts.draw_apart(report()) == drawn


def test_of_no_calls_there_is_no_picture() -> None:
    empty = gather(quarter.LAST, (), quarter.ZONE)
    assert charts.draw(empty) == charts.draw_apart(empty) == {}


def test_a_drawing_that_fails_costs_the_pictures_and_not_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho no paper left >&2\nexit 1\n")
    broken.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(broken))
    assert charts.draw_apart(report()) == {}
    assert "the report has no pictures: no paper left" in caplog.text


@pytest.mark.parametrize("program", ["nowhere", "#!/bin/sh\nexec sleep 600\n"])
def test_a_drawing_that_cannot_begin_or_never_ends_costs_the_pictures_only(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken = tmp_path / "python"
    broken.write_text(program)
    if program.startswith("#!"):
        broken.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(broken))
    monkeypatch.setattr(charts, "_PATIENCE", 0.2)
    assert charts.draw_apart(report()) == {}
    assert "the report has no pictures: " in caplog.text
