"""`screener rules explain`: what would become of a call, and why."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from screener.cli.door import last_used, option, settings_of
from screener.core.callerid import columns, fitted, quoted, shown, shown_number

if TYPE_CHECKING:
    from screener.config import Settings
    from screener.core.call import Call
    from screener.core.frontdoor import FrontDoor
    from screener.core.history import History
    from screener.core.rules import Explanation, RuleSet, Ruling, Target

_TREATMENTS = {
    "sit": "the tones of a number that is not in service",
    "busy": "a busy signal",
    "ringing": "endless ringing",
    "silence": "silence",
    "hangup": "nothing at all",
}
_TARGETS = {
    "ring": "the phones of",
    "extension": "extension",
    "menu": "the menu of",
    "message": "the message box",
    "redirect": "",
    "bridge": "",
}
_YEARS = range(1970, 3000)  # at the ends of the calendar other zones have no such time
_FEW = 20  # rules that are told one by one, unless --all asks for more


@click.command("explain", short_help="Say what would become of a call, and why.")
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
def explain(  # noqa: PLR0917 (click gives each option by its name)
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
    from screener.core.call import Call
    from screener.core.number import read
    from screener.core.signature import Signature
    from screener.rules import rulebook

    settings = settings_of(file)
    caller = read(number, settings.country)
    when = _when(at, datetime.now(UTC).astimezone(settings.zone))
    shows = caller.shows
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
    ruleset = rulebook.load(settings, used=last_used(settings))
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
        if day.year not in _YEARS:
            break
        naive = datetime.combine(day, given.time())
        return naive.replace(tzinfo=zone) if zone else naive.astimezone()
    raise click.BadParameter(
        'expected a time like "23:10" or "2026-11-20 23:10", from 1970 to 2999', param_hint="--at"
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
    from screener.records.calllog import DATABASE, CallLog

    path = settings.data / DATABASE
    if not shows or not path.exists():
        return History()
    with CallLog(path) as log:
        return log.history(shows).until(at)


def _windows(settings: Settings, at: datetime, emergency: bool, expecting: bool) -> dict[str, str]:
    """Why each window is open, for the call: as the user says, or as it is on disk."""
    from screener.core.window import Kind
    from screener.rules.windows import Windows

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
    whose = "a withheld number" if call.caller.withheld else who
    fate = _fate(ruling, settings.doors[call.did])
    click.echo(f"A call from {whose}{name} to {shown_number(call.did)}, {time}: {fate}.")
    if not call.caller.withheld and not call.caller.e164:
        lacks = f"{who} is not a telephone number in {settings.country}"
        click.echo(f"{lacks}: a call that shows it is judged by what it shows.")
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
        before = "Rules before it, and why they do not decide"
        which = before if ruling.rule is not None else "The rules, and why none decides"
        click.echo(f"\n{which}:")
    rows = [(rule.place, f'"{shown(rule.label)}"' if rule.label else "", why) for rule, why in near]
    wide = [max((columns(row[at]) for row in rows), default=0) for at in (0, 1)]
    for place, label, why in rows:
        click.echo(f"  {fitted(place, wide[0])}  {fitted(label, wide[1])}  {why}")
    if left := len(found.passed) - len(near):
        click.echo(f"  and {left} that are about other callers: --all shows them")


def _place(target: Target | None) -> str:
    """Where a call is sent, in words."""
    if target is None:
        return "the attendant"
    what = _TARGETS[target.where]
    return f"{what} {shown_number(target.name) if target.name[:1] == '+' else target.name}".strip()


def _fate(ruling: Ruling, door: FrontDoor) -> str:
    """What becomes of such a call, in words."""
    if door.doorbell and ruling.action != "block":
        return f"it is a doorbell's: {_at_doorbell(ruling.target, door)}"
    match ruling.action:
        case "allow":
            group = f"the phones of {ruling.target.name}" if ruling.target else "your phones"
            return f"{group} ring at once"
        case "block":
            what = ruling.treatment
            told = _TREATMENTS.get(str(what), f"a refusal by the network ({what})")
            return f"no phone rings; the caller gets {told}"
        case "send":
            return f"it goes to {_place(ruling.target)}"
    if ruling.challenge:
        return "the attendant asks the caller the challenge first"
    return "the caller meets the attendant"


def _at_doorbell(target: Target | None, door: FrontDoor) -> str:
    """Who rings at a doorbell: nothing is asked there, and no box answers (core/reception.py)."""
    if target is not None and target.where in ("redirect", "bridge"):
        return f"it goes to {_place(target)}"
    phones = f"the phones of {door.group.name}"
    if target is not None and target.where in ("ring", "extension"):
        phones = _place(target) if target.where == "ring" else f"the phones of {_place(target)}"
    return f"{phones} ring at once"
