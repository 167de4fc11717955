"""FreePBX's Blacklist module: its export as CSV, and the same numbers in Asterisk's database.

The export has the header `number,description` (FreePBX blacklist, Blacklist.class.php). Asterisk
prints lines like `/blacklist/18005551212  : Telemarketer` (`asterisk -rx "database show
blacklist"`; Asterisk, main/db.c).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from screener.core.conditions import Withheld
from screener.core.foreign.listing import UNCLOSED, Entries, Line, Source, skipped
from screener.core.foreign.named import number_condition
from screener.core.foreign.table import rows

HEADER = ["number", "description"]
AS_PRINTED = re.compile(r"/blacklist/(?P<number>.*?)\s*: ?(?P<name>.*)")


def entries(source: Source, lines: Iterable[Line]) -> Entries:
    """Both of its forms; `dest` and `blocked` are settings that stand among the numbers."""
    for line, text, cells in _by_form(lines):
        written, name = [cell.strip() for cell in (*cells, "", "")][:2]
        if not cells:
            yield skipped(line, text, UNCLOSED)
        elif written == "dest":
            yield skipped(line, text, "it says where FreePBX sent them; see the word play")
        elif written == "blocked":
            if name == "1":
                yield source.entry(line, text, Withheld(), "FreePBX: block unknown callers")
        elif [written.lower(), name.lower()] != HEADER:
            words = "" if name == "1" else name  # 1: no description was given
            yield source.entry(line, text, number_condition(written, source.country), words)


def _by_form(lines: Iterable[Line]) -> Iterator[tuple[int, str, Sequence[str]]]:
    table: list[Line] = []
    for line, text in lines:
        if found := AS_PRINTED.fullmatch(text.strip()):
            yield line, text, (found["number"], found["name"])
        elif not re.match(r"\s*(?:/|[0-9]+ results? found)", text):
            table.append((line, text))  # other families of the database are no lists of callers
    yield from rows(table, ",")
