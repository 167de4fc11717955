"""A disk that is full at what lies beside a message: how far it has come, its transcript, the
feed's copy and cover, the marks. Nothing of it holds the message up, and it comes when it can."""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from screener import replacement
from screener.core.delivery import Delivery
from screener.core.ladder import Limit
from screener.errors import OutboxError
from screener.mail.progress import FILE, Progress, take_room
from screener.mail.spool import Spool
from screener.messages.inbox import HEARD, REMOVED, Messages
from screener.messages.subscriptions import Subscriptions
from screener.sound import cover, transcripts
from screener.web import feeds
from screener.web.feeds import address
from tests.shell.household import Write
from tests.shell.post import LETTER, MailServer, names, wav
from tests.shell.test_carriage import DAD, MOM, carry, encoded, folder
from tests.shell.test_feed import FAMILY, subscribed
from tests.shell.test_full_disk import full

__all__ = ["encoded", "folder"]  # fixtures

SENDER = "door@example.org"


@contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """No file of this process, nor of those that it starts, may have more bytes than that."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


# How far it has come ------------------------------------------------------------------------------


def test_what_was_remembered_of_a_mail_is_there_or_is_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = (
        Progress(Limit(220_000), "mp3-16k"),
        Progress(Limit(110_000), "parts", had={MOM: 1}),
    )
    before.write(tmp_path)
    at, outcomes = 0, []
    while after not in outcomes:
        with full(at, monkeypatch):
            after.write(tmp_path)
        outcomes.append(Progress.read(tmp_path))
        at += 1
    assert set(map(repr, outcomes)) <= {repr(before), repr(after)}
    assert len(outcomes) >= 3  # opened, brought to the disk, renamed
    with no_file_beyond(10):
        Progress(Limit(50_000)).write(tmp_path)
    assert Progress.read(tmp_path) == after


async def test_a_mail_goes_though_nothing_can_be_remembered_of_it(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = MailServer()
    async with server.up(data_size_limit=110_000):
        with full(0, monkeypatch):
            answers = await carry(server, folder)
        assert not (folder / FILE).exists()
        assert answers == dict.fromkeys((MOM, DAD), (Delivery.ACCEPTED, "250 kept (in 3 parts)"))
        assert len(server.ids) == 3
        await carry(server, folder)  # there is room again; a repeat can be told for one
    assert server.ids[3:] == server.ids[:3]
    assert (folder / FILE).exists()


def test_room_for_it_is_taken_when_the_message_is_kept(tmp_path: Path) -> None:
    """What is written later is written there: it needs no room, and no other file."""
    spool = Spool(tmp_path / "outbox")
    kept = spool.folder(spool.keep(wav(tmp_path / "take.wav", 1.0), LETTER, SENDER))
    there, files = (kept / FILE).stat(), names(kept)
    assert Progress.read(kept) == Progress()
    for part in range(1, 9):
        limit = Limit(110_000, 220_000, {MOM: 110_000})
        now = Progress(limit, "mp3-16k-65536/9", had={MOM: part}, done={DAD: "250 kept"})
        now.write(kept)
        assert Progress.read(kept) == now
    seen = (kept / FILE).stat()
    assert (seen.st_ino, seen.st_size, seen.st_blocks) == (
        *(there.st_ino, there.st_size, there.st_blocks),
    )
    assert names(kept) == files


def test_a_crash_in_the_middle_of_writing_leaves_what_was_before(tmp_path: Path) -> None:
    take_room(tmp_path, 2)
    for part in (1, 2):
        Progress(Limit(110_000), "parts", had={MOM: part}).write(tmp_path)
    before = (tmp_path / FILE).read_bytes()
    Progress(Limit(110_000), "parts", had={MOM: 3, DAD: 3}).write(tmp_path)
    after = (tmp_path / FILE).read_bytes()
    changed = [at for at, (one, two) in enumerate(zip(before, after, strict=True)) if one != two]
    found = []
    for at in range(changed[0], changed[-1] + 2):
        (tmp_path / FILE).write_bytes(after[:at] + before[at:])
        found.append(Progress.read(tmp_path).had)
    old, new = {MOM: 2}, {MOM: 3, DAD: 3}
    assert found == [old] * found.count(old) + [new] * found.count(new)
    assert found.count(old) > 50
    assert found[-1] == new
    Progress(Limit(110_000), "parts", had={MOM: 4}).write(tmp_path)
    assert Progress.read(tmp_path).had == {MOM: 4}


def test_what_there_is_no_room_for_is_written_anew(tmp_path: Path) -> None:
    take_room(tmp_path, 1)
    Progress(Limit(900)).write(tmp_path)
    large = Progress(
        Limit(800), done={f"{n}@example.org": "250 " + "\u202e" * 300 for n in range(9)}
    )
    large.write(tmp_path)
    assert Progress.read(tmp_path) == large
    (tmp_path / FILE).write_text('{"largest": 7, "load": "", "had": {}, "done": {}, "linked": 0}')
    assert Progress.read(tmp_path) == Progress(Limit(7, 7))  # as an earlier version wrote it
    Progress(Limit(5)).write(tmp_path)
    assert Progress.read(tmp_path) == Progress(Limit(5))


async def test_parts_that_were_taken_are_remembered_on_a_full_disk(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    take_room(folder, 2)
    monkeypatch.setattr(replacement, "write", no_room)
    server = MailServer()
    server.data = lambda: None if len(server.sizes) == 2 else "250 kept"
    async with server.up(data_size_limit=110_000):
        assert (await carry(server, folder))[MOM][0] is Delivery.WAITING
        await carry(server, folder)
    assert [i.rpartition("-")[2][:4] for i in server.ids] == ["1of3", "2of3", "3of3"]


# Its transcript -----------------------------------------------------------------------------------


def test_a_transcript_that_cannot_be_kept_is_made_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    said = json.dumps({"shown": True, "words": [["hello", 0, 1, 0.9]]})
    monkeypatch.setattr(transcripts, "_transcribed", lambda *_: said)
    message = tmp_path / "message"
    message.mkdir()
    at = 0
    while transcripts.of(message) is None:
        caplog.clear()
        with full(at, monkeypatch), caplog.at_level(logging.WARNING):
            transcripts.make(tmp_path, message)
        assert names(message) in ([], [transcripts.FILE])  # whole, or not there
        assert "cannot be kept: [Errno 28] No space left on device" in caplog.text
        at += 1
    assert at >= 3
    with no_file_beyond(10):
        (message / transcripts.FILE).unlink()
        transcripts.make(tmp_path, message)
    assert names(message) == []


# The feed's copy and cover ------------------------------------------------------------------------


async def test_what_cannot_be_encoded_for_a_feed_comes_into_it_when_there_is_room(
    write: Write,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(feeds, "_LOOK_AGAIN", 0.05)
    monkeypatch.setattr(feeds, "_TRY_AGAIN", 0.1)
    async with subscribed(write, tmp_path) as friend:
        name = friend.left(seconds=20.0)
        with no_file_beyond(8000), caplog.at_level(logging.WARNING):  # the MP3 has 80 kB
            async with asyncio.timeout(60):
                while "is not in the feed of its box" not in caplog.text:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            assert (await friend.feed()).entries == []
        assert f"message {name} is not in the feed of its box: It is a WAV file because" in (
            caplog.text
        )
        await friend.shows(["Message from Mom (+1 805 555 0142)"])
        assert caplog.text.count("is not in the feed") == 1


async def test_a_cover_that_cannot_be_kept_is_drawn_later(write: Write, tmp_path: Path) -> None:
    async with subscribed(write, tmp_path) as friend:
        friend.left(replace(FAMILY))
        feed = friend.url
        secret = Subscriptions(friend.settings.data).all()["family"].secret
        url = address(friend.links.url, secret, "cover.png")
        with no_file_beyond(4000):
            status, page, _ = await friend.get(url)
            assert status == 503
            assert b"there is no room left on the disk" in page
            assert (await friend.get(feed))[0] == 200  # the feed itself is there
        assert names(friend.settings.data / "covers") == []
        status, picture, _ = await friend.get(url)
        assert (status, picture[:4]) == (200, b"\x89PNG")


def test_no_half_cover_is_ever_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    covers, at, drawn = tmp_path / "covers", 0, False
    while not drawn:
        with full(at, monkeypatch):
            try:
                drawn = cover.of(covers, "family").exists()
            except OSError:
                assert not covers.exists() or names(covers) == []
        at += 1
    assert at >= 3


# The marks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", [HEARD, REMOVED])
def test_a_mark_that_cannot_be_made_leaves_the_message_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mark: str
) -> None:
    root, take = tmp_path / "outbox", wav(tmp_path / "take.wav", 1.0)
    name, messages = Spool(root).keep(take, LETTER, SENDER), Messages(root)
    do = messages.mark_heard if mark == HEARD else messages.remove
    with (
        full(0, monkeypatch),
        pytest.raises(OutboxError, match=f"{name} could not be marked: there is no room left on"),
    ):
        do(name)
    [kept] = messages.in_box("office")
    assert kept.new
    assert (kept.folder / "audio.wav").read_bytes() == take.read_bytes()
    do(name)
    if mark == REMOVED:
        with full(0, monkeypatch):
            messages.bring_back(name)  # what is removed needs no room
        assert messages.in_box("office")[0].new
    else:
        assert messages.in_box("office")[0].heard
