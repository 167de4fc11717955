"""A mail server in a process of its own, which may be killed: what it says 250 to is on its disk.

    python -m tests.shell.maildir PORT FOLDER

It reads from its input: each line starts a server in a fork, whose process number it prints. A mail
is written, fsynced and renamed into FOLDER/new before the 250, as a Maildir is. FOLDER/moods, where
it is, says how it behaves: see `Mood`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import secrets
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(frozen=True, slots=True)
class Mood:
    """With what probability a server is slow, says 4xx, hangs up after RCPT, or dies when it has
    been given a mail's content: before the mail is on its disk, or after that and before the 250.
    """

    seed: int = 0
    slow: float = 0.0
    later: float = 0.0
    hangup: float = 0.0
    dies_before: float = 0.0
    dies_after: float = 0.0


class Server:
    """What the server does with a mail. `log` names each mail whose 250 was never said."""

    def __init__(self, folder: Path, mood: Mood) -> None:
        self._folder = folder
        self._mood = mood
        self._chance = random.Random(mood.seed)

    def _happens(self, probability: float) -> bool:
        return self._chance.random() < probability

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._happens(self._mood.later):
            return "451 4.3.0 later"
        envelope.rcpt_tos.append(address)
        if self._happens(self._mood.hangup):
            server.transport.abort()
        return "250 OK"

    async def handle_DATA(  # noqa: N802  # aiosmtpd's name
        self, server: Any, session: Session, envelope: Envelope
    ) -> str:
        if self._happens(self._mood.slow):
            await asyncio.sleep(0.2)
        if self._happens(self._mood.later):
            return "452 4.3.1 later"
        if self._happens(self._mood.dies_before):
            server.transport.abort()
            return "421 gone"
        assert isinstance(envelope.content, bytes)
        name = store(self._folder, envelope.content)
        if self._happens(self._mood.dies_after):
            (self._folder / "unsaid" / name).touch()
            server.transport.abort()
            return "421 gone"
        return "250 kept"


def store(folder: Path, content: bytes) -> str:
    """Put a mail on disk, to stay."""
    name = secrets.token_hex(8)
    with (folder / "tmp" / name).open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    (folder / "tmp" / name).rename(folder / "new" / name)
    handle = os.open(folder / "new", os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)
    return name


def make(folder: Path, mood: Mood | None = None) -> None:
    """The folders, and how servers are to behave that are started from now on."""
    for name in ("tmp", "new", "unsaid"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "mood").write_text(json.dumps(asdict(mood or Mood())))


async def serve(port: int, folder: Path) -> None:
    mood = Mood(**json.loads((folder / "mood").read_text()))
    server = Server(folder, mood)
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(
        lambda: SMTP(server, hostname="mail.test", loop=loop), "127.0.0.1", port
    )
    os.write(1, f"{os.getpid()}\n".encode())
    await listening.serve_forever()


def main(port: int, folder: Path) -> None:
    """Start a server for each line of the input, in a fork; the one before it has been killed."""
    last = 0
    while os.read(0, 1):
        if last:
            os.waitpid(last, 0)  # until then the port is its own
        if not (last := os.fork()):
            with contextlib.suppress(KeyboardInterrupt):
                asyncio.run(serve(port, folder))
            os._exit(0)


class Process:
    """Servers, one after another, at one port, each of which may be killed."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port = port
        self.folder = folder
        self.pid = 0

    async def __aenter__(self) -> Process:
        pipe = asyncio.subprocess.PIPE
        command = (sys.executable, "-m", "tests.shell.maildir", str(self.port), str(self.folder))
        self._parent = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
        return self

    async def start(self) -> None:
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.write(b"\n")
        self.pid = int(await self._parent.stdout.readline())

    def kill(self, signal: int = 9) -> None:
        if self.pid:
            os.kill(self.pid, signal)
            self.pid = 0

    async def __aexit__(self, *_: object) -> None:
        self.kill()
        self._parent.kill()
        await self._parent.wait()

    def mails(self) -> list[bytes]:
        return [path.read_bytes() for path in (self.folder / "new").iterdir()]


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
