"""What the commands share: which front door they work on, its settings, progress."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from screener import config
from screener.config import Settings

Command = Callable[..., Any]


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


def progress(line: str) -> None:
    click.echo(line, err=True)


def columns() -> int:
    """How wide a line may be: the terminal's width, or enough for what reads from a pipe."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 140
