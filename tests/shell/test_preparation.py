"""Messages prepared beside delivery, by a transcriber of our own as slow as a test wants it."""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from screener.core.delivery import Status
from screener.core.notice import Notice
from screener.mail import preparation
from screener.mail.mailqueue import MailQueue
from screener.mail.outbox import AT_ONCE, Outbox
from screener.mail.spool import Spool
from screener.sound import transcripts
from tests.shell.post import LETTER, MailServer, body, settings

MANY = 10
SPOKEN = replace(LETTER, wants_transcript=True)
NOTICE = Notice(("mom@example.org",), "your rules have a mistake", ("1.rules:3:1: no",))

# Takes no second message at a time; says whose it has begun; waits until it may go on; hears the
# name of the message's folder.
TRANSCRIBER = """
import fcntl, json, sys, time
from pathlib import Path
from screener.sound.encoding import end_with_parent
end_with_parent()
place, audio = Path(sys.argv[1]), Path(sys.argv[3])
with (place / "alone").open("w") as alone:
    fcntl.flock(alone, fcntl.LOCK_EX | fcntl.LOCK_NB)
    (place / f"begun-{audio.parent.name}").touch()
    while not (place / "gate").exists():
        time.sleep(0.02)
    print(json.dumps({"shown": True, "words": [[audio.parent.name, 0, 1, 0.9]]}))
"""


class Transcriber:
    """A process for each message, which comes to no end before `open`."""

    def __init__(self, place: Path) -> None:
        self.program = (sys.executable, "-c", TRANSCRIBER, str(place))
        self._place = place

    @property
    def begun(self) -> list[str]:
        """The messages that it was given."""
        return sorted(path.name.removeprefix("begun-") for path in self._place.glob("begun-*"))

    def open(self) -> None:
        """Let it end, and all that come after it."""
        (self._place / "gate").touch()


@pytest.fixture
def transcriber(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Transcriber]:
    (tmp_path / "transcriber").mkdir()
    made = Transcriber(tmp_path / "transcriber")
    monkeypatch.setattr(transcripts, "_PROGRAM", made.program)
    monkeypatch.setattr(transcripts, "_LOADING", 3600.0)  # it is opened, not waited for
    yield made
    made.open()


@contextlib.asynccontextmanager
async def running(root: Path, server: MailServer) -> AsyncIterator[Outbox]:
    transcribe = partial(transcripts.make, root)
    outbox = Outbox(root, settings(server), transcribe=transcribe)
    task = asyncio.create_task(outbox.run())
    try:
        yield outbox
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(true: Callable[[], object], seconds: float = 120) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110  # what is waited for is in another process
            await asyncio.sleep(0.02)


def heard(server: MailServer) -> set[str]:
    """The messages whose own transcript came with them."""
    names = {str(mail["Message-ID"])[10:].partition("@")[0]: body(mail) for mail in server.mails}
    return {name for name, text in names.items() if f"  {name}" in text.splitlines()}


async def test_ten_at_once_hold_up_nothing_else_and_each_gets_its_transcript(
    tmp_path: Path, server: MailServer, audio: Path, transcriber: Transcriber
) -> None:
    """While all ten wait for the first one's, what needs none is delivered."""
    root = tmp_path / "outbox"
    async with running(root, server) as outbox:
        names = [await outbox.put(audio, replace(SPOKEN, call=n)) for n in range(1, MANY + 1)]
        await until(lambda: transcriber.begun)
        await outbox.notify(NOTICE)
        plain = [await outbox.put(audio, LETTER) for _ in range(AT_ONCE)]
        await until(lambda: len(server.mails) == 1 + len(plain))
        assert {item.status for item in MailQueue(root).items() if item.id in names} == {
            Status.QUEUED
        }
        assert len(transcriber.begun) == 1
        transcriber.open()
        await until(lambda: len(server.mails) == 1 + len(plain) + MANY)
    assert heard(server) == set(names)
    assert transcriber.begun == sorted(names)
    assert len(set(server.ids)) == len(server.ids)


async def test_who_waits_too_long_for_its_turn_goes_without(
    tmp_path: Path,
    server: MailServer,
    audio: Path,
    transcriber: Transcriber,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(preparation, "TURN", 0.2)
    async with running(tmp_path / "outbox", server) as outbox:
        for _ in range(3):
            await outbox.put(audio, SPOKEN)
        await until(lambda: len(server.mails) == 2)
        [first] = transcriber.begun
        assert heard(server) == set()
        assert caplog.text.count("has no transcript: others took too long") == 2
        transcriber.open()
        await until(lambda: len(server.mails) == 3)
    assert heard(server) == {first}


async def test_what_is_wanted_at_once_does_not_wait_for_its_transcript(
    tmp_path: Path, server: MailServer, audio: Path, transcriber: Transcriber
) -> None:
    async with running(tmp_path / "outbox", server) as outbox:
        names = [await outbox.put(audio, SPOKEN) for _ in range(2)]
        await until(lambda: transcriber.begun)
        for name in names:  # the one that is being transcribed, and the one that waits for that
            MailQueue(tmp_path / "outbox").retry(name)
        await until(lambda: len(server.mails) == 2)
        assert heard(server) == set()
        transcriber.open()
        late = await outbox.put(audio, SPOKEN)
        await until(lambda: len(server.mails) == 3)
    assert heard(server) == {late}
    assert {item.status for item in outbox.items()} == {Status.SENT}


async def test_one_that_is_dropped_meanwhile_is_not_mailed(
    tmp_path: Path, server: MailServer, audio: Path, transcriber: Transcriber
) -> None:
    root = tmp_path / "outbox"
    async with running(root, server) as outbox:
        names = [await outbox.put(audio, SPOKEN) for _ in range(3)]
        await until(lambda: transcriber.begun)
        for name in names[:2]:
            MailQueue(root).drop(name, LETTER.when)
        transcriber.open()
        await until(lambda: len(server.mails) == 1)
    assert heard(server) == set(names[2:])


# Delivers what lies in the folder at its argument, until it is killed.
CHILD = """
import asyncio, json, sys
from functools import partial
from pathlib import Path
from screener.mail.outbox import Outbox
from screener.sound import transcripts
from tests.shell.post import MailServer, settings
root, port = Path(sys.argv[1]), int(sys.argv[2])
transcripts._PROGRAM = json.loads(sys.argv[3])
transcribe = partial(transcripts.make, root)
asyncio.run(Outbox(root, settings(MailServer(port)), transcribe=transcribe).run())
"""


async def test_a_crash_in_the_middle_loses_nothing(
    tmp_path: Path, server: MailServer, audio: Path, transcriber: Transcriber
) -> None:
    root = tmp_path / "outbox"
    spool = Spool(root)
    names = [spool.keep(audio, SPOKEN, "door@example.org") for _ in range(MANY)]
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", CHILD, str(root), str(server.port), json.dumps(transcriber.program)),
    )
    try:
        await until(lambda: transcriber.begun)
    finally:
        child.send_signal(signal.SIGKILL)
        await child.wait()
    assert server.mails == []
    transcriber.open()
    async with running(root, server):
        await until(lambda: len(server.mails) == MANY)
    assert heard(server) == set(names)
    assert len(set(server.ids)) == MANY
