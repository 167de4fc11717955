"""Voice activity and endpointing, on audio that is made here."""

from __future__ import annotations

import math
import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from screener.core.audio import FRAME_SECONDS, SILENCE
from screener.core.script import Span
from screener.core.vad import ENDPOINT, Utterances, VoiceActivity, speech_seconds


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
