"""`screener models`: speech models to understand callers with, fetched, chosen, removed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from screener.cli.door import columns, option, progress

if TYPE_CHECKING:
    from screener.recogniser.download import Progress
    from screener.recogniser.models import Row

# Without a terminal, a line for each tenth of what is fetched.
_LINES = 10


@click.group(invoke_without_command=True, short_help="Speech models to understand callers with.")
@option
@click.pass_context
def models(context: click.Context, file: Path) -> None:
    """Speech models: what there is, what is installed, which one listens.

    Without any, PocketSphinx listens with the English model that comes with it. A Vosk model
    understands more, costs more memory and processor, and makes transcripts worth reading.

    \b
    Examples:
        screener models list
        screener models fetch vosk-model-small-en-us-0.15
        screener models use vosk-model-small-en-us-0.15
    """
    context.obj = file
    if context.invoked_subcommand is None:
        _show_all(file)


@models.command("list", short_help="List all models, with size, language and licence.")
@option
def models_list(file: Path) -> None:
    """List the models that are installed and those that can be fetched by their name.

    \b
    Example:
        screener models list
    """
    _show_all(file)


@models.command("show", short_help="Show one model: where it is, whence it comes.")
@click.argument("name")
@option
def models_show(file: Path, name: str) -> None:
    """Show one model: size, licence, where it lies or can be fetched, what is known to check it by.

    \b
    Example:
        screener models show vosk-model-small-en-us-0.15
    """
    from screener.recogniser.catalogue import BY_NAME
    from screener.recogniser.models import Models

    row = Models(file).row(name)
    click.echo(f"{row.name}: {_told(row)}")
    for what, value in (("language", row.language), ("licence", row.licence), ("note", row.note)):
        if value:
            click.echo(f"  {what}: {value}")
    if row.size:
        click.echo(f"  size: {_size(row.size)}{'' if row.path else ' to fetch'}")
    if row.path is not None:
        click.echo(f"  folder: {row.path}")
    if known := BY_NAME.get(row.name):
        click.echo(f"  from: {known.address}")
        if known.sha256:
            click.echo(f"  SHA-256: {known.sha256}")
        click.echo(f"  MD5: {known.md5}" if known.md5 else "  no checksum is known")


@models.command("fetch", short_help="Fetch a model, or install it from a file.")
@click.argument("name")
@click.option(
    "--from",
    "source",
    metavar="SOURCE",
    help="An archive (zip, tar), a folder, or a mirror's address; else Vosk's makers.",
)
@click.option("--trust", is_flag=True, help="Take it though its checksum is not the one known.")
@option
def models_fetch(file: Path, name: str, source: str | None, trust: bool) -> None:
    """Fetch a model by its name and try it out. What broke off goes on where it was.

    A machine that reaches no other takes it from a file that was fetched elsewhere. With --from,
    NAME may be of your choice: any Vosk model, or an acoustic model of PocketSphinx's, such as one
    made from telephone calls (8 kHz).

    \b
    Examples:
        screener models fetch vosk-model-small-en-us-0.15
        screener models fetch vosk-model-small-en-us-0.15 --from ~/Downloads
        screener models fetch vosk-model-small-en-us-0.15 --from https://mirror.example.net/vosk
        screener models fetch hub4wsj_sc_8k --from hub4wsj_sc_8k.tar.gz
    """
    from screener.recogniser.models import Models

    with _progress() as tell:
        path = Models(file).fetch(name, source, trust=trust, tell=tell, say=progress)
    click.echo(f"{path.name} is installed in {path}")
    if Models(file).in_use() == path:
        click.echo("it listens from the next start of screener on")
    else:
        click.echo(f"to listen with it: screener models use {path.name}")


@models.command("use", short_help="Choose the model that listens.")
@click.argument("name")
@option
def models_use(file: Path, name: str) -> None:
    """Write into screener.toml which model listens; `default` is the one that comes with screener.

    The line of speech.model is changed, and that of speech.engine where it must be; all else in
    the file stays as it is.

    \b
    Examples:
        screener models use vosk-model-small-en-us-0.15
        screener models use default
    """
    from screener.recogniser.models import Models

    changed = Models(file).use(name, progress)
    if changed:
        click.echo(f"{name} listens from the next start on: stop screener, and start it again")
    else:
        click.echo(f"{name} is in use already; nothing is changed")


@models.command("remove", short_help="Delete a model that is not in use.")
@click.argument("name")
@option
def models_remove(file: Path, name: str) -> None:
    """Delete a model from the data folder, or what came of its download.

    \b
    Example:
        screener models remove vosk-model-small-en-us-0.15
    """
    from screener.recogniser.models import Models

    Models(file).remove(name)
    click.echo(f"{name} is deleted")


# What is said ------------------------------------------------------------------------------------


def _show_all(file: Path) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from screener.recogniser.models import Models

    table = Table(box=None, pad_edge=False)
    for heading in ("model", "", "language", "size", "licence", "note"):
        table.add_column(heading, justify="right" if heading == "size" else "left", no_wrap=True)
    for row in Models(file).rows():
        size = _size(row.size) if row.size else ""
        values = (row.name, _told(row), row.language, size, row.licence, row.note)
        table.add_row(*map(Text, values))
    Console(width=max(columns(), 120), highlight=False).print(table)


def _told(row: Row) -> str:
    if row.in_use:
        return "in use"
    return "installed" if row.path is not None or row.name == "default" else "can be fetched"


def _size(size: int) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.1f} MB"


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar on a terminal, a line now and then elsewhere."""
    if not sys.stderr.isatty():
        told: list[int] = []

        def lines(name: str, have: int, whole: int) -> None:
            tenth = have * _LINES // whole if whole else have // 10_000_000
            if tenth not in told:
                told.append(tenth)
                share = f", {have * 100 // whole} %" if whole else ""
                progress(f"Fetching {name}: {have / 1e6:,.1f} MB{share}")

        yield lines
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    bars = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn())
    speed = (TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*bars, *speed, console=Console(stderr=True)) as shown:
        task = shown.add_task("Fetching", total=None, visible=False)

        def bar(name: str, have: int, whole: int) -> None:
            label = f"Fetching {name}"
            shown.update(task, description=label, completed=have, total=whole or None, visible=True)

        yield bar
