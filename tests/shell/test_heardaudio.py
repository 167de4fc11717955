"""What calls sounded like: kept where only its owner can read it, for a while, at no price."""

from __future__ import annotations

import logging
import os
import shutil
import stat
from pathlib import Path
from typing import NamedTuple

import pytest

from screener.calls.heardaudio import LONGEST, HeardAudio
from screener.core.audio import RATE, decode_ulaw
from screener.rehearsal.clips import open_clip

MONTH = 30 * 86400.0
SOUND = bytes(range(256)) * 64


def test_what_is_kept_is_heard_again(tmp_path: Path) -> None:
    kept = HeardAudio(tmp_path, MONTH)
    kept.keep(17, SOUND[:-1])  # an odd number of bytes: RIFF fills up
    clip = open_clip(kept.path(17))
    pcm = b"".join(clip.frames())
    assert clip.remarks == []
    assert clip.seconds == (len(SOUND) - 1) / RATE
    assert pcm.startswith(decode_ulaw(SOUND[:-1]))


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        kept = HeardAudio(tmp_path, MONTH)
        kept.keep(17, SOUND)
    finally:
        os.umask(umask)
    assert stat.S_IMODE(kept.path(17).stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.path(17).parent.stat().st_mode) == 0o700
    assert [path.name for path in kept.path(17).parent.iterdir()] == ["17.wav"]


def test_of_a_long_call_its_beginning_is_kept(tmp_path: Path) -> None:
    kept = HeardAudio(tmp_path, MONTH)
    kept.keep(17, bytes(RATE) * (LONGEST + 60))
    assert open_clip(kept.path(17)).seconds == LONGEST


def test_nothing_is_kept_where_that_is_not_wanted(tmp_path: Path) -> None:
    HeardAudio(tmp_path, 0.0).keep(17, SOUND)
    HeardAudio(tmp_path, MONTH).keep(18, b"")
    assert list(tmp_path.iterdir()) == []


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def test_a_disk_that_is_nearly_full_is_left_to_messages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1 << 40, (1 << 40) - 1000, 1000))
    kept = HeardAudio(tmp_path, MONTH)
    kept.keep(17, SOUND)
    assert not kept.path(17).exists()
    assert "the disk is full" in caplog.text


def test_a_failure_is_logged_and_costs_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "heard").write_text("a file where the folder should be", encoding="ascii")
    kept = HeardAudio(tmp_path, MONTH)
    with caplog.at_level(logging.WARNING):
        kept.keep(17, SOUND)
    assert "call 17" in caplog.text
    assert kept.remove_old(0.0) == 0


def test_what_is_old_is_removed(tmp_path: Path) -> None:
    kept = HeardAudio(tmp_path, MONTH)
    assert kept.remove_old(0.0) == 0  # no call has come yet
    for number in (1, 2):
        kept.keep(number, SOUND)
    left_over = kept.path(3).with_suffix(".part")
    left_over.write_bytes(b"of a run that was killed")
    others = kept.path(4).with_name("notes.txt")
    others.write_text("the owner's own", encoding="ascii")
    now = kept.path(2).stat().st_mtime
    for path in (kept.path(1), left_over, others):
        os.utime(path, (now - MONTH - 60, now - MONTH - 60))
    assert kept.remove_old(now) == 2
    assert sorted(path.name for path in kept.path(1).parent.iterdir()) == ["2.wav", "notes.txt"]


def test_what_was_kept_goes_when_it_is_wanted_no_more(tmp_path: Path) -> None:
    HeardAudio(tmp_path, MONTH).keep(1, SOUND)
    path = HeardAudio(tmp_path, 0.0).path(1)
    assert HeardAudio(tmp_path, 0.0).remove_old(path.stat().st_mtime + 1) == 1
    assert not path.exists()


def test_a_file_that_cannot_be_removed_keeps_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    kept = HeardAudio(tmp_path, MONTH)
    for number in range(1, 6):
        kept.keep(number, SOUND)
        os.utime(kept.path(number), (1.79e9, 1.79e9))
    stuck = next(kept.path(1).parent.iterdir())  # the first that is looked at
    unlink = Path.unlink

    def refused(path: Path, missing_ok: bool = False) -> None:
        if path == stuck:
            raise PermissionError(1, "Operation not permitted", str(path))
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", refused)
    assert kept.remove_old(1.79e9 + MONTH + 1.0) == 4
    assert [*stuck.parent.iterdir()] == [stuck]
    assert f"{stuck} could not be removed" in caplog.text
