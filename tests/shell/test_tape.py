"""Takes: how long they are and how much of them is speech; those that are written here."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from screener.asterisk.belongings import box_of, owner
from screener.asterisk.client import Client
from screener.asterisk.connection import Connection
from screener.asterisk.line import Line
from screener.asterisk.translate import Arrived
from screener.calls.tape import Tape, measure
from screener.core.script import RecordedBy
from screener.mail.outbox import Outbox
from screener.mail.spool import RESERVE
from screener.messages.reel import Reel
from tests.calls import speech
from tests.shell.post import LETTER, MailServer, settings

ROOT = Path(__file__).parents[2]


def write(path: Path, pcm: bytes, rate: int = 8000) -> Path:
    with wave.open(str(path), "wb") as sound:
        sound.setparams((1, 2, rate, 0, "NONE", ""))
        sound.writeframes(pcm)
    return path


def test_speech_between_silences(tmp_path: Path) -> None:
    words = speech.say("please call me back tonight", "flite:slt")
    path = write(tmp_path / "a.wav", speech.silence(2.0) + words + speech.silence(2.0))
    seconds, voiced = measure(path)
    assert seconds == pytest.approx(4.0 + speech.seconds_of(words), abs=0.01)
    assert 0.5 < voiced <= speech.seconds_of(words) + 0.2


def test_silence_holds_no_speech(tmp_path: Path) -> None:
    assert measure(write(tmp_path / "a.wav", speech.silence(3.0))) == (3.0, 0.0)


def test_what_is_no_recording_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("not a sound at all", encoding="ascii")
    assert measure(tmp_path / "empty.wav") == (0.0, 0.0)
    assert measure(tmp_path / "text.wav") == (0.0, 0.0)
    assert measure(tmp_path / "missing.wav") == (0.0, 0.0)


def test_a_recording_of_another_rate_has_its_length(tmp_path: Path) -> None:
    assert measure(write(tmp_path / "a.wav", bytes(32000), rate=16000)) == (1.0, 0.0)


# Takes that are written here ---------------------------------------------------------------------

WORDS = speech.say("your prescription is ready for pick up", "flite:slt")


class Asterisk:
    """An ARI that notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        app = web.Application()
        app.router.add_route("*", "/ari/{rest:.*}", self._request)
        self.server = TestServer(app)

    async def _request(self, request: web.Request) -> web.Response:
        self.asked.append(f"{request.method} {request.match_info['rest']}")
        return web.Response(status=204)


@pytest_asyncio.fixture
async def asterisk() -> AsyncIterator[Asterisk]:
    stand_in = Asterisk()
    await stand_in.server.start_server()
    yield stand_in
    await stand_in.server.close()


@pytest_asyncio.fixture
async def tape(asterisk: Asterisk, tmp_path: Path) -> AsyncIterator[Tape]:
    async def found() -> None:
        pass

    url = f"http://127.0.0.1:{asterisk.server.port}/ari"
    (tmp_path / "takes").mkdir()
    outbox = Outbox(tmp_path / "outbox", settings(MailServer()))
    async with Client(url, "screener", "secret", "screener") as client:
        connection = Connection(client, lambda _: None, found, lambda: None)
        line = Line(client, connection, Arrived("channel", (), "", "", "Up"))
        yield Tape(line, tmp_path / "takes", outbox)


def pieces(pcm: bytes, seconds: float = 0.3) -> list[bytes]:
    size = 2 * int(8000 * seconds)
    return [pcm[at : at + size] for at in range(0, len(pcm), size)]


async def written(reel: Reel, pcm: bytes) -> None:
    """Add it, and wait for the disk."""
    reel.add(pcm)
    assert await reel.settle()


async def wound(tape: Tape, pcm: bytes = WORDS) -> Reel:
    reel = tape.reel("family")
    for piece in pieces(pcm):
        await written(reel, piece)
    return reel


async def test_all_that_is_written_is_the_take_and_asterisk_hears_nothing_of_it(
    tape: Tape, asterisk: Asterisk
) -> None:
    recorded = await tape.recorded(await wound(tape), RecordedBy.SILENCE)
    assert (owner(recorded.take), box_of(recorded.take)) == ("channel", "family")
    assert recorded.by is RecordedBy.SILENCE
    assert recorded.seconds == pytest.approx(speech.seconds_of(WORDS), abs=0.001)
    assert recorded.speech > 0.5
    assert tape.seconds(recorded.take) == recorded.seconds
    with wave.open(str(tape.folder / f"{recorded.take}.wav")) as sound:
        heard = sound.readframes(sound.getnframes())
    assert speech.likeness(heard, WORDS) > 0.99
    assert await tape.keep(recorded.take, LETTER)
    [item] = tape.outbox.items()
    assert item.record is not None
    assert item.record.letter == LETTER
    assert list(tape.folder.iterdir()) == []
    assert asterisk.asked == []


async def test_what_was_measured_while_it_was_recorded_is_not_measured_again(
    tape: Tape, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(path: Path) -> tuple[float, float]:
        raise AssertionError(f"{path} is measured")

    monkeypatch.setattr("screener.calls.tape.measure", never)
    recorded = await tape.recorded(await wound(tape), RecordedBy.SILENCE, 1.25)
    assert recorded.speech == 1.25
    assert await tape.keep(recorded.take, LETTER)
    [item] = tape.outbox.items()
    assert item.record is not None
    assert item.record.letter == LETTER


async def test_no_call_waits_for_a_disk_that_hangs_to_know_how_long_a_take_is(tape: Tape) -> None:
    recorded = await tape.recorded(await wound(tape), RecordedBy.SILENCE)
    tape.folder.rename(tape.folder.with_name("away"))  # who looks fails, as he would hang
    assert tape.seconds(recorded.take) == recorded.seconds
    assert tape.sound(recorded.take)[1] == recorded.seconds
    assert not await tape.keep(recorded.take, LETTER)


async def test_no_call_waits_for_the_disk_of_another_that_drops_a_take(
    tape: Tape, monkeypatch: pytest.MonkeyPatch
) -> None:
    reel = await wound(tape)
    answers, unlink = threading.Event(), Path.unlink

    def slow(path: Path, *, missing_ok: bool = False) -> None:
        assert answers.wait(5), "the event loop waits for the disk"
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", slow)
    dropping = asyncio.ensure_future(tape.drop(reel.take))
    await asyncio.sleep(0)
    answers.set()
    await dropping
    assert list(tape.folder.iterdir()) == []


async def test_one_that_is_dropped_is_gone_and_asterisk_is_not_asked(
    tape: Tape, asterisk: Asterisk
) -> None:
    reel = await wound(tape)
    await tape.drop(reel.take)
    assert list(tape.folder.iterdir()) == []
    assert asterisk.asked == []


async def test_its_caller_hears_it_from_where_it_lies(tape: Tape) -> None:
    recorded = await tape.recorded(await wound(tape), RecordedBy.KEY)
    [uri], seconds = tape.sound(recorded.take)
    assert uri == f"sound:{tape.folder / recorded.take}"
    assert seconds == recorded.seconds


async def test_what_is_kept_lies_in_one_place_only_and_is_the_same_file(tape: Tape) -> None:
    recorded = await tape.recorded(await wound(tape), RecordedBy.KEY)
    file = (tape.folder / f"{recorded.take}.wav").stat().st_ino
    assert await tape.keep(recorded.take, LETTER)
    [item] = tape.outbox.items()
    kept = (item.folder / "audio.wav").stat()
    assert (kept.st_ino, kept.st_nlink) == (file, 1)


async def test_where_nothing_came_there_is_no_take(tape: Tape) -> None:
    recorded = await tape.recorded(tape.reel("family"), RecordedBy.HANGUP)
    assert (recorded.take, recorded.seconds, recorded.speech) == ("", 0.0, 0.0)
    assert not await tape.keep(recorded.take, LETTER)


async def test_a_take_is_whole_on_disk_at_every_moment(tape: Tape) -> None:
    reel = tape.reel("family")
    path = tape.folder / f"{reel.take}.wav"
    copy = tape.folder / "copy.wav"
    for n, piece in enumerate(pieces(WORDS), 1):
        await written(reel, piece)
        copy.write_bytes(path.read_bytes())
        seconds, _ = measure(copy)
        assert seconds == pytest.approx(min(n * 0.3, speech.seconds_of(WORDS)), abs=0.001)


async def test_a_disk_without_room_is_tried_again_and_nothing_is_lost(
    tape: Tape, caplog: pytest.LogCaptureFixture
) -> None:
    reel = tape.reel("family")
    path = tape.folder / f"{reel.take}.wav"
    first, second, *rest = pieces(WORDS)
    await written(reel, first)
    good = path.read_bytes()
    away = tape.folder.with_name("away")
    tape.folder.rename(away)
    with caplog.at_level(logging.ERROR):
        await written(reel, second)
        await written(reel, rest[0])
    assert caplog.text.count("cannot be written") == 1
    away.rename(tape.folder)
    path.write_bytes(good + b"half of a wri")  # what a full disk leaves of a write
    for piece in rest[1:]:
        await written(reel, piece)
    recorded = await tape.recorded(reel, RecordedBy.SILENCE)
    assert recorded.seconds == pytest.approx(speech.seconds_of(WORDS), abs=0.001)
    with wave.open(str(path)) as sound:
        assert speech.likeness(sound.readframes(sound.getnframes()), WORDS) > 0.99


async def test_one_who_stops_waiting_for_the_disk_loses_and_repeats_nothing(tape: Tape) -> None:
    reel = tape.reel("family")
    for piece in pieces(WORDS):
        work = asyncio.ensure_future(written(reel, piece))
        await asyncio.sleep(0)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
    recorded = await tape.recorded(reel, RecordedBy.KEY)
    assert recorded.seconds == pytest.approx(speech.seconds_of(WORDS), abs=0.001)
    with wave.open(str(tape.folder / f"{recorded.take}.wav")) as sound:
        assert sound.readframes(sound.getnframes()) == WORDS


async def test_half_of_a_write_is_no_part_of_a_take_that_is_over(tape: Tape) -> None:
    reel = await wound(tape)
    path = tape.folder / f"{reel.take}.wav"
    good = path.stat().st_size
    with path.open("ab") as file:
        file.write(b"what a full disk leaves of a write")
    await reel.close()
    assert path.stat().st_size == good
    assert measure(path)[0] == pytest.approx(speech.seconds_of(WORDS), abs=0.001)


async def test_the_room_that_is_left_alone_is_left_by_who_speaks_as_well(
    tape: Tape, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tape.folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=RESERVE - 1))
    second = bytes(16000)
    reel = tape.reel("family")
    for _ in range(5):
        await written(reel, second)
    assert reel.seconds == 5.0, "it is asked for its room every few seconds"
    await written(reel, second)
    assert not reel.full
    await written(reel, second)
    assert (reel.seconds, reel.waiting, reel.full) == (5.0, 2.0, True)
    recorded = await tape.recorded(reel, RecordedBy.DISK)
    assert (recorded.seconds, recorded.lost) == (7.0, 0.0), "what he said until then is kept"


async def test_what_is_being_written_is_held_and_then_let_go(
    tape: Tape, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()
    monkeypatch.setattr(os, "fdatasync", lambda _: answers.wait())
    reel = tape.reel("family")
    path = tape.folder / f"{reel.take}.wav"
    reel.add(bytes(16000 * 6))
    assert tape.outbox.holds(path)
    answers.set()
    await written(reel, b"")
    assert not tape.outbox.holds(path)


def test_what_a_killed_process_had_written_is_a_take(tmp_path: Path) -> None:
    program = """
import asyncio, sys
from pathlib import Path
from screener.messages.reel import Reel
async def main():
    reel = Reel("take", Path(sys.argv[1]))
    while True:
        reel.add(bytes(4800))
        await reel.settle()
        print("written", flush=True)
asyncio.run(main())
"""
    path = tmp_path / "take.wav"
    command = [sys.executable, "-c", program, str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for _ in range(5):
            process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
    seconds, _ = measure(path)
    assert seconds >= 5 * 0.3
    with wave.open(str(path)) as sound:
        assert sound.getparams()[:3] == (1, 2, 8000)
