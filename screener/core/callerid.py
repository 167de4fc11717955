"""How a caller is shown to people: what strangers wrote made harmless, numbers made readable.

A caller ID name is written by whoever calls (RFC 3261 display name, RFC 3325). It may hold control
characters that drive a terminal, marks that turn the reading direction (Unicode TR 36), or 4 kB of
anything. Here it becomes one short line in which every such character is visible as an escape.
Markup is another matter: HTML and mail headers still quote what comes from here in their own way.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from functools import lru_cache
from itertools import accumulate

import phonenumbers

_NAME = 60  # characters of a name that people get to see
_MARKS = 2  # combining marks in a row that a living language may need; more only smear the line


def shown(text: str, most: int = _NAME) -> str:
    """One line of at most `most` characters, each of them printable.

    Anything else (control characters, bidi and zero-width marks, lone surrogates, line ends)
    becomes its escape, as in `\\x1b` or `\\u202e`; a cut text ends in "…".
    """
    pieces: list[str] = []
    marks = 0
    for char in text[: most + 1]:
        marks = marks + 1 if unicodedata.combining(char) else 0
        if unicodedata.category(char) == "Zs":
            pieces.append(" ")
        elif char.isprintable() and marks <= _MARKS:
            pieces.append(char)
        else:
            pieces.append(char.encode("unicode_escape").decode("ascii"))
    line = "".join(pieces)
    return line if len(line) <= most else line[: most - 1] + "…"


@lru_cache(maxsize=256)  # an explanation names one number for each of a thousand rules
def shown_number(number: str) -> str:
    """ "+1 805 555 0142" from E.164; "withheld" from ""; what is no number, as `shown` does."""
    if not number:
        return "withheld"
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return shown(number, 24)
    form = phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(parsed, form).replace("-", " ")


def quoted(name: str) -> str:
    """The name in double quotes, with none inside: where it ends is never in doubt."""
    return '"' + shown(name).replace('"', "'") + '"'


def columns(text: str) -> int:
    """How many columns of a terminal the text takes (Unicode TR 11)."""
    return sum(map(_columns, text))


def fitted(text: str, wanted: int) -> str:
    """The text in exactly `wanted` columns: padded with spaces, or cut with "…"."""
    ends = list(accumulate(map(_columns, text)))  # in which column each character ends
    if ends and ends[-1] > wanted:
        text = text[: bisect_right(ends, wanted - 1)] + "…"
    return text + " " * (wanted - columns(text))


def _columns(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
