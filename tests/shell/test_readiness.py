"""What a private Asterisk's logs tell of it, and that nobody waits for one that is dead."""

from __future__ import annotations

from pathlib import Path

import pytest

from screener.asterisk.configuration import LOG
from screener.asterisk.readiness import answers, telling
from screener.errors import InstallError
from tests.shell.test_private import settings


def test_errors_are_told_once_and_without_colours(tmp_path: Path) -> None:
    error = "\x1b[1;31mERROR\x1b[0m[7]: no such port"
    (tmp_path / LOG).write_text(f"Asterisk starts\n{error}\n{error}\n", encoding="utf-8")
    assert telling(tmp_path) == "ERROR[7]: no such port"


def test_what_ended_it_is_told_before_other_errors(tmp_path: Path) -> None:
    (tmp_path / LOG).write_text("ERROR: something else\n", encoding="utf-8")
    (tmp_path / "console.log").write_text("module failed.  ASTERISK EXITING!\n", encoding="utf-8")
    assert telling(tmp_path) == "module failed.  ASTERISK EXITING!"


def test_without_an_error_its_words_are_told_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "console.log").write_bytes(b"killed \xff\n\n")
    assert telling(tmp_path) == "killed �"


def test_one_that_said_nothing_has_a_folder_to_look_into(tmp_path: Path) -> None:
    assert telling(tmp_path) == f"it said nothing; see {tmp_path}"


async def test_nobody_waits_for_one_that_is_dead(tmp_path: Path) -> None:
    asked = []

    def still_there() -> None:
        asked.append("?")
        if len(asked) == 3:
            raise InstallError("it is dead")

    with pytest.raises(InstallError, match="it is dead"):
        await answers(settings(tmp_path).asterisk, still_there)
    assert len(asked) == 3
