"""Who rings when: a ring group in progress, as what its phones have said so far.

    ringing = Ringing(group, circumstances)
    orders = ringing.tick(0.0)                 # ring the kitchen for 25 s
    orders = ringing.said(PhoneEvent("kitchen", Said.BUSY), 1.5)
    orders = ringing.tick(ringing.next)        # nobody has said anything until then

Whoever rings phones tells it what they say and what time it is (seconds since ringing began), and
does what it orders, until it is `over`. The first phone that answers has the call; one whose answer
may be a machine's, or whose call is announced, is asked first, and the others ring on meanwhile. A
phone that redirects (SIP 3xx) is out, unless others are rung in its place.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from screener.core.frontdoor import Phone, RingGroup, Strategy, nothing
from screener.core.script import Decision


class State(StrEnum):
    """What is known of a phone before it is rung."""

    FREE = "is free"
    IN_CALL = "is in a call"
    OFFLINE = "is not registered"
    UNDISTURBED = "is not to be disturbed"
    CLOSED = "rings at other hours"


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


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What was known when ringing began.

    `states` are those of the phones by name, free unless given. `began_with` is the phone that the
    group's last call rang first; `answered` tells when each last answered (seconds of any clock).
    `chance` is a number drawn for this call.
    """

    states: Mapping[str, State] = field(default_factory=nothing)
    began_with: str = ""
    answered: Mapping[str, float] = field(default_factory=nothing)
    chance: int = 0


@dataclass(frozen=True, slots=True)
class Start:
    """Ring this phone; it will be stopped after `seconds`, if nothing comes of it."""

    phone: Phone
    seconds: float


@dataclass(frozen=True, slots=True)
class Stop:
    """Ring this phone no longer; hang up where it has answered."""

    phone: str


@dataclass(frozen=True, slots=True)
class Ask:
    """This phone has answered: ask whoever did to take the call."""

    phone: str


Order: TypeAlias = Start | Stop | Ask

# What tells that a phone was not there to be rung: "first available" goes on to the next.
_NOT_AVAILABLE = (Said.BUSY, Said.UNREACHABLE, Said.REDIRECTED)
_IN_TURN = (Strategy.IN_TURN, Strategy.ROUND_ROBIN, Strategy.RANDOM, Strategy.LEAST_RECENT)
UNANNOUNCED = "answered, and nobody pressed a key"


def redirects(remarks: Iterable[str]) -> tuple[str, ...]:
    """Those of a ringing's remarks that say what came of a redirect."""
    return tuple(remark for remark in remarks if f" {Said.REDIRECTED} to " in remark)


class Ringing:
    """A ring group that is being rung. `remarks` say what became of each phone but the winner.

    With `announced`, whoever answers is asked. `winner` is who took the call, or decided otherwise
    on it (`decision`); `first` is the phone that rang first.

    Where the next phone waits for one that has answered and is asked, the group's time stands
    still: it has what was left.
    """

    def __init__(
        self,
        group: RingGroup,
        circumstances: Circumstances | None = None,
        *,
        announced: bool = False,
    ) -> None:
        known = circumstances or Circumstances()
        self.winner = ""
        self.decision = Decision.TAKE
        self.first = ""
        self.remarks: list[str] = []
        self._group = group
        self._announced = announced
        self._phones = {phone.name: phone for phone in group.phones}
        self._out: set[str] = set()
        self._turns = _turns(group.strategy, list(self._available(known)))
        self._turn_ends = 0.0
        self._joining: dict[str, float] = {}  # who joins in this turn, and when
        self._ringing: dict[str, float] = {}  # who rings, and until when
        self._asked: set[str] = set()
        self._asked_since = 0.0
        self._ends = group.seconds  # when the group's time is over

    def _available(self, known: Circumstances) -> Iterator[Phone]:
        """The phones that can ring, in the order in which they are to; why the others do not."""
        for phone in _ordered(self._group, known):
            state = known.states.get(phone.name, State.FREE)
            if state is State.FREE or (state is State.IN_CALL and self._group.call_waiting):
                yield phone
            else:
                self._out.add(phone.name)
                self.remarks.append(f"{phone.name} {state}: passed over")

    # What there is to know -----------------------------------------------------------------------

    @property
    def over(self) -> bool:
        """A phone has taken the call, or none is left that could."""
        left = self._turns or self._joining or self._ringing or self._asked
        return bool(self.winner) or not left

    @property
    def next(self) -> float:
        """When it wants to be ticked, if no phone says anything before; inf: not at all."""
        if self.over:
            return math.inf
        times = [*self._joining.values(), *self._ringing.values()]
        if self._turns and not self._asked:
            times.append(self._turn_ends)
        return min([*times, self._ends] if self._waiting else times, default=math.inf)

    @property
    def _waiting(self) -> bool:
        """Whether anything is still to happen that the group's time ends."""
        turns = self._turns and not self._asked
        return bool(turns or self._joining or self._ringing)

    # What happens --------------------------------------------------------------------------------

    def tick(self, now: float) -> list[Order]:
        """It is `now`: who stops, and who begins."""
        if self.over:
            return []
        late = [name for name, until in self._ringing.items() if until <= now]
        orders: list[Order] = [self._take_out(name, str(Said.SILENT)) for name in late]
        if late and self._group.strategy is Strategy.FIRST_AVAILABLE:
            self._turns.clear()
        if now >= self._ends:
            return orders + self._time_is_up()
        return orders + self._go_on(now)

    def said(self, event: PhoneEvent, now: float) -> list[Order]:
        """Take in what a phone said; whatever one says that is out, or when it is over, is nothing.

        A redirect that is followed is no matter of this: it is `replaced` then.
        """
        name = event.phone
        if self.over or event.said is Said.RINGS:
            return []
        if name in self._asked:
            return [] if event.said is Said.ANSWERED else self.unchosen(name, now)
        if name not in self._ringing:
            return []
        if event.said is Said.ANSWERED:
            return self._answered(name, now)
        target = f" to {event.target}: ignored" if event.said is Said.REDIRECTED else ""
        self._take_out(name, f"{event.said}{target}")
        if self._group.strategy is Strategy.FIRST_AVAILABLE and event.said not in _NOT_AVAILABLE:
            self._turns.clear()
        return self._go_on(now)

    def chosen(self, name: str, decision: Decision, now: float) -> list[Order]:
        """Whoever answered this phone and was asked has decided. The first decision counts."""
        if self.over or name not in self._asked:
            return []
        self.decision = decision
        return self._won(name)

    def unchosen(self, name: str, now: float) -> list[Order]:
        """Whoever answered this phone has hung up without a choice, or made none in time."""
        if self.over or name not in self._asked:
            return []
        stop = self._take_out(name, UNANNOUNCED)
        if self._group.strategy is Strategy.FIRST_AVAILABLE:
            self._turns.clear()
        self._no_longer_asked(now)
        return [stop, *([] if now < self._ends else self._time_is_up()), *self._go_on(now)]

    def _no_longer_asked(self, now: float) -> None:
        """Where nobody is asked any more, the time goes on for those who waited for it."""
        if self._turns and not self._asked:
            self._ends += now - self._asked_since

    def replaced(self, name: str, phones: Iterable[Phone], remark: str, now: float) -> list[Order]:
        """A phone redirected the call, and these are rung in its place; `remark` says so.

        One that is ringing already, or was, rings no more for it.
        """
        if self.over or name not in {*self._ringing, *self._asked}:
            return []
        self._ringing.pop(name, None)
        if name in self._asked:
            self._asked.discard(name)
            self._no_longer_asked(now)
        self._out.add(name)
        self.remarks.append(remark)
        orders: list[Order] = []
        for phone in phones if now < self._ends else ():
            if phone.name not in {*self._out, *self._ringing, *self._asked}:
                self._phones[phone.name] = phone
                self._joining.pop(phone.name, None)
                self._turns = [turn for turn in self._turns if turn != phone.name]
                orders.append(self._start(phone.name, now))
        return orders or self._go_on(now)

    def _answered(self, name: str, now: float) -> list[Order]:
        if not (self._announced or self._phones[name].confirm):
            return self._won(name)
        del self._ringing[name]
        if not self._asked:
            self._asked_since = now
        self._asked.add(name)
        return [Ask(name)]

    def _won(self, name: str) -> list[Order]:
        """This phone has it: all others stop."""
        self.winner = name
        stopped = [other for other in (*self._ringing, *sorted(self._asked)) if other != name]
        self._ringing.clear()
        self._joining.clear()
        self._asked.clear()
        self._turns.clear()
        return [Stop(other) for other in stopped]

    def _time_is_up(self) -> list[Order]:
        """The time is over: who has not answered will not. Who is asked may still choose, and whose
        turn waits for him has time left."""
        stops: list[Order] = [
            self._take_out(name, str(Said.SILENT)) for name in list(self._ringing)
        ]
        unrung = [*self._joining, *([] if self._asked else self._turns)]
        self.remarks += [f"{name} was not rung: the time was over" for name in unrung]
        self._out.update(unrung)
        self._joining.clear()
        if not self._asked:
            self._turns.clear()
        return stops

    # Turns ---------------------------------------------------------------------------------------

    def _go_on(self, now: float) -> list[Order]:
        """Let those join whose time has come; begin the next turn where this one is over."""
        orders: list[Order] = []
        while not self.over and now < self._ends:
            self._hurry(now)
            due = [name for name, at in self._joining.items() if at <= now]
            orders += [self._start(name, now) for name in due]
            if not self._turns or self._asked:
                break
            if (self._ringing or self._joining) and now < self._turn_ends:
                break
            self._begin_turn(now)
        return orders

    def _begin_turn(self, now: float) -> None:
        """The next phone's turn; where all ring at once, there is one turn, of them all."""
        strategy, group = self._group.strategy, self._group
        names = list(self._turns) if strategy is Strategy.ALL else self._turns[:1]
        del self._turns[: len(names)]
        self._joining |= {name: now + self._phones[name].delay for name in names}
        # In a memory hunt the next joins those that ring; else he waits until they are out.
        joined = self._joining[names[0]]
        self._turn_ends = joined + group.each if strategy is Strategy.MEMORY_HUNT else math.inf

    def _hurry(self, now: float) -> None:
        """A phone that was to join the others later joins at once where none of them rings."""
        together = self._group.strategy in (Strategy.ALL, Strategy.MEMORY_HUNT)
        if together and self._joining and self._out and not (self._ringing or self._asked):
            soonest = min(self._joining.values())
            for name, at in self._joining.items():
                if at == soonest:
                    self._joining[name] = min(at, now)

    def _start(self, name: str, now: float) -> Start:
        self._joining.pop(name, None)
        self.first = self.first or name
        most = self._group.each if self._group.strategy in _IN_TURN else math.inf
        until = min(self._ends, now + most)
        self._ringing[name] = until
        return Start(self._phones[name], until - now)

    def _take_out(self, name: str, why: str) -> Stop:
        self._ringing.pop(name, None)
        self._asked.discard(name)
        self._out.add(name)
        self.remarks.append(f"{name} {why}")
        return Stop(name)


def _turns(strategy: Strategy, phones: list[Phone]) -> list[str]:
    """Who rings, in order; where all ring at once, those who join first come first."""
    if strategy is Strategy.ALL:
        phones = sorted(phones, key=lambda phone: phone.delay)
    return [phone.name for phone in phones]


def _ordered(group: RingGroup, known: Circumstances) -> list[Phone]:
    """A group's phones in the order of its strategy."""
    phones = list(group.phones)
    match group.strategy:
        case Strategy.ROUND_ROBIN:
            names = [phone.name for phone in phones]
            begin = names.index(known.began_with) + 1 if known.began_with in names else 0
            return phones[begin:] + phones[:begin]
        case Strategy.RANDOM:
            return list(_shuffled(phones, known.chance))
        case Strategy.LEAST_RECENT:
            return sorted(phones, key=lambda phone: known.answered.get(phone.name, -math.inf))
    return phones


def _shuffled(phones: list[Phone], chance: int) -> Iterator[Phone]:
    """One of all their orders, each as likely as another where `chance` is a large number."""
    left = list(phones)
    while left:
        chance, at = divmod(abs(chance), len(left))
        yield left.pop(at)


def unanswered(ringing: Ringing) -> Iterator[tuple[float, list[Order]]]:
    """What happens, and when (seconds), if no phone ever says anything: a dry run."""
    now = 0.0
    while not ringing.over:
        yield now, ringing.tick(now)
        now = ringing.next
