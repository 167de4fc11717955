"""A recorded message as an episode of its box's podcast: what a player shows of it.

A title and an author are lines of text; players that take a title for HTML find none in it. The
notes are paragraphs of text, which podcast.py makes HTML of. What strangers wrote passes through
core/callerid.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo

from screener.core.callerid import quoted, shown, shown_number
from screener.core.letter import Letter, LetterKind, length_told
from screener.core.localtime import told, zone_of
from screener.core.transcript import Transcript

_LINE = 300  # characters of a reason
_TRANSCRIPT = 4000  # characters that a player shows: the mail has all of it
_MOST_PHRASES = 20
_NO_TAGS = str.maketrans("<>", "()")


@dataclass(frozen=True, slots=True)
class Episode:
    """One message. `id` never changes, `when` is aware; at `url` lie `size` bytes of MP3 that play
    for `seconds`."""

    id: str
    title: str
    author: str
    when: datetime
    notes: tuple[str, ...]
    url: str
    size: int
    seconds: float


def title(letter: Letter) -> str:
    """ "Message from Mom (+1 805 555 0142)"; "Reminder ..." of a robot's."""
    what = "Reminder (automatic call)" if letter.kind is LetterKind.ROBOT else "Message"
    return f"{what} from {_who(letter)}".translate(_NO_TAGS)


def author(letter: Letter) -> str:
    """The caller's name, or his number."""
    return (shown(letter.name).strip() or shown_number(letter.number)).translate(_NO_TAGS)


def notes(letter: Letter, transcript: Transcript | None, zone: tzinfo | None) -> tuple[str, ...]:
    """Who called when, why it came to the box, and what a machine understood; `zone` is the
    owner's."""
    when = told(letter.when, zone_of(letter.zone, zone), zone)
    name = f"{quoted(letter.name)}, " if letter.name.strip() else ""
    lines = [
        f"{name}{shown_number(letter.number)} called {shown_number(letter.did)} on {when}, and"
        f" spoke for {length_told(letter.seconds)}.",
        f"Why: {shown(letter.why, _LINE) or 'the call came to the message box'}.",
    ]
    if letter.ruling and letter.ruling not in letter.why:
        lines.append(f"Rules: {shown(letter.ruling, _LINE)}.")
    return (*lines, *_said(letter, transcript))


def _said(letter: Letter, transcript: Transcript | None) -> list[str]:
    """What a machine made of it, marked as that."""
    words = transcript.shown() if transcript else letter.transcript
    sure = transcript.confidence if transcript else letter.confidence
    if words:
        told = f"Written down by a machine, which is {100 * sure:.0f} % sure of it:"
        return [f"{told} {shown(words, _TRANSCRIPT)}"]
    if letter.heard:
        phrases = ", ".join(quoted(phrase) for phrase in letter.heard[:_MOST_PHRASES])
        return [f"What a machine knew of its words, and there were more: {phrases}"]
    return []


def _who(letter: Letter) -> str:
    number = shown_number(letter.number) if letter.number else "a withheld number"
    return f"{shown(letter.name)} ({number})" if letter.name.strip() else number
