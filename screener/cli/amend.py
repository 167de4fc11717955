"""`screener rules add` and `remove`: a rule more, a rule less, and how to undo it."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from screener.cli.door import MISTAKE, last_used, option, pointed, settings_of
from screener.config import dir_of
from screener.core.callerid import shown
from screener.errors import ConfigError, RulesError

if TYPE_CHECKING:
    from screener.config import Settings
    from screener.core.pattern import NumberPattern
    from screener.core.rules import Rule
    from screener.rules.rulesfolder import Added, Contents, Removed, RulesFolder


@click.command("add")
@click.argument("rule", metavar="RULE...", nargs=-1, required=True)
@click.option("--file", "into", default="", help="The rule file to write it into.")
@click.option("--first", is_flag=True, help="Before the file's other rules, not after them.")
@click.option("--line", type=click.IntRange(1), help="As this line of the file.")
@option
def add(file: Path, rule: tuple[str, ...], into: str, first: bool, line: int | None) -> None:
    """Add a rule, in the words of rule files, and say where it stands.

    It goes to the end of the file that holds rules of its kind. Your shell has its own ideas about
    * > " and #: with single quotes around the whole rule it keeps its hands off.

    \b
    Examples:
        screener rules add block from +1900* "premium numbers"
        screener rules add 'allow name "*clinic*" "the clinic" ring family'
        screener rules add --first 'screen from +14155550199'
    """
    from screener.core import amendment
    from screener.core.shelf import Shelf

    if first and line:
        raise click.UsageError("--first and --line say two places")
    settings = settings_of(file)
    text, wrong = amendment.from_words(rule, settings.country)
    if wrong:
        for mistake in wrong:
            click.echo(f"{mistake.text}\n{pointed(text, mistake.column)}", err=True)
        raise click.exceptions.Exit(1)
    _try_out(settings, text)
    added = _folder(settings).add(text, file=into, first=first, line=line)
    new = added.rule
    tell_added(added, _line(settings, new), dir_of(file))
    if new.expired(datetime.now(UTC), Shelf(used=last_used(settings))):
        told = "warning: it has expired, because it was of no use for so long"
        click.echo(f"{told}: say another time after expires, or leave that out", err=True)


def tell_added(added: Added, line: str, here: str, undo: str = "") -> None:
    """That a rule was added: its place, its `line`, how to undo it, and what hinders it. `undo` is
    given where removing the rule is not all."""
    new = added.rule
    if added.already:
        click.echo(f"it is there already: {new.place}  {line}")
    else:
        click.echo(f"added {new.place}  {line}")
        undo = undo or f"screener rules remove{here} {shlex.quote(new.place)}"
        click.echo(f"undo:  {undo}")
    if added.taken_by:
        _warn_taken(new, added.taken_by)
    if added.broken:
        count = len(added.broken)
        click.echo(
            f"warning: {count} mistake{'s' * (count != 1)} in the rule files must be mended before"
            f" this comes into force: see `screener rules check{here}`",
            err=True,
        )


def _warn_taken(new: Rule, earlier: Sequence[Rule]) -> None:
    """That earlier rules leave it no call; whether that matters depends on what these do."""
    by = " and ".join(f'{one.place} "{one.label}"' if one.label else one.place for one in earlier)
    takes = "takes" if len(earlier) == 1 else "take"
    first = earlier[0]
    if all(one.effect == new.effect for one in earlier):
        what = "it changes nothing: the same is done by"
        click.echo(f"warning: {what} {by}, which {takes} all its calls", err=True)
        return
    click.echo(
        f"warning: it decides nothing: {by} before it {takes} all its calls. To have it asked"
        f" first, remove it and add it with --file {shlex.quote(first.file)} --line {first.line}",
        err=True,
    )


def _try_out(settings: Settings, text: str) -> None:
    """Read the rule with all that it names (lists, address books) before any file is touched."""
    from screener.rules import rulebook

    with tempfile.TemporaryDirectory(prefix="screener-") as trial:
        (Path(trial) / "new.rules").write_text(text, "utf-8")
        for book in settings.rules.glob(f"*{rulebook.BOOKS}"):
            (Path(trial) / book.name).symlink_to(book.resolve())
        try:
            rulebook.load(settings, Path(trial))
        except ConfigError as error:
            for mistake in error.mistakes:
                found = MISTAKE.fullmatch(mistake.replace(f"{trial}/new", "new"))
                what = found["text"] if found else mistake
                column = int(found["column"]) if found else 1
                what = what.replace(trial, str(settings.rules))
                click.echo(f"{what}\n{pointed(text, column)}", err=True)
            raise click.exceptions.Exit(1) from None


# remove ------------------------------------------------------------------------------------------


@click.command("remove")
@click.argument("what", metavar="[WHAT...]", nargs=-1)
@click.option("--expired", is_flag=True, help="All rules that have expired.")
@option
def remove(file: Path, what: tuple[str, ...], expired: bool) -> None:
    """Remove a rule, and say how to bring it back.

    WHAT is a rule's place as `screener rules list` shows it (2-block.rules:5), your name for it, or
    a number as it stands in the rule; of a list of numbers, only that one goes.

    \b
    Examples:
        screener rules remove 2-block.rules:5
        screener rules remove "premium numbers"
        screener rules remove +14155550100
        screener rules remove --expired
    """
    if bool(what) == expired:
        raise click.UsageError("expected what to remove: FILE:LINE, a number, a name, or --expired")
    settings = settings_of(file)
    folder = _folder(settings)
    contents = folder.read()
    if expired:
        old = _expired(settings, contents)
        for removed in folder.remove_all(old, contents):
            _tell_removed(removed, dir_of(file), None)
        if not old:
            click.echo("no rule has expired")
        return
    rule, pattern = _meant(contents, " ".join(what), settings.country)
    _tell_removed(folder.remove(rule, pattern, content=contents.line(rule)), dir_of(file), pattern)


def _expired(settings: Settings, contents: Contents) -> list[Rule]:
    from screener.core.shelf import Shelf

    shelf = Shelf(used=last_used(settings))
    now = datetime.now(UTC)
    return [rule for rule in contents.rules if rule.expired(now, shelf)]


def _meant(contents: Contents, what: str, country: str) -> tuple[Rule, NumberPattern | None]:
    """The one rule that the user means, and the number in it if it was that that he named."""
    from screener.core import amendment

    meant = amendment.meant(contents.rules, what, country)
    if len(meant) == 1:
        return meant[0]
    if meant:
        places = "\n".join(f"  {rule.place}  {contents.line(rule).strip()}" for rule, _ in meant)
        raise RulesError(
            f"{len(meant)} rules have {what}; name one of them by its place:\n{places}"
        )
    if amendment.PLACE.match(what):
        raise RulesError(f"there is no such rule: {what}; `screener rules list` shows them")
    raise RulesError(_nothing(contents, what, amendment.number_pattern(what, country)))


def _nothing(contents: Contents, what: str, pattern: NumberPattern | None) -> str:
    """That no rule has this, and which rules concern it all the same."""
    from screener.core.conditions import From

    near = [
        rule
        for rule in contents.rules
        if pattern is not None
        and any(
            isinstance(c, From) and any(p.covers(pattern) for p in c.patterns)
            for c in rule.conditions
        )
    ]
    if near:
        places = "\n".join(f"  {rule.place}  {contents.line(rule).strip()}" for rule in near)
        return f"no rule names {what}; it is among the numbers of:\n{places}"
    return f"no rule has this number or name: {what}; `screener rules list` shows them"


def _tell_removed(removed: Removed, here: str, pattern: NumberPattern | None) -> None:
    rule = removed.rule
    if removed.left:
        click.echo(f"removed {pattern} from {rule.place}, which is now:  {removed.left.strip()}")
    else:
        click.echo(f"removed {rule.place}  {shown(removed.content.strip(), 500)}")
    back = f"--file {shlex.quote(rule.file)} --line {rule.line} {shlex.quote(removed.lost)}"
    click.echo(f"undo:  screener rules add{here} {back}")


def _folder(settings: Settings) -> RulesFolder:
    from screener.rules.rulesfolder import RulesFolder

    return RulesFolder(settings.rules, settings.country)


def _line(settings: Settings, rule: Rule) -> str:
    return shown(_folder(settings).read().line(rule).strip(), 500)
