"""A window of one tone or two has their lines; of anything else it has none."""

import numpy as np
import pytest

from screener.core.spectrum import BROAD, MELTED, QUIET, WINDOW, Samples, Spectrum, spectra
from tests.core.sounds import noise, tone


def spectrum_of(sound: Samples, noise: float = 0.0) -> Spectrum:
    [found] = spectra(sound[np.newaxis, 800 : 800 + WINDOW], noise)  # past its soft beginning
    return found


@pytest.mark.parametrize("hertz", [350.0, 425.0, 1004.0, 1812.5, 2100.0, 3200.0])
def test_a_sine_is_one_narrow_line(hertz: float) -> None:
    found = spectrum_of(tone([hertz], 0.3))
    assert found.lines == pytest.approx([hertz], abs=1.0)
    assert found.width < BROAD
    assert found.peak > 0.4


@pytest.mark.parametrize("pair", [(350.0, 440.0), (480.0, 620.0), (697.0, 1477.0)])
def test_two_sines_are_two_lines_the_lower_first(pair: tuple[float, float]) -> None:
    assert spectrum_of(tone(pair, 0.3)).lines == pytest.approx(pair, abs=8.0)


def test_two_sines_that_lie_near_are_one_broad_line_between_them() -> None:
    near = (413.0, 438.0)
    assert near[1] - near[0] < MELTED
    found = [spectrum_of(tone(near, 0.5)[at:]) for at in range(0, 2400, 160)]
    assert all(len(one.lines) == 1 for one in found)
    assert np.mean([one.lines[0] for one in found]) == pytest.approx(425.5, abs=4.0)
    assert np.mean([one.width for one in found]) > BROAD


def test_a_sine_is_found_under_the_lines_own_noise() -> None:
    loud, faint = tone([1004.0], 0.3), noise(0.3, -30.0)
    sound = loud + faint
    found = spectrum_of(sound, float(np.mean(faint**2)))
    assert found.lines == pytest.approx([1004.0], abs=5.0)


def test_noise_and_nothing_have_no_line() -> None:
    assert spectrum_of(noise(0.3, -20.0)).lines == ()
    assert spectrum_of(np.zeros(2400)) == QUIET


def test_many_windows_are_looked_at_as_each_alone() -> None:
    sound = np.concatenate([tone([440.0], 0.3), noise(0.3, -20.0), tone([480.0, 620.0], 0.3)])
    windows = sound[: len(sound) // WINDOW * WINDOW].reshape(-1, WINDOW)
    alone = [spectra(window[np.newaxis], 0.0)[0].lines for window in windows]
    assert [one.lines for one in spectra(windows, 0.0)] == alone
    assert {len(lines) for lines in alone} == {0, 1, 2}
