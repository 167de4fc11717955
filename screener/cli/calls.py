"""`screener calls`: the calls that came in, and one call's story."""

from __future__ import annotations

from pathlib import Path

import click

from screener.cli.door import columns, option, settings_of


@click.group(invoke_without_command=True)
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many."
)
@option
@click.pass_context
def calls(context: click.Context, file: Path, limit: int) -> None:
    """List the newest calls: who called, what came of it, and why.

    \b
    Examples:
        screener calls --limit 50
        screener calls show 17
    """
    context.obj = file
    if context.invoked_subcommand is not None:
        return
    from screener.core.story import calls_table
    from screener.store import DATABASE, CallLog

    settings = settings_of(file)
    database = settings.data / DATABASE
    if not database.exists():
        click.echo(calls_table([], settings.zone))
        return
    with CallLog(database) as log:
        click.echo(calls_table(log.calls(limit), settings.zone, columns()))


@calls.command("show")
@click.argument("number", metavar="ID", type=click.IntRange(1))
@option
def calls_show(file: Path, number: int) -> None:
    """Tell one call's story, with the rule or the evidence that decided it.

    ID is the number in the first column of `screener calls`.

    \b
    Example:
        screener calls show 17
    """
    from screener.core.story import tell_call
    from screener.errors import StoreError
    from screener.store import DATABASE, CallLog

    settings = settings_of(file)
    with CallLog(settings.data / DATABASE) as log:
        found = log.call(number)
    if found is None:
        raise StoreError(f"there is no call {number}: see `screener calls`")
    click.echo(tell_call(*found, settings.zone))
