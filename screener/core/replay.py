"""Past calls judged under other rules: which would have ended differently, and the price of that.

Each call is judged as it came in: by what its row says it showed, and by what had been between us
and its number until then, rebuilt from the calls before it. Lists and address books are today's.
What a call turned out to be is the measure of the rules: one that was answered, left a message or
was called back was wanted; one that was turned away or said nothing was not.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from enum import IntEnum
from functools import lru_cache

from screener.core import number
from screener.core.call import Call, Outcome
from screener.core.history import MOST, History
from screener.core.number import Number
from screener.core.rules import Action, Rule, RuleSet, Where
from screener.core.signature import Signature
from screener.core.story import CallRow
from screener.core.verdict import Kind

CALLED_BACK = timedelta(days=30)
"""A number that one of our phones dials within this time after its call was worth an answer."""


class Way(IntEnum):
    """How far a ruling keeps a caller from the phones."""

    RINGS = 0
    SCREENED = 1  # he meets an attendant
    SENT = 2  # to a message box, or elsewhere
    BLOCKED = 3


@lru_cache(maxsize=256)
def way(effect: str) -> Way:
    """The way of an effect (rules.Ruling.effect): "send message family" keeps him from them."""
    action, _, target = effect.partition(" ")
    where = target.partition(" ")[0]
    if action == Action.BLOCK:
        return Way.BLOCKED
    if action == Action.ALLOW or where in (Where.RING, Where.EXTENSION):
        return Way.RINGS
    elsewhere = (Where.MESSAGE, Where.REDIRECT, Where.BRIDGE)
    return Way.SENT if where in elsewhere else Way.SCREENED


def differs(was: str, now: str) -> bool:
    """Whether two effects are not the same. Of an old row's block the treatment is not known."""
    return was != now and not (was == Action.BLOCK and way(now) is Way.BLOCKED)


@dataclass(frozen=True, slots=True)
class Worth:
    """What a call was worth to us, as it turned out.

    `answered`: how long the call took in seconds, where somebody talked with the caller, else None.
    `message`: it left one, or a number to be called back at. `called_back`: when one of our phones
    first dialled the number, within CALLED_BACK after the call.
    """

    answered: float | None = None
    message: bool = False
    called_back: datetime | None = None

    @property
    def wanted(self) -> bool:
        return self.answered is not None or self.message or self.called_back is not None


@dataclass(slots=True)
class Difference:
    """A call's row, what the call was worth, and what other rules say of it."""

    row: CallRow
    worth: Worth
    now: str
    rule: Rule | None = None
    reason: str = ""

    @property
    def price(self) -> bool:
        """A wanted call that these rules turn away, or send elsewhere where it was not before.

        Not one that meets the attendant: there a person gets through.
        """
        now = way(self.now)
        sent = now is Way.SENT and way(self.row.ruled) < Way.SENT
        return self.worth.wanted and (now is Way.BLOCKED or sent)

    @property
    def nuisance(self) -> bool:
        """A call that was not wanted, and would have rung the phones."""
        rings = way(self.now) is Way.RINGS and way(self.row.ruled) is not Way.RINGS
        return rings and unwanted(self.row)


@dataclass(slots=True)
class Blocked:
    """The calls that these rules turn away, and how many of them were wanted.

    `through` are those that were not turned away by a rule at the time: of the others nobody can
    say what they were, except by calling back. `wanted` of them count once, whatever their worth.
    """

    calls: int = 0
    through: int = 0
    answered: int = 0
    messages: int = 0
    called_back: int = 0
    wanted: int = 0

    def count(self, row: CallRow, worth: Worth) -> None:
        self.calls += 1
        if row.shadow or way(row.ruled) is not Way.BLOCKED or worth.wanted:
            self.through += 1
        self.answered += worth.answered is not None
        self.messages += worth.message
        self.called_back += worth.called_back is not None
        self.wanted += worth.wanted


@dataclass(slots=True)
class Ringing:
    """The calls that ring straight through under these rules, and how many were not wanted."""

    calls: int = 0
    unwanted: int = 0

    def count(self, row: CallRow) -> None:
        self.calls += 1
        self.unwanted += unwanted(row)


@dataclass(slots=True)
class Replay:
    """What became of past calls under other rules.

    `calls` were judged, from `first` to `last`; of `unknown` of them it is not known what the rules
    had said (screener was stopped, or had failed), so they are in no other figure. `shadow` of them
    came in while every call rang. `differences` are in the order in which they came in; so are the
    wanted calls in `still_wrong`, which these rules turn away as the rules of the time had said.
    """

    calls: int = 0
    unknown: int = 0
    shadow: int = 0
    first: datetime | None = None
    last: datetime | None = None
    differences: list[Difference] = field(default_factory=list)
    still_wrong: list[Difference] = field(default_factory=list)
    blocked: Blocked = field(default_factory=Blocked)
    ringing: Ringing = field(default_factory=Ringing)


def unwanted(row: CallRow) -> bool:
    """Whether the call was turned away, said nothing, or was found to be a robot."""
    ended = row.outcome in (Outcome.TREATED, Outcome.SILENT)
    return ended or row.verdict == Kind.UNWANTED_ROBOT


# Judging again -----------------------------------------------------------------------------------


def replay(
    past: Iterable[CallRow],
    dialled: Iterable[tuple[datetime, str]],
    rules: RuleSet,
    country: str,
    zone: tzinfo | None,
    *,
    since: datetime | None = None,
    reasons: bool = True,
) -> Replay:
    """Judge past calls under these rules.

    `past` is all calls in the order in which they came in; those before `since` only make the
    history of the later ones. `dialled` is when our phones dialled which numbers. Numbers are read
    as in `country`, hours as in `zone`. The words of all reasons take longer than all else: without
    `reasons` they are "".
    """
    found = Replay()
    before = _Past(dialled)
    reader = _Reader(country, zone)
    for row in past:
        if since is None or row.started >= since:
            history = before.of(row) if rules.asks_history else History()
            call = reader.call(row, history)
            difference = _judge(call, row, rules, before.worth(row), found)
            if difference and reasons:
                difference.reason = rules.reason(difference.rule, call)
        before.add(row)
    return found


def calls_again(
    past: Iterable[CallRow],
    dialled: Iterable[tuple[datetime, str]],
    rules: RuleSet,
    country: str,
    zone: tzinfo | None,
    *,
    since: datetime,
) -> Iterator[Call]:
    """The calls since then as they came in, with all that these rules ask, as `replay` takes it."""
    before = _Past(dialled)
    reader = _Reader(country, zone)
    for row in past:
        if row.started >= since:
            yield reader.call(row, before.of(row) if rules.asks_history else History())
        before.add(row)


def _judge(
    call: Call, row: CallRow, rules: RuleSet, worth: Worth, found: Replay
) -> Difference | None:
    """Count the call; return it where it is one that the owner may want to look at."""
    found.calls += 1
    found.first = found.first or row.started
    found.last = row.started
    if not row.ruled:
        found.unknown += 1
        return None
    found.shadow += row.shadow
    rule = rules.deciding(call)
    now = rule.effect if rule else Action.SCREEN.value
    match way(now):
        case Way.BLOCKED:
            found.blocked.count(row, worth)
        case Way.RINGS:
            found.ringing.count(row)
    different = differs(row.ruled, now)
    if not different and not (way(now) is Way.BLOCKED and worth.wanted):
        return None
    difference = Difference(row, worth, now, rule)
    (found.differences if different else found.still_wrong).append(difference)
    return difference


class _Reader:
    """Makes the call of a row again."""

    def __init__(self, country: str, zone: tzinfo | None) -> None:
        self._country = country
        self._zone = zone
        self._numbers: dict[str, Number] = {}

    def call(self, row: CallRow, history: History) -> Call:
        return Call(
            row.uid,
            row.did,
            Number("", "", withheld=True) if row.withheld else self._number(row.number),
            row.started.astimezone(self._zone),
            row.name,
            Signature(row.attestation, row.verstat),
            history,
            row.expecting,
            row.emergency,
        )

    def _number(self, text: str) -> Number:
        read = self._numbers.get(text)
        if read is None:
            read = self._numbers[text] = number.read_again(text, self._country)
        return read


@dataclass(slots=True)
class _Between:
    """What has been between us and one number so far; `open` are calls that were not over yet."""

    calls: list[datetime] = field(default_factory=list)
    answered: list[datetime] = field(default_factory=list)
    messages: list[datetime] = field(default_factory=list)
    open: list[CallRow] = field(default_factory=list)

    def close(self, at: datetime) -> None:
        """Take in what had come of the calls that were over by then."""
        going_on = []
        for row in self.open:
            if row.ended is None or row.ended > at:
                going_on.append(row)
            elif row.outcome == Outcome.CONNECTED:
                insort(self.answered, row.started)
            elif row.outcome == Outcome.MESSAGE:
                insort(self.messages, row.started)
        self.open = going_on


class _Past:
    """The calls until now, by number."""

    def __init__(self, dialled: Iterable[tuple[datetime, str]]) -> None:
        self._numbers: dict[str, _Between] = {}
        self._dialled: dict[str, list[datetime]] = {}
        for at, text in dialled:
            insort(self._dialled.setdefault(text, []), at)

    def of(self, row: CallRow) -> History:
        """What had been between us and the caller when this call came in."""
        if row.withheld or not row.number:
            return History()
        between = self._numbers.get(row.number) or _Between()
        between.close(row.started)
        dialled = self._dialled.get(row.number, [])
        return History(
            tuple(between.calls[-MOST:]),
            tuple(between.answered[-MOST:]),
            tuple(between.messages[-MOST:]),
            tuple(dialled[: bisect_right(dialled, row.started)][-MOST:]),
        )

    def add(self, row: CallRow) -> None:
        if row.withheld or not row.number:
            return
        between = self._numbers.setdefault(row.number, _Between())
        insort(between.calls, row.started)
        if row.outcome in (Outcome.CONNECTED, Outcome.MESSAGE):
            between.open.append(row)

    def worth(self, row: CallRow) -> Worth:
        """What the call turned out to be worth."""
        dialled = self._dialled.get(row.number, []) if row.number else []
        after = bisect_right(dialled, row.started)
        back = after < len(dialled) and dialled[after] - row.started <= CALLED_BACK
        return Worth(
            (row.seconds or 0.0) if row.outcome == Outcome.CONNECTED else None,
            row.outcome in (Outcome.MESSAGE, Outcome.ASKED_BACK),
            dialled[after] if back else None,
        )
