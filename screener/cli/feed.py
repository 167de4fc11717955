"""`screener feed`: the addresses of boxes' private podcasts."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from screener.cli.door import option, settings_of

if TYPE_CHECKING:
    from screener.config import Settings
    from screener.messages.subscriptions import Subscription, Subscriptions

_BOX = click.argument("box", metavar="BOX")


@click.group(invoke_without_command=True)
@option
@click.pass_context
def feed(context: click.Context, file: Path) -> None:
    """Boxes as private podcasts, for friends who hear messages in a player of their own.

    A box with `feed = true` in screener.toml is a podcast that no directory lists. Whoever knows
    its address hears every message in the box, until you give the box a new address.

    \b
    Examples:
        screener feed
        screener feed show family
        screener feed new family
    """
    context.obj = file
    if context.invoked_subcommand is None:
        _list(file)


@feed.command("list")
@option
def feed_list(file: Path) -> None:
    """List the boxes that are podcasts, and since when each has its address.

    The addresses themselves are secret: `screener feed show BOX` shows one.

    \b
    Example:
        screener feed list
    """
    _list(file)


@feed.command("show")
@_BOX
@option
def feed_show(file: Path, box: str) -> None:
    """Show the address that a podcast player is given to hear a box.

    In Apple Podcasts: Library, "Follow a Show by URL". In AntennaPod: "Add podcast by RSS address".
    Others have a place like these.

    \b
    Example:
        screener feed show family
    """
    settings = settings_of(file)
    _box(settings, box)
    one = _addresses(settings).opened([box], datetime.now(UTC))[box]
    if not one.secret:
        click.echo(f"the feed of {box} is off since {_when(one, settings)}")
        click.echo(f"to give it an address again: screener feed new {box}")
        return
    _tell(settings, one)


@feed.command("new")
@_BOX
@click.option("--yes", is_flag=True, help="Do not ask.")
@option
def feed_new(file: Path, box: str, yes: bool) -> None:
    """Give a box's podcast a new address; the old one leads nowhere from now on.

    Do this when somebody knows the address who should not. Everybody else needs the new one. What a
    player has fetched already, it keeps.

    \b
    Example:
        screener feed new family
    """
    settings = settings_of(file)
    _box(settings, box)
    addresses, now = _addresses(settings), datetime.now(UTC)
    had = addresses.all().get(box)
    lost = had is not None and bool(had.secret)
    if lost and not yes:
        told = f"Whoever hears {box} by the address that it has, hears it no more"
        click.confirm(f"{told}. Give it a new one?", abort=True)
    one = addresses.renew(box, now)
    click.echo("the old address leads nowhere now; the new one:" if lost else "the address:")
    _tell(settings, one)


@feed.command("off")
@_BOX
@option
def feed_off(file: Path, box: str) -> None:
    """Switch a box's podcast off: its address leads nowhere from now on.

    \b
    Example:
        screener feed off family
    """
    settings = settings_of(file)
    _box(settings, box)
    _addresses(settings).revoke(box, datetime.now(UTC))
    click.echo(f"the feed of {box} is off; its address leads nowhere now")
    click.echo(f"to give it a new address: screener feed new {box}")


def _list(file: Path) -> None:
    settings = settings_of(file)
    boxes = [name for name, box in settings.boxes.items() if box.feed]
    if not boxes:
        click.echo("no box is a podcast: write feed = true into [boxes.NAME] of screener.toml")
        return
    known = _addresses(settings).opened(boxes, datetime.now(UTC))
    width = max(len(name) for name in boxes)
    for name in boxes:
        state = "has its address" if known[name].secret else "is off"
        click.echo(f"{name:{width}}  {state} since {_when(known[name], settings)}")
    _warn(settings)


def _tell(settings: Settings, one: Subscription) -> None:
    from screener.web.feeds import address

    if settings.web.listen is not None:
        click.echo(address(settings.web.url, one.secret))
    _warn(settings)


def _warn(settings: Settings) -> None:
    if settings.web.unreached:
        click.echo(f"warning: {settings.web.unreached}", err=True)


def _box(settings: Settings, name: str) -> None:
    """See to it that a box is a podcast."""
    if name not in settings.boxes:
        known = ", ".join(settings.boxes)
        raise click.UsageError(f"there is no box {name!r}: expected one of {known}")
    if not settings.boxes[name].feed:
        raise click.UsageError(
            f"{name} is no podcast: write feed = true into [boxes.{name}] of {settings.path}"
        )


def _addresses(settings: Settings) -> Subscriptions:
    from screener.messages.subscriptions import Subscriptions

    return Subscriptions(settings.data)


def _when(one: Subscription, settings: Settings) -> str:
    since = one.since.astimezone(settings.zone)
    return f"{since:%a} {since.day} {since:%b %Y %H:%M}"
