"""`screener calls`: the calls that came in, one call's story, and what is to be done about it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from screener.cli.door import CALL, columns, option, settings_of
from screener.core.callerid import shown

if TYPE_CHECKING:
    from screener.config import Settings
    from screener.core.rules import Action
    from screener.core.story import CallRow, StoryLine


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
        screener calls allow 17
    """
    context.obj = file
    if context.invoked_subcommand is not None:
        return
    from screener.core.story import calls_table
    from screener.records.calllog import DATABASE, CallLog

    settings = settings_of(file)
    database = settings.data / DATABASE
    if not database.exists():
        click.echo(calls_table([], settings.zone))
        return
    with CallLog(database) as log:
        click.echo(calls_table(log.calls(limit), settings.zone, columns()))


@calls.command("show")
@click.argument("number", metavar="ID", type=CALL)
@option
def calls_show(file: Path, number: int) -> None:
    """Tell one call's story, with the rule or the evidence that decided it.

    ID is the number in the first column of `screener calls`.

    \b
    Example:
        screener calls show 17
    """
    from screener.core.story import tell_call

    settings = settings_of(file)
    click.echo(tell_call(*_call(settings, number), settings.zone))


@calls.command("allow")
@click.argument("number", metavar="ID", type=CALL)
@option
def calls_allow(file: Path, number: int) -> None:
    """Let the caller of a call in from now on: his calls ring at once.

    It adds a rule for his number, before any rule that could turn him away, and says where it
    stands and how to undo it. The link in a message's mail does the same.

    \b
    Example:
        screener calls allow 17
    """
    from screener.core.rules import Action

    _promote(file, Action.ALLOW, number)


@calls.command("block")
@click.argument("number", metavar="ID", type=CALL)
@option
def calls_block(file: Path, number: int) -> None:
    """Block the caller of a call from now on: he is turned away, and no phone rings.

    It adds a rule for his number, in place of one by which a link or `screener calls allow` let him
    in, and says where it stands and how to undo it. Where another rule lets him in before it, exit
    status 1.

    \b
    Example:
        screener calls block 17
    """
    from screener.core.rules import Action

    _promote(file, Action.BLOCK, number)


def _promote(file: Path, action: Action, number: int) -> None:
    from screener.cli.amend import tell_added
    from screener.config import dir_of
    from screener.rules.promotion import promote

    settings = settings_of(file)
    row, _ = _call(settings, number)
    done = promote(settings, action, row.number, row.name, row.id)
    here = dir_of(file)
    tell_added(done.added, done.line, here, done.undo(here))
    for old in done.replaced:
        click.echo(f"taken out for it: {old.rule.place}  {shown(old.content.strip(), 500)}")
    if done.replaced and done.added.already:
        click.echo(f"undo:  {done.undo(here)}")
    if done.in_the_way is not None:
        raise click.exceptions.Exit(1)


def _call(settings: Settings, number: int) -> tuple[CallRow, list[StoryLine]]:
    from screener.errors import StoreError
    from screener.records.calllog import DATABASE, CallLog

    with CallLog(settings.data / DATABASE) as log:
        found = log.call(number)
    if found is None:
        raise StoreError(f"there is no call {number}: see `screener calls`")
    return found
