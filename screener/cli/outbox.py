"""`screener outbox`: messages on their way."""

from __future__ import annotations

from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

import click

from screener.cli.door import option, settings_of
from screener.config import Settings
from screener.core.callerid import quoted, shown, shown_number
from screener.core.delivery import Record
from screener.core.notice import Notice

if TYPE_CHECKING:
    from screener.outbox import Outbox


@click.group(invoke_without_command=True)
@option
@click.pass_context
def outbox(context: click.Context, file: Path) -> None:
    """Messages on their way to you: waiting, refused and sent.

    \b
    Examples:
        screener outbox list
        screener outbox retry 20250102T030405-1f2e3d4c
    """
    context.obj = file
    if context.invoked_subcommand is None:
        _list_outbox(file)


@outbox.command("list")
@option
def outbox_list(file: Path) -> None:
    """List the messages, and what the mail server last said of each.

    \b
    Example:
        screener outbox list
    """
    _list_outbox(file)


@outbox.command("retry")
@click.argument("message", metavar="ID")
@option
def outbox_retry(file: Path, message: str) -> None:
    """Try to deliver a message again now, also one that was refused or given up.

    ID is in the first column of `screener outbox list`. The running screener delivers it.

    \b
    Example:
        screener outbox retry 20250102T030405-1f2e3d4c
    """
    _outbox(settings_of(file)).retry(message)
    click.echo(f"{message} will be tried again at once, by the screener that runs")


def _outbox(settings: Settings) -> Outbox:
    from screener.outbox import Outbox

    return Outbox(settings.data / "outbox", settings.mail, settings.zone)


def _list_outbox(file: Path) -> None:
    settings = settings_of(file)
    items = _outbox(settings).items()
    if not items:
        click.echo("no messages yet")
    for item in items:
        if item.record is None:
            click.echo(f"{item.id}  {item.state:6}  {item.trouble}: {item.folder}")
            continue
        click.echo(f"{item.id}  {item.state:6}  {_summary(item.record, settings.zone)}")
        for recipient in item.record.recipients:
            reply = f": {shown(recipient.reply)}" if recipient.reply else ""
            click.echo(f"    to {shown(recipient.address)}, {recipient.delivery}{reply}")
        if item.record.history and item.state != "sent":
            click.echo(f"    last: {shown(item.record.history[-1].text)}")


def _summary(record: Record, zone: tzinfo | None) -> str:
    """When a message was left, how long it is and by whom; of a notice, when and its subject."""
    letter = record.letter
    when = (record.written if isinstance(letter, Notice) else letter.when).astimezone(zone)
    day = when.strftime("%d %b %H:%M")
    if isinstance(letter, Notice):
        return f"{day}  notice   {shown(letter.subject)}"
    who = f"{shown_number(letter.number)} {quoted(letter.name) if letter.name else ''}".strip()
    return f"{day}  {letter.seconds:5.1f} s  from {who}"
