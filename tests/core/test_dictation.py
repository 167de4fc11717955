"""A message being spoken: what ends it, what pauses it, what the caller is told meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest

from screener.core.dictation import (
    HALF_A_MINUTE,
    LONGEST_PAUSE,
    NEARLY_OVER,
    PAUSED,
    PAUSES,
    START,
    Dictation,
)
from screener.core.script import Record, RecordedBy
from screener.core.vad import VoiceActivity
from tests.calls import speech
from tests.core.lines import BOX

WORDS = speech.say("please call me back tonight, it is about the garden", "flite:slt")


def begun(*, limit: float = 300.0, silence: float = 6.0) -> Dictation:
    """A recording whose beep is over."""
    dictation = Dictation(Record(replace(BOX, limit=limit, silence=silence)))
    assert dictation.take_prompts() == START
    dictation.played()
    return dictation


def say(dictation: Dictation, pcm: bytes) -> float:
    """Give it frames until it is over; how many seconds of them were recorded."""
    taken = 0
    for at in range(0, len(pcm) - 319, 320):
        taken += dictation.frame(pcm[at : at + 320])
        if dictation.over is not None:
            break
    return taken * 0.02


def wait(dictation: Dictation, seconds: float) -> float:
    return say(dictation, speech.silence(seconds))


def test_nothing_is_recorded_before_the_beep_is_over() -> None:
    dictation = Dictation(Record(BOX))
    assert dictation.take_prompts() == START
    assert dictation.played() == b""
    assert say(dictation, WORDS) == pytest.approx(speech.seconds_of(WORDS), abs=0.02)
    assert dictation.seconds == pytest.approx(speech.seconds_of(WORDS), abs=0.02)
    assert dictation.speech > 1.0
    assert dictation.over is None


def test_who_speaks_as_the_beep_ends_is_recorded_from_his_first_sound_on() -> None:
    """That the beep is over is known here a moment after he has heard it."""
    dictation = Dictation(Record(BOX))
    assert say(dictation, WORDS) == 0.0
    last = WORDS[: len(WORDS) // 320 * 320][-1600:]
    assert dictation.played() == last
    assert dictation.seconds == pytest.approx(0.1)
    assert dictation.played() == b""
    say(dictation, WORDS[:320])
    assert dictation.seconds == pytest.approx(0.12)


def test_what_is_said_in_a_pause_is_not_what_precedes_the_beep() -> None:
    dictation = begun()
    dictation.key("*")
    say(dictation, WORDS)
    dictation.key("*")
    assert dictation.played() == b""
    dictation.key("*")
    dictation.key("*")
    say(dictation, WORDS[:640])
    dictation.key("*")
    dictation.key("*")
    assert dictation.played() == b""


def test_a_key_ends_it_and_others_mean_nothing() -> None:
    dictation = begun()
    say(dictation, WORDS)
    for digit in "0123456789ABCD":
        dictation.key(digit)
    assert dictation.over is None
    dictation.key("#")
    assert dictation.over is RecordedBy.KEY
    assert not dictation.frame(WORDS[:320])


def test_silence_ends_it_after_the_last_word() -> None:
    dictation = begun(silence=2.0)
    say(dictation, WORDS)
    wait(dictation, 10.0)
    assert dictation.over is RecordedBy.SILENCE
    assert dictation.seconds == pytest.approx(speech.seconds_of(WORDS) + 2.0, abs=0.4)


def test_who_says_nothing_is_waited_for_as_long() -> None:
    dictation = begun(silence=2.0)
    wait(dictation, 10.0)
    assert dictation.over is RecordedBy.SILENCE
    assert dictation.seconds == pytest.approx(2.0, abs=0.021)
    assert dictation.speech == 0.0


def test_no_silence_ends_it_where_the_owner_wants_that() -> None:
    dictation = begun(silence=0.0, limit=60.0)
    say(dictation, WORDS)
    wait(dictation, 70.0)
    assert dictation.over is RecordedBy.LIMIT
    assert dictation.seconds == pytest.approx(60.0, abs=0.001)


@pytest.mark.parametrize("limit", [5.0, 20.0, 60.0, 90.0, 3600.0])
def test_a_warning_comes_before_the_limit_once(
    limit: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    dictation = begun(limit=limit, silence=0.0)
    monkeypatch.setattr(VoiceActivity, "is_voice", lambda *_: False)  # an hour of it
    heard: list[tuple[float, tuple[str, ...]]] = []
    while dictation.over is None:
        dictation.frame(bytes(320))
        if prompts := dictation.take_prompts():
            heard.append((dictation.seconds, prompts))
    assert dictation.over is RecordedBy.LIMIT
    [(at, prompts)] = heard
    if limit >= 90.0:
        assert prompts == HALF_A_MINUTE
        assert limit - at == pytest.approx(30.0, abs=0.021)
    else:
        assert prompts == NEARLY_OVER
        assert at == pytest.approx(limit * 2 / 3, abs=0.021)


def test_what_is_said_in_a_pause_is_in_no_recording() -> None:
    dictation = begun()
    before = say(dictation, WORDS)
    dictation.key("*")
    assert dictation.take_prompts() == PAUSED
    assert say(dictation, WORDS) == 0.0
    dictation.played()
    assert say(dictation, WORDS) == 0.0
    dictation.key("*")
    assert dictation.take_prompts() == START
    assert say(dictation, WORDS) == 0.0, "the beep is not over"
    after = len(dictation.played()) / 16000
    after += say(dictation, WORDS)
    assert dictation.seconds == pytest.approx(before + after, abs=0.001)
    assert dictation.over is None


def test_no_silence_ends_a_pause_nor_does_the_limit() -> None:
    dictation = begun(silence=2.0, limit=5.0)
    say(dictation, WORDS)
    dictation.key("*")
    assert wait(dictation, 60.0) == 0.0
    assert dictation.over is None
    dictation.key("*")
    dictation.played()
    assert wait(dictation, 1.5) == pytest.approx(1.5, abs=0.021), "his silence begins anew"
    assert dictation.over is not RecordedBy.SILENCE


def test_who_does_not_go_on_has_said_all() -> None:
    dictation = begun()
    said = say(dictation, WORDS)
    dictation.key("*")
    wait(dictation, LONGEST_PAUSE + 1.0)
    assert dictation.over is RecordedBy.PAUSE
    assert dictation.seconds == pytest.approx(said, abs=0.001)


def test_pauses_do_not_go_on_for_ever_either() -> None:
    dictation = begun()
    paused = 0.0
    while dictation.over is None:
        dictation.key("*")
        wait(dictation, 100.0)
        paused += 100.0
        dictation.key("*")
        dictation.played()
        say(dictation, WORDS[:3200])
        assert paused <= PAUSES + 100.0
    assert dictation.over is RecordedBy.PAUSE


def test_the_end_key_ends_a_pause_too() -> None:
    dictation = begun()
    say(dictation, WORDS)
    dictation.key("*")
    dictation.key("#")
    assert dictation.over is RecordedBy.KEY
    assert dictation.take_prompts() == ()


def test_paused_and_gone_on_with_at_once_nothing_but_the_beep_is_waited_for() -> None:
    dictation = begun()
    dictation.key("*")
    dictation.key("*")
    assert dictation.take_prompts() == START
    dictation.played()
    assert say(dictation, WORDS) > 1.0


def test_a_disk_that_takes_no_more_ends_it() -> None:
    dictation = begun()
    say(dictation, WORDS)
    dictation.full()
    assert dictation.over is RecordedBy.DISK
    dictation.key("#")
    assert dictation.over is RecordedBy.DISK


def test_a_tone_is_no_speech() -> None:
    dictation = begun(silence=0.0)
    say(dictation, speech.tone(440.0, 5.0))
    assert dictation.speech < 0.5
