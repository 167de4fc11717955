"""Other programs' lists of callers, read as rules: a module for each format.

    freepbx        the Blacklist module's export, and Asterisk's own database    freepbx.py
    callattendant  CSV of its tables Blacklist and Whitelist                     table.py
    jcblock        blacklist.dat and whitelist.dat                               jcblock.py
    ncid           ncidd.blacklist and ncidd.whitelist                           ncid.py
    csv            any table with a column of numbers                            table.py
    text           a number on each line, and perhaps a name behind it           text.py
    vcard          an address book: contacts.py, not here, reads it

Each entry becomes a `Rule`, or is `Skipped` with the reason. What is here was written by other
programs and strangers: only what reads as a number, a pattern or a name becomes part of a rule, and
an entry that would match nearly every call becomes none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from screener.core.foreign import freepbx, jcblock, ncid, table, text
from screener.core.foreign.listing import TITLES, Entries, Format, Line, Skipped, Source
from screener.core.foreign.named import bare_number
from screener.core.foreign.recognition import Recognised, action_by_name, recognise

__all__ = [
    "TITLES",
    "Format",
    "Recognised",
    "Skipped",
    "Source",
    "action_by_name",
    "bare_number",
    "read",
    "recognise",
]

_READERS: Mapping[Format, Callable[[Source, Iterable[Line]], Entries]] = {
    Format.FREEPBX: freepbx.entries,
    Format.CALLATTENDANT: table.entries,
    Format.JCBLOCK: jcblock.entries,
    Format.NCID: ncid.entries,
    Format.TEXT: text.entries,
    Format.CSV: table.entries,
    Format.VCARD: lambda source, lines: iter(()),
}


def read(source: Source, lines: Iterable[Line]) -> Entries:
    """The entries of a list, in its order. A vCard has none here: contacts.py reads it."""
    return _READERS[source.format](source, ((at, line.replace("\0", "")) for at, line in lines))
