"""Recording a message: frames and keys as a telephone sends them, a reel as the disk takes it."""

from __future__ import annotations

import asyncio
import os
import struct
import threading
import wave
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_asyncio

from screener.asterisk.line import Line
from screener.asterisk.media import Media, Stream
from screener.core.audio import FRAME_BYTES, encode_ulaw
from screener.core.dictation import Dictation
from screener.core.script import Record, RecordedBy
from screener.errors import AriDown, AriError, AriGone, AriNotInStasis, StuckError
from screener.messages.recorder import Recorder
from screener.messages.reel import Reel
from tests.calls import speech
from tests.core.lines import BOX

WORDS = speech.say("please call me back tonight, it is about the garden", "flite:slt")
# Of what is said during the beep, so many bytes are his first word.
BEFORE = 5 * FRAME_BYTES
LASTING = replace(BOX, silence=0.0, limit=3600.0)


async def until(test: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while True:
            if test():
                return
            await asyncio.sleep(0.002)


class Telephone:
    """The line and the media of one call: what a recorder asks of them."""

    address = "127.0.0.1:1"
    source = ("127.0.0.1", 2)

    def __init__(self) -> None:
        self.gone = asyncio.Event()
        self.on_key: Callable[[str], None] = self._ignore
        self.frame: Callable[[bytes], None] = lambda pcm: None
        self.played: list[str] = []
        self.fails: dict[str, AriError] = {}
        self.opened = False
        self.sounding = asyncio.Event()  # cleared, a prompt does not end
        self.sounding.set()
        self.stream: Stream | None = None

    def _ignore(self, digit: str) -> None:
        pass

    def take_keys(self) -> str:
        return ""

    def keep_keys(self) -> None:
        self.on_key = self._ignore

    async def has_left(self) -> bool:
        return self.gone.is_set()

    async def play(self, media: tuple[str, ...], seconds: float) -> None:
        self.played += media
        if media[0] in self.fails:
            raise self.fails[media[0]]
        await self.sounding.wait()

    async def open_ear(self, address: str, expect: Callable[[Any], None]) -> None:
        if "ear" in self.fails:
            raise self.fails["ear"]
        expect(self.source)
        self.opened = True

    async def close_ear(self) -> None:
        self.opened = False

    def expect(self, source: Any, on_frame: Callable[[bytes], None]) -> Stream:
        self.frame = on_frame
        self.stream = Stream(on_frame)
        return self.stream

    def forget(self, stream: object) -> None:
        self.frame = lambda pcm: None

    def say(self, pcm: bytes) -> None:
        for at in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES):
            self.frame(pcm[at : at + FRAME_BYTES])

    async def has_played(self, *prompts: str) -> None:
        """Wait until these have been played, and no others; the last one to its end."""
        await until(lambda: self.played == list(prompts))
        for _ in range(5):
            await asyncio.sleep(0)


@dataclass
class Desk:
    """A recording under way."""

    call: Telephone
    path: Path
    dictation: Dictation = field(default_factory=lambda: Dictation(Record(LASTING)))

    def __post_init__(self) -> None:
        self.reel = Reel("take-1", self.path)
        recorder = Recorder(cast(Line, self.call), cast(Media, self.call), lambda p: (p, 1.0))
        self.work = asyncio.ensure_future(recorder.record(self.dictation, self.reel))

    async def over(self) -> RecordedBy | None:
        async with asyncio.timeout(60):
            by = await self.work
        await self.reel.close()
        return by

    @property
    def pcm(self) -> bytes:
        with wave.open(str(self.path)) as sound:
            return bytes(sound.readframes(sound.getnframes()))


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    desk = Desk(Telephone(), tmp_path / "take-1.wav")
    yield desk
    desk.work.cancel()
    await asyncio.gather(desk.work, return_exceptions=True)


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A disk that hangs when it is told to have what it was given, until this is set."""
    answers = threading.Event()
    monkeypatch.setattr(os, "fdatasync", lambda _: answers.wait())
    monkeypatch.setattr("screener.messages.reel._PATIENCE", 0.1)
    monkeypatch.setattr("screener.messages.reel._HANGS", 2.0)
    yield answers
    answers.set()


def whole(pcm: bytes) -> bytes:
    return pcm[: len(pcm) // FRAME_BYTES * FRAME_BYTES]


async def test_all_frames_after_the_beep_are_recorded_until_the_key(tmp_path: Path) -> None:
    call = Telephone()
    call.sounding.clear()
    desk = Desk(call, tmp_path / "take-1.wav")
    await desk.call.has_played("beep")
    desk.call.say(WORDS)
    desk.call.sounding.set()
    await desk.call.has_played("beep")
    desk.call.say(WORDS)
    desk.call.on_key("#")
    desk.call.say(WORDS)
    assert await desk.over() is RecordedBy.KEY
    assert desk.pcm == whole(WORDS)[-BEFORE:] + whole(WORDS)
    assert not desk.call.opened


async def test_who_hangs_up_is_heard_to_the_last_frame(desk: Desk) -> None:
    await desk.call.has_played("beep")
    desk.call.say(WORDS)
    desk.call.gone.set()
    await asyncio.sleep(0)
    desk.call.say(WORDS[:3200])  # on its way when he hung up
    assert await desk.over() is RecordedBy.HANGUP
    assert desk.pcm == whole(WORDS) + WORDS[:3200]


async def test_a_pause_is_told_and_gone_on_with_after_a_beep(desk: Desk) -> None:
    await desk.call.has_played("beep")
    desk.call.say(WORDS)
    desk.call.on_key("*")
    await desk.call.has_played("beep", "paused")
    desk.call.say(WORDS)
    desk.call.on_key("*")
    await desk.call.has_played("beep", "paused", "beep")
    desk.call.say(WORDS[:6400])
    desk.call.on_key("#")
    assert await desk.over() is RecordedBy.KEY
    assert desk.pcm == whole(WORDS) + WORDS[:6400]


async def test_a_prompt_that_is_played_ends_with_the_recording(desk: Desk) -> None:
    await desk.call.has_played("beep")
    desk.call.say(WORDS)
    desk.call.sounding.clear()
    desk.call.on_key("*")
    await desk.call.has_played("beep", "paused")
    desk.call.on_key("#")
    assert await desk.over() is RecordedBy.KEY


async def test_a_line_that_falls_silent_for_a_while_leaves_its_silence(desk: Desk) -> None:
    """As of a telephone that sends nothing where nothing is said."""
    await desk.call.has_played("beep")
    desk.call.say(WORDS)
    before = desk.dictation.seconds
    await until(lambda: desk.dictation.seconds >= before + 0.6)
    quiet = desk.dictation.seconds - before
    desk.call.say(WORDS)
    desk.call.on_key("#")
    await desk.over()
    assert desk.pcm == whole(WORDS) + bytes(2 * round(8000 * quiet)) + whole(WORDS)


async def test_a_line_that_is_dead_ends_by_silence_and_leaves_none(tmp_path: Path) -> None:
    brief = Dictation(Record(replace(BOX, silence=1.0)))
    desk = Desk(Telephone(), tmp_path / "take-1.wav", brief)
    await desk.call.has_played("beep")
    desk.call.say(WORDS)
    assert await desk.over() is RecordedBy.SILENCE
    assert desk.pcm == whole(WORDS)


async def test_without_a_beep_there_is_no_recording(tmp_path: Path) -> None:
    call = Telephone()
    call.fails["beep"] = AriDown("Asterisk is away")
    desk = Desk(call, tmp_path / "take-1.wav")
    with pytest.raises(AriDown):
        await desk.over()
    assert not call.opened


async def test_a_word_that_cannot_be_played_later_costs_no_recording(desk: Desk) -> None:
    desk.call.fails["paused"] = AriDown("Asterisk is away")
    await desk.call.has_played("beep")
    desk.call.say(WORDS)
    desk.call.on_key("*")
    await desk.call.has_played("beep", "paused")
    desk.call.on_key("#")
    assert await desk.over() is RecordedBy.KEY
    assert desk.pcm == whole(WORDS)


@pytest.mark.parametrize("gone", [AriGone("gone"), AriNotInStasis("gone")])
async def test_who_has_hung_up_before_it_began_has_said_nothing(
    tmp_path: Path, gone: AriError
) -> None:
    call = Telephone()
    call.fails["ear"] = gone
    call.gone.set()
    desk = Desk(call, tmp_path / "take-1.wav")
    assert await desk.over() is RecordedBy.HANGUP
    assert not desk.path.exists()


async def test_an_asterisk_that_refuses_a_caller_who_is_there_is_a_failure(tmp_path: Path) -> None:
    call = Telephone()
    call.fails["beep"] = AriNotInStasis("Asterisk could not play it")
    desk = Desk(call, tmp_path / "take-1.wav")
    with pytest.raises(AriNotInStasis):
        await desk.over()


async def test_a_recording_that_is_stopped_has_all_that_was_said(desk: Desk) -> None:
    """As when screener is told to stop: what is on disk is rescued at the next start."""
    await desk.call.has_played("beep")
    desk.call.say(WORDS)
    desk.work.cancel()
    await asyncio.gather(desk.work, return_exceptions=True)
    await desk.reel.close()
    assert desk.pcm == whole(WORDS)


async def test_a_disk_that_takes_no_more_ends_it_and_what_it_took_is_whole(desk: Desk) -> None:
    await desk.call.has_played("beep")
    desk.call.say(WORDS)
    await until(lambda: desk.reel.seconds >= speech.seconds_of(WORDS) - 0.02)
    away = desk.path.parent.with_name("away")
    desk.path.parent.rename(away)
    desk.call.say(WORDS)
    assert await desk.over() is RecordedBy.DISK
    assert desk.reel.waiting == pytest.approx(speech.seconds_of(WORDS), abs=0.02)
    away.rename(desk.path.parent)
    await desk.reel.close()
    assert desk.reel.waiting == 0.0
    assert desk.pcm == whole(WORDS) * 2


async def test_a_disk_that_hangs_makes_no_key_dead_and_has_all_when_it_comes_back(
    desk: Desk, hanging: threading.Event
) -> None:
    await desk.call.has_played("beep")
    desk.call.say(WORDS * 2)
    await until(lambda: desk.reel.seconds >= 5.0)
    desk.call.say(WORDS)
    desk.call.on_key("#")
    async with asyncio.timeout(60):
        assert await desk.work is RecordedBy.KEY
    with pytest.raises(StuckError):
        await desk.reel.close()
    hanging.set()
    async with asyncio.timeout(60):
        while not await desk.reel.settle():
            pass
    await desk.reel.close()
    assert desk.pcm == whole(WORDS * 2) + whole(WORDS)


async def test_a_disk_that_hangs_ends_it_when_it_has_taken_nothing_for_long(
    desk: Desk, hanging: threading.Event
) -> None:
    await desk.call.has_played("beep")
    desk.call.say(WORDS * 2)
    await until(lambda: desk.reel.seconds >= 5.0)
    desk.call.say(WORDS * 2)
    async with asyncio.timeout(60):
        assert await desk.work is RecordedBy.DISK


async def test_where_not_one_frame_comes_another_must_record(desk: Desk) -> None:
    """As with a firewall between Asterisk and us: nobody is told that he has said nothing."""
    assert await desk.over() is None
    assert desk.call.played == ["beep"]
    assert not desk.call.opened
    assert not desk.path.exists()


async def test_what_was_lost_on_the_way_is_as_long_in_the_recording_as_it_was(desk: Desk) -> None:
    await desk.call.has_played("beep")
    stream = desk.call.stream
    assert stream is not None
    sound = encode_ulaw(WORDS)

    def send(first: int, last: int) -> None:
        for n in range(first, last):
            payload = sound[160 * (n % 50) :][:160]
            stream.packet(struct.pack("!BBHII", 0x80, 0, n, 160 * n, 7) + payload)

    send(0, 50)
    await until(lambda: desk.dictation.seconds >= 1.39)
    send(95, 145)  # 0.9 s were lost
    desk.call.on_key("#")
    await desk.over()
    assert speech.seconds_of(desk.pcm) == pytest.approx(2.9)


async def test_a_failure_in_the_frames_is_told(desk: Desk) -> None:
    await desk.call.has_played("beep")
    assert desk.call.stream is not None
    desk.call.stream.failure = ValueError("of our own")
    with pytest.raises(ValueError, match="of our own"):
        await desk.over()
