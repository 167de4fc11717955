"""What `screener status` says of a front door that runs, does not, or needs a hand."""

import asyncio
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from screener import config, starter
from screener.cli import main
from screener.config import Settings
from screener.core.delivery import Delivery
from screener.core.notice import Notice
from screener.core.window import Kind
from screener.lock import lock
from screener.mail import letterfile
from screener.mail.outbox import Outbox
from screener.records.calllog import DATABASE
from screener.records.store import CallEnd, CallStart, Store
from screener.rules.windows import Windows
from screener.status import Status, write

NOW = datetime.now(UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    starter.write(tmp_path / "home")
    return config.load(tmp_path / "home" / "screener.toml")


@pytest.fixture
def runs(settings: Settings) -> Iterator[Status]:
    """A service that is well: this process has the lock, and has said so."""
    status = Status(
        pid=os.getpid(),
        started=NOW,
        shadow=False,
        doors={"+18182223333": "family"},
        rules=12,
        files=2,
        since=NOW,
        connected=True,
    )
    with closing(lock(settings.data)):
        write(settings.data, status)
        yield status


def status(settings: Settings, *options: str) -> Result:
    folder = str(settings.path.parent)
    result = CliRunner().invoke(main, ["status", "--dir", folder, *options])
    assert "Traceback" not in result.output
    return result


def as_json(settings: Settings) -> dict[str, Any]:
    printed = json.loads(status(settings, "--json").stdout)
    assert isinstance(printed, dict)
    return printed


def test_a_door_that_never_ran(settings: Settings) -> None:
    result = status(settings)
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "screener is not running, and has not run yet: `screener run` starts it",
        "calls      no calls today",
        "messages   none waiting",
    ]
    told = as_json(settings)
    assert (told["ok"], told["running"], told["service"]) == (False, False, None)


def test_a_door_that_is_well(settings: Settings, runs: Status) -> None:
    result = status(settings)
    assert result.exit_code == 0, result.output
    first, door, rules, *_ = result.stdout.splitlines()
    assert first.startswith(f"screener {runs.version} runs since ")
    assert first.endswith(f"(process {os.getpid()})")
    assert door == "door       +1 818 222 3333 rings family"
    assert rules.startswith("rules      12 rules of 2 files in force since ")
    told = as_json(settings)
    assert (told["ok"], told["running"], told["pid"]) == (True, True, os.getpid())
    assert told["service"]["doors"] == {"+18182223333": "family"}


@pytest.mark.parametrize(
    ("changes", "said", "exit_status"),
    [
        ({"connected": False}, "! asterisk NOT CONNECTED", 1),
        ({"unheard": "no sound\x1b comes"}, "! callers  NOT HEARD: no sound\\x1b comes", 1),
        ({"shadow": True}, "mode       shadow: every call rings", 0),
        ({"warnings": ("the password is in clear",)}, "warning    the password is in clear", 0),
        ({"troubles": ("family.vcf:3: skipped",)}, "warning    family.vcf:3: skipped", 0),
        (
            {"mistakes": ("1.rules:3:7: no\x1b[31m",), "wrong": 1},
            "! rules    THE NEWEST ARE BROKEN and not in force: 1 mistake\n"
            "    1.rules:3:7: no\\x1b[31m\n",
            1,
        ),
        ({"mistakes": ("1.rules:3:7: no",), "wrong": 5}, "\n    and 4 more\n", 1),
        (
            {"mistakes": ("x",), "wrong": 1, "copied": True},
            "12 rules of 2 files, the last good ones, in force since ",
            1,
        ),
    ],
)
def test_what_needs_a_hand_is_said(
    settings: Settings, runs: Status, changes: dict[str, Any], said: str, exit_status: int
) -> None:
    write(settings.data, replace(runs, **changes))
    result = status(settings)
    assert said in result.stdout
    assert result.exit_code == exit_status
    assert as_json(settings)["ok"] is (exit_status == 0)


class Exchange:
    """An Asterisk that knows these phones as registered, and no others."""

    def __init__(self, registered: tuple[str, ...]) -> None:
        self.registered = registered

    async def __aenter__(self) -> "Exchange":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def version(self) -> str:
        return "22.10.1"

    async def endpoint(self, name: str) -> dict[str, Any]:
        return {"state": "online" if name in self.registered else "offline", "channel_ids": []}


@pytest.mark.parametrize(
    ("registered", "silent"), [((), ["family"]), (("PJSIP/study",), [])], ids=["none", "one"]
)
@pytest.mark.usefixtures("runs")
def test_a_number_that_rings_no_phone_is_said(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    registered: tuple[str, ...],
    silent: list[str],
) -> None:
    monkeypatch.setattr("screener.cli.ring.ari", lambda _: Exchange(registered))
    result = status(settings)
    assert ("! phones   none of family is registered\n" in result.stdout) is bool(silent)
    assert result.exit_code == (1 if silent else 0)
    assert as_json(settings)["unregistered"] == silent


def test_settings_that_the_running_service_has_not_read_are_noted(
    settings: Settings, runs: Status
) -> None:
    note = "note       screener.toml was changed since: start screener again\n"
    for later, noted in ((-1, False), (0.9, False), (5, True)):
        changed = runs.started.replace(microsecond=0).timestamp() + later
        os.utime(settings.path, (changed, changed))
        result = status(settings)
        assert (note in result.stdout) is noted
        assert as_json(settings)["outdated"] is noted
        assert result.exit_code == 0


@pytest.mark.parametrize(
    ("free", "said"),
    [
        (35, "! disk     only 35 MB free: callers can leave no message\n"),
        (150, "! disk     only 150 MB free: soon callers can leave no message\n"),
        (500, ""),
    ],
)
@pytest.mark.usefixtures("runs")
def test_a_disk_that_takes_no_message_is_said(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, free: int, said: str
) -> None:
    disk = shutil.disk_usage(settings.data)._replace(free=free * 10**6)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: disk)
    result = status(settings)
    assert said in result.stdout
    assert ("! disk" in result.stdout) is bool(said)
    assert result.exit_code == (1 if said else 0)
    assert as_json(settings)["disk"] == said.removeprefix("! disk     ").rstrip()


@pytest.mark.parametrize(
    ("ago", "head", "exit_status"), [(5, "mail       ", 0), (40, "! mail     ", 1)]
)
@pytest.mark.usefixtures("runs")
async def test_mail_that_waits_for_its_server_is_said_with_the_reason(
    settings: Settings, ago: int, head: str, exit_status: int
) -> None:
    outbox = Outbox(settings.data / "outbox", settings.mail)
    for _ in range(3):
        await outbox.notify(Notice(("you@example.net",), "one", ()))
    now = datetime.now(UTC)
    kept = now - timedelta(minutes=ago)
    first, second, _never_tried = sorted((settings.data / "outbox" / "queued").iterdir())
    for folder, why, minutes in ((first, "452 full", 3), (second, "connection refused", 1)):
        record = replace(letterfile.load(folder), written=kept)
        answers = {"you@example.net": (Delivery.WAITING, why)}
        letterfile.save(folder, record.after(answers, now - timedelta(minutes=minutes)))
    result = await asyncio.to_thread(status, settings)
    since = kept.astimezone(settings.zone).strftime("%a %d %b %Y %H:%M:%S")
    assert f"{head}2 messages wait since {since}: connection refused\n" in result.stdout
    assert result.exit_code == exit_status
    told = (await asyncio.to_thread(as_json, settings))["messages"]
    assert (told["waiting"], told["deferred"]) == (3, 2)
    assert told["deferred_why"] == "connection refused"
    assert datetime.fromisoformat(told["deferred_since"]) == kept


def test_a_status_that_a_crash_left_counts_for_nothing(settings: Settings, runs: Status) -> None:
    write(settings.data, replace(runs, pid=1))
    result = status(settings)
    assert result.exit_code == 1
    assert result.stdout.startswith(f"screener is starting (process {os.getpid()})")
    assert "rules " not in result.stdout


@pytest.mark.parametrize(
    ("stopped", "said"),
    [
        (None, "screener is not running: it ended without a word, killed or by a power cut"),
        (NOW, "screener is not running: it ended on "),
    ],
)
def test_a_door_that_was_open_once(settings: Settings, stopped: datetime | None, said: str) -> None:
    told = Status(1, NOW, False, {}, 12, 2, NOW, connected=True, stopped=stopped)
    write(settings.data, told)
    result = status(settings)
    assert result.exit_code == 1
    assert result.stdout.startswith(said)
    assert "in force" not in result.stdout


async def test_calls_of_today_messages_and_windows_are_counted(
    settings: Settings, runs: Status
) -> None:
    now = datetime.now(UTC)
    store = Store(settings.data / DATABASE)
    for started, outcome in (
        (now, "connected"),
        (now, "connected"),
        (now, "turned away"),
        (now - timedelta(days=2), "connected"),
    ):
        start = CallStart("1", started, "+18182223333", "+18055550142", "")
        call = await store.begin(start)
        await store.end(call, CallEnd(started, outcome, ""))
    await store.close()
    outbox = Outbox(settings.data / "outbox", settings.mail)
    await outbox.notify(Notice(("you@example.net",), "one", ()))
    Windows.of(settings).begin(Kind.EXPECTING, now, timedelta(days=1), "you said so")
    result = await asyncio.to_thread(status, settings)
    assert result.exit_code == 0
    assert "calls      3 calls (2 connected, 1 turned away) today\n" in result.stdout
    assert "messages   1 on the way to the mail server\n" in result.stdout
    assert "window     expecting, closes " in result.stdout
    assert ": you said so at " in result.stdout
    [waiting] = (settings.data / "outbox" / "queued").iterdir()
    waiting.rename(settings.data / "outbox" / "failed" / waiting.name)
    result = await asyncio.to_thread(status, settings)
    assert result.exit_code == 1
    assert "; 1 could not be delivered: see `screener outbox`\n" in result.stdout
    told = (await asyncio.to_thread(as_json, settings))["messages"]
    assert (told["waiting"], told["failed"]) == (0, 1)


def test_looking_changes_nothing(settings: Settings) -> None:
    before = sorted(settings.data.rglob("*"))
    status(settings)
    assert sorted(settings.data.rglob("*")) == before
