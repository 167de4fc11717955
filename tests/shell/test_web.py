"""The pages, over HTTP on loopback: only a pressed button changes anything, and once."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import shlex
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from click.testing import CliRunner

from screener import config
from screener.cli import main
from screener.config import Settings
from screener.core.rules import Action
from screener.mail.links import KEY, LIFE, PATHS, USED, Links
from screener.records.calllog import DATABASE
from screener.records.store import CallEnd, CallStart, Store
from screener.settings.websettings import WebSettings
from screener.web import allowance
from screener.web.app import Web
from tests.calls.sip import free_port
from tests.shell.household import PLAIN, Write

PHARMACY = "+18665550142"
NAME = '<b onclick="x">WALGREENS</b> & "RX"\u202e'
RULES = 'allow from 415-555-0100   "Mom"\n'
NOT_ONE = "This is no link of ours"


@dataclass
class Page:
    """What came of a request."""

    status: int
    text: str
    headers: dict[str, str]

    @property
    def title(self) -> str:
        found = re.search(r"<h1>(.*?)</h1>", self.text, re.DOTALL)
        return unescape(found[1]) if found else ""


@dataclass
class Site:
    """A front door's pages, served; its links and its rules."""

    settings: Settings
    links: Links
    session: aiohttp.ClientSession

    def url(
        self, action: Action = Action.ALLOW, call: int = 1, age: timedelta | None = None
    ) -> str:
        made = datetime.now(UTC) - (age or timedelta())
        offered = {link.action: link.url for link in self.links.offered(call, PHARMACY, made)}
        return offered[action]

    async def ask(self, method: str, url: str) -> Page:
        async with self.session.request(method, url, allow_redirects=False) as answer:
            return Page(answer.status, await answer.text(), dict(answer.headers))

    def rules(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in self.settings.rules.iterdir()}


async def opened(work: Callable[[], bool]) -> None:
    """Wait until something has come about."""
    async with asyncio.timeout(60):
        while not work():  # noqa: ASYNC110  # what is waited for sets no event
            await asyncio.sleep(0.01)


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[Site]:
    links = Links(settings.data)
    serving = asyncio.ensure_future(Web(settings, links).run())
    async with aiohttp.ClientSession() as session:
        try:
            await opened(lambda: bool(links.url) or serving.done())
            yield Site(settings, links, session)
        finally:
            serving.cancel()
            with suppress(asyncio.CancelledError):
                await serving


@pytest.fixture
def settings(write: Write) -> Settings:
    port = free_port()
    read = config.load(write(f'{PLAIN}[web]\nlisten = "127.0.0.1:{port}"\n'))
    (read.rules / "1-allow.rules").write_text(RULES)
    (read.rules / "2-block.rules").write_text('block from 866*  "toll-free"\n')
    return read


@pytest_asyncio.fixture
async def site(settings: Settings) -> AsyncIterator[Site]:
    store = Store(settings.data / DATABASE)
    started = datetime(2026, 11, 20, 22, 3, tzinfo=UTC)
    for number, name in ((PHARMACY, NAME), ("+14155550100", "Mom")):
        call = await store.begin(CallStart("uid", started, "+18182223333", number, name))
        await store.end(call, CallEnd(started, "message", "wanted robot: spoke of a prescription"))
    await store.close()
    async with served(settings) as site:
        yield site


# What a link does --------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PROPFIND"])
@pytest.mark.parametrize("action", list(PATHS))
async def test_following_a_link_changes_nothing_however_often(
    site: Site, method: str, action: Action
) -> None:
    before = site.rules()
    for _ in range(3):
        page = await site.ask(method, site.url(action))
        assert page.status == (200 if method in {"GET", "HEAD"} else 405)
    assert site.rules() == before
    assert not (site.settings.data / USED).exists()
    assert (await site.ask("POST", site.url(action))).status == 200


async def test_the_page_says_who_called_when_and_what_would_be_done(site: Site) -> None:
    page = await site.ask("GET", site.url())
    assert page.title == "Let this caller in from now on?"
    for said in ("+1 866 555 0142", "20 November 2026", "+1 818 222 3333", "message"):
        assert said in page.text
    assert f"allow from {PHARMACY}" in page.text
    assert "screener calls allow 1" in page.text
    assert page.text.count("<button") == page.text.count("<form") == 1
    assert '<form method="post">' in page.text
    assert page.text.startswith('<!DOCTYPE html>\n<html lang="en">')


async def test_what_a_stranger_wrote_is_text_and_nothing_else(site: Site) -> None:
    for method in ("GET", "POST"):
        page = await site.ask(method, site.url())
        assert "<b onclick" not in page.text
        assert "&lt;b onclick=" in page.text
        assert "\u202e" not in page.text
        assert re.findall(r"<(\w+) [^>]*\bon\w+=", page.text) == []


async def test_the_button_writes_the_rule_and_says_where_and_how_to_undo_it(site: Site) -> None:
    page = await site.ask("POST", site.url())
    assert (page.status, page.title) == (200, "This caller is let in from now on")
    added = site.rules()["1-allow.rules"].removeprefix(RULES)
    assert added.startswith(f'allow from {PHARMACY} "<b onclick=""x"">WALGREENS</b>')
    assert "(promoted, call 1)" in added
    assert added.count("\n") == 1
    assert "screener rules remove 1-allow.rules:2" in page.text
    assert "But" not in page.text


async def test_the_other_button_blocks(site: Site) -> None:
    page = await site.ask("POST", site.url(Action.BLOCK))
    assert page.title == "This caller is blocked from now on"
    assert f"block from {PHARMACY}" in site.rules()["2-block.rules"]


async def test_a_link_works_once(site: Site) -> None:
    url = site.url()
    first = await site.ask("POST", url)
    after = site.rules()
    pages = [await site.ask(method, url) for method in ("POST", "GET", "POST")]
    assert first.status == 200
    assert [page.status for page in pages] == [410, 410, 410]
    assert pages[0].title == "This link has been used"
    assert "screener calls allow 1" in pages[0].text
    assert site.rules() == after


async def test_pressed_many_times_at_once_it_works_once(site: Site) -> None:
    url = site.url()
    pages = await asyncio.gather(*(site.ask("POST", url) for _ in range(8)))
    assert sorted(page.status for page in pages) == [200] + [410] * 7
    assert site.rules()["1-allow.rules"].count(PHARMACY) == 1


async def test_a_second_mails_link_finds_the_rule_there(site: Site) -> None:
    await site.ask("POST", site.url())
    page = await site.ask("POST", site.url(age=timedelta(hours=1)))
    assert page.status == 200
    assert "there already" in page.text
    assert site.rules()["1-allow.rules"].count(PHARMACY) == 1


async def test_a_rule_that_decides_nothing_yet_says_what_is_in_its_way(site: Site) -> None:
    (site.settings.rules / "1-allow.rules").write_text('allow from +1866*  "toll-free"\n')
    page = await site.ask("POST", site.url(Action.BLOCK))
    assert page.title == "The rule is written, but he still rings"
    assert "It decides nothing yet" in page.text
    assert "screener rules remove 1-allow.rules:1" in page.text


async def test_a_rule_that_lets_in_and_decides_nothing_says_so_in_its_heading(site: Site) -> None:
    await site.ask("POST", site.url())
    (site.settings.rules / "0-mine.rules").write_text(f"block from {PHARMACY}\n")
    page = await site.ask("POST", site.url(age=timedelta(hours=1)))
    assert page.title == "The rule is written, but he is still not let in"
    assert site.rules()["0-mine.rules"] == f"block from {PHARMACY}\n"


async def test_who_was_let_in_by_a_link_is_blocked_by_one_and_the_undo_brings_it_back(
    site: Site,
) -> None:
    await site.ask("POST", site.url())
    before = site.rules()
    page = await site.ask("POST", site.url(Action.BLOCK))
    assert page.title == "This caller is blocked from now on"
    assert "For it, this rule of 1-allow.rules:2 was taken out: allow from" in page.text
    assert site.rules()["1-allow.rules"] == RULES
    [undo] = re.findall(r"To undo it: <code>(.*?)</code>", page.text)
    for command in unescape(undo).split(" && "):
        words = ["--dir", str(site.settings.rules.parent), *shlex.split(command)[3:]]
        done = await asyncio.to_thread(
            CliRunner().invoke, main, ["rules", shlex.split(command)[2], *words]
        )
        assert done.exit_code == 0, done.output
    assert site.rules() == before


async def test_broken_rules_are_said_to_hold_it_up(site: Site) -> None:
    (site.settings.rules / "3-mine.rules").write_text("blok everything\n")
    page = await site.ask("POST", site.url())
    assert page.status == 200
    assert "mistakes in the rule files" in page.text


async def test_a_rule_that_cannot_be_written_leaves_the_link_good(site: Site) -> None:
    url = site.url()
    folder = site.settings.rules
    folder.rename(folder.with_name("away"))
    page = await site.ask("POST", url)
    assert (page.status, page.title) == (503, "That could not be done")
    folder.with_name("away").rename(folder)
    assert (await site.ask("POST", url)).status == 200


async def test_where_the_call_was_deleted_no_command_for_it_is_offered(site: Site) -> None:
    """The other command does what the link would have done."""
    good, old = site.url(call=7), site.url(call=7, age=LIFE)
    for url, title in ((good, "Let this caller in from now on?"), (old, "This link has expired")):
        page = await site.ask("GET", url)
        assert page.title == title
        assert "screener calls allow" not in page.text
        assert f"screener rules add 'allow from {PHARMACY}'" in unescape(page.text)


# Links that do not work --------------------------------------------------------------------------


async def test_a_link_that_has_expired_says_so(site: Site) -> None:
    url = site.url(age=LIFE)
    for method in ("GET", "POST"):
        page = await site.ask(method, url)
        assert (page.status, page.title) == (410, "This link has expired")
        assert "screener calls allow 1" in page.text
    assert site.rules()["1-allow.rules"] == RULES


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_forged_link_is_none(site: Site, method: str, tmp_path: Path) -> None:
    good = site.url()
    foreign = Links(tmp_path / "elsewhere")
    foreign.open()
    foreign.url = site.links.url
    forged = [
        good[:-1] + ("A" if good[-1] != "A" else "B"),
        good[:-9],
        good + "A",
        good.replace("/let-in/", "/block/"),
        foreign.offered(1, PHARMACY, datetime.now(UTC))[0].url,
        f"{site.links.url}/let-in/{'A' * 44}",
        f"{site.links.url}/let-in/..%2f..%2fetc%2fpasswd",
        f"{site.links.url}/let-in/%00",
        f"{site.links.url}/let-in/" + "x" * 6000,
    ]
    for url in forged:
        page = await site.ask(method, url)
        assert (page.status, page.title) == (403, NOT_ONE), url
    assert site.rules()["1-allow.rules"] == RULES


@pytest.mark.parametrize(
    "path", ["/", "/let-in/", "/rules", "/let-in/a/b", "/../data/link-key", "//"]
)
async def test_there_is_nothing_else(site: Site, path: str) -> None:
    page = await site.ask("GET", site.links.url + path)
    assert page.status == 404
    assert page.title == "Not Found"


async def test_what_is_no_request_is_refused_and_the_pages_go_on(site: Site) -> None:
    host, port = site.settings.web.listen or ("", 0)
    huge = b"GET /let-in/" + b"x" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"
    for raw in (huge, b"\0\0\0\xff" * 50, b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 50_000 + b"\r\n"):
        reader, writer = await asyncio.open_connection(host, port)
        with suppress(ConnectionError):
            writer.write(raw)
            await writer.drain()
            async with asyncio.timeout(60):
                assert (await reader.read(64)).startswith((b"HTTP/1.1 400", b"HTTP/1.0 400"))
        writer.close()
    assert (await site.ask("GET", site.url())).status == 200


async def test_a_large_body_is_not_taken_in(site: Site) -> None:
    with suppress(aiohttp.ClientError):
        async with site.session.post(site.url(), data=b"x" * 5_000_000) as answer:
            assert answer.status in {200, 410, 413}
    assert (await site.ask("GET", site.links.url)).status == 404


# Every answer ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("GET", "good"), ("POST", "good"), ("PUT", "good")]
)
async def test_every_answer_is_kept_by_nobody_and_leads_nowhere(
    site: Site, method: str, path: str
) -> None:
    page = await site.ask(method, site.url() if path else site.links.url)
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Server"] == "screener"
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert not re.search(r"(src|href)=|https?://|<script", page.text)


async def test_the_style_sheet_is_the_one_that_the_policy_lets_in(site: Site) -> None:
    page = await site.ask("GET", site.links.url)
    [style] = re.findall(r"<style>(.*?)</style>", page.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in page.headers["Content-Security-Policy"]


async def test_too_many_requests_of_one_address_are_refused_and_change_nothing(site: Site) -> None:
    statuses = [(await site.ask("GET", site.links.url + "/")).status for _ in range(60)]
    assert 429 in statuses
    page = await site.ask("POST", site.url())
    assert page.status == 429
    assert page.headers["Retry-After"] == "60"
    assert page.headers["Cache-Control"] == "no-store"
    assert site.rules()["1-allow.rules"] == RULES


def test_an_address_that_waits_may_ask_again() -> None:
    rate = allowance.Rate(30.0, 1.0)
    assert [rate.admits("a", 0.0) for _ in range(31)].count(True) == 30
    assert rate.admits("b", 0.0)
    assert not rate.admits("a", 0.5)
    assert rate.admits("a", 2.0)
    for n in range(5000):
        rate.admits(str(n), 3.0)
    assert len(rate._buckets) == 1000


async def test_there_is_room_for_so_many_connections_and_no_more(site: Site) -> None:
    """A process has few sockets, and calls need them more than pages do."""
    host, port = site.settings.web.listen or ("", 0)
    held = [await asyncio.open_connection(host, port) for _ in range(200)]

    async def put_out(reader: asyncio.StreamReader) -> bool:
        with suppress(ConnectionError):
            return await reader.read() == b""
        return False

    reading = [asyncio.ensure_future(put_out(reader)) for reader, _ in held]
    out = 0
    for ended in asyncio.as_completed(reading, timeout=60):
        out += await ended
        if out >= 200 - 64:
            break
    assert out >= 200 - 64
    for one in reading:
        one.cancel()
    for _, writer in held:
        writer.close()
    assert (await site.ask("GET", site.url())).status == 200


# Where there are none ----------------------------------------------------------------------------


async def test_a_call_that_is_known_no_more_is_shown_by_its_number(site: Site) -> None:
    (site.settings.data / DATABASE).unlink()
    page = await site.ask("GET", site.url())
    assert page.status == 200
    assert "+1 866 555 0142" in page.text
    assert "WALGREENS" not in page.text
    assert (await site.ask("POST", site.url())).status == 200


async def test_a_call_of_another_number_lends_no_name(site: Site) -> None:
    page = await site.ask("GET", site.url(call=2))
    assert "Mom" not in page.text


async def test_where_the_port_is_taken_mails_come_without_links(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as taken:
        assert settings.web.listen is not None
        taken.bind(settings.web.listen)
        taken.listen()
        links = Links(settings.data)
        serving = asyncio.ensure_future(Web(settings, links).run())
        await opened(lambda: "mails come without links" in caplog.text)
        assert not serving.done()
        assert links.offered(1, PHARMACY, datetime.now(UTC)) == ()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


@pytest.mark.parametrize("host", ["a..b", "x" * 70, "no-such-host.invalid", "192.0.2.1"])
async def test_what_cannot_be_listened_on_ends_nothing(
    settings: Settings, caplog: pytest.LogCaptureFixture, host: str
) -> None:
    away = replace(settings, web=WebSettings((host, 8190), "http://x"))
    serving = asyncio.ensure_future(Web(away, Links(settings.data)).run())
    await opened(lambda: "mails come without links" in caplog.text or serving.done())
    assert not serving.done()
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


async def test_a_damaged_key_ends_nothing_either(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.data.mkdir(exist_ok=True)
    (settings.data / KEY).write_text("short")
    serving = asyncio.ensure_future(Web(settings, Links(settings.data)).run())
    await opened(lambda: "link-key is damaged" in caplog.text or serving.done())
    assert not serving.done()
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


async def test_without_a_place_to_listen_there_are_none_and_the_service_goes_on(
    settings: Settings,
) -> None:
    links = Links(settings.data)
    serving = asyncio.ensure_future(Web(replace(settings, web=WebSettings(None, "")), links).run())
    assert await asyncio.wait({serving}, timeout=0.1) == (set(), {serving})
    assert links.url == ""
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


async def test_who_stays_too_long_is_put_out(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(allowance, "_LONGEST_CONNECTION", 0.1)
    async with served(settings):
        assert settings.web.listen is not None
        reader, writer = await asyncio.open_connection(*settings.web.listen)
        async with asyncio.timeout(60):
            assert await reader.read() == b""
        writer.close()


async def test_when_the_pages_end_no_more_links_are_offered(settings: Settings) -> None:
    async with served(settings) as site:
        links = site.links
        assert links.offered(1, PHARMACY, datetime.now(UTC))
    assert links.offered(1, PHARMACY, datetime.now(UTC)) == ()
