"""jcblock's blacklist.dat and whitelist.dat (jcblock, blacklist.dat.example).

A line has what is searched for in the caller ID, ended by "?"; a date from the 20th column on; a
comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from screener.core.conditions import Condition
from screener.core.foreign.listing import Entries, Line, Source, skipped
from screener.core.foreign.named import anywhere, beginning, name_condition

ENTRY = re.compile(r"(?P<field>[^?]{1,18})\?\s*(?:-{6}|[0-9]{6})(?:\s+(?P<name>.*))?")


def entries(source: Source, lines: Iterable[Line]) -> Entries:
    """The entries of both of its files, which look alike."""
    for line, text in lines:
        if not text.strip() or text.startswith("#"):
            continue
        found = ENTRY.fullmatch(text.strip())
        if found is None:
            yield skipped(line, text, 'expected a field that ends in "?", and a date')
            continue
        condition = _condition(found["field"], source.country)
        yield source.entry(line, text, condition, found["name"] or "")


def _condition(field: str, country: str) -> Condition | str:
    """The field is searched for anywhere in "--NMBR = 8005551212--NAME = JUNK INC--"."""
    if field.strip(" =") in ("NMBR", "NAME", "DATE", "TIME"):
        return "it would match nearly every call"
    name, number_at, value = field.strip().partition("NMBR =")
    if number_at and not name.strip():
        return beginning(value.strip(), country)
    if re.fullmatch(r"[0-9 ().+-]+", field.strip()):
        return anywhere(field.strip(), country)
    _, name_at, value = field.partition("NAME =")
    return name_condition(f"{value.strip()}*" if name_at else f"*{field.strip()}*")
