"""One answer: the gate that a spoken answer must pass, and the keys."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from screener.core.audio import FRAME_SECONDS, SILENCE
from screener.core.listening import BETWEEN_KEYS, LONGEST_AFTER, LONGEST_TALK, Listening
from screener.core.script import Heard, HeardBy, Listen, Span
from screener.core.vad import VoiceActivity
from tests.core.sounds import Samples, line, music, noise, quiet, tone, voice

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


def test_the_answers_audio_goes_to_the_recogniser_with_a_little_around_it() -> None:
    listening = Listening(ASK, Marked(), 10.0)
    listening.prompt_over()
    for frame in [SILENCE] * 50 + [VOICE] * 25 + [SILENCE] * 40:
        if listening.heard is None:
            listening.frame(frame)
    assert listening.answer_audio.count(VOICE) == 25
    assert len(listening.answer_audio) / 16000 == pytest.approx(0.2 + 0.5 + 0.2, abs=0.04)


class Everything(Marked):
    """Takes a line's hiss for a voice, too, as a detector does at a line's first noise."""

    def is_voice(self, frame: bytes) -> bool:
        return frame != SILENCE


def test_a_lines_first_noise_is_no_part_of_the_answer_and_no_click_hides_it() -> None:
    hiss, click = b"\x20\x00" * 160, b"\x00\x7f" * 160
    listening = Listening(ASK, Everything(), 10.0)
    listening.prompt_over()
    for frame in (
        [SILENCE] * 50 + [hiss] * 20 + [VOICE] * 15 + [click] + [VOICE] * 9 + [SILENCE] * 40
    ):
        if listening.heard is None:
            listening.frame(frame)
    audio = listening.answer_audio
    assert audio.count(VOICE) == 24
    assert audio.count(hiss) == 10
    assert len(audio) / 16000 == pytest.approx(0.2 + 0.5 + 0.2, abs=0.04)


def test_talk_that_begins_over_the_prompt_is_no_answer() -> None:
    assert by(("quiet", 1.0), ("voice", 7.0), ("quiet", 1.0)) is HeardBy.TALK


def test_talk_without_end_is_ended() -> None:
    heard, now = listen(("voice", 60.0))
    assert heard is not None
    assert heard.by is HeardBy.TALK
    assert now == pytest.approx(3.0 + LONGEST_TALK, abs=0.1)
    assert heard.talk[0].start == 0.0


@pytest.mark.parametrize(
    "again",
    [
        pytest.param([("voice", 0.08), ("quiet", 4.0)], id="clicks, too short for an answer"),
        pytest.param([("voice", 1.2), ("quiet", 0.8)], id="a recording of short sentences"),
    ],
)
def test_what_is_never_quiet_and_never_an_answer_is_ended(
    again: list[tuple[str, float]],
) -> None:
    heard, now = listen(("voice", 2.0), ("quiet", 1.0), *again * 60)
    assert heard is not None
    assert heard.by is HeardBy.TALK
    assert now == pytest.approx(3.0 + ASK.wait + LONGEST_AFTER, abs=0.1)


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


SPELL = Listen(("spell-name",), frozenset({"266", "6855"}), wait=5.0, until="#")


@pytest.mark.parametrize(
    ("keys", "heard"),
    [("266", "266"), ("94#", "94#"), ("94*", "94*"), ("#", "#"), ("9" * 40, "9" * 32)],
)
def test_keys_are_gathered_until_they_suffice_or_the_caller_says_so(keys: str, heard: str) -> None:
    spelled, now = listen(("quiet", 1.0), *keys[: len(heard)], ask=SPELL)
    assert spelled is not None
    assert spelled.keys == heard
    assert now == pytest.approx(1.0, abs=0.03)


def test_gathered_keys_end_by_a_pause() -> None:
    spelled, now = listen(("quiet", 1.0), *"94", ("quiet", 5.0), ask=SPELL)
    assert spelled is not None
    assert spelled.keys == "94"
    assert now == pytest.approx(1.0 + BETWEEN_KEYS, abs=0.05)


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


def test_a_recording_that_pauses_does_not_answer() -> None:
    """Two sentences over the prompt, and a short one after a pause, as 1 of 64 recordings has."""
    talk = (("voice", 1.5), ("quiet", 0.7), ("voice", 0.6))
    assert by(*talk, ("quiet", 0.9), ("voice", 1.0), ("quiet", 1.0)) is None
    assert by(*talk, ("quiet", 1.6), ("voice", 0.6), ("quiet", 1.0)) is HeardBy.ANSWER


# Real sound ---------------------------------------------------------------------------------------


def answer(*sounds: Samples, prompt: float = 2.0) -> Heard:
    """What is heard of a caller who makes these sounds after a prompt, and is silent then."""
    listening = Listening(ASK, VoiceActivity(), 0.0)
    for frame in [*line(quiet(prompt + 0.4), *sounds), *[SILENCE] * 400]:
        if listening.now >= prompt:
            listening.prompt_over()
        listening.frame(frame)
        if listening.heard is not None:
            return listening.heard
    raise AssertionError("it listens on and on")


@pytest.mark.parametrize(
    "name", ["flite:slt", "flite:rms", "espeak-ng:en-us", "espeak-ng:en-us+f4"]
)
@pytest.mark.parametrize("word", ["one", "two", "three", "six", "eight", "office", "yes"])
@pytest.mark.parametrize("dbfs", [-12.0, -24.0, -40.0])
def test_a_spoken_word_is_an_answer(name: str, word: str, dbfs: float) -> None:
    assert answer(voice(word, name, dbfs)).by is HeardBy.ANSWER


def test_two_with_a_long_breath_is_an_answer() -> None:
    breath = noise(0.7, -42.0, pink=True)
    spoken = voice("two")
    assert answer(breath, spoken, noise(0.4, -45.0, pink=True)).by is HeardBy.ANSWER


BURSTS = {
    "ringback US": tone([440, 480], 1.2),
    "ringback GB": tone([400, 450], 0.4),
    "ringback GB twice": tone([400, 450], 1.0),
    "busy US": tone([480, 620], 0.5),
    "busy DE": tone([425], 0.48),
    "reorder": tone([425], 0.24),
    "one tone of SIT": tone([950], 0.33),
    "another tone of SIT": tone([1776.7], 0.38),
    "fax": tone([1100], 0.5),
    "beep": tone([1000], 0.25),
    "low beep": tone([520], 0.15),
    "key": tone([697, 1209], 0.1),
    "held key": tone([852, 1477], 1.2),
    "breath": noise(0.5, -25.0),
}


@pytest.mark.parametrize("name", BURSTS)
@pytest.mark.parametrize("late", [0.0, 0.007, 0.013])
@pytest.mark.parametrize("floor", [-75.0, -48.0])
def test_a_burst_of_a_tone_is_no_answer(name: str, late: float, floor: float) -> None:
    sound = BURSTS[name]
    heard = answer(quiet(late), sound + noise(len(sound) / 8000, floor))
    assert heard.by is HeardBy.QUIET
    assert heard.talk == ()


def test_a_word_after_a_beep_is_an_answer() -> None:
    heard = answer(tone([1000], 0.4), quiet(0.8), voice("office"))
    assert heard.by is HeardBy.ANSWER
    assert [sound.kind for sound in heard.sounds] == ["beep"]
    assert len(heard.talk) == 1


def test_music_is_neither_talk_nor_an_answer() -> None:
    heard = answer(music(9.0), prompt=4.0)
    assert heard.by is HeardBy.QUIET
    assert sum(span.seconds for span in heard.talk) < 0.3
    assert {sound.kind for sound in heard.sounds} == {"music"}


SOUNDS = [
    quiet(0.5),
    quiet(1.1),
    voice("two"),
    voice("Hello, who is this please?"),
    tone([425], 0.5),
    tone([941, 1336], 0.2),
    noise(0.4, -25.0),
    music(2.5),
    voice("office") * 12,
    voice("three") + 7000,
]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(SOUNDS), min_size=1, max_size=8), st.floats(0, 6))
def test_what_is_heard_lies_within_the_listening(sounds: list[Samples], prompt: float) -> None:
    begun = 12.34
    listening = Listening(ASK, VoiceActivity(), begun)
    for frame in line(*sounds, law=False):
        if listening.now - begun >= prompt:
            listening.prompt_over()
        listening.frame(frame)
        if listening.heard is not None:
            break
    heard = listening.heard or listening.so_far()
    ends = [edge for span in heard.talk for edge in (span.start, span.end)]
    assert ends == sorted(ends)
    assert all(begun - 1e-6 <= edge <= listening.now + 1e-6 for edge in ends)
    assert heard.end == pytest.approx(listening.now)
    if heard.by is HeardBy.ANSWER:
        assert heard.talk[-1].start >= heard.prompt.end - 0.31
        assert len(listening.answer_audio) % 320 == 0


def foreseen(*runs: tuple[bytes, float], prompt: float = 0.0) -> tuple[list[bytes], Listening]:
    """What was likely to be the answer, each time that the caller paused."""
    listening = Listening(ASK, Marked(), 0.0)
    likely = []
    for frame, seconds in runs:
        for _ in range(round(seconds / FRAME_SECONDS)):
            if listening.heard is not None:
                break
            if listening.now >= prompt:
                listening.prompt_over()
            listening.frame(frame)
            if listening.pausing:
                likely.append(listening.likely_answer())
    return likely, listening


def test_what_an_answer_will_be_is_known_after_half_of_the_quiet() -> None:
    likely, listening = foreseen((SILENCE, 1.0), (VOICE, 0.5), (SILENCE, 1.0))
    assert listening.heard is not None
    assert listening.heard.by is HeardBy.ANSWER
    assert likely == [listening.answer_audio]


def test_a_pause_in_an_answer_is_foreseen_as_its_end_and_then_as_another() -> None:
    runs = ((SILENCE, 1.0), (VOICE, 0.3), (SILENCE, 0.4), (VOICE, 0.3), (SILENCE, 1.0))
    likely, listening = foreseen(*runs)
    assert len(likely) == 2
    assert likely[0] != likely[1] == listening.answer_audio


@pytest.mark.parametrize(
    ("runs", "prompt"),
    [
        (((SILENCE, 1.0), (VOICE, 0.5), (SILENCE, 0.5)), 5.0),  # over the prompt
        (((VOICE, 4.0), (SILENCE, 0.5)), 0.0),  # too long
    ],
)
def test_what_is_no_answer_is_not_likely_to_be_one(
    runs: tuple[tuple[bytes, float], ...], prompt: float
) -> None:
    likely, _ = foreseen(*runs, prompt=prompt)
    assert likely == [b""]
