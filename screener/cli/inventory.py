"""What `screener lists show` prints: all lists, one of them, or those that hold a number."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from screener.cli.door import columns, settings_of
from screener.core.callerid import shown

if TYPE_CHECKING:
    from screener.numberlists.lists import Info

_DAYS_SHOWN = 5
_PATH = 4096  # characters of a path, which are all that Linux has
NONE = "no lists yet: `screener lists import FILE` makes one"


def show_all(file: Path) -> None:
    """A table of all lists. Raises ListError with what is wrong with some, after the others."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from screener.errors import ListError
    from screener.numberlists.lists import files, open_list

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
            f" + {counted(count, word)}"
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
        click.echo(NONE)
    if troubles:
        raise ListError("\n".join(troubles))


def show_one(file: Path, name: str) -> None:
    """A list and what it was made from."""
    from screener.numberlists.lists import file_of, open_list

    settings = settings_of(file)
    info = open_list(file_of(settings.data, name)).info
    click.echo(f"{info.name}: {holds(info)}")
    if info.newest:
        click.echo(f"  newest report: {info.newest:%d %b %Y %H:%M} UTC")
    imported = info.imported.astimezone(settings.zone)
    click.echo(f"  imported: {imported:%d %b %Y %H:%M}, as numbers of {info.country}")
    click.echo(f"  size: {_size(info.size)}")
    for origin in info.origins:
        click.echo(f"  made from: {shown(origin, _PATH)}")
    for source in info.sources:
        click.echo(f"    {shown(source.path, _PATH)}: {counted(source.lines, 'line')}")


def show_number(file: Path, text: str, name: str | None) -> None:
    """Which lists hold a number, and the newest reports of it there."""
    from screener.core import number
    from screener.errors import ListError
    from screener.numberlists.lists import file_of, names, open_list

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
            + (f", {counted(count, 'report')}" if opened.info.dated else "")
        )
        dates = opened.numbers.dates(asked)
        for when in dates[: -_DAYS_SHOWN - 1 : -1]:
            click.echo(f"  {when:%d %b %Y %H:%M} UTC" if when else "  at a time that is not known")
        if len(dates) > _DAYS_SHOWN:
            click.echo(f"  and {counted(len(dates) - _DAYS_SHOWN, 'earlier report')}")
    if not found:
        click.echo(f"{asked} is in no list" if name is None else f"{asked} is not in {name}")


def holds(info: Info) -> str:
    """How much is in a list: "1,204 numbers, 3 prefixes"."""
    words = [counted(info.numbers, "number")]
    if info.dated:
        words.append(counted(info.entries, "report"))
    for count, word in ((info.prefixes, "prefix"), (info.ranges, "range")):
        if count:
            words.append(counted(count, word))
    return ", ".join(words)


def counted(count: int, word: str) -> str:
    """A count in a sentence."""
    plural = f"{word}es" if word.endswith("x") else f"{word}s"
    return f"{count:,} {word if count == 1 else plural}"


def _size(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{size / 1e3:,.1f} kB"
