"""Which number was dialled first, and who has sent the call on: Diversion and History-Info.

A call may have come to another of our numbers first and been sent on by its network, which then
names that number in these headers; the door of the number that was dialled is the right one. And a
call that we let a phone send on (core/redirection.py) says so to whom it goes.
Sources: RFC 5806 (Diversion: the newest first), RFC 7044 (History-Info: index 1 was dialled first).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from screener.core import number
from screener.core.frontdoor import FrontDoor
from screener.core.sipheader import Address, addresses

DIVERSION = "Diversion"
HISTORY = "History-Info"

_INDEX = re.compile(r"[0-9]{1,4}(?:\.[0-9]{1,4}){0,15}", re.ASCII)
# What is sent on of a stranger's header: nothing that could end it or begin another.
_PLAIN = re.compile(r"[\x20-\x7e]{1,300}")
_KEPT = 5


def dialled(headers: Iterable[tuple[str, str]], country: str) -> tuple[str, ...]:
    """The numbers (E.164) at which the call has been before it came to us, the first one first."""
    headers = tuple(headers)
    before = [address for _, address in _indexed(headers)]
    before += reversed(list(_listed(headers, DIVERSION)))
    numbers = (number.read(address.uri, country).e164 for address in before)
    return tuple(dict.fromkeys(filter(None, numbers)))


def door(
    came_to: str, headers: Iterable[tuple[str, str]], doors: Mapping[str, FrontDoor], country: str
) -> str:
    """The DID whose front door is meant: the first dialled of ours, "" where that is `came_to`.

    A stranger may write such a header himself: it takes him to no door that asks nothing. And from
    a doorbell nobody is taken away.
    """
    if came_to in doors and doors[came_to].doorbell:
        return ""
    for before in dialled(headers, country):
        if before in doors and not doors[before].doorbell:
            return before if before != came_to else ""
    return ""


def onward(
    phones: Sequence[str], did: str, host: str, *, inside: bool, came: Iterable[tuple[str, str]]
) -> dict[str, str]:
    """The headers of a call that the last of `phones` sends on, which came to `did` with others.

    `phones` have redirected it, the first one first. To one who is `inside` each is named; outside,
    where only numbers mean something, it is the DID that diverts, and the phone is its name.
    """
    came = tuple(came)
    who = list(phones) if inside else [did] * len(phones)
    named = [f'"{phone}" <sip:{user}@{host}>' for phone, user in zip(phones, who, strict=True)]
    kept = [found.text for found in _listed(came, DIVERSION) if _PLAIN.fullmatch(found.text)]
    diversions = [f"{each};reason=deflection" for each in reversed(named)] + kept[:_KEPT]
    return {DIVERSION: ", ".join(diversions), HISTORY: ", ".join(_history(who, did, host, came))}


def _history(
    who: Sequence[str], did: str, host: str, came: Iterable[tuple[str, str]]
) -> Iterator[str]:
    """What the call came with, or the DID, and then each who sent it on, by 302."""
    index = "1"
    kept = [(i, found.text) for i, found in _indexed(came) if _PLAIN.fullmatch(found.text)]
    if kept:
        yield from (text for _, text in kept[:_KEPT])
        index = ".".join(map(str, kept[:_KEPT][-1][0]))
    else:
        yield f"<sip:{did}@{host}>;index=1"
    for user in who:
        yield f"<sip:{user}@{host}?Reason=SIP%3Bcause%3D302>;index={index}.1;rc={index}"
        index += ".1"


def _listed(headers: Iterable[tuple[str, str]], name: str) -> Iterator[Address]:
    for each, value in headers:
        if each.lower() == name.lower():
            yield from addresses(value)


def _indexed(headers: Iterable[tuple[str, str]]) -> list[tuple[tuple[int, ...], Address]]:
    """The entries of History-Info with their indices, the first one first."""
    found = []
    for each in _listed(headers, HISTORY):
        index = each.parameters.get("index", "")
        if _INDEX.fullmatch(index):
            found.append((tuple(map(int, index.split("."))), each))
    return sorted(found, key=lambda indexed: indexed[0])
