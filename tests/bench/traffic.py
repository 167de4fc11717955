"""Callers by the dozen: one SIPp that places calls at a rate, its audio running all the time.

    traffic = Traffic(pbx, DID, stays=2.5, key=Press("2", after=1.0))
    flow = await traffic.run(rate=10, calls=120)

Every caller sends a packet of `sound` each 20 ms, as a telephone does: listening to him is part of
the work that is measured.
"""

from __future__ import annotations

import asyncio
import csv
import io
import os
import shutil
import signal
import tempfile
from asyncio.subprocess import Process
from dataclasses import dataclass
from pathlib import Path

from tests.calls.sip import LOOPBACK, free_port
from tests.calls.speech import line_noise, ulaw

SCENARIOS = Path(__file__).parent / "scenarios"
HISS = ulaw(line_noise(10.0, -60.0))
"""A quiet line: noise of -60 dBFS, ten seconds of it, mu-law."""
_PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Press:
    """One key, so many seconds after the answer."""

    digit: str
    after: float


@dataclass(frozen=True, slots=True)
class Flow:
    """What became of the calls: placed, failed, and what SIPp complained of."""

    calls: int
    failed: int
    complaints: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Traffic:
    """Calls to `did` at `pbx` (host, port). A caller stays for `stays` seconds after his answer,
    or after his key. `sound` is mu-law, played over and over."""

    pbx: tuple[str, int]
    did: str
    stays: float
    number: str = "+18055550142"
    key: Press | None = None
    sound: bytes = HISS

    async def run(self, *, rate: float, calls: int) -> Flow:
        """Place so many calls at `rate` a second and wait until the last is over."""
        with tempfile.TemporaryDirectory(prefix="traffic-") as folder:
            process = await self.start(Path(folder), "-r", f"{rate:g}", "-m", str(calls))
            try:
                async with asyncio.timeout(calls / rate + self.stays + _PATIENCE):
                    await process.wait()
            except TimeoutError:
                pass  # what is not over has failed
            finally:
                await _killed(process)
            good = _count(Path(folder), "SuccessfulCall(C)")
            return Flow(calls, calls - good, complaints(Path(folder)))

    async def start(self, folder: Path, *options: str) -> Process:
        """Start SIPp on this scenario, in `folder`; `options` say how many calls, and how fast."""
        (folder / "scenario.xml").write_text(self.scenario(), encoding="utf-8")
        (folder / "sound.ul").write_bytes(self.sound)
        host, port = self.pbx
        command = ["sipp", f"{host}:{port}", "-sf", "scenario.xml", "-i", LOOPBACK, "-bind_local"]
        command += ["-p", str(free_port()), "-mi", LOOPBACK, "-mp", str(free_port(even=True))]
        command += ["-ci", LOOPBACK, "-cp", str(free_port()), "-nostdin", "-skip_rlimit"]
        command += ["-trace_err", "-error_file", "errors.log", "-default_behaviors", "all"]
        command += ["-trace_stat", "-stf", "calls.csv", "-fd", "1", *options]
        with (folder / "screen.log").open("wb") as screen:
            return await asyncio.create_subprocess_exec(
                *command,
                cwd=folder,
                stdout=screen,
                stderr=screen,
                env={**os.environ, "TERM": "dumb"},
            )

    def scenario(self) -> str:
        """SIPp's scenario for one caller."""
        key = ""
        if self.key is not None:
            key = (SCENARIOS / "key.xml").read_text(encoding="utf-8")
            key = key.replace("{{digit}}", self.key.digit)
            key = key.replace("{{after_ms}}", str(round(self.key.after * 1000)))
        text = (SCENARIOS / "stranger.xml").read_text(encoding="utf-8").replace("{{key}}", key)
        for field, value in {
            "did": self.did,
            "number": self.number,
            "sound": "sound.ul",
            "stays_ms": str(round(self.stays * 1000)),
        }.items():
            text = text.replace("{{" + field + "}}", value)
        return text


class Flood:
    """So many callers at once, each replaced when he hangs up, from `begin` to `end`."""

    def __init__(self, traffic: Traffic, *, at_once: int, rate: float) -> None:
        self.at_once = at_once
        self._traffic = traffic
        self._rate = rate
        self._folder = Path(tempfile.mkdtemp(prefix="traffic-"))
        self._process: Process | None = None

    async def begin(self) -> None:
        """The first callers come in, `rate` a second."""
        limit = ("-l", str(self.at_once), "-m", "100000")
        self._process = await self._traffic.start(self._folder, "-r", f"{self._rate:g}", *limit)

    async def end(self) -> None:
        """Everybody hangs up now: at its second SIGUSR1 SIPp ends its calls, each by a BYE."""
        process = self._process
        if process is not None:
            for _ in range(2):
                if process.returncode is None:
                    process.send_signal(signal.SIGUSR1)
                    await asyncio.sleep(0.5)
            await _killed(process)  # it would wait some seconds more, for nothing
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def failed(self) -> int:
        """The calls that have failed, up to a second ago; all, when SIPp has given up."""
        given_up = self._process is not None and self._process.returncode
        return self.at_once if given_up else _count(self._folder, "FailedCall(C)")

    @property
    def complaints(self) -> tuple[str, ...]:
        return complaints(self._folder)


async def _killed(process: Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()


def _count(folder: Path, column: str) -> int:
    """A column of the last line of SIPp's statistics; 0 where there is none yet."""
    table = folder / "calls.csv"
    return last_count(table.read_text(encoding="utf-8"), column) if table.exists() else 0


def last_count(table: str, column: str) -> int:
    """A column of the last whole line of SIPp's statistics (-trace_stat)."""
    whole = table[: table.rfind("\n") + 1]
    rows = list(csv.DictReader(io.StringIO(whole), delimiter=";"))
    return int(rows[-1][column]) if rows else 0


def complaints(folder: Path) -> tuple[str, ...]:
    """The first things that SIPp complained of."""
    log = folder / "errors.log"
    if not log.exists():
        return ()
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return tuple(line.strip()[:200] for line in lines if line.strip())[:5]
