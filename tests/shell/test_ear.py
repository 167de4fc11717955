"""A call whose recogniser fails, hangs or falls behind goes on by keys, at once, and says so.

The ear, the hearing, the queue and the threads are the real ones; the line and the engine are the
test's. Frames come as fast as they are taken.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
import pytest_asyncio

from screener.asterisk.line import Line
from screener.asterisk.media import Media, Stream
from screener.calls.ear import Ear
from screener.core.audio import FRAME_BYTES, RATE, SILENCE, encode_ulaw, level
from screener.core.grammar import Understood
from screener.core.script import Heard, HeardBy, Listen
from screener.core.transcript import Transcript
from screener.recogniser.following import Recogniser
from screener.recogniser.workers import Workers
from tests.fixtures.vosk_model import Voice, at_level
from tests.shell.test_media import packets

ASKED = Listen(("greeting",), frozenset({"1"}), frozenset({"office"}), wait=1.0)
OFFICE = at_level(Voice("flite", "slt").say("office"), -9)


class Telephone:
    """The line and the media of one call: what the ear asks of them."""

    channel = "call-1"
    address = "127.0.0.1:1"
    source = ("127.0.0.1", 2)

    def __init__(self) -> None:
        self.gone = asyncio.Event()
        self.on_key: Callable[[str], None] = lambda digit: None
        self.frame: Callable[[bytes], None] = lambda pcm: None
        self.opened = asyncio.Event()
        self.told_unheard = 0
        self.sends: bool | None = True
        self.arrives = False
        self.told_nothing_arrived = 0

    def take_keys(self) -> str:
        return ""

    def keep_keys(self) -> None:
        self.on_key = lambda digit: None

    async def play(self, media: tuple[str, ...], seconds: float) -> None:
        pass

    async def open_ear(self, address: str, expect: Callable[[Any], None]) -> None:
        expect(self.source)
        self.opened.set()

    async def close_ear(self) -> None:
        self.opened.clear()

    def expect(self, source: Any, on_frame: Callable[[bytes], None]) -> Stream:
        self.frame = on_frame
        return Stream(on_frame)

    def forget(self, stream: object) -> None:
        self.frame = lambda pcm: None

    async def sound_arrives(self) -> bool | None:
        return self.sends

    def unheard(self) -> None:
        self.told_unheard += 1

    def nothing_arrived(self) -> None:
        self.told_nothing_arrived += 1

    def arrived(self) -> None:
        self.arrives = True

    def say(self, pcm: bytes) -> None:
        for at in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES):
            self.frame(pcm[at : at + FRAME_BYTES])


class Engine:
    """One whose decoder and whose answers do as told."""

    name = "PocketSphinx 0, for tests"

    def __init__(self) -> None:
        self.answers = 0
        self.open = 0
        self.hearing: Callable[[], Transcript] = Transcript
        self.answering: Callable[[], str] = lambda: "office"

    def decoder(self) -> Engine:
        self.open += 1
        return self

    def hear(self, pcm: bytes) -> Transcript:
        return self.hearing()

    def transcript(self) -> Transcript:
        return Transcript()

    def close(self) -> None:
        self.open -= 1

    def answer(self, utterance: bytes, expected: frozenset[str]) -> Understood:
        self.answers += 1
        return Understood(self.answering())

    def unknown_words(self, phrases: Iterable[str]) -> tuple[str, ...]:
        return ()


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def hang() -> Iterator[threading.Event]:
    """What hangs until the test is over."""
    event = threading.Event()
    yield event
    event.set()


@pytest_asyncio.fixture
async def phone() -> Telephone:
    return Telephone()


@pytest_asyncio.fixture
async def ear(phone: Telephone, engine: Engine) -> AsyncIterator[Ear]:
    workers = Workers(2)
    line, media = cast(Line, phone), cast(Media, phone)
    ear = Ear(line, media, Recogniser(engine, workers), ())
    yield ear
    await ear.close()
    workers.close()


async def asked(ear: Ear, phone: Telephone, pcm: bytes, key: str = "") -> Heard:
    """Ask, and let the caller say something once the prompt is over, or press a key after it."""
    listening = asyncio.ensure_future(ear.listen(ASKED, (), 0.0))
    await phone.opened.wait()
    for _ in range(3):  # the prompt, which is over at once
        await asyncio.sleep(0)
    phone.say(pcm)
    if key:
        phone.on_key(key)
    else:
        phone.say(100 * SILENCE)
    async with asyncio.timeout(30):
        return await listening


async def test_an_answer_is_understood(ear: Ear, phone: Telephone, engine: Engine) -> None:
    heard = await asked(ear, phone, OFFICE)
    assert (heard.by, heard.words, heard.deaf) == (HeardBy.ANSWER, "office", "")


async def half_asked(ear: Ear, phone: Telephone) -> asyncio.Task[Heard]:
    """Ask, and let the caller say a word and be quiet until it is begun to be understood."""
    listening = asyncio.ensure_future(ear.listen(ASKED, (), 0.0))
    await phone.opened.wait()
    for _ in range(3):
        await asyncio.sleep(0)
    phone.say(OFFICE)
    while ear._guess is None and not listening.done():
        phone.say(SILENCE)
        await asyncio.sleep(0)
    return listening


async def test_an_answer_is_understood_while_the_quiet_after_it_is_still_waited_for(
    ear: Ear, phone: Telephone, engine: Engine
) -> None:
    listening = await half_asked(ear, phone)
    async with asyncio.timeout(30):
        while not engine.answers:  # noqa: ASYNC110 - a thread's work, which sets no asyncio.Event
            await asyncio.sleep(0.005)
    assert not listening.done()
    phone.say(30 * SILENCE)
    async with asyncio.timeout(30):
        heard = await listening
    assert (heard.by, heard.words, engine.answers) == (HeardBy.ANSWER, "office", 1)


async def test_what_was_understood_too_early_is_forgotten(ear: Ear, phone: Telephone) -> None:
    """After a word and a pause he goes on: it was no answer, whatever it sounded like."""
    listening = await half_asked(ear, phone)
    assert not listening.done()
    frames = (OFFICE[at : at + FRAME_BYTES] for at in range(0, len(OFFICE), FRAME_BYTES))
    phone.say(6 * b"".join(frame for frame in frames if level(frame) > -35) + 40 * SILENCE)
    async with asyncio.timeout(30):
        heard = await listening
    assert (heard.by, heard.words) == (HeardBy.TALK, "")


async def test_an_engine_that_raises_leaves_the_keys(
    ear: Ear, phone: Telephone, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> str:
        raise MemoryError

    engine.answering = fail
    heard = await asked(ear, phone, OFFICE)
    assert (heard.by, heard.words) == (HeardBy.ANSWER, "")
    assert heard.deaf == "the recogniser failed: MemoryError"
    assert "call call-1 goes on by keys: the recogniser failed: MemoryError" in caplog.text
    heard = await asked(ear, phone, OFFICE)  # is not asked again: it might take its time to fail
    assert (heard.words, heard.deaf, engine.answers) == (
        "",
        "the recogniser failed: MemoryError",
        1,
    )
    heard = await asked(ear, phone, b"", key="1")
    assert (heard.by, heard.keys) == (HeardBy.KEYS, "1")


async def test_an_engine_that_hangs_is_not_waited_for(
    ear: Ear,
    phone: Telephone,
    engine: Engine,
    hang: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("screener.calls.ear._UNDERSTANDING", 0.05)
    engine.answering = lambda: str(hang.wait(60))
    heard = await asked(ear, phone, OFFICE)
    assert (heard.words, heard.deaf) == ("", "the recogniser took too long over an answer")
    heard = await asked(ear, phone, b"", key="1")
    assert (heard.by, heard.keys) == (HeardBy.KEYS, "1")


async def test_a_decoder_that_dies_leaves_the_keys(
    ear: Ear, phone: Telephone, engine: Engine
) -> None:
    def die() -> Transcript:
        raise RuntimeError("lattice")

    engine.hearing = die
    await asked(ear, phone, OFFICE)
    async with asyncio.timeout(30):
        while engine.open:  # noqa: ASYNC110 - a thread's work, which sets no asyncio.Event
            await asyncio.sleep(0.01)
    heard = await asked(ear, phone, OFFICE, key="1")
    assert (heard.by, heard.keys) == (HeardBy.KEYS, "1")
    assert heard.deaf == "the recogniser failed: RuntimeError: lattice"


async def test_a_decoder_that_falls_behind_leaves_the_keys(
    ear: Ear, phone: Telephone, engine: Engine, hang: threading.Event
) -> None:
    def wait() -> Transcript:
        hang.wait(60)
        return Transcript()

    engine.hearing = wait
    noise = np.random.default_rng(1).normal(0, 3000, 8000 * 2)
    await asked(ear, phone, OFFICE)
    heard = await asked(ear, phone, 3 * (OFFICE + noise.astype("<i2").tobytes()))
    assert (heard.by, heard.deaf) == (HeardBy.TALK, "PocketSphinx fell behind")
    answers = engine.answers
    heard = await asked(ear, phone, OFFICE)
    assert (heard.by, heard.words) == (HeardBy.ANSWER, "")
    heard = await asked(ear, phone, b"", key="1")
    assert (heard.by, heard.keys) == (HeardBy.KEYS, "1")
    assert engine.answers == answers  # none since it fell behind


async def test_a_closed_ear_leaves_no_decoder(ear: Ear, phone: Telephone, engine: Engine) -> None:
    await asked(ear, phone, OFFICE)
    await ear.close()
    async with asyncio.timeout(30):
        while engine.open:  # noqa: ASYNC110 - a thread's work, which sets no asyncio.Event
            await asyncio.sleep(0.01)
    assert not phone.opened.is_set()


async def test_a_caller_whose_sound_does_not_come_is_not_silent(ear: Ear, phone: Telephone) -> None:
    async with asyncio.timeout(30):
        heard = await ear.listen(replace(ASKED, wait=4.0), (), 0.0)
    assert heard.by is HeardBy.QUIET
    assert heard.unheard.startswith("none of his sound came")
    assert phone.told_unheard == 1


async def test_who_hangs_up_unheard_is_told_of_too(ear: Ear, phone: Telephone) -> None:
    listening = asyncio.ensure_future(ear.listen(replace(ASKED, wait=60.0), (), 0.0))
    async with asyncio.timeout(30):
        while len(ear.heard_audio) < 4 * RATE:  # noqa: ASYNC110  # counting time sets no event
            await asyncio.sleep(0.05)
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    assert ear.unfinished is not None
    assert ear.unfinished.unheard.startswith("none of his sound came")
    assert phone.told_unheard == 1


async def test_a_caller_whose_sound_stops_is_not_silent_and_asterisk_can_send(
    ear: Ear, phone: Telephone
) -> None:
    listening = asyncio.ensure_future(ear.listen(replace(ASKED, wait=4.0), (), 0.0))
    await phone.opened.wait()
    phone.say(10 * SILENCE)
    async with asyncio.timeout(30):
        heard = await listening
    assert heard.unheard == "his sound stopped coming from Asterisk at 0.2 s"
    assert phone.told_unheard == 0


async def test_a_key_before_anything_could_come_says_nothing_of_the_sound(
    ear: Ear, phone: Telephone
) -> None:
    heard = await asked(ear, phone, b"", key="1")
    assert (heard.keys, heard.unheard, phone.told_unheard) == ("1", "", 0)


async def listened_to_in_silence(ear: Ear, phone: Telephone) -> Heard:
    listening = asyncio.ensure_future(ear.listen(ASKED, (), 0.0))
    await phone.opened.wait()
    while not listening.done():
        phone.say(SILENCE)  # Asterisk sends it also for him who sends nothing
        await asyncio.sleep(0)
    return await listening


async def test_who_sends_nothing_is_unheard_as_long_as_nobodys_sound_arrives(
    ear: Ear, phone: Telephone
) -> None:
    phone.sends = False
    heard = await listened_to_in_silence(ear, phone)
    assert heard.unheard.startswith("none of his sound arrived at Asterisk: correct its NAT ")
    assert (phone.told_nothing_arrived, phone.told_unheard) == (1, 0)


async def test_who_sends_silence_is_silent_and_so_are_all_that_send_nothing_after_him(
    ear: Ear, phone: Telephone
) -> None:
    assert (await listened_to_in_silence(ear, phone)).unheard == ""
    assert phone.arrives
    phone.sends = False
    assert (await listened_to_in_silence(ear, phone)).unheard == ""
    assert phone.told_nothing_arrived == 0


async def test_where_asterisk_cannot_tell_nothing_is_concluded(ear: Ear, phone: Telephone) -> None:
    phone.sends = None
    assert (await listened_to_in_silence(ear, phone)).unheard == ""
    assert (phone.arrives, phone.told_nothing_arrived) == (False, 0)


async def test_whoever_is_heard_shows_that_sound_arrives(ear: Ear, phone: Telephone) -> None:
    await asked(ear, phone, OFFICE)
    assert phone.arrives


class Broken:
    """A tracker whose library fails at the first speech."""

    def feed(self, frame: bytes) -> None:
        raise OverflowError("no place for another item")

    def found(self, words: str, now: float) -> None:
        return None


async def test_a_failure_over_the_callers_audio_ends_the_listening_with_it(
    phone: Telephone, engine: Engine
) -> None:
    """As any failure in a call, it goes to the session, which lets the phones ring."""
    media, workers = Media(), Workers(2)
    await media.open("127.0.0.1")
    ear = Ear(cast(Line, phone), media, Recogniser(engine, workers), (), Broken())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asterisk:
        asterisk.bind(("127.0.0.1", 0))
        phone.source = asterisk.getsockname()
        host, port = media.address.rsplit(":", 1)
        listening = asyncio.ensure_future(ear.listen(ASKED, (), 0.0))
        await phone.opened.wait()
        for one in packets(encode_ulaw(OFFICE)):
            asterisk.sendto(one, (host, int(port)))
        async with asyncio.timeout(30):
            with pytest.raises(OverflowError, match="no place for another item"):
                await listening
    await ear.close()
    media.close()
    workers.close()
