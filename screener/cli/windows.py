"""`screener expect`: say that a call is expected."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from screener.cli.door import option, settings_of

if TYPE_CHECKING:
    from screener.config import Settings
    from screener.rules.windows import OpenWindow


def _span(context: click.Context, param: click.Parameter, value: str | None) -> timedelta | None:
    """A time as rules write it: 30m, 2h, 1d."""
    from screener.core.spans import read_span, told_span
    from screener.core.window import LONGEST, SHORTEST

    if value is None:
        return None
    try:
        span = read_span(value)
    except ValueError:
        span = timedelta()
    if SHORTEST <= span <= LONGEST:
        return span
    between = f"from {told_span(SHORTEST)} to {told_span(LONGEST)}"
    raise click.BadParameter(f"{value!r}: expected a time like 30m, 2h or 1d, {between}")


@click.command(short_help="Say that you expect a call.")
@click.argument("span", metavar="[TIME]", required=False, callback=_span)
@click.option("--off", is_flag=True, help="No call is expected any more.")
@click.option("--show", is_flag=True, help="Say whether a call is expected, and change nothing.")
@option
def expect(file: Path, span: timedelta | None, off: bool, show: bool) -> None:
    """Say that you expect a call: for TIME, the rules that say `expecting` hold.

    TIME is 30m, 2h or 1d; windows.expecting in screener.toml (2h) unless given. Said again, the
    time begins anew. The first rule to write is `allow expecting`: then every caller rings. It
    works at once, whether or not screener runs; from a phone, dial windows.code (*39).

    \b
    Examples:
        screener expect
        screener expect 30m
        screener expect --off
    """
    from screener.core.window import Kind
    from screener.rules.windows import Windows

    if off + show + (span is not None) > 1:
        raise click.UsageError("give a TIME, --off or --show: one of them")
    settings = settings_of(file)
    windows = Windows.of(settings)
    now = datetime.now(UTC)
    if off:
        windows.end(Kind.EXPECTING)
    elif not show:
        length = span or timedelta(seconds=settings.windows.expecting)
        windows.begin(Kind.EXPECTING, now, length, "you opened it")
    found = {one.kind: one for one in windows.open(now)}
    _tell_expecting(found.get(Kind.EXPECTING), settings, now, show)
    if (emergency := found.get(Kind.EMERGENCY)) is not None:
        click.echo(f"There is an emergency until {_clock(emergency.until, now)}: {emergency.why}.")


def _tell_expecting(
    window: OpenWindow | None, settings: Settings, now: datetime, show: bool
) -> None:
    """Whether a call is expected, and the rules that ask. `show`: why, as well."""
    from screener.core.window import Kind, asking
    from screener.errors import ConfigError
    from screener.rules import rulebook

    if window is None:
        click.echo("No call is expected.")
        return
    told = f": {window.why}" if show else f" until {_clock(window.until, now)}"
    click.echo(f"You expect a call{told}.")
    try:
        rules = asking(Kind.EXPECTING, rulebook.load(settings).rules)
    except ConfigError:
        click.echo("warning: the rules have mistakes: see `screener rules check`", err=True)
        return
    for rule in rules:
        click.echo(f"Asked by {rule.title}: {rule.key}")
    if not rules:
        click.echo(
            "warning: no rule says expecting, so nothing changes: write `allow expecting` into a"
            f" file in {settings.rules}",
            err=True,
        )


def _clock(at: datetime, now: datetime) -> str:
    from screener.core.window import clock

    return clock(at, now.astimezone(at.tzinfo))
