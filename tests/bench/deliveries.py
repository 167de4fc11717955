"""A thousand queued mails delivered to a mail server that misbehaves, and to one that does not.

    python -m tests.bench.deliveries

The server, a process of its own, is slow, answers 4xx, drops connections, dies in the middle of
DATA (before and after the mail is on its disk) and is killed and started again, as drawn from a
seed; the pauses between attempts are short, or it would take hours. One mail in 40 is a message
with its sound, encoded beforehand. Beside it, in the same run: the same mails to a server that
behaves, by screener and, byte for byte as they came there, by bare smtplib over one connection. The
server brings every mail to disk before its 250, in all three.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import smtplib
import statistics
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from unittest.mock import patch

from screener.core import delivery
from screener.core.delivery import State
from screener.mail.mailqueue import MailQueue
from screener.mail.outbox import AT_ONCE, Outbox
from screener.sound import recording
from tests.shell import maildir
from tests.shell.kills import content, free_port, interruptions, is_whole
from tests.shell.post import LETTER, MailServer, settings, wav

QUEUED = 1000
SEED = 6
MOOD = maildir.Mood(SEED, slow=0.01, later=0.1, hangup=0.03, dies_before=0.03, dies_after=0.03)
_LIVES = (0.5, 4.0)  # seconds that the server lives until it is killed
_DOWN = (0.0, 0.3)  # seconds until it is started again
_SOUNDING = 40  # one mail in so many is a message with its sound
_SETTLED = 0.2  # of the mails: when these are delivered, growth is counted from here


@dataclass(frozen=True, slots=True)
class Delivered:
    """What came of `count` mails, of `size` bytes on average.

    `troubled`, `calm` and `bare` are seconds: to the server that misbehaves and to the one that
    does not, by screener, and by bare smtplib. `kills` is how often the server was killed, `tries`
    how many attempts were made. `repeated` mails came a second time under the same Message-ID,
    `uncaused` of them though no attempt had been interrupted. `memory` (MB), `files` and `threads`
    are the growth from the first fifth of the mails to the last.
    """

    count: int
    size: int
    troubled: float
    calm: float
    bare: float
    kills: int
    tries: int
    lost: int
    repeated: int
    uncaused: int
    memory: float
    files: int
    threads: int

    @property
    def grows(self) -> bool:
        """Whether files or threads stay open: more than attempts that were at an end just then."""
        return max(self.files, self.threads) > 2 * AT_ONCE


@dataclass
class _Held:
    """What this process holds: MB of memory, open files, threads."""

    memory: float
    files: int
    threads: int

    @classmethod
    def now(cls) -> _Held:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        memory = pages * os.sysconf("SC_PAGE_SIZE") / 1e6
        return cls(memory, len(list(Path("/proc/self/fd").iterdir())), threading.active_count())


def deliveries(count: int = QUEUED) -> Delivered:
    """Queue so many mails and deliver them, three times over."""
    with (
        tempfile.TemporaryDirectory(prefix="screener-deliveries-") as folder,
        patch.object(delivery, "FIRST_RETRY", timedelta(seconds=0.1)),
        patch.object(delivery, "LONGEST_RETRY", timedelta(seconds=1)),
    ):
        return asyncio.run(_deliveries(Path(folder), count))


async def _deliveries(folder: Path, count: int) -> Delivered:
    mails = [content(number) for number in range(count)]
    kills, held = Counter[str](), list[_Held]()
    troubled = await _by_screener(folder / "troubled", mails, MOOD, kills, held)
    calm = await _by_screener(folder / "calm", mails, maildir.Mood(), Counter(), [])
    came = [path.read_bytes() for path in (folder / "calm" / "maildir" / "new").iterdir()]
    bare = await _bare(folder / "bare", came)
    copies = _arrived(folder / "troubled")
    items = MailQueue(folder / "troubled" / "outbox").items()
    records = [item.record for item in items if item.record is not None]
    return Delivered(
        count=count,
        size=round(statistics.mean(map(len, came))),
        troubled=troubled,
        calm=calm,
        bare=bare,
        kills=kills["kills"],
        tries=sum(record.tries for record in records),
        lost=sum(not copies[record.message_id] for record in records) + count - len(records),
        repeated=copies.total() - len(copies),
        uncaused=sum(
            max(0, copies[item.record.message_id] - 1 - interruptions(item.record))
            for item in items
            if item.record is not None
        ),
        memory=max(h.memory for h in held) - held[0].memory,
        files=held[-1].files - held[0].files,
        threads=held[-1].threads - held[0].threads,
    )


async def _by_screener(
    folder: Path,
    mails: list[EmailMessage],
    mood: maildir.Mood,
    kills: Counter[str],
    held: list[_Held],
) -> float:
    """The seconds until the server has all; what is held meanwhile is appended."""
    maildir.make(folder / "maildir", mood)
    async with maildir.Process(free_port(), folder / "maildir") as server:
        outbox = Outbox(folder / "outbox", settings(MailServer(server.port)))
        await _queue(folder, outbox, mails)
        await server.start()
        begun = time.monotonic()
        running = asyncio.create_task(outbox.run())
        killing = asyncio.create_task(_killed(server, kills) if mood.seed else asyncio.sleep(0))
        await _until_sent(folder / "outbox", len(mails), running, held)
        seconds = time.monotonic() - begun
        for task in (killing, running):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
    return seconds


async def _queue(folder: Path, outbox: Outbox, mails: list[EmailMessage]) -> None:
    """Keep them all. What encoding takes is measured elsewhere: here it is done once for all."""
    take = wav(folder / "take.wav", 1.0)
    sound: Path | None = None
    for number, mail in enumerate(mails):
        if number % _SOUNDING:
            await outbox.post(LETTER.to, mail, str(number))
            continue
        name = await outbox.put(take, replace(LETTER, call=number))
        kept = folder / "outbox" / State.QUEUED / name
        if sound is None:
            sound = recording.encoded(kept, LETTER.form, LETTER.bits).path
        else:
            shutil.copyfile(sound, kept / sound.name)


async def _killed(server: maildir.Process, kills: Counter[str]) -> None:
    chance = random.Random(SEED)
    while True:
        await asyncio.sleep(chance.uniform(*_LIVES))
        server.kill()
        kills["kills"] += 1
        await asyncio.sleep(chance.uniform(*_DOWN))
        await server.start()


async def _until_sent(
    outbox: Path, count: int, running: asyncio.Task[None], held: list[_Held]
) -> None:
    waits = outbox / State.QUEUED
    left = count
    while left:
        if running.done():
            running.result()
        if left <= (1 - _SETTLED) * count:
            held.append(_Held.now())
        await asyncio.sleep(0.05)
        left = len(list(waits.iterdir()))
    held.append(_Held.now())


def _arrived(folder: Path) -> Counter[str]:
    """How often each Message-ID came, of mails that are whole."""
    copies = Counter[str]()
    for path in (folder / "maildir" / "new").iterdir():
        mail = message_from_bytes(path.read_bytes(), policy=default)
        assert isinstance(mail, EmailMessage)
        copies[mail["Message-ID"]] += is_whole(mail)
    return copies


async def _bare(folder: Path, mails: list[bytes]) -> float:
    """The same by smtplib, nothing kept: what the mail server and its disk can do."""
    maildir.make(folder / "maildir")
    async with maildir.Process(free_port(), folder / "maildir") as server:
        await server.start()
        return await asyncio.to_thread(_handed_over, server.port, mails)


def _handed_over(port: int, mails: list[bytes]) -> float:
    begun = time.monotonic()
    with smtplib.SMTP("127.0.0.1", port) as server:
        for mail in mails:
            server.sendmail("door@example.org", ["mom@example.org"], mail)
    return time.monotonic() - begun


if __name__ == "__main__":
    print(deliveries())
