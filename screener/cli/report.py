"""`screener report`: what the calls of a week, or of other days, came to."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from screener.cli.door import option, settings_of, write_new

if TYPE_CHECKING:
    from screener.config import Settings
    from screener.core.report import Report
    from screener.core.week import Period

_FORMATS = ("text", "html", "json", "csv")


def _day(_: click.Context, __: click.Parameter, text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r}: expected a day like 2026-11-09") from None


def _week(_: click.Context, __: click.Parameter, text: str | None) -> Period | None:
    from screener.core.week import week_named

    if text is None:
        return None
    try:
        return week_named(text)
    except ValueError as wrong:
        raise click.BadParameter(f"{text!r}: {wrong}") from None


@click.command()
@click.option("--week", metavar="2026-W46", callback=_week, help="Another week than the last full.")
@click.option("--from", "first", metavar="DAY", callback=_day, help="Other days: the first one.")
@click.option("--to", "last", metavar="DAY", callback=_day, help="The last one, else today.")
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    default="text",
    show_default=True,
    help="csv is a line for each call with what undoes it, json the report for programs.",
)
@click.option("--send", is_flag=True, help="Mail it to those who get the weekly report.")
@click.option(
    "--output",
    "-o",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write it into a file, which must not be there yet, instead of printing it.",
)
@option
def report(
    *,
    file: Path,
    week: Period | None,
    first: date | None,
    last: date | None,
    form: str,
    send: bool,
    output: Path | None,
) -> None:
    """Tell what the calls of a week came to: who reached you, who gave up, who was kept out.

    Without options it is the last full week, Monday to Sunday in your time zone; with --from and
    --to other days, both included. The same days always give the same report, until something of
    them is deleted; only its links are new, and a rule is switched off as your rules are by now.
    The running screener mails it each week at the hour that screener.toml names ([report]).

    \b
    Examples:
        screener report
        screener report --week 2026-W46 --format html --output week.html
        screener report --from 2026-11-01 --to 2026-11-15 --format csv
        screener report --send
    """
    settings = settings_of(file)
    now = datetime.now(UTC)
    period = _period(settings, week, first, last, now)
    if send:
        if output is not None or form != "text":
            raise click.UsageError("--send mails text and page together: no --format, no --output")
        _send(settings, period, now)
        return
    told = _told(settings, period, form, now)
    if output is None:
        click.echo(told, nl=False)
        return
    write_new(output, told)
    click.echo(f"written: {output}", err=True)


def _period(
    settings: Settings, week: Period | None, first: date | None, last: date | None, now: datetime
) -> Period:
    """The days that were asked for."""
    from screener.core.week import Period, week_of

    if week is not None:
        if first is not None or last is not None:
            raise click.UsageError("--week is a whole week: leave out --from and --to")
        if week.since(settings.zone) > now:
            raise click.BadParameter(f"{week.name} has not begun", param_hint="--week")
        return week
    if first is None and last is None:
        return week_of(now, settings.zone).before
    today = now.astimezone(settings.zone).date()
    if first is None:
        raise click.UsageError("--to needs --from: the first day")
    if first > today:
        raise click.BadParameter(f"{first} has not begun", param_hint="--from")
    try:
        return Period(first, last or today)
    except ValueError as wrong:
        raise click.BadParameter(str(wrong), param_hint="--from") from None


def _report(settings: Settings, period: Period, now: datetime) -> Report:
    from screener.report.reporting import report_of

    return report_of(settings, period, now)


def _told(settings: Settings, period: Period, form: str, now: datetime) -> str:
    """The report in a format."""
    import json

    from screener.core import reportdata, reporttext
    from screener.report import reporting

    zone = settings.zone
    if form == "csv":
        return reportdata.as_csv(reporting.calls_of(settings, period), zone)
    found = _report(settings, period, now)
    if form == "json":
        return json.dumps(reportdata.as_json(found, zone), indent=1) + "\n"  # in ASCII
    way_of = reporting.undoing(settings, reporting.links_of(settings), now)
    if form == "html":
        return reporting.page_of(found, zone, way_of)
    return reporttext.tell(found, zone, way_of)


def _send(settings: Settings, period: Period, now: datetime) -> None:
    """Put the mail into the outbox; the running screener delivers it."""
    from screener.errors import ReportError
    from screener.mail.outbox import Outbox
    from screener.report import reporting
    from screener.report.weekly import name_of

    if not settings.report.to:
        raise ReportError("nobody gets the report: name him in report.to, or in mail.owner")
    found = _report(settings, period, now)
    way_of = reporting.undoing(settings, reporting.links_of(settings), now)
    clips = reporting.clips_of(settings, found)
    mail = reporting.mail_of(found, settings.zone, way_of, clips)
    outbox = Outbox(settings.data / "outbox", settings.mail, settings.zone)
    what = name_of(period) + (" so far" if found.so_far else "")
    name = asyncio.run(outbox.post(settings.report.to, mail, what))
    to = ", ".join(settings.report.to)
    click.echo(f"{what} is on its way to {to} as {name}: see `screener outbox`")
