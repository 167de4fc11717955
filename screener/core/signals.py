"""Tones that screener plays: the beep before a recording, and the special information tones (SIT).

Synthesis only: numbers in, 16-bit little-endian mono PCM at 8 kHz out. Sources: ITU-T E.180/Q.35
for the special information tone; Telcordia (Bellcore) SR-2275 for the North American variants, in
which the frequencies and lengths of the first two tones tell a machine why the call failed.
"""

import math
import sys
from array import array
from collections.abc import Iterable
from dataclasses import dataclass

RATE = 8000
"""Samples per second of everything made here."""

FULL_SCALE = 32767
RAMP = 0.002
"""Seconds over which a tone swells and fades: an abrupt edge would click, and North American SIT
allow 4 ms between tones."""


@dataclass(frozen=True, slots=True)
class Tone:
    """A sine of `hertz` for `seconds`; zero hertz is silence."""

    hertz: float
    seconds: float


BEEP = (Tone(0.0, 0.1), Tone(1000.0, 0.25))
"""What a caller hears before a recording: 1 kHz for a quarter of a second after a short pause."""

NEARLY_OVER = (Tone(800.0, 0.12), Tone(0.0, 0.1), Tone(800.0, 0.12))
"""What a caller hears whose recording is soon at its limit."""

WORKING = (Tone(500.0, 0.2),)
"""What a caller hears now and then while his message is put away."""

SIT_ITU = (Tone(950.0, 0.33), Tone(1400.0, 0.33), Tone(1800.0, 0.33))
"""ITU-T E.180/Q.35: three tones in succession, 330 ms each (70 ms either way), no gap needed."""

SIT_VACANT_CODE = (Tone(985.2, 0.38), Tone(1370.6, 0.274), Tone(1776.7, 0.38))
"""North America, "vacant code": the number is not assigned. Long, short, long."""


def synthesise(tones: Iterable[Tone], dbfs: float = -21.0) -> bytes:
    """Return the tones one after the other as 16-bit little-endian mono PCM at `RATE`.

    `dbfs` is the RMS level in decibels below full scale; a sine that just fills the scale is at
    -3.01. A louder one would clip and raises `ValueError`, as does a tone that 8 kHz cannot hold.
    """
    peak = FULL_SCALE * 10 ** (dbfs / 20) * math.sqrt(2)
    if peak > FULL_SCALE:
        raise ValueError(f"{dbfs} dBFS is louder than a sine can be (-3.01 dBFS)")
    samples = array("h")
    for tone in tones:
        samples.extend(_sine(tone, peak))
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()


def _sine(tone: Tone, peak: float) -> Iterable[int]:
    if not 0 <= tone.hertz < RATE / 2:
        raise ValueError(f"a tone of {tone.hertz} Hz does not fit into {RATE} samples a second")
    count = round(tone.seconds * RATE)
    ramp = min(round(RAMP * RATE), count // 2) or 1
    step = 2 * math.pi * tone.hertz / RATE
    for n in range(count):
        swell = min(1.0, n / ramp, (count - 1 - n) / ramp)
        yield round(peak * swell * math.sin(step * n))
