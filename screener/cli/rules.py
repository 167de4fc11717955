"""`screener rules`: the rules as they stand, what is wrong with them, what is odd about them."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from screener.cli.amend import add, remove
from screener.cli.door import MISTAKE, last_used, option, pointed, settings_of, uses
from screener.cli.exchange import export, import_
from screener.cli.explain import explain
from screener.cli.replay import replay
from screener.core import ruletext
from screener.core.callerid import shown
from screener.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from screener.config import Settings
    from screener.core.call import Call
    from screener.core.rules import Rule, RuleSet
    from screener.records.calllog import CallLog, Use
    from screener.rules.rulesfolder import Contents

_YEAR = timedelta(days=365)
_ENOUGH = timedelta(days=30)
_CALLS = 50  # and these over a month at least: fewer say nothing about a rule that none matched
_ACTIONS = ("allow", "block", "screen", "send")


@click.group()
@option
@click.pass_context
def rules(context: click.Context, file: Path) -> None:
    """Your rules: who rings through, who is turned away, and why.

    \b
    Examples:
        screener rules explain "+1 900 555 0100"
        screener rules add block from +1900* "premium numbers"
        screener rules check
    """
    context.obj = file


# check -------------------------------------------------------------------------------------------


@rules.command("check")
@click.option("--strict", is_flag=True, help="Exit with status 1 on warnings, too.")
@option
@click.pass_context
def rules_check(context: click.Context, file: Path, strict: bool) -> None:
    """Find every mistake in the rules, then what is odd about them.

    A mistake keeps the rules from coming into force: exit status 1. A warning is about a rule that
    decides nothing: an earlier one takes all its calls, its conditions exclude one another, or no
    call of the last year matched it.

    \b
    Example:
        screener rules check && echo "all is well"
    """
    from screener.rules import rulebook

    settings = settings_of(file)
    try:
        loaded = rulebook.read(settings, used=last_used(settings))
    except ConfigError as error:
        for mistake in error.mistakes:
            click.echo(_with_caret(mistake) if sys.stderr.isatty() else mistake, err=True)
        click.echo("these rules are not in force", err=True)
        context.exit(1)
    warnings = [*loaded.troubles, *_remarks(settings, loaded.rules)]
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)
    count = len(loaded.rules.rules)
    click.echo(f"{count} rule{'s' * (count != 1)} without a mistake")
    context.exit(1 if warnings and strict else 0)


def _with_caret(mistake: str) -> str:
    """The mistake, and under it the line with a mark at the place."""
    found = MISTAKE.fullmatch(mistake)
    if found is None:
        return mistake
    try:
        lines = ruletext.lines(Path(found["path"]).read_text("utf-8-sig", errors="replace"))
    except OSError:
        return mistake
    at = int(found["line"]) - 1
    return f"{mistake}\n{pointed(lines[at], int(found['column']))}" if at < len(lines) else mistake


def _remarks(settings: Settings, ruleset: RuleSet) -> list[str]:
    """What is odd about rules without mistakes."""
    from screener.core import review
    from screener.core.numberlist import Numbers
    from screener.numberlists import lists

    remarks = [*review.review(ruleset.rules)]
    found = [str(remark) for remark in remarks]
    there = {
        name: numbers
        for name, numbers in ruleset.shelf.lists.items()
        if isinstance(numbers, Numbers)
    }

    def within(part: str, whole: str) -> bool:
        return part in there and whole in there and lists.subset(there[part], there[whole])

    found += [f"list {remark}" for remark in review.same_lists(ruleset.rules, within)]
    dead = {remark.place for remark in remarks}  # that was said already
    idle = [rule for rule in _idle(settings, ruleset) if rule.place not in dead]
    return found + [str(remark) for remark in review.unused(idle)]


def _idle(settings: Settings, ruleset: RuleSet) -> list[Rule]:
    """The rules that have decided no call of the last year, nor would have, as far as is known."""
    from screener.core import review
    from screener.records.calllog import DATABASE, CallLog

    path = settings.data / DATABASE
    since = datetime.now(UTC) - _YEAR
    if not path.exists():
        return []
    with CallLog(path) as log:
        if not _tells(log, since):
            return []
        never = review.undecided(ruleset, _calls(log, settings, ruleset, since))
        used = log.uses()
    return [
        rule
        for rule in never
        if not ((use := used.get(rule.key)) and use.hits and use.last >= since)
    ]


def _tells(log: CallLog, since: datetime) -> bool:
    """Whether there are calls enough to say that a rule is of no use."""
    oldest = next(log.past(since), None)
    newest = log.calls(_CALLS, since)
    return (
        oldest is not None
        and len(newest) == _CALLS
        and newest[0].started - oldest.started >= _ENOUGH
    )


def _calls(log: CallLog, settings: Settings, ruleset: RuleSet, since: datetime) -> Iterator[Call]:
    from screener.core.replay import calls_again

    begin = None if ruleset.asks_history else since
    return calls_again(
        log.past(begin), log.dialled(begin), ruleset, settings.country, settings.zone, since=since
    )


# list --------------------------------------------------------------------------------------------


@rules.command("list", short_help="List the rules in their order, with their use.")
@click.option("--action", type=click.Choice(_ACTIONS), help="Only the rules that do this.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@option
def rules_list(file: Path, action: str | None, as_json: bool) -> None:
    """List the rules in the order in which they are asked, with how many calls each decided.

    \b
    Example:
        screener rules list --action block
    """
    from screener.rules import rulebook
    from screener.rules.rulesfolder import RulesFolder

    settings = settings_of(file)
    counted = uses(settings)
    ruleset = rulebook.load(settings, used=last_used(settings))
    contents = RulesFolder(settings.rules, settings.country).read()
    now = datetime.now(UTC)
    rows = [
        _row(rule, contents, counted.get(rule.key), rule.expired(now, ruleset.shelf))
        for rule in ruleset.rules
        if action in (None, rule.action)
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    if not rows:
        click.echo("no rules: every call is screened" if action is None else f"no {action} rules")
        return
    wide = max(len(f"{row['file']}:{row['line']}") for row in rows)
    click.echo(f"calls  {'last':11}  {'where':{wide}}  rule")
    for row in rows:
        last = datetime.fromisoformat(row["last"]) if row["last"] else None
        day = last.astimezone(settings.zone).strftime("%d %b %Y") if last else "never"
        expired = "  (expired)" if row["expired"] else ""
        place = f"{row['file']}:{row['line']}"
        click.echo(f"{row['hits']:5}  {day:11}  {place:{wide}}  {row['text']}{expired}")


def _row(rule: Rule, contents: Contents, use: Use | None, expired: bool) -> dict[str, Any]:
    hits = use.hits if use else 0
    return {
        "file": rule.file,
        "line": rule.line,
        "action": rule.action.value,
        "effect": rule.effect,
        "label": rule.label,
        "text": shown(" ".join(contents.line(rule).split()), 500),
        "hits": hits,
        "last": use.last.isoformat() if use and hits else None,
        "expired": expired,
    }


for command in (explain, add, remove, replay, import_, export):
    rules.add_command(command)
