"""What a run was measured on: the machine, and the version of everything that took part."""

from __future__ import annotations

import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from tests.versions import package, sipp

PACKAGES = ("screener", "aiohttp", "pocketsphinx", "vosk", "webrtcvad-wheels", "sqlite-utils")


def describe(asterisk: str) -> dict[str, Any]:
    """The machine and the versions, as bench.json has them; `asterisk` is the version that runs."""
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": processor(Path("/proc/cpuinfo").read_text(encoding="utf-8")),
        "cores": os.cpu_count(),
        "memory_mb": round(psutil.virtual_memory().total / 1e6),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "load_at_start": load(),
        "versions": {
            "asterisk": asterisk,
            "sipp": sipp(),
            "python": platform.python_version(),
            **{name: package(name) for name in PACKAGES},
        },
    }


def load() -> list[float]:
    """How many programs wanted to run: the mean of the last 1, 5 and 15 minutes."""
    return [round(mean, 2) for mean in os.getloadavg()]


def processor(cpuinfo: str) -> str:
    """The processor's name: "model name" on most machines, "Model" on a Raspberry Pi."""
    for field in ("model name", "Model", "Hardware"):
        found = re.search(rf"^{field}\s*: (.+)$", cpuinfo, re.M)
        if found:
            return found[1].strip()
    return "unknown"
