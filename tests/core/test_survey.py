"""What is heard of a recording: levels, keys' tones and loudness, on sound that is computed."""

import math

import numpy as np
import pytest

from screener.core.loudness import Samples, level
from screener.core.survey import FRAMES, Heard, Survey
from screener.core.tones import COLUMNS, ROWS

RATE = 8000
RNG = np.random.default_rng(7)


def tone(seconds: float, *hertz: float, dbfs: float = -20.0, rate: int = RATE) -> bytes:
    """Sines of equal strength, together as loud (RMS) as `dbfs`."""
    times = np.arange(round(seconds * rate)) / rate
    sound = np.sin(2 * np.pi * np.outer(hertz, times)).sum(axis=0) / math.sqrt(len(hertz) / 2)
    return pcm(sound * 10 ** (dbfs / 20))


def noise(seconds: float, dbfs: float) -> bytes:
    return pcm(RNG.normal(0, 10 ** (dbfs / 20), round(seconds * RATE)))


def pcm(sound: Samples) -> bytes:
    return (32767 * sound).round().clip(-32768, 32767).astype("<i2").tobytes()


def heard(sound: bytes, piece: int = 16000, rate: int = RATE) -> Heard:
    survey = Survey(rate)
    for at in range(0, len(sound), piece):
        survey.hear(sound[at : at + piece])
    return survey.heard()


def test_each_frame_has_its_level() -> None:
    found = heard(bytes(1600) + tone(0.1, 1000, dbfs=-20) + noise(0.1, -50))
    assert found.levels[:5] == pytest.approx([-90.3] * 5, abs=0.1)
    assert found.levels[5:10] == pytest.approx([-20] * 5, abs=0.1)
    assert found.levels[10:] == pytest.approx([-50] * 5, abs=1.5)
    assert found.seconds == 0.3


@pytest.mark.parametrize("piece", [2, 70, 1600, 4801, 100000])
def test_it_does_not_matter_where_pieces_end(piece: int) -> None:
    sound = noise(0.5, -40) + tone(0.3, 697, 1209) + noise(0.55, -30)
    whole, pieces = heard(sound, len(sound)), heard(sound, piece)
    assert np.array_equal(whole.levels, pieces.levels)
    assert np.array_equal(whole.tones, pieces.tones)
    assert whole.weights == pytest.approx(pieces.weights, rel=0.01, abs=1e-9)


@pytest.mark.parametrize("samples", [1, 159, 160, 161, 800, 801])
def test_a_last_part_of_a_frame_counts_as_one(samples: int) -> None:
    found = heard(tone(1, 1000)[: 2 * samples])
    assert len(found.levels) == len(found.tones) == math.ceil(samples / 160)
    assert len(found.weights) == math.ceil(samples / 800)


def test_of_nothing_nothing_is_heard() -> None:
    found = heard(b"")
    assert (len(found.levels), found.loudness(0, 0)) == (0, -math.inf)


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("off", [0.985, 1.0, 1.015])
def test_every_key_is_known_by_its_tone(row: float, column: float, off: float) -> None:
    """Within what a telephone's keys may be off (Q.24: 1.5 %), in noise."""
    sound = np.frombuffer(tone(0.1, row * off, column * off), "<i2")
    sound = sound + np.frombuffer(noise(0.1, -45), "<i2")
    found = heard(noise(0.2, -45) + sound.astype("<i2").tobytes() + noise(0.2, -45))
    at = np.flatnonzero(found.tones)
    assert (at[0], at[-1]) == (9, 15)  # and the frames around


@pytest.mark.parametrize(
    "hertz", [(697,), (1209,), (440, 480), (350, 440), (697, 770), (500, 1500), (300, 600, 900)]
)
def test_other_tones_are_no_keys(hertz: tuple[float, ...]) -> None:
    assert not heard(tone(1, *hertz)).tones.any()


def test_a_moment_is_no_key() -> None:
    assert not heard(noise(0.2, -50) + tone(0.02, 770, 1336) + noise(0.2, -50)).tones.any()


def test_too_faint_to_be_a_key_is_none() -> None:
    assert not heard(tone(1, 770, 1336, dbfs=-50)).tones.any()


@pytest.mark.parametrize("dbfs", [-10.0, -23.0, -40.0])
@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_the_loudness_of_a_sine_is_its_level(dbfs: float, rate: int) -> None:
    """BS.1770: 997 Hz at 0 dBFS (peak) in one channel is -3.01 LUFS: as loud as its RMS."""
    found = heard(tone(3, 997, dbfs=dbfs, rate=rate), rate=rate)
    assert found.loudness(0, 3) == pytest.approx(dbfs, abs=0.1)


def test_pauses_do_not_count() -> None:
    found = heard(tone(3, 997, dbfs=-23) + bytes(16000 * 30) + tone(3, 997, dbfs=-23))
    assert found.loudness(0, found.seconds) == pytest.approx(-23, abs=0.3)


def test_the_loudness_is_that_of_the_stretch() -> None:
    found = heard(tone(3, 997, dbfs=-10) + tone(3, 997, dbfs=-30))
    assert found.loudness(0, 3) == pytest.approx(-10, abs=0.1)
    assert found.loudness(3, 6) == pytest.approx(-30, abs=0.1)
    assert heard(bytes(16000)).loudness(0, 1) == -math.inf


def test_it_agrees_with_what_evens_out_prompts() -> None:
    sound = noise(2, -30) + bytes(16000) + noise(3, -20) + tone(1, 300, dbfs=-25)
    assert heard(sound).loudness(0, 7) == pytest.approx(level(sound), abs=0.1)


def test_what_is_kept_of_an_hour_is_little() -> None:
    survey = Survey(RATE)
    minute = noise(60, -40)
    survey.hear(minute)
    found = survey.heard()
    kept = found.levels.nbytes + found.tones.nbytes + found.weights.nbytes
    assert kept <= 60 * 6 * FRAMES
