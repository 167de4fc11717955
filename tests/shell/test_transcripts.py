"""A message's transcript: made by the real engines in a process of its own, or not at all."""

import asyncio
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from screener import starter
from screener.core.transcript import Transcript, Word
from screener.sound import transcribing, transcripts
from tests.calls.speech import SALES_TALK, say, silence, wav
from tests.fixtures import vosk_model
from tests.fixtures.vosk_model import Voice, at_level
from tests.shell.post import LETTER, Desk, MailServer, body, names, settings
from tests.shell.post import wav as noise

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 20, 22, 4, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "20261120T220311-0a1b2c3d"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A front door as `screener init` hands it out; its settings."""
    home = tmp_path_factory.mktemp("home")
    starter.write(home)
    return home / "screener.toml"


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.WARNING, logger="screener.sound.transcripts"):
        yield caplog


def made(home: Path, folder: Path, pcm: bytes) -> Transcript | None:
    (folder / "audio.wav").write_bytes(wav(pcm))
    transcripts.make(home, folder)
    return transcripts.of(folder)


def test_pocketsphinx_writes_down_what_it_knows_at_length(home: Path, folder: Path) -> None:
    found = made(home, folder, say(SALES_TALK, "flite:slt"))
    assert found is not None
    assert found.confidence > 0.55
    assert "an important message about your" in found.shown()
    assert names(folder) == ["audio.wav", "transcript.json"]
    data = json.loads((folder / "transcript.json").read_text(encoding="utf-8"))
    assert data["engine"].startswith("PocketSphinx ")


@pytest.mark.parametrize("text", ["Yes.", "Hello, this is Anna. Please call me back."])
def test_what_pocketsphinx_makes_of_short_messages_is_not_shown(
    home: Path, folder: Path, text: str
) -> None:
    assert made(home, folder, say(text)) is None
    data = json.loads((folder / "transcript.json").read_text(encoding="utf-8"))
    assert data["shown"] is False


def test_vosk_writes_down_what_is_said(folder: Path, tmp_path: Path) -> None:
    starter.write(tmp_path / "home")
    models = tmp_path / "home" / "data" / "models"
    models.mkdir(parents=True)
    (models / "tiny").symlink_to(vosk_model.model(ROOT / ".cache"), target_is_directory=True)
    voice = Voice("flite", "slt")
    spoken = b"".join(at_level(voice.say(w), -12) + silence(0.6) for w in ("hello", "office"))
    found = made(tmp_path / "home" / "screener.toml", folder, silence(0.5) + spoken)
    assert found is not None
    assert [word.text for word in found.words] == ["hello", "office"]
    assert found.words[0].end <= found.words[1].start


def test_silence_and_a_broken_file_have_no_transcript(
    home: Path, folder: Path, told: pytest.LogCaptureFixture
) -> None:
    assert made(home, folder, silence(10)) is None
    (folder / "transcript.json").unlink()
    (folder / "audio.wav").write_bytes(b"RIFF????WAVEjunk")
    transcripts.make(home, folder)
    assert names(folder) == ["audio.wav"]
    assert "has no transcript" in told.text


def test_settings_that_are_broken_meanwhile(
    folder: Path, tmp_path: Path, told: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "screener.toml").write_text("country = 7")
    assert made(tmp_path / "screener.toml", folder, say("Hello.")) is None
    assert names(folder) == ["audio.wav"]
    assert "country = 7" in told.text


def test_one_that_takes_too_long_is_none(
    home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, told: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(transcripts, "_LOADING", 0.0)
    monkeypatch.setattr(transcripts, "_EACH_SECOND", 0.0001)
    assert made(home, folder, say("Hello.")) is None
    assert names(folder) == ["audio.wav"]
    assert "none after 0 s" in told.text


def test_it_is_made_once(home: Path, folder: Path) -> None:
    text = json.dumps({"shown": True, "words": [["hello", 0, 1, 0.9]]})
    (folder / "transcript.json").write_text(text)
    assert made(home, folder, say("Office.")) == Transcript((Word("hello", 0.0, 1.0, 0.9),))


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "not json", '{"shown": true}', '{"shown": true, "words": [["a"]]}']
)
def test_one_that_cannot_be_read_is_none(folder: Path, text: str) -> None:
    (folder / "transcript.json").write_text(text)
    assert transcripts.of(folder) is None


class Counting:
    """A decoder that knows how much it was given."""

    def __init__(self) -> None:
        self.given = 0

    def hear(self, pcm: bytes) -> Transcript:
        self.given += len(pcm)
        return Transcript()

    def transcript(self) -> Transcript:
        return Transcript((Word("word", 0.0, 1.0, 0.9),))

    def close(self) -> None:
        pass


@pytest.mark.parametrize(("seconds", "until"), [(299.0, 0.0), (301.0, 300.0)])
def test_five_minutes_are_listened_to(tmp_path: Path, seconds: float, until: float) -> None:
    decoder = Counting()
    found = transcribing.heard(decoder, noise(tmp_path / "long.wav", seconds))
    assert decoder.given == min(seconds, 300) * 16000
    assert found.until == until


# In the mail -------------------------------------------------------------------------------------


async def test_it_is_made_before_the_first_attempt_and_mailed(
    server: MailServer, tmp_path: Path, audio: Path
) -> None:
    asked: list[str] = []

    def transcribe(folder: Path) -> None:
        asked.append(folder.name)
        words = [["come", 0, 1, 0.9], ["<b>\r\n\u202e", 1, 2, 0.9], ["mumble", 2, 3, 0.1]]
        (folder / "transcript.json").write_text(json.dumps({"shown": True, "words": words}))

    outbox = Desk(tmp_path / "outbox", settings(server), UTC, transcribe=transcribe)
    wants = await outbox.put(audio, replace(LETTER, wants_transcript=True))
    await outbox.put(audio, LETTER)
    server.rcpt = lambda _: "450 later"
    await outbox.deliver_due(datetime.now(UTC))
    server.rcpt = lambda _: "250 OK"
    await outbox.deliver_due(datetime.now(UTC) + timedelta(hours=2))
    assert asked == [wants]
    texts = [body(mail) for mail in server.mails]
    assert len(texts) == 2
    [written] = [text for text in texts if "Written down by a machine" in text]
    assert "come <b>\\r\\n\\u202e …" in " ".join(written.split())


async def test_a_mail_goes_without_one(
    server: MailServer,
    home: Path,
    tmp_path: Path,
    audio: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The engine hangs: the mail goes when the time for it is over."""
    monkeypatch.setattr(transcripts, "_LOADING", 0.3)
    monkeypatch.setattr(transcripts, "_EACH_SECOND", 0.0)
    outbox = Desk(
        tmp_path / "outbox",
        settings(server),
        UTC,
        transcribe=lambda folder: transcripts.make(home, folder),
    )
    await outbox.put(audio, replace(LETTER, wants_transcript=True))
    running = asyncio.create_task(outbox.run())
    await server.arrived.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    [mail] = server.mails
    assert "Written down by a machine" not in body(mail)
