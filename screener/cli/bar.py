"""How far a command has come: a bar on a terminal, a line now and then elsewhere; on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

# Seconds between two lines where there is no terminal.
_LINE_EVERY = 15.0


@contextmanager
def bar(doing: str, of: int, things: str) -> Iterator[Callable[[], None]]:
    """What is called once for each thing that is done: "heard 17 of 186 clips"."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        shown = (TextColumn(doing), BarColumn(), MofNCompleteColumn(), TextColumn(things))
        console = Console(stderr=True)
        with Progress(*shown, TimeRemainingColumn(), console=console, transient=True) as progress:
            task = progress.add_task(doing, total=of)
            yield lambda: progress.advance(task)
        return
    done = 0
    told = time.monotonic()

    def one() -> None:
        nonlocal done, told
        done += 1
        if time.monotonic() - told >= _LINE_EVERY:
            told = time.monotonic()
            click.echo(f"{doing} {done} of {of} {things}", err=True)

    yield one
