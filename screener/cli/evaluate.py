"""`screener evaluate`: how well screener hears, measured on a folder of recorded callers."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from screener.cli.bar import bar
from screener.cli.door import option, settings_of
from screener.errors import ClipError, SetupError

if TYPE_CHECKING:
    from screener.core.manifest import Entry
    from screener.core.score import Mark
    from screener.rehearsal.evaluation import Hall

ENGINES = ("both", "pocketsphinx", "vosk")


@click.command()
@click.argument("folder", metavar="FOLDER", type=click.Path(path_type=Path))
@click.option(
    "--json",
    "to",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write an object for each clip to this file.",
)
@click.option(
    "--engine",
    type=click.Choice(ENGINES),
    default="both",
    show_default=True,
    help="Which engines hear; both: Vosk too where a model of it is installed.",
)
@option
@click.pass_context
def evaluate(
    context: click.Context, *, file: Path, folder: Path, to: Path | None, engine: str
) -> None:
    """Measure how well screener hears: every clip of FOLDER is a caller.

    FOLDER holds sound files and manifest.csv with the columns file and label (robocall, human,
    recorded-prompt or non-speech). Also read are onset (seconds after the answer at which the
    caller begins, or after-prompt: he waits until he is asked, as people do unless it says
    otherwise) and transcript (a digit or a name that a person says is an extension).

    Each goes through the same ear and the same questions as a live call, at full speed, on all
    cores, at a house with the extensions 0 to 9 (names: family, home, office, operator); with --dir
    at your own front door.

    \b
    Examples:
        screener evaluate recordings
        screener evaluate recordings --engine pocketsphinx --json marks.json
    """
    from screener.rehearsal.evaluation import read_manifest

    begun = time.monotonic()
    own = context.get_parameter_source("file") is not ParameterSource.DEFAULT
    entries = read_manifest(folder)
    if to is not None:
        _write(to, [])  # where that fails, it is told now
    marks: list[Mark] = []
    with tempfile.TemporaryDirectory(prefix="screener-") as scratch:
        for hall in _halls(file if own else None, file, engine, Path(scratch)):
            marks += _hear(entries, folder, hall)
    if to is not None:
        _write(to, marks)
    minutes, seconds = divmod(round(time.monotonic() - begun), 60)
    click.echo(f"took {minutes} min {seconds} s" if minutes else f"took {seconds} s", err=True)
    if not marks:
        raise ClipError("not one clip could be heard")


def _halls(own: Path | None, around: Path, engine: str, scratch: Path) -> list[Hall]:
    """What to hear with: a front door, with each engine that is asked for and there."""
    from screener.rehearsal import panel
    from screener.rehearsal.evaluation import Hall

    toml = own or panel.house(scratch / "house")
    # Models are installed at a front door: the one given, else the one that we stand in.
    there = panel.engines(settings_of(around if own or around.is_file() else toml))
    if engine != "both":
        there = {which: model for which, model in there.items() if which == engine}
    if not there:
        raise SetupError(
            "no Vosk model is installed at a front door: `screener models` says how to get one"
        )
    data = scratch / "data"
    data.mkdir()
    return [Hall(toml, which, model, data) for which, model in there.items()]


def _hear(entries: Sequence[Entry], folder: Path, hall: Hall) -> Sequence[Mark]:
    """Hear all clips with one engine, and print what came of it."""
    from screener.core.score import tell
    from screener.rehearsal.evaluation import evaluate as hear

    with bar("heard", len(entries), "clips") as one:
        marks, unheard = hear(entries, folder, hall, lambda _: one())
    if marks:
        click.echo(tell(marks))
        click.echo()
    for each in unheard:
        click.echo(each.why, err=True)
    return marks


def _write(path: Path, marks: Sequence[Mark]) -> None:
    from screener.core.score import as_json

    lines = ",\n".join(json.dumps(as_json(mark)) for mark in marks)
    try:
        path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    except OSError as error:
        raise ClipError(f"{path} cannot be written ({error.strerror})") from None
