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


def test_a_click_neither_clips_nor_holds_the_voice_down() -> None:
    samples = array("h", voice(-40, 3.0))
    samples[4000] = 32000
    evened = array("h", even_out(samples.tobytes()))
    assert max(evened) <= 32768 * 10 ** (HIGHEST_PEAK / 20) + 1
    assert level(evened[8000:].tobytes()) == pytest.approx(SPEECH_LEVEL, abs=0.5)


def test_peaks_are_turned_down_around_them_and_nothing_else_is() -> None:
    samples = array("h", voice(-21, 1.0))
    untouched = array("h", even_out(samples.tobytes()))
    samples[4000] = 32000
    evened = array("h", even_out(samples.tobytes()))
    assert max(map(abs, evened)) <= 32768 * 10 ** (HIGHEST_PEAK / 20) + 1
    ratios = [b / a for a, b in zip(untouched, evened, strict=True) if abs(a) > 2000]
    assert max(ratios) / sorted(ratios)[len(ratios) // 2] < 1.01
    assert sum(ratio < 0.99 * ratios[0] for ratio in ratios) < 8000 * 0.02


def test_a_sine_has_the_loudness_that_the_standard_says() -> None:
    # ITU-R BS.1770-4, annex 1: a sine of 997 Hz has its RMS level, here 20 dB below full scale.
    assert level(synthesise([Tone(997, 3.0)], -23.01)) == pytest.approx(-23.01, abs=0.1)


def test_low_tones_count_for_less_than_high_ones() -> None:
    low, high = (level(synthesise([Tone(pitch, 2.0)], -30)) for pitch in (60, 3000))
    assert high - low == pytest.approx(7.5, abs=1.5)


def test_a_word_alone_is_as_loud_as_the_same_word_said_over_and_over() -> None:
    word = voice(-25, 0.2) + silence(0.1)
    assert level(word) == pytest.approx(level(word * 10), abs=0.2)


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
