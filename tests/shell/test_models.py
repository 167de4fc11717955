"""Speech models: fetched over broken lines, from files and folders, proved, chosen, removed.

The network is a mirror on loopback; the models are the suite's own Vosk model and PocketSphinx's.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
import pty
import random
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from screener import starter
from screener.cli import main
from screener.errors import ConfigError, InstallError
from screener.recogniser import catalogue, download, models, unpacking
from screener.recogniser.catalogue import Published
from screener.recogniser.download import Download
from screener.recogniser.models import Models
from screener.settings import settingsfile
from screener.settings.surroundings import Engine
from tests.fixtures import vosk_model
from tests.fixtures.mirror import Mirror

ROOT = Path(__file__).parents[2]
NAME = "vosk-model-tiny-0.1"


@pytest.fixture(scope="session")
def tiny() -> Path:
    return vosk_model.model(ROOT / ".cache")


@pytest.fixture(scope="session")
def archive(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model as its makers would publish it: NAME.zip with a folder NAME."""
    path = tmp_path_factory.mktemp("published") / f"{NAME}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in sorted(tiny.rglob("*")):
            packed.write(file, Path(NAME, file.relative_to(tiny)))
    return path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    starter.write(tmp_path / "home")
    monkeypatch.setenv("SCREENER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(download, "_PAUSE", 0.0)
    return tmp_path / "home"


@pytest.fixture
def mirror(archive: Path) -> Iterator[Mirror]:
    with Mirror({f"/{NAME}.zip": archive.read_bytes()}).up() as mirror:
        yield mirror


@pytest.fixture
def known(archive: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> Published:
    """The tiny model among those that can be fetched by name, from the mirror."""
    content = archive.read_bytes()
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    published = Published(NAME, "English (US)", len(content), "Apache 2.0", md5=md5)
    monkeypatch.setattr(catalogue, "SOURCE", mirror.address)
    monkeypatch.setitem(catalogue.BY_NAME, NAME, published)
    monkeypatch.setattr(models, "PUBLISHED", (*catalogue.PUBLISHED, published))
    return published


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["models", *map(str, words)])


def said(*words: object) -> str:
    result = run(*words)
    assert result.exit_code == 0, result.output
    return result.output


def refused(*words: object) -> str:
    """What is said on stderr, without the lines of progress before it."""
    result = run(*words)
    assert result.exit_code == 1, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.stderr.splitlines()[-1]


def leftovers(home: Path) -> list[str]:
    folder = home / "data/models"
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.name[0] == ".")


def speech(home: Path) -> dict[str, object]:
    table: dict[str, object] = tomllib.loads((home / "screener.toml").read_text())["speech"]
    return table


# Fetching ----------------------------------------------------------------------------------------


def test_a_model_is_fetched_by_its_name_proved_and_listed(home: Path, known: Published) -> None:
    told = said("fetch", NAME)
    assert f"Fetching {NAME}: 0.0 MB, 0 %" in told
    assert f"{known.size / 1e6:,.1f} MB, 100 %" in told
    assert "Its checksum is the published one" in told
    assert f"{NAME} is installed in {home / 'data/models' / NAME}" in told
    assert "it listens from the next start of screener on" in told
    row = next(line for line in said("list").splitlines() if line.startswith(NAME))
    assert row.split()[1:3] == ["in", "use"]
    assert leftovers(home) == [".downloads"]
    assert list((home / "data/models/.downloads").iterdir()) == []
    assert "is installed already" in refused("fetch", NAME)


def test_a_mirror_serves_as_well_as_its_makers(home: Path, mirror: Mirror) -> None:
    said("fetch", NAME, "--from", f"{mirror.address}/")
    said("use", "default")
    said("remove", NAME)
    said("fetch", NAME, "--from", f"{mirror.address}/{NAME}.zip")
    assert mirror.asked == ["", ""]


def test_a_line_that_breaks_is_gone_on_from(home: Path, known: Published, mirror: Mirror) -> None:
    mirror.breaks = [10_000, 20_000, 1]
    told = said("fetch", NAME)
    assert mirror.asked == ["", "bytes=10000-", "bytes=30000-", "bytes=30001-"]
    assert "Its checksum is the published one" in told


def test_what_came_before_it_broke_for_good_is_kept_for_the_next_time(
    home: Path, known: Published, mirror: Mirror
) -> None:
    mirror.breaks = [10_000, 0, 0, 0, 0]
    told = refused("fetch", NAME)
    assert "broke off at 0.0 of" in told
    assert "say the same again to go on from there" in told
    assert not (home / "data/models" / NAME).exists()
    mirror.asked.clear()
    mirror.breaks.clear()
    said("fetch", NAME)
    assert mirror.asked == ["bytes=10000-"]


def test_another_version_is_never_joined_to_the_first(
    home: Path, known: Published, mirror: Mirror
) -> None:
    mirror.breaks = [10_000, 0, 0, 0, 0]
    refused("fetch", NAME)
    mirror.etag, mirror.breaks = '"two"', []
    assert "Its checksum is the published one" in said("fetch", NAME)


@pytest.mark.parametrize("etag", ['"one"', 'W/"weak"', ""])
def test_a_server_without_ranges_begins_anew(
    home: Path, known: Published, mirror: Mirror, etag: str
) -> None:
    mirror.ranges, mirror.etag, mirror.breaks = False, etag, [10_000]
    assert "Its checksum is the published one" in said("fetch", NAME)


def test_a_server_that_does_not_say_how_much_there_is(
    home: Path, known: Published, mirror: Mirror
) -> None:
    mirror.length = False
    assert "Its checksum is the published one" in said("fetch", NAME)


def test_a_part_that_is_too_long_begins_anew(home: Path, known: Published, mirror: Mirror) -> None:
    mirror.breaks = [10_000, 0, 0, 0, 0]
    refused("fetch", NAME)
    part = home / "data/models/.downloads" / f"{NAME}.zip.part"
    part.write_bytes(bytes(known.size + 5))
    mirror.breaks = []
    assert "Its checksum is the published one" in said("fetch", NAME)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_is_busy_is_asked_again(
    home: Path, known: Published, mirror: Mirror, status: int
) -> None:
    mirror.statuses = [status, status]
    said("fetch", NAME)
    assert len(mirror.asked) == 3


def test_a_server_that_stays_busy_is_told(home: Path, known: Published, mirror: Mirror) -> None:
    mirror.statuses = [503] * 9
    assert "it answers 503" in refused("fetch", NAME)


def test_a_model_that_is_not_there_says_what_to_do(home: Path, mirror: Mirror) -> None:
    told = refused("fetch", "other", "--from", mirror.address)
    assert told.startswith(f"{mirror.address}/other.zip is not there (the server says 404); fetch")
    assert "--from FILE" in told
    mirror.statuses = [403]
    assert "is not given out (the server says 403)" in refused(
        "fetch", "x", "--from", mirror.address
    )


def test_a_machine_that_reaches_nothing_says_so_in_a_sentence(home: Path, mirror: Mirror) -> None:
    closed = Mirror({})
    with closed.up():
        pass
    told = refused("fetch", NAME, "--from", closed.address)
    assert told == (
        f"this machine cannot reach 127.0.0.1 (Connection refused): fetch {closed.address}/{NAME}"
        f".zip on another machine and say `screener models fetch {NAME} --from FILE`; callers are"
        " understood by PocketSphinx's own model as before"
    )
    assert leftovers(home) == [".downloads"]


def test_a_server_that_says_nothing_is_given_up(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tell(name: str, have: int, whole: int) -> None:
        raise AssertionError("nothing came")

    monkeypatch.setattr(download, "_SILENCE", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        made = Download(f"{address}/x.zip", home / "x.zip", None, "x", "fetch it", tell)
        with pytest.raises(InstallError, match=r"cannot reach 127\.0\.0\.1 \(it does not answer"):
            made.run()


def test_what_is_not_as_published_is_refused_before_it_is_fetched(
    home: Path, known: Published, mirror: Mirror
) -> None:
    mirror.files[f"/{NAME}.zip"] += b"x"
    assert "is not vosk-model-tiny-0.1 as it is published: it has" in refused("fetch", NAME)
    assert leftovers(home) == [".downloads"]


def test_a_wrong_checksum_is_refused_and_nothing_is_kept(
    home: Path, known: Published, mirror: Mirror
) -> None:
    content = bytearray(mirror.files[f"/{NAME}.zip"])
    content[1000] ^= 1
    mirror.files[f"/{NAME}.zip"] = bytes(content)
    told = refused("fetch", NAME)
    assert f"is not {NAME} as it is published: its checksum is" in told
    assert "--trust" in told
    assert list((home / "data/models/.downloads").iterdir()) == []
    assert not (home / "data/models" / NAME).exists()


def test_what_has_no_published_checksum_is_known_again(
    home: Path, archive: Path, tmp_path: Path
) -> None:
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    told = said("fetch", "ours", "--from", archive)
    assert f"No checksum is known for it; its SHA-256, {digest}, is remembered if it" in told
    assert (home / "data/models/checksums.txt").read_text() == f"{digest}  ours\n"
    said("use", "default")
    said("remove", "ours")
    assert "Its checksum is what it was before" in said("fetch", "ours", "--from", archive)
    said("remove", "ours")
    changed = tmp_path / "changed.zip"
    shutil.copy(archive, changed)
    with zipfile.ZipFile(changed, "a") as packed:
        packed.writestr(f"{NAME}/README", "anew")
    assert "that was fetched before: its checksum is" in refused("fetch", "ours", "--from", changed)
    said("fetch", "ours", "--from", changed, "--trust")
    newer = hashlib.sha256(changed.read_bytes()).hexdigest()
    assert (home / "data/models/checksums.txt").read_text() == f"{newer}  ours\n"


def test_progress_is_a_bar_on_a_terminal(home: Path, archive: Path, mirror: Mirror) -> None:
    command = [sys.executable, "-m", "screener", "models", "fetch", NAME, "--from", mirror.address]
    ours, theirs = pty.openpty()
    run = subprocess.run(command, stderr=theirs, stdout=subprocess.PIPE, check=True, cwd=ROOT)
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # Linux's way of saying that the other side is closed
        pass
    os.close(ours)
    assert f"Fetching {NAME}".encode() in shown
    assert "━".encode() in shown
    assert b"is installed in" in run.stdout


# Files, folders, archives ------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["zip", "tar", "tar.gz", "tar.xz", "tar.bz2"])
@pytest.mark.parametrize("around", ["", NAME, f"a/b/{NAME}"])
def test_an_archive_of_any_kind_will_do(
    home: Path, tiny: Path, tmp_path: Path, ending: str, around: str
) -> None:
    path = tmp_path / f"model.{ending}"
    if ending == "zip":
        with zipfile.ZipFile(path, "w") as packed:
            for file in tiny.rglob("*"):
                packed.write(file, Path(around, file.relative_to(tiny)))
    else:
        mode = f"w:{ending.partition('.')[2]}"
        with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]  # a mode in a variable
            tar.add(tiny, around or ".")
    said("fetch", NAME, "--from", path)
    installed = home / "data/models" / NAME
    assert (installed / "am/final.mdl").read_bytes() == (tiny / "am/final.mdl").read_bytes()


@pytest.mark.parametrize("inside", ["", NAME, "downloads/zip"])
def test_a_folder_will_do(
    home: Path, tiny: Path, archive: Path, tmp_path: Path, inside: str
) -> None:
    folder = tmp_path / "given"
    if inside == "downloads/zip":
        folder.mkdir()
        shutil.copy(archive, folder)
    else:
        shutil.copytree(tiny, folder / inside)
        graph = folder / inside / "graph/HCLG.fst"
        graph.rename(tmp_path / "elsewhere")
        graph.symlink_to(tmp_path / "elsewhere")  # as caches of models have it
    said("fetch", NAME, "--from", folder)
    installed = home / "data/models" / NAME
    assert (installed / "graph/HCLG.fst").read_bytes() == (tiny / "graph/HCLG.fst").read_bytes()
    assert not (installed / "graph/HCLG.fst").is_symlink()


def test_a_model_of_pocketsphinxs_is_installed_and_used(home: Path, tmp_path: Path) -> None:
    import pocketsphinx

    with tarfile.open(tmp_path / "en.tar.gz", "w:gz") as tar:
        tar.add(pocketsphinx.get_model_path("en-us/en-us"), "cmusphinx-en-us/model")
    said("fetch", "sphinx-en", "--from", tmp_path / "en.tar.gz")
    said("use", "sphinx-en")
    assert speech(home) == {"engine": "auto", "model": "data/models/sphinx-en"}
    assert "sphinx-en: in use" in said("show", "sphinx-en")


def zipped(path: Path, members: Sequence[tuple[str | zipfile.ZipInfo, bytes]]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members:
            packed.writestr(name, content)
    return path


def tarred(path: Path, *members: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(bytes(member.size)))
    return path


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("https://a..b/x.zip", "expected an address that begins with https://"),
        ("https://[::1/x.zip", "expected an address that begins with https://"),
        ("https://127.0.0.1:port/x.zip", "expected an address that begins with https://"),
        ("http://127.0.0.1:9/ä.zip", "as an address has them, like %20"),
        ("http://127.0.0.1:9/a b.zip", "as an address has them, like %20"),
        ("ftp://127.0.0.1/x.zip", "expected an address that begins with https://"),
    ],
)
def test_an_address_that_is_none_is_told(home: Path, source: str, what: str) -> None:
    told = refused("fetch", NAME, "--from", source)
    assert told.startswith(f"{source}: ")
    assert told.endswith(what)
    assert leftovers(home) == []


@pytest.mark.parametrize("above", [".", "data", "data/models"])
def test_the_folder_of_the_models_is_not_copied_into_itself(home: Path, above: str) -> None:
    told = refused("fetch", NAME, "--from", home / above)
    assert told.endswith("holds the folder of the models itself: name the model's")
    assert leftovers(home) == []


def test_the_default_is_not_deleted(home: Path) -> None:
    assert refused("remove", "default") == "default comes with PocketSphinx and cannot be deleted"


def test_checksums_that_are_no_text_are_told(home: Path, archive: Path) -> None:
    checksums = home / "data/models/checksums.txt"
    checksums.parent.mkdir(parents=True)
    checksums.write_bytes(b"\xff\xff")
    assert refused("fetch", NAME, "--from", archive).startswith(f"{checksums} is damaged: delete")
    assert checksums.read_bytes() == b"\xff\xff"


def linked(name: str, to: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, to
    return info


@pytest.mark.parametrize(
    "name", ["../out", "/etc/out", "a/../../out", "a\\..\\out", "C:/out", "a\nb", "x" * 300, ""]
)
def test_nothing_lands_outside(tmp_path: Path, name: str) -> None:
    path = tarred(tmp_path / "evil.tgz", tarfile.TarInfo(name))
    with pytest.raises(InstallError, match=r"would write outside its folder|neither a zip"):
        unpacking.unpack(path, tmp_path / "in/to")
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "in/out").exists()


@given(name=st.text(st.characters(codec="utf-8"), max_size=60))
def test_no_name_lands_outside(name: str) -> None:
    try:
        place = unpacking._safe(name, "x.zip")
    except InstallError:
        return
    folder = Path("/a/b")
    assert Path(os.path.normpath(folder / place)).is_relative_to(folder)
    assert Path(os.path.normpath(folder / place)) != folder


@pytest.mark.parametrize(
    "member",
    [
        linked("a", "/etc/passwd"),
        linked("a", "../../b"),
        linked("a", "b", tarfile.LNKTYPE),
        linked("a", "", tarfile.CHRTYPE),
        linked("a", "", tarfile.FIFOTYPE),
    ],
    ids=lambda info: f"{info.type.decode()} {info.linkname}",
)
def test_a_tar_with_links_or_devices_is_refused(tmp_path: Path, member: tarfile.TarInfo) -> None:
    with pytest.raises(InstallError, match="holds a link or a device"):
        unpacking.unpack(tarred(tmp_path / "evil.tgz", member), tmp_path / "to")


def test_a_zip_with_links_is_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("a")
    info.external_attr = 0o120777 << 16
    with pytest.raises(InstallError, match="holds a link or a device"):
        unpacking.unpack(zipped(tmp_path / "evil.zip", [(info, b"/etc")]), tmp_path / "to")


def test_a_bomb_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zipped(tmp_path / "bomb.zip", [("a", bytes(50_000_000))])
    with pytest.raises(InstallError, match="unpacks to more than any model does"):
        unpacking.unpack(path, tmp_path / "to")
    monkeypatch.setattr(unpacking, "MOST_FILES", 10)
    path = zipped(tmp_path / "many.zip", [(str(n), b"x") for n in range(11)])
    with pytest.raises(InstallError, match="holds more than 10 files"):
        unpacking.unpack(path, tmp_path / "too")


def test_a_zip_that_says_less_than_it_holds_has_an_end(tmp_path: Path) -> None:
    path = zipped(tmp_path / "liar.zip", [("a", bytes(10_000_000))])
    content = path.read_bytes()
    size = (10_000_000).to_bytes(4, "little")
    path.write_bytes(content.replace(size, (1000).to_bytes(4, "little")))
    with pytest.raises(InstallError):
        unpacking.unpack(path, tmp_path / "to")
    assert sum(f.stat().st_size for f in (tmp_path / "to").rglob("*") if f.is_file()) < 5_000_000


def test_one_name_twice_is_refused(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = zipped(tmp_path / "twice.zip", [("a", b"1"), ("a", b"2")])
    with pytest.raises(InstallError, match="holds 'a' twice"):
        unpacking.unpack(path, tmp_path / "to")
    path = zipped(tmp_path / "both.zip", [("a", b"1"), ("a/b", b"2")])
    with pytest.raises(InstallError, match="holds 'a/b' twice"):
        unpacking.unpack(path, tmp_path / "too")


def zip_of(files: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def tar_of(files: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


SMALL = {"m/é" + "x" * 110: b"12345", "m/am/y": bytes(range(256)) * 8}
TAR = tar_of(SMALL)
PACKED = [zip_of(SMALL), TAR, gzip.compress(TAR), bz2.compress(TAR), lzma.compress(TAR)]
TWO_BLOCKS = bz2.compress(tar_of({"m/am/y": random.Random(1).randbytes(250_000)}), 1)
WRONG = st.lists(st.tuples(st.floats(0, 0.9999), st.integers(0, 255)), min_size=1, max_size=5)


@settings(deadline=None)
@given(whole=st.sampled_from(PACKED), wrong=WRONG)
def test_a_damaged_archive_is_unpacked_or_refused(
    whole: bytes, wrong: list[tuple[float, int]]
) -> None:
    damaged = bytearray(whole)
    for place, byte in wrong:
        damaged[int(place * len(damaged))] = byte
    with tempfile.TemporaryDirectory() as folder, suppress(InstallError):
        archive = Path(folder, "x.zip")
        archive.write_bytes(damaged)
        unpacking.unpack(archive, Path(folder, "to"))


@pytest.mark.parametrize(
    ("damaged", "what"),
    [
        pytest.param(zip_of(SMALL).replace("é".encode(), b"\xff\xff"), "utf-8", id="zip's name"),
        pytest.param(TWO_BLOCKS[:-99] + bytes(99), "Invalid data stream", id="bzip2's end"),
    ],
)
def test_damage_is_not_taken_for_a_full_disk(home: Path, damaged: bytes, what: str) -> None:
    archive = home / "x.zip"
    archive.write_bytes(damaged)
    told = refused("fetch", NAME, "--from", archive)
    assert told.startswith("x.zip is damaged (")
    assert what in told
    assert told.endswith("): fetch it again")


@pytest.mark.parametrize("ending", [".zip", ".tar.gz", ".tar.xz", ".tar"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_half_an_archive_is_told(tiny: Path, tmp_path: Path, ending: str, share: float) -> None:
    whole = Path(shutil.make_archive(str(tmp_path / "whole"), FORMATS[ending], tiny))
    half = tmp_path / f"half{ending}"
    content = whole.read_bytes()
    half.write_bytes(content[: int(share * len(content))])
    try:
        unpacking.unpack(half, tmp_path / "to")
    except InstallError as refusal:
        assert "damaged" in str(refusal) or "neither a zip nor a tar" in str(refusal)
    else:  # nothing but the empty end of the tar, or of its packing, was missing
        assert share == 0.999
        for file in filter(Path.is_file, tiny.rglob("*")):
            same = tmp_path / "to" / file.relative_to(tiny)
            assert same.read_bytes() == file.read_bytes()


FORMATS = {".zip": "zip", ".tar.gz": "gztar", ".tar.xz": "xztar", ".tar": "tar"}


def test_a_web_page_is_told_as_one(home: Path, mirror: Mirror) -> None:
    mirror.files["/x.zip"] = b"<!DOCTYPE html><html>Please log in</html>"
    told = refused("fetch", "x", "--from", f"{mirror.address}/x.zip")
    assert "is a web page, perhaps one that asks for a login" in told
    assert list((home / "data/models/.downloads").iterdir()) == []


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"final.ext.raw": b"x", "mfcc.conf": b"x"}, "holds no Vosk model"),
        ({"README": b"x"}, "holds no Vosk model"),
        ({"mdef": b"x", "feat.params": b"x"}, "is not a whole PocketSphinx model"),
        (
            {"am/final.mdl": b"x", "conf/mfcc.conf": b"", "graph/HCLG.fst": b"x"},
            "is no model that works: ERROR",
        ),
    ],
)
def test_what_is_no_model_is_not_installed(
    home: Path, tmp_path: Path, content: dict[str, bytes], told: str
) -> None:
    path = zipped(tmp_path / "x.zip", list(content.items()))
    assert told in refused("fetch", "x", "--from", path)
    assert leftovers(home) == []
    assert "can be fetched" not in next(
        line for line in said("list").splitlines() if line.startswith("default")
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["fetch", "vosk-model-small-en-us"], "did you mean vosk-model-small-en-us-0.15?"),
        (["fetch", "zzz"], "`screener models list` shows what there is"),
        (["fetch", "../x"], "cannot be a model's name"),
        (["fetch", "default"], "cannot be a model's name"),
        (["fetch", ".hidden", "--from", "/"], "cannot be a model's name"),
        (["fetch", "x", "--from", "/nowhere/at/all.zip"], "there is no /nowhere/at/all.zip"),
        (["fetch", "x", "--from", "/dev/zero"], "there is no /dev/zero"),
        (["fetch", "x", "--from", "file:///etc/passwd"], "expected an address that begins with"),
        (["fetch", "x", "--from", "ftp://a/b.zip"], "expected an address that begins with"),
        (["use", "vosk-model-small-de-0.15"], "first `screener models fetch vosk-model-small-de"),
        (["use", "defualt"], "did you mean default?"),
        (["use", "../.."], "is not installed"),
        (["remove", "zzz"], "zzz is not installed"),
        (["remove", ".."], "is not installed"),
        (["show", "zzz"], "there is no model zzz"),
    ],
)
def test_what_cannot_be_done_says_what_can(home: Path, words: list[str], told: str) -> None:
    assert told in refused(*words)


def test_only_one_at_a_time_changes_the_models(home: Path, archive: Path) -> None:
    with Models(home / "screener.toml")._alone():
        assert "another screener is at the models" in refused("fetch", "x", "--from", archive)
    said("fetch", "x", "--from", archive)


def test_what_a_killed_fetch_left_is_swept_away_and_never_listens(
    home: Path, tiny: Path, archive: Path
) -> None:
    shutil.copytree(tiny, home / "data/models/.x.0123abcd.new/inner")
    assert Models(home / "screener.toml").in_use() is None
    said("fetch", NAME, "--from", archive)
    assert leftovers(home) == []


def test_removing_deletes_what_came_of_a_download(
    home: Path, known: Published, mirror: Mirror
) -> None:
    mirror.breaks = [10_000, 0, 0, 0, 0]
    refused("fetch", NAME)
    said("remove", NAME)
    assert list((home / "data/models/.downloads").iterdir()) == []


# Choosing ----------------------------------------------------------------------------------------


@pytest.fixture
def two(home: Path, tiny: Path) -> Path:
    """A house with two models, "a" and "b"."""
    for name in "ab":
        shutil.copytree(tiny, home / "data/models" / name)
    return home


def test_using_a_model_changes_its_line_and_nothing_else(two: Path) -> None:
    path = two / "screener.toml"
    before = path.read_text(encoding="utf-8").splitlines()
    path.chmod(0o640)
    said("use", "b")
    after = path.read_text(encoding="utf-8").splitlines()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert len(changed) == 1
    old, new = changed[0]
    assert old.startswith('# model = "')
    assert new.startswith('model = "data/models/b" ')
    assert old.partition("   #")[2] == new.partition("   #")[2]  # its comment
    assert path.stat().st_mode & 0o777 == 0o640
    assert "b is in use already; nothing is changed" in said("use", "b")
    assert "b is in use and is not deleted" in refused("remove", "b")
    said("use", "a")
    said("remove", "b")
    assert [row.name for row in Models(path).rows() if row.path] == ["a"]


def test_the_default_comes_back_and_stays_though_models_are_installed(two: Path) -> None:
    said("use", "a")
    said("use", "default")
    assert speech(two) == {"engine": "pocketsphinx"}
    assert Models(two / "screener.toml").in_use() is None
    said("use", "b")
    assert speech(two) == {"engine": "auto", "model": "data/models/b"}


def test_where_nothing_is_installed_the_default_is_in_use_already(home: Path) -> None:
    assert "nothing is changed" in said("use", "default")


def test_a_model_that_does_not_work_is_not_used(two: Path) -> None:
    (two / "data/models/a/graph/HCLG.fst").write_bytes(b"half")
    assert "Vosk cannot use the model" in refused("use", "a")
    assert "model" not in speech(two)


def test_a_model_is_chosen_though_the_one_before_has_gone(two: Path) -> None:
    path = two / "screener.toml"
    text = path.read_text(encoding="utf-8")
    gone = text.replace('engine = "auto"', 'engine = "vosk"\nmodel = "/gone/away"')
    path.write_text(gone + "\n[paths2]\nnonsense = 1\n", encoding="utf-8")
    said("use", "a")
    assert speech(two) == {"engine": "vosk", "model": "data/models/a"}
    said("use", "default")


def test_a_model_elsewhere_is_listed_while_it_is_used(home: Path, tiny: Path) -> None:
    path = home / "screener.toml"
    text = path.read_text(encoding="utf-8").replace("# model = ", f'model = "{tiny}" # ')
    path.write_text(text, encoding="utf-8")
    row = next(row for row in Models(path).rows() if row.in_use)
    assert (row.name, row.path) == (str(tiny), tiny)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x = 1",
        "[speech]\n",
        "[speech]",
        "[speech]\r\nengine = 'vosk' # e\r\n[mail]\r\nmodel = \"not ours\"\r\n",
        '[ speech ] # s\n  model   =   "old"   # m\nvoice = "flite:slt"',
        '[mail]\nmodel = "x"\n\n[speech]\n#model = "example"\n\n# end\n[paths]\ndata = "d"\n',
        '[speech]\nvoice = "a # b"\nmodel = "quoted \\" too"\n',
        "\ufeff[speech]\nmodel = 'x'\n",
        '[dids.x]\nbox = """\n[speech]\nmodel = "in a text"\n"""\n[speech]\nmodel = "y"\n',
    ],
)
@pytest.mark.parametrize("model", [None, 'data/models/ünïcode "x" \\ y'])
def test_any_way_of_writing_it_is_changed_rightly_or_refused(
    tmp_path: Path, text: str, model: str | None
) -> None:
    path = tmp_path / "screener.toml"
    path.write_bytes(text.encode("utf-8"))
    before = tomllib.loads(text.removeprefix("\ufeff"))
    place = tmp_path / model if model else None
    try:
        settingsfile.choose(path, Engine.AUTO, place)
    except ConfigError as refusal:
        assert "not written line by line" in str(refusal)
        assert path.read_bytes() == text.encode("utf-8")
        return
    after = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    speech = after.pop("speech", {})
    old = before.pop("speech", {})
    assert after == before
    assert speech.pop("model", None) == model
    assert speech.pop("engine", "auto") == "auto"
    assert speech == {k: v for k, v in old.items() if k not in ("model", "engine")}


@pytest.mark.parametrize(
    "text", ['speech = { engine = "auto" }\n', 'speech.engine = "auto"\n', 'speech = "x"\n']
)
def test_what_is_written_otherwise_is_left_to_its_owner(tmp_path: Path, text: str) -> None:
    path = tmp_path / "screener.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r'write model = "m" there'):
        settingsfile.choose(path, Engine.AUTO, tmp_path / "m")
    assert path.read_text(encoding="utf-8") == text


def test_a_file_that_is_a_link_stays_one(two: Path) -> None:
    real = (two / "screener.toml").rename(two / "kept.toml")
    (two / "screener.toml").symlink_to(real)
    said("use", "a")
    assert (two / "screener.toml").is_symlink()
    assert 'model = "data/models/a"' in real.read_text(encoding="utf-8")


def test_a_file_that_is_no_toml_is_told(home: Path) -> None:
    (home / "screener.toml").write_text("[speech\n")
    assert "screener.toml" in refused("use", "default")
    assert "no such file" in refused("list", "--dir", home / "nowhere")


# What is published -------------------------------------------------------------------------------


def test_what_is_published_has_all_that_is_told_of_it() -> None:
    assert len(catalogue.BY_NAME) >= len(catalogue.PUBLISHED) >= 15
    for model in catalogue.PUBLISHED:
        assert models._NAME.fullmatch(model.name)
        assert model.address == f"https://alphacephei.com/vosk/models/{model.name}.zip"
        assert 10_000_000 < model.size < download.LARGEST
        assert model.language and model.licence
        assert not model.md5 or len(bytes.fromhex(model.md5)) == 16
        assert not model.sha256 or len(bytes.fromhex(model.sha256)) == 32
        assert model.md5 or model.sha256
