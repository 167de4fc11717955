"""`screener lists`: lists of numbers, ten million of them if need be, for rules to ask."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from screener.cli.door import columns, option, settings_of
from screener.core.callerid import shown

if TYPE_CHECKING:
    from screener.imports import Outcome
    from screener.lists import Info
    from screener.sources import Progress

_DAYS_SHOWN = 5
_PATH = 4096  # characters of a path, which are all that Linux has


@click.group(invoke_without_command=True)
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
        _show_all(file)


@lists.command("import")
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
    from screener.imports import import_files

    settings = settings_of(file)
    with _progress() as tell:
        chosen = name or _name_of(sources)
        done = import_files(settings.data, chosen, sources, settings.country, add=add, tell=tell)
    _say(done)


@lists.command("show")
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
        _show_number(file, number, name)
    elif name is None:
        _show_all(file)
    else:
        _show_one(file, name)


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
    from screener.imports import update
    from screener.lists import names

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
        click.echo(_NONE)
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
    from screener.imports import remove
    from screener.rulebook import lists_of
    from screener.rulesfolder import RulesFolder

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

_NONE = "no lists yet: `screener lists import FILE` makes one"


def _name_of(sources: tuple[str, ...]) -> str:
    from screener.errors import ListError
    from screener.lists import NAME

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
    click.echo(f"{info.name}: {_holds(info)}; {_count(lines, 'line')} read{_since(done)}")
    if skipped.blank:
        click.echo(f"  {_count(skipped.blank, 'line')} without a number")
    if skipped.undated:
        click.echo(f"  {_count(skipped.undated, 'report')} without a date: they count as long ago")
    if skipped.unread:
        click.echo(f"  {_count(skipped.unread, 'line')} skipped, such as")
        for line in skipped.told:
            click.echo(f"    {line}")


def _since(done: Outcome) -> str:
    if done.before is None:
        return ""
    more = done.info.entries - done.before.entries
    compared = "more" if more >= 0 else "fewer"
    what = _count(abs(more), f"{compared} {'report' if done.info.dated else 'number'}")
    return f"; {what} than before"


def _holds(info: Info) -> str:
    words = [_count(info.numbers, "number")]
    if info.dated:
        words.append(_count(info.entries, "report"))
    for count, word in ((info.prefixes, "prefix"), (info.ranges, "range")):
        if count:
            words.append(_count(count, word))
    return ", ".join(words)


def _count(count: int, word: str) -> str:
    plural = f"{word}es" if word.endswith("x") else f"{word}s"
    return f"{count:,} {word if count == 1 else plural}"


def _size(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{size / 1e3:,.1f} kB"


def _show_all(file: Path) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from screener.errors import ListError
    from screener.lists import files, open_list

    table = Table(box=None, pad_edge=False)
    for heading in ("list", "numbers", "reports", "newest report", "sources", "imported", "size"):
        right = heading in {"numbers", "reports", "sources", "size"}
        table.add_column(heading, justify="right" if right else "left", no_wrap=True)
    settings = settings_of(file)
    troubles = []
    for path in files(settings.data):
        try:
            info = open_list(path).info
        except ListError as error:
            troubles.append(str(error))
            continue
        more = "".join(
            f" + {_count(count, word)}"
            for count, word in ((info.prefixes, "prefix"), (info.ranges, "range"))
            if count
        )
        table.add_row(
            Text(info.name),
            f"{info.numbers:,}{more}",
            f"{info.entries:,}" if info.dated else "",
            f"{info.newest:%d %b %Y}" if info.newest else "",
            f"{len(info.sources):,}",
            f"{info.imported.astimezone(settings.zone):%d %b %Y %H:%M}",
            _size(info.size),
        )
    if table.rows:
        Console(width=max(columns(), 100), highlight=False).print(table)
    elif not troubles:
        click.echo(_NONE)
    if troubles:
        raise ListError("\n".join(troubles))


def _show_one(file: Path, name: str) -> None:
    from screener.lists import file_of, open_list

    settings = settings_of(file)
    info = open_list(file_of(settings.data, name)).info
    click.echo(f"{info.name}: {_holds(info)}")
    if info.newest:
        click.echo(f"  newest report: {info.newest:%d %b %Y %H:%M} UTC")
    imported = info.imported.astimezone(settings.zone)
    click.echo(f"  imported: {imported:%d %b %Y %H:%M}, as numbers of {info.country}")
    click.echo(f"  size: {_size(info.size)}")
    for origin in info.origins:
        click.echo(f"  made from: {shown(origin, _PATH)}")
    for source in info.sources:
        click.echo(f"    {shown(source.path, _PATH)}: {_count(source.lines, 'line')}")


def _show_number(file: Path, text: str, name: str | None) -> None:
    from screener.core import number
    from screener.errors import ListError
    from screener.lists import file_of, names, open_list

    settings = settings_of(file)
    asked = number.read(text, settings.country).e164
    if not asked:
        example = number.example(settings.country)
        raise ListError(f"{shown(text)!r} is not a number in {settings.country}; one is {example}")
    there = sorted(names(settings.data)) if name is None else [name]
    found = False
    for one in there:
        opened = open_list(file_of(settings.data, one))
        count = opened.numbers.reports(asked)
        if not count:
            continue
        found = True
        click.echo(
            f"{one}: {asked} is in it"
            + (f", {_count(count, 'report')}" if opened.info.dated else "")
        )
        dates = opened.numbers.dates(asked)
        for when in dates[: -_DAYS_SHOWN - 1 : -1]:
            click.echo(f"  {when:%d %b %Y %H:%M} UTC" if when else "  at a time that is not known")
        if len(dates) > _DAYS_SHOWN:
            click.echo(f"  and {_count(len(dates) - _DAYS_SHOWN, 'earlier report')}")
    if not found:
        click.echo(f"{asked} is in no list" if name is None else f"{asked} is not in {name}")
