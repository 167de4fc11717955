"""How a message's sound goes with its mail: attached, whole or a part of it, or as a link.

enclosure = Enclosure(SoundFormat.MP3, seconds=1200.0, part=2, parts=3, start=1200.0)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from screener.core.frontdoor import SoundFormat
from screener.core.letter import Letter, LetterKind

CALLED = {LetterKind.MESSAGE: "message", LetterKind.ROBOT: "reminder"}
"""What a recording of each kind is called."""

TYPES: Mapping[SoundFormat, tuple[str, Mapping[str, str]]] = {
    SoundFormat.MP3: ("mpeg", {}),  # RFC 3003
    SoundFormat.OPUS: ("ogg", {"codecs": "opus"}),  # RFC 7845
    SoundFormat.WAV: ("wav", {}),
}
"""The subtype of audio/ of each format, and its parameters."""


@dataclass(frozen=True, slots=True)
class Enclosure:
    """What a mail has of a message's sound.

    It is `form`, and its `part` of `parts` (from 1) plays for `seconds`, from `start` of the whole
    on. With a `url` nothing is attached: there it is heard until `until` (aware). It is `lost`
    where nothing was recorded that could be attached. `remarks` are sentences that say why it is
    not as the box wants it.
    """

    form: SoundFormat
    seconds: float = 0.0
    part: int = 1
    parts: int = 1
    start: float = 0.0
    url: str = ""
    until: datetime | None = None
    lost: bool = False
    remarks: tuple[str, ...] = ()

    @property
    def attached(self) -> bool:
        """Whether the sound itself goes with the mail."""
        return not self.url and not self.lost


def sound_name(letter: Letter, enclosure: Enclosure, zone: tzinfo | None) -> str:
    """The attachment's file name: "message from +18055550142 2026-11-20 14.03.mp3"; a robot's is a
    "reminder from ...", and a part ends in "2 of 3.mp3".

    Only digits and "+" of the number get in, so that it is safe on any file system.
    """
    number = "".join(c for c in letter.number if c in "+0123456789")[:20] or "withheld number"
    when = letter.when.astimezone(zone).strftime("%Y-%m-%d %H.%M")
    of = f" {enclosure.part} of {enclosure.parts}" if enclosure.parts > 1 else ""
    return f"{CALLED[letter.kind]} from {number} {when}{of}.{enclosure.form}"
