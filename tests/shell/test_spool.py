"""Messages on a real disk: kept whole, moved on, shown, tried again by hand, swept."""

import errno
import os
import shutil
import tempfile
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest

from screener.core.delivery import Record, State, Status
from screener.core.notice import Notice
from screener.errors import OutboxError
from screener.mail import letterfile
from screener.mail.mailqueue import MailQueue
from screener.mail.spool import RESERVE, Spool
from tests.shell.post import LETTER, names, wav

NOW = datetime.now(UTC)
SENDER = "door@example.org"
NOTICE = Notice(("mom@example.org",), "your rules have a mistake", ("1.rules:3:1: no",))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "outbox"


@pytest.fixture
def spool(root: Path) -> Spool:
    return Spool(root)


def moved(spool: Spool, name: str, state: State) -> None:
    record = spool.begin(name, datetime.now(UTC))
    assert record is not None
    spool.write_down(record, state)


def test_what_is_kept_lies_in_queued_and_goes_where_it_is_moved(
    spool: Spool, root: Path, audio: Path
) -> None:
    name = spool.keep(audio, LETTER, SENDER)
    assert names(spool.folder(name)) == ["audio.wav", "carriage.json", "letter.json"]
    assert spool.queue(datetime.now(UTC)).keys() == {name}
    moved(spool, name, State.SENT)
    assert [(i.id, i.status) for i in MailQueue(root).items()] == [(name, Status.SENT)]
    assert spool.queue(datetime.now(UTC)) == {}
    assert spool.begin(name, datetime.now(UTC)) is None


def test_a_notice_that_a_crash_left_is_queued_and_a_part_of_a_message_is_not(
    spool: Spool, root: Path, audio: Path
) -> None:
    name = spool.keep(None, NOTICE, SENDER)
    part = spool.keep(audio, LETTER, SENDER)
    for each in (name, part):
        (root / "queued" / each).rename(root / "new" / each)
    (root / "new" / part / "audio.wav").unlink()
    assert Spool(root).recover(NOW) == [name]
    assert names(root / "new") == []
    assert [item.id for item in MailQueue(root).items()] == [name]


def test_a_start_queues_what_was_complete_and_clears_the_rest_away(
    spool: Spool, root: Path, audio: Path
) -> None:
    name = spool.keep(audio, LETTER, SENDER)
    whole = root / State.QUEUED / name
    for left, files in {
        "a-whole": ("audio.wav", "letter.json"),
        "b-no-sound": ("letter.json",),
        "c-no-letter": ("audio.wav",),
        "d-half": ("letter.json", "audio.part"),
        "e-empty": (),
    }.items():
        (root / "new" / left).mkdir()
        for file in files:
            shutil.copy(whole / file.replace(".part", ".wav"), root / "new" / left / file)
    assert spool.recover(NOW) == ["a-whole"]
    assert names(root / "new") == []
    assert {item.id for item in MailQueue(root).items()} == {name, "a-whole"}


def test_what_is_known_is_not_read_again_unless_it_is_asked_for(
    spool: Spool, root: Path, audio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten thousand messages wait for a mail server that is away: a look must not cost seconds."""
    one, two, three = (spool.keep(audio, LETTER, SENDER) for _ in range(3))
    read: list[str] = []
    load = letterfile.load

    def noticed(folder: Path) -> Record:
        read.append(folder.name)
        return load(folder)

    monkeypatch.setattr(letterfile, "load", noticed)
    assert spool.queue(NOW, {one, two}).keys() == {three}
    assert read == [three]
    MailQueue(root).retry(two)
    read.clear()
    assert spool.queue(NOW, {one, two, three}) == {two: NOW}
    assert read == []


# What is given away, and the room that there is --------------------------------------------------


def test_a_file_that_is_given_away_is_not_copied(
    spool: Spool, audio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour is 57 MB, and its caller waits."""
    inode, content = audio.stat().st_ino, audio.read_bytes()
    monkeypatch.setattr("screener.mail.spool.RESERVE", 1 << 60)  # it takes no room
    kept = spool.folder(spool.keep(audio, LETTER, SENDER, give=True)) / "audio.wav"
    assert (kept.stat().st_ino, kept.stat().st_nlink) == (inode, 1)
    assert kept.read_bytes() == content
    assert not audio.exists()


@pytest.mark.parametrize("no", [errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP])
def test_where_files_have_one_name_what_is_given_away_is_copied(
    spool: Spool, audio: Path, monkeypatch: pytest.MonkeyPatch, no: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(no, os.strerror(no))

    content = audio.read_bytes()
    monkeypatch.setattr(Path, "hardlink_to", refuse)
    kept = spool.folder(spool.keep(audio, LETTER, SENDER, give=True))
    assert names(kept) == ["audio.wav", "carriage.json", "letter.json"]
    assert (kept / "audio.wav").read_bytes() == content
    assert not audio.exists()


def test_what_is_given_away_from_another_file_system_is_copied(spool: Spool) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as elsewhere:
        audio = wav(Path(elsewhere) / "take.wav", 1.0)
        kept = spool.folder(spool.keep(audio, LETTER, SENDER, give=True)) / "audio.wav"
        assert kept.stat().st_size == 44 + 16000
        assert not audio.exists()


def test_what_cannot_be_kept_is_not_taken_away(spool: Spool, root: Path, audio: Path) -> None:
    content = audio.read_bytes()
    (root / "queued").rmdir()  # so the last step cannot be done
    with pytest.raises(OutboxError):
        spool.keep(audio, LETTER, SENDER, give=True)
    assert audio.read_bytes() == content
    assert names(root / "new") == []


def test_what_is_given_away_unfinished_has_its_header_mended(spool: Spool, audio: Path) -> None:
    content = bytearray(audio.read_bytes())
    content[4:8] = content[40:44] = bytes(4)
    audio.write_bytes(content)
    kept = spool.folder(spool.keep(audio, LETTER, SENDER, give=True)) / "audio.wav"
    assert kept.read_bytes()[40:44] == (32000).to_bytes(4, "little")


def test_the_room_is_what_is_free_less_a_reserve(
    spool: Spool, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = shutil.disk_usage(root).free
    assert abs(spool.room() - (free - RESERVE)) < 1 << 30  # others write here too
    monkeypatch.setattr("screener.mail.spool.RESERVE", 1 << 60)
    assert spool.room() == 0
    shutil.rmtree(root)
    assert spool.room() == 0


def test_what_would_not_fit_is_refused_before_anything_is_written(
    spool: Spool, root: Path, audio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("screener.mail.spool.RESERVE", 1 << 60)
    touched = (root / "new").stat().st_mtime_ns
    for source in (audio, BytesIO(audio.read_bytes())):
        with pytest.raises(OutboxError, match=r"no room left .* 0\.0 MB are needed and 0\.0 MB"):
            spool.keep(source, LETTER, SENDER)
    assert (root / "new").stat().st_mtime_ns == touched
    assert MailQueue(root).items() == []
    assert spool.keep(None, NOTICE, SENDER)  # a few lines: what is reserved is for such
