"""Rule files are changed in one step or not at all, and nobody's change is overwritten."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from screener.core.amendment import number_pattern
from screener.core.withdrawal import OFF
from screener.errors import ConfigError, RulesError
from screener.rules.rulesfolder import RulesFolder

TEXT = '# turned away\nblock from +1900*, +1976*   "premium"  # dear\n\nblock name *survey*'


@pytest.fixture
def folder(tmp_path: Path) -> RulesFolder:
    (tmp_path / "2-block.rules").write_text(TEXT)
    return RulesFolder(tmp_path, "US")


def files(folder: RulesFolder) -> dict[str, bytes]:
    """Everything in the folder: a temporary file left behind would show."""
    return {path.name: path.read_bytes() for path in folder.folder.iterdir()}


def change_before_the_rename(monkeypatch: pytest.MonkeyPatch, change: Callable[[], object]) -> None:
    """Let somebody change the folder while the new file is being brought to the disk."""
    really = os.fsync

    def fsync(handle: int) -> None:
        really(handle)
        if stat.S_ISREG(os.fstat(handle).st_mode):
            change()

    monkeypatch.setattr(os, "fsync", fsync)


# Switching off -----------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [TEXT, TEXT + "\n", TEXT.replace("\n", "\r\n")])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_rule_that_is_switched_off_is_a_comment_and_no_other_line_moves(
    folder: RulesFolder, text: str, mark: bytes
) -> None:
    path = folder.folder / "2-block.rules"
    path.write_bytes(mark + text.encode())
    before = folder.read()
    rule = before.rules[0]
    off = folder.switch_off(rule, before.line(rule))
    assert off.lost == before.line(rule)
    assert path.read_bytes() == mark + text.replace(off.lost, OFF + off.lost).encode()
    assert folder.read().rules == before.rules[1:]
    assert path.read_bytes().replace(OFF.encode(), b"") == mark + text.encode()


@pytest.mark.parametrize("now", [TEXT.replace("dear", "very dear"), "# another\n" + TEXT, ""])
def test_a_rule_that_was_changed_meanwhile_is_not_switched_off(
    folder: RulesFolder, now: str
) -> None:
    read = folder.read()
    (folder.folder / "2-block.rules").write_text(now)
    with pytest.raises(RulesError, match="was changed meanwhile"):
        folder.switch_off(read.rules[0], read.line(read.rules[0]))
    assert (folder.folder / "2-block.rules").read_text() == now


# Adding and removing -----------------------------------------------------------------------------


@pytest.mark.parametrize("text", [TEXT, TEXT + "\n", TEXT.replace("\n", "\r\n"), "", "\n\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_what_is_added_and_removed_leaves_the_very_same_bytes(
    folder: RulesFolder, text: str, mark: bytes
) -> None:
    path = folder.folder / "2-block.rules"
    path.write_bytes(mark + text.encode())
    before = files(folder)
    added = folder.add('block from +1809*  "the isles"')
    assert added.rule.place == f"2-block.rules:{len(text.splitlines()) + 1}"
    assert path.read_bytes().startswith(mark + text.encode())
    removed = folder.remove(added.rule)
    assert removed.lost == 'block from +1809*  "the isles"'
    assert files(folder) == before


def test_a_rule_that_is_there_already_is_not_written_again(folder: RulesFolder) -> None:
    before = files(folder)
    added = folder.add('block name "*survey*" "by another name"')
    assert added.already
    assert added.rule.place == "2-block.rules:4"
    assert files(folder) == before


def test_a_rule_that_decides_nothing_is_added_with_the_one_that_takes_its_calls(
    folder: RulesFolder,
) -> None:
    added = folder.add("block from +19005550100")
    assert [rule.place for rule in added.taken_by] == ["2-block.rules:2"]
    assert folder.add("allow from +19005550100").taken_by == ()


def test_a_rule_goes_where_it_is_told_or_where_it_belongs(folder: RulesFolder) -> None:
    assert folder.add("allow from +14155550100").rule.place == "1-allow.rules:1"
    assert folder.add("screen withheld", file="9-last.rules").rule.place == "9-last.rules:1"
    assert folder.add("block from +1809*", first=True).rule.place == "2-block.rules:2"
    assert folder.add("block from +1808*", line=1).rule.place == "2-block.rules:1"


@pytest.mark.parametrize("file", ["x", "../x.rules", "/x.rules", ".x.rules", ".rules", "a/b.rules"])
def test_a_file_outside_the_folder_is_refused(folder: RulesFolder, file: str) -> None:
    with pytest.raises(RulesError, match="expected the name of a rule file"):
        folder.add("screen withheld", file=file)


@pytest.mark.parametrize("rule", ["alow withheld", "", "# x", "block withheld\nallow withheld"])
def test_what_is_no_rule_is_not_written(folder: RulesFolder, rule: str) -> None:
    before = files(folder)
    with pytest.raises(ConfigError):
        folder.add(rule)
    assert files(folder) == before


def test_one_value_goes_and_the_rest_of_the_line_stays(folder: RulesFolder) -> None:
    rule = folder.read().rules[0]
    removed = folder.remove(rule, number_pattern("+1900*", "US"))
    assert removed.left == 'block from +1976*   "premium"  # dear'
    assert "+1900*" in removed.lost
    now = (folder.folder / "2-block.rules").read_text()
    assert now == TEXT.replace("+1900*, ", "")


def test_several_rules_go_at_once(folder: RulesFolder) -> None:
    contents = folder.read()
    removed = folder.remove_all(contents.rules, contents)
    assert [one.rule.line for one in removed] == [2, 4]
    assert (folder.folder / "2-block.rules").read_text() == "# turned away\n\n"


def test_a_mistake_elsewhere_is_told_and_does_not_stand_in_the_way(folder: RulesFolder) -> None:
    (folder.folder / "1-allow.rules").write_text("alow withheld\n")
    added = folder.add("block from +1809*")
    assert [mistake.line for mistake in added.broken] == [1]


# The file itself ---------------------------------------------------------------------------------


def test_mode_owner_and_symbolic_link_stay(folder: RulesFolder, tmp_path: Path) -> None:
    real = tmp_path / "elsewhere" / "mine"
    real.parent.mkdir()
    path = folder.folder / "2-block.rules"
    path.rename(real)
    path.symlink_to(real)
    real.chmod(0o640)
    if os.getuid() == 0:
        os.chown(real, 1234, 4321)
    before = real.stat()
    folder.add("block from +1809*")
    after = real.stat()
    assert path.is_symlink()
    assert "+1809*" in real.read_text()
    assert (after.st_mode, after.st_uid, after.st_gid) == (
        before.st_mode,
        before.st_uid,
        before.st_gid,
    )
    assert [entry.name for entry in real.parent.iterdir()] == ["mine"]


def test_a_new_file_can_be_read_as_other_new_files_can(folder: RulesFolder, tmp_path: Path) -> None:
    folder.add("allow from +14155550100")
    usual = tmp_path / "usual"
    usual.touch()
    assert (folder.folder / "1-allow.rules").stat().st_mode == usual.stat().st_mode


def test_a_change_made_meanwhile_is_not_overwritten(
    folder: RulesFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder.folder / "2-block.rules"
    change_before_the_rename(monkeypatch, lambda: path.write_text("block withheld\n"))
    with pytest.raises(RulesError, match="changed by somebody else meanwhile"):
        folder.add("block from +1809*")
    assert files(folder) == {"2-block.rules": b"block withheld\n"}


def test_a_file_made_meanwhile_is_not_overwritten(
    folder: RulesFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder.folder / "1-allow.rules"
    change_before_the_rename(monkeypatch, lambda: path.write_text("allow withheld\n"))
    with pytest.raises(RulesError, match="changed by somebody else meanwhile"):
        folder.add("allow from +14155550100")
    assert path.read_text() == "allow withheld\n"


def test_a_line_that_is_another_by_now_is_not_removed(folder: RulesFolder) -> None:
    contents = folder.read()
    rule = contents.rules[1]
    path = folder.folder / "2-block.rules"
    for now in ("# new\n" + TEXT, ""):
        path.write_text(now)
        with pytest.raises(RulesError, match="changed meanwhile"):
            folder.remove(rule, content=contents.line(rule))
        assert path.read_text() == now


def test_one_program_at_a_time_changes_the_files(folder: RulesFolder) -> None:
    handle = os.open(folder.folder, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    adding = threading.Thread(target=folder.add, args=("block from +1809*",))
    adding.start()
    path = folder.folder / "2-block.rules"
    path.write_text(TEXT + "\nblock from +1808*")  # by the one who holds the lock
    os.close(handle)
    adding.join()
    assert path.read_text() == TEXT + "\nblock from +1808*\nblock from +1809*"


def test_many_programs_at_once_lose_no_rule(folder: RulesFolder) -> None:
    program = (
        "import sys; from pathlib import Path; from screener.rules.rulesfolder import RulesFolder\n"
        "for last in range(5): RulesFolder(Path(sys.argv[1]), 'US')"
        ".add(f'block from +1415555{sys.argv[2]}{last:03}')"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", program, str(folder.folder), str(number)])
        for number in range(3)
    ]
    assert [one.wait() for one in running] == [0, 0, 0]
    assert len(folder.read().rules) == 2 + 15


# When it cannot be written -----------------------------------------------------------------------


def test_a_full_disk_leaves_the_file_whole_and_says_so(folder: RulesFolder) -> None:
    """A real one: files of this process may not grow beyond the size that they have."""
    program = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from screener.errors import RulesError\n"
        "from screener.rules.rulesfolder import RulesFolder\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20, 20))\n"
        "try: RulesFolder(Path(sys.argv[1]), 'US').add('block from +1809*')\n"
        "except RulesError as error: print(error)"
    )
    before = files(folder)
    command = [sys.executable, "-B", "-c", program, str(folder.folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "2-block.rules was not changed (File too large): make room" in done.stdout
    assert files(folder) == before


@contextmanager
def unprivileged() -> Iterator[None]:
    """Root may write anywhere: for a while be nobody."""
    if os.getuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_that_may_not_be_written_says_so() -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders may be entered by root only
        path = Path(name) / "2-block.rules"
        path.write_text(TEXT)
        folder = RulesFolder(Path(name), "US")
        folder.read()  # what reads numbers is loaded now: nobody may not
        folder.folder.chmod(0o555)
        with (
            unprivileged(),
            pytest.raises(RulesError, match=r"was not changed \(Permission denied\): make room"),
        ):
            folder.add("block from +1809*")
        folder.folder.chmod(0o755)
        assert files(folder) == {"2-block.rules": TEXT.encode()}


def test_what_is_no_text_or_no_folder_is_a_sentence(folder: RulesFolder) -> None:
    (folder.folder / "1-allow.rules").write_bytes(b"allow withheld\n\xff\n")
    with pytest.raises(RulesError, match=r"1-allow\.rules:2:1: not UTF-8 text"):
        folder.add("block from +1809*")
    shutil.rmtree(folder.folder)
    with pytest.raises(RulesError, match="cannot be opened"):
        folder.add("block from +1809*")
