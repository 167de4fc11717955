"""The ear without a telephone: frames, words and keys, in any order -> what was `Heard`."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from screener.core.audio import FRAME_BYTES, FRAME_SECONDS, SILENCE
from screener.core.frontdoor import MessageBox
from screener.core.grammar import PhraseClass
from screener.core.hearing import Hearing
from screener.core.script import Heard, HeardBy, Likeness, Listen, Overhear, RecordedBy
from screener.core.transcript import UNRATED, Transcript, Word
from screener.core.vad import VoiceActivity
from tests.core.test_listening import VOICE, Marked

CLASSES = (
    PhraseClass("press digit", frozenset({("press", "one"), ("press", "one", "now")})),
    PhraseClass("account", frozenset({("your", "account")})),
)
ASK = Listen(("greeting",), frozenset({"1", "2", "20"}), frozenset({"office"}), wait=5.0)
KNOWN = Likeness("k3", 3, "Mon 16 Nov", "sound", 2.0)


def marked() -> Hearing:
    """A hearing that takes these tests' frames at their word."""
    return Hearing(CLASSES, activity=Marked())


def transcript(text: str) -> Transcript:
    """Words that are not rated."""
    return Transcript(tuple(Word(word, 0.0, 0.0, UNRATED) for word in text.split()))


def run(hearing: Hearing, frame: bytes, seconds: float) -> list[bool]:
    """So many seconds of one frame; for each, whether the recogniser was to hear it."""
    return [hearing.frame(frame) for _ in range(round(seconds / FRAME_SECONDS))]


@dataclass
class Knows:
    """A tracker that knows what is played from `after` seconds on; it keeps what it was given."""

    after: float
    fed: list[bytes] = field(default_factory=list)

    def feed(self, frame: bytes) -> None:
        self.fed.append(frame)

    def found(self, words: str, now: float) -> Likeness | None:
        return KNOWN if now >= self.after else None


def test_a_phrase_is_told_once_with_the_time_at_which_it_was_heard() -> None:
    hearing = marked()
    hearing.begin(ASK)
    run(hearing, VOICE, 1.0)
    hearing.said(transcript("please press one"))
    run(hearing, VOICE, 1.0)
    hearing.said(transcript("please press one now or press one"))
    found = hearing.so_far().phrases
    assert [(phrase.kind, phrase.text) for phrase in found] == [("press digit", "press one now")]
    assert found[0].at == pytest.approx(1.0)


def test_a_phrase_that_was_told_in_one_listening_is_not_told_again_in_the_next() -> None:
    hearing = marked()
    hearing.begin(ASK)
    run(hearing, VOICE, 0.5)
    hearing.said(transcript("press one"))
    hearing.begin(ASK)
    hearing.said(transcript("press one about your account"))
    assert [phrase.kind for phrase in hearing.so_far().phrases] == ["account"]


def test_a_phrase_of_an_earlier_listening_stays_there_though_it_is_thought_over() -> None:
    hearing = marked()
    hearing.begin(ASK)
    hearing.said(transcript("about your account"))
    first = hearing.so_far()
    hearing.begin(ASK)
    hearing.said(transcript("about your count"))
    assert [phrase.kind for phrase in first.phrases] == ["account"]
    assert hearing.so_far().phrases == ()


def test_the_recogniser_is_given_what_is_spoken_and_nothing_else() -> None:
    hearing = marked()
    assert run(hearing, VOICE, 0.2) == [False] * 10  # nobody listens yet
    hearing.begin(ASK)
    assert not any(run(hearing, SILENCE, 1.0))
    spoken = run(hearing, VOICE, 1.0)
    assert spoken.count(True) >= len(spoken) - 2
    assert not run(hearing, SILENCE, 1.0)[-1]


def test_enough_ends_it_at_once_with_what_has_been_heard() -> None:
    asked: list[Heard] = []

    def enough(heard: Heard) -> bool:
        asked.append(heard)
        return len(heard.phrases) == 2

    hearing = marked()
    hearing.begin(Listen(("greeting",), frozenset(), enough=enough))
    run(hearing, VOICE, 2.0)
    assert hearing.heard is None
    assert 4 <= len(asked) <= 10  # some four times a second
    hearing.said(transcript("press one about your account"))
    heard = hearing.heard
    assert heard is not None
    assert heard.by is HeardBy.ENOUGH
    assert {phrase.kind for phrase in heard.phrases} == {"press digit", "account"}
    assert heard.end == pytest.approx(2.0)
    assert heard.talk[-1].end == pytest.approx(2.0)


def test_a_recording_that_is_known_is_told_and_its_tracker_hears_speech_only() -> None:
    tracker = Knows(after=2.0)
    hearing = Hearing(CLASSES, tracker, Marked())
    hearing.begin(
        Listen(("greeting",), frozenset(), enough=lambda heard: heard.likeness is not None)
    )
    run(hearing, SILENCE, 1.0)
    run(hearing, VOICE, 1.5)
    heard = hearing.heard
    assert heard is not None
    assert (heard.by, heard.likeness) == (HeardBy.ENOUGH, KNOWN)
    assert set(tracker.fed) == {VOICE}


def test_time_is_the_calls_though_listening_begins_anew() -> None:
    hearing = marked()
    hearing.begin(ASK)
    run(hearing, SILENCE, 2.0)
    hearing.prompt_over()
    hearing.key("7")
    assert hearing.heard is not None
    run(hearing, SILENCE, 1.0)  # while a prompt is chosen, say
    hearing.begin(ASK)
    run(hearing, VOICE, 0.4)
    assert hearing.now == pytest.approx(3.4)
    assert hearing.so_far().talk[0].start == pytest.approx(3.0, abs=0.05)
    assert hearing.so_far().prompt.start == pytest.approx(3.0)


def test_a_key_before_the_first_listening_or_after_the_last_changes_nothing() -> None:
    hearing = marked()
    hearing.key("1")
    hearing.begin(ASK)
    hearing.key("1")
    first = hearing.heard
    hearing.key("2")
    assert first is not None
    assert hearing.heard == first
    assert first.keys == "1"


def test_why_words_are_not_listened_for_is_told() -> None:
    hearing = marked()
    hearing.begin(ASK)
    hearing.deaf = "the recogniser fell behind"
    assert hearing.so_far().deaf == "the recogniser fell behind"


def nothing_comes(hearing: Hearing, seconds: float) -> None:
    for _ in range(round(seconds / FRAME_SECONDS)):
        hearing.frame(SILENCE, came=False)


def test_a_caller_whose_sound_never_came_is_not_silent_but_unheard() -> None:
    hearing = marked()
    hearing.begin(ASK)
    hearing.prompt_over()
    nothing_comes(hearing, 1.98)
    assert hearing.so_far().unheard == ""
    nothing_comes(hearing, 3.04)
    heard = hearing.heard
    assert heard is not None
    assert heard.by is HeardBy.QUIET
    assert heard.unheard.startswith("none of his sound came from Asterisk: correct ")


def test_a_caller_who_is_silent_is_heard() -> None:
    hearing = marked()
    hearing.begin(ASK)
    hearing.prompt_over()
    run(hearing, SILENCE, 5.02)
    assert hearing.heard is not None
    assert hearing.heard.unheard == ""


def test_sound_that_stops_coming_is_told_until_it_comes_again() -> None:
    hearing = marked()
    hearing.begin(ASK)
    run(hearing, VOICE, 3.0)
    nothing_comes(hearing, 3.0)
    assert hearing.so_far().unheard == "his sound stopped coming from Asterisk at 3.0 s"
    run(hearing, SILENCE, 0.02)
    assert hearing.so_far().unheard == ""


def test_a_caller_whose_sound_does_not_arrive_at_asterisk_is_unheard_in_that_listening() -> None:
    hearing = marked()
    hearing.begin(ASK)
    hearing.prompt_over()
    run(hearing, SILENCE, 5.02)
    hearing.arrives = False
    assert hearing.heard is not None
    assert hearing.heard.in_silence
    assert hearing.heard.unheard.startswith("none of his sound arrived at Asterisk: correct its ")
    hearing.begin(ASK)
    assert hearing.so_far().unheard == ""


def test_keys_of_a_caller_who_is_not_heard_count() -> None:
    hearing = marked()
    hearing.begin(ASK)
    nothing_comes(hearing, 3.5)
    hearing.key("1")
    assert hearing.heard is not None
    assert hearing.heard.keys == "1"
    assert hearing.heard.unheard


EVENTS = st.one_of(
    st.tuples(st.just("voice"), st.integers(1, 100)),
    st.tuples(st.just("quiet"), st.integers(1, 100)),
    st.tuples(st.just("key"), st.sampled_from("0123456789*#ABCD")),
    st.tuples(st.just("words"), st.text("presonyuacth i", max_size=40)),
    st.tuples(st.just("words"), st.sampled_from(("press one", "your account press one now"))),
    st.tuples(st.just("prompt over"), st.none()),
    st.tuples(st.just("begin"), st.none()),
)


def feed(hearing: Hearing, what: str, value: object) -> None:
    """One event."""
    match what, value:
        case "voice" | "quiet", int(frames):
            for _ in range(frames):
                hearing.frame(VOICE if what == "voice" else SILENCE)
        case "key", str(digit):
            hearing.key(digit)
        case "words", str(words):
            hearing.said(transcript(words))
        case "prompt over", _:
            hearing.prompt_over()
        case _:
            hearing.begin(ASK)


@settings(deadline=None)
@given(st.lists(EVENTS, max_size=30))
def test_whatever_comes_in_whatever_order_what_is_heard_holds_together(
    events: list[tuple[str, object]],
) -> None:
    hearing = marked()
    hearing.begin(ASK)
    frames = sum(n for what, n in events if what in {"voice", "quiet"} and isinstance(n, int))
    for what, value in events:
        was = hearing.heard
        feed(hearing, what, value)
        heard = hearing.so_far()
        if was is not None and what != "begin":
            assert hearing.heard is not None
            assert (hearing.heard.by, hearing.heard.keys) == (was.by, was.keys)
        assert 0.0 <= heard.prompt.start <= heard.prompt.end <= heard.end <= hearing.now + 1e-9
        for span in heard.talk:
            assert heard.prompt.start - FRAME_SECONDS <= span.start < span.end <= heard.end + 1e-9
        assert all(later.start > earlier.end for earlier, later in pairwise(heard.talk))
        assert set(heard.keys) <= set("0123456789*#ABCD")
        told = [(p.kind, p.text) for p in heard.phrases]
        assert len(told) == len(set(told))
    assert hearing.now == pytest.approx(frames * FRAME_SECONDS)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.binary(min_size=FRAME_BYTES, max_size=FRAME_BYTES), max_size=12), st.booleans())
def test_no_audio_does_any_harm(frames: list[bytes], loud: bool) -> None:
    """Any bytes are samples: noise, clipped, off centre; heard by the real detectors."""
    hearing = Hearing(CLASSES, activity=VoiceActivity())
    hearing.begin(ASK)
    hearing.prompt_over()
    for frame in frames * 20:
        hearing.frame(frame)
        if loud:
            hearing.frame(b"\xff\x7f" * 160)
    assert hearing.so_far().end <= hearing.now + 1e-9
    assert hearing.so_far().by in {HeardBy.HANGUP, HeardBy.QUIET, HeardBy.TALK, HeardBy.ANSWER}


FRAMES = st.one_of(
    st.binary(min_size=FRAME_BYTES, max_size=FRAME_BYTES),  # any bytes are samples
    st.sampled_from((SILENCE, VOICE, b"\xff\x7f" * 160, b"\x00\x80" * 160, b"\x01\x00" * 160)),
)
WHATEVER = st.one_of(
    st.tuples(st.just("frames"), st.tuples(st.lists(FRAMES, max_size=4), st.integers(1, 60))),
    st.tuples(st.just("key"), st.sampled_from("0123456789*#ABCD")),
    st.tuples(st.just("words"), st.text(max_size=20)),
    st.tuples(st.just("words"), st.sampled_from(("press one", "your account press one now"))),
    st.tuples(st.just("prompt over"), st.none()),
    st.tuples(st.just("begin"), st.none()),
    st.tuples(st.just("overhear"), st.none()),
)
BOX = MessageBox("family", ("you@example.net",), 60.0)


def all_of(events: list[tuple[str, object]]) -> list[object]:
    """What is told after each event, by the real detectors, with a recording that is known."""
    tracker = Knows(after=2.0)
    hearing = Hearing(CLASSES, tracker, VoiceActivity())
    told: list[object] = []
    listening = False
    for what, value in events:
        if what == "frames":
            assert isinstance(value, tuple)
            frames, times = value
            told += [(hearing.frame(frame), hearing.likely_answer) for frame in frames * times]
        elif what == "overhear":
            over = hearing.overhear(Overhear(BOX, 4.0))
            assert over.over in {None, *RecordedBy}
            listening = False
        else:
            feed(hearing, what, value)
            listening |= what == "begin"
        told += [hearing.now, hearing.heard, hearing.answer_audio, hearing.told]
        if listening:
            told.append(hearing.so_far())
    return [*told, tracker.fed]


@settings(deadline=None, max_examples=60)
@given(st.lists(WHATEVER, max_size=20))
def test_any_sound_any_keys_in_any_order_raise_nothing_and_are_heard_alike_again(
    events: list[tuple[str, object]],
) -> None:
    assert all_of(events) == all_of(events)


def test_the_same_audio_gives_the_same_hearing() -> None:
    audio = [SILENCE] * 60 + [VOICE] * 30 + [SILENCE] * 50

    def once() -> Heard:
        hearing = Hearing(CLASSES, activity=VoiceActivity())
        hearing.begin(ASK)
        hearing.prompt_over()
        for frame in audio:
            hearing.frame(frame)
        return hearing.so_far()

    assert once() == once()
