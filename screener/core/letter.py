"""A recorded message as a letter: what is known of it, and the mail that carries it.

Pure composing: data in, `EmailMessage` out (RFC 5322, RFC 2045 ff.). The caller's name comes from a
stranger. It passes through core/callerid.py first, and then through Python's structured headers,
which refuse line ends and quote what has a meaning; so a mail has one From, To and Subject whatever
a caller calls himself.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, tzinfo
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from enum import StrEnum
from typing import Any

from screener.core.callerid import quoted, shown, shown_number
from screener.core.promotion import ACTIONS, can_be_named
from screener.core.rules import Action

_WHY = 300  # characters of a reason that a mail shows
_TRANSCRIPT = 4000  # characters of a transcript: five minutes of fast speech
_MOST_PHRASES = 20
_WIDTH = 76  # columns of running text (RFC 3676 recommends no more than 78)
_DISPLAY_NAME = 40  # characters: a header that need not be folded reads best


class SoundFormat(StrEnum):
    """What the recording is attached as: its file name's ending."""

    MP3 = "mp3"
    WAV = "wav"


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

    `box` is the box's name and `to` its mail addresses; `number` is E.164 or "" (withheld); `did`
    is the number that was called; `when` (aware) is when the call came in; `seconds` is how long
    the recording is; `why` says why the call came to the box, as a clause, and `ruling` what the
    rules had said of it; `call` is the call's id. `transcript` are the words that a recogniser was
    sure of, "" for none; its `confidence` in all that it heard is between 0 and 1. `heard` are the
    phrases that it knew: all there is where the engine makes no transcripts. `links` are what can
    be done about the caller.
    """

    call: int
    box: str
    to: tuple[str, ...]
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
        box=str(data["box"]),
        to=tuple(str(address) for address in data["to"]),
        number=str(data["number"]),
        name=str(data["name"]),
        did=str(data["did"]),
        when=datetime.fromisoformat(data["when"]),
        seconds=float(data["seconds"]),
        why=str(data["why"]),
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
    )


# RFC 5321 Mailbox without its quoted and literal forms, which nobody's voice mail needs.
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@"
                      r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")  # fmt: skip


def is_address(text: str) -> bool:
    """Whether mail can be sent to it: one plain ASCII address, "mom@example.org"."""
    return len(text) <= 254 and _ADDRESS.fullmatch(text) is not None


def length(seconds: float) -> str:
    """ "0:42", "1:00:03"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def sound_name(letter: Letter, form: SoundFormat, zone: tzinfo | None) -> str:
    """The attachment's file name: "message from +18055550142 2026-11-20 14.03.mp3"; a robot's is a
    "reminder from ...".

    Only digits and "+" of the number get in, so that it is safe on any file system.
    """
    number = "".join(c for c in letter.number if c in "+0123456789")[:20] or "withheld number"
    when = letter.when.astimezone(zone).strftime("%Y-%m-%d %H.%M")
    return f"{_IS[letter.kind]} from {number} {when}.{form}"


def compose(
    letter: Letter,
    sound: bytes,
    form: SoundFormat,
    *,
    sender: str,
    message_id: str,
    written: datetime,
    zone: tzinfo | None,
    remark: str = "",
) -> EmailMessage:
    """The mail that carries `sound`, from `sender` (an address) to the letter's box.

    `message_id` with its angle brackets and `written` (the Date header) stay the same however
    often it is sent. Times of day are in `zone` (None: this machine's). `remark` is a sentence
    for the body, where there is something to explain about the attachment.
    """
    mail = envelope(
        _display_name(letter),
        letter.to,
        _subject(letter),
        sender=sender,
        message_id=message_id,
        written=written,
        zone=zone,
    )
    name = sound_name(letter, form, zone)
    mail.set_content(_body(letter, name, zone, remark), cte="quoted-printable")
    subtype = "mpeg" if form is SoundFormat.MP3 else "wav"
    mail.add_attachment(sound, maintype="audio", subtype=subtype, filename=name)
    return mail


def envelope(
    name: str,
    to: Iterable[str],
    subject: str,
    *,
    sender: str,
    message_id: str,
    written: datetime,
    zone: tzinfo | None,
) -> EmailMessage:
    """A mail that has its headers and no body yet, from `name` at the address `sender`.

    `name` and `subject` are lines that may be shown (core/callerid.py); they hold no line end.
    """
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(display_name=_literal(name), addr_spec=sender)
    mail["To"] = tuple(Address(addr_spec=address) for address in to if is_address(address))
    mail["Subject"] = _literal(subject)
    mail["Date"] = format_datetime(written.astimezone(zone))
    mail["Message-ID"] = message_id
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office reply to a machine
    return mail


def _who(letter: Letter) -> str:
    """ "Mom (+1 805 555 0142)", "+1 805 555 0142", "a withheld number"."""
    number = shown_number(letter.number) if letter.number else "a withheld number"
    return f"{shown(letter.name)} ({number})" if letter.name.strip() else number


_IS = {LetterKind.MESSAGE: "message", LetterKind.ROBOT: "reminder"}
_KEPT = "Reminder (automatic call) kept"


def _subject(letter: Letter) -> str:
    who = f"{_who(letter)}, {length(letter.seconds)}"
    return f"{_KEPT}: {who}" if letter.kind is LetterKind.ROBOT else f"Message from {who}"


def _display_name(letter: Letter) -> str:
    """The caller's name, else his number, without what would look like another address."""
    name = "".join(" " if c in '<>@"(),:;\\[]' else c for c in shown(letter.name, _DISPLAY_NAME))
    return " ".join(name.split()) or _who(letter)


def _literal(text: str) -> str:
    """Header text in which no encoded word (RFC 2047) begins: whoever called himself
    "=?utf-8?B?...?=" would otherwise be decoded, and have written what `shown` lets nobody write.
    """
    return text.replace("=?", "= ?")


def _tells_more(letter: Letter) -> bool:
    """Whether what the rules said is not in the reason already."""
    return bool(letter.ruling) and letter.ruling not in letter.why


def _body(letter: Letter, attached: str, zone: tzinfo | None, remark: str) -> str:
    """Who called, when, how long, and why it came to the box."""
    who = f"{quoted(letter.name)}, " if letter.name.strip() else ""
    robot = letter.kind is LetterKind.ROBOT
    how_long = length(letter.seconds)
    lines = [
        f"{_KEPT}: {_who(letter)} spoke for {how_long}; no phone rang."
        if robot
        else f"{_who(letter)} left a message of {how_long}.",
        "",
        f"  From    {who}{shown_number(letter.number)}",
        f"  To      {shown_number(letter.did)}, message box {shown(letter.box)}",
        f"  When    {letter.when.astimezone(zone).strftime('%A %d %B %Y, %H:%M')}",
        f"  Why     {shown(letter.why, _WHY) or 'the call came to the message box'}",
        *([f"  Rules   {shown(letter.ruling, _WHY)}"] if _tells_more(letter) else []),
        f"  Call    {letter.call}  (screener calls show {letter.call})",
        "",
        f"The recording is attached: {attached}",
    ]
    if remark:
        lines.append(shown(remark, _WHY))
    return "\n".join([*lines, *_said(letter), *_what_to_do(letter, zone)]) + "\n"


def _said(letter: Letter) -> list[str]:
    """What a machine understood of the recording, marked as that."""
    if letter.transcript:
        sure = f"{100 * letter.confidence:.0f} % sure"
        told = (
            f"Written down by a machine, which is {sure} of it (… where it is not sure of a word):"
        )
        words = shown(letter.transcript, _TRANSCRIPT)
    elif letter.heard:
        told = "What a machine knew of its words, and there were more:"
        words = ", ".join(quoted(phrase) for phrase in letter.heard[:_MOST_PHRASES])
    else:
        return []
    wrapped = textwrap.wrap(words, _WIDTH, initial_indent="  ", subsequent_indent="  ")
    return ["", told, *wrapped]


_DO = {
    Action.ALLOW: "Let this caller in from now on",
    Action.BLOCK: "Block this caller from now on",
}


def _what_to_do(letter: Letter, zone: tzinfo | None) -> list[str]:
    """The links, and the commands that do the same; none for a caller that no rule can name."""
    if not letter.call or not can_be_named(letter.number):
        return []
    lines = [""]
    urls = {link.action: link.url for link in letter.links}
    for action in ACTIONS:
        lines.append(f"{_DO[action]} (screener calls {action} {letter.call})")
        if action in urls:
            lines.append(f"  {shown(urls[action], _WHY)}")
    if urls:
        until = min(link.until for link in letter.links).astimezone(zone)
        last = f"{until:%A} {until.day} {until:%B %Y}"
        lines.append(f"A link asks before it changes anything, and works once, until {last}.")
    return lines
