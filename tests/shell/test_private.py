"""The private Asterisk, a real one: installed, started, asked, broken and stopped."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest
from yarl import URL

from screener.asterisk import private as private_module
from screener.asterisk.dialplan import deadline_of
from screener.asterisk.installation import Installation, install
from screener.asterisk.private import PrivateAsterisk, phone_passwords
from screener.asterisk.process import AsteriskProcess
from screener.config import Settings
from screener.errors import InstallError
from tests.calls.callers import Caller
from tests.calls.phones import Phone
from tests.calls.sip import LOOPBACK, free_port
from tests.shell.test_dialplan import house

REPOSITORY = Path(__file__).resolve().parents[2]


def settings(folder: Path) -> Settings:
    """The house of test_dialplan, on free ports, its data in `folder`."""
    plain = house()
    first = free_port(even=True)
    asterisk = replace(
        plain.asterisk,
        secret="a secret",
        sip_port=free_port(),
        http_port=free_port(),
        rtp_ports=(first, min(first + 200, 65535)),
    )
    return replace(plain, data=folder, asterisk=asterisk)


@pytest.fixture(scope="module")
def asterisk_22() -> Installation:
    return install(print)


@pytest.fixture
def private(asterisk_22: Installation, tmp_path: Path) -> PrivateAsterisk:
    return PrivateAsterisk(asterisk_22, settings(tmp_path), tmp_path / "asterisk")


@pytest.fixture
async def running(private: PrivateAsterisk) -> AsyncIterator[PrivateAsterisk]:
    async with private:
        yield private


def there(pid: int) -> bool:
    """Whether the process runs (a zombie does not)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


async def gone(pid: int) -> None:
    async with asyncio.timeout(60):
        while there(pid):  # noqa: ASYNC110 - another process's end sets no event
            await asyncio.sleep(0.02)


def ari(private: PrivateAsterisk, secret: str = "a secret") -> aiohttp.ClientSession:
    login = base64.b64encode(f"screener:{secret}".encode()).decode("ascii")
    return aiohttp.ClientSession(f"{private.url}/", headers={"Authorization": f"Basic {login}"})


async def ask(private: PrivateAsterisk, path: str, secret: str = "a secret") -> int:
    async with ari(private, secret) as http, http.get(path) as answer:
        return answer.status


def problems(private: PrivateAsterisk) -> list[str]:
    lines = private.log.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if "ERROR" in line or "WARNING" in line]


async def test_it_answers_and_has_nothing_to_complain_of(running: PrivateAsterisk) -> None:
    assert await ask(running, "asterisk/info") == 200
    for module in ("app_stasis.so", "chan_pjsip.so", "chan_rtp.so", "res_stasis_snoop.so"):
        assert await ask(running, f"asterisk/modules/{module}") == 200, module
    assert await ask(running, "endpoints/PJSIP/kitchen") == 200
    assert problems(running) == []


async def test_a_wrong_secret_is_not_let_in(running: PrivateAsterisk) -> None:
    assert await ask(running, "asterisk/info", "another secret") == 401


async def test_it_restarts_with_a_new_process(running: PrivateAsterisk) -> None:
    first = running.pid
    assert first is not None
    await running.restart()
    assert not there(first)
    assert running.pid not in (None, first)
    assert await ask(running, "asterisk/info") == 200


async def test_stopping_leaves_no_process_and_may_be_done_twice(private: PrivateAsterisk) -> None:
    await private.start()
    pid = private.pid
    assert pid is not None
    await private.stop()
    await private.stop()
    assert private.pid is None
    assert not there(pid)


async def test_only_its_owner_can_look_into_its_folder(running: PrivateAsterisk) -> None:
    assert running.run.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("key", ["sip_port", "http_port"])
async def test_a_taken_port_is_named_with_its_setting(private: PrivateAsterisk, key: str) -> None:
    port = getattr(private.settings.asterisk, key)
    told = pytest.raises(InstallError, match=rf"port {port} .*asterisk\.{key}")
    with socket.create_server((LOOPBACK, port)), told:
        await private.start()
    assert private.pid is None


async def test_an_asterisk_that_gives_up_says_why(private: PrivateAsterisk) -> None:
    nowhere = private.run / "no-such-folder"
    private.installation = replace(private.installation, data=nowhere)
    with pytest.raises(InstallError, match=r"initialization failed.*EXITING"):
        await private.start()
    assert private.pid is None


async def test_a_long_folder_name_is_no_trouble(asterisk_22: Installation, tmp_path: Path) -> None:
    run = tmp_path / ("long-" * 20) / ("name-" * 20)
    async with PrivateAsterisk(asterisk_22, settings(tmp_path), run) as private:
        assert await ask(private, "asterisk/info") == 200


# Whoever started it dies --------------------------------------------------------------------------

PROGRAM = """\
import asyncio, pathlib, sys
from dataclasses import replace
from screener.asterisk.installation import install
from screener.asterisk.private import PrivateAsterisk
from tests.shell.test_private import settings
async def main(folder, sip_port, http_port, outlives):
    house = settings(folder)
    ports = replace(house.asterisk, sip_port=int(sip_port), http_port=int(http_port),
                    rtp_ports=(20000, 20100))
    private = PrivateAsterisk(install(print), replace(house, asterisk=ports), folder / "asterisk",
                              outlives=outlives == "True")
    await private.start()
    print("started", private.pid, flush=True)
    await asyncio.Event().wait()
asyncio.run(main(pathlib.Path(sys.argv[1]), *sys.argv[2:]))
"""


async def started_and_killed(private: PrivateAsterisk) -> int:
    """Have another process start this Asterisk, and kill that process; Asterisk's process id."""
    ours = private.settings.asterisk
    arguments = [private.run.parent, ours.sip_port, ours.http_port, private.outlives]
    starter = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, *map(str, arguments)),
        stdout=asyncio.subprocess.PIPE,
        cwd=REPOSITORY,
    )
    pipe = starter.stdout
    assert pipe is not None
    said = await pipe.readline()
    pid = int(said.split()[1])
    assert there(pid)
    starter.send_signal(signal.SIGKILL)
    await starter.wait()
    return pid


class CrashError(Exception):
    """screener fails."""


async def left_running(private: PrivateAsterisk) -> int:
    """Start this Asterisk, and fail; its process id."""
    pid = None
    with pytest.raises(CrashError):
        async with private.kept():
            pid = private.pid
            raise CrashError
    assert pid is not None
    assert there(pid)
    return pid


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
async def outliving(
    asterisk_22: Installation, tmp_path: Path, told: list[str]
) -> AsyncIterator[PrivateAsterisk]:
    """One that goes on without us; at the end of the test it is ended, whoever has it."""
    house = settings(tmp_path)
    house = replace(house, asterisk=replace(house.asterisk, rtp_ports=(20000, 20100)))
    private = PrivateAsterisk(
        asterisk_22, house, tmp_path / "asterisk", outlives=True, tell=told.append
    )
    yield private
    await private.stop()
    left = AsteriskProcess.find(["-f", "-C", str(private.run / "etc/asterisk.conf")])
    if left is not None:
        left.send(signal.SIGKILL)
        await left.wait()


async def test_it_ends_when_whoever_started_it_is_killed(outliving: PrivateAsterisk) -> None:
    outliving.outlives = False
    await gone(await started_and_killed(outliving))


async def test_one_that_outlives_us_is_taken_over(
    outliving: PrivateAsterisk, told: list[str]
) -> None:
    pid = await started_and_killed(outliving)
    await outliving.start()
    assert outliving.pid == pid
    assert told == [
        f"the private Asterisk that was left running (process {pid}) is taken over,"
        " its calls with it"
    ]
    assert await ask(outliving, "asterisk/info") == 200
    await outliving.stop()
    assert not there(pid)


async def test_whoever_fails_leaves_it_running(outliving: PrivateAsterisk, told: list[str]) -> None:
    pid = await left_running(outliving)
    assert str(pid) in told[0]
    async with outliving.kept():
        assert outliving.pid == pid
    assert not there(pid)


async def test_one_with_another_configuration_is_started_anew(
    outliving: PrivateAsterisk, told: list[str]
) -> None:
    pid = await left_running(outliving)
    plain = outliving.settings
    outliving.settings = replace(plain, asterisk=replace(plain.asterisk, secret="changed"))
    await outliving.start()
    assert outliving.pid != pid
    assert not there(pid)
    assert told[-1].endswith("is ended and started anew: its configuration has changed")
    assert await ask(outliving, "asterisk/info", "changed") == 200


async def test_one_of_another_installation_is_started_anew(
    outliving: PrivateAsterisk, told: list[str], asterisk_22: Installation
) -> None:
    pid = await left_running(outliving)
    command = ("/usr/bin/env", *asterisk_22.command)
    outliving.installation = replace(asterisk_22, command=command)
    await outliving.start()
    assert not there(pid)
    assert told[-1].endswith("is ended and started anew: another Asterisk is installed now")


async def test_one_that_does_not_answer_is_started_anew(
    outliving: PrivateAsterisk, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(private_module, "ADOPTION_TIMEOUT", 1.0)
    monkeypatch.setattr(private_module, "STOP_TIMEOUT", 1.0)
    pid = await left_running(outliving)
    os.kill(pid, signal.SIGSTOP)
    await outliving.start()
    assert outliving.pid != pid
    assert not there(pid)
    assert told[-1].endswith("is ended and started anew: it does not answer")
    assert await ask(outliving, "asterisk/info") == 200


async def test_one_in_a_long_folder_is_taken_over_too(
    asterisk_22: Installation, tmp_path: Path
) -> None:
    run = tmp_path / ("long-" * 20) / ("name-" * 20)
    house = settings(tmp_path)
    pid = await left_running(PrivateAsterisk(asterisk_22, house, run, outlives=True))
    async with PrivateAsterisk(asterisk_22, house, run, outlives=True) as second:
        assert second.pid == pid
    assert not there(pid)


@pytest.mark.parametrize(
    "ending", [("asterisk.conf",), ("-C", "asterisk.conf"), ("-f", "-C", "other/asterisk.conf")]
)
async def test_no_other_process_is_taken_for_ours(ending: tuple[str, ...]) -> None:
    program = "import sys; sys.stdin.read()"
    other = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, *ending), stdin=asyncio.subprocess.PIPE
    )
    try:
        found = AsteriskProcess.find(ending)
        assert found is not None
        assert found.pid == other.pid
        assert AsteriskProcess.find(("-f", "-C", "asterisk.conf")) is None
    finally:
        other.kill()
        await other.wait()
    await found.wait()
    found.send(signal.SIGKILL)  # to nobody, whoever has that number by now
    assert AsteriskProcess.find(ending) is None


# It dies itself -----------------------------------------------------------------------------------


async def test_one_that_dies_is_started_again(outliving: PrivateAsterisk) -> None:
    async with outliving.kept():
        for _ in range(2):
            died = outliving.pid
            assert died is not None
            os.kill(died, signal.SIGKILL)
            await another(outliving, died)
            assert await ask(outliving, "asterisk/info") == 200
    assert outliving.pid is None


async def test_it_is_tried_again_until_it_can_be_started(
    outliving: PrivateAsterisk, caplog: pytest.LogCaptureFixture
) -> None:
    async with outliving.kept():
        died = outliving.pid
        assert died is not None
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as thief:
            thief.bind((LOOPBACK, 0))
            port = thief.getsockname()[1]
            plain = outliving.settings
            outliving.settings = replace(plain, asterisk=replace(plain.asterisk, sip_port=port))
            os.kill(died, signal.SIGKILL)
            async with asyncio.timeout(60):
                while f"port {port}" not in caplog.text:  # noqa: ASYNC110 - a log sets no event
                    await asyncio.sleep(0.02)
        await another(outliving, died)
        assert await ask(outliving, "asterisk/info") == 200


async def another(private: PrivateAsterisk, died: int) -> None:
    """Wait until another process than the one that died answers."""
    async with asyncio.timeout(30), ari(private) as http:
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with http.get("asterisk/info") as answer:
                    if answer.status == 200 and private.pid not in (None, died):
                        return
            await asyncio.sleep(0.05)


def test_the_directions_name_each_phone_with_its_password(private: PrivateAsterisk) -> None:
    text = "\n".join(private.directions())
    assert f"Call sip:+18182223333@{private.sip_address} " in text
    for phone, password in phone_passwords(private.settings).items():
        assert re.search(rf"user {phone} +password {re.escape(password)}$", text, re.MULTILINE)


# The dialplan, when screener is not there ---------------------------------------------------------


@contextlib.asynccontextmanager
async def called(
    installation: Installation, folder: Path, *phones: Phone
) -> AsyncIterator[tuple[PrivateAsterisk, tuple[str, int]]]:
    """An Asterisk with these phones, and its SIP address."""
    async with contextlib.AsyncExitStack() as stack:
        for phone in phones:
            await stack.enter_async_context(phone)
        contacts = {p.name: f"sip:{p.name}@{LOOPBACK}:{p.port}" for p in phones}
        private = PrivateAsterisk(installation, settings(folder), folder / "run", contacts)
        await stack.enter_async_context(private)
        yield private, (LOOPBACK, private.settings.asterisk.sip_port)


async def test_without_screener_the_phones_ring_at_once(
    asterisk_22: Installation, tmp_path: Path
) -> None:
    kitchen, study = Phone("kitchen", rings=0.1), Phone("study", rings=30.0)
    async with called(asterisk_22, tmp_path, kitchen, study) as (_, pbx):
        for did in ("+18182223333", "18182223333", "8182223333", "999", "s"):
            kitchen.forget()
            study.forget()
            async with Caller(pbx, did=did) as call:
                await kitchen.answered(within=5)
                await call.answered(within=5)
                await study.quiet(within=5)
                assert study.rung == 1


async def test_a_redirect_is_not_followed_when_screener_is_away(
    asterisk_22: Installation, tmp_path: Path
) -> None:
    kitchen, study = Phone("kitchen", rings=0.1, then="redirect"), Phone("study", rings=0.5)
    async with called(asterisk_22, tmp_path, kitchen, study) as (_, pbx), Caller(pbx) as call:
        await study.answered(within=5)
        await call.answered(within=5)
        assert kitchen.calls[0].refused.startswith("302")
        assert kitchen.rung == study.rung == 1


@pytest.mark.parametrize("busy", ["", "play?media=tone:ring", "record?name=take&format=wav"])
async def test_a_call_whose_screener_died_goes_to_the_phones(
    asterisk_22: Installation, tmp_path: Path, busy: str
) -> None:
    """Whatever the channel was doing, and though its deadline was moved meanwhile."""
    kitchen, study = Phone("kitchen", rings=0.1), Phone("study", rings=30.0)
    async with (
        called(asterisk_22, tmp_path, kitchen, study) as (private, pbx),
        ari(private) as http,
    ):
        events = await http.ws_connect("events", params={"app": "screener"})
        async with Caller(pbx) as call:
            arrived = await events.receive_json(timeout=60)
            assert arrived["args"][:2] == ["did", "+18182223333"]
            channel = arrived["channel"]["id"]
            await post(http, f"channels/{channel}/answer")
            if busy:
                await post(http, f"channels/{channel}/{busy}")
            moved = quote(deadline_of(channel), safe="")
            await post(http, f"asterisk/variable?variable={moved}&value=1")
            await events.close()
            await kitchen.answered(within=8)
            assert not call.over


async def post(http: aiohttp.ClientSession, path: str) -> None:
    async with http.post(URL(path, encoded=True)) as answer:
        assert answer.status in (200, 201, 204), await answer.text()


# Passwords ----------------------------------------------------------------------------------------


def test_passwords_are_made_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    first = phone_passwords(settings(tmp_path))
    assert set(first) == {"kitchen", "study"}
    assert len(set(first.values())) == 2
    assert phone_passwords(settings(tmp_path)) == first
    kept = list(tmp_path.iterdir())
    assert [path.stat().st_mode & 0o777 for path in kept] == [0o600]


def test_a_damaged_password_file_is_named(tmp_path: Path) -> None:
    phone_passwords(settings(tmp_path))
    (kept,) = tmp_path.iterdir()
    kept.write_text("{", encoding="utf-8")
    with pytest.raises(InstallError, match=str(kept)):
        phone_passwords(settings(tmp_path))
