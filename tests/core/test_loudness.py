"""A voice is brought to one level without clipping, and loses the silence around it."""

import math
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.core.loudness import HIGHEST_PEAK, RATE, SPEECH_LEVEL, even_out, level, trim
from screener.core.signals import Tone, synthesise


def voice(dbfs: float, seconds: float = 1.0) -> bytes:
    return synthesise([Tone(300, seconds)], dbfs)


def silence(seconds: float) -> bytes:
    return bytes(2 * round(seconds * RATE))


@pytest.mark.parametrize("dbfs", [-45.0, -30.0, -19.0, -5.0])
def test_every_voice_comes_to_the_same_level(dbfs: float) -> None:
    assert level(even_out(voice(dbfs))) == pytest.approx(SPEECH_LEVEL, abs=0.1)


def test_pauses_do_not_make_a_voice_louder() -> None:
    talk = voice(-30) + silence(5) + voice(-30)
    assert level(even_out(talk)) == pytest.approx(SPEECH_LEVEL, abs=0.1)


def test_a_click_holds_the_level_down_rather_than_clip() -> None:
    samples = array("h", voice(-40))
    samples[4000] = 32000
    evened = array("h", even_out(samples.tobytes()))
    assert max(evened) == pytest.approx(32768 * 10 ** (HIGHEST_PEAK / 20), abs=2)


@pytest.mark.parametrize("pcm", [b"", b"\0", silence(1), voice(-70)])
def test_silence_stays_nothing(pcm: bytes) -> None:
    assert even_out(pcm) == b""


@given(st.binary(max_size=4000))
def test_no_bytes_at_all_make_it_clip_or_fail(pcm: bytes) -> None:
    evened = array("h", even_out(pcm))
    ceiling = 32768 * 10 ** (HIGHEST_PEAK / 20) + 1
    assert all(abs(sample) <= ceiling for sample in evened)


def test_the_silence_around_a_voice_is_cut_to_a_breath() -> None:
    trimmed = trim(silence(2) + voice(-20, 1.0) + silence(3), lead=0.06, tail=0.15)
    assert len(trimmed) / 2 / RATE == pytest.approx(0.06 + 1.0 + 0.15, abs=0.02)


def test_a_voice_that_ends_at_once_is_given_its_tail() -> None:
    assert len(trim(voice(-20, 1.0), lead=0.0, tail=0.5)) / 2 / RATE == pytest.approx(1.5, abs=0.02)


def test_nothing_is_trimmed_off_silence() -> None:
    assert trim(silence(1)) == silence(1)
    assert level(silence(1)) == -math.inf
