"""The command `screener`: parse, call, print.

Every command works on a front door: the folder that holds screener.toml. It is the one given, else
$SCREENER_HOME, else the current folder. What goes wrong is a sentence on stderr and exit status 1.
A command imports what it needs when it runs: the engines take a second that `--help` need not wait.
"""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import click

from screener import __version__
from screener.cli import (
    calls,
    campaigns,
    evaluate,
    feed,
    forget,
    listen,
    lists,
    models,
    outbox,
    pbx,
    report,
    ring,
    rules,
    running,
    sounds,
    status,
    windows,
)
from screener.errors import ScreenerError

_NAMED_IN_VERSION = ("aiohttp", "vosk", "pocketsphinx", "webrtcvad-wheels", "phonenumbers")


class _Front(click.Group):
    """Turns what screener raises on purpose into a sentence and exit status 1."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except ScreenerError as error:
            click.echo(error, err=True)
            context.exit(1)


def _print_versions(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted or context.resilient_parsing:
        return
    click.echo(f"screener {__version__}")
    click.echo(f"Python {platform.python_version()}")
    for package in _NAMED_IN_VERSION:
        try:
            click.echo(f"{package} {version(package)}")
        except PackageNotFoundError:
            click.echo(f"{package} is not installed")
    context.exit()


@click.group(cls=_Front, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_versions,
    help="Print the versions of screener and of what it stands on.",
)
def main() -> None:
    """The front door for your telephone numbers: known callers ring through, robots do not.

    \b
    Begin with:
        screener init home      writes a configuration that explains itself
        screener check home     says what is still missing
        screener run home       opens the front door
    """


for command in (
    running.init,
    running.check,
    running.run,
    status.status,
    calls.calls,
    report.report,
    rules.rules,
    lists.lists,
    models.models,
    campaigns.campaigns,
    windows.expect,
    ring.dnd,
    ring.ring,
    sounds.sounds,
    pbx.pbx,
    outbox.outbox,
    feed.feed,
    forget.forget,
    listen.listen,
    evaluate.evaluate,
):
    main.add_command(command)
