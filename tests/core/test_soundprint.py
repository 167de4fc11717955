"""Fingerprints: a stretch is found in its recording, and in no other."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from screener.core.soundprint import LIMIT, WINDOW, Items, Recordings, lively

SEED = st.integers(0, 2**32 - 1)


def recording(random: np.random.Generator, length: int = 240) -> Items:
    """Items as speech has them: each differs from the last one in a few bits."""
    steps = flips(random, length, 0.12)
    steps[0] = random.integers(0, 2**32)
    items: Items = np.bitwise_xor.accumulate(steps)
    return items


def flips(random: np.random.Generator, length: int, share: float) -> Items:
    """Items in which each bit is set by this chance."""
    bits: NDArray[np.bool_] = random.random((length, 32)) < share
    return np.packbits(bits, axis=1).view("<u4").ravel().astype(np.uint32)


@given(SEED, st.integers(0, 19), st.integers(0, 190), st.floats(0.0, 0.1))
def test_a_stretch_is_found_in_its_recording_and_in_no_other(
    seed: int, place: int, start: int, errors: float
) -> None:
    random = np.random.default_rng(seed)
    known = [recording(random) for _ in range(20)]
    stretch = known[place][start : start + 44]
    heard = stretch ^ flips(random, len(stretch), errors)
    found = Recordings(known).alike(heard)
    assert [one.place for one in found] == [place]
    assert found[0].errors <= errors + 0.05


@given(SEED)
def test_what_was_never_played_is_found_nowhere(seed: int) -> None:
    random = np.random.default_rng(seed)
    known = Recordings([recording(random) for _ in range(20)])
    assert known.alike(recording(random, 44)) == ()


@given(SEED, st.integers(0, 3))
def test_a_stretch_across_two_recordings_is_in_neither(seed: int, more: int) -> None:
    """The end of one and the beginning of the next stand side by side in the index only."""
    random = np.random.default_rng(seed)
    one, two = recording(random), recording(random)
    half = WINDOW // 2
    across = np.concatenate([one[-half - more :], two[: half - more - 1]])
    assert Recordings([one, two]).alike(across) == ()


@given(SEED)
def test_a_window_that_differs_in_more_bits_than_the_limit_is_another(seed: int) -> None:
    random = np.random.default_rng(seed)
    known = recording(random)
    stretch = known[50 : 50 + WINDOW].copy()
    stretch[: int(WINDOW * 2 * (LIMIT + 0.05))] ^= np.uint32(0x0F0F0F0F)  # half of their bits
    assert Recordings([known]).alike(stretch) == ()


def test_the_most_alike_comes_first() -> None:
    random = np.random.default_rng(1)
    known = recording(random)
    again = known ^ flips(random, len(known), 0.08)
    found = Recordings([again, known]).alike(known[20:64])
    assert [one.place for one in found] == [1, 0]
    assert found[0].errors == 0


def test_a_steady_sound_is_like_nothing() -> None:
    hum = np.full(240, 0x12345678, np.uint32)
    hum[::9] ^= np.uint32(1)
    assert not lively(hum)
    assert Recordings([hum]).alike(hum[:44]) == ()


def test_too_short_is_like_nothing() -> None:
    known = recording(np.random.default_rng(2))
    for length in range(WINDOW):
        assert not lively(known[:length])
        assert Recordings([known]).alike(known[:length]) == ()
    assert lively(known[:WINDOW])
    assert len(Recordings([known]).alike(known[:WINDOW])) == 1


def test_where_nothing_is_known_nothing_is_found() -> None:
    stretch = recording(np.random.default_rng(3), 44)
    assert Recordings([]).alike(stretch) == ()
    assert Recordings([stretch[:0], stretch[:5]]).alike(stretch) == ()
