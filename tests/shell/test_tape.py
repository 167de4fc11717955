"""Measuring a recording: how long it is, and how much of it is speech."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest

from screener.tape import measure
from tests.calls import speech


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
