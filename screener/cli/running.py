"""`screener init`, `check` and `run`: from an empty folder to an open front door."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click

from screener import config, starter
from screener.cli.door import argument, progress, settings_of


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Write a starter configuration into DIR.

    It holds screener.toml with comments that teach, and the folders rules/, grammars/, sounds/ and
    data/. Nothing that is already there is overwritten.

    \b
    Example:
        screener init ~/front-door
    """
    for path in starter.write(folder):
        click.echo(f"wrote {path}")
    click.echo(
        f"\nNext:\n"
        f"  edit {folder / config.FILE}: your number, your phones, your mail address\n"
        f"  edit {folder / 'rules' / '1-allow.rules'}: who rings straight through\n"
        f"  screener sounds build --dir {folder}   speaks the prompts\n"
        f"  screener check {folder}                says what is still missing\n"
        f"  screener run {folder}                  opens the front door"
    )


@click.command()
@argument
def check(file: Path) -> None:
    """Say whether the front door in DIR is fit to run, part by part.

    One line for each part: configuration, rules, grammars, sounds, recogniser, programs, data
    folder, mail server (no mail is sent) and Asterisk; where something is wrong, what to do. A
    "note" is fit to run, and worth a look. Exit status 0 when nothing is wrong, 1 otherwise.

    \b
    Example:
        screener check ~/front-door
    """
    sys.exit(0 if asyncio.run(_check(file)) else 1)


async def _check(file: Path) -> bool:
    from screener.checks import examine

    fit = True
    async for finding in examine(file):
        shown = str(finding)
        click.echo(shown if finding.ok else click.style(shown, fg="red"))
        fit = fit and finding.ok
    return fit


@click.command()
@argument
def run(file: Path) -> None:
    """Open the front door in DIR and keep it open until Ctrl-C. Calls that go on then in an
    Asterisk of screener's own are waited for; Ctrl-C once more cuts them off.

    Where screener.toml names no Asterisk, a private one is started (and installed, the first time).
    Prompts that have no sound yet are spoken first.

    \b
    Example:
        screener run ~/front-door
    """
    from screener import logs, opening

    settings = settings_of(file)
    logs.start()
    try:
        asyncio.run(opening.run(settings, progress))
    except KeyboardInterrupt:
        progress("stopped")
