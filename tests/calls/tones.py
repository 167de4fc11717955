"""What lines carry that is no speech, by arithmetic: tones of the network, music, whistling.

Sound is PCM: bytes, 16 bit little-endian, 8000 Hz, mono. Sources: ITU-T E.180 supplement 2 (tones
of the countries), ITU-T T.30 (fax), ITU-T Q.23 (keys).
"""

from __future__ import annotations

import array
import math
from collections.abc import Sequence
from functools import lru_cache

from tests.calls.speech import RATE, at_level, mix, recordings, silence, tone

KEYS = {
    key: (row, column)
    for row, line in zip((697, 770, 852, 941), ("123A", "456B", "789C", "*0#D"), strict=True)
    for column, key in zip((1209, 1336, 1477, 1633), line, strict=True)
}
"""The two frequencies of each key."""


def cadence(hertz: Sequence[float], *on_off: float, seconds: float, dbfs: float = -19.0) -> bytes:
    """Tones together, on and off in turn for so many seconds each, over and over."""
    pieces = b""
    on = True
    while len(pieces) < 2 * RATE * seconds:
        for length in on_off:
            pieces += chord(hertz, length, dbfs) if on else silence(length)
            on = not on
        on = True
    return pieces[: 2 * round(RATE * seconds)]


def chord(hertz: Sequence[float], seconds: float, dbfs: float = -19.0) -> bytes:
    """Tones of the same level, together."""
    sound = b""
    for each in hertz:
        sound = mix(sound, tone(each, seconds, dbfs - 10 * math.log10(len(hertz))))
    return sound


def busy(seconds: float) -> bytes:
    """North America's busy tone."""
    return cadence((480.0, 620.0), 0.5, 0.5, seconds=seconds)


def ringback(seconds: float) -> bytes:
    """The United Kingdom's ringing tone, which comes in pairs as syllables do."""
    return cadence((400.0, 450.0), 0.4, 0.2, 0.4, 2.0, seconds=seconds)


def fax_calling(seconds: float) -> bytes:
    """What a fax machine that calls says (CNG)."""
    return cadence((1100.0,), 0.5, 3.0, seconds=seconds)


def held_key(key: str, seconds: float) -> bytes:
    """A key that is held down, in the band of speech."""
    return chord(KEYS[key], seconds, -16.0)


@lru_cache(maxsize=4)
def whistling(seconds: float) -> bytes:
    """Somebody who whistles a tune: one pure note that glides from pitch to pitch."""
    notes = (1047.0, 1175.0, 1319.0, 1047.0, 1568.0, 1397.0, 1319.0, 1175.0)
    phase, pitch = 0.0, notes[0]
    samples = []
    for n in range(round(RATE * seconds)):
        beat = n / RATE / 0.35
        pitch += (notes[int(beat) % len(notes)] - pitch) / 200
        phase += 2 * math.pi * pitch * (1 + 0.01 * math.sin(2 * math.pi * 5.5 * n / RATE)) / RATE
        loud = 1.0 if beat % 1 < 0.9 else 0.1
        samples.append(round(5000 * loud * math.sin(phase)))
    return array.array("h", samples).tobytes()


def music(seconds: float) -> bytes:
    """Music on hold: a recording where one is at hand, else chords with a bass under them."""
    for clip in recordings():
        if clip.kind == "nonspeech-moh":
            played = at_level(clip.pcm())
            return (played * (1 + round(seconds / clip.seconds)))[: 2 * round(RATE * seconds)]
    return played_chords(seconds)


@lru_cache(maxsize=4)
def played_chords(seconds: float) -> bytes:
    """Four chords in turn, each note plucked: partials that fade, and a bass on every beat."""
    turns = ((262, 330, 392), (220, 262, 330), (349, 440, 523), (392, 494, 587))
    sound = array.array("h", bytes(2 * round(RATE * seconds)))
    for beat in range(int(seconds / 0.4)):
        notes = turns[beat // 4 % 4]
        pluck(sound, beat * 0.4, notes[beat % 3] * 2.0, 2600)
        pluck(sound, beat * 0.4, notes[0] / 2.0, 3200)
    return sound.tobytes()


def pluck(sound: array.array[int], at: float, hertz: float, peak: int) -> None:
    """Lay one plucked note, half a second of it, over what is there."""
    first = round(RATE * at)
    for n in range(min(RATE // 2, len(sound) - first)):
        turn = 2 * math.pi * hertz * n / RATE
        wave = sum(math.sin(k * turn) / k**1.5 for k in (1, 2, 3))
        value = sound[first + n] + round(peak * math.exp(-6 * n / RATE) * wave)
        sound[first + n] = max(-32768, min(32767, value))
