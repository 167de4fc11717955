"""A call's row and its story, and how they read: what `screener calls` prints.

Rows come from calllog.py. Whatever a stranger could have written into one (number, name, words that
were heard) is shown through core/callerid.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from screener.core.callerid import columns, fitted, quoted, shown, shown_number

_LINE = 500  # characters of one line of a story: a ruling's reason says all it has to say


@dataclass(frozen=True, slots=True)
class CallRow:
    """One call, as the store keeps it.

    `id` counts up from 1 and is what users name the call by; `uid` is Asterisk's channel id.
    `started` and `ended` are aware, in UTC. `number` is E.164, "" when withheld, or what arrived
    where that is not a number. `outcome` is "" as long as the call is in progress, else a word of
    core/call.py. `rang_after` is seconds from the first ring to the answer; `seconds` the length.
    `attestation` to `emergency` are what the call showed besides, as in core/call.py. `ruled` is
    what the rules said of it (rules.Ruling.effect; only the action in rows of an old screener, ""
    where it is not known), `ruling` the same with its reason. With `shadow` it rang all the same.
    `passed`: the caller has answered the challenge. `redirects` and `campaign` as in core/call.py.
    """

    id: int
    uid: str
    started: datetime
    did: str
    number: str = ""
    name: str = ""
    withheld: bool = False
    ended: datetime | None = None
    outcome: str = ""
    reason: str = ""
    rule: str = ""
    verdict: str = ""
    evidence: tuple[str, ...] = ()
    answered_by: str = ""
    rang_after: float | None = None
    seconds: float | None = None
    attestation: str = ""
    verstat: str = ""
    expecting: str = ""
    emergency: str = ""
    ruled: str = ""
    ruling: str = ""
    shadow: bool = False
    passed: bool = False
    redirects: tuple[str, ...] = ()
    campaign: str = ""

    @property
    def in_progress(self) -> bool:
        return self.ended is None


@dataclass(frozen=True, slots=True)
class StoryLine:
    """One thing that happened in a call, `at` seconds after the call came in."""

    at: float
    text: str


def caller(row: CallRow) -> str:
    """Who called: `+1 805 555 0142 "UNKNOWN"`, `withheld`."""
    number = "withheld" if row.withheld else shown_number(row.number)
    return f"{number} {quoted(row.name)}" if row.name else number


def what_came(row: CallRow) -> str:
    """The outcome in a few words: "connected to study after 6.1 s"."""
    if row.in_progress:
        return "in progress"
    words = [shown(row.outcome)]
    if row.answered_by:
        words.append(f"to {shown(row.answered_by)}")
    if row.rang_after is not None:
        words.append(f"after {row.rang_after:.1f} s")
    return " ".join(words)


# One call ----------------------------------------------------------------------------------------


def tell_call(row: CallRow, lines: Sequence[StoryLine], zone: tzinfo | None) -> str:
    """The whole story of one call, with times of day in `zone` (None: this machine's).

    Ends without a newline.
    """
    when = row.started.astimezone(zone).strftime("%a %d %b %Y, %H:%M:%S")
    head = f"call {row.id}   {when}   {caller(row)}  to  {shown_number(row.did)}"
    width = max([5, *(len(f"{line.at:.1f}") for line in lines)])
    told = [f"{line.at:{width}.1f} s   {shown(line.text, _LINE)}" for line in lines]
    return "\n".join([head, *told, *conclusion(row)])


def conclusion(row: CallRow) -> list[str]:
    """What came of it and why: a sentence, then the rule, the verdict and its evidence."""
    reason = shown(row.reason, _LINE).rstrip(".")
    lines = [what_came(row) + (f", because {reason}" if reason else "")]
    if row.shadow and row.ruled:
        lines.append(f"shadow mode, it rang; would have been: {shown(row.ruled, _LINE)}")
    if row.ruling and row.ruling not in row.reason:
        lines.append(f"rules: {shown(row.ruling, _LINE)}")
    elif row.rule and not row.ruling:
        lines.append(f"rule: {shown(row.rule, _LINE)}")
    if row.verdict:
        lines.append(f"verdict: {shown(row.verdict)}")
    lines += [f"  - {shown(sentence, _LINE)}" for sentence in row.evidence]
    return lines


# Many calls --------------------------------------------------------------------------------------

_HEADINGS = ("call", "when", "who called", "to", "what came of it", "why")
_WIDEST = (8, 16, 38, 17, 36, 60)


def calls_table(rows: Sequence[CallRow], zone: tzinfo | None, width: int = 140) -> str:
    """The calls as a table, one line each in the order given, at most `width` columns wide.

    Times of day are in `zone` (None: this machine's). "no calls yet" when there are none.
    Narrow terminals cost the last column first: `screener calls show` tells the rest.
    """
    if not rows:
        return "no calls yet"
    return table([_HEADINGS, *(_cells(row, zone) for row in rows)], _WIDEST, width)


def table(lines: Sequence[Sequence[str]], widest: Sequence[int], width: int) -> str:
    """Lines of cells in columns, at most `width` wide; what is too long is cut with "…".

    `widest` is how wide each column may be. The first, of numbers, stands to the right; the last
    one gives way where there is little room.
    """
    widths = [
        min(most, max(columns(line[column]) for line in lines))
        for column, most in enumerate(widest)
    ]
    widths[-1] = max(4, min(widths[-1], width - sum(widths[:-1]) - 2 * (len(widths) - 1)))
    return "\n".join(_table_line(line, widths).rstrip() for line in lines)


def _cells(row: CallRow, zone: tzinfo | None) -> tuple[str, ...]:
    when = row.started.astimezone(zone).strftime("%Y-%m-%d %H:%M")
    reason = shown(row.reason, _LINE)
    return str(row.id), when, caller(row), shown_number(row.did), what_came(row), reason


def _table_line(cells: Sequence[str], widths: Sequence[int]) -> str:
    number = cells[0].rjust(widths[0])
    others = (fitted(cell, width) for cell, width in zip(cells[1:], widths[1:], strict=True))
    return "  ".join([number, *others])
