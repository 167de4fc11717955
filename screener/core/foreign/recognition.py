"""Which program a list is of, and what it does with its entries: told from contents and name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from screener.core.foreign import freepbx, jcblock, table
from screener.core.foreign.listing import Format
from screener.core.rules import Action

_LOOKED_AT = 50  # lines


@dataclass(frozen=True, slots=True)
class Recognised:
    """A list's format, and by what it was told."""

    format: Format
    why: str


def recognise(name: str, lines: Iterable[str]) -> Recognised:
    """The format of a file called `name`, from its first lines. Text, if it is nothing else."""
    told = [line.strip() for line in lines if line.strip()][:_LOOKED_AT]
    data = [line for line in told if not line.startswith(("#", "//"))]
    header = table.header_of(data[0]) if data else None
    if any(line.replace(" ", "").upper() == "BEGIN:VCARD" for line in told):
        return Recognised(Format.VCARD, "a line says BEGIN:VCARD")
    if any(freepbx.AS_PRINTED.fullmatch(line) for line in data):
        return Recognised(Format.FREEPBX, "its lines begin with /blacklist/, as Asterisk shows it")
    if header is not None and [cell.strip().lower() for cell in header] == freepbx.HEADER:
        return Recognised(Format.FREEPBX, "its header is number,description")
    if header is not None and {"phoneno", "systemdatetime"} <= {
        table.folded(cell) for cell in header
    }:
        return Recognised(Format.CALLATTENDANT, "its header has PhoneNo and SystemDateTime")
    if data and 2 * sum(bool(jcblock.ENTRY.fullmatch(line)) for line in data) >= len(data):
        return Recognised(Format.JCBLOCK, 'its entries end in "?" with a date behind')
    if "ncid" in name.lower():
        return Recognised(Format.NCID, "the file's name says so")
    if any(re.search(r"\s#=", line) or re.match(r"\^|\"\^", line) for line in data):
        return Recognised(Format.NCID, 'its entries have "#=" names or begin with "^"')
    if header is not None and table.columns_of(header) is not None:
        return Recognised(Format.CSV, "its header names a column of numbers")
    if data and all(any(sign in line for sign in table.DELIMITERS) for line in data):
        return Recognised(Format.CSV, "each line has more than one column")
    return Recognised(Format.TEXT, "it is none of the others")


def action_by_name(name: str) -> Action | None:
    """What a file's name says of its entries: ncidd.whitelist allows. None: nothing, or both."""
    allows = re.search("white|allow|permit", name.lower())
    blocks = re.search("black|block|deny|spam", name.lower())
    if bool(allows) == bool(blocks):
        return None
    return Action.ALLOW if allows else Action.BLOCK
