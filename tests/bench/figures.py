"""The figures of a run, and what follows from them. Pure: measured elsewhere, shown elsewhere."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tests.bench.campaigns import Matched
from tests.bench.deliveries import Delivered
from tests.bench.encoding import Encoded
from tests.bench.messages import Kept
from tests.bench.reports import Reported

DIALPLAN = "dialplan"
SCREENED = "screened"
DEAF = "screened, not listening"
"""The three kinds of work: Asterisk's dialplan alone; screener; screener without its ear."""

REST_TARGET_MB = 150.0
"""Issue 2: a Raspberry Pi must carry a household."""
RULING_TARGET_MS = 1.0
"""Issue 3: deciding one call against 1,000 rules."""

EAR_TARGET, BARE_TARGET = 0.06, 1.1
"""Issue 4: share of a core that the ear may take, and times what the bare libraries take."""
TALKERS_TARGET = 24
"""Issue 4: live calls heard at once on two cores."""


LOOKUP_TARGET_US = 5.0
BYTES_TARGET = 10.0
READY_TARGET_S = 1.0
IMPORT_TARGET_S = 10.0
"""Issue 3: what ten million numbers may take, and a million lines."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor time of one kind of work at one rate, in milliseconds per call.

    `rate` is in calls a second; `elsewhere` is the share of the machine that other programs took.
    """

    work: str
    rate: float
    calls: int
    failed: int
    asterisk: float
    screener: float
    elsewhere: float
    trouble: tuple[str, ...] = ()

    @property
    def total(self) -> float:
        return self.asterisk + self.screener


@dataclass(frozen=True, slots=True)
class Quartiles:
    """How a measure is spread over `count` calls."""

    lowest: float
    lower: float
    median: float
    upper: float
    highest: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Quartiles:
        """Of at least one value."""
        if len(values) == 1:
            only = values[0]
            return cls(only, only, only, only, only, 1)
        lower, median, upper = statistics.quantiles(values, n=4, method="inclusive")
        return cls(min(values), lower, median, upper, max(values), len(values))


@dataclass(frozen=True, slots=True)
class Delay:
    """Milliseconds from a caller's last key to the phone's INVITE."""

    dialplan: Quartiles
    screened: Quartiles
    elsewhere: float


@dataclass(frozen=True, slots=True)
class Memory:
    """Megabytes (10^6): resident, and with what is shared with others counted by its share."""

    resident: float
    proportional: float


@dataclass(frozen=True, slots=True)
class Level:
    """So many calls in progress: what went wrong, what share of one core each program took, and
    how many megabytes each call had added to it.

    `key_to_invite` is what somebody who keys in this crowd waits for his ring, in ms (None where
    it could not be measured).
    """

    calls: int
    errors: tuple[str, ...]
    asterisk: float
    screener: float
    elsewhere: float
    key_to_invite: float | None
    asterisk_each: float
    screener_each: float


@dataclass(frozen=True, slots=True)
class EarCost:
    """What share of one core listening takes for each of `calls` live calls at once.

    `ear` is screener's whole ear, from the RTP packet to the phrase; `bare` what webrtcvad and
    PocketSphinx take by themselves for the same audio. `deaf` calls were given up: the recogniser
    did not keep up with them, and they cost too little.
    """

    what: str
    calls: int
    ear: float
    bare: float
    elsewhere: float
    deaf: int = 0


@dataclass(frozen=True, slots=True)
class Answers:
    """Milliseconds from the last syllable of a spoken answer to the phone's INVITE, of those of
    `calls` answers that were understood."""

    calls: int
    delay: Quartiles | None
    target: float


@dataclass(frozen=True, slots=True)
class Judged:
    """Of how many callers of each kind (`clips`) `by` says that they are machines."""

    by: str
    clips: Mapping[str, int]
    machines: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Rulings:
    """Milliseconds for `rules` rules: of rulings the median and the 99th percentile, of an
    explanation of them all the median."""

    what: str
    rules: int
    median: float
    p99: float
    explained: float


@dataclass(frozen=True, slots=True)
class Looked:
    """Looking numbers up in a store: microseconds a lookup (`median`; for AstDB the mean, and no
    `p99`), bytes of memory and of disk a number, seconds until the first answer."""

    store: str
    median: float
    p99: float | None
    bytes_each: float
    disk_each: float
    ready: float


@dataclass(frozen=True, slots=True)
class Imported:
    """An import of `lines` lines: seconds, and how many megabytes (10^6) it had at most."""

    form: str
    program: str
    lines: int
    seconds: float
    memory: float


@dataclass(frozen=True, slots=True)
class Lists:
    """`count` numbers in each of several stores, screener's own first; and imports."""

    count: int
    looked: tuple[Looked, ...]
    imported: tuple[Imported, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that one run has measured. Memory at rest is before the first call and after all
    of them; `levels` are crowds of growing size who listen, `talking` of people who talk."""

    machine: dict[str, Any]
    costs: tuple[Cost, ...]
    delay: Delay
    levels: tuple[Level, ...]
    talking: tuple[Level, ...]
    screener_rest: Memory
    asterisk_rest: Memory
    screener_after: Memory
    asterisk_after: Memory
    rulings: tuple[Rulings, ...] = ()
    lists: Lists | None = None
    ears: tuple[EarCost, ...] = ()
    answers: Answers | None = None
    judged: tuple[Judged, ...] = ()
    matched: Matched | None = None
    reported: Reported | None = None
    kept: Kept | None = None
    encoded: tuple[Encoded, ...] = ()
    delivered: Delivered | None = None

    @property
    def failures(self) -> list[str]:
        """Calls that failed, mails that were lost, one sentence each. A crowd that grows too large
        is no failure."""
        found = [
            f"{cost.failed} of {cost.calls} calls failed ({cost.work}, {cost.rate:g} a second)"
            for cost in self.costs
            if cost.failed
        ]
        if self.levels and self.levels[0].errors:
            found.append(f"{self.levels[0].calls} calls at once: {self.levels[0].errors[0]}")
        if self.talking and self.talking[0].errors:
            found.append(f"{self.talking[0].calls} who talk: {self.talking[0].errors[0]}")
        found += [
            f"{ear.deaf} {ear.what} were not heard to the end" for ear in self.ears if ear.deaf
        ]
        if self.answers is not None and self.answers.delay is None:
            found.append(f"none of {self.answers.calls} spoken answers was understood")
        if self.delivered is not None and (self.delivered.lost or self.delivered.uncaused):
            lost, uncaused = self.delivered.lost, self.delivered.uncaused
            found.append(f"{lost} mails were lost and {uncaused} repeated without a cause")
        if self.delivered is not None and self.delivered.grows:
            files, threads = self.delivered.files, self.delivered.threads
            found.append(f"{files} files and {threads} threads more were open after the last mail")
        return found

    def as_json(self) -> dict[str, Any]:
        """What bench.json holds."""
        return {
            **asdict(self),
            "ratios": {f"{rate:g}": ratio(self.costs, rate) for rate in rates(self.costs)},
            "ear_share": {f"{rate:g}": ear_share(self.costs, rate) for rate in rates(self.costs)},
            "calls_at_once": most_at_once(self.levels),
            "talkers_at_once": most_at_once(self.talking),
            "per_call_mb": per_call(self),
            "failures": self.failures,
        }


def rates(costs: Sequence[Cost]) -> list[float]:
    return sorted({cost.rate for cost in costs})


def merged(costs: Sequence[Cost], work: str, rate: float) -> Cost | None:
    """All rounds of one kind of work at one rate as one; None where there was none."""
    rounds = [cost for cost in costs if cost.work == work and cost.rate == rate]
    calls = sum(cost.calls for cost in rounds)
    if not calls:
        return None
    return Cost(
        work,
        rate,
        calls,
        sum(cost.failed for cost in rounds),
        sum(cost.asterisk * cost.calls for cost in rounds) / calls,
        sum(cost.screener * cost.calls for cost in rounds) / calls,
        sum(cost.elsewhere * cost.calls for cost in rounds) / calls,
        tuple(line for cost in rounds for line in cost.trouble),
    )


def ratio(costs: Sequence[Cost], rate: float) -> float | None:
    """What a screened call costs, Asterisk's part and ours, over the dialplan's."""
    screened, dialplan = merged(costs, SCREENED, rate), merged(costs, DIALPLAN, rate)
    if screened is None or dialplan is None or not dialplan.total:
        return None
    return screened.total / dialplan.total


def ear_share(costs: Sequence[Cost], rate: float) -> float | None:
    """What part of a screened call is listening: snoop, ExternalMedia, frames, voice activity."""
    screened, deaf = merged(costs, SCREENED, rate), merged(costs, DEAF, rate)
    if screened is None or deaf is None or not screened.total:
        return None
    return (screened.total - deaf.total) / screened.total


def most_at_once(levels: Sequence[Level]) -> int:
    """The largest crowd of which nothing went wrong, nor in a smaller one."""
    most = 0
    for level in levels:
        if level.errors:
            break
        most = level.calls
    return most


def per_call(figures: Figures) -> dict[str, float | None]:
    """Megabytes that each call in progress adds, for callers who listen and for those who talk."""
    most = most_at_once(figures.levels)
    quiet = next((level for level in figures.levels if level.calls == most), None)
    loud = figures.talking[0] if figures.talking else None
    return {
        "screener": quiet.screener_each if quiet else None,
        "asterisk": quiet.asterisk_each if quiet else None,
        "screener_talking": loud.screener_each if loud else None,
        "asterisk_talking": loud.asterisk_each if loud else None,
    }
