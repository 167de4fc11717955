"""HTML that mail programs show: tables, inline styles, nothing fetched from anywhere.

Mail programs know less of HTML than browsers do: Outlook lays out with tables, some drop the style
sheet, most fetch nothing that is elsewhere. So what matters stands in the elements themselves (in
daylight colours), and the style sheet adds only what a dark screen needs. A page is as wide as a
telephone, and no wider than a column that reads well.

Text that is given here comes from strangers too. All of it is escaped, and what cannot be printed
is shown as its escape; an address that is no web page's and no telephone's is not linked to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import NewType

Html = NewType("Html", str)
"""What the functions here make: escaped, and whole elements."""

_WIDTH = 600  # pixels: the column that mail programs have room for
_FONT = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
_INK, _PALE, _ACCENT = "#1c1e21", "#5c6370", "#0b57d0"
_SHEET, _DESK, _LINE = "#ffffff", "#f1f3f5", "#d9dde2"

# The same in the dark. Classes, because an inline style cannot ask how bright the screen is.
_DARK = """
body, .desk { background: #121417 !important; }
.sheet { background: #1d2025 !important; border-color: #343a42 !important; }
.ink { color: #e7e9ec !important; }
.pale { color: #a9b0ba !important; }
.line { border-color: #343a42 !important; }
.accent { color: #9cc2ff !important; }
.strong { background: #9cc2ff !important; border-color: #9cc2ff !important; }
.strong a { color: #0d1520 !important; }
.weak { background: #1d2025 !important; border-color: #9cc2ff !important; }
.weak a { color: #9cc2ff !important; }
"""

_LINKED = re.compile(r"(?:https?://[^/\s]|tel:\+?[0-9]|mailto:[^\s@]+@)\S*", re.ASCII)
_CONTENT_ID = re.compile(r"[A-Za-z0-9._@-]{1,120}", re.ASCII)
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*", re.ASCII)
# Hebrew, Arabic and their neighbours (Unicode's bidirectional classes R and AL), with the blanks
# and hyphens between them.
_R = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff"
_LEFTWARD = re.compile(f"[{_R}](?:[{_R} \\-]*[{_R}])?")
_SIDES = {"l": "left", "r": "right", "c": "center"}


def page(title: str, *parts: Html, lang: str = "en") -> str:
    """A whole page of these parts, one below the other. `lang` is a language tag (RFC 5646)."""
    language = lang if _LANGUAGE.fullmatch(lang) else "en"
    return (
        f'<!DOCTYPE html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<meta name="supported-color-schemes" content="light dark">\n'
        '<meta name="format-detection" content="telephone=no">\n'
        f"<title>{_attribute(title)}</title>\n"
        "<style>\n:root { color-scheme: light dark; supported-color-schemes: light dark; }\n"
        f"@media (prefers-color-scheme: dark) {{{_DARK}}}\n</style>\n</head>\n"
        f'<body class="desk" style="margin:0;padding:0;background:{_DESK}">\n'
        f'<table role="presentation" class="desk" width="100%" cellspacing="0" cellpadding="0"'
        f' border="0" style="background:{_DESK}"><tr>\n'
        '<td align="center" style="padding:16px 8px">\n'
        # Outlook knows no largest width; it alone reads these comments.
        f'<!--[if mso]><table role="presentation" width="{_WIDTH}"><tr><td><![endif]-->\n'
        '<table role="presentation" class="sheet" width="100%" cellspacing="0" cellpadding="0"'
        f' border="0" style="max-width:{_WIDTH}px;background:{_SHEET};'
        f'border:1px solid {_LINE};border-radius:10px;border-collapse:separate"><tr>\n'
        f'<td align="left" style="padding:8px 20px 20px 20px;{_FONT}">\n'
        + "\n".join(parts)
        + "\n</td></tr></table>\n<!--[if mso]></td></tr></table><![endif]-->\n"
        "</td></tr></table>\n</body>\n</html>\n"
    )


def heading(text: str) -> Html:
    """What the page, or what follows, is about."""
    style = f"margin:16px 0 8px 0;font-size:20px;line-height:26px;font-weight:600;color:{_INK}"
    return Html(f'<h2 class="ink" style="{style};{_FONT};{_BREAKS}">{_line(text)}</h2>')


def paragraph(text: str) -> Html:
    """Running text; a line end in it stays one."""
    return _paragraph(text, "ink", _INK, 15)


def lead(text: str) -> Html:
    """The sentence that says it all, larger than what follows."""
    return _paragraph(text, "ink", _INK, 18)


def quotation(text: str) -> Html:
    """Running text that somebody else said."""
    return Html(
        f'<div class="line" style="border-left:3px solid {_LINE};padding:0 0 0 12px;'
        f'margin:8px 0">{paragraph(text)}</div>'
    )


def note(text: str) -> Html:
    """What stands below, small and pale."""
    return _paragraph(text, "pale", _PALE, 13)


def facts(rows: Iterable[tuple[str, str]]) -> Html:
    """A table of facts: what each is, and what it is in this case."""
    cells = "".join(
        f'<tr><td class="pale" valign="top" style="{_CELL};padding-left:0;color:{_PALE};'
        f'white-space:nowrap">{_line(what)}</td>'
        f'<td class="ink" valign="top" style="{_CELL};color:{_INK};{_BREAKS}">{_lines(is_)}</td>'
        "</tr>\n"
        for what, is_ in rows
    )
    return Html(f'<table {_TABLE} style="margin:8px 0">\n{cells}</table>')


def grid(head: Sequence[str], rows: Iterable[Sequence[str]], align: str = "") -> Html:
    """A table of data under its head ("" as head of all: none).

    `align` has a letter for each column: l, r or c (left where there is none).
    """
    sides = [_SIDES.get(letter, "left") for letter in align.ljust(len(head), "l")]
    rule = f"border-bottom:1px solid {_LINE}"
    top = "".join(
        f'<th class="pale line" align="{side}" scope="col" style="{_CELL};{rule};color:{_PALE};'
        f'font-weight:600">{_line(text)}</th>'
        for side, text in zip(sides, head, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f'<td class="ink line" align="{side}" valign="top" style="{_CELL};{rule};'
            f'color:{_INK};{_BREAKS}">{_lines(text)}</td>'
            for side, text in zip(sides, row, strict=True)
        )
        + "</tr>\n"
        for row in rows
    )
    headed = f"<tr>{top}</tr>\n" if any(head) else ""
    return Html(f'<table {_TABLE} width="100%" style="margin:8px 0">\n{headed}{body}</table>')


def entry(
    title: str,
    lines: Iterable[str],
    commands: Iterable[str] = (),
    deeds: Iterable[tuple[str, str, str]] = (),
) -> Html:
    """One of several that stand one below the other: its title, what there is to say of it,
    commands that can be typed, and what can be done: its name, its address, the command that does
    the same ("": none). It is short: some mail programs cut a page off at 100 kB."""
    typed = '<span style="font-family:Menlo,Consolas,monospace;font-size:12px">'
    told = [_line(text) for text in lines]
    told += [f"{typed}{_line(text)}</span>" for text in commands]
    for name, url, command in deeds:
        done = _line(name)
        if _LINKED.fullmatch(url):
            looks = f"color:{_ACCENT};font-weight:600"
            done = f'<a class="accent" href="{_attribute(url)}" style="{looks}">{done}</a>'
        told.append(f"{done} &nbsp;{typed}{_line(command)}</span>" if command else done)
    style = f"border-bottom:1px solid {_LINE};padding:8px 0;font-size:13px;line-height:20px"
    named = f'<b class="ink" style="font-size:15px;color:{_INK}">{_line(title)}</b>'
    return Html(
        f'<div class="pale line" style="{style};color:{_PALE};{_FONT};{_BREAKS}">'
        + "<br>\n".join([named, *told])
        + "</div>"
    )


def button(text: str, url: str, strong: bool = True) -> Html:
    """A link that asks to be pressed; those that follow one another stand in a row."""
    if not _LINKED.fullmatch(url):
        return paragraph(text)
    ground, ink = (_ACCENT, _SHEET) if strong else (_SHEET, _ACCENT)
    return Html(
        '<div style="display:inline-block;margin:8px 8px 0 0"><table role="presentation"'
        ' cellspacing="0" cellpadding="0" border="0"><tr>'
        f'<td class="{"strong" if strong else "weak"}" align="center" style="background:{ground};'
        f'border:1px solid {_ACCENT};border-radius:6px;padding:9px 16px">'
        f'<a href="{_attribute(url)}" style="color:{ink};text-decoration:none;font-size:15px;'
        f'line-height:20px;font-weight:600;{_FONT}">{_line(text)}</a></td></tr></table></div>'
    )


def link(text: str, url: str) -> Html:
    """A line that leads elsewhere."""
    if not _LINKED.fullmatch(url):
        return paragraph(text)
    return Html(
        f'<p style="margin:8px 0;font-size:15px;line-height:22px;{_FONT};{_BREAKS}">'
        f'<a class="accent" href="{_attribute(url)}" style="color:{_ACCENT}">{_line(text)}</a></p>'
    )


def picture(cid: str, alt: str, width: int) -> Html:
    """A picture that the mail carries as the part with this Content-ID (without its brackets).

    `alt` says the same in words. It is `width` pixels wide, or as wide as there is room.
    """
    if not _CONTENT_ID.fullmatch(cid):
        raise ValueError(f"{cid!r} is no content id")
    return Html(
        f'<img src="cid:{cid}" alt="{_attribute(alt)}" width="{width}" border="0" class="ink"'
        f' style="display:block;width:100%;max-width:{width}px;height:auto;margin:8px 0;'
        f'color:{_INK};font-size:13px;{_FONT}">'
    )


_BREAKS = "overflow-wrap:anywhere;word-break:break-word"  # 4 kB without a space are no wider
_CELL = f"padding:4px 8px;font-size:14px;line-height:20px;{_FONT}"
_TABLE = 'cellspacing="0" cellpadding="0" border="0"'


def _paragraph(text: str, name: str, colour: str, size: int) -> Html:
    style = f"margin:8px 0;font-size:{size}px;line-height:{size + 7}px;color:{colour}"
    return Html(f'<p class="{name}" style="{style};{_FONT};{_BREAKS}">{_lines(text)}</p>')


def _attribute(text: str) -> str:
    """Text for an attribute, or the title, on one line."""
    return escape("".join(map(_printed, " ".join(text.splitlines()))))


def _line(text: str) -> str:
    """Text for an element, on one line. Words that are read from the right turn only themselves:
    a number beside a Hebrew name would be told backwards."""
    return _LEFTWARD.sub(r"<bdi>\g<0></bdi>", _attribute(text))


def _lines(text: str) -> str:
    """Text for an element, its line ends kept."""
    return "<br>\n".join(map(_line, text.splitlines()))


def _printed(char: str) -> str:
    return char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
