"""SIP headers that list addresses: Contact, Diversion, History-Info (RFC 3261, 20 and 25.1).

They are strangers' text. Whatever is in them, reading takes time in proportion to their length, of
which no more than `LONGEST` is looked at; what is no address is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from screener.core.frontdoor import nothing

LONGEST = 8192
MOST = 32
"""How many addresses of one header are read."""

# A comma, or a semicolon, parts entries only outside of quotes and of angle brackets. Those that
# are never closed end with the text: to look for each anew would take time squared.
_PIECES = re.compile(r'"(?:[^"\\]|\\.)*"?|<[^>]*>?|[,;]|[^"<,;]+', re.DOTALL)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,20}:[^\s<>]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Address:
    """One entry: its URI, its parameters by their names in small letters, and its own text."""

    uri: str
    parameters: Mapping[str, str] = field(default_factory=nothing)
    text: str = ""


def addresses(value: str) -> tuple[Address, ...]:
    """The addresses that a header's value lists, in their order.

    >>> [found.uri for found in addresses('"a, b" <sip:x@h>;q=0.5, sip:y@h')]
    ['sip:x@h', 'sip:y@h']
    """
    found: list[Address] = []
    for parts in _entries(value[:LONGEST]):
        uri = _uri(parts[0])
        if uri:
            found.append(Address(uri, dict(map(_parameter, parts[1:])), ";".join(parts).strip()))
        if len(found) == MOST:
            break
    return tuple(found)


def _entries(value: str) -> Iterator[list[str]]:
    """Each entry as its pieces between semicolons."""
    parts = [""]
    for piece in _PIECES.findall(value):
        if piece == ",":
            yield parts
            parts = [""]
        elif piece == ";":
            parts.append("")
        else:
            parts[-1] += piece
    yield parts


def _uri(text: str) -> str:
    """The URI in `"name" <URI>` or in URI; "" for none."""
    start = text.rfind("<")
    bare = text[start + 1 :].partition(">")[0] if start >= 0 else text
    bare = bare.strip()
    return bare if _SCHEME.fullmatch(bare) else ""


def _parameter(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip().lower(), value.strip().strip('"')
