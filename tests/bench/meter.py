"""What a process and its children use: processor time and memory; and what the machine does else.

Times are as the kernel counts them (proc(5): ticks of 10 ms), threads and ended children included.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.bench.figures import Memory


@dataclass(frozen=True, slots=True)
class Reading:
    """Seconds of processor time used up to now: by Asterisk, by screener, by all that we started,
    by the whole machine; `at` is monotonic."""

    at: float
    asterisk: float
    screener: float
    ours: float
    machine: float


@dataclass(frozen=True, slots=True)
class Use:
    """The difference of two readings, in seconds."""

    seconds: float
    asterisk: float
    screener: float
    elsewhere: float

    @classmethod
    def between(cls, before: Reading, after: Reading) -> Use:
        """What was used between two readings; `elsewhere` is by programs that are not ours."""
        ours, machine = after.ours - before.ours, after.machine - before.machine
        return cls(
            after.at - before.at,
            after.asterisk - before.asterisk,
            after.screener - before.screener,
            max(0.0, machine - ours),
        )


class Meter:
    """Reads two processes, Asterisk's and screener's."""

    def __init__(self, asterisk: int, screener: int) -> None:
        self._asterisk = psutil.Process(asterisk)
        self._screener = psutil.Process(screener)

    def read(self) -> Reading:
        return Reading(
            time.monotonic(),
            _seconds(self._asterisk),
            _seconds(self._screener),
            _seconds(psutil.Process()),
            _machine(),
        )

    def asterisk_memory(self) -> Memory:
        return _memory(self._asterisk)

    def screener_memory(self) -> Memory:
        return _memory(self._screener)

    def lost_datagrams(self) -> dict[str, int]:
        """Datagrams that the kernel dropped, a full buffer each, by open UDP socket of the two."""
        sockets = _sockets(self._asterisk.pid) | _sockets(self._screener.pid)
        return dropped(Path("/proc/net/udp").read_text(encoding="ascii"), sockets)


def dropped(udp: str, sockets: set[str]) -> dict[str, int]:
    """The drops of these sockets (inodes) out of /proc/net/udp's text."""
    rows = (line.split() for line in udp.splitlines()[1:])
    return {row[9]: int(row[12]) for row in rows if len(row) > 12 and row[9] in sockets}


def _sockets(pid: int) -> set[str]:
    found = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed while we looked
            target = str(link.readlink())
            if target.startswith("socket:["):
                found.add(target[8:-1])
    return found


def _seconds(process: psutil.Process) -> float:
    """Of a process, of its children, and of their children that have ended."""
    total = 0.0
    for one in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            used = one.cpu_times()
            total += used.user + used.system + used.children_user + used.children_system
    return total


def _machine() -> float:
    used = psutil.cpu_times()
    return float(sum(used) - used.idle - used.iowait - used.guest - used.guest_nice)


def _memory(process: psutil.Process) -> Memory:
    resident = proportional = 0
    for one in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            found = one.memory_full_info()
            resident += found.rss
            proportional += found.pss
    return Memory(resident / 1e6, proportional / 1e6)
