"""What the suite ran with, in its header: a failure elsewhere may be another version's."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version

from screener.asterisk import installation
from tests.calls import speech

RECOGNISERS = ("vosk", "pocketsphinx")


def pytest_report_header() -> list[str]:
    """Versions of Asterisk, the recognisers, SIPp and Python; where callers' speech comes from."""
    asterisk = installation.find()
    engines = ", ".join(f"{name} {_package(name)}" for name in RECOGNISERS)
    return [
        f"asterisk: {asterisk.version if asterisk else 'none yet, it will be installed'}",
        f"recognisers: {engines}",
        f"sipp: {_sipp()}; python: {platform.python_version()}; callers' speech: {speech.whence()}",
    ]


def _package(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _sipp() -> str:
    if shutil.which("sipp") is None:
        return "not installed (Debian package sip-tester)"
    said = subprocess.run(["sipp", "-v"], capture_output=True, check=False, text=True)
    found = re.search(r"SIPp (v\S+?)[,.\s]*\n", said.stdout + said.stderr)
    return found[1] if found else "unknown"
