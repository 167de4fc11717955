"""Unpacking a stranger's archive: nothing lands outside its folder, and it has an end.

Zip and tar (plain, gz, bz2, xz), by their content. Taken are files and folders, nothing else: no
links, no devices, no owners or rights. InstallError says what is wrong with one that is refused.
"""

from __future__ import annotations

import errno
import io
import lzma
import os
import re
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from screener.errors import InstallError

MOST_BYTES = 12_000_000_000
"""The largest model that is published unpacks to some 4 GB."""
MOST_FILES = 2_000
"""A model has some dozen files."""
# What compresses better than this is no model: speech models are numbers, and hardly shrink.
_MOST_SHRUNK = 200
_PIECE = 1 << 18
_DEEPEST = 12
# How zipfile and tarfile tell damage: ValueError is a name that is no text. gzip and bz2 raise
# OSError without a number, and EINVAL is a place before the file's beginning; a full disk is none.
_DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    ValueError,
)
_NOT_THE_DISK = (None, errno.EINVAL)
_NAME = re.compile(r"[^\x00-\x1f\x7f\\:]{1,255}")

Tell = Callable[[int], None]
"""Told how many bytes are unpacked."""


@dataclass(frozen=True, slots=True)
class _Member:
    """A file in an archive, and how it is opened."""

    name: str
    size: int
    open: Callable[[], IO[bytes] | io.RawIOBase | None]


def unpack(archive: Path, into: Path, tell: Tell = lambda _: None) -> None:
    """Unpack into a new folder. Raises InstallError, and leaves what was unpacked until then."""
    try:
        with _members(archive) as members:
            most = min(MOST_BYTES, archive.stat().st_size * _MOST_SHRUNK)
            _write(members, into, most, archive.name, tell)
    except NotImplementedError as error:
        raise InstallError(f"{archive.name} is packed in a way unknown here ({error})") from None
    except (*_DAMAGED, OSError) as error:
        if isinstance(error, OSError) and error.errno not in _NOT_THE_DISK:
            raise
        raise InstallError(f"{archive.name} is damaged ({error}): fetch it again") from None


def copy(folder: Path, into: Path, tell: Tell = lambda _: None) -> None:
    """Copy a folder's files into a new one, with the same care; links to files are followed."""
    _write(_files(folder), into, MOST_BYTES, str(folder), tell)


@contextmanager
def _members(archive: Path) -> Iterator[Iterable[_Member]]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            yield _zipped(opened, archive.name)
    elif _is_tar(archive):
        with tarfile.open(archive) as tar:
            yield _tarred(tar, archive.name)
    else:
        raise InstallError(f"{archive.name} is neither a zip nor a tar archive: {_looks(archive)}")


def _is_tar(archive: Path) -> bool:
    try:
        return tarfile.is_tarfile(archive)
    except (EOFError, zlib.error, lzma.LZMAError):  # half of a packed one
        return False


def _looks(archive: Path) -> str:
    """What a file seems to be instead."""
    with archive.open("rb") as file:
        head = file.read(512).lstrip().lower()
    if head.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "it is a web page, perhaps one that asks for a login"
    if head.startswith((b"pk", b"\x1f\x8b", b"bzh", b"\xfd7zxz")):
        return "it is only half of one; fetch it again"
    return "fetch it again"


def _zipped(archive: zipfile.ZipFile, told: str) -> Iterator[_Member]:
    for info in archive.infolist():
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise InstallError(f"{told} holds a link or a device ({info.filename!r:.80}): refused")
        if not info.filename:
            raise zipfile.BadZipFile("a file without a name")
        if info.flag_bits & 1:
            raise InstallError(f"{told} is locked with a password")
        if not info.is_dir():
            yield _Member(info.filename, info.file_size, partial(archive.open, info))


def _tarred(archive: tarfile.TarFile, told: str) -> Iterator[_Member]:
    for info in archive:
        if not (info.isreg() or info.isdir()):
            raise InstallError(f"{told} holds a link or a device ({info.name!r:.80}): refused")
        if info.isreg():
            yield _Member(info.name, info.size, partial(archive.extractfile, info))


def _files(folder: Path) -> Iterator[_Member]:
    for where, _, names in os.walk(folder):
        for name in sorted(names):
            path = Path(where, name)
            if path.is_file():
                place = path.relative_to(folder).as_posix()
                yield _Member(place, path.stat().st_size, partial(io.FileIO, path))


def _write(members: Iterable[_Member], into: Path, most: int, told: str, tell: Tell) -> None:
    into.mkdir(parents=True)
    room = min(most, shutil.disk_usage(into).free)
    written = 0
    for count, member in enumerate(members, start=1):
        if count > MOST_FILES:
            raise InstallError(f"{told} holds more than {MOST_FILES:,} files: it is no model")
        path = into / _safe(member.name, told)
        if written + member.size > room:
            raise InstallError(_too_much(told, into, room == most))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            source, target = member.open(), path.open("xb")
        except (FileExistsError, NotADirectoryError):
            raise InstallError(f"{told} holds {member.name!r:.80} twice: refused") from None
        assert source is not None  # a regular file's
        with source, target:
            while piece := source.read(_PIECE):
                written += len(piece)
                if written > room:  # the archive says less than it holds
                    raise InstallError(_too_much(told, into, room == most))
                target.write(piece)
                tell(written)
            target.flush()
            os.fsync(target.fileno())


def _too_much(told: str, into: Path, no_model: bool) -> str:
    if no_model:
        return f"{told} unpacks to more than any model does: refused"
    return f"there is no room for {told} in {into.parent}: free some space on the disk"


def _safe(name: str, told: str) -> Path:
    """A member's name as a path inside the folder."""
    parts = PurePosixPath(name).parts
    fit = parts and len(parts) <= _DEEPEST and all(_NAME.fullmatch(part) for part in parts)
    if not fit or ".." in parts or name.startswith("/"):
        raise InstallError(f"{told} would write outside its folder ({name!r:.80}): refused")
    return Path(*parts)
