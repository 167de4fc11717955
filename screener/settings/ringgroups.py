"""Phones and ring groups of screener.toml: what rings, in which order, for how long."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping

from screener.core.frontdoor import Announced, Phone, Redirects, RingGroup, Strategy
from screener.settings.tables import (
    Reading,
    Table,
    check_name,
    distinct,
    duration,
    listing,
    matching,
    member,
    one_of,
    opening_hours,
    safe_name,
    yes_or_no,
)

KEYS: Mapping[str, tuple[str, ...]] = {
    "phones": ("dial", "confirm", "delay", "hours", "redirects", "alert"),
    "groups": (
        *("phones", "seconds", "strategy", "each", "call_waiting"),
        *("redirects", "redirect_to", "announced", "prefix", "unproved_prefix"),
        *("alert", "music", "told_every"),
    ),
}
"""The keys of each table; they stand one level deeper, under the owner's own name
(`[groups.family]`). In `phones`, the owner's own names are the keys: what is dialled, or a
table."""

_ENDPOINT = re.compile(r"[A-Za-z0-9]{2,20}/[A-Za-z0-9_.+:@/-]{1,200}")
_PRIVATE_ENDPOINT = re.compile(r"PJSIP/[A-Za-z0-9_-]{1,40}")
# What goes into SIP headers: one line, and nothing that would have to be escaped there.
_PREFIX = re.compile(r'[^"\\<>;]{1,20}')
_ALERT = re.compile(r"[!-~](?:[ -~]{0,198}[!-~])?")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_LONGEST = 300.0  # seconds


def phones(root: Table, private: bool) -> dict[str, Phone]:
    """The phones by name; `private` says that they are on our own Asterisk."""
    table = root.owned("phones")
    reading = _private_endpoint if private else _endpoint
    found: dict[str, Phone] = {}
    for name in table:
        check_name(table.mistakes, table.name(name), name)
        phone = _phone(name, table, reading)
        same = (p.name for p in found.values() if phone.endpoint and p.endpoint == phone.endpoint)
        twin = next(same, None)
        if twin is not None:
            is_twin = f"is the same phone as phones.{twin}"
            table.mistakes.note(table.name(name), phone.endpoint, is_twin)
        found[name] = phone
    return found


def _phone(name: str, phones: Table, reading: Reading[str]) -> Phone:
    """One phone: what Asterisk dials, or a table that says more of it."""
    if not isinstance(phones[name], dict):
        endpoint = phones.take(name, reading, "")
        return Phone(name, endpoint, confirm="@" in endpoint)
    table = phones.table(name, KEYS["phones"])
    endpoint = table.need("dial", reading, 'expected what Asterisk dials: "PJSIP/kitchen"', "")
    return Phone(
        name,
        endpoint,
        # What is dialled over a trunk may be a mobile, and a machine may answer for it.
        confirm=table.take("confirm", yes_or_no, "@" in endpoint),
        delay=table.take("delay", duration(0, _LONGEST), 0.0),
        hours=table.take("hours", opening_hours, None),
        redirects=table.take("redirects", one_of(Redirects), None),
        alert=table.take("alert", _alert, ""),
    )


def groups(root: Table, phones: Mapping[str, Phone], warnings: list[str]) -> dict[str, RingGroup]:
    """The ring groups by name, of these phones."""
    found: dict[str, RingGroup] = {}
    for name, table in root.tables("groups", KEYS["groups"]).items():
        check_name(table.mistakes, table.where, name)
        found[name] = _group(name, table, phones)
        warnings += _turnless(found[name])
        warnings += _in_vain(found[name])
    return found


def _turnless(group: RingGroup) -> list[str]:
    """A warning where the group's time is over before each phone has had a turn."""
    turns = math.ceil(group.seconds / group.each)
    if group.strategy in (Strategy.ALL, Strategy.FIRST_AVAILABLE) or turns >= len(group.phones):
        return []
    return [
        f"groups.{group.name}: within {group.seconds:g} s only {turns} of its {len(group.phones)}"
        " phones have a turn: give it more seconds, or each phone less"
    ]


def _in_vain(group: RingGroup) -> list[str]:
    """Warnings of what is said of a group and can never work."""
    where = f"groups.{group.name}"
    listed = Redirects.LISTED in (group.redirects, *(phone.redirects for phone in group.phones))
    found: list[str] = []
    if listed and not group.redirect_to:
        found.append(f'{where}: redirects = "listed" needs redirect_to: no number is listed')
    if group.redirect_to and not listed:
        found.append(
            f'{where}: redirect_to needs redirects = "listed": no redirect is followed there'
        )
    found += [
        f"{where}: {phone.name} joins after {phone.delay:g} s, and it rings for"
        f" {group.seconds:g} s: give the group more seconds, or the phone less delay"
        for phone in group.phones
        if phone.delay >= group.seconds
    ]
    return found


def trunkless(groups: Iterable[RingGroup], trunk: str) -> list[str]:
    """Warnings of numbers that redirects may lead to, where nothing is dialled for a number."""
    return [
        f"groups.{group.name}: redirect_to needs asterisk.trunk: no number outside is dialled"
        for group in groups
        if group.redirect_to and not trunk
    ]


def _group(name: str, table: Table, phones: Mapping[str, Phone]) -> RingGroup:
    reading = distinct(listing(member(phones, "phone", "[phones]"), '"kitchen"'))
    expected = 'expected the phones that ring: ["kitchen"]'
    nobody: tuple[Phone, ...] = ()
    members = table.need("phones", reading, expected, nobody)
    if "phones" in table and table["phones"] == []:
        table.mistakes.note(table.name("phones"), [], "a group needs at least one phone")
    usual = RingGroup(name, members)
    return RingGroup(
        name,
        members,
        seconds=table.take("seconds", duration(5, _LONGEST), usual.seconds),
        strategy=table.take("strategy", one_of(Strategy), usual.strategy),
        each=table.take("each", duration(3, _LONGEST), usual.each),
        call_waiting=table.take("call_waiting", yes_or_no, usual.call_waiting),
        redirects=table.take("redirects", one_of(Redirects), usual.redirects),
        redirect_to=table.take("redirect_to", distinct(listing(_number, '"+18055550100"')), ()),
        announced=table.take("announced", one_of(Announced), usual.announced),
        prefix=table.take("prefix", _prefix, ""),
        unproved_prefix=table.take("unproved_prefix", _prefix, ""),
        alert=table.take("alert", _alert, ""),
        music=table.take("music", safe_name, ""),
        told_every=table.take("told_every", _told_every, 0.0),
    )


# Readings ----------------------------------------------------------------------------------------


_endpoint = matching(_ENDPOINT, 'expected what Asterisk dials, like "PJSIP/kitchen"')


_private_endpoint = matching(
    _PRIVATE_ENDPOINT, 'expected "PJSIP/" and a name of letters, digits, - and _: "PJSIP/kitchen"'
)


_prefix = matching(
    _PREFIX,
    'expected what stands before a caller\'s name, like "DOOR:" (20 letters at'
    " most; no quotes, \\, <, > or ;)",
)


_alert = matching(_ALERT, 'expected an Alert-Info that your phones know: "<http://x/Bellcore-dr2>"')


_number = matching(_E164, 'expected a whole number with + and its country: "+18055550100"')


def _told_every(value: object) -> float:
    if value == 0 and not isinstance(value, bool):
        return 0.0
    return duration(10, _LONGEST)(value)
