"""What is no voice is known for what it is: each country's tones, fax, keys, whistling, beeps."""

from __future__ import annotations

import numpy as np
import pytest

from screener.core.tones import (
    BEEP,
    BUSY,
    DIAL,
    FAX,
    PROGRESS,
    REORDER,
    RINGBACK,
    SIT,
    TONE,
    WHISTLE,
)
from screener.core.vad import speech_seconds
from tests.calls import speech
from tests.core.sounds import (
    TALK,
    VOICES,
    Samples,
    cadence,
    glide,
    line,
    noise,
    quiet,
    sounds_in,
    tone,
    voice,
)

# Kind, country, its cadence (on, off, ...), Hz, and the beat of a modulated tone. ITU-T E.180,
# Supplement 2.
CADENCES = [
    (DIAL, "US", (6.0, 0.1), (350, 440), 0),
    (RINGBACK, "US", (2.0, 4.0), (440, 480), 0),
    (BUSY, "US", (0.5, 0.5), (480, 620), 0),
    (REORDER, "US", (0.25, 0.25), (480, 620), 0),
    (RINGBACK, "GB", (0.4, 0.2, 0.4, 2.0), (400, 450), 0),
    (BUSY, "GB", (0.375, 0.375), (400,), 0),
    (DIAL, "DE", (6.0, 0.1), (425,), 0),
    (RINGBACK, "DE", (1.0, 4.0), (425,), 0),
    (BUSY, "DE", (0.48, 0.48), (425,), 0),
    (REORDER, "DE", (0.24, 0.24), (425,), 0),
    (DIAL, "FR", (6.0, 0.1), (440,), 0),
    (RINGBACK, "FR", (1.5, 3.5), (440,), 0),
    (BUSY, "FR", (0.5, 0.5), (440,), 0),
    (REORDER, "FR", (0.25, 0.25), (440,), 0),
    (DIAL, "JP", (6.0, 0.1), (400,), 0),
    (RINGBACK, "JP", (1.0, 2.0), (400,), 16),
    (BUSY, "JP", (0.5, 0.5), (400,), 0),
    (DIAL, "AU", (6.0, 0.1), (425,), 25),
    (RINGBACK, "AU", (0.4, 0.2, 0.4, 2.0), (413, 438), 0),
    (BUSY, "AU", (0.375, 0.375), (425,), 0),
    (RINGBACK, "ES", (1.5, 3.0), (425,), 0),
    (BUSY, "ES", (0.2, 0.2), (425,), 0),
    (RINGBACK, "IN", (0.4, 0.2, 0.4, 2.0), (400,), 25),
    (BUSY, "IN", (0.75, 0.75), (400,), 0),
    (RINGBACK, "CN", (1.0, 4.0), (450,), 0),
    (BUSY, "CN", (0.35, 0.35), (450,), 0),
    (FAX, "T.30", (0.5, 3.0), (1100,), 0),
    (FAX, "T.30", (3.3, 1.0), (2100,), 0),
]
LINES = [(-20.0, -75.0), (-8.0, -60.0), (-35.0, -65.0), (-20.0, -38.0)]


@pytest.mark.parametrize(("dbfs", "noise_dbfs"), LINES, ids=lambda value: f"{value:g}dB")
@pytest.mark.parametrize(("kind", "country", "seconds", "hertz", "beat"), CADENCES, ids=str)
def test_each_countrys_tones_are_named_and_are_no_voice(
    kind: str,
    country: str,
    seconds: tuple[float, ...],
    hertz: tuple[float, ...],
    beat: float,
    dbfs: float,
    noise_dbfs: float,
) -> None:
    sound = np.concatenate([quiet(0.513), cadence(seconds, hertz, 3, dbfs, beat), quiet(0.7)])
    frames = line(sound + noise(len(sound) / 8000, noise_dbfs))
    found = sounds_in(frames)
    assert {sound.kind for sound in found} == {kind}
    assert found[0].start == pytest.approx(0.513, abs=0.08)
    assert speech_seconds(frames) < 0.1


def test_the_table_names_only_what_can_be_told_apart() -> None:
    for signal in PROGRESS:
        assert all(300 < hertz < 700 for hertz in signal.hertz)
        assert signal.countries


SIT_TONES = [
    ((950, 0.33), (1400, 0.33), (1800, 0.33)),  # E.180/Q.35
    ((985.2, 0.38), (1370.6, 0.274), (1776.7, 0.38)),  # vacant code
    ((913.8, 0.274), (1370.6, 0.274), (1776.7, 0.38)),  # intercept
    ((913.8, 0.38), (1428.5, 0.38), (1776.7, 0.38)),  # no circuit
    ((985.2, 0.274), (1428.5, 0.274), (1776.7, 0.38)),  # reorder
]


@pytest.mark.parametrize("steps", SIT_TONES)
@pytest.mark.parametrize("gap", [0.0, 0.03])
def test_special_information_tones_are_one_sound(
    steps: tuple[tuple[float, float], ...], gap: float
) -> None:
    tones = [part for hertz, seconds in steps for part in (tone([hertz], seconds), quiet(gap))]
    (found,) = sounds_in(line(quiet(0.5), *tones, quiet(0.5)))
    assert found.kind == SIT
    assert found.start == pytest.approx(0.5, abs=0.06)
    assert found.seconds == pytest.approx(sum(s for _, s in steps) + 2 * gap, abs=0.08)


def test_tones_in_another_order_are_no_information_tones() -> None:
    tones = [tone([hertz], 0.33) for hertz in (1800, 1400, 950)]
    assert SIT not in {sound.kind for sound in sounds_in(line(quiet(0.5), *tones, quiet(0.5)))}


@pytest.mark.parametrize("key", "123A456B789C*0#D")
@pytest.mark.parametrize("seconds", [0.08, 0.3, 5.0])
@pytest.mark.parametrize("twist", [-4.0, 0.0, 4.0])
def test_keys_are_heard_short_and_held(key: str, seconds: float, twist: float) -> None:
    row, column = divmod("123A456B789C*0#D".index(key), 4)
    low = tone([(697, 770, 852, 941)[row]], seconds, -23.0 + twist)
    high = tone([(1209, 1336, 1477, 1633)[column]], seconds, -23.0)
    frames = line(quiet(0.507), low + high, quiet(1.0))
    (found,) = sounds_in(frames)
    assert found.kind == f"DTMF {key}"
    assert found.seconds == pytest.approx(seconds, abs=0.05)
    assert speech_seconds(frames) < 0.1


@pytest.mark.parametrize("hertz", [500, 700, 1000, 1400, 2000, 2600])
@pytest.mark.parametrize("seconds", [0.35, 0.8, 1.4])
def test_the_beep_of_an_answering_machine(hertz: float, seconds: float) -> None:
    frames = line(quiet(0.5), tone([hertz], seconds), quiet(1.0))
    (found,) = sounds_in(frames)
    assert found.kind == BEEP
    assert found.seconds == pytest.approx(seconds, abs=0.05)
    assert speech_seconds(frames) < 0.1


def test_a_tone_that_nobody_knows_is_a_tone() -> None:
    (found,) = sounds_in(line(quiet(0.5), tone([1004], 8.0), quiet(1.0)))
    assert found.kind == TONE


@pytest.mark.parametrize(("low", "high"), [(900, 1500), (1800, 1100), (1400, 1520)])
def test_whistling_is_known(low: float, high: float) -> None:
    frames = line(quiet(0.5), glide(low, high, 2.5), quiet(1.0))
    found = sounds_in(frames)
    assert {sound.kind for sound in found} == {WHISTLE}
    assert sum(sound.seconds for sound in found) > 2.0
    assert speech_seconds(frames) < 0.2


@pytest.mark.parametrize("name", VOICES)
@pytest.mark.parametrize("dbfs", [-8.0, -20.0, -32.0])
def test_a_voice_is_no_tone(name: str, dbfs: float) -> None:
    assert sounds_in(line(quiet(0.5), voice(TALK, name, dbfs), quiet(0.5))) == ()


def spoken() -> list[tuple[str, Samples]]:
    """Real people and robocalls where ../shared/data/speech is there, else synthesised voices."""
    clips = [clip for clip in speech.recordings() if clip.label != "non-speech"]
    if not clips:
        print("../shared/data/speech is away: synthesised voices stand for people's")
        return [(name, voice(speech.SALES_TALK, name)) for name in VOICES]
    return [(clip.name, np.frombuffer(clip.pcm(), "<i2").astype(np.float64)) for clip in clips[::4]]


def test_no_recorded_voice_is_a_tone_or_music() -> None:
    for name, samples in spoken():
        assert sounds_in(line(quiet(0.3), samples, law=False)) == (), name
