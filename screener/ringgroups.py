"""Phones and ring groups of screener.toml: what rings, in which order, for how long."""

from __future__ import annotations

import re
from collections.abc import Mapping

from screener.core.frontdoor import Phone, RingGroup
from screener.tables import Table, UnfitError, check_name, distinct, duration, listing, member

KEYS: Mapping[str, tuple[str, ...]] = {"groups": ("phones", "seconds")}
"""The keys of each table; they stand one level deeper, under the owner's own name
(`[groups.family]`). In `phones`, the owner's own names are the keys."""

_ENDPOINT = re.compile(r"[A-Za-z0-9]{2,20}/[A-Za-z0-9_.+:@/-]{1,200}")
_PRIVATE_ENDPOINT = re.compile(r"PJSIP/[A-Za-z0-9_-]{1,40}")


def phones(root: Table, private: bool) -> dict[str, Phone]:
    """The phones by name; `private` says that they are on our own Asterisk."""
    table = root.owned("phones")
    reading = _private_endpoint if private else _endpoint
    found: dict[str, Phone] = {}
    for name in table:
        check_name(table.mistakes, table.name(name), name)
        endpoint = table.take(name, reading, "")
        twin = next((p.name for p in found.values() if endpoint and p.endpoint == endpoint), None)
        if twin is not None:
            table.mistakes.note(table.name(name), endpoint, f"is the same phone as phones.{twin}")
        found[name] = Phone(name, endpoint)
    return found


def groups(root: Table, phones: Mapping[str, Phone]) -> dict[str, RingGroup]:
    """The ring groups by name, of these phones."""
    found: dict[str, RingGroup] = {}
    reading = distinct(listing(member(phones, "phone", "[phones]"), '"kitchen"'))
    expected = 'expected the phones that ring: ["kitchen"]'
    nobody: tuple[Phone, ...] = ()
    for name, table in root.tables("groups", KEYS["groups"]).items():
        check_name(table.mistakes, table.where, name)
        members = table.need("phones", reading, expected, nobody)
        if "phones" in table and table["phones"] == []:
            table.mistakes.note(table.name("phones"), [], "a group needs at least one phone")
        found[name] = RingGroup(name, members, table.take("seconds", duration(5, 300), 25.0))
    return found


# Readings ----------------------------------------------------------------------------------------


def _endpoint(value: object) -> str:
    if isinstance(value, str) and _ENDPOINT.fullmatch(value):
        return value
    raise UnfitError('expected what Asterisk dials, like "PJSIP/kitchen"')


def _private_endpoint(value: object) -> str:
    if isinstance(value, str) and _PRIVATE_ENDPOINT.fullmatch(value):
        return value
    raise UnfitError('expected "PJSIP/" and a name of letters, digits, - and _: "PJSIP/kitchen"')
