"""Plain text: a number on each line, and perhaps a name behind it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from screener.core import number
from screener.core.conditions import Condition
from screener.core.foreign.listing import Entries, Line, Source
from screener.core.foreign.named import number_condition

_SPLIT = re.compile(r"\s{2,}|\t|\s*[,;|]\s*|\s+(?=#|//|-\s)")
_HEAD = re.compile(r"\+?[0-9(][0-9 ().+/-]*[0-9)*?](?:\s*\.\.\s*\+[0-9]+)?\*?")
_OPENING = " \t#/-;,:|\"'"


def entries(source: Source, lines: Iterable[Line]) -> Entries:
    """The entries of a plain list; comments begin with #, // or ;."""
    for line, text in lines:
        written = text.strip()
        if not written or written.startswith(("#", "//", ";")):
            continue
        yield source.entry(line, text, *_entry(written, source.country))


def _entry(text: str, country: str) -> tuple[Condition | str, str]:
    """The condition and the name of a line like `800 555 1212  Telemarketer # since May`."""
    if number.is_uri(text):
        written, _, tail = text.partition(" ")
        return number_condition(written, country), tail.strip(_OPENING)
    head, *rest = _SPLIT.split(text, maxsplit=1)
    tail = rest[0] if rest else ""
    condition = number_condition(head, country)
    if isinstance(condition, str) and (found := _HEAD.match(text)):
        condition, tail = number_condition(found[0], country), text[found.end() :]
    if isinstance(condition, str):
        word, _, after = text.partition(" ")
        second = number_condition(word, country)
        if not isinstance(second, str):
            condition, tail = second, after
    return condition, tail.strip(_OPENING)
