"""What the suite ran with, in its header: a failure elsewhere may be another version's."""

from __future__ import annotations

import platform

from hypothesis import settings

from screener.asterisk import installation
from tests.calls import speech
from tests.versions import package, sipp

# Tests assert no timings, hypothesis among them.
settings.register_profile("screener", deadline=None)
settings.load_profile("screener")

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
