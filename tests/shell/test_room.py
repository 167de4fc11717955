"""Whether the disk has room for a message; who is told when it has not, and how often."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from screener.core.notice import Notice
from screener.mail.outbox import Outbox
from screener.mail.spool import RESERVE
from screener.messages.room import Room
from tests.core.lines import BOX
from tests.shell.post import MailServer, settings

HOUR = replace(BOX, limit=3600.0)
Disk = Callable[[int], None]


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """Sets what is free on every disk (bytes)."""
    usage = shutil.disk_usage(".")
    statvfs = os.statvfs

    def free(size: int) -> None:
        def asked(_: Any) -> Any:
            return usage._replace(free=size)

        def said(path: Any) -> Any:
            fields = list(statvfs(path))
            fields[0:2] = [4096, 4096]  # bytes of a block
            fields[4] = size // 4096  # blocks that are free for us
            return os.statvfs_result(fields)

        monkeypatch.setattr(shutil, "disk_usage", asked)
        monkeypatch.setattr(os, "statvfs", said)

    return free


@pytest.fixture
def room(tmp_path: Path) -> Room:
    (tmp_path / "takes").mkdir()
    outbox = Outbox(tmp_path / "outbox", settings(MailServer()))
    return Room(tmp_path / "takes", outbox, ("owner@example.net",), tmp_path / "told")


def notices(room: Room) -> list[Notice]:
    letters = [item.record.letter for item in room.outbox.items() if item.record is not None]
    return [letter for letter in letters if isinstance(letter, Notice)]


async def test_a_disk_with_room_is_no_news(room: Room, disk: Disk) -> None:
    disk(RESERVE + 16000 * 3600 + 8192)
    assert await room.for_message(HOUR, "first")
    assert notices(room) == []


async def test_a_long_message_may_have_no_room_where_a_short_one_has(
    room: Room, disk: Disk
) -> None:
    disk(RESERVE + 16000 * 3600 - 8192)
    assert not await room.for_message(HOUR, "first")
    assert await room.for_message(BOX, "first")


async def test_what_somebody_may_say_who_speaks_now_is_promised_to_nobody_else(
    room: Room, disk: Disk
) -> None:
    disk(RESERVE + 16000 * 3600 + 8192)
    with room.promised(HOUR, "first"):
        assert not await room.for_message(BOX, "second")
    assert await room.for_message(HOUR, "second")


async def test_room_for_one_is_promised_to_one_of_many_who_ask_at_once(
    room: Room, disk: Disk
) -> None:
    disk(RESERVE + 16000 * 3600 + 8192)
    found = await asyncio.gather(*(room.for_message(HOUR, str(call)) for call in range(5)))
    assert sorted(found) == [False] * 4 + [True]


async def test_what_was_promised_before_the_prompt_is_his_until_it_is_taken_back(
    room: Room, disk: Disk
) -> None:
    disk(RESERVE + 16000 * 3600 + 8192)
    assert await room.for_message(HOUR, "first")
    assert not await room.for_message(BOX, "second")
    assert await room.for_message(HOUR, "first"), "his own promise leaves him room"
    with room.promised(HOUR, "first"):
        assert not await room.for_message(BOX, "second")
    assert await room.for_message(BOX, "second")
    room.take_back("second")
    room.take_back("nobody")
    assert await room.for_message(HOUR, "third")


async def test_of_many_who_are_refused_at_once_the_owner_is_told_once(
    room: Room, disk: Disk
) -> None:
    disk(RESERVE)
    await asyncio.gather(*(room.for_message(BOX, str(call)) for call in range(5)))
    assert len(notices(room)) == 1


async def test_the_owner_is_told_once_a_day_and_a_start_changes_nothing(
    room: Room, disk: Disk
) -> None:
    disk(RESERVE)
    for _ in range(3):
        assert not await room.for_message(BOX, "first")
    assert not await replace(room).for_message(BOX, "first")
    [notice] = notices(room)
    assert notice.to == ("owner@example.net",)
    assert notice.subject == "The disk is nearly full: callers can leave no message"
    yesterday = time.time() - 86_401
    os.utime(room.told, (yesterday, yesterday))
    assert not await room.for_message(BOX, "first")
    assert len(notices(room)) == 2


async def test_the_owner_is_told_though_the_clock_was_ahead_when_he_was_told_last(
    room: Room, disk: Disk
) -> None:
    disk(RESERVE)
    assert not await room.for_message(BOX, "first")
    ahead = time.time() + 3650 * 86_400
    os.utime(room.told, (ahead, ahead))
    for _ in range(2):
        assert not await room.for_message(BOX, "first")
    assert len(notices(room)) == 2


async def test_nobody_is_told_where_there_is_no_owner(room: Room, disk: Disk) -> None:
    disk(0)
    assert not await replace(room, owner=()).for_message(BOX, "first")
    assert notices(room) == []


async def test_a_notice_that_cannot_be_kept_is_tried_again_with_the_next_caller(
    room: Room, disk: Disk, tmp_path: Path
) -> None:
    disk(0)
    (tmp_path / "outbox" / "new").rmdir()
    assert not await room.for_message(BOX, "first")
    assert not room.told.exists()
    (tmp_path / "outbox" / "new").mkdir()
    assert not await room.for_message(BOX, "first")
    assert len(notices(room)) == 1


async def test_a_folder_that_is_gone_is_no_full_disk(room: Room) -> None:
    room.takes.rmdir()
    assert await room.for_message(BOX, "first")
