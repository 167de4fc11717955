"""`screener listen`: what the ear hears in a recorded caller, and what is made of him."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from screener.cli.bar import bar
from screener.cli.door import CALL, option, settings_of
from screener.errors import ClipError, SetupError, StoreError

if TYPE_CHECKING:
    from screener.config import Settings
    from screener.core.timeline import Played
    from screener.rehearsal.clips import Clip
    from screener.rehearsal.panel import Panel

_ENGINES = ("auto", "pocketsphinx", "vosk")
_RAW = ("ulaw", "alaw", "slin")
_AFTER_PROMPT = "after-prompt"


@dataclass(frozen=True, slots=True)
class _Heard:
    """One sound that was heard. `used` says how much of it, where that is not all."""

    name: str
    clip: Clip
    onset: float | None
    played: Played

    @property
    def remarks(self) -> list[str]:
        """What people should know about the file."""
        told = list(self.clip.remarks)
        length = self.clip.seconds
        over = not self.clip.ended and self.onset is not None
        if over and length is not None and self.played.used < length - 0.1:
            told.append(
                f"the call is over after {self.played.used:.1f} s of it, and the rest is not heard"
            )
        return told


def _onset(_: click.Context, __: click.Parameter, text: str) -> float | None:
    """Seconds; None for a caller who waits to be asked."""
    if text == _AFTER_PROMPT:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 3600:
        raise click.BadParameter(
            f"{text!r}: expected seconds after the answer, like 0.3, or {_AFTER_PROMPT}"
        )
    return seconds


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--call",
    "number",
    metavar="ID",
    type=CALL,
    help="Listen to a call that came in, by its number in `screener calls`.",
)
@click.option(
    "--onset",
    metavar="SECONDS|after-prompt",
    default="0.3",
    show_default=True,
    callback=_onset,
    help="When the caller begins after the answer; after-prompt: each time that he was asked.",
)
@click.option("--json", "as_json", is_flag=True, help="Print an object for each file, on one line.")
@click.option(
    "--plot",
    metavar="FILE.png",
    type=click.Path(path_type=Path),
    help="Draw it; of several files, into this folder.",
)
@click.option(
    "--engine",
    type=click.Choice(_ENGINES),
    default="auto",
    show_default=True,
    help="Which engine hears; auto: the front door's own.",
)
@click.option(
    "--format",
    "raw",
    type=click.Choice(_RAW),
    help="What a file without a header holds, where its name does not say it.",
)
@option
def listen(
    *,
    file: Path,
    files: tuple[Path, ...],
    number: int | None,
    onset: float | None,
    as_json: bool,
    plot: Path | None,
    engine: str,
    raw: str | None,
) -> None:
    """Let a recorded caller call, and tell what was heard and what is made of him.

    FILE is a sound of any kind that people have: wav, mp3, flac, ogg, m4a, raw G.711 (.ul, .al). It
    goes through the same ear and the same questions as a live call, at full speed: at your front
    door, or where there is none, at the one that `screener init` hands out. Nothing is written to
    either, and no rule is asked.

    What callers say to the attendant is kept for keep.heard (screener.toml): --call hears
    such a call again. Keys that were pressed are not in its sound.

    \b
    Examples:
        screener listen voicemail.mp3 --plot voicemail.png
        screener listen --onset after-prompt "my own voice.wav"
        screener listen --call 17
    """
    from screener.rehearsal.audition import Recording
    from screener.rehearsal.clips import Raw, name, open_clip

    if bool(files) == (number is not None):
        raise click.UsageError("name one or more sound files, or a call by --call")
    if plot is not None and not plot.is_dir():
        if plot.suffix and len(files) > 1:
            raise click.UsageError("of several files --plot draws several pictures: name a folder")
        if plot.suffix.lower() != ".png" and len(files) < 2:
            raise click.UsageError("--plot draws a PNG file: let its name end in .png")
    failed = False
    pictures: set[Path] = set()
    with _panel(file, engine, number) as (panel, settings):
        todo = [(path, onset) for path in files]
        if number is not None:
            todo = [(_of_call(settings, number), 0.0)]
        with bar("heard", len(todo), "files") as one:
            for path, begins in todo:
                try:
                    clip = open_clip(path, Raw(raw) if raw else None)
                    # A call may have taught a campaign itself: it would be like itself.
                    played = panel.hear(
                        Recording(clip, begins), campaigns=number is None, watching=plot is not None
                    )
                except ClipError as error:
                    click.echo(error, err=True)
                    failed = True
                    continue
                finally:
                    one()
                heard = _Heard(name(path), clip, begins, played)
                click.echo(_as_json(panel, heard) if as_json else _told(panel, heard))
                if plot is not None:
                    several = len(todo) > 1 or plot.is_dir()
                    picture = _picture(plot, path, pictures) if several else plot
                    _draw(heard, picture)
                    pictures.add(picture)
    if failed:
        raise SystemExit(1)


@contextmanager
def _panel(file: Path, engine: str, call: int | None) -> Iterator[tuple[Panel, Settings]]:
    """What to hear with: a front door, the starter's where there is none."""
    from screener.rehearsal import panel
    from screener.settings.surroundings import Engine

    with tempfile.TemporaryDirectory(prefix="screener-") as scratch:
        there = file.is_file() or call is not None or not _is_default(file)
        toml = file if there else panel.starter_door(Path(scratch, "starter"))
        settings = settings_of(toml)
        engines = panel.engines(settings)
        wanted = Engine(engine) if engine != "auto" else next(iter(engines))
        if wanted not in engines:
            raise SetupError(
                f"no Vosk model is installed at the front door {settings.path}:"
                " `screener models` says how to get one"
            )
        did = _did(settings, call) if call is not None else ""
        data = Path(scratch, "data")
        data.mkdir()
        loaded = panel.Panel(settings, data, wanted, engines[wanted], did)
        for warning in loaded.warnings:
            click.echo(f"warning: {warning}", err=True)
        yield loaded, settings


def _is_default(file: Path) -> bool:
    """Whether nobody has named a front door: that the current folder is none is no mistake."""
    from screener.config import FILE

    return file == Path(FILE)


def _did(settings: Settings, call: int) -> str:
    """The number that was dialled in a call. Raises StoreError where there is no such call."""
    from screener.records.calllog import DATABASE, CallLog

    database = settings.data / DATABASE
    found = None
    if database.exists():
        with CallLog(database) as log:
            found = log.call(call)
    if found is None:
        raise StoreError(f"there is no call {call}: see `screener calls`")
    return found[0].did


def _of_call(settings: Settings, call: int) -> Path:
    """The sound of a call. Raises ClipError where it was not kept."""
    from screener.calls.heardaudio import HeardAudio

    path = HeardAudio(settings.data, settings.keep.heard.total_seconds()).path(call)
    if not path.exists():
        raise ClipError(
            f"what call {call} sounded like was not kept: nobody was listened to in it,"
            " it is longer ago than keep.heard, or the disk was full"
        )
    return path


def _told(panel: Panel, heard: _Heard) -> str:
    from screener.core.timeline import tell

    length = heard.clip.seconds
    long = f", {length:.1f} s" if length is not None else ""
    head = f"{heard.name}: {heard.clip.form}{long}; heard by {panel.engine.name}"
    return "\n".join([head, *(f"({remark})" for remark in heard.remarks), tell(heard.played), ""])


def _as_json(panel: Panel, heard: _Heard) -> str:
    from screener.core.timeline import as_json

    about: dict[str, Any] = {
        "file": str(heard.clip.path),
        "form": heard.clip.form,
        "file_seconds": heard.clip.seconds,
        "remarks": heard.remarks,
        "onset": _AFTER_PROMPT if heard.onset is None else heard.onset,
        "engine": panel.engine.name,
    }
    return json.dumps(about | as_json(heard.played))


def _picture(folder: Path, sound: Path, drawn: Collection[Path]) -> Path:
    """The picture of a sound: named as it is, with a number where another one has that name."""
    names = chain([sound.stem], (f"{sound.stem}-{n}" for n in count(2)))
    return next(path for name in names if (path := folder / f"{name}.png") not in drawn)


def _draw(heard: _Heard, path: Path) -> None:
    from screener.rehearsal.plot import draw

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draw(heard.played, heard.clip.path.name, path)
    except OSError as error:
        raise ClipError(f"{path} cannot be written ({error.strerror})") from None
    click.echo(f"drawn: {path}", err=True)
