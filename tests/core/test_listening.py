"""One answer: the gate that a spoken answer must pass, and the keys."""

from __future__ import annotations

import pytest

from screener.core.audio import FRAME_SECONDS, SILENCE
from screener.core.listening import BETWEEN_KEYS, LONGEST_TALK, Listening
from screener.core.script import Heard, HeardBy, Listen, Span
from screener.core.vad import VoiceActivity

ASK = Listen(
    ("greeting",), frozenset({"1", "2", "20"}), frozenset({"office", "two zero one"}), wait=5.0
)
VOICE = b"\x00\x10" * 160


class Marked(VoiceActivity):
    """Takes the frames of these tests at their word: any sound is a voice."""

    def is_voice(self, frame: bytes) -> bool:
        return frame == VOICE

    def other_sound(self, during: Span) -> str:
        return ""


def listen(*events: object, prompt: float = 3.0, ask: Listen = ASK) -> tuple[Heard | None, float]:
    """Play events: ("voice", seconds), ("quiet", seconds) or a key. The prompt ends at `prompt`."""
    listening = Listening(ask, Marked(), 0.0)
    for event in events:
        if isinstance(event, str):
            listening.key(event)
            continue
        assert isinstance(event, tuple)
        kind, seconds = event
        for _ in range(round(seconds / FRAME_SECONDS)):
            if listening.heard is not None:
                break
            if listening.now >= prompt:
                listening.prompt_over()
            listening.frame(VOICE if kind == "voice" else SILENCE)
    return listening.heard, listening.now


def by(*events: object) -> HeardBy | None:
    heard, _ = listen(*events)
    return heard.by if heard else None


def test_a_short_answer_after_the_prompt_passes() -> None:
    heard, now = listen(("quiet", 4.0), ("voice", 0.5), ("quiet", 2.0))
    assert heard is not None
    assert heard.by is HeardBy.ANSWER
    assert now == pytest.approx(5.1, abs=0.03)  # the answer, and the quiet that ended it
    assert heard.talk[-1].start == pytest.approx(4.0, abs=0.03)


def test_the_answers_audio_goes_to_the_recogniser_with_a_lead_in() -> None:
    listening = Listening(ASK, Marked(), 10.0)
    listening.prompt_over()
    for frame in [SILENCE] * 50 + [VOICE] * 25 + [SILENCE] * 40:
        if listening.heard is None:
            listening.frame(frame)
    assert listening.answer_audio.count(VOICE) == 25
    assert len(listening.answer_audio) / 16000 == pytest.approx(0.3 + 0.5 + 0.6, abs=0.04)


def test_talk_that_begins_over_the_prompt_is_no_answer() -> None:
    assert by(("quiet", 1.0), ("voice", 7.0), ("quiet", 1.0)) is HeardBy.TALK


def test_talk_without_end_is_ended() -> None:
    heard, now = listen(("voice", 60.0))
    assert heard is not None
    assert heard.by is HeardBy.TALK
    assert now == pytest.approx(3.0 + LONGEST_TALK, abs=0.1)
    assert heard.talk[0].start == 0.0


def test_an_answer_must_be_short() -> None:
    assert by(("quiet", 4.0), ("voice", 3.5), ("quiet", 1.0)) is HeardBy.TALK


def test_a_phrase_of_several_words_may_be_longer() -> None:
    assert by(("quiet", 4.0), ("voice", 2.0), ("quiet", 1.0)) is HeardBy.ANSWER
    short = Listen(("greeting",), frozenset({"1"}), frozenset({"one"}))
    heard, _ = listen(("quiet", 4.0), ("voice", 2.0), ("quiet", 1.0), ask=short)
    assert heard is not None
    assert heard.by is HeardBy.TALK


def test_a_word_over_the_prompt_is_no_answer_and_no_harm() -> None:
    heard, _ = listen(
        ("quiet", 1.0), ("voice", 0.5), ("quiet", 3.0), ("voice", 0.5), ("quiet", 1.0)
    )
    assert heard is not None
    assert heard.by is HeardBy.ANSWER
    assert len(heard.talk) == 2


def test_quiet_ends_after_the_wait() -> None:
    heard, now = listen(("quiet", 20.0))
    assert heard is not None
    assert heard.by is HeardBy.QUIET
    assert now == pytest.approx(3.0 + 5.0, abs=0.05)


def test_a_key_over_the_prompt_decides_at_once() -> None:
    heard, now = listen(("quiet", 1.0), "1")
    assert heard is not None
    assert (heard.by, heard.keys, heard.keyed_over_prompt) == (HeardBy.KEYS, "1", True)
    assert now == pytest.approx(1.0)


def test_overlapping_extensions_are_told_apart_by_time() -> None:
    heard, now = listen(("quiet", 1.0), "2", ("quiet", 5.0))
    assert heard is not None
    assert heard.keys == "2"
    assert now == pytest.approx(1.0 + BETWEEN_KEYS, abs=0.05)
    heard, now = listen(("quiet", 1.0), "2", ("quiet", 0.5), "0")
    assert heard is not None
    assert (heard.keys, round(now, 1)) == ("20", 1.5)


def test_a_key_that_begins_no_extension_is_heard_as_it_is() -> None:
    heard, _ = listen(("quiet", 1.0), "9")
    assert heard is not None
    assert heard.keys == "9"


def test_a_robot_that_keys_while_it_talks_is_heard_with_its_talk() -> None:
    heard, _ = listen(("voice", 2.0), "1")
    assert heard is not None
    assert heard.talk[0].seconds == pytest.approx(2.0, abs=0.05)


def test_what_was_heard_until_a_hang_up() -> None:
    listening = Listening(ASK, Marked(), 5.0)
    for _ in range(100):
        listening.frame(VOICE)
    heard = listening.so_far()
    assert heard.by is HeardBy.HANGUP
    assert heard.talk[0].start == pytest.approx(5.0, abs=0.03)
    assert heard.prompt.end == pytest.approx(7.0, abs=0.03)
