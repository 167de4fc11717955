"""Front doors of screener.toml: the DIDs, and the boxes, extensions and menus behind them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from screener.core import number
from screener.core.frontdoor import Challenged, Extension, FrontDoor, MessageBox, RingGroup
from screener.tables import (
    Table,
    UnfitError,
    check_name,
    distinct,
    duration,
    listing,
    mail_address,
    member,
    one_of,
    whole,
)

KEYS: Mapping[str, tuple[str, ...]] = {
    "dids": ("ring", "box", "extensions", "tries", "challenge"),
    "extensions": ("names", "ring", "box"),
    "boxes": ("mail", "limit"),
}
"""The keys of each table; they stand one level deeper, under the owner's own name
(`[boxes.family]`)."""

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*", re.UNICODE)
_DIGIT_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_NO_GROUP = RingGroup("", ())
_NO_BOX = MessageBox("", ())


def boxes(root: Table) -> dict[str, MessageBox]:
    found: dict[str, MessageBox] = {}
    reading = distinct(listing(mail_address, '"you@example.net"'))
    expected = 'expected mail addresses: ["you@example.net"]'
    nowhere: tuple[str, ...] = ()
    for name, table in root.tables("boxes", KEYS["boxes"]).items():
        check_name(table.mistakes, table.where, name)
        mail = table.need("mail", reading, expected, nowhere)
        if "mail" in table and table["mail"] == []:
            table.mistakes.note(table.name("mail"), [], "a box needs at least one mail address")
        found[name] = MessageBox(name, mail, table.take("limit", duration(5, 3600), 300.0))
    return found


def extensions(
    root: Table, groups: Mapping[str, RingGroup], boxes: Mapping[str, MessageBox]
) -> dict[str, Extension]:
    found: dict[str, Extension] = {}
    reading = distinct(listing(_spoken_name, '"office"'))
    unnamed: tuple[str, ...] = ()
    for key, table in root.tables("extensions", KEYS["extensions"]).items():
        if not (key.isascii() and key.isdigit() and len(key) <= 8):
            table.mistakes.note(table.where, key, "expected an extension of 1 to 8 digits")
        names = table.take("names", reading, unnamed)
        group, box = _behind(table, groups, boxes)
        found[key] = Extension(key, names, group, box)
    return found


def doors(
    root: Table,
    country: str,
    groups: Mapping[str, RingGroup],
    boxes: Mapping[str, MessageBox],
    extensions: Mapping[str, Extension],
) -> dict[str, FrontDoor]:
    found: dict[str, FrontDoor] = {}
    tables = root.tables("dids", KEYS["dids"])
    if not tables:
        expected = 'expected a number that people dial to reach you: [dids."+18182223333"]'
        root.mistakes.missing("dids", expected)
    listed = distinct(listing(member(extensions, "extension", "[extensions]"), '"1"'))
    for written, table in tables.items():
        did = _did(table, written, country)
        if did in found:
            table.mistakes.note(table.where, written, f"is the same number as {did}, given above")
        group, box = _behind(table, groups, boxes)
        open_to = table.take("extensions", listed, tuple(extensions.values()))
        if not open_to:
            expected = "needs at least one extension, or unknown callers could reach nobody"
            table.mistakes.missing(table.name("extensions"), expected)
        _check_spoken(table, open_to)
        tries = table.take("tries", whole(1, 9), 3)
        challenged = table.take("challenge", one_of(Challenged), Challenged.UNSURE)
        open_extensions = {e.number: e for e in open_to}
        found[did] = FrontDoor(did, group, box, open_extensions, tries, challenged)
    _check_reachable(root, found, extensions)
    return found


def _behind(
    table: Table, groups: Mapping[str, RingGroup], boxes: Mapping[str, MessageBox]
) -> tuple[RingGroup, MessageBox]:
    """The ring group and the message box that a DID or an extension names."""
    ring = member(groups, "ring group", "[groups.NAME]")
    box = member(boxes, "message box", "[boxes.NAME]")
    return (
        table.need("ring", ring, "expected the name of a ring group", _NO_GROUP),
        table.need("box", box, "expected the name of a message box", _NO_BOX),
    )


def _check_spoken(table: Table, extensions: tuple[Extension, ...]) -> None:
    """A spoken name reaches one extension of a DID, and does not sound like another's number."""
    numbers = {e.number for e in extensions}
    taken: dict[str, str] = {}
    for extension in extensions:
        key = f"extensions.{extension.number}.names"
        for name in extension.names:
            if name in taken:
                expected = f"extension {taken[name]} of {table.where} has this name already"
                table.mistakes.note(key, name, expected)
            taken.setdefault(name, extension.number)
            said = _digits_said(name)
            if said in numbers and said != extension.number:
                table.mistakes.note(key, name, f"is how a caller says extension {said}")


def _check_reachable(
    root: Table, doors: Mapping[str, FrontDoor], extensions: Mapping[str, Extension]
) -> None:
    reachable = {key for door in doors.values() for key in door.extensions}
    unreached = sorted(extensions.keys() - reachable) if doors else []
    for key in unreached:
        expected = "is in no DID's list of extensions, so no caller could reach it"
        root.mistakes.note("extensions", key, expected)


def _digits_said(name: str) -> str:
    words = name.split()
    if all(word in _DIGIT_WORDS for word in words):
        return "".join(str(_DIGIT_WORDS.index(word)) for word in words)
    return ""


def _did(table: Table, written: str, country: str) -> str:
    read = number.read(written, country) if country else None
    if read is not None and not read.e164:
        expected = f"expected a telephone number like +18182223333, or as written in {country}"
        table.mistakes.note(table.where, written, expected)
    return read.e164 if read is not None and read.e164 else written


# Readings ----------------------------------------------------------------------------------------


def _spoken_name(value: object) -> str:
    """Words as a caller says them; JSGF gives every sign but letters and ' a meaning."""
    words = value.casefold().split() if isinstance(value, str) else []
    if words and len(words) <= 6 and all(_WORD.fullmatch(word) for word in words):
        return " ".join(words)
    raise UnfitError('expected words of letters only, as a caller says them: "doctor smith"')
