"""The weekly report for programs: as JSON has it, and its calls as CSV."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo
from typing import Any

from screener.core.excerpt import cell, guarded
from screener.core.fate import fate
from screener.core.headline import headline
from screener.core.reckoning import caller_of
from screener.core.report import Caller, Count, Message, Report, Trouble
from screener.core.story import CallRow

COLUMNS = (
    *("call", "started", "number", "name", "withheld", "did", "fate", "outcome", "seconds"),
    *("answered_by", "rule", "ruled", "verdict", "reason", "campaign"),
    "undo",
)
"""The columns of the calls as CSV; the last is the command that undoes what became of the call."""


def as_json(report: Report, zone: tzinfo | None) -> dict[str, Any]:
    """The report as JSON has it. Once the days are over it is always the same, until something of
    them is deleted, or a message of them is mailed or fails.

    Times are ISO 8601 in `zone`, with what it is off UTC.
    """
    values = _Values(zone)
    return {
        "period": report.period.name,
        "first": str(report.period.first),
        "last": str(report.period.last),
        "so_far": report.so_far,
        "headline": headline(report),
        "calls": report.calls,
        "fates": dict(report.fates),
        "spared": {"rings": report.spared_rings, "seconds": report.spared_seconds},
        "shadow": {"calls": report.shadow, "would_block": report.would_block},
        "messages_of_calls_that_broke_off": report.saved,
        "undelivered": report.undelivered,
        "before": [{"period": past.name, "fates": dict(past.fates)} for past in report.before],
        "hours": [list(hours) for hours in report.hours],
        "gave_up": [*map(values.caller, report.gave_up)],
        "wordless": [*map(values.caller, report.wordless)],
        "messages": [*map(values.message, report.messages)],
        "reminders": [*map(values.message, report.reminders)],
        "kept_out": [*map(values.caller, report.kept_out)],
        "strangers": [*map(values.caller, report.strangers)],
        "others": [*map(values.caller, report.others)],
        "campaigns": [*map(values.count, report.campaigns)],
        "rules": [*map(values.count, report.rules)],
        "evidence": [*map(values.count, report.evidence)],
        "redirects": [*map(values.count, report.redirects)],
        "troubles": [*map(values.trouble, report.troubles)],
        "deleted": [*map(values.trouble, report.deleted)],
    }


class _Values:
    """The parts of the report as JSON has them, with times in `zone`."""

    def __init__(self, zone: tzinfo | None) -> None:
        self._zone = zone

    def time(self, at: datetime) -> str:
        return at.astimezone(self._zone).isoformat(timespec="seconds")

    def caller(self, each: Caller) -> dict[str, Any]:
        return {
            "number": each.number,
            "name": each.name,
            "withheld": each.withheld,
            "fate": each.fate,
            "calls": each.calls,
            "newest": each.call,
            "at": self.time(each.at),
            "seconds": each.seconds,
            "why": each.why,
            "rule": each.rule,
            "heard": list(each.heard),
            "undo": _undo(each),
        }

    def message(self, each: Message) -> dict[str, Any]:
        kept = each.recording
        if kept is None:
            return self.caller(each.caller)
        said = {"box": kept.box, "length": kept.seconds, "transcript": kept.transcript}
        return self.caller(each.caller) | said

    def count(self, each: Count) -> dict[str, Any]:
        return {"what": each.what, "calls": each.calls, "numbers": each.numbers}

    def trouble(self, each: Trouble) -> dict[str, Any]:
        texts, last = list(each.texts), self.time(each.last)
        return {"kind": each.kind, "count": each.count, "texts": texts, "last": last}


def as_csv(rows: Iterable[CallRow], zone: tzinfo | None) -> str:
    """The calls as CSV (RFC 4180), a line each; no cell is a formula to a spreadsheet."""
    lines: list[Sequence[str]] = [COLUMNS]
    for row in rows:
        seconds = "" if row.seconds is None else f"{row.seconds:.1f}"
        became = fate(row.outcome, row.verdict, row.answered_by, row.reason)
        started = row.started.astimezone(zone).isoformat(timespec="seconds")
        cells = (row.number, row.name, "yes" if row.withheld else "", row.did, became, row.outcome)
        also = (row.answered_by, row.rule, row.ruled, row.verdict, row.reason, row.campaign)
        undo = _undo(caller_of(row, became))
        lines.append([str(row.id), started, *map(_cell, (*cells, seconds, *also, undo))])
    return "".join(",".join(map(cell, line)) + "\r\n" for line in lines)


def _undo(caller: Caller) -> str:
    """The command that makes a rule about him; "" where no rule undoes anything."""
    return f"screener calls {caller.undo} {caller.call}" if caller.undo else ""


def _cell(text: str) -> str:
    """A cell on one line, that a spreadsheet takes for text; an E.164 number stays what it is."""
    line = "".join(map(_printed, " ".join(text.splitlines())))
    return line if line[:1] == "+" and line[1:].isdecimal() else guarded(line)


def _printed(char: str) -> str:
    """No character drives the terminal on which the file is looked at."""
    plain = char.isprintable() or char == "\t"
    return char if plain else char.encode("unicode_escape").decode("ascii")
