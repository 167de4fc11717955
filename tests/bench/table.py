"""The figures as tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tests.bench.campaigns import TARGET_MS, Matched
from tests.bench.deliveries import Delivered
from tests.bench.encoding import TARGET as ENCODING_TARGET
from tests.bench.encoding import Encoded
from tests.bench.figures import (
    BARE_TARGET,
    BYTES_TARGET,
    DEAF,
    DIALPLAN,
    EAR_TARGET,
    IMPORT_TARGET_S,
    LOOKUP_TARGET_US,
    READY_TARGET_S,
    REST_TARGET_MB,
    RULING_TARGET_MS,
    SCREENED,
    TALKERS_TARGET,
    Answers,
    Figures,
    Judged,
    Level,
    Lists,
    Quartiles,
    ear_share,
    merged,
    most_at_once,
    per_call,
    rates,
    ratio,
)
from tests.bench.messages import KEPT_TARGET_S, Kept
from tests.bench.reports import REPORT_TARGET_S, Reported


def show(figures: Figures, console: Console) -> None:
    """Print everything: processor time, delay, crowds, memory, rulings, hearing, number lists."""
    tables = [costs(figures), delays(figures), crowds(figures), memory(figures), rulings(figures)]
    tables += [talkers(figures), ears(figures)]
    if figures.answers is not None:
        tables.append(answers(figures.answers))
    if figures.judged:
        tables.append(judged(figures.judged))
    if figures.matched is not None:
        tables.append(campaigns(figures.matched))
    if figures.reported is not None:
        tables.append(reports(figures.reported))
    if figures.kept is not None:
        tables.append(kept(figures.kept))
    if figures.lists is not None:
        tables += lookups(figures.lists), imports(figures.lists)
    if figures.encoded:
        tables.append(encodings(figures.encoded))
    if figures.delivered is not None:
        tables.append(deliveries(figures.delivered))
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
    return _levels(f"Calls at once at the attendant: {most} without an error", figures.levels)


def talkers(figures: Figures) -> Table:
    """The same for callers who talk without end, every word of whom is listened to."""
    most = most_at_once(figures.talking)
    title = f"Talkers without end, heard at once: {most} without an error"
    return _levels(f"{title} (target: at least {TALKERS_TARGET})", figures.talking)


def _levels(title: str, levels: Sequence[Level]) -> Table:
    table = _table(
        title,
        *("calls", "Asterisk, % of a core", "screener, %", "others, %", "key to ring, ms", "error"),
    )
    for level in levels:
        ring = "" if level.key_to_invite is None else f"{level.key_to_invite:.0f}"
        shares = (level.asterisk, level.screener, level.elsewhere)
        cells = (f"{100 * share:.0f}" for share in shares)
        table.add_row(f"{level.calls}", *cells, ring, Text("; ".join(level.errors)))
    return table


def ears(figures: Figures) -> Table:
    """What share of a core listening takes for a call, and the libraries by themselves."""
    table = _table(
        f"The ear, % of a core for each live call (target: at most {100 * EAR_TARGET:g})",
        *("", "calls at once", "screener's ear", "bare libraries", "times (target: 1.1)"),
    )
    for cost in figures.ears:
        times = cost.ear / cost.bare if cost.bare else 0.0
        table.add_row(
            cost.what,
            str(cost.calls),
            _judged(f"{100 * cost.ear:.2f}", cost.ear, EAR_TARGET),
            f"{100 * cost.bare:.2f}",
            _judged(f"{times:.2f}", times, BARE_TARGET),
        )
    return table


def answers(found: Answers) -> Table:
    """Milliseconds from the last syllable to the INVITE."""
    table = _table(
        f"From an answer's last syllable to the phone's INVITE, ms (target: {found.target:g})",
        *("understood", "lowest", "lower quartile", "median", "upper quartile", "highest"),
    )
    if found.delay is not None:
        count, lowest, lower, median, upper, highest = _spread(found.delay)
        table.add_row(
            f"{count} of {found.calls}",
            *(lowest, lower, _judged(median, found.delay.median, found.target), upper),
            _judged(highest, found.delay.highest, found.target),
        )
    return table


def judged(found: Sequence[Judged]) -> Table:
    """Of how many callers of each kind it is said that they are machines."""
    headings = [f"{what} ({count})" for what, count in found[0].clips.items()]
    table = _table("Taken for a machine, the same clips", "by", *headings)
    for each in found:
        cells = (
            f"{count} ({100 * count / max(1, each.clips[what]):.0f} %)"
            for what, count in each.machines.items()
        )
        table.add_row(each.by, *cells)
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


def campaigns(found: Matched) -> Table:
    """Milliseconds to find 8 s of a caller's sound among all recordings that are known."""
    title = f"A recording among {found.count:,}, ms (target: at most {TARGET_MS:g})"
    headings = ("median", "worst", "fingerprint", "memory, MB", "missed", "wrong")
    table = _table(title, "", *headings)
    worst = _judged(f"{found.worst_ms:.1f}", found.worst_ms, TARGET_MS)
    cells = (f"{found.fingerprint_ms:.1f}", f"{found.memory_mb:.0f}")
    counts = (str(found.missed), str(found.wrong))
    table.add_row("screener", f"{found.median_ms:.1f}", worst, *cells, *counts)
    bare = _times(f"{found.bare_ms:.0f}", found.bare_ms, found.median_ms)
    table.add_row("every place, bare numpy", bare, *("",) * 5)
    return table


def reports(found: Reported) -> Table:
    """Seconds for a weekly report, and bytes of a call on disk."""
    title = f"A week of {found.week:,} calls out of {found.calls:,}, s"
    headings = ("whole mail", "first of a process", "its data", "bytes on disk a call")
    table = _table(f"{title} (target: at most {REPORT_TARGET_S:g})", "", *headings)
    own = [_judged(f"{taken:.2f}", taken, REPORT_TARGET_S) for taken in (found.whole, found.first)]
    table.add_row("screener's report", *own, f"{found.data:.2f}", f"{found.bytes_each:.0f}")
    table.add_row("SQLite, bare: that week's rows", "", "", f"{found.read:.3f}", "")
    table.add_row("SQLite, bare: how many they are", "", "", f"{found.counted:.4f}", "")
    return table


def kept(found: Kept) -> Table:
    """Seconds from the last key to the queue, and what a message takes while it is spoken."""
    title = f"A message of {found.seconds / 60:.0f} min, from its caller's last key to the queue, s"
    headings = ("", "% of a core while spoken", "peak memory, MB", "of a minute's")
    table = _table(f"{title} (target: at most {KEPT_TARGET_S:g})", "", *headings)
    own = _judged(f"{found.kept:.3f}", found.kept, KEPT_TARGET_S)
    cells = (f"{100 * found.share:.2f}", f"{found.memory:.0f}", f"{found.short:.0f}")
    table.add_row("screener keeps it", own, *cells)
    disk = _times(f"{found.disk:.3f}", found.disk, found.kept)
    table.add_row("the disk writes as many bytes", disk, "", "", "")
    return table


def encodings(found: Sequence[Encoded]) -> Table:
    """How many times real time a message is encoded on one core, and in how much memory."""
    table = _table(
        f"A message of {found[0].seconds / 60:.0f} min encoded"
        f" (target: {ENCODING_TARGET:g} times real time on one core)",
        *("", "times", "bare ffmpeg", "ffmpeg is so much faster", "memory, MB", "of 1 min, MB"),
    )
    for each in found:
        table.add_row(
            f"{each.form} {each.bits // 1000}k",
            Text(f"{each.ours:.0f}", "green" if each.ours >= ENCODING_TARGET else "bold red"),
            f"{each.bare:.0f}",
            f"{each.bare / each.ours:.1f} x",
            f"{each.whole_mb:.1f}",
            f"{each.minute_mb:.1f}",
        )
    return table


def deliveries(found: Delivered) -> Table:
    """What a mail server that misbehaves, and one that does not, cost and left of some mails."""
    headings = ("seconds", "attempts", "lost", "came twice", "uncaused", "more MB, files, threads")
    title = f"{found.count:,} queued mails of {found.size / 1000:.0f} kB delivered"
    table = _table(f"{title} (target: none lost, none twice without a cause)", "", *headings)
    table.add_row(
        f"screener, the server misbehaves and is killed {found.kills} times",
        _times(f"{found.troubled:.1f}", found.troubled, found.bare),
        str(found.tries),
        _judged(str(found.lost), found.lost, 0),
        str(found.repeated),
        _judged(str(found.uncaused), found.uncaused, 0),
        f"{found.memory:.1f}, {found.files}, {found.threads}",
    )
    calm = _times(f"{found.calm:.1f}", found.calm, found.bare)
    table.add_row("screener, the server behaves", calm, "", "", "", "", "")
    table.add_row("bare smtplib, the server behaves", f"{found.bare:.1f}", "", "", "", "", "")
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
