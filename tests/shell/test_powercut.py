"""The power is cut between any two things that are brought to disk: no message is lost.

What is on disk then is reckoned (powercut.py), made, and started from.
"""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from screener import replacement
from screener.core.composed import Composed
from screener.core.delivery import Delivery, State, Status
from screener.core.notice import Notice
from screener.mail import letterfile
from screener.mail.mailqueue import Item, MailQueue
from screener.mail.spool import Spool
from tests.shell.post import LETTER, names, wav
from tests.shell.powercut import Disk, watched

SENDER = "door@example.org"
NOW = datetime.now(UTC)
NOTICE = Notice(("mom@example.org",), "your rules have a mistake", ("1.rules:3:1: no",))


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A disk on which a take lies, and nothing else yet."""
    folder = tmp_path / "disk"
    (folder / "takes").mkdir(parents=True)
    wav(folder / "takes" / "take.wav", 2.0)
    return folder


@pytest.fixture
def cuts(tmp_path: Path) -> Iterator[Path]:
    """Where what cuts leave is made, each in a folder of its own."""
    return (tmp_path / f"cut{n}" for n in itertools.count())


def restarted(disk: Disk, cuts: Iterator[Path]) -> tuple[Path, list[Item]]:
    """What is there when the power is back and screener has started."""
    cut = next(cuts)
    disk.after_cut(cut)
    Spool(cut / "outbox").recover(NOW)
    queue = MailQueue(cut / "outbox")
    items = queue.items() + queue.dropped()
    assert all(item.record is not None for item in items)
    assert list((cut / "outbox" / "new").iterdir()) == []
    return cut, items


@pytest.mark.parametrize("give", [False, True])
@pytest.mark.parametrize("first", [False, True])
def test_a_recording_is_in_its_take_or_in_the_outbox_and_whole(
    disk: Path, cuts: Iterator[Path], monkeypatch: pytest.MonkeyPatch, give: bool, first: bool
) -> None:
    """`first`: it is the first that this outbox, which is not on disk yet, ever keeps."""
    sound = (disk / "takes" / "take.wav").read_bytes()
    counts = []

    def check(watched: Disk) -> None:
        cut, items = restarted(watched, cuts)
        counts.append(len(items))
        take = cut / "takes" / "take.wav"
        heard = [take.read_bytes()] if take.exists() else []
        heard += [(item.folder / "audio.wav").read_bytes() for item in items]
        assert heard
        assert set(heard) == {sound}

    if not first:
        Spool(disk / "outbox")
    with watched(disk, monkeypatch, check) as watch:
        name = Spool(disk / "outbox").keep(disk / "takes" / "take.wav", LETTER, SENDER, give=give)
        _, items = restarted(watch, cuts)
        assert [item.id for item in items] == [name]
    assert counts[0] == 0
    assert counts == sorted(counts)
    assert watch.moments >= 6


@pytest.mark.parametrize("kind", ["notice", "mail"])
def test_a_notice_or_a_composed_mail_that_is_kept_is_there(
    disk: Path, cuts: Iterator[Path], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    spool = Spool(disk / "outbox")
    mail = EmailMessage()
    mail.set_content("twelve calls\n" * 1000)

    def check(watched: Disk) -> None:
        for item in restarted(watched, cuts)[1]:
            if kind == "mail":
                assert b"twelve calls" in (item.folder / "mail.eml").read_bytes()

    with watched(disk, monkeypatch, check) as watch:
        if kind == "mail":
            name = spool.keep_mail(mail, Composed(NOTICE.to, "report"), SENDER, UTC)
        else:
            name = spool.keep(None, NOTICE, SENDER)
        assert [item.id for item in restarted(watch, cuts)[1]] == [name]


@pytest.mark.parametrize("said", list(Delivery))
def test_an_attempt_is_written_down_or_made_again(
    disk: Path, cuts: Iterator[Path], monkeypatch: pytest.MonkeyPatch, said: Delivery
) -> None:
    spool = Spool(disk / "outbox")
    name = spool.keep(disk / "takes" / "take.wav", LETTER, SENDER)
    seen = []

    def check(watched: Disk) -> None:
        [item] = restarted(watched, cuts)[1]
        assert item.id == name
        assert item.record is not None
        if item.status is Status.SENT:  # never before it is known who has it
            assert item.record.recipients[0].delivery is Delivery.ACCEPTED
        seen.append(item.record.tries)

    with watched(disk, monkeypatch, check):
        record = spool.begin(name, NOW)
        assert record is not None
        answers = dict.fromkeys(record.waiting, (said, "said"))
        spool.write_down(*record.after(answers, NOW, NOW).settled(7.0, NOW))
    assert (seen[0], seen[-1]) == (0, 1)


def test_what_is_dropped_and_brought_back_is_in_one_place(
    disk: Path, cuts: Iterator[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = Spool(disk / "outbox").keep(disk / "takes" / "take.wav", LETTER, SENDER)
    queue = MailQueue(disk / "outbox")

    def check(watched: Disk) -> None:
        assert [item.id for item in restarted(watched, cuts)[1]] == [name]

    with watched(disk, monkeypatch, check):
        queue.drop(name, NOW)
        queue.bring_back(name, NOW)


# Could these tests fail? -------------------------------------------------------------------------


def test_a_rename_that_is_not_brought_to_disk_is_found_out(
    disk: Path, cuts: Iterator[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(disk / "outbox")
    to_disk = replacement.to_disk

    def forgetful(folder: Path) -> None:
        if folder.name != State.QUEUED:
            to_disk(folder)

    monkeypatch.setattr(replacement, "to_disk", forgetful)
    with watched(disk, monkeypatch, lambda _: None) as watch:
        spool.keep(disk / "takes" / "take.wav", LETTER, SENDER, give=True)
        assert restarted(watch, cuts)[1] == []


def test_a_letter_that_is_not_brought_to_disk_is_found_out(
    disk: Path, cuts: Iterator[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def careless(folder: Path, record: object) -> None:
        (folder / "letter.json").write_text("{}")
        replacement.to_disk(folder)

    spool = Spool(disk / "outbox")
    monkeypatch.setattr(letterfile, "save", careless)
    with watched(disk, monkeypatch, lambda _: None) as watch:
        name = spool.keep(disk / "takes" / "take.wav", LETTER, SENDER)
        cut = next(cuts)
        watch.after_cut(cut)
    assert names(cut / "outbox" / "queued") == [name]
    assert (cut / "outbox" / "queued" / name / "letter.json").read_bytes() == b""
