"""In which order a message's sound is made smaller, until a mail server takes it.

First the whole at lower bit rates: the listener has one file, and down to these speech stays clear.
How large a mail may be, and of whom that is certain, is a `Limit`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from screener.core.frontdoor import SoundFormat

_LOWER = {
    SoundFormat.MP3: (24000, 16000),
    SoundFormat.OPUS: (16000, 12000),
}
_WAV_BITS = 128000  # 8 kHz, 16 bit, mono


def steps(form: SoundFormat, bits: int) -> tuple[tuple[SoundFormat, int], ...]:
    """The format and bits a second that a box wants, then what is smaller and smaller. What was
    to be a WAV file becomes an MP3 that sounds the same on a telephone."""
    if form is SoundFormat.WAV:
        return ((form, _WAV_BITS), *steps(SoundFormat.MP3, 32000))
    return ((form, bits), *((form, lower) for lower in _LOWER[form] if lower < bits))


@dataclass(frozen=True, slots=True)
class Limit:
    """The largest mail of one message that may be tried, in bytes (0: any); the same for all.

    It is lowered for whoever may have no room for more, and a server's word may have meant a full
    mailbox. So what is certain is known apart: what the server has `announced`, of everybody, and
    what it has `told` of an address in a refusal that could mean nothing else.
    """

    largest: int = 0
    announced: int = 0
    told: Mapping[str, int] = field(default_factory=dict)

    def within(self, announced: int) -> Limit:
        """The same where the server announces this. What it once refused is not tried again when it
        says that it takes more: a repeat is to be the same."""
        if not announced or 0 < self.largest <= announced:
            return self
        return replace(self, largest=announced, announced=announced)

    def lowered(self, refused: int, certain: Collection[str]) -> Limit:
        """The limit after a mail of so many bytes was refused, for these for its size."""
        largest = refused * 3 // 5
        return replace(self, largest=largest, told={**self.told, **dict.fromkeys(certain, largest)})

    def is_certain(self, address: str) -> bool:
        """Whether no larger mail would be taken for an address."""
        return 0 < self._certain(address) <= self.largest

    def lifted(self, waiting: Collection[str]) -> Limit:
        """The limit of the next attempt after even the smallest mail was refused: as large as is
        certain of some of those who still wait. Where nobody does, only the owner has it tried
        again, who has put something right: it begins anew."""
        if not waiting:
            return Limit()
        certain = [self._certain(address) for address in waiting]
        told = {a: size for a, size in self.told.items() if a in waiting}
        return replace(self, largest=0 if 0 in certain else max(certain), told=told)

    def _certain(self, address: str) -> int:
        """The largest mail for an address, for all that is certain; 0 where nothing is."""
        return min(filter(None, (self.announced, self.told.get(address, 0))), default=0)
