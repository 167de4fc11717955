"""The tones that screener plays have the frequencies, lengths and level that they must have."""

import math
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.core.signals import BEEP, RATE, SIT_ITU, SIT_VACANT_CODE, Tone, synthesise


def samples_of(pcm: bytes) -> list[int]:
    return list(array("h", pcm))


def power(samples: list[int], hertz: float) -> float:
    """The share of the samples' power that lies at one frequency (a single DFT bin)."""
    turn = 2 * math.pi * hertz / RATE
    real = sum(s * math.cos(turn * n) for n, s in enumerate(samples))
    imaginary = sum(s * math.sin(turn * n) for n, s in enumerate(samples))
    total = sum(s * s for s in samples)
    return 2 * (real * real + imaginary * imaginary) / (len(samples) * total)


@pytest.mark.parametrize("tones", [SIT_ITU, SIT_VACANT_CODE])
def test_the_information_tones_rise_in_three_steps_at_their_frequencies(
    tones: tuple[Tone, ...],
) -> None:
    samples = samples_of(synthesise(tones))
    start = 0
    for tone in tones:
        end = start + round(tone.seconds * RATE)
        part = samples[start:end]
        assert power(part, tone.hertz) > 0.95
        others = [other.hertz for other in tones if other is not tone]
        assert all(power(part, hertz) < 0.02 for hertz in others)
        start = end
    assert start == len(samples)
    assert [t.hertz for t in tones] == sorted(t.hertz for t in tones)


def test_the_itu_tones_are_within_the_recommendation() -> None:
    for tone, hertz in zip(SIT_ITU, (950, 1400, 1800), strict=True):
        assert abs(tone.hertz - hertz) <= 50
        assert 0.26 <= tone.seconds <= 0.40


def test_the_beep_is_a_quarter_of_a_second_after_a_breath() -> None:
    samples = samples_of(synthesise(BEEP))
    assert not any(samples[: RATE // 10])
    assert len(samples) == round(0.35 * RATE)
    assert power(samples[RATE // 10 :], 1000) > 0.95


@given(
    st.floats(0, RATE / 2, exclude_max=True),
    st.floats(0, 0.05),
    st.floats(-60, -3.02),
)
def test_no_tone_clips_or_clicks(hertz: float, seconds: float, dbfs: float) -> None:
    samples = samples_of(synthesise([Tone(hertz, seconds)], dbfs))
    assert len(samples) == round(seconds * RATE)
    if samples:
        assert samples[0] == samples[-1] == 0
        assert max(map(abs, samples)) <= 32767


def test_the_level_is_the_level_asked_for() -> None:
    samples = samples_of(synthesise([Tone(1000, 1.0)], dbfs=-20.0))
    rms = math.sqrt(sum(s * s for s in samples) / len(samples))
    assert 20 * math.log10(rms / 32768) == pytest.approx(-20.0, abs=0.1)


@pytest.mark.parametrize(("hertz", "dbfs"), [(4000, -16), (-1, -16), (1000, 0)])
def test_what_cannot_be_made_is_refused(hertz: float, dbfs: float) -> None:
    with pytest.raises(ValueError, match=r"does not fit|louder"):
        synthesise([Tone(hertz, 0.1)], dbfs)
