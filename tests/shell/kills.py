"""SIGKILL of the screener that delivers and of the mail server, at moments drawn at random.

    python -m tests.shell.kills --rounds 300 [--seed 7] [--minutes 25]

In each round messages are kept and delivered while one of the two, or both, are killed and started
again. What `put` and `post` said was kept must be in the mail server's Maildir in the end, whole.
A mail that is there twice has the Message-ID of the first, and its message's history says why: an
attempt was cut short, or lost the mail server, after it may have taken the mail (RFC 1047).
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import random
import re
import signal
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from screener.core.delivery import Record, Status
from screener.core.letter import as_data
from screener.mail.mailqueue import Item, MailQueue
from screener.mail.spool import Spool
from screener.settings.surroundings import MailSettings
from tests.shell import maildir
from tests.shell.post import LETTER, Desk, MailServer, settings, wav

# Keeps messages and delivers them, in a fork for each line of its input: composed mails, and now
# and then one with sound. Says "ready PID", "kept NUMBER" and "over".
CHILD = """
import asyncio, itertools, json, os, sys
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from screener.core import delivery
from screener.core.letter import from_data
from screener.mail.outbox import Outbox
from tests.shell.kills import content
from tests.shell.post import MailServer, settings

delivery.FIRST_RETRY = timedelta(milliseconds=100)

def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())

async def keep(outbox, audio, letter, numbers):
    for number in numbers:
        if number % 40 == 7:
            await outbox.put(audio, replace(letter, call=number))
        else:
            await outbox.post(("mom@example.org",), content(number), str(number))
        say("kept", number)

async def keep_and_deliver(root, port, audio, letter, first):
    outbox = Outbox(Path(root), settings(MailServer(port)))
    say("ready", os.getpid())
    lanes = [keep(outbox, Path(audio), letter, itertools.count(first + n, 4)) for n in range(4)]
    await asyncio.gather(outbox.run(), *lanes)

while line := os.read(0, 65536):
    given = json.loads(line)
    pid = os.fork()
    if not pid:
        asyncio.run(keep_and_deliver(**given | {"letter": from_data(given["letter"])}))
        os._exit(0)
    os.waitpid(pid, 0)
    say("over")
"""
# What carriage.py adds to a Message-ID where a sound could not be sent as its box wants it.
_SUFFIX = re.compile(r"\.[^@]*@")
_PER_ROUND = 100_000  # numbers that a round's messages may have


def content(number: int) -> EmailMessage:
    """A mail whose content says whether it is whole."""
    mail = EmailMessage()
    mail["Subject"] = f"number {number}"
    text = random.Random(number).randbytes(8000).hex()
    mail.set_content(f"{hashlib.sha256(text.encode()).hexdigest()} {text}\n", cte="base64")
    return mail


def is_whole(mail: EmailMessage) -> bool:
    """Whether a mail is as it was kept: a message with its sound, or `content`."""
    if attachments := list(mail.iter_attachments()):
        return any(len(a.get_content()) >= 4000 for a in attachments)
    body = mail.get_body(("plain",))
    assert body is not None
    digest, text = str(body.get_content()).split()
    return hashlib.sha256(text.encode()).hexdigest() == digest


@dataclass
class Tally:
    """What has come of all rounds."""

    seed: int
    rounds: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    promised: set[str] = field(default_factory=set)  # the subjects that say what was kept
    copies: Counter[str] = field(default_factory=Counter)  # mails by Message-ID
    arrived: set[str] = field(default_factory=set)
    broken: int = 0
    unexplained: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    @property
    def lost(self) -> set[str]:
        return self.promised - self.arrived

    @property
    def repeated(self) -> int:
        return self.copies.total() - len(self.copies)

    def __str__(self) -> str:
        kills = ", ".join(f"{count} of {victim}" for victim, count in sorted(self.kills.items()))
        return (
            f"seed {self.seed}, {self.rounds} rounds, kills: {kills}; {len(self.promised)} kept,"
            f" {len(self.lost)} lost, {self.broken} broken, {self.copies.total()} mails of"
            f" {len(self.copies)} Message-IDs: {self.repeated} repeated,"
            f" {len(self.unexplained)} without a cause; {len(self.left)} left undelivered"
        )


@asynccontextmanager
async def child() -> AsyncIterator[asyncio.subprocess.Process]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHILD, stdin=pipe, stdout=pipe
    )
    try:
        yield process
    finally:
        process.kill()
        await process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def kill(folder: Path, rounds: int, seed: int, *, seconds: float = 1e9) -> Tally:
    """So many rounds in a folder, as long as there is time; then everything that waits is
    delivered, and counted."""
    until = time.monotonic() + seconds
    chance, tally, port = random.Random(seed), Tally(seed), free_port()
    maildir.make(folder / "maildir")
    audio = wav(folder / "take.wav", 1.0)
    async with child() as screener, maildir.Process(port, folder / "maildir") as server:
        for number in range(rounds):
            if time.monotonic() > until:
                break
            first = number * _PER_ROUND
            await _round(screener, server, folder, audio, first, chance, tally)
        await _deliver_rest(folder, server)
        _count(folder, server, tally)
    return tally


async def _round(
    screener: asyncio.subprocess.Process,
    server: maildir.Process,
    folder: Path,
    audio: Path,
    first: int,
    chance: random.Random,
    tally: Tally,
) -> None:
    """Both run; now and then the mail server is killed and started again; screener dies last."""
    assert screener.stdin is not None
    assert screener.stdout is not None
    if not server.pid:
        await server.start()
    given = {
        "root": str(folder / "outbox"),
        "port": server.port,
        "audio": str(audio),
        "letter": as_data(LETTER),
        "first": first,
    }
    screener.stdin.write(json.dumps(given).encode() + b"\n")
    ready, pid = (await screener.stdout.readline()).split()
    assert ready == b"ready"
    if not tally.promised:  # on a machine that is busy, too, something is kept
        tally.promised.add((await screener.stdout.readline()).decode().split()[1])
    for _ in range(chance.randrange(3)):
        await asyncio.sleep(chance.uniform(0.0, 0.15))
        server.kill()
        tally.kills["the mail server"] += 1
        if chance.random() < 0.8:
            await server.start()
    await asyncio.sleep(chance.uniform(0.0, 0.3))
    os.kill(int(pid), signal.SIGKILL)
    tally.kills["screener"] += 1
    tally.rounds += 1
    while (line := (await screener.stdout.readline()).decode().strip()) != "over":
        assert line.startswith("kept ")
        tally.promised.add(line.split()[1])


async def _deliver_rest(folder: Path, server: maildir.Process) -> None:
    if not server.pid:
        await server.start()
    Spool(folder / "outbox").recover(datetime.now(UTC))
    outbox = Desk(folder / "outbox", _mail(server.port))
    await outbox.deliver_due(datetime.now(UTC) + timedelta(days=1))


def _mail(port: int) -> MailSettings:
    return settings(MailServer(port))


def _count(folder: Path, server: maildir.Process, tally: Tally) -> None:
    came = Counter[str]()
    for raw in server.mails():
        mail = message_from_bytes(raw, policy=default)
        assert isinstance(mail, EmailMessage)
        tally.copies[mail["Message-ID"]] += 1
        came[_SUFFIX.sub("@", mail["Message-ID"])] += 1
        tally.broken += not is_whole(mail)
    for item in MailQueue(folder / "outbox").items():
        assert item.record is not None
        copies = came[item.record.message_id]
        if copies:
            tally.arrived.add(str(item.call) if item.call is not None else _what(item))
        if copies - 1 > interruptions(item.record):
            tally.unexplained.append(item.id)
        if item.status is not Status.SENT:
            tally.left.append(item.id)
    tally.left += [path.name for path in (folder / "outbox" / "new").iterdir()]


def _what(item: Item) -> str:
    assert item.record is not None
    return str(getattr(item.record.letter, "what", ""))


def interruptions(record: Record) -> int:
    """How often a message's history says that the mail server may have had it unbeknown to us."""
    return sum(
        step.begun is not None and step.status in {Status.QUEUED, Status.DEFERRED}
        for step in record.history
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.shell.kills", description=__doc__)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--minutes", type=float, default=60.0)
    asked = parser.parse_args()
    with suppress(KeyboardInterrupt), tempfile.TemporaryDirectory() as folder:
        seconds = 60.0 * asked.minutes
        tally = asyncio.run(kill(Path(folder), asked.rounds, asked.seed, seconds=seconds))
        print(tally)
        return 1 if tally.lost or tally.broken or tally.unexplained or tally.left else 0
    return 130


if __name__ == "__main__":
    sys.exit(main())
