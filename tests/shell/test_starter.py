"""What `screener init` hands out is found in the source tree and in an installed package alike."""

import errno
import os
import shutil
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

import screener.starter
from screener import starter
from screener.errors import SetupError

TREE = Path(__file__).parents[2]
SETUPTOOLS = tomllib.loads((TREE / "pyproject.toml").read_text())["tool"]["setuptools"]


def files(folder: Path) -> list[Path]:
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("folder", starter.FOLDERS)
def test_every_starter_file_is_packed_into_the_wheel(folder: str) -> None:
    package = f"screener.starter.{folder}"
    assert SETUPTOOLS["package-dir"][package] == folder
    assert package in SETUPTOOLS["packages"]
    patterns = SETUPTOOLS["package-data"][package]
    there = files(TREE / folder)
    assert there
    for path in there:
        assert any(fnmatch(str(path), pattern) for pattern in patterns), path


def test_every_package_of_the_tree_is_packed_into_the_wheel() -> None:
    packages = {
        ".".join(path.parent.relative_to(TREE).parts)
        for path in (TREE / "screener").rglob("__init__.py")
    }
    assert packages <= set(SETUPTOOLS["packages"])


def test_a_front_door_gets_every_starter_file(tmp_path: Path) -> None:
    starter.write(tmp_path / "home")
    for folder in starter.FOLDERS:
        assert files(tmp_path / "home" / folder) == files(TREE / folder)
    assert (tmp_path / "home" / "data").is_dir()


def test_an_installed_package_hands_out_what_is_inside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in starter.FOLDERS:
        (tmp_path / "screener" / "starter" / folder).mkdir(parents=True)
    monkeypatch.setattr(screener.starter, "_HERE", tmp_path / "screener" / "starter")
    monkeypatch.setattr(screener.starter, "_TREE", tmp_path)
    assert starter.origin("rules") == tmp_path / "screener" / "starter" / "rules"


@pytest.mark.parametrize("at", [0, 1, 3, -1])
@pytest.mark.parametrize("there", [False, True])
def test_a_full_disk_leaves_nothing_and_the_target_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int, *, there: bool
) -> None:
    """At the first file, at a later one, at the last: what it began is not the owner's."""
    target = tmp_path / "home"
    if there:
        target.mkdir()
        (target / "mine").write_text("mine")
    count = sum(len(files(TREE / folder)) for folder in starter.FOLDERS)
    at = count if at < 0 else at
    copy, copied = shutil.copyfile, 0

    def copyfile(source: Path, place: Path) -> object:
        nonlocal copied
        if copied == at:
            place.touch()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(source))
        copied += 1
        return copy(source, place)

    monkeypatch.setattr(shutil, "copyfile", copyfile)
    with pytest.raises(SetupError) as caught:
        starter.write(target)
    assert str(caught.value) == f"{target}: cannot be written (No space left on device)"
    assert target.exists() is there
    assert not there or [path.name for path in target.iterdir()] == ["mine"]
    monkeypatch.undo()
    starter.write(target)
    assert (target / "screener.toml").read_text(encoding="utf-8")


def test_a_broken_installation_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screener.starter, "_HERE", tmp_path / "a" / "b")
    monkeypatch.setattr(screener.starter, "_TREE", tmp_path)
    with pytest.raises(SetupError, match="reinstall screener"):
        starter.write(tmp_path / "home")
    assert not (tmp_path / "home").exists()
