"""An evaluation: every clip of a manifest through the ear and the script of a call, on all cores.

Each process loads an engine once and hears clips one after the other, at full speed. What one clip
does to it (a file that cannot be read, an engine that dies of it) is told, and the others go on.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from multiprocessing.synchronize import Lock
from pathlib import Path
from typing import TypeAlias

import webrtcvad

from screener import config, textfile
from screener.core import manifest
from screener.core.audio import FRAME_SECONDS, RATE, SILENCE
from screener.core.callerid import shown
from screener.core.frontdoor import FrontDoor
from screener.core.grammar import spoken
from screener.core.manifest import Entry, Label
from screener.core.score import Mark
from screener.core.script import Listen, Ring
from screener.core.timeline import Played
from screener.core.words import normal
from screener.errors import ClipError, ManifestError, ScreenerError, SetupError
from screener.rehearsal import clips
from screener.rehearsal.audition import Recording
from screener.rehearsal.panel import Panel
from screener.settings.surroundings import Engine

# Processes that may die, each of its clip, until it is the engine that is at fault.
_DEATHS = 5
# Mistakes of a manifest that are told: who made a thousand made them all alike.
_MOST = 50


@dataclass(frozen=True, slots=True)
class Hall:
    """What an evaluation is heard with: a front door's screener.toml, an engine and its model.

    `scratch` is a folder for what engines write.
    """

    file: Path
    engine: Engine
    model: Path | None
    scratch: Path


@dataclass(frozen=True, slots=True)
class Unheard:
    """A clip that could not be heard, and why: a whole sentence."""

    entry: Entry
    why: str


Outcome: TypeAlias = Mark | Unheard | str


def read_manifest(folder: Path) -> tuple[Entry, ...]:
    """The clips of a folder. Raises ManifestError with every mistake at once."""
    path = folder / manifest.FILE
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise ManifestError(
            [f"{path}: no such file; it is a CSV file with the columns file and label"]
        ) from None
    except OSError as error:
        raise ManifestError([f"{path}: cannot be read ({error.strerror})"]) from None
    except UnicodeDecodeError as error:
        raise ManifestError([f"{path}:{textfile.not_utf8(error)}"]) from None
    entries, found = manifest.read(text, str(path), lambda file: _is_file(folder / file))
    if found:
        more = [f"{path}: and {len(found) - _MOST} more"] if len(found) > _MOST else []
        raise ManifestError([*found[:_MOST], *more])
    return entries


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that is too long, or has a zero byte in it
        return False


def evaluate(
    entries: Sequence[Entry], folder: Path, hall: Hall, tell: Callable[[Entry], None]
) -> tuple[tuple[Mark, ...], tuple[Unheard, ...]]:
    """Hear every clip; `tell` is told each that is done. Both in the manifest's order.

    Raises SetupError where the engine or the front door cannot be used.
    """
    done: dict[int, Mark | Unheard] = {}
    for hear in (_together, _one_by_one):  # what kills a process is found when it is alone in it
        left = [n for n in range(len(entries)) if n not in done]
        for n, outcome in hear([(n, entries[n]) for n in left], folder, hall):
            if isinstance(outcome, str):
                raise SetupError(outcome)
            done[n] = outcome
            tell(entries[n])
    ordered = [done[n] for n in range(len(entries))]
    marks = tuple(outcome for outcome in ordered if isinstance(outcome, Mark))
    return marks, tuple(outcome for outcome in ordered if isinstance(outcome, Unheard))


def cores() -> int:
    """How many processes can work at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _together(
    left: Sequence[tuple[int, Entry]], folder: Path, hall: Hall
) -> Iterator[tuple[int, Outcome]]:
    """Hear clips on all cores, as they come; those that a process has died of, or died with, not.

    A sentence in place of an outcome says why no clip can be heard at all.
    """
    if not left:
        return
    with _pool(hall, min(cores(), len(left))) as pool:
        work = {pool.submit(_hear, entry, folder): n for n, entry in left}
        for future in as_completed(work):
            if not isinstance(future.exception(), BrokenProcessPool):
                yield work[future], future.result()


def _one_by_one(
    left: Sequence[tuple[int, Entry]], folder: Path, hall: Hall
) -> Iterator[tuple[int, Outcome]]:
    """Hear each clip in a process of its own; what that dies of is told."""
    died = 0
    for n, entry in left:
        with _pool(hall, 1) as pool:
            future = pool.submit(_hear, entry, folder)
            if not isinstance(future.exception(), BrokenProcessPool):
                yield n, future.result()
                continue
        died += 1
        why = f"{shown(entry.file, 200)}: the process that heard it died of it"
        yield n, why if died == _DEATHS else Unheard(entry, why)


@contextmanager
def _pool(hall: Hall, count: int) -> Iterator[ProcessPoolExecutor]:
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(count, context, _open, (hall, context.Lock()))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


# In the processes --------------------------------------------------------------------------------

_panel: Panel | str = "no engine was loaded"


def _open(hall: Hall, turn: Lock) -> None:
    """Load the engine, one process after the other: they would write the same files."""
    global _panel  # noqa: PLW0603 - a process of a pool has nothing else that stays
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command is stopped, and ends us
    try:
        with turn:
            settings = config.load(hall.file)
            _panel = Panel(settings, hall.scratch, hall.engine, hall.model)
    except ScreenerError as error:
        _panel = str(error)


def _hear(entry: Entry, folder: Path) -> Outcome:
    """One clip; a sentence where this process can hear none."""
    if isinstance(_panel, str):
        return _panel
    try:
        recording = Recording(clips.open_clip(folder / entry.file), entry.onset)
        played = _panel.hear(recording)
        bare = played.decoding + _detecting(recording, played)
    except ClipError as error:
        return Unheard(entry, str(error))
    wanted = ""
    if entry.label is Label.HUMAN:
        wanted = spoken(_panel.door.extensions).get(normal(entry.transcript), "")
    reached, rang_at = _reached(played, _panel.door)
    return Mark(
        file=entry.file,
        label=entry.label,
        engine=_panel.engine.name,
        verdict=str(played.ending.verdict),
        seconds=played.settled,
        rang=played.rang,
        attempts=played.attempts,
        evidence=played.ending.evidence,
        reason=played.ending.reason,
        wanted=wanted,
        reached=reached,
        rang_at=rang_at,
        heard=played.seconds,
        cpu=played.cpu,
        bare=bare,
    )


def _reached(played: Played, door: FrontDoor) -> tuple[str, int]:
    """The extension that rang, and at which question it was named; ("", 0) for none."""
    phrases = spoken(door.extensions)
    asked = 0
    named = ""
    for step in played.steps:
        if isinstance(step.command, Ring):
            return named, asked
        if isinstance(step.command, Listen):
            asked += 1
            heard = played.hearings[asked - 1]
            named = heard.keys or phrases.get(heard.words, "")
    return "", 0


def _detecting(recording: Recording, played: Played) -> float:
    """What WebRTC's voice detector alone takes for the same audio, in seconds of a processor."""
    count = round(played.seconds / FRAME_SECONDS)
    frames = list(islice(recording.frames(), count))
    frames += [SILENCE] * (count - len(frames))
    detector = webrtcvad.Vad(2)
    begun = time.process_time()
    for frame in frames:
        detector.is_speech(frame, RATE)
    return time.process_time() - begun
