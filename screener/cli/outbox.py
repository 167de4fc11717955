"""`screener outbox`: messages on their way."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from screener.cli.door import columns, option, settings_of
from screener.core.callerid import shown
from screener.core.delivery import Status
from screener.core.mailstory import CUT_SHORT, Row, queue_table, tell_message, what

if TYPE_CHECKING:
    from collections.abc import Sequence

    from screener.config import Settings
    from screener.mail.mailqueue import Item, MailQueue

_STATES = click.Choice([status.value for status in Status])
_SENT = 20  # of what was sent, so many are listed unless more are asked for


@click.group(invoke_without_command=True)
@option
@click.pass_context
def outbox(context: click.Context, file: Path) -> None:
    """Messages on their way to you: waiting, refused, sent.

    A message is queued when it is kept, sending while the mail server is spoken to, deferred when
    it is to be tried again, sent when the mail server has it for everybody, failed when it was
    refused for good or given up. Nothing is deleted that was not sent, but by `drop`.

    An ID may be shortened to as much of its beginning, or of the part after the dash, as only one
    message has.

    \b
    Examples:
        screener outbox list --state failed
        screener outbox show 1f2e
        screener outbox retry --all
    """
    context.obj = file
    if context.invoked_subcommand is None:
        _list(file, None, None, _SENT)


@outbox.command("list")
@click.option("--state", type=_STATES, help="Only these; dropped ones are shown only so.")
@click.option("--box", help="Only the messages of this box.")
@click.option(
    "--limit",
    type=click.IntRange(1, 1_000_000),
    default=_SENT,
    show_default=True,
    help="How many of those that were sent.",
)
@option
def outbox_list(file: Path, state: str | None, box: str | None, limit: int) -> None:
    """List the messages, newest first, and the last word on each.

    All that wait or have failed are listed, and the newest of those that were sent.

    \b
    Examples:
        screener outbox list
        screener outbox list --state failed --box office
        screener outbox list --state sent --limit 200
    """
    _list(file, state, box, limit)


@outbox.command("show")
@click.argument("message", metavar="ID")
@option
def outbox_show(file: Path, message: str) -> None:
    """Tell a message's whole way: its recipients, every attempt in the mail server's words, and
    where its sound lies.

    \b
    Example:
        screener outbox show 1f2e3d4c
    """
    settings = settings_of(file)
    item = _queue(settings).find(message)
    if item.record is None:
        click.echo(f"{item.id}: {item.status}\n\n  {shown(item.trouble, 500)}\n  {item.folder}")
        return
    files = [(str(p), p.stat().st_size) for p in sorted(item.folder.iterdir()) if p.is_file()]
    [(name, status, record, trouble)] = _rows([item], settings)
    assert record is not None
    begun = item.begun if status is Status.SENDING else None
    click.echo(tell_message(name, status, record, files, zone=settings.zone, begun=begun))
    if trouble:
        click.echo(f"  {trouble}")


@outbox.command("retry")
@click.argument("message", metavar="[ID]", required=False)
@click.option("--all", "every", is_flag=True, help="All that have failed or wait for another try.")
@option
def outbox_retry(file: Path, message: str | None, every: bool) -> None:
    """Try to deliver a message again now, also one that was refused or given up.

    Who has it already does not get it again. The running screener delivers it.

    \b
    Examples:
        screener outbox retry 1f2e3d4c
        screener outbox retry --all
    """
    if (message is None) is not every:
        raise click.UsageError("name one message, or say --all")
    settings = settings_of(file)
    queue = _queue(settings)
    wanted = [message] if message is not None else _not_through(queue)
    if not wanted:
        click.echo("no message has failed, and none waits for another try")
        return
    boxes = {box.name: box.mail for box in settings.boxes.values()}
    for name in wanted:
        before = queue.find(name)
        item = queue.retry(before.id, boxes)
        to = item.record.letter.to if item.record is not None else ()
        moved = before.record is not None and before.record.letter.to != to
        now_to = f"; it goes to {', '.join(map(shown, to))} now, as its box does" if moved else ""
        click.echo(f"{item.id} is tried again {_when(settings)}{now_to}")


@outbox.command("drop")
@click.argument("message", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--undo", is_flag=True, help="Bring a dropped message back.")
@option
def outbox_drop(file: Path, message: str, yes: bool, undo: bool) -> None:
    """Take a message out of the outbox: it is delivered no more, and stands in no box.

    It can be brought back for 30 days; `screener outbox list --state dropped` shows what can.

    \b
    Examples:
        screener outbox drop 1f2e3d4c
        screener outbox drop 1f2e3d4c --undo
    """
    settings = settings_of(file)
    queue = _queue(settings)
    if undo:
        back = queue.bring_back(message, datetime.now(UTC))
        click.echo(f"{back.id} is back: {back.status}")
        return
    item = queue.find(message)
    if not yes and item.status is not Status.DROPPED:
        never = "" if item.arrived else "; it has never been delivered, so nobody got it by mail"
        about = what(item.record.letter) if item.record else item.trouble
        click.confirm(f"{item.id} ({about}){never}. Drop it?", abort=True)
    item = queue.drop(item.id, datetime.now(UTC))
    click.echo(f"{item.id} is dropped; `screener outbox drop {item.id} --undo` brings it back")


def _queue(settings: Settings) -> MailQueue:
    from screener.mail.mailqueue import MailQueue

    return MailQueue(settings.data / "outbox")


def _not_through(queue: MailQueue) -> list[str]:
    """What was tried, and has not reached everybody."""
    states = {Status.FAILED, Status.DEFERRED}
    return [item.id for item in queue.items() if item.status in states]


def _when(settings: Settings) -> str:
    from screener import lock

    running = lock.holder(settings.data) is not None
    return "at once, by the screener that runs" if running else "when screener runs"


def _rows(items: Sequence[Item], settings: Settings) -> list[Row]:
    """As they are shown: nothing is being sent where no screener runs."""
    from screener import lock

    running = lock.holder(settings.data) is not None
    rows: list[Row] = []
    for item in items:
        if item.status is Status.SENDING and not running and item.record is not None:
            rows.append((item.id, item.record.status, item.record, CUT_SHORT))
        else:
            rows.append((item.id, item.status, item.record, item.trouble))
    return rows


def _see_to(box: str, settings: Settings, queue: MailQueue) -> None:
    """A box is one of screener.toml, or one that was, and has messages still."""
    had = {item.box for item in (*queue.items(), *queue.dropped()) if item.box}
    if box not in settings.boxes and box not in had:
        known = ", ".join([*settings.boxes, *sorted(had - set(settings.boxes))])
        raise click.UsageError(f"there is no box {box!r}: expected one of {known}")


def _list(file: Path, state: str | None, box: str | None, limit: int) -> None:
    settings = settings_of(file)
    queue = _queue(settings)
    items = queue.dropped() if state == Status.DROPPED else queue.items()
    if box is not None:
        _see_to(box, settings, queue)
    rows = _rows([item for item in items if box is None or item.box == box], settings)
    if state is not None:
        rows = [row for row in rows if row[1] == state]
    rows.sort(key=lambda row: row[0], reverse=True)
    sent = [row[0] for row in rows if row[1] is Status.SENT]
    left_out = frozenset(sent[limit:])
    if not rows:
        narrowed = state is not None or box is not None
        click.echo("no such messages" if narrowed else "no messages yet")
        return
    listed = [row for row in rows if row[0] not in left_out]
    click.echo(queue_table(listed, settings.zone, columns()))
    if left_out:
        click.echo(f"and {len(left_out)} more that were sent: --limit {len(sent)}")
