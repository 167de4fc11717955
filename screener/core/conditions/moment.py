"""What rules ask about the moment of a call: the hour, and the windows that are open."""

from __future__ import annotations

from dataclasses import dataclass

from screener.core.call import Call
from screener.core.conditions.wording import clock
from screener.core.hours import Hours
from screener.core.shelf import Shelf


@dataclass(frozen=True, slots=True)
class During:
    """The call comes in within these hours, by the owner's clock."""

    hours: Hours

    def holds(self, call: Call, shelf: Shelf) -> bool | None:
        return self.hours.holds(call.at)

    def told(self, call: Call, shelf: Shelf) -> str:
        within = "within" if self.hours.holds(call.at) else "not within"
        return f"{clock(call.at)} is {within} {self.hours}"

    def __str__(self) -> str:
        return f"on {self.hours}"


@dataclass(frozen=True, slots=True)
class Expecting:
    """The owner has said that he expects a call (`screener expect 2h`)."""

    def holds(self, call: Call, shelf: Shelf) -> bool | None:
        return bool(call.expecting)

    def told(self, call: Call, shelf: Shelf) -> str:
        return f"you expect a call: {call.expecting}" if call.expecting else "no call is expected"

    def __str__(self) -> str:
        return "expecting"


@dataclass(frozen=True, slots=True)
class Emergency:
    """Somebody here has called for help, or those who help call back (RFC 7090)."""

    def holds(self, call: Call, shelf: Shelf) -> bool | None:
        return bool(call.emergency)

    def told(self, call: Call, shelf: Shelf) -> str:
        return call.emergency or "there is no emergency"

    def __str__(self) -> str:
        return "emergency"
