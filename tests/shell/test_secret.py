"""Secrets: where they come from, and that nobody else gets to see them."""

import errno
import subprocess
from pathlib import Path

import pytest

from screener.config import load
from screener.settings import secret
from screener.settings.surroundings import ARI_SECRET, MAIL_PASSWORD
from tests.shell.household import PLAIN, Write, changed, mistakes_of


def with_own_asterisk(text: str = PLAIN) -> str:
    return changed(
        "[mail]",
        '[asterisk]\nurl = "http://127.0.0.1:8088/ari"\nsecret_file = "secret"\n[mail]',
        text,
    )


def test_the_private_asterisks_secret_is_made_once_and_for_its_owner_only(
    write: Write, tmp_path: Path
) -> None:
    path = write(PLAIN)
    first = load(path).asterisk.secret
    assert len(first) >= 24
    assert load(path).asterisk.secret == first
    kept = [file for file in (tmp_path / "data").iterdir() if first in file.read_text()]
    assert len(kept) == 1
    assert kept[0].stat().st_mode & 0o777 == 0o600


def test_nothing_is_made_when_there_are_mistakes(write: Write, tmp_path: Path) -> None:
    mistakes_of(write(changed('"US"', '"XX"')))
    assert not (tmp_path / "data").exists()


def test_a_secret_comes_from_its_file(write: Write, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    (tmp_path / "secret").chmod(0o600)
    read = load(write(with_own_asterisk()))
    assert read.asterisk.secret == "s3cret"
    assert read.warnings == ()


def test_the_environment_goes_before_the_file(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("from the file\n")
    monkeypatch.setenv(ARI_SECRET, "from the environment")
    monkeypatch.setenv(MAIL_PASSWORD, "mail password")
    read = load(write(changed("[mail]", '[mail]\nuser = "me"', with_own_asterisk())))
    assert read.asterisk.secret == "from the environment"
    assert read.mail.password == "mail password"


def test_a_file_that_is_not_there_is_told_once_with_what_to_do(
    write: Write, tmp_path: Path
) -> None:
    path = write(with_own_asterisk())
    [told] = mistakes_of(path)
    assert "asterisk.secret_file" in told
    assert "there is no such file" in told
    command = told.split("to make it: ", 1)[1]
    subprocess.run(["sh", "-c", command], check=True)
    assert len(load(path).asterisk.secret) == 48
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


def test_a_secret_that_everybody_can_read_is_warned_of(write: Write, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    (tmp_path / "secret").chmod(0o644)
    assert "chmod 600" in load(write(with_own_asterisk())).warnings[0]


@pytest.mark.parametrize("content", ["", "\n", "two\nlines"])
def test_an_empty_or_long_secret_is_refused(write: Write, tmp_path: Path, content: str) -> None:
    (tmp_path / "secret").write_text(content)
    assert "expected a file with one line in it" in mistakes_of(write(with_own_asterisk()))[0]


def test_no_secret_is_ever_printed(write: Write, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    text = changed("[mail]", '[mail]\npassword = "hunter2"', with_own_asterisk())
    assert "s3cret" not in repr(load(write(with_own_asterisk())))
    mistakes = mistakes_of(write(text))
    assert "name that: password_file" in mistakes[0]
    assert not any("hunter2" in mistake for mistake in mistakes)


def test_a_data_folder_that_cannot_be_written_is_refused(write: Write, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file stands in its place")
    (mistake,) = mistakes_of(write(PLAIN))
    assert mistake.endswith(
        "cannot be written (File exists): give the user who runs screener the right to, or set"
        " paths.data to another folder"
    )


def test_a_disk_that_is_full_needs_room_and_no_rights(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Path) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(secret, "made", full)
    (mistake,) = mistakes_of(write(PLAIN))
    assert "cannot be written (No space left on device): make room on its disk" in mistake
