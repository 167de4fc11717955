"""What an outbox cannot do to itself: be killed, run out of room. In a process of its own."""

import asyncio
import contextlib
import json
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from screener.core.delivery import Status
from screener.core.letter import as_data
from screener.mail.spool import Spool
from tests.shell import kills
from tests.shell.post import LETTER, Desk, MailServer, body, names, settings, wav


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "outbox"


# Reads what to do from its input, a line for each run, and does it in a fork: "ready", "kept N" for
# each message that `put` has kept, the error when there was one, "over" when the fork has ended.
CHILD = """
import asyncio, json, os, resource, sys
from dataclasses import replace
from pathlib import Path
from screener.settings.surroundings import MailSecurity, MailSettings
from screener.core.letter import from_data
from screener.errors import OutboxError
from screener.mail.outbox import Outbox

def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())

async def keep_and_deliver(root, port, audio, letter, first, room, messages):
    mail = MailSettings("127.0.0.1", port, MailSecurity.NONE, "", "", "door@example.org", 7.0, 30.0)
    outbox = Outbox(Path(root), mail)
    if room:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
    delivery = asyncio.create_task(outbox.run())
    say("ready", os.getpid())
    for call in range(first, first + messages):
        try:
            await outbox.put(Path(audio), replace(letter, call=call))
        except OutboxError as error:
            return say("error", error)
        say("kept", call)
        await asyncio.sleep(0.02)
    await delivery

while line := os.read(0, 65536):
    given = json.loads(line)
    pid = os.fork()
    if not pid:
        asyncio.run(keep_and_deliver(**given | {"letter": from_data(given["letter"])}))
        os._exit(0)
    os.waitpid(pid, 0)
    say("over")
"""


@dataclass
class Runs:
    """Runs of an outbox, one after another, each in a process that can be killed."""

    process: asyncio.subprocess.Process
    root: Path
    port: int
    pid: int = 0

    @classmethod
    @contextlib.asynccontextmanager
    async def of(cls, root: Path, server: MailServer) -> AsyncIterator["Runs"]:
        pipe = asyncio.subprocess.PIPE
        command = (sys.executable, "-c", CHILD)
        process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
        try:
            yield cls(process, root, server.port)
        finally:
            process.kill()
            await process.wait()

    async def start(self, audio: Path, first: int, *, messages: int = 1000, room: int = 0) -> None:
        """Begin a run that keeps messages of the calls `first`, `first` + 1 and so on."""
        given = {
            "root": str(self.root),
            "port": self.port,
            "audio": str(audio),
            "letter": as_data(LETTER),
            "first": first,
            "room": room,
            "messages": messages,
        }
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(given).encode() + b"\n")
        word, pid = (await self.line()).split()
        assert word == "ready"
        self.pid = int(pid)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    async def line(self) -> str:
        assert self.process.stdout is not None
        return (await self.process.stdout.readline()).decode().strip()

    async def told(self) -> list[str]:
        """What the run still said until it was over."""
        lines = []
        while (line := await self.line()) != "over":
            assert line
            lines.append(line)
        return lines


def kept(lines: list[str]) -> set[int]:
    return {int(line.split()[1]) for line in lines if line.startswith("kept ")}


def ids_by_call(server: MailServer) -> dict[int, set[str]]:
    calls: dict[int, set[str]] = {}
    for mail in server.mails:
        call = int(body(mail).split("Call")[1].split()[0])
        calls.setdefault(call, set()).add(mail["Message-ID"])
    return calls


async def test_no_room_on_the_disk_is_an_error_and_leaves_nothing_behind(
    root: Path, server: MailServer, tmp_path: Path
) -> None:
    """No file may grow beyond 100 kB (RLIMIT_FSIZE); the message has 160 kB."""
    async with Runs.of(root, server) as runs:
        await runs.start(wav(tmp_path / "take.wav", 10.0), 0, room=100_000)
        [told] = await runs.told()
    assert told.endswith("no room left on the disk: free some.")
    assert names(root / "new") == names(root / "queued") == []
    assert server.mails == []


async def test_killed_as_the_server_takes_the_mail_it_is_repeated_with_the_same_message_id(
    root: Path, server: MailServer, tmp_path: Path
) -> None:
    async with Runs.of(root, server) as runs:

        def take_and_kill() -> str:
            runs.kill()
            return "250 kept"

        server.data = take_and_kill
        await runs.start(wav(tmp_path / "take.wav", 1.0), 1, messages=5)
        await runs.told()
    assert server.mails
    server.data = lambda: "250 kept"
    outbox = Desk(root, settings(server))
    Spool(root).recover(datetime.now(UTC))
    await outbox.deliver_due(datetime.now(UTC) + timedelta(days=1))
    assert len(server.mails) > len(set(server.ids))
    assert all(len(ids) == 1 for ids in ids_by_call(server).values())


async def test_killed_at_any_moment_it_loses_nothing_and_repeats_only_the_same_message_id(
    root: Path, server: MailServer, tmp_path: Path
) -> None:
    """SIGKILL while messages are kept and delivered, again and again. Nothing that `put` said was
    kept may be missing in the end; a second copy of a mail has the Message-ID of the first."""
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    chance = random.Random(seed)
    audio = wav(tmp_path / "take.wav", 1.0)
    promised: set[int] = set()
    async with Runs.of(root, server) as runs:
        for run in range(12):
            await runs.start(audio, 1 + run * 1000)
            told = [await runs.line() for _ in range(chance.randrange(5))]
            await asyncio.sleep(chance.uniform(0.0, 0.05))
            runs.kill()
            promised |= kept(told + await runs.told())
    left = len(names(root / "new"))
    outbox = Desk(root, settings(server))
    Spool(root).recover(datetime.now(UTC))
    await outbox.deliver_due(datetime.now(UTC) + timedelta(days=1))
    repeated = len(server.mails) - len(set(server.ids))
    print(f"{len(promised)} kept, {len(server.mails)} mails, {repeated} repeated, {left} in new/")
    assert len(promised) > 10
    assert promised <= set(ids_by_call(server))
    assert all(len(ids) == 1 for ids in ids_by_call(server).values())
    assert {item.status for item in outbox.items()} == {Status.SENT}
    assert names(root / "new") == []
    for mail in server.mails:
        [attachment] = mail.iter_attachments()
        assert attachment.get_content_type() == "audio/mpeg"
        assert len(attachment.get_content()) >= 4000


async def test_screener_and_the_mail_server_killed_at_any_moment_lose_nothing(
    tmp_path: Path,
) -> None:
    """A few rounds; `python -m tests.shell.kills --rounds 300` does hundreds."""
    seed = random.randrange(1 << 30)
    tally = await kills.kill(tmp_path, 8, seed, seconds=30.0)
    print(tally)
    assert tally.promised
    assert (tally.lost, tally.broken, tally.unexplained, tally.left) == (set(), 0, [], [])


def test_a_mail_that_is_not_whole_is_found_out() -> None:
    """Or the counting above would prove nothing."""
    mail = kills.content(7)
    assert kills.is_whole(mail)
    digest, text = mail.get_content().split()
    mail.set_content(f"{digest} {text[:-1]}\n")
    assert not kills.is_whole(mail)
