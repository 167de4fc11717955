"""The voicemail's deeds, where a phone hangs up in the middle of one, or the disk is slow."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from screener import config
from screener.asterisk.leg import LegSaid
from screener.asterisk.line import Line
from screener.calls import voicemail as voicemail_module
from screener.calls.house import House
from screener.calls.voicemail import SHELF, Voicemail
from screener.core.ringing import Said
from screener.core.script import Script, do
from screener.core.voicemail import Boxes, CallBack, Hear, LookInto, PassOn
from screener.mail.outbox import Outbox
from screener.mail.spool import Spool
from screener.messages.inbox import Messages
from tests.shell.household import PLAIN, Write
from tests.shell.post import LETTER, content

MORE = """
[boxes.office]
mail = ["office@example.net"]
[asterisk]
trunk = "PJSIP/{number}@trunk"
"""


class Leg:
    """A leg to a phone that says these things when it is dialled, and one more when it is hung
    up: Asterisk tells of that later."""

    def __init__(self, line: Phone, *says: Said) -> None:
        self._line = line
        self._says = says
        self.gone = asyncio.Event()

    async def dial(self, *_: object) -> None:
        for said in self._says:
            self._line.news.put_nowait(LegSaid(cast(Any, self), said))

    async def end(self) -> None:
        self._line.news.put_nowait(LegSaid(cast(Any, self), Said.UNREACHABLE))


class Phone:
    """The line of a phone that has dialled the voicemail, and stays; its next legs are `legs`."""

    channel = "kitchen"

    def __init__(self) -> None:
        self.news: asyncio.Queue[LegSaid] = asyncio.Queue()
        self.legs: list[Leg] = []
        self.connected: list[Leg] = []
        self.on_key: Callable[[str], None] = lambda _: None

    async def answer(self) -> None:
        pass

    async def shows(self, _: str) -> None:
        pass

    async def ring(self) -> None:
        pass

    async def ring_stop(self) -> None:
        pass

    def leg(self, _: str) -> Leg:
        return self.legs.pop(0)

    async def connect(self, leg: Leg) -> None:
        self.connected.append(leg)
        leg.gone.set()


class Evening:
    """A house with one message, in the box `office`, that `script` is about to do something with;
    `visit` is the call to its voicemail."""

    def __init__(self, write: Write, monkeypatch: pytest.MonkeyPatch, audio: Path) -> None:
        settings = config.load(write(PLAIN + MORE))
        self.root = settings.data / "outbox"
        self.shelf = settings.data / SHELF
        self.messages = Messages(self.root)
        self.message = Spool(self.root).keep(audio, LETTER, "door@example.org")
        self.phone = Phone()
        house = SimpleNamespace(settings=settings, outbox=Outbox(self.root, settings.mail))
        self._voicemail = Voicemail(cast(House, house), self.messages, lambda: None)
        self._monkeypatch = monkeypatch

    def visit(self, script: Callable[[], Script[None]]) -> asyncio.Task[None]:
        def hear(_: Boxes) -> Script[None]:
            yield from do(LookInto("office"))
            yield from script()

        self._monkeypatch.setattr(voicemail_module, "hear_messages", hear)
        return asyncio.ensure_future(self._voicemail._visit(cast(Line, self.phone), "kitchen"))


@pytest.fixture
def evening(write: Write, monkeypatch: pytest.MonkeyPatch, audio: Path) -> Evening:
    return Evening(write, monkeypatch, audio)


class Stall:
    """Something that hangs, from the moment that it has begun until it is let go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, where: object, name: str) -> None:
        does = getattr(where, name)
        self._begun, self._on, self._over = (threading.Event() for _ in range(3))

        def hangs(*args: Any, **named: Any) -> Any:
            self._begun.set()
            assert self._on.wait(60)
            try:
                return does(*args, **named)
            finally:
                self._over.set()

        monkeypatch.setattr(where, name, hangs)

    async def hang_up_in(self, visit: asyncio.Task[None]) -> None:
        """The phone hangs up while it hangs; then it goes on."""
        assert await asyncio.to_thread(self._begun.wait, 60)
        visit.cancel()
        for _ in range(20):  # steps of who does not wait for it, if he did not
            await asyncio.sleep(0)
        self._on.set()
        async with asyncio.timeout(60):
            await asyncio.gather(visit, return_exceptions=True)
        assert await asyncio.to_thread(self._over.wait, 60)


@pytest.mark.parametrize(
    ("where", "name"),
    [(voicemail_module, "_linked"), (Spool, "keep")],
    ids=["its sound is taken down", "it is kept"],
)
async def test_who_hangs_up_while_a_message_is_passed_on_has_passed_it_on_whole(
    evening: Evening, monkeypatch: pytest.MonkeyPatch, audio: Path, where: object, name: str
) -> None:
    def script() -> Script[None]:
        yield from do(PassOn(evening.message, "family"))

    stall = Stall(monkeypatch, where, name)
    await stall.hang_up_in(evening.visit(script))
    [passed_on] = evening.messages.in_box("family")
    assert content(passed_on.folder / "audio.wav") == content(audio)
    assert list(evening.shelf.iterdir()) == []


async def test_a_sound_that_is_still_taken_down_when_he_hangs_up_does_not_stay_on_the_shelf(
    evening: Evening, monkeypatch: pytest.MonkeyPatch
) -> None:
    def script() -> Script[None]:
        yield from do(Hear(evening.message))

    stall = Stall(monkeypatch, voicemail_module, "_linked")
    await stall.hang_up_in(evening.visit(script))
    assert list(evening.shelf.iterdir()) == []


async def test_what_the_first_call_back_has_still_to_say_is_no_answer_to_the_second(
    evening: Evening,
) -> None:
    reached: list[bool] = []

    def script() -> Script[None]:
        for _ in range(2):
            reached.append((yield from do(CallBack(evening.message, "+18055550142"))))

    phone = evening.phone
    second = Leg(phone, Said.RINGS, Said.ANSWERED)
    phone.legs = [Leg(phone, Said.RINGS, Said.REDIRECTED), second]
    async with asyncio.timeout(60):
        await evening.visit(script)
    assert reached == [False, True]
    assert phone.connected == [second]
