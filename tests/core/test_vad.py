"""Voice activity and endpointing, on audio that is made here."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from screener.core.audio import FRAME_BYTES, FRAME_SECONDS, SILENCE
from screener.core.music import HUM, MUSIC
from screener.core.script import Span
from screener.core.vad import ENDPOINT, NOISE, Utterances, VoiceActivity, speech_seconds
from tests.calls import speech
from tests.core.sounds import (
    TALK,
    VOICES,
    Samples,
    at,
    line,
    music,
    noise,
    quiet,
    sounds_in,
    tone,
    voice,
)


def frames(*runs: tuple[bool, float]) -> list[bool]:
    return [voice for voice, seconds in runs for _ in range(round(seconds / FRAME_SECONDS))]


def utterances(voices: list[bool]) -> list[Span]:
    machine = Utterances()
    return [span for voice in voices if (span := machine.frame(voice)) is not None]


def test_an_utterance_is_ended_by_quiet() -> None:
    spans = utterances(frames((False, 1.0), (True, 0.5), (False, 1.0)))
    assert [(round(s.start, 2), round(s.end, 2)) for s in spans] == [(1.0, 1.5)]


def test_a_pause_within_an_utterance_does_not_end_it() -> None:
    pause = ENDPOINT - 0.1
    spans = utterances(frames((True, 0.4), (False, pause), (True, 0.4), (False, 1.0)))
    assert len(spans) == 1


def test_a_single_frame_is_a_click() -> None:
    assert utterances(frames((False, 0.5), (True, 0.02), (False, 1.0))) == []


@given(st.lists(st.booleans(), max_size=400))
def test_utterances_are_in_order_and_apart(voices: list[bool]) -> None:
    spans = utterances(voices)
    assert all(span.seconds > 0 for span in spans)
    for earlier, later in pairwise(spans):
        assert later.start - earlier.end >= ENDPOINT - 2.5 * FRAME_SECONDS


def test_silence_and_steady_noise_are_no_voice() -> None:
    assert speech_seconds([SILENCE] * 250) == 0.0
    rng = random.Random(1)
    noise = b"".join(
        round(rng.gauss(0, 200)).to_bytes(2, "little", signed=True) for _ in range(8000 * 5)
    )
    assert speech_seconds(noise[at : at + 320] for at in range(0, len(noise), 320)) < 0.5


def test_a_voice_stands_out_of_line_noise() -> None:
    rng = random.Random(2)

    def sample(at: int) -> int:
        second = at / 8000
        voiced = 1.0 <= second < 2.0
        tone = sum(
            math.sin(2 * math.pi * f * second) * a
            for f, a in ((140, 1.0), (280, 0.8), (420, 0.9), (700, 0.7), (1180, 0.5), (2300, 0.3))
        )
        pulse = 0.5 + 0.5 * math.sin(2 * math.pi * 4 * second)
        return round(rng.gauss(0, 60) + (tone * pulse * 2500 if voiced else 0))

    pcm = b"".join(sample(at).to_bytes(2, "little", signed=True) for at in range(8000 * 3))
    activity = VoiceActivity()
    voiced = [activity.is_voice(pcm[at : at + 320]) for at in range(0, len(pcm), 320)]
    assert sum(voiced[50:100]) > 25
    assert sum(voiced[:50]) + sum(voiced[115:]) < 5


# Lines and voices ---------------------------------------------------------------------------------


def heard_of(frames: list[bytes]) -> float:
    """The voice in these frames in seconds, utterances with their short pauses."""
    activity, machine = VoiceActivity(), Utterances()
    ended = [span for frame in frames if (span := machine.hear(activity, frame)) is not None]
    running = machine.running()
    return sum(span.seconds for span in [*ended, *([running] if running else [])])


@pytest.mark.parametrize("name", VOICES)
def test_a_low_voice_is_heard(name: str) -> None:
    loud, low = (heard_of(line(quiet(1), voice(TALK, name, dbfs), quiet(1))) for dbfs in (-20, -40))
    assert low > 0.9 * loud


def overdriven(samples: Samples) -> Samples:
    return samples * 10


def up(samples: Samples) -> Samples:
    return samples + 6000


def down(samples: Samples) -> Samples:
    return samples - 9000


@pytest.mark.parametrize("name", VOICES)
@pytest.mark.parametrize("harm", [overdriven, up, down])
def test_clipping_and_a_dc_offset_do_no_harm(name: str, harm: Callable[[Samples], Samples]) -> None:
    clean = np.concatenate([quiet(1), voice(TALK, name), quiet(1)])
    assert heard_of(line(harm(clean), law=False)) == pytest.approx(heard_of(line(clean)), rel=0.1)


@pytest.mark.parametrize("dbfs", [-35.0, -45.0, -60.0])
@pytest.mark.parametrize("pink", [False, True])
@pytest.mark.parametrize("before", [0.0, 0.3, 3.0])
def test_line_noise_is_no_voice(dbfs: float, pink: bool, before: float) -> None:
    assert heard_of(line(quiet(before), noise(10.0, dbfs, pink))) < 1.5


@pytest.mark.parametrize("name", VOICES)
@pytest.mark.parametrize("dbfs", [-35.0, -45.0])
def test_a_voice_stands_out_of_loud_line_noise(name: str, dbfs: float) -> None:
    samples = np.concatenate([quiet(2), voice(TALK, name), quiet(2)])
    clean = heard_of(line(samples))
    noisy = heard_of(line(samples + noise(len(samples) / 8000, dbfs)))
    assert noisy == pytest.approx(clean, rel=0.25)


def with_losses(frames: list[bytes]) -> list[bytes]:
    """The same with a packet lost every second, and two in a row after each tenth."""
    lost = {n for n in range(0, len(frames), 50)} | {n + 1 for n in range(0, len(frames), 500)}
    return [SILENCE if number in lost else frame for number, frame in enumerate(frames)]


@pytest.mark.parametrize("dbfs", [-40.0, -50.0, -59.0])
@pytest.mark.parametrize("pink", [False, True])
def test_a_lost_packet_makes_no_voice_of_line_noise(dbfs: float, pink: bool) -> None:
    assert heard_of(with_losses(line(noise(10.0, dbfs, pink)))) == 0.0


@pytest.mark.parametrize("hertz", [50, 60])
def test_hum_is_named_and_is_no_voice(hertz: float) -> None:
    frames = line(tone([hertz, 2 * hertz], 8.0, -30.0) + noise(8.0, -70.0))
    assert {sound.kind for sound in sounds_in(frames)} == {HUM}
    assert speech_seconds(frames) < 0.3


# Music --------------------------------------------------------------------------------------------


def songs() -> list[tuple[str, Samples]]:
    """Music on hold of ../shared/data/speech; where that is away, music that is made here."""
    made = [(f"chords {seed}", music(12.0, seed=seed)) for seed in (3, 4, 5)]
    clips = [clip for clip in speech.recordings() if clip.kind == "nonspeech-moh"]
    if not clips:
        print("../shared/data/speech is away: only music that is made here is heard")
    return made + [
        (clip.name, np.frombuffer(clip.pcm(), "<i2").astype(np.float64)) for clip in clips
    ]


def test_music_is_known_and_what_was_taken_for_voice_is_withdrawn() -> None:
    for name, samples in songs():
        frames = line(quiet(0.3), samples)
        found = [sound for sound in sounds_in(frames) if sound.kind == MUSIC]
        assert sum(sound.seconds for sound in found) > 0.5 * len(samples) / 8000, name
        assert speech_seconds(frames) < 0.05 * len(samples) / 8000, name


@pytest.mark.parametrize("name", VOICES)
def test_a_voice_over_music_is_still_a_voice(name: str) -> None:
    spoken = voice(TALK, name)
    mixed = spoken + music(len(spoken) / 8000 + 1, -32.0)[: len(spoken)]
    frames = line(quiet(1), mixed, quiet(1))
    assert heard_of(frames) > 0.8 * heard_of(line(quiet(1), spoken, quiet(1)))
    assert sounds_in(frames) == ()


def test_a_voice_that_comes_into_the_music_is_heard() -> None:
    song = at(music(6.0), -35.0)
    frames = line(quiet(0.3), song, voice(TALK), quiet(1.0))
    assert heard_of(frames) > 0.8 * heard_of(line(quiet(1), voice(TALK), quiet(1)))


@pytest.mark.parametrize("hertz", [(425,), (350, 440), (480, 620)])
def test_a_voice_over_a_tone_is_heard(hertz: tuple[float, ...]) -> None:
    spoken = voice(TALK)
    mixed = spoken + tone(hertz, len(spoken) / 8000 + 1, -34.0)[: len(spoken)]
    assert heard_of(line(quiet(1), mixed, quiet(1))) > 0.6 * len(spoken) / 8000


# What is withdrawn --------------------------------------------------------------------------------


def test_an_utterance_that_was_none_is_forgotten() -> None:
    machine = Utterances()
    for is_voice in frames((False, 1.0), (True, 0.2)):
        machine.frame(is_voice)
    machine.withdraw(0.98)
    assert machine.running() is None
    assert [machine.frame(False) for _ in range(50)] == [None] * 50


def test_an_utterance_keeps_what_came_before_the_sound() -> None:
    machine = Utterances()
    for is_voice in frames((False, 1.0), (True, 1.0)):
        machine.frame(is_voice)
    machine.withdraw(1.5)
    spans = [span for _ in range(50) if (span := machine.frame(False)) is not None]
    assert [(round(s.start, 2), round(s.end, 2)) for s in spans] == [(1.0, 1.5)]


def test_a_withdrawal_does_not_lengthen_an_utterance() -> None:
    machine = Utterances()
    for is_voice in frames((True, 0.5), (False, 0.4)):
        machine.frame(is_voice)
    machine.withdraw(0.7)
    running = machine.running()
    assert running is not None
    assert running.end == pytest.approx(0.5)


@pytest.mark.parametrize("seconds", [0.2, 0.5, 1.2])
def test_a_burst_of_noise_is_no_word(seconds: float) -> None:
    activity = VoiceActivity()
    for frame in line(quiet(1.0), noise(seconds, -22.0), quiet(0.6)):
        activity.is_voice(frame)
    assert activity.other_sound(Span(1.0, 1.0 + seconds)) == NOISE


@pytest.mark.parametrize("name", VOICES)
@pytest.mark.parametrize("word", ["one", "two", "six", "eight", "yes", "office"])
def test_a_word_is_no_noise(name: str, word: str) -> None:
    activity, spoken = VoiceActivity(), voice(word, name)
    for frame in line(quiet(1.0), spoken, quiet(0.6)):
        activity.is_voice(frame)
    assert activity.other_sound(Span(1.0, 1.0 + len(spoken) / 8000)) == ""


# Anything at all ----------------------------------------------------------------------------------


def extreme(kind: str, seed: int) -> bytes:
    """A frame of a kind, which may be not whole."""
    rng = random.Random(seed)
    match kind:
        case "silence":
            return SILENCE
        case "full scale":
            return rng.choice([b"\xff\x7f", b"\x00\x80"]) * 160
        case "square":
            return (b"\xff\x7f" * 8 + b"\x00\x80" * 8) * 10
        case "constant":
            return rng.randint(-32768, 32767).to_bytes(2, "little", signed=True) * 160
        case "a part":
            return rng.randbytes(rng.randrange(FRAME_BYTES))
        case "too long":
            return rng.randbytes(FRAME_BYTES + rng.randrange(400))
        case "sine":
            return line(tone([200 + seed % 3400], 0.02, -12.0))[0]
    return rng.randbytes(FRAME_BYTES)


KINDS = ["silence", "full scale", "square", "constant", "a part", "too long", "sine", "random"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(KINDS), st.integers(0, 2**31), st.integers(1, 60)), max_size=25
    )
)
def test_nothing_that_comes_as_audio_breaks_it(runs: list[tuple[str, int, int]]) -> None:
    activity, machine = VoiceActivity(), Utterances()
    count, spans = 0, []
    for kind, seed, length in runs:
        for _ in range(length):
            count += 1
            ended = machine.hear(activity, extreme(kind, seed))
            spans += [ended] if ended is not None else []
    now = count * FRAME_SECONDS
    assert machine.now == pytest.approx(now)
    sounds = activity.sounds(Span(0.0, now))
    edges = [(s.start, s.end) for s in sounds] + [(s.start, s.end) for s in spans]
    assert all(0 <= start < end <= now + 1e-6 for start, end in edges)
    assert [s.start for s in sounds] == sorted(s.start for s in sounds)
    assert all(a.end <= b.start + 1e-6 for a, b in pairwise(spans))


@settings(max_examples=20, deadline=None)
@given(st.binary(max_size=6400))
def test_any_bytes_are_some_audio(pcm: bytes) -> None:
    frames = [pcm[start : start + FRAME_BYTES] for start in range(0, len(pcm), FRAME_BYTES)]
    seconds = speech_seconds(frames)
    assert 0 <= seconds <= len(frames) * FRAME_SECONDS + 1e-9


def test_the_same_audio_gives_the_same_voice() -> None:
    frames_ = line(quiet(0.3), voice(TALK), music(4.0), tone([425], 2.0), quiet(0.5))
    one, other = VoiceActivity(), VoiceActivity()
    assert [one.is_voice(f) for f in frames_] == [other.is_voice(f) for f in frames_]
    assert one.sounds(Span(0, 99)) == other.sounds(Span(0, 99))
