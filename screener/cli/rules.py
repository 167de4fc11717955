"""`screener rules`: the rules as they stand, why a number would be blocked, a rule more or less."""

from __future__ import annotations

import json
import os
import re
import shlex
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from screener.cli.door import option, settings_of
from screener.core.callerid import columns, fitted, quoted, shown, shown_number
from screener.errors import ConfigError, RulesError

if TYPE_CHECKING:
    from screener.config import Settings
    from screener.core.call import Call
    from screener.core.history import History
    from screener.core.pattern import NumberPattern
    from screener.core.rules import Explanation, Rule, RuleSet, Ruling
    from screener.rulesfolder import Contents, Removed, RulesFolder
    from screener.store import Use

_FEW = 20  # rules that are told one by one, unless --all asks for more
_MISTAKE = re.compile(r"(?P<path>.+?\.rules):(?P<line>[0-9]+):(?P<column>[0-9]+): (?P<text>.*)")
_PLACE = re.compile(r"(?:.*/)?(?P<file>[^/]+\.rules):(?P<line>[0-9]+)")
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
    from screener import rulebook

    settings = settings_of(file)
    try:
        loaded = rulebook.read(settings, used=_last_used(_uses(settings)))
    except ConfigError as error:
        for mistake in error.mistakes:
            click.echo(_with_caret(mistake), err=True)
        count = len(error.mistakes)
        click.echo(f"{count} mistake{'s' * (count != 1)}: these rules are not in force", err=True)
        context.exit(1)
    warnings = [*loaded.troubles, *_remarks(settings, loaded.rules)]
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)
    count = len(loaded.rules.rules)
    click.echo(f"{count} rule{'s' * (count != 1)} without a mistake")
    context.exit(1 if warnings and strict else 0)


def _with_caret(mistake: str) -> str:
    """The mistake, and under it the line with a mark at the place."""
    found = _MISTAKE.fullmatch(mistake)
    if found is None:
        return mistake
    try:
        lines = Path(found["path"]).read_text("utf-8-sig", errors="replace").splitlines()
    except OSError:
        return mistake
    at = int(found["line"]) - 1
    return f"{mistake}\n{_pointed(lines[at], int(found['column']))}" if at < len(lines) else mistake


def _pointed(line: str, column: int) -> str:
    """A line and, under it, a caret at the column; of a long line, what is around it."""
    start = max(0, column - 60)
    piece = line[start : start + 76]
    before = "".join("\t" if c == "\t" else " " for c in piece[: column - 1 - start])
    safe = "".join(c if c.isprintable() or c == "\t" else "?" for c in piece)
    return f"    {safe}\n    {before}^"


def _remarks(settings: Settings, ruleset: RuleSet) -> list[str]:
    """What is odd about rules without mistakes."""
    from screener import lists
    from screener.core import review
    from screener.core.numberlist import Numbers

    found = [str(remark) for remark in review.review(ruleset.rules)]
    there = {
        name: numbers
        for name, numbers in ruleset.shelf.lists.items()
        if isinstance(numbers, Numbers)
    }

    def within(part: str, whole: str) -> bool:
        return part in there and whole in there and lists.subset(there[part], there[whole])

    found += [f"list {remark}" for remark in review.same_lists(ruleset.rules, within)]
    return found


# list --------------------------------------------------------------------------------------------


@rules.command("list")
@click.option("--action", type=click.Choice(_ACTIONS), help="Only the rules that do this.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@option
def rules_list(file: Path, action: str | None, as_json: bool) -> None:
    """List the rules in the order in which they are asked, with how many calls each decided.

    \b
    Example:
        screener rules list --action block
    """
    from screener import rulebook

    settings = settings_of(file)
    uses = _uses(settings)
    ruleset = rulebook.load(settings, used=_last_used(uses))
    contents = _folder(settings).read()
    now = datetime.now(UTC)
    rows = [
        _row(rule, contents, uses.get(rule.key), rule.expired(now, ruleset.shelf))
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


# explain -----------------------------------------------------------------------------------------


@rules.command("explain")
@click.argument("number", metavar="NUMBER")
@click.option("--name", default="", help="The name that the caller shows.")
@click.option("--to", default="", help="Which of your numbers is called; else the first.")
@click.option("--at", default="", help='When: "2026-11-20 23:10" or "23:10"; else now.')
@click.option(
    "--attestation", type=click.Choice(["A", "B", "C"], case_sensitive=False), help="Signed as."
)
@click.option(
    "--verstat", type=click.Choice(["passed", "failed"]), help="What came of the signature's check."
)
@click.option("--emergency", is_flag=True, help="As if one of your phones had called for help.")
@click.option("--expecting", is_flag=True, help="As if you expected a call.")
@click.option("--all", "every", is_flag=True, help="Also the rules that are about other callers.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@option
def rules_explain(  # noqa: PLR0917 (click gives each option by its name)
    file: Path,
    number: str,
    name: str,
    to: str,
    at: str,
    attestation: str | None,
    verstat: str | None,
    emergency: bool,
    expecting: bool,
    every: bool,
    as_json: bool,
) -> None:
    """Say what would become of a call from NUMBER, and why no earlier rule decides it.

    NUMBER is as people write it, or `withheld`. What has been between you and the number counts as
    in a real call, and so does a window that is open now.

    \b
    Examples:
        screener rules explain "(415) 555-0100"
        screener rules explain withheld --at 23:10
        screener rules explain +14155550100 --name "ACME SURVEY" --attestation C
    """
    from screener import rulebook
    from screener.core.call import Call
    from screener.core.number import read
    from screener.core.signature import Signature

    settings = settings_of(file)
    caller = read(number, settings.country)
    when = _when(at, datetime.now(UTC).astimezone(settings.zone))
    shows = "" if caller.withheld else caller.e164 or caller.raw
    call = Call(
        uid="explain",
        did=_did(settings, to),
        caller=caller,
        at=when,
        name=name,
        signature=Signature((attestation or "").upper(), verstat or ""),
        history=_history(settings, shows, when),
        **_windows(settings, when, emergency, expecting),
    )
    ruleset = rulebook.load(settings, used=_last_used(_uses(settings)))
    found = ruleset.explain(call)
    if as_json:
        click.echo(json.dumps(_as_json(found), indent=2, ensure_ascii=False))
        return
    _tell(found, call, settings, ruleset, every)


def _when(text: str, now: datetime) -> datetime:
    """The time that was given, by the owner's clock; aware."""
    if not text:
        return now
    for form in ("%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%H:%M"):
        try:
            given = datetime.strptime(text, form)
        except ValueError:
            continue
        day = now.date() if form == "%H:%M" else given.date()
        zone = now.tzinfo if isinstance(now.tzinfo, ZoneInfo) else None
        naive = datetime.combine(day, given.time())
        return naive.replace(tzinfo=zone) if zone else naive.astimezone()
    raise click.BadParameter(
        'expected a time like "23:10" or "2026-11-20 23:10"', param_hint="--at"
    )


def _did(settings: Settings, to: str) -> str:
    """The number called, one of ours, in E.164."""
    from screener.core.number import read

    if not to:
        return next(iter(settings.doors))
    did = read(to, settings.country).e164
    if did in settings.doors:
        return did
    known = ", ".join(settings.doors)
    raise click.BadParameter(f"{to} is none of your numbers: {known}", param_hint="--to")


def _history(settings: Settings, shows: str, at: datetime) -> History:
    """What had been between us and the number by then."""
    from screener.core.history import History
    from screener.store import DATABASE, CallLog

    path = settings.data / DATABASE
    if not shows or not path.exists():
        return History()
    with CallLog(path) as log:
        found = log.history(shows)
    return History(
        *(
            tuple(time for time in times if time <= at)
            for times in (found.calls, found.answered, found.messages, found.dialled)
        )
    )


def _windows(settings: Settings, at: datetime, emergency: bool, expecting: bool) -> dict[str, str]:
    """Why each window is open, for the call: as the user says, or as it is on disk."""
    from screener.core.window import Kind
    from screener.windows import Windows

    windows = Windows.of(settings)
    return {
        "expecting": "you asked as if" if expecting else windows.why(Kind.EXPECTING, at),
        "emergency": "you asked as in an emergency"
        if emergency
        else windows.why(Kind.EMERGENCY, at),
    }


def _as_json(found: Explanation) -> dict[str, Any]:
    ruling = found.ruling
    return {
        "action": ruling.action.value,
        "effect": ruling.effect,
        "rule": ruling.name,
        "file": ruling.rule.file if ruling.rule else None,
        "line": ruling.rule.line if ruling.rule else None,
        "reason": ruling.reason,
        "passed": [
            {"rule": rule.title, "file": rule.file, "line": rule.line, "reason": why}
            for rule, why in found.passed
        ],
    }


def _tell(
    found: Explanation, call: Call, settings: Settings, ruleset: RuleSet, every: bool
) -> None:
    """The ruling first; then, of the rules before it, those that are about such a caller."""
    ruling = found.ruling
    click.echo(click.style(ruling.reason, bold=True))
    who = "withheld" if call.caller.withheld else shown_number(call.caller.e164 or call.caller.raw)
    name = f" {quoted(call.name)}" if call.name else ""
    time = call.at.strftime("%a %d %b %Y %H:%M")
    click.echo(f"A call from {who}{name} to {shown_number(call.did)}, {time}: {_fate(ruling)}.")
    if settings.shadow:
        click.echo('But screener.toml says mode = "shadow": for now it rings like any other.')
    near = found.passed
    if len(near) > _FEW and not every:
        near = tuple(
            (rule, why)
            for rule, why in found.passed
            if any(condition.holds(call, ruleset.shelf) for condition in rule.conditions)
        )
    if found.passed:
        click.echo("\nRules before it, and why they do not decide:")
    rows = [(rule.place, f'"{shown(rule.label)}"' if rule.label else "", why) for rule, why in near]
    wide = [max((columns(row[at]) for row in rows), default=0) for at in (0, 1)]
    for place, label, why in rows:
        click.echo(f"  {fitted(place, wide[0])}  {fitted(label, wide[1])}  {why}")
    if left := len(found.passed) - len(near):
        click.echo(f"  and {left} that are about other callers: --all shows them")


def _fate(ruling: Ruling) -> str:
    """What becomes of such a call, in words."""
    match ruling.action:
        case "allow":
            group = f"the phones of {ruling.target.name}" if ruling.target else "your phones"
            return f"{group} ring at once"
        case "block":
            return f"no phone rings, the caller gets {ruling.effect.removeprefix('block ')!r}"
        case "send":
            return f"it goes to {ruling.target}"
    return "the caller meets the attendant"


# add ---------------------------------------------------------------------------------------------


@rules.command("add")
@click.argument("rule", metavar="RULE...", nargs=-1, required=True)
@click.option("--file", "into", default="", help="The rule file to write it into.")
@click.option("--first", is_flag=True, help="Before the file's other rules, not after them.")
@click.option("--line", type=click.IntRange(1), help="As this line of the file.")
@option
def rules_add(file: Path, rule: tuple[str, ...], into: str, first: bool, line: int | None) -> None:
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

    if first and line:
        raise click.UsageError("--first and --line say two places")
    settings = settings_of(file)
    text, wrong = amendment.from_words(rule, settings.country)
    if wrong:
        for mistake in wrong:
            click.echo(f"{mistake.text}\n{_pointed(text, mistake.column)}", err=True)
        raise click.exceptions.Exit(1)
    _try_out(settings, text)
    added = _folder(settings).add(text, file=into, first=first, line=line)
    new, here = added.rule, _dir(file)
    if added.already:
        click.echo(f"it is there already: {new.place}  {_line(settings, new)}")
    else:
        click.echo(f"added {new.place}  {_line(settings, new)}")
        click.echo(f"undo:  screener rules remove{here} {shlex.quote(new.place)}")
    if added.taken_by:
        _warn_taken(added.taken_by)
    if added.broken:
        count = len(added.broken)
        click.echo(
            f"warning: {count} mistake{'s' * (count != 1)} in the rule files must be mended before"
            f" this comes into force: see `screener rules check{here}`",
            err=True,
        )


def _warn_taken(earlier: Sequence[Rule]) -> None:
    first = earlier[0]
    by = " and ".join(f"{rule.place} {rule.title.rpartition(' ')[0]}".strip() for rule in earlier)
    takes = "takes" if len(earlier) == 1 else "take"
    click.echo(
        f"warning: it decides nothing, because {by} before it {takes} all its calls; to have it"
        f" asked before, remove it and add it with --file {first.file} --line {first.line}",
        err=True,
    )


def _try_out(settings: Settings, text: str) -> None:
    """Read the rule with all that it names (lists, address books) before any file is touched."""
    from screener import rulebook

    with tempfile.TemporaryDirectory(prefix="screener-") as trial:
        (Path(trial) / "new.rules").write_text(text, "utf-8")
        for book in settings.rules.glob(f"*{rulebook.BOOKS}"):
            (Path(trial) / book.name).symlink_to(book.resolve())
        try:
            rulebook.load(settings, Path(trial))
        except ConfigError as error:
            for mistake in error.mistakes:
                found = _MISTAKE.fullmatch(mistake.replace(f"{trial}/new", "new"))
                what = found["text"] if found else mistake
                column = int(found["column"]) if found else 1
                what = what.replace(trial, str(settings.rules))
                click.echo(f"{what}\n{_pointed(text, column)}", err=True)
            raise click.exceptions.Exit(1) from None


# remove ------------------------------------------------------------------------------------------


@rules.command("remove")
@click.argument("what", metavar="[WHAT...]", nargs=-1)
@click.option("--expired", is_flag=True, help="All rules that have expired.")
@option
def rules_remove(file: Path, what: tuple[str, ...], expired: bool) -> None:
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
            _tell_removed(removed, _dir(file), None)
        if not old:
            click.echo("no rule has expired")
        return
    rule, pattern = _meant(contents, " ".join(what), settings.country)
    _tell_removed(folder.remove(rule, pattern, content=contents.line(rule)), _dir(file), pattern)


def _expired(settings: Settings, contents: Contents) -> list[Rule]:
    from screener.core.shelf import Shelf

    shelf = Shelf(used=_last_used(_uses(settings)))
    now = datetime.now(UTC)
    return [rule for rule in contents.rules if rule.expired(now, shelf)]


def _meant(contents: Contents, what: str, country: str) -> tuple[Rule, NumberPattern | None]:
    """The one rule that the user means, and the number in it if it was that that he named."""
    from screener.core import amendment

    found = _PLACE.match(what)
    value = what[found.end() :].strip() if found else what
    pattern = amendment.number_pattern(value, country) if value else None
    if found is not None:
        rule = contents.at(found["file"], int(found["line"]))
        if rule is None or (value and (pattern is None or not amendment.names(rule, pattern))):
            raise RulesError(f"there is no such rule: {what}; `screener rules list` shows them")
        return rule, pattern
    meant = [
        rule
        for rule in contents.rules
        if (rule.label and rule.label.casefold() == what.casefold())
        or (pattern is not None and amendment.names(rule, pattern))
    ]
    if len(meant) == 1:
        return meant[0], pattern if pattern and amendment.names(meant[0], pattern) else None
    if meant:
        places = "\n".join(f"  {rule.place}  {contents.line(rule).strip()}" for rule in meant)
        raise RulesError(
            f"{len(meant)} rules have {what}; name one of them by its place:\n{places}"
        )
    raise RulesError(_nothing(contents, what, pattern))


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


# What the commands share -------------------------------------------------------------------------


def _folder(settings: Settings) -> RulesFolder:
    from screener.rulesfolder import RulesFolder

    return RulesFolder(settings.rules, settings.country)


def _line(settings: Settings, rule: Rule) -> str:
    return shown(_folder(settings).read().line(rule).strip(), 500)


def _dir(file: Path) -> str:
    """What a command for this front door needs beside its own words."""
    usual = Path(os.environ.get("SCREENER_HOME") or ".")
    return "" if file.parent == usual else f" --dir {shlex.quote(str(file.parent))}"


def _uses(settings: Settings) -> Mapping[str, Use]:
    from screener.store import DATABASE, CallLog

    path = settings.data / DATABASE
    if not path.exists():
        return {}
    with CallLog(path) as log:
        return log.uses()


def _last_used(uses: Mapping[str, Use]) -> dict[str, datetime]:
    return {key: use.last for key, use in uses.items()}
