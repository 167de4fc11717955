"""An Asterisk for this user: found where it lies, installed where it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from screener.asterisk import installation as installing
from screener.asterisk.installation import debian_mirror, install
from screener.errors import InstallError


def test_a_second_run_starts_no_apt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first = install(print)
    monkeypatch.setattr(installing, "_PATH", (str(tmp_path),))
    monkeypatch.setenv("PATH", str(tmp_path))
    if first.command[0].endswith("asterisk"):
        monkeypatch.setattr(installing, "_PATH", (str(Path(first.command[0]).parent),))
    assert install(print) == first


def test_without_apt_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(installing, "_PATH", (str(tmp_path),))
    with pytest.raises(InstallError, match=r"no apt-get .*asterisk\.url"):
        install(print, tmp_path / "cache")
    assert not list((tmp_path / "cache" / "screener").glob("*/"))


def test_a_folder_that_cannot_be_made_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(installing, "_PATH", (str(tmp_path),))
    (tmp_path / "file").touch()
    with pytest.raises(InstallError, match="XDG_CACHE_HOME"):
        install(print, tmp_path / "file")


@pytest.mark.parametrize(
    ("targets", "mirror"),
    [
        ("http://a.invalid/debian/\tbookworm\tmain\n", "http://a.invalid/debian/"),
        (
            "http://a.invalid/debian-security/\tbookworm-security\tmain\n"
            "http://b.invalid/extra\tbookworm\tmain\n"
            "http://a.invalid/debian\tbookworm\tcontrib\n"
            "http://c.invalid/mirror/debian\tbookworm\tmain\n",
            "http://c.invalid/mirror/debian",
        ),
        ("http://a.invalid/ubuntu\tnoble\tmain\n", None),
        ("", None),
    ],
)
def test_the_mirror_comes_from_the_machines_own_sources(targets: str, mirror: str | None) -> None:
    assert debian_mirror(targets) == mirror
