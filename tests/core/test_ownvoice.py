"""A recording is fit to be a prompt when it holds a voice that was not cut off."""

import pytest

from screener.core.loudness import trim
from screener.core.ownvoice import Fault, fault
from screener.core.signals import BEEP, synthesise
from tests.core.sounds import line, noise, quiet, tone, voice


def recorded(*sounds: object) -> bytes:
    """What comes over a telephone line, the silence around it cut off."""
    return trim(b"".join(line(*sounds)))  # type: ignore[arg-type]


@pytest.mark.parametrize("dbfs", [-45.0, -30.0, -20.0, -14.0])
def test_a_voice_is_fit_however_loud_it_is(dbfs: float) -> None:
    assert fault(recorded(quiet(1), voice("thank you for calling", dbfs=dbfs), quiet(1))) is None


@pytest.mark.parametrize("word", ["six", "eight", "plus", "go"])
def test_one_word_is_a_voice(word: str) -> None:
    assert fault(recorded(quiet(0.5), voice(word), quiet(0.5))) is None


@pytest.mark.parametrize("dbfs", [-70.0, -45.0, -20.0])
def test_hiss_is_none(dbfs: float) -> None:
    assert fault(recorded(noise(3, dbfs))) is Fault.SILENT


def test_a_tone_is_none_unless_it_may_be_any_sound() -> None:
    assert fault(recorded(tone([440], 2))) is Fault.SILENT
    beep = synthesise(BEEP)
    assert fault(beep) is Fault.SILENT
    assert fault(beep, voice=False) is None
    assert fault(bytes(16000), voice=False) is Fault.SILENT


def test_tops_that_are_cut_off_are_heard_as_such() -> None:
    loud = recorded(voice("this was recorded much too loud", dbfs=-2.0))
    assert fault(loud) is Fault.CLIPPED


def test_a_recording_of_two_minutes_is_too_long() -> None:
    assert fault(recorded(*[voice()] * 30)[: 2 * 8000 * 120]) is Fault.LONG
    assert fault(b"") is Fault.SILENT
