"""What the commands share: which front door they work on, its settings, progress."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from screener import config
from screener.config import Settings

if TYPE_CHECKING:
    from screener.records.calllog import Use

Command = Callable[..., Any]


class _Call(click.IntRange):
    name = "call"

    def convert(
        self, value: Any, param: click.Parameter | None, context: click.Context | None
    ) -> Any:
        try:
            int(value)
        except ValueError:
            what = f"{value!r}: expected a call's number, such as 17, as `screener calls` lists it"
            self.fail(what, param, context)
        return super().convert(value, param, context)


CALL = _Call(1, (1 << 63) - 1)
"""A call's number, as SQLite counts."""

MISTAKE = re.compile(r"(?P<path>.+?\.rules):(?P<line>[0-9]+):(?P<column>[0-9]+): (?P<text>.*)")
"""A mistake in a rule file, as ConfigError has it."""


def _toml(context: click.Context, _: click.Parameter, folder: Path | None) -> Path:
    """The screener.toml of a front door (its own path will do as well)."""
    if folder is None and isinstance(context.obj, Path):
        return context.obj  # the group's --dir
    folder = folder or Path(os.environ.get("SCREENER_HOME") or ".")
    return folder if folder.suffix == ".toml" else folder / config.FILE


def argument(command: Command) -> Command:
    """DIR as the argument of a command."""
    path: click.Path = click.Path(path_type=Path)
    argue = click.argument("file", metavar="[DIR]", required=False, type=path, callback=_toml)
    return argue(command)


def option(command: Command) -> Command:
    """DIR as an option, for commands that have arguments of their own."""
    path: click.Path = click.Path(path_type=Path)
    words = "The front door's folder; else $SCREENER_HOME, else the current one."
    option = click.option("--dir", "file", metavar="DIR", type=path, callback=_toml, help=words)
    return option(command)


def settings_of(file: Path) -> Settings:
    """The settings; what is unwise in them is said on stderr."""
    settings = config.load(file)
    for warning in settings.warnings:
        click.echo(f"warning: {warning}", err=True)
    return settings


def uses(settings: Settings) -> Mapping[str, Use]:
    """How often each rule, by its key, has decided a call so far."""
    from screener.records.calllog import DATABASE, CallLog

    path = settings.data / DATABASE
    if not path.exists():
        return {}
    with CallLog(path) as log:
        return log.uses()


def last_used(settings: Settings) -> dict[str, datetime]:
    """When each rule, by its key, was last used: with this, those that expire have expired."""
    return {key: use.last for key, use in uses(settings).items()}


def pointed(line: str, column: int) -> str:
    """A line of a rule file and, under it, a caret at the column (from 1); of a long line, what is
    around it."""
    start = max(0, column - 60)
    piece = line[start : start + 76]
    before = "".join("\t" if c == "\t" else " " for c in piece[: column - 1 - start])
    safe = "".join(c if c.isprintable() or c == "\t" else "?" for c in piece)
    return f"    {safe}\n    {before}^"


def write_new(path: Path, text: str) -> None:
    """Write what --output asks for into a new file, whole or not at all: none is overwritten."""
    from screener import replacement

    try:
        done = not path.exists() and replacement.replace(path, None, text.encode("utf-8"))
        wrong = "is there already: remove it, or give another name"
    except OSError as error:
        done, wrong = False, f"was not written ({error.strerror})"
    if not done:
        raise click.BadParameter(f"{path} {wrong}", param_hint="--output")


def progress(line: str) -> None:
    click.echo(line, err=True)


def columns() -> int:
    """How wide a line may be: the terminal's width, or enough for what reads from a pipe."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 140
