"""The figures as tables for a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tests.bench.figures import (
    BYTES_TARGET,
    DEAF,
    DIALPLAN,
    IMPORT_TARGET_S,
    LOOKUP_TARGET_US,
    READY_TARGET_S,
    REST_TARGET_MB,
    RULING_TARGET_MS,
    SCREENED,
    Figures,
    Lists,
    Quartiles,
    ear_share,
    merged,
    most_at_once,
    per_call,
    rates,
    ratio,
)


def show(figures: Figures, console: Console) -> None:
    """Print everything: processor time, delay, crowds, memory, rulings, number lists."""
    tables = [costs(figures), delays(figures), crowds(figures), memory(figures), rulings(figures)]
    if figures.lists is not None:
        tables += lookups(figures.lists), imports(figures.lists)
    for table in tables:
        console.print(table)
        console.print()


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for n, heading in enumerate(headings):
        table.add_column(heading, justify="right" if n else "left", overflow="fold")
    return table


def costs(figures: Figures) -> Table:
    """Milliseconds of processor time per call."""
    table = _table(
        "Processor time per call, ms", "", "calls/s", "calls", "Asterisk", "screener", "sum", ""
    )
    for rate in rates(figures.costs):
        for work in (DIALPLAN, SCREENED, DEAF):
            cost = merged(figures.costs, work, rate)
            if cost is None:
                continue
            ours = "" if work == DIALPLAN else f"{cost.screener:.1f}"
            note = _note(figures, work, rate)
            cells = (f"{rate:g}", str(cost.calls), f"{cost.asterisk:.1f}", ours)
            table.add_row(work, *cells, f"{cost.total:.1f}", note)
    return table


def _note(figures: Figures, work: str, rate: float) -> str:
    times, share = ratio(figures.costs, rate), ear_share(figures.costs, rate)
    if work == SCREENED and times is not None:
        return f"{times:.1f} x the dialplan"
    if work == DEAF and share is not None:
        return f"listening is {100 * share:.0f} %"
    return ""


def delays(figures: Figures) -> Table:
    """Milliseconds from the last key to the INVITE."""
    table = _table(
        "From the last key to the phone's INVITE, ms",
        *("", "calls", "lowest", "lower quartile", "median", "upper quartile", "highest"),
    )
    for work, spread in ((DIALPLAN, figures.delay.dialplan), (SCREENED, figures.delay.screened)):
        table.add_row(work, *_spread(spread))
    return table


def _spread(of: Quartiles) -> tuple[str, ...]:
    values = (of.lowest, of.lower, of.median, of.upper, of.highest)
    return (str(of.count), *(f"{value:.1f}" for value in values))


def crowds(figures: Figures) -> Table:
    """What each size of crowd took, and what ended the growth."""
    most = most_at_once(figures.levels)
    table = _table(
        f"Calls at once at the attendant: {most} without an error",
        *("calls", "Asterisk, % of a core", "screener, %", "others, %", "key to ring, ms", "error"),
    )
    for level in (*figures.levels, figures.talking):
        name = f"{level.calls}" if level is not figures.talking else f"{level.calls} who talk"
        ring = "" if level.key_to_invite is None else f"{level.key_to_invite:.0f}"
        shares = (level.asterisk, level.screener, level.elsewhere)
        cells = (f"{100 * share:.0f}" for share in shares)
        table.add_row(name, *cells, ring, Text("; ".join(level.errors)))
    return table


def memory(figures: Figures) -> Table:
    """Megabytes at rest and per call."""
    table = _table(
        "Memory, MB (10^6)", "", "screener: resident", "proportional", "Asterisk: resident", "prop."
    )
    rest = "at rest (target: screener at most 150)"
    screener, asterisk = figures.screener_rest, figures.asterisk_rest
    over = screener.resident > REST_TARGET_MB
    table.add_row(
        rest,
        Text(f"{screener.resident:.1f}", "bold red" if over else "green"),
        *(f"{x:.1f}" for x in (screener.proportional, asterisk.resident, asterisk.proportional)),
    )
    after, beside = figures.screener_after, figures.asterisk_after
    table.add_row(
        "after all these calls",
        *(f"{x:.1f}" for x in (after.resident, after.proportional)),
        *(f"{x:.1f}" for x in (beside.resident, beside.proportional)),
    )
    each = per_call(figures)
    for row, suffix in (("per call that listens", ""), ("per call that talks", "_talking")):
        ours, theirs = each["screener" + suffix], each["asterisk" + suffix]
        table.add_row(row, "", _mb(ours), "", _mb(theirs))
    return table


def rulings(figures: Figures) -> Table:
    """Milliseconds to decide one call that no rule matches."""
    table = _table(
        f"One call that no rule matches, ms (target: at most {RULING_TARGET_MS:g})",
        *("", "rules", "median", "99th percentile", "explained"),
    )
    for found in figures.rulings:
        over = found.p99 > RULING_TARGET_MS
        p99 = Text(f"{found.p99:.3f}", "bold red" if over else "green")
        cells = (str(found.rules), f"{found.median:.3f}", p99, f"{found.explained:.1f}")
        table.add_row(found.what, *cells)
    return table


def lookups(lists: Lists) -> Table:
    """What it takes to look a number up, and to hold it; beside screener's list, how many times."""
    title = f"A lookup among {lists.count:,} numbers"
    headings = ("us a lookup", "99th percentile", "bytes of memory each", "on disk", "ready after")
    table = _table(title, "", *headings)
    own = lists.looked[0]
    for found in lists.looked:
        p99 = "" if found.p99 is None else _times(f"{found.p99:.1f}", found.p99, own.p99)
        table.add_row(
            found.store,
            _times(f"{found.median:.1f}", found.median, own.median),
            _judged(p99, own.p99 or 0, LOOKUP_TARGET_US) if found is own else p99,
            _judged(f"{own.bytes_each:.1f}", own.bytes_each, BYTES_TARGET)
            if found is own
            else _times(f"{found.bytes_each:.1f}", found.bytes_each, own.bytes_each),
            f"{found.disk_each:.1f}",
            _judged(f"{own.ready:.2f} s", own.ready, READY_TARGET_S)
            if found is own
            else f"{found.ready:.2f} s",
        )
    return table


def imports(lists: Lists) -> Table:
    """Seconds to take in a file of numbers."""
    table = _table("Imports", "", "by", "lines", "seconds", "memory at most, MB")
    for found in lists.imported:
        seconds = f"{found.seconds:.1f}"
        table.add_row(
            found.form,
            found.program,
            f"{found.lines:,}",
            _judged(seconds, found.seconds * 1e6 / found.lines, IMPORT_TARGET_S)
            if found.program == "screener"
            else seconds,
            f"{found.memory:.0f}",
        )
    return table


def _judged(shown: str, value: float, target: float) -> Text:
    return Text(shown, "bold red" if value > target else "green")


def _times(shown: str, value: float, own: float | None) -> str:
    """A figure, and how many times screener's it is."""
    return shown if not own or value == own else f"{shown} ({value / own:.1f} x)"


def _mb(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
