"""What a podcast player shows of a message: its title, who speaks, and why it is there.

The caller's name comes from a stranger; here it has passed through core/callerid.py.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import tzinfo

from screener.core.callerid import shown, shown_number
from screener.core.letter import Letter, LetterKind

_WHY = 300  # characters of a reason


@dataclass(frozen=True, slots=True)
class Tags:
    """`date` is an ISO 8601 date and time of day; `part` of `parts` is 0 where it is whole."""

    title: str = "Message"
    artist: str = ""
    album: str = ""
    date: str = ""
    comment: str = ""
    part: int = 0
    parts: int = 0

    def of(self, part: int, parts: int) -> Tags:
        """The tags of one part of several: "... (1 of 3)"."""
        return replace(self, title=f"{self.title} ({part} of {parts})", part=part, parts=parts)

    @property
    def track(self) -> str:
        """ "1/3"; "" where it is whole."""
        return f"{self.part}/{self.parts}" if self.parts else ""


def of(letter: Letter, zone: tzinfo | None) -> Tags:
    """A message's tags, its times of day in `zone` (None: this machine's)."""
    when = letter.when.astimezone(zone)
    number = shown_number(letter.number) if letter.number else "a withheld number"
    caller = shown(letter.name) if letter.name.strip() else number
    what = "Reminder" if letter.kind is LetterKind.ROBOT else "Message"
    return Tags(
        title=f"{what} from {caller}, {when.day} {when:%B %Y, %H:%M}",
        artist=f"{caller} ({number})" if letter.name.strip() else caller,
        album=shown(letter.box),
        date=f"{when:%Y-%m-%dT%H:%M:%S}",
        comment=shown(letter.why, _WHY),
    )
