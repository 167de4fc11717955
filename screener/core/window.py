"""Life's windows: for a while a call is expected, or somebody here has called for help.

A window is opened at a time, for a time, and whether it is open now is arithmetic on these. The
clock of a small machine jumps: it starts at 1970 without a battery, and is set when the network is
there. So a window counts only within its own length of its opening, before it as well as after it:
one that was opened by a clock years ahead is closed, and one that was opened just before the clock
was set back by some minutes is open. By a clock that is set back it lasts at most twice as long as
it was to.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from screener.core.conditions import Emergency, Expecting, Not
from screener.core.rules import Rule

SHORTEST = timedelta(minutes=1)
LONGEST = timedelta(days=7)
"""A window that is open for longer has been forgotten: what is always true is a rule."""
_LONGEST_WHY = 100


class Kind(StrEnum):
    """What a window is for: the condition of a rule that asks for it, and the name of its file."""

    EXPECTING = "expecting"
    EMERGENCY = "emergency"


@dataclass(frozen=True, slots=True)
class Window:
    """A window; both times are aware. `why` says who opened it ("kitchen dialled 911")."""

    opened: datetime
    until: datetime
    why: str

    def is_open(self, now: datetime) -> bool:
        length = self.until - self.opened
        return length <= LONGEST and -length < now - self.opened < length

    def told(self, kind: Kind, now: datetime) -> str:
        """Why it is open, as a clause; the times by the clock of `now`'s zone."""
        opened = f"{self.why} at {clock(self.opened, now)}"
        return opened if kind is Kind.EMERGENCY else f"{opened} until {clock(self.until, now)}"


def clock(at: datetime, now: datetime) -> str:
    """A time as people say it now, in the zone of `now`: "14:05", on another day "Sat 14:05"."""
    here = at.astimezone(now.tzinfo)
    near = abs(here - now) < timedelta(days=6)
    day = "" if here.date() == now.date() else "%a " if near else "%d %b %Y "
    return here.strftime(f"{day}%H:%M")


def written(window: Window) -> str:
    """The window as its file holds it: one line of JSON, times in UTC."""
    return json.dumps(
        {
            "opened": window.opened.astimezone(UTC).isoformat(),
            "until": window.until.astimezone(UTC).isoformat(),
            "why": window.why,
        }
    )


def read(text: str) -> Window:
    """Read what `written` wrote. Raises ValueError, which says what is wrong, on anything else."""
    try:
        found = json.loads(text)
        opened, until = (datetime.fromisoformat(found[key]) for key in ("opened", "until"))
        why = found["why"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ValueError("it is not what screener writes") from None
    if opened.tzinfo is None or until.tzinfo is None or not isinstance(why, str):
        raise ValueError("it is not what screener writes")
    if not timedelta() < until - opened <= LONGEST:
        raise ValueError(f"it lasts longer than {LONGEST.days} days, or not at all")
    return Window(opened, until, "".join(c for c in why if c.isprintable())[:_LONGEST_WHY])


def asking(kind: Kind, rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """The rules that such a window opens or closes."""
    asks = Expecting if kind is Kind.EXPECTING else Emergency
    return tuple(
        rule
        for rule in rules
        if any(
            isinstance(condition.condition if isinstance(condition, Not) else condition, asks)
            for condition in rule.conditions
        )
    )
