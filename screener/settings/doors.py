"""Front doors of screener.toml: the DIDs, and the extensions behind them.

Menus are read in menus.py, message boxes in boxes.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from screener.core import number
from screener.core.frontdoor import (
    Challenged,
    Choice,
    Extension,
    FrontDoor,
    Holiday,
    Menu,
    MessageBox,
    Reply,
    RingGroup,
    Step,
)
from screener.settings import holidays, menus
from screener.settings.engines import Languages
from screener.settings.menus import Aims, digits_said, prompt_name, spoken_name
from screener.settings.tables import (
    Reading,
    Table,
    UnfitError,
    distinct,
    duration,
    listing,
    matching,
    member,
    one_of,
    opening_hours,
    path_from,
    whole,
    yes_or_no,
)

KEYS: Mapping[str, tuple[str, ...]] = {
    "dids": (
        *("ring", "box", "extensions", "menu", "operator", "tries", "challenge"),
        *("greeting", "language", "hours", "closed", "holidays", "holiday"),
        *("remember", "doorbell", "notice"),
    ),
    "extensions": ("names", "ring", "box"),
    **menus.KEYS,
}
"""The keys of each table; they stand one level deeper, under the owner's own name
(`[extensions.1]`)."""

_REPLY = ("greeting", "menu", "to")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})?")
_LONGEST_MEMORY = 10 * 366 * 86_400.0
_NO_GROUP = RingGroup("", ())
_NO_BOX = MessageBox("", ())


def extensions(
    root: Table, groups: Mapping[str, RingGroup], boxes: Mapping[str, MessageBox]
) -> dict[str, Extension]:
    found: dict[str, Extension] = {}
    reading = distinct(listing(spoken_name, '"office"'))
    unnamed: tuple[str, ...] = ()
    for key, table in root.tables("extensions", KEYS["extensions"]).items():
        if not (key.isascii() and key.isdigit() and len(key) <= 8):
            table.mistakes.note(table.where, key, "expected an extension of 1 to 8 digits")
        names = table.take("names", reading, unnamed)
        group, box = _behind(table, groups, boxes)
        found[key] = Extension(key, names, group, box)
    return found


@dataclass(frozen=True, slots=True)
class Behind:
    """What stands behind the doors, all by their names; `country` is the owner's, `folder` that of
    screener.toml."""

    folder: Path
    country: str
    languages: Languages
    groups: Mapping[str, RingGroup]
    boxes: Mapping[str, MessageBox]
    extensions: Mapping[str, Extension]
    menus: Mapping[str, Menu]


def doors(root: Table, behind: Behind, warnings: list[str]) -> dict[str, FrontDoor]:
    """The front doors by their DIDs, E.164."""
    found: dict[str, FrontDoor] = {}
    tables = root.tables("dids", KEYS["dids"])
    if not tables:
        expected = 'expected a number that people dial to reach you: [dids."+18182223333"]'
        root.mistakes.missing("dids", expected)
    for written, table in tables.items():
        did = _did(table, written, behind.country)
        if did in found:
            table.mistakes.note(table.where, written, f"is the same number as {did}, given above")
        bell = table.take("doorbell", yes_or_no, "doorbell" in table)  # "yes" is meant as true
        found[did] = (_doorbell if bell else _door)(table, did, behind, warnings)
    led_to = menus.check(root, found.values(), behind.menus)
    _check_reachable(root, found, behind.extensions, led_to)
    return found


def _doorbell(table: Table, did: str, behind: Behind, warnings: list[str]) -> FrontDoor:
    """A number that a doorbell dials: nothing else can be said of it than who rings."""
    group = table.need("ring", *_ring(behind.groups), _NO_GROUP)
    idle = [table.name(key) for key in table if key not in ("ring", "doorbell")]
    if idle:
        file = Path(table.mistakes.file).name
        warnings.append(f"{file}: {', '.join(idle)}: at a doorbell nothing is asked or recorded")
    return FrontDoor(did, group, _NO_BOX, {}, doorbell=True)


def _door(table: Table, did: str, behind: Behind, warnings: list[str]) -> FrontDoor:
    """One number that people dial."""
    group, box = _behind(table, behind.groups, behind.boxes)
    one = member(behind.extensions, "extension", "[extensions]")
    open_to = table.take("extensions", distinct(listing(one, '"1"')), _all(behind.extensions))
    if not open_to and "menu" not in table:
        expected = "needs at least one extension, or unknown callers could reach nobody"
        table.mistakes.missing(table.name("extensions"), expected)
    _check_spoken(table, open_to)
    language = table.take("language", _language, "")
    menu = table.take("menu", member(behind.menus, "menu", "[menus.NAME]"), None)
    closed = _reply(table, "closed", Reply("closed"), box, behind)
    holiday = _reply(table, "holiday", Reply(closed.greeting), box, behind)
    opening = table.take("hours", opening_hours, None)
    if "hours" not in table and "closed" in table:
        table.mistakes.missing(table.name("hours"), "it is never closed without them")
    if "holiday" in table and "holidays" not in table:
        table.mistakes.missing(table.name("holidays"), "there is no holiday without them")
    return FrontDoor(
        did,
        group,
        box,
        {e.number: e for e in open_to},
        table.take("tries", whole(1, 9), 3),
        table.take("challenge", one_of(Challenged), Challenged.UNSURE),
        table.take("remember", duration(0, _LONGEST_MEMORY), 0.0),
        language,
        operator=table.take("operator", one, None),
        open=Reply(table.take("greeting", prompt_name, "greeting"), menu),
        hours=opening,
        closed=closed,
        holidays=_holidays(table, behind.folder, warnings),
        holiday=holiday if "holiday" in table else None,
        by_key=behind.languages.by_key(language),
        notice=table.take("notice", yes_or_no, False),
    )


def _all(extensions: Mapping[str, Extension]) -> tuple[Extension, ...]:
    return tuple(extensions.values())


def _reply(table: Table, key: str, usual: Reply, box: MessageBox, behind: Behind) -> Reply:
    """How callers are received when closed: where nothing is said, they may leave a message."""
    own = table.table(key, _REPLY)
    menu = own.take("menu", member(behind.menus, "menu", "[menus.NAME]"), None)
    to = own.take("to", _aim(Aims(behind.extensions, behind.boxes)), None)
    if "menu" in own and "to" in own:
        own.mistakes.note(own.name("to"), own["to"], 'expected "menu" or "to", not both')
    if menu is None and to is None:
        to = Choice("", Step.MESSAGE, box.name)
    return Reply(own.take("greeting", prompt_name, usual.greeting), menu, to)


def _holidays(table: Table, folder: Path, warnings: list[str]) -> tuple[Holiday, ...]:
    """The whole days of the calendar file that the table names."""

    # Wherever the owner's clock stands, it is no day behind.
    since = datetime.now(UTC).date() - timedelta(days=1)

    def reading(value: object) -> tuple[Holiday, ...]:
        found, told = holidays.read(path_from(folder)(value), since)
        warnings.extend(told)
        return found

    return table.take("holidays", reading, ())


def _behind(
    table: Table, groups: Mapping[str, RingGroup], boxes: Mapping[str, MessageBox]
) -> tuple[RingGroup, MessageBox]:
    """The ring group and the message box that a DID or an extension names."""
    box = member(boxes, "message box", "[boxes.NAME]")
    return (
        table.need("ring", *_ring(groups), _NO_GROUP),
        table.need("box", box, "expected the name of a message box", _NO_BOX),
    )


def _ring(groups: Mapping[str, RingGroup]) -> tuple[Reading[RingGroup], str]:
    """How the name of a ring group is read, and what is expected where it is missing."""
    return member(groups, "ring group", "[groups.NAME]"), "expected the name of a ring group"


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
            said = digits_said(name)
            if said in numbers and said != extension.number:
                table.mistakes.note(key, name, f"is how a caller says extension {said}")


def _check_reachable(
    root: Table,
    doors: Mapping[str, FrontDoor],
    extensions: Mapping[str, Extension],
    led_to: frozenset[str],
) -> None:
    """An extension must be some number's, or what a menu leads to (`led_to`), or an operator."""
    reachable = {key for door in doors.values() for key in door.extensions} | led_to
    reachable |= {door.operator.number for door in doors.values() if door.operator is not None}
    sent = (r.to for door in doors.values() for r in (door.closed, door.holiday) if r is not None)
    reachable |= {to.aim for to in sent if to is not None and to.step is Step.EXTENSION}
    unreached = sorted(extensions.keys() - reachable) if doors else []
    for key in unreached:
        expected = "is in no DID's list of extensions, so no caller could reach it"
        root.mistakes.note("extensions", key, expected)


def _did(table: Table, written: str, country: str) -> str:
    read = number.read(written, country) if country else None
    if read is not None and not read.e164:
        expected = f"expected a telephone number like +18182223333, or as written in {country}"
        table.mistakes.note(table.where, written, expected)
    return read.e164 if read is not None and read.e164 else written


# Readings ----------------------------------------------------------------------------------------


def _aim(aims: Aims) -> Reading[Choice]:
    """Where callers are sent without being asked."""
    reading = aims.choice("")
    fit = (Step.MESSAGE, Step.EXTENSION, Step.OPERATOR, Step.CALL_BACK)

    def whither(value: object) -> Choice:
        choice = reading(value)
        if choice.step not in fit:
            raise UnfitError(f"expected one of {', '.join(fit)}")
        return choice

    return whither


_language = matching(_LANGUAGE, 'expected a language like "en" or "de"')
