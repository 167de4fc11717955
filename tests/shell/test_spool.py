"""Messages on a real disk: kept whole, moved on, shown, tried again by hand, swept."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from screener.core.delivery import State
from screener.core.notice import Notice
from screener.errors import OutboxError
from screener.spool import Spool
from tests.shell.post import LETTER, names

SENDER = "door@example.org"
NOTICE = Notice(("mom@example.org",), "your rules have a mistake", ("1.rules:3:1: no",))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "outbox"


@pytest.fixture
def spool(root: Path) -> Spool:
    return Spool(root)


def moved(spool: Spool, name: str, state: State) -> None:
    record = spool.open(name, datetime.now(UTC))
    assert record is not None
    spool.write_down(record, state)


def test_what_is_kept_lies_in_queued_and_goes_where_it_is_moved(spool: Spool, audio: Path) -> None:
    name = spool.keep(audio, LETTER, SENDER)
    assert names(spool.folder(name)) == ["audio.wav", "letter.json"]
    assert spool.queue(datetime.now(UTC)).keys() == {name}
    moved(spool, name, State.SENT)
    assert [(item.id, item.state) for item in spool.items()] == [(name, State.SENT)]
    assert spool.queue(datetime.now(UTC)) == {}
    assert spool.open(name, datetime.now(UTC)) is None


def test_a_notice_that_a_crash_left_is_queued_and_a_part_of_a_message_is_not(
    spool: Spool, root: Path, audio: Path
) -> None:
    name = spool.keep(None, NOTICE, SENDER)
    part = spool.keep(audio, LETTER, SENDER)
    for each in (name, part):
        (root / "queued" / each).rename(root / "new" / each)
    (root / "new" / part / "audio.wav").unlink()
    assert Spool(root).recover() == [name]
    assert names(root / "new") == []
    assert [item.id for item in spool.items()] == [name]


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
    assert spool.recover() == ["a-whole"]
    assert names(root / "new") == []
    assert {item.id for item in spool.items()} == {name, "a-whole"}


@pytest.mark.parametrize("name", ["", "..", "../sent", "nothing", "/etc"])
def test_only_what_is_there_can_be_retried(spool: Spool, name: str) -> None:
    with pytest.raises(OutboxError, match="is waiting or failed"):
        spool.retry(name)


def test_only_what_was_sent_is_swept_and_only_when_old(spool: Spool, audio: Path) -> None:
    for state in (State.SENT, State.FAILED, State.QUEUED):
        moved(spool, spool.keep(audio, LETTER, SENDER), state)
    assert spool.sweep(timedelta(days=30), datetime.now(UTC) + timedelta(days=29)) == 0
    assert spool.sweep(timedelta(days=30), datetime.now(UTC) + timedelta(days=31)) == 1
    assert [item.state for item in spool.items()] == [State.QUEUED, State.FAILED]


def test_a_failed_message_that_is_tried_again_begins_anew(spool: Spool, audio: Path) -> None:
    name = spool.keep(audio, LETTER, SENDER)
    moved(spool, name, State.FAILED)
    spool.retry(name)
    now = datetime.now(UTC) + timedelta(days=3)
    assert spool.queue(now) == {name: now}
    record = spool.open(name, now)
    assert record is not None
    assert record.since == now
