"""The weekly report as a page for mail programs: the twin of the text, part for part."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import tzinfo

from screener.core import mailpage
from screener.core.headline import headline, title
from screener.core.mailpage import Html
from screener.core.report import Report
from screener.core.reportparts import Item, Part, Way, parts
from screener.core.reporttext import WayOf, by_command

PICTURE_WIDTH = 558
"""Pixels: as wide as the column."""


def page(
    report: Report,
    zone: tzinfo | None,
    way_of: WayOf = by_command,
    attached: Collection[int] = frozenset(),
) -> str:
    """The whole report; its pictures are parts of the mail (`content_id`)."""
    name = title(report)
    found = parts(report, zone, attached)
    said = [html for part in found for html in _part(part, way_of)]
    return mailpage.page(name, mailpage.heading(name), mailpage.lead(headline(report)), *said)


def content_id(picture: str) -> str:
    """The Content-ID of a picture, without its brackets."""
    return f"{picture}@report.screener"


def _part(part: Part, way_of: WayOf) -> Iterator[Html]:
    if part.title:
        yield mailpage.heading(part.title)
    sentence = mailpage.paragraph if part.title else mailpage.note
    yield from (sentence(text) for text in part.text)
    if part.picture is not None:
        yield mailpage.picture(content_id(part.picture.name), part.picture.alt, PICTURE_WIDTH)
    yield from (_item(item, way_of) for item in part.items)
    if part.rows:
        yield mailpage.grid(part.head, part.rows, "l" + "r" * (len(part.head) - 1))
    if part.more:
        yield mailpage.note(part.more)


def _item(item: Item, way_of: WayOf) -> Html:
    deeds = []
    if item.undo is not None and (way := way_of(item.undo)) != Way():
        deeds.append((item.undo.name, way.url, way.command))
    return mailpage.entry(item.title, item.lines, item.commands, deeds)
