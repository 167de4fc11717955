"""How number lists come about: files are read, sorted and put in the place of the old list.

A list is replaced as a whole, or not at all: an import that is ended, by whatever, leaves the old
list as it was. One import at a time; calls go on asking meanwhile.

A list remembers where it came from. Brought up to date, a list of reports takes in what is new, and
forgets nothing: what has happened has happened, and rules let it fade. A plain list is what its
files say: when one of them was changed, all are read again.
"""

from __future__ import annotations

import fcntl
import glob
import os
from array import array
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np

from screener.core.numberlist import Numbers, merged
from screener.core.numberreader import NumberReader
from screener.core.reportdate import Dates
from screener.errors import ListError
from screener.numberlists.entries import MOST_RANGES, Entries, Skipped
from screener.numberlists.listfile import Piece, pieces_of, write
from screener.numberlists.lists import Info, Opened, Source, file_of, files, folder, open_list
from screener.numberlists.pile import BATCH, Pile
from screener.numberlists.sources import STDIN, Progress, SourceFile

_TAKEN = (".csv", ".txt", ".csv.gz", ".txt.gz")
"""The files of a folder that are taken for sources."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an import has made. `before` is the list that was there, `read` the files now read."""

    info: Info
    before: Info | None
    read: tuple[Source, ...]
    skipped: Skipped


def silent(name: str, read: int, size: int) -> None:
    """Nobody watches."""


def import_files(
    data: Path,
    name: str,
    given: Sequence[str],
    country: str,
    *,
    add: bool = False,
    tell: Progress = silent,
) -> Outcome:
    """Make the list `name` of files, folders and globs; "-" is what is piped in.

    It replaces the list of that name; with `add` it takes in what that holds. `country` is where
    national numbers are read. Raises ListError; then nothing has changed.
    """
    path = file_of(data, name)
    with _locked(data):
        origins = tuple(
            one if one == STDIN else str(Path(one).expanduser().absolute()) for one in given
        )
        found = list(dict.fromkeys(file for one in origins for file in _must_find(one)))
        before = open_list(path) if path.exists() and add else None
        known = _known(before)
        found = [file for file in found if file not in known or known[file] != _seen(file)]
        if before is not None:
            origins = tuple(dict.fromkeys((*before.info.origins, *origins)))
        return _Import(path, name, country, tell).make(found, origins, before, before)


def update(data: Path, name: str, country: str, *, tell: Progress = silent) -> Outcome | None:
    """Bring the list `name` up to date with its sources; None when nothing has changed.

    Raises ListError; then nothing has changed.
    """
    path = file_of(data, name)
    with _locked(data):
        before = open_list(path)
        known = _known(before)
        found = list(dict.fromkeys(file for one in before.info.origins for file in _find(one)))
        new = [file for file in found if file not in known or known[file] != _seen(file)]
        if not new:
            return None
        work = _Import(path, name, country, tell)
        if before.info.dated or not any(file in known for file in new):
            return work.make(new, before.info.origins, before, before)
        gone = [file for file in known if file not in found]
        if gone:
            raise ListError(
                f"{name} cannot be made anew: {Path(new[0]).name} has changed, but {gone[0]}, which"
                " the list was made from, too, is no longer there; import what there is under the"
                f" same name: screener lists import FILE... --name {name}"
            )
        return work.make(found, before.info.origins, None, before)


def remove(data: Path, name: str) -> None:
    """Delete the list `name`. Raises ListError when there is none."""
    path = file_of(data, name)
    with _locked(data):
        try:
            path.unlink()
        except FileNotFoundError:
            there = ", ".join(_names(data)) or "none yet"
            raise ListError(f"there is no list {name}; there are: {there}") from None
        except OSError as error:
            raise ListError(f"{path} cannot be deleted ({error.strerror})") from None


def _names(data: Path) -> list[str]:
    return [path.stem for path in files(data)]


@contextmanager
def _locked(data: Path) -> Iterator[None]:
    """Keep other imports out, and clear away what one that was killed has left."""
    place = folder(data)
    with ExitStack() as stack:
        try:
            place.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context((place / ".lock").open("a"))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for left in place.glob(".*.new"):
                left.unlink(missing_ok=True)
        except BlockingIOError:
            raise ListError("another import is under way: try again when it has ended") from None
        except OSError as error:
            raise ListError(f"{place} cannot be written ({error.strerror})") from None
        yield


# Sources -----------------------------------------------------------------------------------------


def _must_find(origin: str) -> list[str]:
    found = _find(origin)
    if not found:
        what = f"no {', '.join(_TAKEN)} in it" if Path(origin).is_dir() else "no such file"
        raise ListError(f"{origin}: {what}")
    return found


def _find(origin: str) -> list[str]:
    """The files that a file, folder or glob stands for now."""
    path = Path(origin)
    if origin == STDIN:
        return [origin]
    if path.is_dir():
        inside = (str(file) for file in path.iterdir() if not file.name.startswith("."))
        return sorted(file for file in inside if file.lower().endswith(_TAKEN))
    if path.exists():
        return [origin]
    matches = glob.glob(origin)  # noqa: PTH207 (Path.glob takes no absolute pattern)
    return sorted(file for file in matches if Path(file).is_file())


def _known(opened: Opened | None) -> dict[str, tuple[int, int]]:
    """The sources of a list and how they were."""
    sources = opened.info.sources if opened else ()
    return {source.path: (source.size, source.mtime) for source in sources}


def _seen(file: str) -> tuple[int, int] | None:
    """How a source is now; None when it cannot be told."""
    try:
        found = os.stat(file)  # noqa: PTH116 (as many calls as there are daily files)
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


# The work ----------------------------------------------------------------------------------------


class _Import:
    """One import: reads sources, keeps what is found on a pile, and writes the list."""

    def __init__(self, path: Path, name: str, country: str, tell: Progress) -> None:
        self._path = path
        self._name = name
        self._country = country
        self._tell = tell
        self._skipped = Skipped()
        self._reader = NumberReader(country)
        self._dates = Dates(country)
        self._waiting = Entries()
        self._pairs = _Pairs()

    def make(
        self,
        found: Sequence[str],
        origins: Sequence[str],
        base: Opened | None,
        before: Opened | None,
    ) -> Outcome:
        """Read `found` and write the list; what `base` holds is taken in."""
        try:
            return self._made(found, origins, base, before)
        except OSError as error:
            raise ListError(
                f"{self._path} cannot be written ({error.strerror}): the lists are as they were"
            ) from None

    def _made(
        self,
        found: Sequence[str],
        origins: Sequence[str],
        base: Opened | None,
        before: Opened | None,
    ) -> Outcome:
        sources = [SourceFile(file, self._reader, self._dates, self._skipped) for file in found]
        with ExitStack() as stack:
            piles = {
                dated: stack.enter_context(Pile(self._path.parent, dated))
                for dated in (False, True)
            }
            dated = base.info.dated if base else None
            for source in sources:
                self._read(source, piles)
                dated = self._agreed(source, dated)
            pile = piles[bool(dated)]
            if base is not None:
                self._take_in(base, pile)
            self._refuse_nothing(pile, sources)
            info = write(
                self._path,
                self._info(bool(dated), origins, sources, base),
                pile,
                merged(self._pairs.ranges),
                merged(self._pairs.prefixes),
            )
        read = tuple(source.source for source in sources)
        return Outcome(info, before.info if before else None, read, self._skipped)

    def _info(
        self,
        dated: bool,
        origins: Sequence[str],
        sources: Sequence[SourceFile],
        base: Opened | None,
    ) -> Info:
        now = datetime.now(UTC).replace(microsecond=0)
        remembered = {source.path: source for source in base.info.sources} if base else {}
        remembered |= {source.path: source.source for source in sources}
        again = tuple(one for one in origins if one != STDIN and not Path(one).is_fifo())
        return Info(self._name, dated, self._country, now, again, tuple(remembered.values()))

    def _read(self, source: SourceFile, piles: dict[bool, Pile]) -> None:
        for entries in source.entries(self._tell):
            self._pairs.take(entries, self._path)
            waiting = self._waiting
            waiting.numbers += entries.numbers
            waiting.whens += entries.whens
            waiting.marks += entries.marks
            if len(waiting.numbers) >= BATCH:
                self._flush(piles[bool(source.dated)])
        self._flush(piles[bool(source.dated)])

    def _flush(self, pile: Pile) -> None:
        waiting, self._waiting = self._waiting, Entries()
        pile.add(_piece(waiting.numbers, waiting.whens, waiting.marks))

    def _agreed(self, source: SourceFile, dated: bool | None) -> bool | None:
        """Whether the list has dates, after this source. Raises ListError where sources differ."""
        if source.dated is None or dated is None or source.dated == dated:
            return dated if source.dated is None else source.dated
        has, others = ("dates", "none") if source.dated else ("no dates", "some")
        raise ListError(
            f"{source.name} has {has}, and the rest of the list {self._name} has {others}: a list"
            " either counts reports or just names numbers; import it under a name of its own"
        )

    def _take_in(self, base: Opened, pile: Pile) -> None:
        for piece in pieces_of(base, BATCH):
            pile.add(piece)
        self._pairs.add(base.numbers)

    def _refuse_nothing(self, pile: Pile, sources: Sequence[SourceFile]) -> None:
        if len(pile) or self._pairs.ranges or self._pairs.prefixes:
            return
        read = ", ".join(source.name for source in sources) or "nothing"
        why = "".join(f"\n  {line}" for line in self._skipped.told)
        raise ListError(f"no number was found in {read}: the lists are as they were{why}")


@dataclass(slots=True)
class _Pairs:
    """Ranges and prefixes found so far."""

    ranges: list[tuple[int, int]] = field(default_factory=list)
    prefixes: list[tuple[int, int]] = field(default_factory=list)

    def take(self, entries: Entries, path: Path) -> None:
        self.ranges += entries.ranges
        self.prefixes += entries.prefixes
        if len(self.ranges) + len(self.prefixes) > MOST_RANGES:
            raise ListError(
                f"{path.stem} would have more than {MOST_RANGES:,} ranges and prefixes, which is"
                " the limit: name the numbers instead"
            )

    def add(self, numbers: Numbers) -> None:
        self.ranges += list(pairwise(numbers.ranges))[::2]
        self.prefixes += list(pairwise(numbers.prefixes))[::2]


def _piece(numbers: array[int], whens: array[int], marks: array[int]) -> Piece:
    return (
        np.frombuffer(numbers, np.uint64),
        np.frombuffer(whens, np.uint32),
        np.frombuffer(marks, np.uint32),
    )
