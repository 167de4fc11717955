"""What Asterisk is told for the lamps: when something has changed, and again when it is back."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from screener.asterisk.client import MAILBOXES, MINIVM, Client
from screener.core.frontdoor import MessageBox
from screener.mail.spool import Spool
from screener.messages.inbox import Kept, Messages
from screener.messages.lamps import Lamps, lacking, lacking_in
from tests.calls.sip import free_port
from tests.shell.post import LETTER
from tests.shell.test_dialplan import house

BOX = MessageBox("office", ("you@example.net",), lamps=("kitchen",))


def _not_found(message: str) -> web.Response:
    return web.json_response({"message": message}, status=404)


class Asterisk:
    """What there is of ARI for lamps, as Asterisk 22 answers; `told` are the numbers that it was
    told, of each mailbox, and `kept_out` the modules that would not run. The next requests about a
    mailbox are answered by `failures`, as long as there are any (HTTP status codes)."""

    def __init__(self, *modules: str, kept_out: str = "") -> None:
        self.modules = dict.fromkeys(modules, "Running")
        if kept_out:
            self.modules[kept_out] = "Not Running"
        self.told: list[str] = []
        self.failures: list[int] = []
        self.port = free_port()

    async def _module(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in self.modules:
            return _not_found("Module could not be found in running modules")
        return web.json_response(
            {
                "name": name,
                "description": "What it is for",
                "use_count": 0,
                "status": self.modules[name],
                "support_level": "core",
            }
        )

    async def _mailbox(self, request: web.Request) -> web.Response:
        if self.failures:
            return web.json_response({"message": "no"}, status=self.failures.pop())
        if self.modules.get(MAILBOXES) != "Running":
            return _not_found("Resource not found")
        new, heard = request.query["newMessages"], request.query["oldMessages"]
        self.told.append(f"{request.match_info['name']}: {new}/{heard}")
        return web.Response(status=204)

    async def _originate(self, request: web.Request) -> web.Response:
        self.told.append(request.query["endpoint"])
        return web.json_response({"id": "x"})

    @asynccontextmanager
    async def up(self) -> AsyncIterator[None]:
        app = web.Application()
        app.router.add_get("/ari/asterisk/modules/{name}", self._module)
        app.router.add_put("/ari/mailboxes/{name}", self._mailbox)
        app.router.add_post("/ari/channels", self._originate)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port).start()
        try:
            yield
        finally:
            await runner.cleanup()

    def client(self) -> Client:
        return Client(f"http://127.0.0.1:{self.port}/ari", "screener", "secret", "screener")


@asynccontextmanager
async def lit(asterisk: Asterisk, root: Path, box: MessageBox = BOX) -> AsyncIterator[Lamps]:
    settings = house()
    boxes = {box.name: box, "dark": MessageBox("dark", ("you@example.net",))}
    directory = replace(settings.directory, boxes=boxes)
    async with asterisk.client() as client:
        lamps = Lamps(replace(settings, directory=directory), client, Messages(root))
        running = asyncio.ensure_future(lamps.run())
        try:
            yield lamps
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def until(test: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not test():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def while_other_lamps_are_lit(root: Path) -> None:
    """So long as others need to look three times, and to tell what they have seen: whoever should
    do nothing could have done it by then, however slow the machine is."""
    asterisk = Asterisk(MAILBOXES)
    async with asterisk.up(), lit(asterisk, root) as lamps:
        async with asyncio.timeout(60):
            while len(asterisk.told) < 3:
                lamps.reached()
                await asyncio.sleep(0.01)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[Messages]:
    """Grows by one with each look at messages, as it begins."""
    begun: list[Messages] = []
    looks = Messages.all

    def counted(messages: Messages) -> list[Kept]:
        begun.append(messages)
        return looks(messages)

    monkeypatch.setattr(Messages, "all", counted)
    return begun


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "outbox"


async def test_an_asterisk_with_mailboxes_is_told_of_each_change_once(
    root: Path, audio: Path
) -> None:
    asterisk = Asterisk(MAILBOXES, MINIVM)
    spool, messages = Spool(root), Messages(root)
    async with asterisk.up(), lit(asterisk, root) as lamps:
        lamps.look()
        await while_other_lamps_are_lit(root)
        assert asterisk.told == []  # nobody has told yet that Asterisk is there
        lamps.reached()
        await until(lambda: asterisk.told == ["office@screener: 0/0"])
        name = spool.keep(audio, LETTER, "door@example.org")
        lamps.look()
        await until(lambda: asterisk.told[1:] == ["office@screener: 1/0"])
        messages.mark_heard(name)
        lamps.look()
        await until(lambda: asterisk.told[2:] == ["office@screener: 0/1"])
        lamps.look()
        messages.remove(name)
        await until(lambda: asterisk.told[3:] == ["office@screener: 0/0"])
        lamps.reached()
        await until(lambda: asterisk.told[4:] == ["office@screener: 0/0"])


async def test_without_mailboxes_it_is_minivm(root: Path) -> None:
    asterisk = Asterisk(MINIVM)
    async with asterisk.up(), lit(asterisk, root) as lamps:
        lamps.reached()
        await until(lambda: asterisk.told == ["Local/0*0*office@screener-lamps"])


async def test_an_asterisk_that_lights_no_lamps_is_told_of_once(
    root: Path, audio: Path, looks: list[Messages], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    asterisk = Asterisk()
    async with asterisk.up(), lit(asterisk, root) as lamps:
        lamps.reached()
        await until(lambda: "boxes.office.lamps" in caplog.text)
        Spool(root).keep(audio, LETTER, "door@example.org")
        lamps.reached()
        before = len(looks)
        # One may be under way; of the next it was told, when a third has begun.
        async with asyncio.timeout(60):
            while len(looks) < before + 3:
                lamps.look()
                await asyncio.sleep(0.01)
    assert caplog.text.count("boxes.office.lamps") == 1


async def test_an_asterisk_that_is_away_is_told_when_it_is_back(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    asterisk = Asterisk(MAILBOXES)
    async with lit(asterisk, root) as lamps:
        lamps.reached()
        await until(lambda: "until Asterisk answers again" in caplog.text)
        async with asterisk.up():
            lamps.reached()
            await until(lambda: asterisk.told == ["office@screener: 0/0"])


async def test_an_asterisk_that_refused_one_request_is_told_again(root: Path, audio: Path) -> None:
    asterisk = Asterisk(MAILBOXES)
    async with asterisk.up(), lit(asterisk, root) as lamps:
        lamps.reached()
        await until(lambda: asterisk.told == ["office@screener: 0/0"])
        asterisk.failures.append(500)
        spool = Spool(root)
        spool.keep(audio, LETTER, "door@example.org")
        lamps.look()
        await until(lambda: not asterisk.failures)
        spool.keep(audio, LETTER, "door@example.org")
        lamps.look()
        await until(lambda: asterisk.told[-1] == "office@screener: 2/0")


def test_modules_that_are_not_installed_are_named(tmp_path: Path) -> None:
    settings = house()
    assert lacking_in(settings, tmp_path) == ""
    directory = replace(settings.directory, boxes={BOX.name: BOX})
    settings = replace(settings, directory=directory)
    assert lacking_in(settings, tmp_path).endswith("no module res_pjsip_mwi.so")
    (tmp_path / "res_pjsip_mwi.so").touch()
    told = "its lamps stay dark: it has no module res_ari_mailboxes.so or app_minivm.so"
    assert lacking_in(settings, tmp_path) == told
    (tmp_path / "app_minivm.so").touch()
    assert lacking_in(settings, tmp_path) == ""


async def test_an_own_voicemail_that_the_lamps_keep_out_is_named() -> None:
    settings = house()
    directory = replace(settings.directory, boxes={BOX.name: BOX})
    settings = replace(settings, directory=directory)
    running = ("res_pjsip_mwi.so", MAILBOXES)
    for asterisk, dark in (
        (Asterisk(*running), ""),
        (Asterisk(*running, kept_out="app_voicemail_odbc.so"), "voicemail (app_voicemail_odbc.so)"),
    ):
        async with asterisk.up(), asterisk.client() as client:
            told = await lacking(settings, client)
        assert [dark in sentence for sentence in told] == ([True] if dark else [])


def test_a_machine_that_is_busy_makes_no_lamp_fifty_times_as_late(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, others = Messages.all, 0.3

    def held_up(messages: Messages) -> list[Kept]:
        time.sleep(others)  # they compute, not we
        return looks(messages)

    monkeypatch.setattr(Messages, "all", held_up)
    settings = house()
    directory = replace(settings.directory, boxes={BOX.name: BOX})
    client = Asterisk(MAILBOXES).client()
    lamps = Lamps(replace(settings, directory=directory), client, Messages(root))
    _, rest = lamps._look()
    assert rest < 50 * others


async def test_where_no_box_has_a_lamp_nothing_is_told(root: Path) -> None:
    asterisk = Asterisk(MAILBOXES)
    async with asterisk.up(), lit(asterisk, root, replace(BOX, lamps=())) as lamps:
        lamps.reached()
        await while_other_lamps_are_lit(root)
    assert asterisk.told == []
