"""A disk that is full at each thing that the outbox writes: a word to its owner, and no loss.

Once as every single operation that fails, and once as a real small disk (tmpfs, where this user may
mount one; else no file may grow) on which the room is made smaller bit by bit.
"""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from screener.core.composed import Composed
from screener.core.delivery import Delivery, Status
from screener.core.letter import as_data
from screener.errors import OutboxError
from screener.mail.mailqueue import MailQueue
from screener.mail.spool import Spool
from tests.shell.post import LETTER, names, wav

SENDER = "door@example.org"
NOW = datetime.now(UTC)


@dataclass
class Full:
    """The disk is full when the `at`-th thing is done to it, and from then on."""

    at: int
    count: int = 0

    def refuse(self, path: object = None) -> None:
        self.count += 1
        if self.count > self.at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


@contextmanager
def full(at: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Full]:
    """Nothing that needs room can be done any more after so many things. Removing can, and so can
    reading."""
    disk = Full(at)

    def refusing(real: Callable[..., Any]) -> Callable[..., Any]:
        def operation(*arguments: Any, **named: Any) -> Any:
            disk.refuse(arguments[0])
            return real(*arguments, **named)

        return operation

    def opening(real: Callable[..., Any]) -> Callable[..., Any]:
        def opened(path: Path, mode: str = "r", *rest: Any, **named: Any) -> Any:
            if set(mode) & set("wax+"):
                disk.refuse(path)
            return real(path, mode, *rest, **named)

        return opened

    with monkeypatch.context() as patched:
        for name in ("mkdir", "fsync", "rename", "replace", "link", "utime"):
            patched.setattr(os, name, refusing(getattr(os, name)))
        patched.setattr(Path, "open", opening(Path.open))
        patched.setattr(Path, "touch", refusing(Path.touch))
        yield disk


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "outbox"


def report() -> EmailMessage:
    mail = EmailMessage()
    mail.set_content("twelve calls\n" * 100)
    return mail


Keep = Callable[[Spool, Path], str]
KEEPS: dict[str, Keep] = {
    "copied": lambda spool, take: spool.keep(take, LETTER, SENDER),
    "given": lambda spool, take: spool.keep(take, LETTER, SENDER, give=True),
    "mail": lambda spool, _: spool.keep_mail(report(), Composed(("m@x.org",), "w"), SENDER, UTC),
}


@pytest.mark.parametrize("how", list(KEEPS))
def test_what_cannot_be_kept_is_refused_and_the_recording_stays(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    spool = Spool(root)
    take = wav(tmp_path / "take.wav", 1.0)
    content = take.read_bytes()
    refused = 0
    while True:
        with full(refused, monkeypatch) as disk:
            try:
                name = KEEPS[how](spool, take)
            except OutboxError as error:
                assert "there is no room left on the disk: free some." in str(error)
            else:
                break
        refused += 1
        assert disk.count == refused
        assert take.read_bytes() == content
        assert names(root / "new") == names(root / "queued") == []
    assert refused >= 8  # each of these was one more thing that could be done
    assert names(root / "queued") == [name]
    if how != "mail":
        assert (root / "queued" / name / "audio.wav").read_bytes() == content


@pytest.mark.parametrize("said", list(Delivery))
def test_what_an_attempt_came_to_is_remembered_and_written_down_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Delivery
) -> None:
    take, at, done = wav(tmp_path / "take.wav", 1.0), 0, False
    while not done:
        root = tmp_path / f"outbox{at}"
        spool = Spool(root)
        name = spool.keep(take, LETTER, SENDER)
        with full(at, monkeypatch) as disk:
            record = spool.begin(name, NOW)  # the mail is sent all the same
            assert record is not None
            after = record.after(dict.fromkeys(record.waiting, (said, "said")), NOW, NOW)
            with suppress(OSError):  # the move may fail: outbox.py tries it again
                spool.write_down(*after.settled(7.0, NOW))
            done = disk.count <= at
        [item] = MailQueue(root).items()
        assert (item.folder / "audio.wav").read_bytes() == take.read_bytes()
        if item.status in {Status.QUEUED, Status.DEFERRED, Status.SENDING}:
            again = spool.begin(name, NOW)
            assert again is not None
            assert again.waiting == after.waiting  # who has it does not get it again
            spool.write_down(*again.settled(7.0, NOW))
        spool.queue(NOW)  # there is room again
        [item] = MailQueue(root).items()
        assert item.record is not None
        assert item.record.recipients == after.recipients
        assert item.folder.parent.name == after.settled(7.0, NOW)[1]
        at += 1
    assert at >= 3


@pytest.mark.parametrize("action", ["retry", "drop", "bring_back"])
def test_what_people_ask_for_is_done_or_refused_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    take, at, done = wav(tmp_path / "take.wav", 1.0), 0, False
    while not done:
        root = tmp_path / f"outbox{at}"
        name = Spool(root).keep(take, LETTER, SENDER)
        queue = MailQueue(root)
        if action == "bring_back":
            queue.drop(name, NOW)
        with full(at, monkeypatch) as disk:
            try:
                if action == "retry":
                    queue.retry(name)
                else:
                    getattr(queue, action)(name, NOW)
            except OutboxError as error:
                assert "no room left" in str(error)
            done = disk.count <= at
        [item] = queue.items() + queue.dropped()
        assert item.record is not None
        assert (item.folder / "audio.wav").read_bytes() == take.read_bytes()
        at += 1
    assert at >= 2


# A real disk -------------------------------------------------------------------------------------

# Fills the disk at its argument but for so many kB, keeps a message, says what came of it; frees
# it, and keeps one again. Where no disk was given, no file may grow beyond that.
CHILD = """
import json, os, resource, signal, sys
from datetime import UTC, datetime
from pathlib import Path
import screener.mail.spool
from screener.core.letter import from_data
from screener.errors import OutboxError
from screener.mail.mailqueue import MailQueue

disk, take, letter, mounted = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4] == "y"
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
letter = from_data(json.loads(letter))
screener.mail.spool.RESERVE = 0
spool = screener.mail.spool.Spool(disk / "outbox")
spool._need = lambda size: None  # what is asked beforehand has a test of its own: here it runs full
for room in range(0, 64, 4):
    if mounted:
        ballast = disk / "ballast"
        free = os.statvfs(disk)
        size = max(0, free.f_bavail * free.f_frsize - 1024 * room)
        with ballast.open("wb") as file:
            file.write(bytes(size))
    else:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024 * room, resource.RLIM_INFINITY))
    try:
        spool.keep(take, letter, "door@example.org")
        told = ""
    except OutboxError as error:
        told = str(error)
    if mounted:
        ballast.unlink()
    else:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    spool.recover(datetime.now(UTC))
    kept = [(i.folder / "audio.wav").read_bytes() == take.read_bytes()
            for i in MailQueue(disk / "outbox").items()]
    left = len(list((disk / "outbox" / "new").iterdir()))
    print(json.dumps([room, told, kept, left]), flush=True)
    for item in MailQueue(disk / "outbox").items():
        MailQueue(disk / "outbox").drop(item.id, datetime.now(UTC))
"""


def test_a_disk_that_has_less_and_less_room(tmp_path: Path) -> None:
    """20 kB of sound, and what is told of it, from no room at all to enough of it."""
    take = wav(tmp_path / "take.wav", 1.25)
    (tmp_path / "disk").mkdir()
    child = [sys.executable, "-c", CHILD, str(tmp_path / "disk"), str(take)]
    child.append(json.dumps(as_data(LETTER)))
    mount = 'mount -t tmpfs -o size=1m small "$0" && exec "$@" y'
    own = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount]
    run: dict[str, Any] = {"capture_output": True, "text": True, "timeout": 120}
    try:
        done = subprocess.run([*own, str(tmp_path / "disk"), *child], check=False, **run)
    except FileNotFoundError:
        done = None
    if done is None or (done.returncode and not done.stdout):  # this user may mount nothing
        done = subprocess.run([*child, "n"], check=False, **run)
    assert done.returncode == 0, done.stderr
    outcomes = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(outcomes) == 16
    for _, told, kept, left in outcomes:
        assert left == 0
        assert kept == ([] if told else [True])
        assert not told or told.endswith("there is no room left on the disk: free some.")
    assert outcomes[0][1]  # nothing fits into nothing
    assert not outcomes[-1][1]
