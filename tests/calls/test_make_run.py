"""`screener run` as a household runs it: the starter house, its own Asterisk, phones that log in.

Each test runs the command itself. What is killed is killed for good, and what is left is counted.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import psutil
import pytest_asyncio

from screener import config, starter
from screener.asterisk.installation import Installation
from screener.core.call import Outcome
from screener.core.story import CallRow
from screener.records.calllog import DATABASE, CallLog
from tests.calls.callers import Caller
from tests.calls.phones import Phone
from tests.calls.sip import LOOPBACK, CallError, Sipp, free_port, login, scenario
from tests.calls.stage import DID, FRIEND, KEPT_SOUNDS, REPOSITORY, RULES

WITHIN = 60.0
"""Seconds for what takes two on a quiet machine."""


class Household:
    """A starter house on ports of its own, and the `screener run` that opens its door."""

    def __init__(self, home: Path) -> None:
        self.home = home
        starter.write(home)
        low = min(free_port(even=True), 65_400)
        toml = (home / config.FILE).read_text(encoding="utf-8")
        for key, value in {
            "sip_port": str(free_port()),
            "http_port": str(free_port()),
            "rtp_ports": f"[{low}, {low + 100}]",
        }.items():
            toml, found = re.subn(rf"(?m)^# {key} = .*$", f"{key} = {value}", toml)
            assert found == 1, key
        (home / config.FILE).write_text(toml, encoding="utf-8")
        (home / "rules" / "0-test.rules").write_text(RULES, encoding="utf-8")
        KEPT_SOUNDS.mkdir(parents=True, exist_ok=True)
        (home / "data" / "sounds").symlink_to(KEPT_SOUNDS)
        self.settings = config.load(home / config.FILE)
        self.log = home / "screener.log"
        self.screener: Process | None = None

    @property
    def pbx(self) -> tuple[str, int]:
        return (LOOPBACK, self.settings.asterisk.sip_port)

    @property
    def asterisk(self) -> int:
        """The process id of its Asterisk, as Asterisk itself wrote it down."""
        return int((self.home / "data/asterisk/asterisk.pid").read_text(encoding="ascii"))

    @property
    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    async def until(self, test: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + WITHIN
        while not test():
            ended = self.screener is None or self.screener.returncode is not None
            if ended or time.monotonic() > deadline:
                raise CallError(f"{what} did not come; screener said:\n{self.said[-3000:]}")
            await asyncio.sleep(0.02)

    async def open(self) -> None:
        """Run screener; return when its door is open. The log begins anew."""
        with self.log.open("wb") as log:
            self.screener = await asyncio.create_subprocess_exec(
                *run_command(self.home), env=environment(), stdin=DEVNULL, stdout=log, stderr=log
            )
        await self.until(lambda: "A phone is a SIP account" in self.said, "an open door")

    async def end(self, by: signal.Signals) -> int:
        """End screener; its exit status."""
        assert self.screener is not None
        if self.screener.returncode is None:
            self.screener.send_signal(by)
        return await self.screener.wait()

    async def log_in(self, phone: Phone) -> None:
        """Register a phone, with the password that screener has made for it."""
        kept = (self.home / "data/phone-passwords.json").read_text(encoding="utf-8")
        password = json.loads(kept)[phone.name]
        assert f"user {phone.name}" in self.said
        assert password in self.said
        uri = f"sip:{phone.name}@{LOOPBACK}:{phone.port}"
        fields = {"user": phone.name, "contact": uri, "login": login(phone.name, password)}
        folder = self.home / f"register-{phone.name}"
        options = (f"{self.pbx[0]}:{self.pbx[1]}", "-m", "1")
        xml = scenario("register", fields)
        async with Sipp(folder, xml, port=free_port(), options=options) as sipp:
            await sipp.wait_for(lambda m: m.code == 200, "accepted registration", within=10)

    def rows(self) -> list[CallRow]:
        with CallLog(self.home / "data" / DATABASE) as log:
            return log.calls(100)

    async def rings(self, phone: Phone) -> None:
        """A friend calls; the phone rings, and the two are connected."""
        phone.forget()
        async with Caller(self.pbx, FRIEND, DID) as call:
            await phone.answered(within=15)
            await call.answered(within=15)

    async def takes_calls(self) -> None:
        """Return when Asterisk hands calls to screener."""
        ours = self.settings.asterisk
        login = b64encode(f"{ours.user}:{ours.secret}".encode()).decode()
        url = f"http://{LOOPBACK}:{ours.http_port}/ari/applications/{ours.app}"
        async with aiohttp.ClientSession(headers={"Authorization": f"Basic {login}"}) as http:
            for _ in range(round(WITHIN / 0.1)):
                try:
                    async with http.get(url) as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    pass  # it is not up yet
                await asyncio.sleep(0.1)
        raise CallError(f"Asterisk did not get to know screener; it said:\n{self.said[-3000:]}")

    def processes(self) -> list[str]:
        """What runs that has to do with this house: an Asterisk may go by a shorter name of it."""
        running = []
        for process in psutil.process_iter(["pid", "cmdline", "cwd", "status"]):
            words = " ".join((*(process.info["cmdline"] or ()), process.info["cwd"] or ""))
            if str(self.home) in words and process.info["status"] != psutil.STATUS_ZOMBIE:
                running.append(f"{process.info['pid']} {words}")
        return running

    async def clear(self) -> None:
        """After a test, whatever became of it, nothing of the house runs."""
        if self.screener is not None:
            await self.end(signal.SIGKILL)
        for line in self.processes():
            os.kill(int(line.split()[0]), signal.SIGKILL)


def run_command(home: Path) -> tuple[str, ...]:
    return (sys.executable, "-m", "screener", "run", str(home))


def environment() -> dict[str, str]:
    ours = {key: word for key, word in os.environ.items() if not key.startswith("SCREENER_")}
    return {**ours, "PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": "1"}


@pytest_asyncio.fixture(loop_scope="session")
async def house(installation: Installation, tmp_path: Path) -> AsyncIterator[Household]:
    house = Household(tmp_path / "house")
    try:
        yield house
    finally:
        await house.clear()


@pytest_asyncio.fixture(loop_scope="session")
async def kitchen() -> AsyncIterator[Phone]:
    async with Phone("kitchen", rings=1.0) as phone:
        yield phone


async def test_phones_ring_without_screener_and_its_next_run_takes_over(
    house: Household, kitchen: Phone
) -> None:
    await house.open()
    await house.log_in(kitchen)
    left = house.asterisk
    await house.end(signal.SIGKILL)
    await house.rings(kitchen)
    assert house.rows() == []  # the dialplan did that alone

    await house.open()
    assert house.asterisk == left
    assert f"(process {left}) is taken over" in house.said
    await house.rings(kitchen)
    assert len(house.rows()) == 1

    assert await house.end(signal.SIGINT) == 0
    assert house.processes() == []


async def test_a_call_goes_on_while_screener_is_killed_and_comes_back(
    house: Household, kitchen: Phone
) -> None:
    await house.open()
    await house.log_in(kitchen)
    async with Caller(house.pbx, FRIEND, DID) as call:
        await kitchen.answered(within=15)
        await call.answered(within=15)
        await house.until(lambda: "kitchen answered" in house.said, "a connection")
        await house.end(signal.SIGKILL)
        await house.open()
        assert not call.over
        assert not kitchen.calls[0].over
        assert [row.outcome for row in house.rows()] == [Outcome.CONNECTED]


async def test_who_is_calling_when_it_is_stopped_still_reaches_a_phone(
    house: Household, kitchen: Phone
) -> None:
    """Its Asterisk ends with it; a stranger at the menu would be cut off."""
    await house.open()
    await house.log_in(kitchen)
    assert house.screener is not None
    async with Caller(house.pbx, "+18055550142", DID) as call:
        await call.answered(within=15)
        house.screener.send_signal(signal.SIGINT)
        await kitchen.answered(within=15)
        await house.until(lambda: "calls go on" in house.said, "a word of it")
        assert not call.over
        await kitchen.hang_up()
        assert await house.screener.wait() == 0
    assert "screener has stopped" in house.said
    assert house.processes() == []


async def test_who_stops_it_twice_does_not_wait_for_calls(house: Household, kitchen: Phone) -> None:
    await house.open()
    await house.log_in(kitchen)
    assert house.screener is not None
    async with Caller(house.pbx, FRIEND, DID) as call:
        await kitchen.answered(within=15)
        await call.answered(within=15)
        house.screener.send_signal(signal.SIGINT)
        await house.until(lambda: "calls go on" in house.said, "a word of it")
        assert not call.over
        assert await house.end(signal.SIGINT) == 0
        await call.ended(within=15)
    assert house.processes() == []


async def test_a_second_screener_is_refused_before_it_starts_anything(house: Household) -> None:
    await house.open()
    assert house.screener is not None
    first, before = house.screener.pid, house.asterisk
    second = await asyncio.create_subprocess_exec(
        *run_command(house.home), env=environment(), stdin=DEVNULL, stdout=PIPE, stderr=STDOUT
    )
    said, _ = await second.communicate()
    assert second.returncode == 1
    told = f"another screener runs this front door (process {first}): end it first\n"
    assert said.decode() == told
    assert house.asterisk == before
    await house.takes_calls()
    assert await house.end(signal.SIGTERM) == 0
    assert house.processes() == []


async def test_an_asterisk_that_dies_is_started_again_and_calls_come_in(
    house: Household, kitchen: Phone
) -> None:
    await house.open()
    await house.log_in(kitchen)
    await house.rings(kitchen)
    died = house.asterisk
    os.kill(died, signal.SIGKILL)
    await house.until(lambda: "the private Asterisk runs again" in house.said, "a new Asterisk")
    assert house.asterisk != died
    await house.takes_calls()
    await house.rings(kitchen)  # it has not logged in again
    assert len(house.rows()) == 2
    assert await house.end(signal.SIGINT) == 0
    assert house.processes() == []
