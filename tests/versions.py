"""The versions of what tests and measurements run with."""

from __future__ import annotations

import re
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version


def package(name: str) -> str:
    """A Python package's version."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def sipp() -> str:
    """SIPp's version, "v3.6.1-SCTP-PCAP-RTPSTREAM"."""
    if shutil.which("sipp") is None:
        return "not installed (Debian package sip-tester)"
    said = subprocess.run(["sipp", "-v"], capture_output=True, check=False, text=True)
    found = re.search(r"SIPp (v\S+?)[,.\s]*\n", said.stdout + said.stderr)
    return found[1] if found else "unknown"
