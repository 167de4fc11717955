"""The house that is measured: a `Stage` whose Asterisk has the same attendant as plain dialplan.

Callers of `DID` meet screener; callers of `PLAIN` meet Answer, Background, WaitExten and Dial, with
the same prompts, the same key and the same phone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from screener.asterisk.client import Client
from screener.asterisk.installation import Installation
from screener.voice.prompts import Prompts
from tests.bench.meter import Meter
from tests.calls.sip import LOOPBACK, CallError
from tests.calls.stage import DID, GROUPS, Stage

PLAIN = "plain"
KEY = "2"
PHONE = "office"
_PROMPTS = "BENCH_PROMPTS"
_DIALPLAN = f"""
[screener-in](+)
exten => {PLAIN},1,Goto(plain,s,1)

[plain]
exten => s,1,Answer()
 same => n,Background(${{{_PROMPTS}}})
 same => n,WaitExten(6)
 same => n,Hangup()
exten => {KEY},1,Dial(PJSIP/{PHONE},15)
"""


class House:
    """The stage and what reads its two processes' meters."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.pbx = (LOOPBACK, stage.settings.asterisk.sip_port)
        self.prompt_seconds = 0.0

    @property
    def meter(self) -> Meter:
        """Of the processes that run now."""
        asterisk, screener = self.stage.asterisk.pid, self.stage.pid
        if asterisk is None or screener is None:
            raise CallError(f"Asterisk or screener has ended; see {self.stage.log}")
        return Meter(asterisk, screener)

    @property
    def engine(self) -> str:
        """The recogniser's name, as screener says it at its start."""
        said = self.stage.log.read_text(encoding="utf-8", errors="replace")
        return said.partition("understood by ")[2].partition("\n")[0].strip() or "unknown"

    async def share_prompts(self) -> None:
        """Tell the dialplan where the attendant's prompts lie."""
        prompts = Prompts.open(self.stage.settings)
        asked = ("greeting", self.stage.settings.doors[DID].menu)
        self.prompt_seconds = sum(prompts.seconds(name) for name in asked)
        files = "&".join(prompts.uri(name).removeprefix("sound:") for name in asked)
        asterisk = self.stage.settings.asterisk
        async with Client(
            self.stage.asterisk.url, asterisk.user, asterisk.secret, asterisk.app
        ) as client:
            await client.set_global(_PROMPTS, files)

    async def restart(self, *program: str) -> None:
        """Start screener anew, as `program`."""
        await self.stage.stop()
        self.stage.program = program
        await self.stage.open()

    def complaints(self, since: int) -> tuple[str, ...]:
        """screener's warnings and errors from byte `since` of its log on."""
        with self.stage.log.open("rb") as log:
            log.seek(since)
            lines = log.read().decode("utf-8", "replace").splitlines()
        return tuple(ln for ln in lines if " WARNING " in ln or " ERROR " in ln)

    @property
    def log_size(self) -> int:
        return self.stage.log.stat().st_size


@asynccontextmanager
async def furnished(installation: Installation) -> AsyncIterator[House]:
    """A house with its door open, and the plain dialplan beside it."""
    # One telephone takes all calls at once: none is passed over for being in another.
    groups = {
        name: f"phones = {list(phones)!r}\ncall_waiting = true" for name, phones in GROUPS.items()
    }
    async with Stage(
        installation, engine="pocketsphinx", extra_dialplan=_DIALPLAN, groups=groups
    ) as stage:
        house = House(stage)
        await house.share_prompts()
        yield house
