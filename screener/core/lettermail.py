"""The mail that carries a recorded message: who called, when, why, what was said, what can be done.

Pure composing: data in, `EmailMessage` out (RFC 2045 ff.). It says the same twice, as text and as
HTML, of which a mail program shows one; the sound is attached beside them. What a stranger wrote
passes through core/callerid.py, then through core/envelope.py or core/mailpage.py. The same letter
gives the same bytes however often it is sent.
"""

from __future__ import annotations

import hashlib
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from email.message import EmailMessage

from screener.core import mailpage, number
from screener.core.callerid import quoted, shown, shown_number
from screener.core.enclosure import TYPES, Enclosure, sound_name
from screener.core.envelope import envelope
from screener.core.letter import Letter, LetterKind, call_told, length, length_told
from screener.core.localtime import day, told, zone_of
from screener.core.mailpage import Html
from screener.core.promotion import ACTIONS, can_be_named
from screener.core.rules import Action

_WHY = 300  # characters of a reason that a mail shows
# Characters of a transcript: half an hour of speech. Mail programs cut a page off at 100 kB.
_TRANSCRIPT = 24000
_MOST_PHRASES = 20
_WIDTH = 76  # columns of running text (RFC 3676 recommends no more than 78)
_DISPLAY_NAME = 40  # characters: a header that need not be folded reads best


def compose(
    letter: Letter,
    enclosure: Enclosure,
    sound: bytes,
    *,
    sender: str,
    message_id: str,
    written: datetime,
    zone: tzinfo | None,
    first_id: str = "",
) -> EmailMessage:
    """The mail that carries `sound`, from `sender` (an address) to the letter's box.

    `message_id` with its angle brackets and `written` (the Date header) stay the same however
    often it is sent; `first_id` is that of the first part's mail, for the others. Times of day are
    in the letter's zone, or in `zone`, the owner's (None: this machine's).
    """
    its_zone = zone_of(letter.zone, zone)
    mail = envelope(
        _display_name(letter),
        letter.to,
        _subject(letter, enclosure),
        sender=sender,
        message_id=message_id,
        written=written,
        zone=its_zone,
    )
    if first_id:  # so that mail programs show the parts together
        mail["In-Reply-To"] = mail["References"] = first_id
    saying = _Saying.of(letter, enclosure, zone)
    mail.set_content(_as_text(saying), cte="quoted-printable")
    html = _as_page(_subject(letter, enclosure), saying)
    mail.add_alternative(html, subtype="html", cte="quoted-printable")
    if enclosure.attached:
        name, (subtype, params) = sound_name(letter, enclosure, its_zone), TYPES[enclosure.form]
        mail.add_attachment(
            sound, maintype="audio", subtype=subtype, params=dict(params), filename=name
        )
    _set_boundaries(mail, message_id)
    return mail


def _set_boundaries(mail: EmailMessage, message_id: str) -> None:
    """Python draws them by lot: those of a repeat are to be the same."""
    token = hashlib.sha256(message_id.encode("utf-8")).hexdigest()[:32]
    multiparts = [part for part in mail.walk() if part.is_multipart()]
    for depth, part in enumerate(multiparts):
        part.set_boundary(f"=-{depth}-{token}")


# Headers ------------------------------------------------------------------------------------------

_KEPT = "Reminder (automatic call) kept"


def _who(letter: Letter, *, first: bool = False) -> str:
    """ "Mom (+1 805 555 0142)", "+1 805 555 0142", "a withheld number"; `first`: as a sentence
    begins."""
    number = shown_number(letter.number) if letter.number else "a withheld number"
    if letter.name.strip():
        return f"{shown(letter.name)} ({number})"
    return number[:1].upper() + number[1:] if first else number


def _subject(letter: Letter, enclosure: Enclosure) -> str:
    who = f"{_who(letter)}, {length(letter.seconds)}"
    of = f" ({enclosure.part} of {enclosure.parts})" if enclosure.parts > 1 else ""
    if enclosure.lost:
        return f"Call from {_who(letter)}: its recording is lost"
    return f"{_KEPT}: {who}{of}" if letter.kind is LetterKind.ROBOT else f"Message from {who}{of}"


def _display_name(letter: Letter) -> str:
    """The caller's name, else his number, without what would look like another address."""
    name = "".join(" " if c in '<>@"(),:;\\[]' else c for c in shown(letter.name, _DISPLAY_NAME))
    return " ".join(name.split()) or _who(letter, first=True)


# What it says -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Offer:
    """Something that the reader can do: by following `url`, by giving a `command`, or by both."""

    text: str
    url: str = ""
    command: str = ""


@dataclass(frozen=True, slots=True)
class _Saying:
    """What a mail says, before it is text or HTML."""

    first: str
    facts: tuple[tuple[str, str], ...]
    sound: tuple[str, ...]
    hear: _Offer | None
    transcript: tuple[str, str]  # how it came about, and the words; ("", "") for none
    offers: tuple[_Offer, ...]
    last: str

    @classmethod
    def of(cls, letter: Letter, enclosure: Enclosure, zone: tzinfo | None) -> _Saying:
        its_zone = zone_of(letter.zone, zone)
        once = enclosure.part == 1
        urls = any(link.url for link in letter.links if link.action in _actions(letter))
        return cls(
            first=_first(letter, enclosure),
            facts=tuple(_facts(letter, zone)),
            sound=tuple(_sound(letter, enclosure, its_zone)),
            hear=_Offer("Hear the recording", enclosure.url) if enclosure.url else None,
            transcript=_transcript(letter) if once else ("", ""),
            offers=tuple(_offers(letter)),
            last=_last(letter, its_zone) if urls else "",
        )


def _first(letter: Letter, enclosure: Enclosure) -> str:
    how_long = length_told(letter.seconds)
    if enclosure.lost:
        return f"{_who(letter, first=True)} called; of what was recorded nothing is left."
    if letter.kind is LetterKind.ROBOT:
        return f"{_KEPT}: {_who(letter)} spoke for {how_long}; no phone rang."
    return f"{_who(letter, first=True)} left a message of {how_long}."


def _facts(letter: Letter, zone: tzinfo | None) -> Iterator[tuple[str, str]]:
    who = f"{quoted(letter.name)}, " if letter.name.strip() else ""
    yield "From", f"{who}{shown_number(letter.number)}"
    yield "To", f"{shown_number(letter.did)}, message box {shown(letter.box)}"
    yield "When", told(letter.when, zone_of(letter.zone, zone), zone)
    yield "Why", shown(letter.why, _WHY) or "the call came to the message box"
    if letter.ruling and letter.ruling not in letter.why:
        yield "Rules", shown(letter.ruling, _WHY)
    yield "Call", call_told(letter.call)


def _sound(letter: Letter, enclosure: Enclosure, zone: tzinfo | None) -> Iterator[str]:
    """Where the recording is, and why it is not as the box wants it."""
    if enclosure.lost:
        yield "The file of the recording is empty, so nothing is attached."
    elif enclosure.url:
        until = f", until {day(enclosure.until, zone)}" if enclosure.until else ""
        yield f"The recording is heard by a link{until}."
    else:
        yield f"The recording is attached: {sound_name(letter, enclosure, zone)}"
    if enclosure.parts > 1:
        first, last = length(enclosure.start), length(enclosure.start + enclosure.seconds)
        yield (
            f"This is part {enclosure.part} of {enclosure.parts}, from {first} to {last};"
            " each comes in a mail of its own."
        )
    yield from (shown(remark, _WHY) for remark in enclosure.remarks)


def _transcript(letter: Letter) -> tuple[str, str]:
    """What a machine understood of the recording, marked as that."""
    if letter.transcript:
        sure = f"{100 * letter.confidence:.0f} % sure"
        return (
            f"Written down by a machine, which is {sure} of it (… where it is not sure of a word):",
            shown(letter.transcript, _TRANSCRIPT),
        )
    if letter.heard:
        phrases = ", ".join(quoted(phrase) for phrase in letter.heard[:_MOST_PHRASES])
        return "What a machine knew of its words, and there were more:", phrases
    return "", ""


_DO = {
    Action.ALLOW: "Let this caller in from now on",
    Action.BLOCK: "Block this caller from now on",
}


def _actions(letter: Letter) -> tuple[Action, ...]:
    """What is offered about a caller: nothing for one that no rule can name; a wanted robot is to
    be let in, and that is all."""
    if not letter.call or not can_be_named(letter.number):
        return ()
    return (Action.ALLOW,) if letter.kind is LetterKind.ROBOT else ACTIONS


def _offers(letter: Letter) -> Iterator[_Offer]:
    """To call back, and the links with the commands that do the same."""
    if letter.kind is LetterKind.MESSAGE and _can_be_called(letter.number):
        yield _Offer(f"Call {shown_number(letter.number)} back", f"tel:{letter.number}")
    urls = {link.action: link.url for link in letter.links}
    for action in _actions(letter):
        yield _Offer(_DO[action], urls.get(action, ""), f"screener calls {action} {letter.call}")


def _can_be_called(e164: str) -> bool:
    """Whether a link may dial it: a number that exists, and costs no more than others."""
    return can_be_named(e164) and number.can_be_called(e164)


def _last(letter: Letter, zone: tzinfo | None) -> str:
    until = min(link.until for link in letter.links)
    return f"A link asks before it changes anything, and works once, until {day(until, zone)}."


# As text, and as HTML -----------------------------------------------------------------------------


def _as_text(saying: _Saying) -> str:
    lines = [saying.first, ""]
    lines += [f"  {what:6}  {is_}" for what, is_ in saying.facts]
    lines += ["", *saying.sound]
    if saying.hear:
        lines.append(f"  {shown(saying.hear.url, _WHY)}")
    how, words = saying.transcript
    if words:
        wrapped = textwrap.wrap(words, _WIDTH, initial_indent="  ", subsequent_indent="  ")
        lines += ["", how, *wrapped]
    if saying.offers:
        lines.append("")
    for offer in saying.offers:
        lines.append(f"{offer.text} ({offer.command})" if offer.command else offer.text)
        if offer.url:
            lines.append(f"  {shown(offer.url, _WHY)}")
    if saying.last:
        lines.append(saying.last)
    return "\n".join(lines) + "\n"


def _as_page(title: str, saying: _Saying) -> str:
    return mailpage.page(title, *_parts(saying))


def _parts(saying: _Saying) -> Iterator[Html]:
    yield mailpage.heading(saying.first)
    yield mailpage.facts(saying.facts)
    yield from map(mailpage.paragraph, saying.sound)
    if saying.hear:
        yield mailpage.button(saying.hear.text, saying.hear.url)
    how, words = saying.transcript
    if words:
        yield mailpage.note(how)
        yield mailpage.quotation(words)
    strong = True
    for offer in saying.offers:
        if offer.url:
            yield mailpage.button(offer.text, offer.url, strong=strong)
            strong = False
    commands = [f"{offer.text}: {offer.command}" for offer in saying.offers if offer.command]
    if commands or saying.last:
        yield mailpage.note("\n".join([*commands, *filter(None, [saying.last])]))
