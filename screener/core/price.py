"""What a replay found, in words and as JSON: the price of rules before it is paid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo
from typing import Any

from screener.core.callerid import shown
from screener.core.replay import CALLED_BACK, Difference, Replay, Way, unwanted, way
from screener.core.story import caller, table

_WAYS = {
    Way.RINGS: "ring at once",
    Way.SCREENED: "meet the attendant",
    Way.SENT: "be sent to a message box or elsewhere",
    Way.BLOCKED: "be turned away",
}
_HEADINGS = ("call", "when", "who called", "was", "would be", "what it was worth", "by")
_WIDEST = (8, 16, 38, 20, 22, 50, 60)


def tell(found: Replay, zone: tzinfo | None, most: int | None, width: int = 140) -> str:
    """What the replay found: what it means in sentences, then calls that differ or are still wrong.

    Of these the first `most` (None: all): those that these rules get wrong before the others, the
    newest first. Times are in `zone` (None: this machine's). Ends without a newline.
    """
    if not found.calls or found.first is None or found.last is None:
        return "no calls to judge"
    first, last = _day(found.first, zone), _day(found.last, zone)
    when = f"on {first}" if first == last else f"from {first} to {last}"
    count = len(found.differences)
    lines = [
        f"{_calls(found.calls)} {when}: {count or 'none'} would have ended differently.",
        *_changes(found.differences),
        *_rates(found),
        *_remarks(found),
    ]
    telling = sorted(
        [*found.differences, *found.still_wrong],
        key=lambda one: (not (one.price or one.nuisance), -one.row.id),
    )
    shown_here = telling[:most]
    if shown_here:
        cells = [_HEADINGS, *(_cells(difference, zone) for difference in shown_here)]
        lines += ["", table(cells, _WIDEST, width)]
    if len(shown_here) < len(telling):
        lines.append(f"and {len(telling) - len(shown_here)} more: --all shows them")
    return "\n".join(lines)


def _changes(differences: Sequence[Difference]) -> Iterator[str]:
    """A line for each way that calls would go now."""
    for to in (Way.BLOCKED, Way.SENT, Way.SCREENED, Way.RINGS):
        there = [difference for difference in differences if way(difference.now) is to]
        if not there:
            continue
        line = f"  {len(there)} would {_WAYS[to]}"
        wanted = [difference.worth for difference in there if difference.price]
        if wanted:
            worth = _worth(
                sum(worth.answered is not None for worth in wanted),
                sum(worth.message for worth in wanted),
                sum(worth.called_back is not None for worth in wanted),
            )
            line += f"; {len(wanted)} of them wanted: {', '.join(worth)}"
        pests = sum(_pest(difference) for difference in there)
        if pests:
            line += f"; {pests} of them unwanted: turned away at the time, or silent"
        yield line


def _pest(difference: Difference) -> bool:
    """Whether it was an unwanted call: one that would ring now, or one that is turned away at once
    and shows what the rule is good for."""
    spared = way(difference.now) is Way.BLOCKED and not difference.worth.wanted
    return difference.nuisance or (spared and unwanted(difference.row))


def _worth(answered: int, messages: int, called_back: int) -> list[str]:
    told = (
        f"{answered} {_was(answered)} answered" if answered else "",
        f"{messages} left a message" if messages else "",
        f"{called_back} {_was(called_back)} called back" if called_back else "",
    )
    return [words for words in told if words]


def _rates(found: Replay) -> Iterator[str]:
    """How often these rules are wrong, as far as the calls have shown it."""
    blocked, ringing = found.blocked, found.ringing
    if blocked.through:
        worth = _worth(blocked.answered, blocked.messages, blocked.called_back)
        yield (
            f"Wrongly turned away: {blocked.wanted} of {_calls(blocked.through)}"
            f" ({_percent(blocked.wanted, blocked.through)})"
            + (f": {', '.join(worth)}." if worth else ".")
        )
    if blocked.calls > blocked.through:
        rest = blocked.calls - blocked.through
        yield (
            f"  {rest:,} more that these rules turn away {_was(rest)} turned away at the time, too:"
            f" nobody knows what {'it was' if rest == 1 else 'they were'}."
        )
    if ringing.calls:
        yield (
            f"Wrongly rung through: {ringing.unwanted} of {_calls(ringing.calls)}"
            f" ({_percent(ringing.unwanted, ringing.calls)}) had been turned away or had said"
            " nothing."
        )


def _remarks(found: Replay) -> Iterator[str]:
    if found.shadow:
        yield f"{_calls(found.shadow)} came in shadow mode: what they were is known of each."
    if found.unknown:
        yield f"{_calls(found.unknown)} cannot be compared: what the rules had said is not known."


# A difference ------------------------------------------------------------------------------------


def _cells(difference: Difference, zone: tzinfo | None) -> tuple[str, ...]:
    row = difference.row
    return (
        str(row.id),
        row.started.astimezone(zone).strftime("%Y-%m-%d %H:%M"),
        caller(row),
        shown(row.ruled),
        shown(difference.now),
        _marks(difference, zone),
        shown(difference.rule.title if difference.rule else "no rule"),
    )


def _marks(difference: Difference, zone: tzinfo | None) -> str:
    """What is known of what the call was; "" for nothing."""
    worth = difference.worth
    if not worth.wanted:
        row = difference.row
        return shown(row.verdict or row.outcome) if unwanted(row) else ""
    marks = []
    if worth.answered is not None:
        marks.append(f"answered, {_length(worth.answered)}")
    if worth.message:
        marks.append("left a message")
    if worth.called_back is not None:
        marks.append(f"called back on {worth.called_back.astimezone(zone).strftime('%d %b')}")
    return "; ".join(marks)


def as_json(found: Replay, zone: tzinfo | None, most: int | None) -> dict[str, Any]:
    """All that `tell` tells, for programs; the calls newest first, `most` of each kind."""
    blocked, ringing = found.blocked, found.ringing
    return {
        "calls": found.calls,
        "first": _iso(found.first, zone),
        "last": _iso(found.last, zone),
        "unknown": found.unknown,
        "shadow": found.shadow,
        "called_back_within_days": CALLED_BACK.days,
        "different": len(found.differences),
        "blocked": {
            "calls": blocked.calls,
            "known": blocked.through,
            "answered": blocked.answered,
            "messages": blocked.messages,
            "called_back": blocked.called_back,
            "wanted": blocked.wanted,
        },
        "ringing": {"calls": ringing.calls, "unwanted": ringing.unwanted},
        "differences": [_one(difference, zone) for difference in found.differences[::-1][:most]],
        "still_wrong": [_one(difference, zone) for difference in found.still_wrong[::-1][:most]],
    }


def _one(difference: Difference, zone: tzinfo | None) -> dict[str, Any]:
    row, rule, worth = difference.row, difference.rule, difference.worth
    return {
        "call": row.id,
        "at": _iso(row.started, zone),
        "number": row.number,
        "name": row.name,
        "outcome": row.outcome,
        "was": row.ruled,
        "was_rule": row.rule,
        "action": difference.now,
        "rule": rule.label if rule else "",
        "file": rule.file if rule else "",
        "line": rule.line if rule else 0,
        "reason": difference.reason,
        "answered_seconds": worth.answered,
        "message": worth.message,
        "called_back": _iso(worth.called_back, zone),
        "price": difference.price,
    }


# Words -------------------------------------------------------------------------------------------


def _day(at: datetime, zone: tzinfo | None) -> str:
    return at.astimezone(zone).strftime("%d %b %Y")


def _iso(at: datetime | None, zone: tzinfo | None) -> str | None:
    return at.astimezone(zone).isoformat(timespec="seconds") if at else None


def _calls(count: int) -> str:
    return f"{count:,} call" if count == 1 else f"{count:,} calls"


def _was(count: int) -> str:
    return "was" if count == 1 else "were"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %"


def _length(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
