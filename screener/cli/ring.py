"""`screener ring` and `screener dnd`: who would ring, and who is left in peace."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from screener.cli.door import option, settings_of

if TYPE_CHECKING:
    from screener.asterisk.client import Client
    from screener.config import Settings
    from screener.core.frontdoor import RingGroup
    from screener.core.ringing import Circumstances, Order, Ringing


def _time(_: click.Context, __: click.Parameter, text: str | None) -> datetime | None:
    if text is None:
        return None
    for form in ("%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"):
        with suppress(ValueError):
            return datetime.strptime(text, form)
    raise click.BadParameter(f'{text!r}: expected a time like "2026-11-21 22:30"')


@click.command(short_help="Say who would ring, second by second.")
@click.argument("group", metavar="GROUP")
@click.option("--dry-run", is_flag=True, help="Ring nobody; there is no other way yet.")
@click.option(
    "--at",
    metavar="TIME",
    callback=_time,
    help='When the call comes, by the clock on your wall: "2026-11-21 22:30"; else now.',
)
@option
def ring(file: Path, group: str, dry_run: bool, at: datetime | None) -> None:
    """Say what would ring, second by second, if GROUP were rung and nobody answered.

    Who is passed over is told with the reason: hours and do-not-disturb, and as Asterisk sees the
    phones now, who is in a call or not registered.

    \b
    Examples:
        screener ring family --dry-run
        screener ring family --dry-run --at "2026-11-21 22:30"
    """
    from screener.settings.tables import nearest

    if not dry_run:
        raise click.UsageError("it only tells what would ring: add --dry-run")
    settings = settings_of(file)
    if group not in settings.groups:
        raise click.BadParameter(f"there is no group {group!r}; {nearest(group, settings.groups)}")
    when = datetime.now(UTC) if at is None else at.replace(tzinfo=settings.zone)
    if when.tzinfo is None:  # this machine's own zone
        when = when.astimezone()
    known, asked = asyncio.run(_known(settings, settings.groups[group], when))
    for line in _told(settings.groups[group], known):
        click.echo(line)
    click.echo(asked, err=True)


def ari(settings: Settings) -> Client:
    """A client, still to be opened, of the Asterisk of these settings."""
    from screener.asterisk.client import Client

    ours = settings.asterisk
    url = ours.url or f"http://127.0.0.1:{ours.http_port}/ari"
    return Client(url, ours.user, ours.secret, ours.app)


async def _known(settings: Settings, group: RingGroup, at: datetime) -> tuple[Circumstances, str]:
    """How the phones are, and a sentence that says whence we know."""
    from screener.calls.switchboard import Switchboard
    from screener.errors import AriError

    async with ari(settings) as client:
        try:
            await client.version()
        except AriError:
            board = Switchboard(settings, None)
            asked = "No Asterisk answers: phones are taken for registered and free."
        else:
            board = Switchboard(settings, client)
            asked = "Which phones are registered and free is as Asterisk sees it now."
        return await board.circumstances(group, at), asked


def _told(group: RingGroup, known: Circumstances) -> Iterator[str]:
    from screener.core.ringing import Ringing, unanswered

    ringing = Ringing(group, known)
    yield f"{group.name} rings {group.strategy}, {group.seconds:g} s at most"
    for remark in ringing.remarks:
        yield _line(0.0, remark)
    before = len(ringing.remarks)
    at = 0.0
    for at, orders in unanswered(ringing):
        for order in orders:
            yield _line(at, _order(order, ringing))
    for remark in ringing.remarks[before:]:
        if remark.endswith("the time was over"):
            yield _line(at, remark)
    yield _line(at, "it is over: nobody answered")


def _order(order: Order, ringing: Ringing) -> str:
    from screener.core.ringing import Start

    if not isinstance(order, Start):
        return f"{order.phone} stops"
    confirm = "; who answers must press 1" if order.phone.confirm else ""
    return f"{order.phone.name} rings ({order.phone.endpoint}) for {order.seconds:g} s{confirm}"


def _line(at: float, text: str) -> str:
    return f"{at:6.1f} s  {text}"


@click.command(short_help="Leave a phone in peace, or let it ring again.")
@click.argument("phone", metavar="PHONE")
@click.argument("state", metavar="on|off", required=False, type=click.Choice(("on", "off")))
@option
def dnd(file: Path, phone: str, state: str | None) -> None:
    """Do not disturb: with `on` no ring group rings PHONE, with `off` it rings again.

    It holds from the next call on, whether or not screener runs, until you end it. A group of which
    no phone may ring takes a message. After one of your phones dialled for help (see
    windows.emergency), all ring. `list` in place of a phone tells which are left in peace.

    \b
    Examples:
        screener dnd kitchen on
        screener dnd kitchen off
        screener dnd list
    """
    from screener.calls import donotdisturb
    from screener.settings.tables import nearest

    settings = settings_of(file)
    if phone == "list" and state is None and "list" not in settings.phones:
        quiet = sorted(donotdisturb.phones(settings.data))
        click.echo("\n".join(quiet) or "No phone is left in peace.")
        return
    if phone not in settings.phones:
        raise click.BadParameter(f"there is no phone {phone!r}; {nearest(phone, settings.phones)}")
    if state == "on":
        donotdisturb.begin(settings.data, phone)
    elif state == "off":
        donotdisturb.end(settings.data, phone)
    peace = phone in donotdisturb.phones(settings.data)
    click.echo(f"{phone} is left in peace." if peace else f"{phone} rings.")
