"""A recorded message as a letter: what is known of it when it is kept.

core/lettermail.py composes the mail that carries it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from screener.core.frontdoor import MessageBox, SoundFormat
from screener.core.rules import Action


class LetterKind(StrEnum):
    """Who left what was recorded."""

    MESSAGE = "message"
    ROBOT = "wanted robot"  # a clinic's reminder, a code: overheard, and kept


@dataclass(frozen=True, slots=True)
class Link:
    """A link to a page that asks whether to allow, or block, the caller from now on.

    It works until `until` (aware), and once.
    """

    action: Action
    url: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Letter:
    """A recorded message on its way to a message box.

    `number` is E.164 or "" (withheld); `did` is the number that was called; `when` (aware) is when
    the call came in; `seconds` is how long the recording is; `why` says why the call came to the
    box, as a clause, and `ruling` what the rules had said of it; `call` is the call's id (0: it has
    no row). `transcript` are the words that a recogniser was sure of, "" for none; its `confidence`
    in all that it heard is between 0 and 1. `heard` are the phrases that it knew: all there is
    where the engine makes no transcripts. `links` are what can be done about the caller.

    The rest `addressed` takes from a box: `box` is its name and `to` its mail addresses. It is
    mailed as `form`, `bits` a second, its times in `zone` (an IANA name, "" for the owner's);
    `wants_transcript`: it is to be transcribed before it is mailed.
    """

    call: int
    number: str
    name: str
    did: str
    when: datetime
    seconds: float
    why: str
    ruling: str = ""
    kind: LetterKind = LetterKind.MESSAGE
    transcript: str = ""
    confidence: float = 0.0
    heard: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    box: str = ""
    to: tuple[str, ...] = ()
    form: SoundFormat = SoundFormat.MP3
    bits: int = 32000
    zone: str = ""
    wants_transcript: bool = False


def addressed(letter: Letter, box: MessageBox) -> Letter:
    """The letter to this box, whatever box it was to before: mailed as the box wants it.

    What a robot said was transcribed as it was overheard, as far as it could be.
    """
    transcribed = letter.kind is LetterKind.ROBOT or letter.transcript != ""
    return replace(
        letter,
        box=box.name,
        to=box.mail,
        form=box.form,
        bits=box.bits,
        zone=box.zone,
        wants_transcript=box.transcript and not transcribed,
    )


def as_data(letter: Letter) -> dict[str, Any]:
    """The letter as JSON knows it."""
    data = {field.name: getattr(letter, field.name) for field in fields(letter)}
    links = [(link.action.value, link.url, link.until.isoformat()) for link in letter.links]
    lists = {"to": list(letter.to), "heard": list(letter.heard), "links": links}
    return data | lists | {"when": letter.when.isoformat()}


def from_data(data: Mapping[str, Any]) -> Letter:
    """What `as_data` gave. Raises KeyError, TypeError or ValueError for anything else."""
    return Letter(
        call=int(data["call"]),
        number=str(data["number"]),
        name=str(data["name"]),
        did=str(data["did"]),
        when=datetime.fromisoformat(data["when"]),
        seconds=float(data["seconds"]),
        why=str(data["why"]),
        box=str(data["box"]),
        to=tuple(str(address) for address in data["to"]),
        # What follows is not in what was queued by an earlier version.
        ruling=str(data.get("ruling", "")),
        kind=LetterKind(data.get("kind", LetterKind.MESSAGE)),
        transcript=str(data.get("transcript", "")),
        confidence=float(data.get("confidence", 0.0)),
        heard=tuple(str(phrase) for phrase in data.get("heard", ())),
        links=tuple(
            Link(Action(action), str(url), datetime.fromisoformat(until))
            for action, url, until in data.get("links", ())
        ),
        form=SoundFormat(data.get("form", SoundFormat.MP3)),
        bits=int(data.get("bits", 32000)),
        zone=str(data.get("zone", "")),
        wants_transcript=bool(data.get("wants_transcript", False)),
    )


# RFC 5321 Mailbox without its quoted and literal forms, which nobody's voice mail needs.
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@"
                      r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")  # fmt: skip


def is_address(text: str) -> bool:
    """Whether mail can be sent to it: one plain ASCII address, "mom@example.org"."""
    return len(text) <= 254 and _ADDRESS.fullmatch(text) is not None


def call_told(call: int) -> str:
    """The id of a call and what shows it; why it has none (0): the disk was full, say."""
    if not call:
        return "not in the list of calls: it could not be written down"
    return f"{call}  (screener calls show {call})"


def length(seconds: float) -> str:
    """ "0:42", "1:00:03"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def length_told(seconds: float) -> str:
    """ "7 s", "1:01 min", "1:00:03 h": as a sentence has it."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return f"{length(whole)} {'min' if whole < 3600 else 'h'}"
