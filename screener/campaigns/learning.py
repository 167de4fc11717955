"""Campaigns during calls: what is known, the tracker of each call, and what calls teach.

`Campaigns` keeps what is known in memory (66 MB for 10,000 recordings) and on disk
(campaignfile.py). Nothing here holds up a call or the event loop: a tracker's speech is compared in
one thread, and what a call teaches is written in another after the call. A change that a command
makes in the folder is taken over when the next call comes in.

`CallTracker` is the same for a live call and for a recording (`at_once`): it looks at the same
moments of speech, so the same audio gives the same likeness; live, it is told a moment later.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from itertools import chain, count, islice
from pathlib import Path
from typing import TypeAlias

from screener.campaigns import campaignexport, campaignfile, campaignrecord
from screener.campaigns.fingerprint import fingerprint, trouble
from screener.core import campaign
from screener.core.audio import FRAME_BYTES, FRAME_SECONDS
from screener.core.callerid import shown
from screener.core.campaign import Campaign, Found, Known, Lesson, Standing
from screener.core.hearing import Hearing
from screener.core.script import Likeness, Listen
from screener.core.soundprint import ITEM
from screener.core.verdict import Kind
from screener.errors import CampaignError

log = logging.getLogger(__name__)

HOURLY = 60
"""New campaigns that are learnt in an hour at most. A busy office hears ten; thousands in an hour
would be somebody who wants to push out what is known."""

_BYTES = round(FRAME_BYTES / FRAME_SECONDS)  # of a second of speech
# What of the speech is compared (seconds): a window of core/soundprint.py and some to choose from.
_STRETCH = 8.0
# When it is compared, in seconds of speech: as soon as there is a window, before 8 s are over, then
# ever more seldom. 8 s of speech take 5 ms; a recording that begins in the middle of what is known
# is found all the same.
_MOMENTS = (6.8, 7.8, 9.5, 11.5, 14.0, 17.0, 21.0, 26.0, 31.0)
# So much of the speech is kept for what it may teach.
_KEPT = campaign.LONGEST * ITEM + 2.8
# How much of a sound file is heard for it (seconds).
_TAUGHT = 120.0
# Lessons that wait for a disk that does not answer.
_MOST_WAITING = 100
_ENDING = 5.0  # seconds that lessons have to be written when screener stops
_NAME = re.compile(r"[a-z2-7]{8}")
_A_YEAR = timedelta(days=300)  # "Mon 16 Nov" needs its year from then on

Work: TypeAlias = Callable[[], None]


def at_once(work: Work) -> None:
    """How a recording's tracker compares: `found` waits for it."""
    work()


class CallTracker:
    """One call's speech, compared with what is known (core/hearing.py: Tracker).

    `known` is asked anew each time; `compare` does a work of some milliseconds, now or soon, in one
    thread. `told` is how the first day of a campaign is told.
    """

    def __init__(
        self,
        known: Callable[[], Known],
        told: Callable[[datetime], str],
        compare: Callable[[Work], object] = at_once,
    ) -> None:
        self.words = ""
        self.speech = bytearray()
        self._known = known
        self._told = told
        self._compare = compare
        self._moments = iter(_MOMENTS)
        self._next = next(self._moments)
        self._found: Found | None = None
        self._likeness: Likeness | None = None

    def feed(self, frame: bytes) -> None:
        """Take 20 ms of the caller's speech; returns at once."""
        if len(self.speech) < _KEPT * _BYTES:
            self.speech += frame

    def found(self, words: str, now: float) -> Likeness | None:
        """The campaign that the speech so far, with these words, is like."""
        self.words = words
        if self._likeness is None and len(self.speech) >= self._next * _BYTES:
            self._next = next(self._moments, float("inf"))
            if self._known().campaigns:
                stretch = bytes(self.speech[-round(_STRETCH * _BYTES) :])
                self._compare(partial(self._look, stretch, words))
        if self._likeness is None and self._found is not None:
            one, by = self._found.campaign, self._found.by
            self._likeness = Likeness(one.id, one.calls, self._told(one.first), by, now, one.wanted)
        return self._likeness

    @property
    def like(self) -> bool:
        """Whether the speech was like a campaign."""
        return self._found is not None

    def lesson(self, kind: Kind, at: datetime, number: str, phrases: tuple[str, ...]) -> Lesson:
        """What the call has shown; takes some milliseconds. `number` is "" where it is withheld."""
        items = fingerprint(bytes(self.speech))
        return Lesson(kind, at, items, self.words, phrases, campaign.mark(number))

    def _look(self, stretch: bytes, words: str) -> None:
        if self._found is None:
            self._found = self._known().like(fingerprint(stretch), words)


class Campaigns:
    """What is known. `open` it, or let it `begin`; `close` it at the end."""

    def __init__(self, where: Path, zone: tzinfo | None, *, hourly: int = HOURLY) -> None:
        self.known = Known()
        self._where = where
        self._zone = zone
        self._hourly = hourly
        self._stamp = 0
        self._seen: campaignfile.Seen = {}
        self._taking_over = False
        self._waiting: set[Future[None]] = set()
        self._comparing = ThreadPoolExecutor(1, thread_name_prefix="campaigns")
        self._learning = ThreadPoolExecutor(1, thread_name_prefix="lessons")

    def open(self) -> list[str]:
        """Read what is known; a sentence for whatever cannot be used.

        Calls are heard without it all the same.
        """
        missing = [trouble()] if trouble() else []  # no call waits for the library to load
        try:
            with campaignfile.locked(self._where):
                return missing + self._read()
        except CampaignError as error:
            return [*missing, f"no campaign is known: {error}"]

    def begin(self) -> None:
        """The same in a thread, while the front door opens: 10,000 campaigns take seconds."""
        self._submit(self._learning, self._open)

    def _open(self) -> None:
        for missing in self.open():
            log.warning("%s", missing)

    def tracker(self) -> CallTracker:
        """The tracker of a call that comes in now."""
        if not self._taking_over:
            self._taking_over = True
            self._submit(self._learning, self._take_over)
        return CallTracker(lambda: self.known, self._day, partial(self._submit, self._comparing))

    def over(
        self,
        tracker: CallTracker,
        verdict: str,
        at: datetime,
        number: str,
        phrases: tuple[str, ...],
    ) -> None:
        """Learn from a call that is over; returns at once. `verdict` is a word of verdict.py."""
        if verdict not in _TEACH or (verdict == Kind.PERSON and not tracker.like):
            return
        if at < campaignrecord.OLDEST:
            return  # a machine whose clock is not set yet: nobody could tell since when it is known
        if len(self._waiting) > _MOST_WAITING:
            log.warning("a call teaches nothing about campaigns: the disk does not answer")
            return
        work = partial(self._learn, tracker, Kind(verdict), at, number, phrases)
        self._submit(self._learning, work)

    async def settled(self, patience: float) -> None:
        """Wait until all that calls have brought so far is compared and learnt, or so long."""
        waiting = [asyncio.wrap_future(future) for future in list(self._waiting)]
        if waiting:
            done, _ = await asyncio.wait(waiting, timeout=patience)
            for future in done:  # what went wrong is told in _done: asyncio is not to tell it too
                _ = future.cancelled() or future.exception()

    async def close(self) -> None:
        """Write what calls have taught, as far as the disk lets us."""
        await self.settled(_ENDING)
        self._comparing.shutdown(wait=False, cancel_futures=True)
        self._learning.shutdown(wait=False, cancel_futures=True)

    # In threads

    def _take_over(self) -> None:
        """Read the folder again if a command has changed it."""
        self._taking_over = False
        if campaignfile.stamp(self._where) == self._stamp:
            return
        with campaignfile.locked(self._where):
            for damaged in self._read():
                log.warning("%s", damaged)

    def _read(self) -> list[str]:
        self._stamp = campaignfile.stamp(self._where)
        every, troubles = campaignfile.read_all(self._where, self._seen)
        self.known = Known(every)
        return troubles

    def _learn(
        self,
        tracker: CallTracker,
        kind: Kind,
        at: datetime,
        number: str,
        phrases: tuple[str, ...],
    ) -> None:
        """Learn from one call: in memory when it is on disk."""
        lesson = tracker.lesson(kind, at, number, phrases)
        with campaignfile.locked(self._where):
            if campaignfile.stamp(self._where) != self._stamp:
                self._read()
            new = campaign.learnt(self.known, lesson)
            if new is None or (new.id not in self.known.campaigns and self._too_many(at)):
                return
            campaignfile.write(self._where, [new])
            known = self.known.with_(new)
            gone = campaign.superfluous(known.campaigns.values(), campaignfile.MOST)
            if gone:
                campaignfile.remove(self._where, gone)
                known = Known(one for one in known.campaigns.values() if one.id not in gone)
            self._stamp = campaignfile.stamp(self._where)
        self.known = known
        log.info("campaign %s: %s, %d calls", new.id, new.standing, new.calls)

    def _too_many(self, at: datetime) -> bool:
        hour = timedelta(hours=1)
        new = sum(abs(at - one.first) < hour for one in self.known.campaigns.values())
        if new >= self._hourly:
            log.warning("a recording is not learnt: %d new ones within an hour are enough", new)
        return new >= self._hourly

    def _submit(self, threads: ThreadPoolExecutor, work: Work) -> None:
        future = threads.submit(work)
        self._waiting.add(future)
        future.add_done_callback(self._done)

    def _done(self, future: Future[None]) -> None:
        self._waiting.discard(future)
        error = None if future.cancelled() else future.exception()
        if isinstance(error, CampaignError):
            log.error("nothing was learnt from a call: %s", error)
        elif error is not None:
            log.error("a recording could not be compared: %s", error, exc_info=error)

    def _day(self, when: datetime) -> str:
        return day(when, self._zone, datetime.now(UTC))


_TEACH = frozenset({Kind.UNWANTED_ROBOT, Kind.WANTED_ROBOT, Kind.PERSON})


def day(when: datetime, zone: tzinfo | None, now: datetime) -> str:
    """A day as it is told: "Mon 16 Nov"; with its year where it is long ago: "16 Nov 2024"."""
    local = when.astimezone(zone)
    return f"{local:%d %b %Y}" if now - when > _A_YEAR else f"{local:%a %d %b}"


def known_in(data: Path) -> tuple[Known, list[str]]:
    """What is known at a front door, and what is damaged, for a command. Raises CampaignError."""
    every, troubles = campaignfile.read_all(campaignfile.folder(data))
    return Known(every), troubles


# What commands change ----------------------------------------------------------------------------


def judge(where: Path, name: str, standing: Standing) -> Campaign:
    """Give a campaign another standing, to stay; it as it was. Raises CampaignError."""
    with campaignfile.locked(where):
        old = campaignfile.read(where, name) if _NAME.fullmatch(name) else None
        if old is None:
            raise CampaignError(
                f"there is no campaign {shown(name)}: `screener campaigns list` names those that"
                " there are"
            )
        campaignfile.write(where, [replace(old, standing=standing)])
    return old


def teach(
    where: Path, frames: Iterable[bytes], standing: Standing, now: datetime
) -> tuple[Campaign, Standing | None]:
    """Learn a recording from its sound (20 ms frames of 8 kHz PCM), as a call that played it would
    have taught it; the campaign that it is now. One that is known is given this standing; what it
    was before comes with it.

    Raises CampaignError where too little is said in it.
    """
    tracker = CallTracker(Known, str)
    hearing = Hearing((), tracker)
    hearing.begin(Listen(("all of it",), frozenset()))
    for frame in islice(frames, round(_TAUGHT / FRAME_SECONDS)):
        hearing.frame(frame)
    lesson = tracker.lesson(Kind.UNSURE, now, "", ())
    with campaignfile.locked(where):
        found = Known(campaignfile.read_all(where)[0]).find(lesson.items, "")
        new = replace(found.campaign, standing=standing) if found else None
        new = new or campaign.begun(lesson, standing)
        if new is None:
            raise CampaignError(
                "too little is said in it: a recording is known again by 7 seconds of speech"
            )
        campaignfile.write(where, [new])
    return new, found.campaign.standing if found else None


@dataclass(frozen=True, slots=True)
class Taken:
    """What an import has done. `origin` names it, for `withdraw`."""

    origin: str
    new: int
    known: int
    too_many: int


def take(where: Path, path: Path, now: datetime) -> Taken:
    """Add the campaigns of a file that somebody has exported, those that are not known yet.

    One that is known, also as wanted or forgotten, stays as it is. Raises CampaignError, and then
    nothing was taken.
    """
    offered = campaignexport.shared(path, now)
    with campaignfile.locked(where):
        every, _ = campaignfile.read_all(where)
        origin = _another(f"{now:%Y%m%dT%H%M%S}", {one.origin for one in every})
        known = Known(every)
        fresh = [one for one in offered if one.id not in known.campaigns]
        fresh = [one for one in fresh if not known.find(one.items, "")]
        room = max(0, campaignfile.MOST - len(every))
        new = sorted(fresh, key=lambda one: (-one.calls, one.id))[:room]
        if new:
            campaignfile.write(where, [replace(one, origin=origin) for one in new])
    return Taken(origin, len(new), len(offered) - len(fresh), len(fresh) - len(new))


def _another(name: str, taken: Collection[str]) -> str:
    """The name, or where there is one already, the same with a number: "20250102T030405-2"."""
    numbered = (f"{name}-{n}" for n in count(2))
    return next(one for one in chain([name], numbered) if one not in taken)


def withdraw(where: Path, origin: str) -> int:
    """Undo an import: take out what came with it, also what has been heard here since; how many.

    What its owner has forgotten stays so. Raises CampaignError.
    """
    with campaignfile.locked(where):
        every, _ = campaignfile.read_all(where)
        came = [one for one in every if one.origin and one.origin == origin]
        gone = [one.id for one in came if one.standing is not Standing.NEVER]
        campaignfile.remove(where, gone)
    return len(gone)
