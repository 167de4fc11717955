"""Ringing a group's phones for one caller, until one takes the call or none will.

core/ringing.py says who rings when; what the phones say is told to it, and what it orders is done
here. A phone with several contacts (a desk telephone and an app that registered as the same) rings
on all of them, each a leg of its own: the first that answers answers for the phone, and it is busy
only when all of them are.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from screener.asterisk.capture import Capture
from screener.asterisk.leg import Leg, LegChose, LegRedirected, LegSaid, News
from screener.asterisk.line import Line
from screener.asterisk.playback import Sound
from screener.core.frontdoor import Phone, RingGroup
from screener.core.redirection import Became, Redirections
from screener.core.ringing import (
    Ask,
    Circumstances,
    Order,
    PhoneEvent,
    Ringing,
    Said,
    Start,
    Stop,
)
from screener.core.script import Decision, Rang, Ring
from screener.errors import AriError, AriGone, AriNotInStasis

_LONGEST_NAME = 60
# What whoever answers may press: where the caller was announced, and where only a machine is to be
# kept from answering.
ANNOUNCED = {
    "1": Decision.TAKE,
    "2": Decision.MESSAGE,
    "3": Decision.AWAY,
    "4": Decision.BLOCK,
}
CONFIRM = {"1": Decision.TAKE}
# Of what a phone's contacts say, the phone says the first of these.
_WEIGHT = (Said.DECLINED, Said.BUSY, Said.SILENT, Said.UNREACHABLE)


@dataclass(frozen=True, slots=True)
class Sounds:
    """What is heard while it rings: by the caller first (`meanwhile`) and when he is told to wait;
    by whoever answers, where the caller is announced and where only a key is asked for."""

    meanwhile: Sound
    waiting: Sound
    announcement: Sound
    confirmation: Sound


class Bell:
    """One ringing of one group. `began` is told the phone that rings first, once it is to ring."""

    def __init__(
        self,
        line: Line,
        command: Ring,
        circumstances: Circumstances,
        *,
        redirections: Redirections,
        sounds: Sounds,
        capture: Capture,
        began: Callable[[str], None],
    ) -> None:
        self._line = line
        self._command = command
        self._sounds = sounds
        self._redirections = redirections
        self._capture = capture
        self._began = began
        self._ringing = Ringing(command.group, circumstances, announced=command.announced)
        self._clock = asyncio.get_running_loop().time
        self._started = self._clock()
        self._legs: dict[str, list[Leg]] = {}  # by phone: those that it may still answer on
        self._outs: dict[str, list[Said]] = {}  # by phone: what its other contacts have said
        self._sending: dict[str, LegSaid] = {}  # by phone: the redirect of one of its contacts
        self._answered: dict[str, tuple[Leg, float]] = {}
        self._work: dict[str, list[asyncio.Task[None]]] = {}  # by phone: dialling it, asking
        self._tasks: set[asyncio.Task[None]] = set()

    async def ring(self) -> tuple[Rang, Leg | None]:
        """Ring; connect the caller to who takes the call.

        Returns what came of it and the leg that he is connected to, if any. When it is cancelled,
        because he hung up, every phone stops.
        """
        comfort = asyncio.ensure_future(_comfort(self._line, self._command.group, self._sounds))
        ringing = self._ringing
        try:
            await self._until_over()
        finally:
            # Before he is connected: a sound that still plays would keep him from the bridge.
            comfort.cancel()
            taken = ringing.winner if ringing.decision is Decision.TAKE else ""
            self._stop({*self._legs, *self._work} - {taken})
            await asyncio.shield(asyncio.gather(comfort, *self._tasks, return_exceptions=True))
        leg, seconds = self._answered.get(ringing.winner, (None, self._now))
        if ringing.decision is not Decision.TAKE:
            return self._rang(seconds), None
        if leg is not None and not await self._connected(leg):
            ringing.remarks.append(f"{leg.phone} answered and hung up at once")
            ringing.winner, leg = "", None
        return self._rang(seconds), leg

    @property
    def so_far(self) -> Rang:
        """What has come of it for a caller who does not stay: nobody has him."""
        return Rang("", self._now, tuple(self._ringing.remarks))

    def _rang(self, seconds: float) -> Rang:
        ringing = self._ringing
        return Rang(ringing.winner, seconds, tuple(ringing.remarks), ringing.decision)

    @property
    def _now(self) -> float:
        """Seconds since ringing began."""
        return self._clock() - self._started

    async def _until_over(self) -> None:
        self._do(self._ringing.tick(0.0))
        while not self._ringing.over:
            wait = self._ringing.next - self._now
            try:
                async with asyncio.timeout(None if math.isinf(wait) else max(0.0, wait)):
                    news = await self._line.news.get()
            except TimeoutError:
                self._do(self._ringing.tick(self._now))
            else:
                self._do(self._take_in(news))

    # What phones say -----------------------------------------------------------------------------

    def _take_in(self, news: News) -> list[Order]:
        """What is to be done because of news; those of an earlier ringing are nobody's."""
        leg = news.leg
        if isinstance(news, LegRedirected):
            if self._legs.get(leg.phone) != []:
                return []
            return self._sent_on(leg.phone, self._redirections.redirected(leg.phone, news.targets))
        if isinstance(news, LegChose):
            if leg not in self._legs.get(leg.phone, ()):
                return []
            if news.decision is None:
                return self._ringing.unchosen(leg.phone, self._now)
            return self._ringing.chosen(leg.phone, news.decision, self._now)
        if leg not in self._legs.get(leg.phone, ()):
            return []
        if news.said is Said.ANSWERED:
            return self._answers(leg)
        return self._is_out(leg, news)

    def _answers(self, leg: Leg) -> list[Order]:
        """One of a phone's contacts has answered: the phone has, and its others ring no more."""
        if leg.phone in self._answered:
            return []
        self._answered[leg.phone] = (leg, self._now)
        for other in self._legs[leg.phone]:
            if other is not leg:
                self._spawn(other.end())
        self._legs[leg.phone] = [leg]
        return self._ringing.said(PhoneEvent(leg.phone, Said.ANSWERED), self._now)

    def _is_out(self, leg: Leg, news: LegSaid) -> list[Order]:
        """One of a phone's contacts will not answer: the phone will not, if it was the last.

        Where one of them redirects, the phone does, unless somebody declined on another.
        """
        left = self._legs[leg.phone]
        left.remove(leg)
        said = self._outs.setdefault(leg.phone, [])
        if news.said is Said.REDIRECTED:
            self._sending.setdefault(leg.phone, news)
        else:
            said.append(news.said)
        if left:
            return []
        sending = self._sending.pop(leg.phone, None)
        if sending is not None and Said.DECLINED not in said:
            return self._redirected(sending.leg, sending.target)
        best = next((what for what in _WEIGHT if what in said), news.said)
        # Who has answered came to something: no other contact is tried in his place.
        if best in (Said.BUSY, Said.UNREACHABLE) and leg.phone not in self._answered:
            became = self._redirections.failed(leg.phone, f"{leg.phone} {best}")
            if became is not None:
                return self._sent_on(leg.phone, became)
        return self._ringing.said(PhoneEvent(leg.phone, best), self._now)

    def _redirected(self, leg: Leg, target: str) -> list[Order]:
        """A phone wants the call to go elsewhere: none of its contacts is left."""
        if self._redirections.asks(leg.phone):
            self._spawn(self._ask_targets(leg, target))
            return []
        return self._sent_on(leg.phone, self._redirections.redirected(leg.phone, [target]))

    async def _ask_targets(self, leg: Leg, best: str) -> None:
        """Find out where else a phone redirects to."""
        targets = await self._capture.of(leg.call_id, best)
        self._line.news.put_nowait(LegRedirected(leg, targets))

    def _sent_on(self, phone: str, became: Became) -> list[Order]:
        """These ring in place of a phone, if any do."""
        return self._ringing.replaced(phone, became.phones, became.remark, self._now)

    # What is done --------------------------------------------------------------------------------

    def _do(self, orders: Iterable[Order]) -> None:
        for order in orders:
            match order:
                case Start(phone, seconds):
                    self._redirections.rings(phone)
                    if phone.name == self._ringing.first:
                        self._began(phone.name)
                    self._work_on(phone.name, self._dial(phone, seconds))
                case Stop(phone):
                    self._stop([phone])
                case Ask(phone):
                    self._work_on(phone, self._ask(self._answered[phone][0]))

    def _work_on(self, phone: str, work: Coroutine[Any, Any, None]) -> None:
        self._work.setdefault(phone, []).append(self._spawn(work))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _dial(self, phone: Phone, seconds: float) -> None:
        """Ring a phone on all of its contacts."""
        endpoints = await self._line.contacts(phone.endpoint)
        legs = [self._line.leg(phone.name) for _ in endpoints]
        self._legs[phone.name] = list(legs)
        shown = self._shown(phone)
        if self._redirections.path(phone.name):
            host = await self._line.host()
            await self._line.let_us_write_diversion()
            sent_on = self._redirections.onward(phone, host, self._line.headers)
            shown |= {f"PJSIP_HEADER(add,{name})": value for name, value in sent_on.items()}
        asks = self._redirections.asks(phone.name)
        await asyncio.gather(
            *(
                leg.dial(endpoint, seconds, self._line.channel, shown, identified=asks)
                for leg, endpoint in zip(legs, endpoints, strict=True)
            )
        )

    def _shown(self, phone: Phone) -> dict[str, str]:
        """What the phone shows beside the caller's number, as variables of its leg.

        The private name is what is shown in place of the caller's own (Asterisk 22.10: the dialling
        takes everything else over from the caller's channel).
        """
        group = self._command.group
        shown = {}
        unproved = "" if self._command.proved else group.unproved_prefix
        prefixes = [prefix for prefix in (group.prefix, unproved) if prefix]
        if prefixes:
            name = "".join(c for c in self._line.name or self._line.number if c.isprintable())
            shown["CONNECTEDLINE(priv-name,i)"] = " ".join([*prefixes, name[:_LONGEST_NAME]])
        if alert := phone.alert or group.alert:
            shown["PJSIP_HEADER(add,Alert-Info)"] = alert
        return shown

    async def _ask(self, leg: Leg) -> None:
        announced = self._command.announced
        question = self._sounds.announcement if announced else self._sounds.confirmation
        await leg.ask(question, ANNOUNCED if announced else CONFIRM)

    def _stop(self, phones: Iterable[str]) -> None:
        """These phones ring no more; what is being done to that end ends."""
        for phone in list(phones):
            for work in self._work.pop(phone, ()):
                work.cancel()
            for leg in self._legs.pop(phone, ()):
                self._spawn(leg.end())

    async def _connected(self, leg: Leg) -> bool:
        try:
            await self._line.connect(leg)
        except (AriGone, AriNotInStasis):
            return False
        return True


async def _comfort(line: Line, group: RingGroup, sounds: Sounds) -> None:
    """What the caller hears while phones ring. That it fails is no reason to stop ringing.

    He hears music, and is told to wait, only on a line that is answered.
    """
    with suppress(AriError):
        if group.music or group.told_every:
            await line.answer()
        await line.play(*sounds.meanwhile)
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(group.told_every or None):
                    await _ring_or_play_music(line, group.music)
            await line.play(*sounds.waiting)


async def _ring_or_play_music(line: Line, music: str) -> None:
    """The ringing tone, or music, until it is cancelled."""
    begun = asyncio.ensure_future(line.music(music) if music else line.ring())
    try:
        await asyncio.shield(begun)
        await asyncio.Event().wait()
    finally:
        # What is still on its way would reach Asterisk after it had been stopped.
        await asyncio.wait({begun})
        await (line.music_stop() if music else line.ring_stop())
