"""Who rings when: a ring group in progress, as what its phones have said so far.

All phones of the group ring at once; the first that answers has the call. A phone that redirects
(SIP 3xx) is out, and the others ring on: a redirect never steals a call.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from screener.core.frontdoor import Phone, RingGroup


class Said(StrEnum):
    """What a phone can say when it is rung."""

    RINGS = "rings"
    ANSWERED = "answered"
    BUSY = "is busy"
    DECLINED = "declined"
    REDIRECTED = "redirected"
    UNREACHABLE = "cannot be reached"
    SILENT = "did not answer"


@dataclass(frozen=True, slots=True)
class PhoneEvent:
    """What one phone said. `target` is where a redirect pointed; a stranger's text."""

    phone: str
    said: Said
    target: str = ""


class Ringing:
    """A ring group that is being rung. Tell it what phones say until it is `over`."""

    def __init__(self, group: RingGroup) -> None:
        self.phones: tuple[Phone, ...] = group.phones
        self.winner = ""
        self.remarks: list[str] = []
        self._waiting = {phone.name for phone in group.phones}

    @property
    def over(self) -> bool:
        """A phone has answered, or none is left that could."""
        return bool(self.winner) or not self._waiting

    def said(self, event: PhoneEvent) -> None:
        """Take in what a phone said; whatever a phone says after it is out, or over, is nothing."""
        if self.over or event.phone not in self._waiting or event.said is Said.RINGS:
            return
        if event.said is Said.ANSWERED:
            self.winner = event.phone
            return
        self._waiting.discard(event.phone)
        if event.said is Said.REDIRECTED:
            self.remarks.append(f"{event.phone} redirected to {event.target}: ignored")
        else:
            self.remarks.append(f"{event.phone} {event.said}")

    def time_is_up(self) -> None:
        """The group's time is over: who has not answered will not."""
        self.remarks += [f"{name} {Said.SILENT}" for name in sorted(self._waiting)]
        self._waiting.clear()
