"""`screener lists`: lists of numbers, ten million of them if need be, for rules to ask."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from screener.cli.door import option, settings_of
from screener.cli.inventory import NONE, counted, holds, show_all, show_number, show_one
from screener.core.callerid import shown

if TYPE_CHECKING:
    from screener.numberlists.imports import Outcome
    from screener.numberlists.sources import Progress


@click.group(invoke_without_command=True, short_help="Lists of numbers for your rules to ask.")
@option
@click.pass_context
def lists(context: click.Context, file: Path) -> None:
    """Lists of numbers for your rules: complaints of the FTC, block lists, your own files.

    A rule asks a list by its name:

    \b
        block  list ftc.csv  reports>=3 within 30d   "reported to the FTC"

    \b
    Examples:
        screener lists import ftc.csv
        screener lists show
        screener lists update
    """
    context.obj = file
    if context.invoked_subcommand is None:
        show_all(file)


@lists.command("import", short_help="Make a list of files, a folder, or what you pipe in.")
@click.argument("sources", metavar="FILE...", nargs=-1, required=True)
@click.option("--name", metavar="NAME", help="What rules call the list; else the file's name.")
@click.option("--add", is_flag=True, help="Keep what the list holds already, and add to it.")
@option
def lists_import(file: Path, sources: tuple[str, ...], name: str | None, add: bool) -> None:
    """Make a list of one or more files, or of a folder of them; - is what you pipe in.

    A file is a CSV with a column of numbers (the FTC's complaints, for one; with a column of dates,
    each line counts as a report), or plain text with a number, a prefix (+1900*) or a range
    (+14155550100..+14155550199) on each line. Either may be packed with gzip.

    A list that has the name already is replaced, unless you say --add. Name a folder, or a glob in
    quotes, and `screener lists update` will take in what is new there.

    \b
    Examples:
        screener lists import ftc.csv
        screener lists import ~/ftc --name ftc.csv
        screener lists import "~/ftc/*.csv" --name ftc.csv
        screener lists import today.csv --name ftc.csv --add
    """
    from screener.numberlists.imports import import_files

    settings = settings_of(file)
    with _progress() as tell:
        chosen = name or _name_of(sources)
        done = import_files(settings.data, chosen, sources, settings.country, add=add, tell=tell)
    _say(done)


@lists.command("show", short_help="Show the lists, one list, or which hold a number.")
@click.argument("name", required=False)
@click.option("--number", metavar="NUMBER", help="Which lists hold this number, and since when.")
@option
def lists_show(file: Path, name: str | None, number: str | None) -> None:
    """Show the lists, one list and its sources, or which lists a number is in.

    \b
    Examples:
        screener lists show
        screener lists show ftc.csv
        screener lists show --number +14155550100
    """
    if number is not None:
        show_number(file, number, name)
    elif name is None:
        show_all(file)
    else:
        show_one(file, name)


@lists.command("update")
@click.argument("name", required=False)
@option
def lists_update(file: Path, name: str | None) -> None:
    """Read again what has changed, of one list or of all.

    A list remembers the files, folders and globs that it was made from. Of those, only files that
    are new or changed are read. To a list of reports they add; a plain list whose file was changed
    is made anew, so that a number that you took out is out.

    \b
    Examples:
        screener lists update
        screener lists update ftc.csv
    """
    from screener.errors import ListError
    from screener.numberlists.imports import update
    from screener.numberlists.lists import names

    settings = settings_of(file)
    wanted = [name] if name is not None else sorted(names(settings.data))
    troubles = []
    for one in wanted:
        try:
            with _progress() as tell:
                done = update(settings.data, one, settings.country, tell=tell)
        except ListError as error:  # the other lists are updated all the same
            troubles.append(str(error))
            continue
        if done is None:
            click.echo(f"{one}: nothing new")
        else:
            _say(done)
    if not wanted:
        click.echo(NONE)
    if troubles:
        raise ListError("\n".join(troubles))


@lists.command("remove")
@click.argument("name")
@option
def lists_remove(file: Path, name: str) -> None:
    """Delete a list that no rule asks for. The files that it was made from stay.

    \b
    Example:
        screener lists remove ftc.csv
    """
    from screener.errors import ListError
    from screener.numberlists.imports import remove
    from screener.rules.rulebook import lists_of
    from screener.rules.rulesfolder import RulesFolder

    settings = settings_of(file)
    rules = RulesFolder(settings.rules, settings.country).read().rules
    asking = [rule.place for rule, asked in lists_of(rules) if asked == name]
    if asking:  # without its list a rule is a mistake, and no rules with a mistake come into force
        raise ListError(
            f"{name} is not deleted: {' and '.join(asking)} ask{'s' * (len(asking) == 1)} for it;"
            f" first `screener rules remove {asking[0]}`"
        )
    remove(settings.data, name)
    click.echo(f"{name} is deleted")


# What is said ------------------------------------------------------------------------------------


def _name_of(sources: tuple[str, ...]) -> str:
    from screener.errors import ListError
    from screener.numberlists.lists import NAME

    first = Path(sources[0]).name.removesuffix(".gz")
    if len(sources) > 1 or not NAME.fullmatch(first) or sources[0] == "-":
        raise ListError("what shall the list be called? Add --name NAME, as rules will say it")
    return first


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda name, read, size: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TaskID,
        TextColumn,
        TimeRemainingColumn,
    )

    bars = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn())
    with Progress(*bars, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        tasks: dict[str, TaskID] = {}

        def tell(name: str, read: int, size: int) -> None:
            label = shown(name)
            if label not in tasks:
                for task in tasks.values():
                    progress.update(task, visible=False)
                tasks[label] = progress.add_task(label, total=size or None)
            progress.update(tasks[label], completed=read)

        yield tell


def _say(done: Outcome) -> None:
    """What an import has done, in a line; what it skipped, in a few more."""
    info, skipped = done.info, done.skipped
    lines = sum(source.lines for source in done.read)
    click.echo(f"{info.name}: {holds(info)}; {counted(lines, 'line')} read{_since(done)}")
    if skipped.blank:
        click.echo(f"  {counted(skipped.blank, 'line')} without a number")
    if skipped.undated:
        click.echo(f"  {counted(skipped.undated, 'report')} without a date: they count as long ago")
    if skipped.unread:
        click.echo(f"  {counted(skipped.unread, 'line')} skipped, such as")
        for line in skipped.told:
            click.echo(f"    {line}")


def _since(done: Outcome) -> str:
    if done.before is None:
        return ""
    more = done.info.entries - done.before.entries
    compared = "more" if more >= 0 else "fewer"
    what = counted(abs(more), f"{compared} {'report' if done.info.dated else 'number'}")
    return f"; {what} than before"
