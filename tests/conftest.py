"""What the suite ran with, in its header: a failure elsewhere may be another version's; and tests
that ran while the machine stood still are run again."""

from __future__ import annotations

import platform
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

from screener.asterisk import installation
from tests import standstill
from tests.calls import speech
from tests.versions import package, sipp

# Tests assert no timings, hypothesis among them.
settings.register_profile("screener", deadline=None)
settings.load_profile("screener")

CORE = Path(__file__).parent / "core"
RECOGNISERS = ("vosk", "pocketsphinx")


def pytest_report_header() -> list[str]:
    """Versions of Asterisk, the recognisers, SIPp and Python; where callers' speech comes from."""
    asterisk = installation.find()
    engines = ", ".join(f"{name} {package(name)}" for name in RECOGNISERS)
    return [
        f"asterisk: {asterisk.version if asterisk else 'none yet, it will be installed'}",
        f"recognisers: {engines}",
        f"sipp: {sipp()}; python: {platform.python_version()}; callers' speech: {speech.whence()}",
    ]


def pytest_sessionstart() -> None:
    standstill.WATCH.start()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The core's tests know no time: those are never run again."""
    for item in items:
        if CORE not in item.path.parents:
            standstill.mark(item)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    standstill.WATCH.begin()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    standstill.tell(report)
    return report
