"""Everything that a call needs, on loopback: phones, a mail server, an Asterisk and screener.

    async with Stage(installation) as stage:
        async with stage.caller(number="+18055550142") as call:
            await call.answered()
            await call.key("2")
            await stage.phones["office"].answered(within=5)
        row = await stage.row(within=20)
        await stage.assert_nothing_left()

The house on stage: phones kitchen and study ring together as family (extension 1), office rings
alone (extension 2); one message box; `FRIEND` is allowed and `PEST` blocked by rules. screener runs
as a process of its own, from a folder written by `screener init`, beside an Asterisk that it is
told to use: so it can be killed and started again while the Asterisk goes on.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL, Process
from base64 import b64encode
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from screener import config
from screener.asterisk.installation import Installation
from screener.asterisk.private import PrivateAsterisk, phone_passwords
from screener.core.story import CallRow, StoryLine
from screener.records.calllog import DATABASE, CallLog
from screener.voice.prompts import Prompts
from tests.calls import speech
from tests.calls.callers import Caller
from tests.calls.mailserver import MailServer
from tests.calls.phones import Phone
from tests.calls.sip import LOOPBACK, POLL, CallError, free_port

PASSWORDS: Mapping[str, str] = {"office": "0x3JGOzHL5Z-UNPW_kab"}
"""Such as screener makes up one in 4096 (see `sip.login`); it makes up the other phones'."""

REPOSITORY = Path(__file__).resolve().parents[2]
KEPT_SOUNDS = REPOSITORY / ".cache" / "stage-sounds"
"""Rendered prompts, kept between runs: their names tell what they were made from."""

DID = "+18182223333"
FRIEND = "+14155550100"
PEST = "+18005550199"
BUSY_PEST = "+18005550198"
MUTE_PEST = "+18005550197"
STRANGER = "+18055550142"

RULES = f"""allow from {FRIEND}   "Mom"
block from {PEST}   "roof sales"   play sit
block from {BUSY_PEST}   "pollsters"    play busy
block from {MUTE_PEST}   "fake banks"   play hangup
"""
GROUPS: Mapping[str, tuple[str, ...]] = {"family": ("kitchen", "study"), "office": ("office",)}

TOML = """country = "US"
[dids."{did}"]
ring = "family"
box = "family"
{door}
[extensions.1]
names = ["family", "home"]
ring = "family"
box = "family"
[extensions.2]
names = ["office"]
ring = "office"
box = "family"
[phones]
{phones}
{groups}
[boxes.family]
mail = ["you@example.net"]
{box}
[mail]
host = "{host}"
port = {mail_port}
sender = "screener@example.net"
[asterisk]
url = "http://{host}:{http_port}/ari"
secret_file = "ari-secret"
media_host = "{host}"
sip_port = {sip_port}
http_port = {http_port}
hep_port = {hep_port}
rtp_ports = [{rtp_low}, {rtp_high}]
{asterisk}
[speech]
engine = "{engine}"
[web]
listen = "{host}:{web_port}"
[paths]
rules = "rules"
grammars = "grammars"
sounds = "sounds"
data = "data"
{more}
"""


class Stage:
    """A house with its front door. `async with` sets it up, screener running unless `open` is off.

    `rules` is the text of its only rule file; `seconds` how long its groups ring; `extra_dialplan`
    and `extra_pjsip` are added to Asterisk's. `door` are further lines of the DID's table; `phones`
    further phones and `groups` further (or other) groups, by name, as screener.toml says them
    (a phone's value, '{ dial = "PJSIP/mobile", delay = 5 }'; a group's lines); `box` and `asterisk`
    further lines of the box's table and of Asterisk's; `more` are tables at the file's end.
    `secrets` are the texts of further files, by their names, that only the owner may read.
    `settings` are what screener.toml says; `home` is the folder it is in. `program` is what Python
    is given to start screener the next time.
    """

    def __init__(
        self,
        installation: Installation,
        *,
        rules: str = RULES,
        seconds: float = 15.0,
        engine: str = "auto",
        extra_dialplan: str = "",
        extra_pjsip: str = "",
        door: str = "",
        phones: Mapping[str, str] = {},
        groups: Mapping[str, str] = {},
        box: str = "",
        more: str = "",
        asterisk: str = "",
        secrets: Mapping[str, str] = {},
        open: bool = True,
    ) -> None:
        self.installation = installation
        names = dict.fromkeys((*(n for group in GROUPS.values() for n in group), *phones))
        self.phones = {name: Phone(name) for name in names}
        self._toml_of_phones = {name: f'"PJSIP/{name}"' for name in names} | dict(phones)
        self._toml_of_groups = {
            **{name: f"phones = {list(members)!r}" for name, members in GROUPS.items()},
            **groups,
        }
        self._door = door
        self._box = box
        self._more = more
        self._asterisk = asterisk
        self._secrets = {"ari-secret": f"{random.getrandbits(128):x}\n", **secrets}
        self.mail = MailServer()
        self.callers: list[Caller] = []
        self.program: tuple[str, ...] = ("-m", "screener")
        self._rules = rules
        self._seconds = seconds
        self._engine = engine
        self._extra_dialplan = extra_dialplan
        self.extra_pjsip = extra_pjsip
        self._opens = open
        self._screener: Process | None = None
        self._stack = AsyncExitStack()
        self._rows_before = 0

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            home = stack.enter_context(tempfile.TemporaryDirectory(prefix="front-door-"))
            self.home = Path(home)
            for phone in self.phones.values():
                await stack.enter_async_context(phone)
            stack.enter_context(self.mail)
            await self._furnish()
            self.settings = config.load(self.home / config.FILE)
            contacts = {name: f"sip:{name}@{LOOPBACK}:{p.port}" for name, p in self.phones.items()}
            self.asterisk = await stack.enter_async_context(
                PrivateAsterisk(
                    self.installation,
                    self.settings,
                    self.home / "asterisk",
                    contacts=contacts,
                    extra_dialplan=self._extra_dialplan,
                    extra_pjsip=self.extra_pjsip,
                )
            )
            ours = self.settings.asterisk
            login = b64encode(f"{ours.user}:{ours.secret}".encode()).decode()
            self._ari = await stack.enter_async_context(
                aiohttp.ClientSession(headers={"Authorization": f"Basic {login}"})
            )
            stack.push_async_callback(self.kill)
            if self._opens:
                await self.open()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    # screener, the process -----------------------------------------------------------------------

    @property
    def log(self) -> Path:
        """What screener has printed and logged, over all its starts."""
        return self.home / "screener.log"

    @property
    def pid(self) -> int | None:
        """screener's process id while it runs."""
        process = self._screener
        return process.pid if process is not None and process.returncode is None else None

    async def open(self, *, within: float = 300.0) -> None:
        """Start screener; return when its door is open. The first time it makes its sounds."""
        if self.pid is not None:
            return
        before = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self._screener = await asyncio.create_subprocess_exec(
                *(sys.executable, *self.program, "run", str(self.home)),
                cwd=REPOSITORY,
                env=_environment(),
                stdin=DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + within
        while "is open" not in self._logged(before):
            if self.pid is None or time.monotonic() > deadline:
                raise CallError(f"screener did not open its door:\n{self._logged(before)[-3000:]}")
            await asyncio.sleep(POLL)

    async def kill(self) -> None:
        """End screener as a crash would (SIGKILL)."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """Ask screener to stop (SIGTERM); its exit status."""
        return await self._end(signal.SIGTERM)

    async def _end(self, by: signal.Signals) -> int:
        process = self._screener
        if process is None:
            return 0
        if process.returncode is None:
            process.send_signal(by)
        return await process.wait()

    def _logged(self, start: int) -> str:
        with self.log.open("rb") as log:
            log.seek(start)
            return log.read().decode("utf-8", "replace")

    # Calls ---------------------------------------------------------------------------------------

    def caller(self, number: str = STRANGER, *, did: str = DID, **traits: Any) -> Caller:
        """Somebody who calls the front door; see `Caller` for the traits that he can be given."""
        caller = Caller((LOOPBACK, self.settings.asterisk.sip_port), number, did, **traits)
        self.callers.append(caller)
        return caller

    def dialling(self, phone: str, number: str, **traits: Any) -> Caller:
        """One of the house's phones, which dials a number."""
        password = phone_passwords(self.settings)[phone]
        return self.caller(phone, did=number, password=password, **traits)

    async def fresh(self) -> None:
        """A new record for a new test: phones as at first, mail server well, no calls."""
        for phone in self.phones.values():
            await phone.will("answer", rings=1.0)
            phone.forget()
        self.callers.clear()
        self.mail.behave()
        self.mail.start()
        self.mail.forget()
        self._rows_before = max((row.id for row in self._all_rows()), default=0)

    @property
    def rung(self) -> tuple[str, ...]:
        """The phones that have rung, in the order of their names."""
        return tuple(sorted(name for name, phone in self.phones.items() if phone.rung))

    def rows(self) -> list[CallRow]:
        """The rows of the calls since `fresh`, oldest first."""
        rows = [row for row in self._all_rows() if row.id > self._rows_before]
        return sorted(rows, key=lambda row: row.id)

    async def row(self, *, within: float, number: int = 1) -> CallRow:
        """Wait for the row of the first (or a later) call since `fresh`, the call being over."""
        deadline = time.monotonic() + within
        while True:
            rows = self.rows()
            if len(rows) >= number and not rows[number - 1].in_progress:
                return rows[number - 1]
            if time.monotonic() > deadline:
                raise CallError(
                    f"Call {number} has no finished row after {within:g} s; there are {rows}\n"
                    f"{self._logged(0)[-3000:]}"
                )
            await asyncio.sleep(0.02)

    @property
    def _database(self) -> Path:
        return self.settings.data / DATABASE

    def story(self, row: CallRow) -> list[StoryLine]:
        """What happened in a call, line by line."""
        with CallLog(self._database) as log:
            found = log.call(row.id)
        return found[1] if found else []

    def _all_rows(self) -> list[CallRow]:
        if not self._database.exists():
            return []
        with CallLog(self._database) as log:
            return log.calls(100_000)

    def prompt(self, name: str, language: str = "") -> bytes:
        """A prompt as callers hear it."""
        return speech.read(Prompts.open(self.settings).path(name, language))

    # Asterisk ------------------------------------------------------------------------------------

    async def ask(self, resource: str) -> Any:
        """GET a resource of ARI: `await stage.ask("channels")`."""
        async with self._ari.get(f"{self.asterisk.url}/{resource}") as answer:
            answer.raise_for_status()
            return await answer.json()

    async def end(self, channel: str) -> None:
        """Have Asterisk hang up a channel of its own."""
        async with self._ari.delete(f"{self.asterisk.url}/channels/{channel}") as answer:
            answer.raise_for_status()

    async def left(self) -> list[str]:
        """The channels and bridges that Asterisk has now. A playback lives on one of them."""
        channels = [f"channel {c['name']} {c['state']}" for c in await self.ask("channels")]
        return channels + [f"bridge {b['id']} {b['name']}" for b in await self.ask("bridges")]

    async def assert_nothing_left(self, *, within: float = 15.0) -> None:
        """No channel, bridge or playback is left in Asterisk, at the latest `within` seconds on."""
        deadline = time.monotonic() + within
        while left := await self.left():
            if time.monotonic() > deadline:
                raise CallError(f"Left in Asterisk: {left}\n{self._logged(0)[-3000:]}")
            await asyncio.sleep(0.05)

    # The house -----------------------------------------------------------------------------------

    async def _furnish(self) -> None:
        """What `screener init` writes, with our own configuration and rules."""
        init = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "screener", "init", str(self.home)),
            cwd=REPOSITORY,
            env=_environment(),
            stdin=DEVNULL,
            stdout=DEVNULL,
        )
        if await init.wait():
            raise CallError("screener init failed")
        for file in (self.home / "rules").glob("*.rules"):
            file.unlink()
        (self.home / "rules" / "stage.rules").write_text(self._rules, encoding="utf-8")
        for name, text in self._secrets.items():
            (self.home / name).write_text(text, encoding="ascii")
            (self.home / name).chmod(0o600)
        (self.home / config.FILE).write_text(self._toml(), encoding="utf-8")
        KEPT_SOUNDS.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.home / "data" / "sounds", ignore_errors=True)
        (self.home / "data").mkdir(exist_ok=True)
        (self.home / "data" / "sounds").symlink_to(KEPT_SOUNDS)
        passwords = self.home / "data" / "phone-passwords.json"
        passwords.write_text(json.dumps(PASSWORDS), encoding="ascii")

    def _toml(self) -> str:
        low = random.randrange(20_000, 32_000, 1_000)
        groups = "\n".join(
            f"[groups.{name}]\n{text}"
            + ("" if "seconds" in text else f"\nseconds = {self._seconds:g}")
            for name, text in self._toml_of_groups.items()
        )
        return TOML.format(
            did=DID,
            host=LOOPBACK,
            phones="\n".join(f"{name} = {text}" for name, text in self._toml_of_phones.items()),
            door=self._door,
            box=self._box,
            more=self._more,
            asterisk=self._asterisk,
            groups=groups,
            mail_port=self.mail.port,
            http_port=free_port(),
            hep_port=free_port(),
            sip_port=free_port(),
            web_port=free_port(),
            rtp_low=low,
            rtp_high=low + 999,
            engine=self._engine,
        )


def _environment() -> dict[str, str]:
    """Ours, without what would tell screener about another front door."""
    ours = {k: v for k, v in os.environ.items() if not k.startswith("SCREENER_")}
    return {**ours, "PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": "1"}
