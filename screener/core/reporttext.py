"""The weekly report as plain text: the twin of the page, part for part."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Collection, Iterator
from datetime import tzinfo

from screener.core.headline import headline, title
from screener.core.report import Report
from screener.core.reportparts import Item, Part, Undoing, Way, parts
from screener.core.withdrawal import SwitchOff

_WIDTH = 76  # columns of running text (RFC 3676 recommends no more than 78)

WayOf = Callable[[Undoing], Way]
"""How a decision is undone as things stand."""


def by_command(undo: Undoing) -> Way:
    """By its command; a rule's is known to its files alone."""
    return Way() if isinstance(undo, SwitchOff) else Way(command=undo.command)


def tell(
    report: Report,
    zone: tzinfo | None,
    way_of: WayOf = by_command,
    attached: Collection[int] = frozenset(),
) -> str:
    """The whole report. Ends with a newline."""
    lines = [title(report), "", *_wrapped(headline(report))]
    for part in parts(report, zone, attached):
        lines += ["", *_part(part, way_of)]
    return "\n".join(lines) + "\n"


def _part(part: Part, way_of: WayOf) -> Iterator[str]:
    if part.title:
        yield part.title
        yield "-" * len(part.title)
    for n, sentence in enumerate(part.text):
        if n:
            yield ""
        yield from _wrapped(sentence)
    if part.picture is not None:
        yield from _wrapped(part.picture.alt)
    for item in part.items:
        yield ""
        yield from _item(item, way_of)
    if part.rows:
        yield ""
        yield from _rows(part)
    if part.more:
        yield ""
        yield part.more


def _item(item: Item, way_of: WayOf) -> Iterator[str]:
    yield from _wrapped(item.title, "* ", "  ")
    for line in item.lines:
        yield from _wrapped(line, "  ", "  ")
    for command in item.commands:
        yield f"  {command}"
    way = way_of(item.undo) if item.undo is not None else Way()
    if item.undo is not None and way != Way():
        yield f"  {item.undo.name}: {way.command}".rstrip()
        if way.url:
            yield f"  {way.url}"


def _rows(part: Part) -> Iterator[str]:
    wide = max(len(cell) for row in (part.head, *part.rows) for cell in row[1:])
    for row in (part.head, *part.rows):
        figures = "  ".join(cell.rjust(wide) for cell in row[1:])
        yield from _wrapped(row[0], f"  {figures}  ", " " * (len(figures) + 4))


def _wrapped(text: str, first: str = "", other: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=other,
        break_on_hyphens=False,
        break_long_words=False,
    )
