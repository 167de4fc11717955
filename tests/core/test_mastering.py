"""What is done to a recording: where it is cut and by how much it is raised, as arithmetic."""

import math
from itertools import pairwise

import numpy as np
import pytest

from screener.core.mastering import Stretch, cuts, gain, master, voiced
from screener.core.survey import FRAMES, Flags, Floats
from tests.core.test_survey import heard, noise, tone


def levels(*parts: tuple[float, float]) -> Floats:
    """Frames of a level in dBFS, for so many seconds each."""
    return np.concatenate([np.full(round(s * FRAMES), level) for s, level in parts])


def silent(of: Floats) -> Flags:
    return np.zeros(len(of), bool)


def test_silence_around_a_voice_goes() -> None:
    of = levels((5, -65), (3, -25), (0.4, -65), (2, -25), (8, -65))
    assert voiced(of, silent(of)) == Stretch(4.7, 10.9)


def test_what_begins_and_ends_with_a_voice_stays_whole() -> None:
    of = levels((3, -25), (2, -65), (3, -25))
    assert voiced(of, silent(of)) == Stretch(0, 8)


def test_a_pause_in_the_middle_is_left_however_long() -> None:
    of = levels((1, -65), (2, -25), (40, -65), (2, -25), (1, -65))
    assert voiced(of, silent(of)) == Stretch(0.7, 45.5)


def test_the_tone_of_the_key_that_ended_it_goes() -> None:
    of = levels((1, -65), (2, -25), (0.2, -65), (0.3, -12), (0.1, -65))
    tones = silent(of)
    tones[160:175] = True
    assert voiced(of, tones) == Stretch(0.7, 3.2)  # right up to it


def test_keys_at_both_ends_go_and_one_in_the_middle_stays() -> None:
    of = levels((0.3, -12), (0.2, -65), (2, -25), (0.3, -12), (2, -25), (0.1, -65), (0.5, -12))
    tones = silent(of)
    for start, end in ((0, 15), (125, 140), (245, 270)):
        tones[start:end] = True
    assert voiced(of, tones) == Stretch(0.3, 4.9)


def test_several_keys_one_after_the_other_go() -> None:
    of = levels((2, -25), *(((0.2, -65), (0.2, -10)) * 3), (1, -65))
    tones = silent(of)
    for start in (110, 130, 150):
        tones[start : start + 10] = True
    assert voiced(of, tones) == Stretch(0, 2.2)


def test_a_click_is_no_voice() -> None:
    of = levels((3, -65), (0.04, -3), (2, -65), (2, -30), (2, -65), (0.04, -3), (1, -65))
    assert voiced(of, silent(of)) == Stretch(4.74, 7.54)


def test_who_begins_softly_is_not_cut() -> None:
    """From a breath to full voice within a second, and out again."""
    rising = np.linspace(-62, -25, FRAMES)
    of = np.concatenate(
        [levels((3, -65)), rising, levels((2, -25)), rising[::-1], levels((3, -65))]
    )
    kept = voiced(of, silent(of))
    assert 3.0 - 0.3 <= kept.start <= 3.0 + 0.2
    assert 7.0 - 0.2 <= kept.end <= 7.0 + 0.5


def test_a_soft_voice_after_a_loud_noise_is_kept() -> None:
    of = levels((0.3, -3), (1, -65), (3, -48), (2, -65))
    assert voiced(of, silent(of)) == Stretch(0, 4.8)


@pytest.mark.parametrize("level", [-90.3, -60.0, -30.0, -10.0])
def test_what_is_the_same_throughout_is_not_cut(level: float) -> None:
    of = levels((20, level))
    assert voiced(of, silent(of)) == Stretch(0, 20)


def test_nothing_but_keys_is_not_cut() -> None:
    of = levels((1, -20))
    assert voiced(of, ~silent(of)) == Stretch(0, 1)


def test_a_single_frame_is_kept() -> None:
    of = levels((0.02, -20))
    assert voiced(of, silent(of)) == Stretch(0, 0.02)


@pytest.mark.parametrize(
    ("loudness", "noise", "raised"),
    [
        (-25.0, -60.0, 6.0),
        (-10.0, -60.0, -9.0),  # too loud
        (-30.0, -45.0, 11.0),  # up to 12 dB whatever the noise is
        (-35.0, -45.0, 12.0),
        (-35.0, -55.0, 15.0),  # the noise comes to -40 dBFS
        (-35.0, -75.0, 16.0),
        (-50.0, -70.0, 24.0),  # a whisper: no more than that
        (-69.0, -90.0, 24.0),
        (-math.inf, -90.0, 0.0),
        (-math.inf, -math.inf, 0.0),
    ],
)
def test_how_much_louder_it_is_made(loudness: float, noise: float, raised: float) -> None:
    assert gain(loudness, noise) == raised


def test_the_loudness_is_that_of_what_is_kept() -> None:
    """A key's tone much louder than the voice does not make the voice quieter."""
    voice = noise(3, -35)
    plain = master(heard(bytes(32000) + voice + bytes(32000)))
    keyed = master(heard(bytes(32000) + voice + bytes(8000) + tone(1, 941, 1336, dbfs=-8)))
    assert plain.kept == Stretch(1.7, 5.5)
    assert keyed.kept == Stretch(1.7, 5.48)
    assert keyed.gain == pytest.approx(plain.gain, abs=0.1)


# In parts ----------------------------------------------------------------------------------------


def assert_whole(parts: list[Stretch], of: Stretch, longest: float) -> None:
    assert (parts[0].start, parts[-1].end) == (of.start, of.end)
    assert all(a.end == b.start for a, b in pairwise(parts))
    assert all(0 < part.seconds <= longest for part in parts)


def test_it_is_cut_where_it_is_quiet() -> None:
    of = levels((25, -20), (1, -60), (25, -20), (1, -60), (25, -20))
    whole = Stretch(0, 77)
    parts = cuts(of, whole, 30)
    assert_whole(parts, whole, 30)
    assert [part.end for part in parts] == pytest.approx([25.5, 51.5, 77], abs=0.3)


def test_without_a_pause_it_is_cut_all_the_same() -> None:
    of = levels((100, -20))
    whole = Stretch(3, 99)
    parts = cuts(of, whole, 30)
    assert_whole(parts, whole, 30)
    assert len(parts) == 4
    assert min(part.seconds for part in parts) > 18


@pytest.mark.parametrize("longest", [1.0, 7.3, 59.99, 60.0, 1000.0])
def test_no_part_is_too_long(longest: float) -> None:
    of = np.random.default_rng(1).uniform(-60, -20, 60 * FRAMES)
    whole = Stretch(0, 60)
    assert_whole(cuts(of, whole, longest), whole, longest)


def test_what_is_short_enough_is_one_part() -> None:
    of = levels((10, -20))
    assert cuts(of, Stretch(1, 9), 8) == [Stretch(1, 9)]
