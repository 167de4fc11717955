"""Speech models in the data folder: fetched by name or from a file, proved, chosen, removed.

A model comes from its makers, a mirror, an archive or a folder; it is checked against the published
checksum, or against the one it had when it was first fetched (checksums.txt, in sha256sum's form),
unpacked beside the others, loaded once by its engine, and only then given its name.
"""

from __future__ import annotations

import difflib
import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from urllib.parse import urlsplit

from screener import recogniser, replacement
from screener.core.callerid import shown
from screener.errors import InstallError, RecogniserError
from screener.recogniser import unpacking
from screener.recogniser.catalogue import BY_NAME, PUBLISHED, Published
from screener.recogniser.download import Download, Progress
from screener.recogniser.vosk import missing_parts
from screener.settings import settingsfile
from screener.settings.surroundings import Engine

DEFAULT = "default"
"""What `use` calls the model that comes with PocketSphinx."""

Say = Callable[[str], None]
"""Is told what goes on, a line at a time."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_ARCHIVE = re.compile(r"\.(?:zip|tgz|tar(?:\.(?:gz|bz2|xz))?)")
_CHECKSUMS = "checksums.txt"
_DOWNLOADS = ".downloads"
_DEEPEST = 3  # folders around a model in an archive
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Row:
    """A model as the list shows it. `size` is on disk where it is installed, else to be fetched."""

    name: str
    language: str = ""
    size: int = 0
    licence: str = ""
    note: str = ""
    path: Path | None = None
    in_use: bool = False
    engine: Engine = Engine.VOSK


class Models:
    """The models of one front door, whose screener.toml is `file`. Raises ConfigError."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._speech = settingsfile.speech_of(file)
        self.folder = self._speech.data / recogniser.MODELS

    def in_use(self) -> Path | None:
        """The folder of the model that listens from the next start on; None: the default's."""
        return recogniser.chosen(self._speech.engine, self._speech.model, self._speech.data)[1]

    def rows(self) -> list[Row]:
        """The default, what is installed, what is used from elsewhere, what can be fetched."""
        used = self.in_use()
        here = recogniser.installed(self._speech.data)
        note = "comes with PocketSphinx"
        rows = [
            Row(DEFAULT, "English (US)", 0, "BSD", note, None, used is None, Engine.POCKETSPHINX)
        ]
        if used is not None and used not in here:
            here = [*here, used]
        rows += [self._installed(path, path == used) for path in here]
        names = {row.name for row in rows}
        rows += [
            Row(model.name, model.language, model.size, model.licence, model.note)
            for model in PUBLISHED
            if model.name not in names
        ]
        return rows

    def row(self, name: str) -> Row:
        """One of them. Raises InstallError."""
        found = next((row for row in self.rows() if row.name == name), None)
        if found is None:
            raise InstallError(f"there is no model {shown(name)}; {_nearest(name, self._names())}")
        return found

    def fetch(
        self, name: str, source: str | None, *, trust: bool, tell: Progress, say: Say
    ) -> Path:
        """Install a model and prove it; where it is. Raises InstallError.

        `source` is a file, a folder, or a mirror's address; None: its makers'. With `trust`, it
        need not be what is known by its name.
        """
        name = name.removesuffix(".zip")
        if not _NAME.fullmatch(name) or name == DEFAULT:
            raise InstallError(
                f"{shown(name)!r} cannot be a model's name: use letters, digits, dots and dashes"
            )
        if source is None and name not in BY_NAME:
            raise InstallError(
                f"{name} is not a model that Vosk's makers publish; {_nearest(name, BY_NAME)};"
                " with --from FILE it can be any"
            )
        try:
            with self._alone():
                return self._install(name, source, trust=trust, tell=tell, say=say)
        except OSError as error:
            raise InstallError(
                f"{name} cannot be installed in {self.folder} ({error.strerror or error}): make"
                " room, or give yourself the right to write there"
            ) from error

    def use(self, name: str, say: Say) -> bool:
        """Write into screener.toml that this model listens; whether that was a change.

        Raises InstallError, RecogniserError where it does not work, ConfigError.
        """
        if name == DEFAULT:
            # With auto, a model that is installed would be taken before the default.
            plain = not recogniser.installed(self._speech.data)
            keep = plain and self._speech.engine is Engine.AUTO
            engine = Engine.AUTO if keep else Engine.POCKETSPHINX
            return settingsfile.choose(self._file, engine, None)
        path = self.folder / name
        if not _NAME.fullmatch(name) or not path.is_dir():
            advice = f"first `screener models fetch {name}`"
            if name not in BY_NAME:
                here = [p.name for p in recogniser.installed(self._speech.data)]
                advice = _nearest(name, [*here, DEFAULT])
            raise InstallError(f"{shown(name)} is not installed: {advice}")
        say(f"Trying out {name}")
        recogniser.prove(path)
        fits = (Engine.AUTO, recogniser.kind_of(path))
        engine = self._speech.engine if self._speech.engine in fits else Engine.AUTO
        return settingsfile.choose(self._file, engine, path)

    def remove(self, name: str) -> None:
        """Delete an installed model, or what came of its download. Raises InstallError."""
        if not _NAME.fullmatch(name):
            raise InstallError(f"{shown(name)} is not installed")
        if name == DEFAULT:
            raise InstallError(f"{DEFAULT} comes with PocketSphinx and cannot be deleted")
        path = self.folder / name
        if path == self.in_use():
            raise InstallError(
                f"{name} is in use and is not deleted: first `screener models use default`"
            )
        parts = self._parts(name)
        if not path.is_dir() and not parts:
            raise InstallError(f"{name} is not installed")
        try:
            with self._alone():
                if path.is_dir():
                    # Out of sight in one step: half a model is never found under its name.
                    going = path.rename(path.with_name(f".{name}.{token_hex(4)}.old"))
                    shutil.rmtree(going)
                for part in parts:
                    part.unlink()
        except OSError as error:
            raise InstallError(f"{name} is not deleted ({error.strerror})") from error

    def _names(self) -> list[str]:
        return [row.name for row in self.rows()]

    def _installed(self, path: Path, used: bool) -> Row:
        known = BY_NAME.get(path.name)
        return Row(
            name=path.name if path.parent == self.folder else str(path),
            language=known.language if known else "",
            size=sum(f.stat().st_size for f in path.rglob("*") if f.is_file()),
            licence=known.licence if known else "",
            note=known.note if known else "",
            path=path,
            in_use=used,
            engine=recogniser.kind_of(path),
        )

    def _install(
        self, name: str, source: str | None, *, trust: bool, tell: Progress, say: Say
    ) -> Path:
        target = self.folder / name
        if target.exists():
            raise InstallError(
                f"{name} is installed already; to fetch it anew, first `screener models remove"
                f" {name}`"
            )
        place = _place(source, name)
        if isinstance(place, Path):
            if place.is_dir() and self.folder.resolve().is_relative_to(place.resolve()):
                raise InstallError(
                    f"{shown(str(place))} holds the folder of the models itself: name the model's"
                )
            self._put(name, place, trust=trust, say=say)
            return target
        fetched = self._download(name, place, trust=trust, tell=tell)
        try:
            self._put(name, fetched, trust=trust, say=say)
        finally:
            fetched.unlink()  # unpacked, or not what it should be
        return target

    def _put(self, name: str, place: Path, *, trust: bool, say: Say) -> None:
        """Bring what is in an archive or a folder among the models, if it is what it should be."""
        new = self.folder / f".{name}.{token_hex(4)}.new"
        checksum = "" if place.is_dir() else self._checked(name, place, trust=trust, say=say)
        say(f"{'Copying' if place.is_dir() else 'Unpacking'} {place}")
        try:
            if place.is_dir():
                unpacking.copy(place, new)
            else:
                unpacking.unpack(place, new)
            self._proved(name, _model_in(new, name), say)
        finally:
            shutil.rmtree(new, ignore_errors=True)
        if checksum:
            self._remember(name, checksum)

    def _proved(self, name: str, model: Path, say: Say) -> None:
        """Give the model its place, if its engine loads it."""
        say(f"Trying out {name}")
        try:
            recogniser.prove(model)
        except RecogniserError as error:
            told = str(error).replace(str(model), name)
            _, engine_says, why = told.partition(" says: ")
            if engine_says:
                told = f"{name} is no model that works: {why.rstrip(')')}"
            raise InstallError(f"{told.partition(': unpack')[0]}; fetch it again") from None
        model.rename(self.folder / name)
        replacement.to_disk(self.folder)

    def _download(self, name: str, address: str, *, trust: bool, tell: Progress) -> Path:
        known = BY_NAME.get(name)
        folder = self.folder / _DOWNLOADS
        folder.mkdir(parents=True, exist_ok=True)
        used = self.in_use()
        listens = "PocketSphinx's own model" if used is None else used.name
        advice = (
            f"fetch {known.address if known else address} on another machine and say `screener"
            f" models fetch {name} --from FILE`; callers are understood by {listens} as before"
        )
        whole = known.size if known and not trust and address.endswith(".zip") else None
        to = folder / (name + (_suffix(address) or ".zip"))
        return Download(address, to, whole, name, advice, tell).run()

    def _checked(self, name: str, archive: Path, *, trust: bool, say: Say) -> str:
        """The archive's SHA-256, which is what it should be as far as that is known."""
        sha256, md5 = _sums(archive)
        known = BY_NAME.get(name)
        published = known is not None and _suffix(archive.name) == ".zip"
        if known is not None and published:
            expected, found = (known.sha256, sha256) if known.sha256 else (known.md5, md5)
        else:
            expected, found = self._remembered(name), sha256
        if expected and expected != found and not trust:
            what = "as it is published" if published else "that was fetched before"
            raise InstallError(
                f"{archive.name} is not {name} {what}: its checksum is {found} and not {expected};"
                " fetch it again, or add --trust if you trust where it comes from"
            )
        if expected == found:
            say("Its checksum is " + ("the published one" if published else "what it was before"))
        else:
            say(f"No checksum is known for it; its SHA-256, {sha256}, is remembered if it works")
        return sha256

    def _remembered(self, name: str) -> str:
        known = (line.split(maxsplit=1) for line in self._checksums()[1])
        return next((words[0] for words in known if words[1:] == [name]), "")

    def _remember(self, name: str, sha256: str) -> None:
        before, lines = self._checksums()
        lines = [line for line in lines if line.split(maxsplit=1)[1:] != [name]]
        text = "".join(f"{line}\n" for line in [*lines, f"{sha256}  {name}"])
        replacement.replace(self.folder / _CHECKSUMS, before, text.encode("utf-8"))

    def _checksums(self) -> tuple[bytes | None, list[str]]:
        """What was remembered: as it is on disk (None: nothing), and its lines."""
        path = self.folder / _CHECKSUMS
        before = path.read_bytes() if path.exists() else None
        try:
            return before, before.decode("utf-8").splitlines() if before is not None else []
        except UnicodeDecodeError:
            raise InstallError(
                f"{path} is damaged: delete it (what was fetched before is not known any more then)"
            ) from None

    def _parts(self, name: str) -> list[Path]:
        """What is left of downloads of this name."""
        folder = self.folder / _DOWNLOADS
        found = folder.iterdir() if folder.is_dir() else ()
        ours = re.compile(rf"{re.escape(name)}{_ARCHIVE.pattern}(?:\.part(?:\.from)?)?")
        return [path for path in found if ours.fullmatch(path.name)]

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One screener program at a time changes the models."""
        self.folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InstallError(
                    "another screener is at the models: wait until it is done, then say it again"
                ) from None
            for left in self.folder.glob(".*.new"), self.folder.glob(".*.old"):
                for path in left:  # of one that was killed
                    shutil.rmtree(path, ignore_errors=True)
            yield
        finally:
            os.close(handle)


def _place(source: str | None, name: str) -> Path | str:
    """Where a model is to be had: a path, or an address."""
    if source is None:
        return BY_NAME[name].address
    if "://" in source:
        return _address(source, name)
    path = Path(source).expanduser()
    if not (path.is_file() or path.is_dir()):
        raise InstallError(f"there is no {shown(source)}: name an archive, a folder or an address")
    if path.is_dir():
        inside = [path / name, *(path / f"{name}{end}" for end in (".zip", ".tar.gz", ".tgz"))]
        return next((each for each in inside if each.exists()), path)
    return path


def _address(source: str, name: str) -> str:
    """Where a model is at a mirror. Raises InstallError for what no request can be made to."""
    try:
        parts = urlsplit(source)
        fit = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        (parts.hostname or "").encode("idna")
    except ValueError:  # [::1 without its end, a port that is none, a..b
        fit = False
    if not fit:
        raise InstallError(f"{shown(source)}: expected an address that begins with https://")
    if not source.partition("://")[2].partition("/")[2].isascii() or any(map(str.isspace, source)):
        raise InstallError(
            f"{shown(source)}: write what is no ASCII, and blanks, as an address has them, like %20"
        )
    return source if _suffix(parts.path) else f"{source.rstrip('/')}/{name}.zip"


def _suffix(name: str) -> str:
    """The ending of an archive's name: ".tar.gz"."""
    found = re.search(rf"{_ARCHIVE.pattern}$", name)
    return found[0] if found else ""


def _sums(path: Path) -> tuple[str, str]:
    """A file's SHA-256 and MD5."""
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            sha256.update(piece)
            md5.update(piece)
    return sha256.hexdigest(), md5.hexdigest()


def _model_in(folder: Path, name: str) -> Path:
    """The model's own folder in what was unpacked. Raises InstallError."""
    depth = [folder]
    for _ in range(_DEEPEST + 1):
        found = [each for each in depth if (each / "mdef").is_file() or not missing_parts(each)]
        if len(found) > 1:
            found = [each for each in found if each.name == name]
        if len(found) == 1:
            return found[0]
        depth = [inner for each in depth for inner in sorted(each.iterdir()) if inner.is_dir()]
    raise InstallError(
        f"{name} holds no Vosk model (am/final.mdl, conf/mfcc.conf, graph/) and no PocketSphinx"
        " model (mdef, means, ...): it is of another kind, or not all of it came"
    )


def _nearest(name: str, names: Sequence[str] | dict[str, Published]) -> str:
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f"did you mean {close[0]}?" if close else "`screener models list` shows what there is"
