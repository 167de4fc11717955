"""Who rings and where messages go: the phones, groups, boxes, extensions and DIDs of screener.toml.

`read` makes of their tables the front doors that calls come to (core/frontdoor.py), and notes every
mistake: what is missing, what is named and not there, and what no caller could ever reach.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from screener.core import number
from screener.core.frontdoor import (
    Challenged,
    Directory,
    Extension,
    FrontDoor,
    MessageBox,
    Phone,
    RingGroup,
)
from screener.tables import (
    Mistakes,
    Table,
    UnfitError,
    distinct,
    duration,
    listing,
    mail_address,
    member,
    one_of,
    safe_name,
    whole,
)

KEYS: Mapping[str, tuple[str, ...]] = {
    "dids": ("ring", "box", "extensions", "tries", "challenge"),
    "extensions": ("names", "ring", "box"),
    "groups": ("phones", "seconds"),
    "boxes": ("mail", "limit"),
}
"""The keys of each table; they stand one level deeper, under the owner's own name
(`[groups.family]`). In `phones`, the owner's own names are the keys."""

_ENDPOINT = re.compile(r"[A-Za-z0-9]{2,20}/[A-Za-z0-9_.+:@/-]{1,200}")
_PRIVATE_ENDPOINT = re.compile(r"PJSIP/[A-Za-z0-9_-]{1,40}")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*", re.UNICODE)
_DIGIT_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_NO_GROUP = RingGroup("", ())
_NO_BOX = MessageBox("", ())


def read(root: Table, country: str, private: bool) -> Directory:
    """The directory in the file's tables; `private` says that its phones are on our own Asterisk.

    Mistakes are noted in `root.mistakes`; with any of them, the directory is of no use.
    """
    phones = _phones(root, private)
    groups = _groups(root, phones)
    boxes = _boxes(root)
    extensions = _extensions(root, groups, boxes)
    doors = _doors(root, country, groups, boxes, extensions)
    return Directory(doors, phones, groups, boxes, extensions)


def _phones(root: Table, private: bool) -> dict[str, Phone]:
    table = root.owned("phones")
    reading = _private_endpoint if private else _endpoint
    phones: dict[str, Phone] = {}
    for name in table:
        _check_name(table.mistakes, table.name(name), name)
        endpoint = table.take(name, reading, "")
        twin = next((p.name for p in phones.values() if endpoint and p.endpoint == endpoint), None)
        if twin is not None:
            table.mistakes.note(table.name(name), endpoint, f"is the same phone as phones.{twin}")
        phones[name] = Phone(name, endpoint)
    return phones


def _groups(root: Table, phones: Mapping[str, Phone]) -> dict[str, RingGroup]:
    groups: dict[str, RingGroup] = {}
    reading = distinct(listing(member(phones, "phone", "[phones]"), '"kitchen"'))
    expected = 'expected the phones that ring: ["kitchen"]'
    nobody: tuple[Phone, ...] = ()
    for name, table in root.tables("groups", KEYS["groups"]).items():
        _check_name(table.mistakes, table.where, name)
        members = table.need("phones", reading, expected, nobody)
        if "phones" in table and table["phones"] == []:
            table.mistakes.note(table.name("phones"), [], "a group needs at least one phone")
        groups[name] = RingGroup(name, members, table.take("seconds", duration(5, 300), 25.0))
    return groups


def _boxes(root: Table) -> dict[str, MessageBox]:
    boxes: dict[str, MessageBox] = {}
    reading = distinct(listing(mail_address, '"you@example.net"'))
    expected = 'expected mail addresses: ["you@example.net"]'
    nowhere: tuple[str, ...] = ()
    for name, table in root.tables("boxes", KEYS["boxes"]).items():
        _check_name(table.mistakes, table.where, name)
        mail = table.need("mail", reading, expected, nowhere)
        if "mail" in table and table["mail"] == []:
            table.mistakes.note(table.name("mail"), [], "a box needs at least one mail address")
        boxes[name] = MessageBox(name, mail, table.take("limit", duration(5, 3600), 300.0))
    return boxes


def _extensions(
    root: Table, groups: Mapping[str, RingGroup], boxes: Mapping[str, MessageBox]
) -> dict[str, Extension]:
    extensions: dict[str, Extension] = {}
    reading = distinct(listing(_spoken_name, '"office"'))
    unnamed: tuple[str, ...] = ()
    for key, table in root.tables("extensions", KEYS["extensions"]).items():
        if not (key.isascii() and key.isdigit() and len(key) <= 8):
            table.mistakes.note(table.where, key, "expected an extension of 1 to 8 digits")
        names = table.take("names", reading, unnamed)
        group, box = _behind(table, groups, boxes)
        extensions[key] = Extension(key, names, group, box)
    return extensions


def _doors(
    root: Table,
    country: str,
    groups: Mapping[str, RingGroup],
    boxes: Mapping[str, MessageBox],
    extensions: Mapping[str, Extension],
) -> dict[str, FrontDoor]:
    doors: dict[str, FrontDoor] = {}
    tables = root.tables("dids", KEYS["dids"])
    if not tables:
        expected = 'expected a number that people dial to reach you: [dids."+18182223333"]'
        root.mistakes.missing("dids", expected)
    listed = distinct(listing(member(extensions, "extension", "[extensions]"), '"1"'))
    for written, table in tables.items():
        did = _did(table, written, country)
        if did in doors:
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
        doors[did] = FrontDoor(did, group, box, open_extensions, tries, challenged)
    _check_reachable(root, doors, extensions)
    return doors


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


def _check_name(mistakes: Mistakes, where: str, name: str) -> None:
    """Note it when the owner's own name for a phone, a group or a box cannot go into files."""
    try:
        safe_name(name)
    except UnfitError as unfit:
        mistakes.note(where, name, str(unfit))


# Readings ----------------------------------------------------------------------------------------


def _endpoint(value: object) -> str:
    if isinstance(value, str) and _ENDPOINT.fullmatch(value):
        return value
    raise UnfitError('expected what Asterisk dials, like "PJSIP/kitchen"')


def _private_endpoint(value: object) -> str:
    if isinstance(value, str) and _PRIVATE_ENDPOINT.fullmatch(value):
        return value
    raise UnfitError('expected "PJSIP/" and a name of letters, digits, - and _: "PJSIP/kitchen"')


def _spoken_name(value: object) -> str:
    """Words as a caller says them; JSGF gives every sign but letters and ' a meaning."""
    words = value.casefold().split() if isinstance(value, str) else []
    if words and len(words) <= 6 and all(_WORD.fullmatch(word) for word in words):
        return " ".join(words)
    raise UnfitError('expected words of letters only, as a caller says them: "doctor smith"')
