"""`screener rules import` and `export`: lists of other programs, in and out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from screener.cli.door import option, settings_of, write_new
from screener.core.callerid import shown

if TYPE_CHECKING:
    from screener.rules.exchange import Plan

_FORMATS = ("auto", "freepbx", "callattendant", "jcblock", "ncid", "vcard", "text", "csv")
_TOLD = 20  # entries that were skipped, or lines that would be written, told one by one


@click.command("import")
@click.argument("source", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    default="auto",
    show_default=True,
    help="What wrote the file; auto looks at what is in it.",
)
@click.option(
    "--as",
    "action",
    type=click.Choice(("allow", "block")),
    help="What its entries do; else as the format or the file's name says (whitelist, blacklist).",
)
@click.option("--to", metavar="FILE.rules", default="", help="The rule file to write to.")
@click.option("--dry-run", is_flag=True, help="Only show what would be written.")
@option
def import_(
    *, file: Path, source: Path, form: str, action: str | None, to: str, dry_run: bool
) -> None:
    """Make rules of another program's list.

    It takes FreePBX's blacklist (its export, or what `asterisk -rx "database show blacklist"`
    prints), the lists of callattendant (as CSV), jcblock and NCID, a plain text with a number on
    each line, a CSV with a column of numbers, and address books (vCard): those are copied beside
    the rules. Each entry becomes one line, with its name as label, in a rule file of its own.

    \b
    Examples:
        screener rules import blacklist.csv --dry-run
        screener rules import ncidd.whitelist --as allow
        screener rules import family.vcf
    """
    from screener.core.foreign import Format
    from screener.core.rules import Action
    from screener.rules import exchange

    settings = settings_of(file)
    plan = exchange.read(
        source,
        settings,
        form=None if form == "auto" else Format(form),
        action=Action(action) if action else None,
        file=to,
    )
    _tell(plan)
    if dry_run:
        _preview(plan)
        return
    if plan.lines or plan.book:
        done = exchange.carry_out(plan, settings)
        for place in done.places:
            click.echo(f"written: {place}")
        if done.undo:
            click.echo(f"to undo: {done.undo}")
    if not plan.rules and not plan.there:
        click.echo("nothing was imported", err=True)
        sys.exit(1)


def _tell(plan: Plan) -> None:
    from screener.core.foreign import TITLES

    title = TITLES[plan.recognised.format]
    click.echo(f"{shown(plan.source.name)}: {title} ({plan.recognised.why})")
    if plan.book:
        click.echo(f"{plan.cards} number{'s' * (plan.cards != 1)} in the address book")
    count, there, left = plan.rules, plan.there, len(plan.skipped)
    click.echo(f"{count} new rule{'s' * (count != 1)}, {there} there already, {left} skipped")
    for entry in plan.skipped[:_TOLD]:
        click.echo(f"  {entry}")
    if left > _TOLD:
        click.echo(f"  and {left - _TOLD} more")


def _preview(plan: Plan) -> None:
    for name, lines in plan.lines.items():
        click.echo(f"would be written to {name}:")
        for line in lines[:_TOLD]:
            click.echo(f"  {line}")
        if len(lines) > _TOLD:
            click.echo(f"  and {len(lines) - _TOLD} more")
    if plan.book:
        click.echo(f"would be copied beside the rules: {plan.book}")


@click.command("export", short_help="Write the numbers that rules name, for other programs.")
@click.option(
    "--format",
    "form",
    type=click.Choice(("csv", "vcard")),
    help="CSV for spreadsheets and FreePBX (the default), vCard for telephones.",
)
@click.option("--action", type=click.Choice(("allow", "block")), help="Only rules of this action.")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write, in place of the screen; it must not be there yet.",
)
@option
def export(file: Path, form: str | None, action: str | None, output: Path | None) -> None:
    """Write the numbers that rules name, with their labels, for other programs.

    Rules that ask for more than the caller's number are left out, and so are patterns (+1900*)
    from a vCard, whole numbers only; how many is said. `screener rules import` makes the same rules
    of a CSV again.

    \b
    Examples:
        screener rules export --action block > blocked.csv
        screener rules export --action allow -o friends.vcf
    """
    from screener.core.foreign import Format
    from screener.core.rules import Action
    from screener.rules import exchange

    if form is None:
        form = "vcard" if output is not None and output.suffix.lower() == ".vcf" else "csv"
    found = exchange.excerpt(settings_of(file), Format(form), Action(action) if action else None)
    if output is None:
        click.echo(found.text, nl=False)
    else:
        write_new(output, found.text)
    where = f" written to {output}" if output is not None else ""
    click.echo(f"{found.numbers} number{'s' * (found.numbers != 1)}{where}", err=True)
    if found.patterns:
        are = "is" if found.patterns == 1 else "are"
        click.echo(f"{found.patterns} {are} left out: a vCard holds whole numbers only", err=True)
    if found.others:
        rules = f"{found.others} rule{'s' * (found.others != 1)}"
        click.echo(f"{rules} left out: they ask for more than the caller's number", err=True)
