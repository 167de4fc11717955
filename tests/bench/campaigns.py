"""Ten thousand recordings: how long it takes to find the one that a caller plays, and the memory.

    python -m tests.bench.campaigns            # some 20 s
    python -m tests.bench.campaigns --quick    # a tenth of the recordings

The recordings are 240 items long (30 s of speech) and are put together of pieces of 6 to 12 items
out of real speech, so that their keys are as unevenly spread as those of speech are: synthesised
voices, fingerprinted. A caller's stretch is 8 s (44 items) of one of them, or of none, with 6 % of
its bits turned, as GSM does. Beside ours stands a bare numpy search: XOR with every position of
every recording, the bits counted, the smallest sum of a window.

One process does it all, one thing after the other; memory is what was added to it.
"""

from __future__ import annotations

import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import numpy as np
import psutil
from numpy.typing import NDArray

from screener.campaigns.fingerprint import fingerprint
from screener.core.campaign import Campaign, Known, Standing, named, packed
from screener.core.soundprint import WINDOW, Items
from tests.calls import speech

COUNT = 10_000
ITEMS = 240
STRETCH = 44
TARGET_MS = 20.0
_ASKED = 400
_BARE = 5
_TEXTS = (
    "Your car's factory warranty is about to expire, and this is the final courtesy call.",
    "We have noticed a suspicious purchase on your account for nine hundred dollars.",
    "This is an important message about your electric bill, please have your statement ready.",
    "Your social security number has been used in a crime, do not ignore this call.",
    "Congratulations, you have been selected for a lower interest rate on your credit cards.",
    "If you wish to speak with a live agent press one, to be removed from our list press two.",
)
_VOICES = ("flite:rms", "flite:awb", "flite:slt", "flite:kal")


@dataclass(frozen=True, slots=True)
class Matched:
    """What it took. Times are in milliseconds for one stretch, memory in MB; `build_s` is how long
    it takes to make all of it searchable anew, as after a campaign was learnt. `bare_ms` is the
    median of the bare search; `missed` stretches were not found, `wrong` ones found elsewhere."""

    count: int
    median_ms: float
    worst_ms: float
    bare_ms: float
    fingerprint_ms: float
    memory_mb: float
    build_s: float
    missed: int
    wrong: int


def campaigns(count: int = COUNT) -> Matched:
    """Measure in a process of its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(_measure, count).result()


def _measure(count: int) -> Matched:
    random = np.random.default_rng(0)
    texts = [" ".join((*_TEXTS[n:], *_TEXTS[:n])) for n in (0, 2, 4)]
    real = [fingerprint(speech.say(text, voice)) for text in texts for voice in _VOICES]
    made = [_recording(random, real, ITEMS) for _ in range(count)]
    every = [_campaign(items) for items in made]
    before = _memory()
    begun = time.perf_counter()
    known = Known(every)
    build = time.perf_counter() - begun
    grown = _memory() - before
    times, missed, wrong = [], 0, 0
    for n in range(_ASKED):
        place = int(random.integers(count)) if n % 2 else None
        start = int(random.integers(ITEMS - STRETCH))
        played = _recording(random, real, STRETCH)
        if place is not None:
            played = made[place][start : start + STRETCH]
        heard = _turned(random, played, 0.06)
        begun = time.perf_counter()
        found = known.like(heard, "")
        times.append(time.perf_counter() - begun)
        missed += place is not None and found is None
        wrong += found is not None and (place is None or found.campaign is not every[place])
    joined = np.concatenate(made)
    bare = [_timed(partial(_bare, joined, heard)) for _ in range(_BARE)]
    sound = (speech.say(_TEXTS[0]) * 3)[: 8 * 16000]
    prints = [_timed(partial(fingerprint, sound)) for _ in range(21)]
    return Matched(
        count,
        statistics.median(times) * 1e3,
        max(times) * 1e3,
        statistics.median(bare) * 1e3,
        statistics.median(prints) * 1e3,
        (grown + sum(sys.getsizeof(one.sound) for one in every)) / 1e6,
        build,
        missed,
        wrong,
    )


def _campaign(items: Items) -> Campaign:
    sound = packed(items)
    now = datetime(2026, 11, 16, tzinfo=UTC)
    return Campaign(named(sound, b""), Standing.UNWANTED, now, now, sound=sound)


def _recording(random: np.random.Generator, real: Sequence[Items], length: int) -> Items:
    pieces: list[Items] = []
    while sum(map(len, pieces)) < length:
        of = real[int(random.integers(len(real)))]
        size = int(random.integers(6, 13))
        start = int(random.integers(len(of) - size))
        pieces.append(of[start : start + size])
    return _turned(random, np.concatenate(pieces)[:length], 0.05)


def _turned(random: np.random.Generator, items: Items, share: float) -> Items:
    bits: NDArray[np.bool_] = random.random((len(items), 32)) < share
    turned: Items = items ^ np.packbits(bits, axis=1).view("<u4").ravel()
    return turned


def _bare(items: Items, heard: Items) -> int:
    """The smallest number of bits in which the first window differs from any place."""
    places = len(items) - WINDOW + 1
    differ = np.zeros(places, np.int16)
    for at in range(WINDOW):
        differ += np.bitwise_count(items[at : at + places] ^ heard[at])
    return int(differ.min())


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _memory() -> int:
    return int(psutil.Process().memory_full_info().uss)


def told(matched: Matched) -> str:
    """The figures in lines for people."""
    return "\n".join(
        (
            f"{matched.count:,} recordings of 30 s, {matched.memory_mb:.0f} MB,"
            f" searchable anew in {matched.build_s:.2f} s",
            f"one stretch of 8 s found or not: {matched.median_ms:.1f} ms in the middle,"
            f" {matched.worst_ms:.1f} ms at most (target {TARGET_MS:g}),"
            f" and {matched.fingerprint_ms:.1f} ms for its fingerprint",
            f"bare numpy, XOR and count of every position: {matched.bare_ms:.0f} ms",
            f"of {_ASKED} stretches {matched.missed} missed, {matched.wrong} found elsewhere",
        )
    )


if __name__ == "__main__":
    print(told(campaigns(COUNT // 10 if "--quick" in sys.argv else COUNT)))
