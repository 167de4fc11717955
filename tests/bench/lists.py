"""Ten million numbers: what a list of them takes, beside SQLite and beside Asterisk's own database.

    python -m tests.bench.lists             # about two minutes, 2 GB in the temporary folder
    python -m tests.bench.lists --quick     # a tenth of it

The same random numbers of the North American plan, a report each, stand in a list of screener's, in
an SQLite table with an index (as small as SQLite makes it: WITHOUT ROWID, the index is the table),
and in AstDB, of which an Asterisk is then started. Each store is asked in a process of its own, for
the same numbers in the same random order, half of them in it: 40,000 to warm up, then 40,000 that
are timed one by one. AstDB is asked in a loop of Asterisk's dialplan, from which the time of the
same loop without it is taken off.

Memory is what was added to the process, but for pages of files, and the pages of the store's file
that are in memory afterwards (mincore(2)), of which none was before.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import mmap
import multiprocessing
import os
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import psutil
from numpy.typing import NDArray
from rich.console import Console

from screener.asterisk.installation import Installation, install
from screener.core.numberlist import seconds_of
from tests.bench import table
from tests.bench.figures import Imported, Lists, Looked
from tests.calls.plain import PlainAsterisk
from tests.calls.sip import POLL, CallError
from tests.calls.stage import REPOSITORY

COUNT = 10_000_000
LINES = 1_000_000
_ASKED = 80_000
_ROUNDS = 10
_NOW = datetime(2026, 11, 20, tzinfo=UTC)
_SINCE = _NOW - timedelta(days=180)
_BLOCK = 250_000
_T = TypeVar("_T")
Tell = Callable[[str], None]


def lists(tell: Tell, installation: Installation, quick: bool = False) -> Lists:
    """Measure everything; with `quick`, a tenth of the numbers and lines."""
    count, lines = (COUNT // 10, LINES // 10) if quick else (COUNT, LINES)
    with tempfile.TemporaryDirectory(prefix="lists-") as folder:
        place = Path(folder)
        numbers, whens = _reports(count)
        asked = _questions(numbers)
        looked = []
        for fill, ask in ((_fill_list, _ask_list), (_fill_table, _ask_table)):
            path = fill(place, numbers, whens)
            looked.append(_apart(ask, path, asked, count))
            tell(_said(looked[-1]))
            path.unlink()
        database = _fill_astdb(place, numbers)
        looked.append(_apart(_ask_astdb_file, database, asked, count))
        tell(_said(looked[-1]))
        looked.append(asyncio.run(_ask_asterisk(installation, database, count)))
        tell(_said(looked[-1]))
        database.unlink()
        imported = tuple(_imports(place, lines, tell))
    return Lists(count, tuple(looked), imported)


def _said(looked: Looked) -> str:
    p99 = "" if looked.p99 is None else f", 99th percentile {looked.p99:.1f}"
    return (
        f"{looked.store}: {looked.median:.1f} us a lookup{p99}; {looked.bytes_each:.1f} bytes a"
        f" number; ready after {looked.ready:.2f} s"
    )


def _apart(work: Callable[[Path, Sequence[str], int], _T], *given: object) -> _T:
    """Do it in a fresh process, in which nothing has been loaded or cached yet."""
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh) as pool:
        return pool.submit(work, *given).result()  # type: ignore[arg-type]  # the three of `work`


# The numbers -------------------------------------------------------------------------------------


def _reports(count: int) -> tuple[NDArray[np.uint64], NDArray[np.uint32]]:
    """Different numbers, ascending, and when each was reported, within two years."""
    dice = np.random.default_rng(1)
    numbers = np.empty(0, np.uint64)
    while len(numbers) < count:
        more = dice.integers(12_000_000_000, 20_000_000_000, count // 8 + count, np.uint64)
        numbers = np.unique(np.concatenate((numbers, more)))
    numbers = np.sort(dice.choice(numbers, count, replace=False))
    last = seconds_of(_NOW)
    return numbers, dice.integers(last - 2 * 365 * 86_400, last, count, np.uint32)


def _questions(numbers: NDArray[np.uint64]) -> list[str]:
    """Numbers to ask for, half of them in the list."""
    dice = np.random.default_rng(2)
    some = dice.choice(numbers, _ASKED // 2).tolist()
    others = dice.integers(12_000_000_000, 20_000_000_000, _ASKED // 2).tolist()
    asked = [f"+{number}" for number in (*some, *others)]
    dice.shuffle(asked)
    return asked


def _blocks(
    numbers: NDArray[np.uint64], whens: NDArray[np.uint32]
) -> Iterator[tuple[list[int], list[int]]]:
    for at in range(0, len(numbers), _BLOCK):
        yield numbers[at : at + _BLOCK].tolist(), whens[at : at + _BLOCK].tolist()


# The stores --------------------------------------------------------------------------------------


def _fill_list(place: Path, numbers: NDArray[np.uint64], whens: NDArray[np.uint32]) -> Path:
    from screener.numberlists.listfile import write
    from screener.numberlists.lists import Info

    path = place / "bench.numbers"
    marks = np.zeros(len(numbers), np.uint32)
    info = Info("bench", True, "US", _NOW)
    write(path, info, [(numbers, whens, marks)], [], [])
    return path


def _fill_table(place: Path, numbers: NDArray[np.uint64], whens: NDArray[np.uint32]) -> Path:
    path = place / "table.sqlite3"
    with closing(_fresh(path)) as database:
        database.execute(
            "CREATE TABLE reports (number INTEGER, reported INTEGER,"
            " PRIMARY KEY (number, reported)) WITHOUT ROWID"
        )
        for block in _blocks(numbers, whens):
            database.executemany("INSERT INTO reports VALUES (?, ?)", zip(*block, strict=True))
        database.commit()
    return path


def _fill_astdb(place: Path, numbers: NDArray[np.uint64]) -> Path:
    """As Asterisk makes it (main/db.c): one table of keys, /FAMILY/KEY."""
    path = place / "astdb.sqlite3"
    with closing(_fresh(path)) as database:
        database.execute(
            "CREATE TABLE astdb(key VARCHAR(256), value VARCHAR(256), PRIMARY KEY(key))"
        )
        for at in range(0, len(numbers), _BLOCK):
            rows = ((f"/blocked/+{number}", "1") for number in numbers[at : at + _BLOCK].tolist())
            database.executemany("INSERT INTO astdb VALUES (?, ?)", rows)
        database.commit()
    return path


def _fresh(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path)
    database.execute("PRAGMA journal_mode = OFF")
    database.execute("PRAGMA synchronous = OFF")
    return database


def _ask_list(path: Path, asked: Sequence[str], count: int) -> Looked:
    with _Pages(path) as pages:
        began = time.perf_counter()
        from screener.numberlists.lists import open_list

        loaded = time.perf_counter() - began
        before = _own_memory()
        began = time.perf_counter() - loaded
        numbers = open_list(path).numbers
        numbers.reports(asked[0], _SINCE)
        ready = time.perf_counter() - began
        spread = _times(partial(numbers.reports, since=_SINCE), asked)
        memory = _own_memory() - before + pages.resident()
    return _looked("screener's list", path, count, memory, ready, spread)


def _ask_table(path: Path, asked: Sequence[str], count: int) -> Looked:
    question = "SELECT count(*) FROM reports WHERE number = ? AND reported >= ?"
    since = seconds_of(_SINCE)
    with _Pages(path) as pages:
        before = _own_memory()
        began = time.perf_counter()
        database = sqlite3.connect(path)

        def reports(number: str) -> int:
            found: tuple[int] = database.execute(question, (int(number), since)).fetchone()
            return found[0]

        reports(asked[0])
        ready = time.perf_counter() - began
        spread = _times(reports, asked)
        memory = _own_memory() - before + pages.resident()
    return _looked("SQLite, indexed", path, count, memory, ready, spread)


def _ask_astdb_file(path: Path, asked: Sequence[str], count: int) -> Looked:
    question = "SELECT value FROM astdb WHERE key = ?"
    with _Pages(path) as pages:
        before = _own_memory()
        began = time.perf_counter()
        database = sqlite3.connect(path)

        def value(number: str) -> object:
            return database.execute(question, (f"/blocked/{number}",)).fetchone()

        value(asked[0])
        ready = time.perf_counter() - began
        spread = _times(value, asked)
        memory = _own_memory() - before + pages.resident()
    return _looked("AstDB's file, by SQLite", path, count, memory, ready, spread)


def _looked(
    store: str, path: Path, count: int, memory: float, ready: float, spread: tuple[float, float]
) -> Looked:
    disk = path.stat().st_size / count
    return Looked(store, spread[0], spread[1], memory / count, disk, ready)


def _times(work: Callable[[str], object], asked: Sequence[str]) -> tuple[float, float]:
    """Median and 99th percentile in microseconds, all that takes time included (our clock too).

    The first half is asked for and not timed: so many pages of a file are mapped or read anew. The
    second is timed in rounds, of which the median counts: other programs may have a round or two.
    """
    half = len(asked) // 2
    for number in asked[:half]:
        work(number)
    size = half // (_REPEATED * _EACH)
    gc.disable()
    rounds = [_round(work, asked[at : at + size]) for at in range(half, len(asked), size)]
    gc.enable()
    medians, p99s = zip(*rounds, strict=True)
    return statistics.median(medians), statistics.median(p99s)


def _round(work: Callable[[str], object], asked: Sequence[str]) -> tuple[float, float]:
    times = np.empty(len(asked), np.int64)
    clock = time.perf_counter_ns
    for at, number in enumerate(asked):
        began = clock()
        work(number)
        times[at] = clock() - began
    return float(np.median(times)) / 1000, float(np.percentile(times, 99)) / 1000


# Asterisk ----------------------------------------------------------------------------------------

_REPEATED = 1_000
_EACH = 20  # lookups in a turn of the loop, so that a turn is not all that is measured
_RANDOM = "blocked/+1${RAND(200,999)}${RAND(1000000,9999999)}"
_LOOP = """exten => {name},1,Set(i=0)
 same => n,Set(begin=${{STRFTIME(,,%s%6q)}})
 same => n(again),Set(found={lookups})
 same => n,Set(i=$[${{i}} + 1])
 same => n,GotoIf($[${{i}} < {rounds}]?again)
 same => n,Set(end=${{STRFTIME(,,%s%6q)}})
 same => n,Verbose(1,{name} took $[${{end}} - ${{begin}}] us)
"""
_DIALPLAN = "[bench]\n" + "".join(
    _LOOP.format(name=name, lookups=f"${{{function}({_RANDOM})}}" * _EACH, rounds=_REPEATED)
    for name, function in (("without", "LEN"), ("with", "DB_EXISTS"))
)


class _AstDb(PlainAsterisk):
    """An Asterisk with a database that is there already."""

    def __init__(self, installation: Installation, database: Path | None) -> None:
        super().__init__(installation, _DIALPLAN)
        self._database = database

    def _write(self) -> None:
        super()._write()
        conf = self.home / "etc/asterisk.conf"  # at 3 it writes a line for each step of the loop
        conf.write_text(conf.read_text("utf-8").replace("verbose = 3", "verbose = 1"), "utf-8")
        with (self.home / "etc/modules.conf").open("a", encoding="utf-8") as modules:
            modules.write("load = func_db.so\nload = func_rand.so\nload = res_clioriginate.so\n")
        if self._database is not None:
            (self.home / "db/astdb.sqlite3").symlink_to(self._database)

    async def lookup(self) -> float:
        """Microseconds of a lookup: what a loop with one takes longer than one without."""
        took = [
            -await self.microseconds("without", n) + await self.microseconds("with", n)
            for n in range(_ROUNDS)
        ]
        return statistics.median(took)

    async def microseconds(self, loop: str, before: int) -> float:
        """What a lookup takes with its part of the loop, which ran so often `before`."""
        words = f"channel originate Local/{loop}@bench application NoOp"
        await asyncio.to_thread(self._order, words)
        for _ in range(round(120 / POLL)):
            found = re.findall(rf" {loop} took (\d+) us", self.log())
            if len(found) > before:
                return float(found[-1]) / (_REPEATED * _EACH)
            await asyncio.sleep(POLL)
        raise CallError(f"Asterisk did not end the loop {loop}:\n{self.log()[-2000:]}")

    def _order(self, words: str) -> None:
        conf = str(self.home / "etc/asterisk.conf")
        subprocess.run(
            [*self._installation.command, "-C", conf, "-rx", words],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=60,
        )


async def _ask_asterisk(installation: Installation, database: Path, count: int) -> Looked:
    began = time.perf_counter()
    async with _AstDb(installation, None):
        empty = time.perf_counter() - began
    with _Pages(database) as pages:
        began = time.perf_counter()
        async with _AstDb(installation, database) as asterisk:
            ready = time.perf_counter() - began - empty
            process = psutil.Process(asterisk.pid)
            before = _anonymous(process)
            took = await asterisk.lookup()
            memory = _anonymous(process) - before + pages.resident()
            each = memory / count, pages.size / count
    return Looked("AstDB, by Asterisk", took, None, *each, max(ready, 0.0))


# Memory ------------------------------------------------------------------------------------------


def _own_memory() -> int:
    gc.collect()
    return _anonymous(psutil.Process())


def _anonymous(process: psutil.Process) -> int:
    """Bytes that a process has for itself, pages of files not counted."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    found = re.search(r"^RssAnon:\s+(\d+) kB", status, re.M)
    assert found is not None
    return 1024 * int(found[1])


class _Pages:
    """The pages of a file that are in memory: at first none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.size = path.stat().st_size

    def __enter__(self) -> _Pages:
        opened = os.open(self._path, os.O_RDONLY)
        os.fsync(opened)
        os.posix_fadvise(opened, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(opened)
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def resident(self) -> int:
        """Bytes of the file that are in memory now (mincore(2))."""
        with self._path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, flags=mmap.MAP_PRIVATE)  # writable: never written
            there = (ctypes.c_ubyte * -(-len(mapped) // mmap.PAGESIZE))()
            window = (ctypes.c_char * len(mapped)).from_buffer(mapped)
            library = ctypes.CDLL(None, use_errno=True)
            size = ctypes.c_size_t(len(mapped))
            failed = library.mincore(ctypes.c_void_p(ctypes.addressof(window)), size, there)
            if failed:
                raise OSError(ctypes.get_errno(), "mincore")
            del window
            mapped.close()
        return mmap.PAGESIZE * int((np.frombuffer(bytes(there), np.uint8) & 1).sum())


# Imports -----------------------------------------------------------------------------------------

_FTC = (
    "Company_Phone_Number,Created_Date,Violation_Date,Consumer_City,Consumer_State,"
    "Consumer_Area_Code,Subject,Recorded_Message_Or_Robocall\n"
)


def _imports(place: Path, lines: int, tell: Tell) -> Iterator[Imported]:
    for form, write in (("FTC complaints", _write_ftc), ("plain numbers", _write_plain)):
        path = place / "source.csv"
        write(path, lines)
        for program, work in (("screener", _import), ("csv and SQLite", _import_plainly)):
            seconds, memory = _apart(work, path, (), lines)
            tell(f"{lines:,} lines of {form} by {program}: {seconds:.1f} s, {memory:.0f} MB")
            yield Imported(form, program, lines, seconds, memory)


def _write_ftc(path: Path, lines: int) -> None:
    dice = np.random.default_rng(3)
    with path.open("w", encoding="ascii") as file:
        file.write(_FTC)
        for at in range(0, lines, _BLOCK):
            numbers = dice.integers(2_000_000_000, 9_999_999_999, min(_BLOCK, lines - at)).tolist()
            ago = dice.integers(0, 2 * 365 * 86_400, len(numbers)).tolist()
            for number, seconds in zip(numbers, ago, strict=True):
                when = _NOW.replace(tzinfo=None) - timedelta(seconds=seconds)
                file.write(
                    f"{number},{when},{when},Los Angeles,California,818,"
                    "Dropped call or no message,N\n"
                )


def _write_plain(path: Path, lines: int) -> None:
    numbers = np.random.default_rng(4).integers(2_000_000_000, 9_999_999_999, lines).tolist()
    path.write_text("".join(f"{number}\n" for number in numbers), encoding="ascii")


def _import(path: Path, _: Sequence[str], lines: int) -> tuple[float, float]:
    """Seconds, and megabytes that the process had at most."""
    from screener.numberlists.imports import import_files

    began = time.perf_counter()
    done = import_files(path.parent / "data", "bench", [str(path)], "US")
    seconds = time.perf_counter() - began
    assert sum(source.lines for source in done.read) >= lines
    assert done.skipped.unread == 0
    return seconds, _peak()


def _import_plainly(path: Path, _: Sequence[str], lines: int) -> tuple[float, float]:
    """The least that a program in Python does for the same: read rows, insert, index."""
    import csv

    began = time.perf_counter()
    into = path.with_name("import.sqlite3")
    into.unlink(missing_ok=True)
    with closing(_fresh(into)) as database, path.open(newline="", encoding="utf-8") as file:
        database.execute("CREATE TABLE reports (number INTEGER, reported TEXT)")
        rows = ((row[0], row[1] if len(row) > 1 else None) for row in csv.reader(file))
        database.executemany("INSERT INTO reports VALUES (?, ?)", rows)
        database.execute("CREATE INDEX by_number ON reports (number, reported)")
        database.commit()
    return time.perf_counter() - began, _peak()


def _peak() -> float:
    """Not getrusage's: that one counts what the process was before it was this program."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.M)
    assert found is not None
    return 1024 * int(found[1]) / 1e6


def main() -> None:
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    found = lists(console.print, install(console.print), "--quick" in sys.argv[1:])
    console.print()
    for shown in (table.lookups(found), table.imports(found)):
        console.print(shown)
        console.print()
    result = REPOSITORY / "bench.json"
    whole = json.loads(result.read_text(encoding="utf-8")) if result.exists() else {}
    text = json.dumps({**whole, "lists": asdict(found)}, indent=1, ensure_ascii=False)
    result.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
