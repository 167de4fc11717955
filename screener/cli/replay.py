"""`screener rules replay`: past calls judged under other rules."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, tzinfo
from pathlib import Path

import click

from screener.cli.door import columns, option, settings_of

_FEW = 20
_OLDEST = date(1970, 1, 1)


@click.command("replay", short_help="Judge past calls under other rules.")
@click.argument("folder", metavar="[RULES_DIR]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--since", metavar="90d|2026-10-01", default="90d", show_default=True, help="Calls since then."
)
@click.option(
    "--limit",
    type=click.IntRange(0, 100_000),
    default=_FEW,
    show_default=True,
    help="How many of the calls that differ are shown.",
)
@click.option("--all", "everything", is_flag=True, help="Show all calls that differ.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@option
def replay(
    *, file: Path, folder: Path | None, since: str, limit: int, everything: bool, as_json: bool
) -> None:
    """Judge past calls under other rules: what would have ended differently, and at what price.

    RULES_DIR is a folder of rule files to try, such as a copy of yours with a change in it; without
    it, your present rules are tried. A call that was answered, left a message or was called back
    within 30 days is one that you would not want turned away. Lists and address books are judged
    as they are today.

    \b
    Examples:
        cp -r rules try && edit try/50-mine.rules && screener rules replay try
        screener rules replay --since 2026-10-01 --all
    """
    from screener.core import price
    from screener.core.replay import Replay
    from screener.core.replay import replay as judged_again
    from screener.records.calllog import DATABASE, CallLog
    from screener.rules import rulebook

    settings = settings_of(file)
    start = _start(since, settings.zone)
    rules = rulebook.load(settings, folder)
    database = settings.data / DATABASE
    found = Replay()
    if database.exists():
        with CallLog(database) as log:
            # Only what the rules ask of the past makes them need what lies before.
            past = log.past(None if rules.asks_history else start)
            dialled = log.dialled(None if rules.asks_history else start)
            found = judged_again(
                past, dialled, rules, settings.country, settings.zone, since=start, reasons=as_json
            )
    most = None if everything else limit
    if as_json:
        click.echo(json.dumps(price.as_json(found, settings.zone, most), indent=1))
    else:
        click.echo(price.tell(found, settings.zone, most, columns()))


def _start(text: str, zone: tzinfo | None) -> datetime:
    """When the calls to judge begin: a day's midnight, or a time ago."""
    from screener.core.spans import read_span

    try:
        day = date.fromisoformat(text)
    except ValueError:
        pass
    else:
        # On the very first day of the calendar other zones have no such time; no call is as old.
        return datetime.combine(max(day, _OLDEST), time(), zone).astimezone(UTC)
    try:
        return datetime.now(UTC) - read_span(text)
    except ValueError as wrong:
        raise click.BadParameter(
            f"{text!r}: {wrong}, or a day like 2026-10-01", param_hint="--since"
        ) from None
