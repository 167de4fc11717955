"""What `screener check` says of a user's own Asterisk, asked of a real one."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from screener import config, starter
from screener.asterisk.client import Client
from screener.asterisk.installation import install
from screener.asterisk.private import PrivateAsterisk
from screener.checks import Finding, examine


def free_ports(how_many: int) -> list[int]:
    """Ports that nobody has now; all are held until the last is found."""
    with ExitStack() as held:
        sockets = [
            held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(how_many)
        ]
        return [each.getsockname()[1] for each in sockets]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    starter.write(tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
async def asterisk(home: Path) -> AsyncIterator[PrivateAsterisk]:
    """A real Asterisk, set up as the starter says, which screener.toml then names as the user's."""
    path = home / "screener.toml"
    settings = config.load(path)
    sip, http = free_ports(2)
    settings = replace(settings, asterisk=replace(settings.asterisk, sip_port=sip, http_port=http))
    installed = await asyncio.to_thread(install, print)
    async with PrivateAsterisk(installed, settings, home / "data" / "asterisk") as running:
        (home / "secret").write_text(settings.asterisk.secret)
        (home / "secret").chmod(0o600)
        own = f'[asterisk]\nurl = "{running.url}"\nsecret_file = "secret"'
        path.write_text(path.read_text().replace("[asterisk]", own))
        yield running


async def of_asterisk(home: Path) -> list[Finding]:
    return [f async for f in examine(home / "screener.toml") if f.about == "asterisk"]


async def test_an_asterisk_that_has_all_is_fit(home: Path, asterisk: PrivateAsterisk) -> None:
    version, parts = await of_asterisk(home)
    assert version.ok
    assert f" answers at {asterisk.url}" in version.text
    assert parts == Finding("asterisk", True, "modules, dialplan and phones are there")


@pytest.mark.usefixtures("asterisk")
async def test_a_phone_that_asterisk_does_not_know_is_named(home: Path) -> None:
    path = home / "screener.toml"
    path.write_text(path.read_text().replace("PJSIP/study", "PJSIP/attic"))
    wrong = [finding.text for finding in await of_asterisk(home) if not finding.ok]
    assert len(wrong) == 1
    assert wrong[0].startswith("phones.study: Asterisk knows no PJSIP/attic")


async def test_a_module_that_is_not_loaded_is_named(home: Path, asterisk: PrivateAsterisk) -> None:
    ours = config.load(home / "screener.toml").asterisk
    async with (
        aiohttp.ClientSession(auth=aiohttp.BasicAuth(ours.user, ours.secret)) as http,
        http.delete(f"{asterisk.url}/asterisk/modules/func_export.so") as unloaded,
    ):
        assert unloaded.status == 204
    wrong = [finding.text for finding in await of_asterisk(home) if not finding.ok]
    assert wrong == ["the module func_export.so is not loaded: load it in modules.conf"]


@pytest.mark.usefixtures("asterisk")
async def test_a_wrong_secret_is_said_and_not_shown(home: Path) -> None:
    (home / "secret").write_text("mistaken")
    (finding,) = await of_asterisk(home)
    assert not finding.ok
    assert "asterisk.user and the ARI secret" in finding.text
    assert "mistaken" not in finding.text


async def test_a_check_leaves_nothing_behind(home: Path, asterisk: PrivateAsterisk) -> None:
    await of_asterisk(home)
    settings = config.load(home / "screener.toml").asterisk
    async with Client(asterisk.url, settings.user, settings.secret, settings.app) as client:
        async with asyncio.timeout(5):
            while await client.channels():  # noqa: ASYNC110  # the hang-up tells nobody here
                await asyncio.sleep(0.01)


async def test_the_dialplan_is_asked_for_each_context(
    home: Path, asterisk: PrivateAsterisk
) -> None:
    settings = config.load(home / "screener.toml").asterisk
    async with (
        Client(asterisk.url, settings.user, settings.secret, settings.app) as client,
        await client.events(),
    ):
        assert await client.dialplan_has("screener-door")
        assert not await client.dialplan_has("nowhere")
        async with asyncio.timeout(5):
            while await client.channels():  # noqa: ASYNC110  # the hang-up tells nobody here
                await asyncio.sleep(0.01)
