"""A message's way to its box, and how it reads: what `screener outbox` prints.

What strangers wrote (a caller's name and number, a mail server's reply) is shown through
core/callerid.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo

from screener.core.callerid import quoted, shown, shown_number
from screener.core.composed import Composed
from screener.core.delivery import Attempt, Freight, Record, Status
from screener.core.letter import Letter, call_told, length
from screener.core.notice import Notice
from screener.core.story import table

Row = tuple[str, Status, Record | None, str]
"""A message for the table: its id, what has become of it, what is known of it, and the trouble
where nothing is."""

CUT_SHORT = "an attempt was cut short; it is made again when screener runs"

_HEADINGS = ("message", "state", "when", "box", "length", "from", "last word")
_WIDEST = (24, 8, 16, 16, 7, 34, 200)
_REPLY = 500  # characters of what a mail server said


def queue_table(rows: Sequence[Row], zone: tzinfo | None, width: int) -> str:
    """The messages as a table, one line each in the order given, at most `width` columns wide."""
    return table([_HEADINGS, *(_cells(row, zone) for row in rows)], _WIDEST, width)


def _cells(row: Row, zone: tzinfo | None) -> tuple[str, ...]:
    name, status, record, trouble = row
    if record is None:
        return shown(name), status, "", "", "", "", shown(trouble, _REPLY)
    letter = record.letter
    box, seconds = "", ""
    if isinstance(letter, Letter):
        box, seconds = shown(letter.box), length(letter.seconds)
    return (
        shown(name),
        status,
        _minute(_left(record), zone),
        box,
        seconds,
        what(letter),
        trouble or last_word(record),
    )


def what(letter: Freight) -> str:
    """What is on its way, in one line: the caller of a message, the subject of a notice."""
    match letter:
        case Letter():
            number = shown_number(letter.number) if letter.number else "withheld"
            return f"{number} {quoted(letter.name)}" if letter.name.strip() else number
        case Notice():
            return f"notice: {shown(letter.subject)}"
        case Composed():
            return shown(letter.what)


def last_word(record: Record) -> str:
    """What the mail server, or the owner, last did about it."""
    if not record.history:
        return "not tried yet"
    return shown(record.history[-1].text, _REPLY)


def _left(record: Record) -> datetime:
    return record.letter.when if isinstance(record.letter, Letter) else record.written


def _minute(when: datetime, zone: tzinfo | None) -> str:
    return when.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def _second(when: datetime, zone: tzinfo | None) -> str:
    return when.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def tell_message(
    name: str,
    status: Status,
    record: Record,
    sounds: Iterable[tuple[str, int]],
    *,
    zone: tzinfo | None,
    begun: datetime | None = None,
) -> str:
    """All that is known of a message. `sounds` are its files and their bytes; `begun` is when the
    attempt that is under way began."""
    files = [f"  {shown(path, _REPLY)}  {_bytes(size)}" for path, size in sounds]
    width = max((len(shown(r.address)) for r in record.recipients), default=0)
    recipients = [
        f"  {shown(r.address):{width}}  {r.delivery:8}  {shown(r.reply, _REPLY)}".rstrip()
        for r in record.recipients
    ]
    return "\n".join(
        [
            f"{shown(name)}: {status}",
            "",
            *_facts(record, zone),
            "",
            "To",
            *(recipients or ["  nobody"]),
            "",
            "Files",
            *(files or ["  none"]),
            "",
            "History",
            *_history(record, zone, begun),
            *_next(record, status, zone),
        ]
    )


def _facts(record: Record, zone: tzinfo | None) -> list[str]:
    letter = record.letter
    lines = [f"  What      {what(letter)}"]
    if isinstance(letter, Letter):
        lines = [
            f"  From      {what(letter)}",
            f"  Box       {shown(letter.box)}",
            f"  Length    {length(letter.seconds)}",
            f"  Call      {call_told(letter.call)}",
        ]
    when = _second(_left(record), zone)
    return [*lines, f"  When      {when}", f"  Mail      {shown(record.message_id)}"]


def _history(record: Record, zone: tzinfo | None, begun: datetime | None) -> list[str]:
    """When the message entered each state, and what was said then."""
    steps: list[tuple[datetime, str, str]] = [(record.written, Status.QUEUED, "")]
    for step in record.history:
        if step.begun is not None:
            steps.append((step.begun, Status.SENDING, ""))
        steps.append((step.at, _became(step), step.text))
    if begun is not None:
        steps.append((begun, Status.SENDING, ""))
    return [
        f"  {_second(at, zone)}  {status:8}  {shown(text, 2 * _REPLY)}".rstrip()
        for at, status, text in steps
    ]


def _became(step: Attempt) -> str:
    """An earlier version did not write down what an attempt made of a message."""
    return step.status or ""


def _next(record: Record, status: Status, zone: tzinfo | None) -> list[str]:
    if status in {Status.QUEUED, Status.DEFERRED}:
        return [f"  {_second(record.due, zone)}  is when it is tried next"]
    return []


def _bytes(size: int) -> str:
    """ "512 bytes", "57.6 MB"."""
    if size < 1000:
        return f"{size} bytes"
    return f"{size / 1000:.0f} kB" if size < 1_000_000 else f"{size / 1e6:.1f} MB"
