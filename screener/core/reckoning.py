"""The rows of some days, counted: from the calls that came in to the report of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo

from screener.core.event import Event, EventKind
from screener.core.fate import Fate, fate
from screener.core.frontdoor import nothing
from screener.core.report import (
    LEAST_SPARED,
    MOST_SPARED,
    Caller,
    Count,
    Message,
    Past,
    Recording,
    Report,
    Trouble,
)
from screener.core.rules import NO_RULE, Action
from screener.core.story import CallRow
from screener.core.week import Period

# In the evidence of a call (core/evidence.py): the class of what was said; times at its end.
_SAID = re.compile(
    r"said .*\((?P<kind>[^()]*)\) (?:at|up to) [0-9.]+ s(?:, while talking)?", re.DOTALL
)
_TALKED = re.compile(r"(?P<what>talked (?:through|over) the prompt) [0-9.]+-[0-9.]+ s")
_SAME = re.compile(r"same (?P<what>recording|words) as [0-9]+ calls? since .*", re.DOTALL)
_SOUND = re.compile(r"(?P<what>[a-z ]{1,30}) [0-9.]+-[0-9.]+ s")


def gather(
    period: Period,
    rows: Iterable[CallRow],
    zone: tzinfo | None,
    *,
    events: Iterable[Event] = (),
    before: Sequence[Past] = (),
    recordings: Mapping[int, Recording] | None = None,
    heard: Collection[int] = frozenset(),
    undelivered: int = 0,
    so_far: bool = False,
) -> Report:
    """The report of a period: `rows` are its calls in the order in which they came in, `events`
    what else happened in it. `recordings` are messages by their calls, `heard` the calls whose
    sound is kept; so many messages are `undelivered`. Hours are those of `zone`.
    """
    found = _Gathering(zone, recordings or nothing(), heard)
    for row in rows:
        found.add(row)
    what = _grouped(events)
    grouped = found.grouped
    return Report(
        period=period,
        so_far=so_far,
        fates={each: found.fates[each] for each in Fate if found.fates[each]},
        spared_rings=found.spared_rings,
        spared_seconds=round(found.spared_seconds, 1),
        hours=tuple(tuple(found.hours[24 * day : 24 * day + 24]) for day in range(7)),
        before=tuple(before),
        shadow=found.shadow,
        would_block=found.would_block,
        gave_up=grouped(Fate.GAVE_UP),
        wordless=grouped(Fate.WORDLESS),
        saved=found.saved,
        undelivered=undelivered,
        messages=tuple(reversed(found.messages)),  # newest first, as callers are
        reminders=tuple(reversed(found.reminders)),
        kept_out=grouped(Fate.ROBOT, Fate.DECLINED),
        strangers=tuple(each for each in grouped(Fate.REACHED)),
        others=grouped(Fate.FAILED, Fate.ELSEWHERE, Fate.MISSED),
        campaigns=_counts(found.campaigns, found.campaign_numbers),
        rules=_counts(found.rules),
        evidence=_counts(found.evidence),
        redirects=_counts(found.redirects),
        troubles=tuple(each for each in what if each.kind is not EventKind.DELETED),
        deleted=tuple(each for each in what if each.kind is EventKind.DELETED),
    )


@dataclass(slots=True)
class _Group:
    """A caller's calls so far, and the newest of them."""

    row: CallRow
    calls: int = 0
    heard: list[int] = field(default_factory=list)


class _Gathering:
    """What the rows so far have come to."""

    def __init__(
        self, zone: tzinfo | None, recordings: Mapping[int, Recording], heard: Collection[int]
    ) -> None:
        self.fates: Counter[Fate] = Counter()
        self.hours = [0] * (7 * 24)
        self.shadow = self.would_block = self.spared_rings = self.saved = 0
        self.spared_seconds = 0.0
        self.messages: list[Message] = []
        self.reminders: list[Message] = []
        self.campaigns: Counter[str] = Counter()
        self.campaign_numbers: dict[str, set[str]] = {}
        self.rules: Counter[str] = Counter()
        self.evidence: Counter[str] = Counter()
        self.redirects: Counter[str] = Counter()
        self._zone = zone
        self._recordings = recordings
        self._heard = heard
        self._groups: dict[tuple[Fate, str], _Group] = {}

    def add(self, row: CallRow) -> None:
        became = fate(row.outcome, row.verdict, row.answered_by, row.reason)
        self.fates[became] += 1
        at = row.started.astimezone(self._zone)
        self.hours[24 * at.weekday() + at.hour] += 1
        self.shadow += row.shadow
        self.would_block += row.shadow and row.ruled.startswith(Action.BLOCK)
        if row.ruled:
            self.rules[row.rule or NO_RULE] += 1
        for redirect in row.redirects:
            self.redirects[redirect] += 1
        if row.campaign:
            self.campaigns[row.campaign] += 1
            self.campaign_numbers.setdefault(row.campaign, set()).add(row.number)
        if became is Fate.ROBOT:
            self._spare(row)
        match became:
            case Fate.MESSAGE:
                self.messages.append(self._message(row, became))
            case Fate.REMINDER:
                self.reminders.append(self._message(row, became))
            case _ if row.id in self._recordings:  # a call that broke off, and was recorded
                self.saved += 1
                self.messages.append(self._message(row, became))
        if became is not Fate.REACHED or (row.ruled.startswith(Action.SCREEN) and not row.shadow):
            self._group(row, became)

    def _spare(self, row: CallRow) -> None:
        self.evidence.update({kind for kind in map(kind_of, row.evidence) if kind})
        if not row.shadow:
            self.spared_rings += 1
            self.spared_seconds += min(max(row.seconds or 0.0, LEAST_SPARED), MOST_SPARED)

    def _message(self, row: CallRow, became: Fate) -> Message:
        heard = (row.id,) if row.id in self._heard else ()
        return Message(caller_of(row, became, 1, heard), self._recordings.get(row.id))

    def _group(self, row: CallRow, became: Fate) -> None:
        key = became, "" if row.withheld else row.number
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group(row)
        group.row = row
        group.calls += 1
        if row.id in self._heard:
            group.heard.append(row.id)

    def grouped(self, *fates: Fate) -> tuple[Caller, ...]:
        """The callers of these fates: who called most often first, then who called last."""
        found = [
            caller_of(group.row, became, group.calls, tuple(reversed(group.heard)))
            for (became, _), group in self._groups.items()
            if became in fates
        ]
        return tuple(sorted(found, key=lambda each: (each.calls, each.at, each.call), reverse=True))


def caller_of(row: CallRow, became: Fate, calls: int = 1, heard: tuple[int, ...] = ()) -> Caller:
    """Who called, of so many calls of one fate; `row` is the newest."""
    number = "" if row.withheld else row.number
    withheld = row.withheld or not number
    allowed = row.ruled.startswith((Action.ALLOW, Action.SEND))
    said = (row.id, row.started, row.seconds, row.reason, row.rule, allowed, heard)
    return Caller(number, row.name, withheld, became, calls, *said)


def kind_of(sentence: str) -> str:
    """What a sentence of evidence counts as: 'said "warranty"'; "" where it proves nothing."""
    if found := _SAID.fullmatch(sentence):
        return f'said "{found["kind"]}"'
    if found := _TALKED.fullmatch(sentence):
        return found["what"]
    if found := _SAME.fullmatch(sentence):
        return f"same {found['what']} as earlier calls"
    if sentence.startswith("no answer until "):
        return "gave no answer"
    found = _SOUND.fullmatch(sentence)
    return found["what"] if found and not sentence.startswith("talked ") else ""


def _counts(
    counted: Counter[str], numbers: Mapping[str, Collection[str]] | None = None
) -> tuple[Count, ...]:
    """Highest first; those that are equal in the order of the alphabet."""
    found = (
        Count(what, calls, len(numbers[what]) if numbers else 0)
        for what, calls in counted.items()
    )  # fmt: skip
    return tuple(sorted(found, key=lambda each: (-each.calls, each.what)))


_TEXTS = 3  # of each kind of trouble, so many texts are told


def _grouped(events: Iterable[Event]) -> list[Trouble]:
    """Events by their kind, in the order of EventKind."""
    kinds: dict[EventKind, list[Event]] = {}
    for event in events:
        kinds.setdefault(event.kind, []).append(event)
    found = []
    for kind in EventKind:
        if kind in kinds:
            newest = sorted(kinds[kind], key=lambda event: event.at, reverse=True)
            texts = tuple(dict.fromkeys(event.text for event in newest))
            most = len(texts) if kind is EventKind.DELETED else _TEXTS
            count = sum(event.count for event in newest)
            found.append(Trouble(kind, count, texts[:most], newest[0].at))
    return found
