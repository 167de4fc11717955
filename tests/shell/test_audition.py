"""Recorded callers at the front door: they hear and say what a live caller would."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from screener.core.audio import FRAME_BYTES
from screener.core.call import Ending, Outcome
from screener.core.grammar import Understood
from screener.core.script import (
    Answer,
    CallerGone,
    Command,
    Drop,
    Hangup,
    Heard,
    HeardBy,
    Keep,
    Listen,
    Overhear,
    Play,
    Recorded,
    RecordedBy,
    RecordName,
    Redirect,
    Replay,
    Ring,
    Script,
    Talk,
    Treat,
    Treatment,
    do,
)
from screener.core.script import Record as RecordMessage
from screener.core.timeline import Played
from screener.core.transcript import Transcript, Word
from screener.errors import ClipError
from screener.rehearsal.audition import Audition, Recording
from screener.rehearsal.clips import open_clip
from tests.calls import speech
from tests.core.lines import BOX, FAMILY

PROMPT = 2.0
ENDING = Ending(Outcome.NO_MESSAGE, "it is over", verdict="unsure")
ONE = speech.trimmed(speech.say("one", "flite:rms"))
TALK = speech.say("this is an important call about your account and it goes on and on", "flite:rms")


class Notes:
    """An engine that notes what it is given; every answer is "one", every portion a word."""

    name = "notes"

    def __init__(self) -> None:
        self.heard = bytearray()
        self.answers: list[bytes] = []
        self.closed = 0

    def decoder(self) -> Notes:
        return self

    def hear(self, pcm: bytes) -> Transcript:
        self.heard += pcm
        return Transcript((Word("word", 0.0, 1.0, 1.0),))

    def transcript(self) -> Transcript:
        return Transcript((Word("word", 0.0, len(self.heard) / 16000, 0.9),))

    def close(self) -> None:
        self.closed += 1

    def answer(self, utterance: bytes, expected: frozenset[str]) -> Understood:
        self.answers.append(utterance)
        return Understood("one")

    def unknown_words(self, phrases: Iterable[str]) -> tuple[str, ...]:
        return ()


def perform(
    recording: Recording,
    *commands: Command[Any],
    engine: Notes | None = None,
    watching: bool = False,
) -> tuple[Played, list[object]]:
    """Carry out commands; what became of the caller, and what came of each."""
    outcomes: list[object] = []

    def script() -> Script[Ending]:
        yield from do(Answer())
        for command in commands:
            outcomes.append((yield from do(command)))
        return ENDING

    engine = engine or Notes()
    audition = Audition(recording, engine, (), lambda _: PROMPT, watching=watching)
    return audition.play(script()), outcomes


def asking(*prompts: str, wait: float = 6.0) -> Listen:
    return Listen(prompts or ("greeting",), frozenset("1"), frozenset({"one"}), wait)


def heard(outcome: object) -> Heard:
    assert isinstance(outcome, Heard)
    return outcome


def test_who_waits_says_it_each_time_that_he_is_asked() -> None:
    engine = Notes()
    played, (first, second) = perform(Recording(ONE, None), asking(), asking(), engine=engine)
    for outcome, begun in ((heard(first), 0.0), (heard(second), heard(first).end)):
        assert (outcome.by, outcome.words) == (HeardBy.ANSWER, "one")
        assert outcome.prompt.start == pytest.approx(begun)
        assert outcome.prompt.seconds == pytest.approx(PROMPT)
        assert outcome.talk[0].start >= outcome.prompt.end - 0.1
    assert len(engine.answers) == 2
    assert played.attempts == 2
    assert played.used == pytest.approx(2 * speech.seconds_of(ONE), abs=0.05)
    assert engine.closed == 1


def test_a_recording_begins_at_its_time_and_is_said_once() -> None:
    _, (first, second) = perform(Recording(TALK, 0.5), asking(), asking())
    assert heard(first).talk[0].start == pytest.approx(0.5, abs=0.4)
    assert heard(second).by is HeardBy.QUIET
    assert heard(second).talk == ()


def test_a_recording_that_begins_later_leaves_silence_before() -> None:
    _, (first, second) = perform(Recording(ONE, 12.0), asking(), asking())
    assert heard(first).by is HeardBy.QUIET
    assert heard(first).end == pytest.approx(8.0, abs=0.05)
    assert heard(second).talk[0].start == pytest.approx(12.0, abs=0.2)


def test_prompts_that_nothing_is_asked_by_take_their_time() -> None:
    played, _ = perform(Recording(ONE, None), Play(("kept", "goodbye")), Hangup())
    assert played.seconds == pytest.approx(2 * PROMPT)
    assert (played.used, played.attempts, played.rang) == (0.0, 0, False)


def test_what_a_script_can_ask_for_is_done() -> None:
    keys = frozenset("123")
    commands: tuple[Command[Any], ...] = (
        *(Redirect("+14155550100"), Treat(Treatment.SIT), Keep("t", BOX, "why"), Drop("t")),
        *(Ring(FAMILY), Talk(), Replay("t", ("review",), keys, 3.0)),
    )
    played, outcomes = perform(Recording(b"", 0.0), *commands)
    assert outcomes[:4] == [True, None, True, None]
    assert played.rang
    assert getattr(outcomes[4], "phone", "") == "kitchen"
    assert heard(outcomes[6]).by is HeardBy.QUIET
    assert [step.command for step in played.steps[1:]] == list(commands)


def test_a_recording_says_no_name() -> None:
    _, (named,) = perform(Recording(ONE, None), RecordName())
    assert named == Recorded("", 0.0, 0.0, RecordedBy.SILENCE)


def test_a_message_is_said_after_the_beep_and_ends_by_silence() -> None:
    message = RecordMessage(replace(BOX, silence=4.0))
    engine = Notes()
    _, (_, recorded) = perform(Recording(TALK, None), asking(), message, engine=engine)
    assert isinstance(recorded, Recorded)
    assert recorded.by is RecordedBy.SILENCE
    assert recorded.seconds == pytest.approx(speech.seconds_of(TALK) + 4.0, abs=1.0)
    assert 0.5 * speech.seconds_of(TALK) < recorded.speech < speech.seconds_of(TALK)
    assert len(engine.heard) / 16000 < speech.seconds_of(TALK) + 1  # a message is not decoded


def test_a_message_ends_at_its_limit() -> None:
    long = Recording(TALK * 40, 0.0)
    _, (_, recorded) = perform(long, asking(), RecordMessage(BOX))
    assert isinstance(recorded, Recorded)
    assert recorded.by is RecordedBy.LIMIT
    assert recorded.seconds == pytest.approx(BOX.limit)


def test_who_is_heard_out_is_kept_from_the_answer_on() -> None:
    engine = Notes()
    played, (_, recorded) = perform(
        Recording(TALK, 0.0), asking(wait=0.5), Overhear(BOX, silence=3.0), engine=engine
    )
    assert isinstance(recorded, Recorded)
    assert recorded.by is RecordedBy.SILENCE
    assert recorded.seconds == pytest.approx(played.seconds)
    assert recorded.seconds == pytest.approx(speech.seconds_of(TALK) + 3.0, abs=0.7)
    assert len(engine.heard) / 16000 == pytest.approx(played.speech, abs=0.1)
    assert played.speech > 0.8 * speech.seconds_of(TALK)


def test_listening_ends_when_what_was_heard_is_enough() -> None:
    listen = Listen(("greeting",), frozenset("1"), enough=lambda so_far: so_far.end >= 1.0)
    played, (outcome,) = perform(Recording(TALK, 0.0), listen)
    assert heard(outcome).by is HeardBy.ENOUGH
    assert played.seconds == pytest.approx(1.0, abs=0.25)


def test_a_caller_who_comes_to_no_end_hangs_up_after_an_hour() -> None:
    kept: list[str] = []

    def script() -> Script[Ending]:
        try:
            while True:
                yield from do(Listen(("greeting",), frozenset("1"), wait=900.0))
        except CallerGone:
            yield from do(Keep("t", BOX, "why"))
            kept.append("t")
            return ENDING

    audition = Audition(Recording(b"", 0.0), Notes(), (), lambda _: PROMPT)
    played = audition.play(script())
    assert (played.ending, kept) == (ENDING, ["t"])
    assert 3600 <= played.seconds < 3600 + 910


def test_words_stand_where_they_were_said() -> None:
    played, _ = perform(Recording(TALK, 3.0), asking())
    assert played.transcript.words[0].start == pytest.approx(3.0, abs=0.4)


def test_who_is_watched_is_judged_all_the_time_and_nothing_else_changes() -> None:
    plain, _ = perform(Recording(TALK, 0.3), asking(), RecordMessage(BOX))
    watched, _ = perform(Recording(TALK, 0.3), asking(), RecordMessage(BOX), watching=True)
    assert [(step.end, step.outcome) for step in watched.steps] == [
        (step.end, step.outcome) for step in plain.steps
    ]
    assert (plain.opinions, list(plain.peaks)) == ((), [])
    assert len(watched.peaks) == round(watched.seconds / 0.02)
    assert max(watched.peaks) == max(
        abs(int.from_bytes(TALK[n : n + 2], "little", signed=True)) for n in range(0, len(TALK), 2)
    )
    at = [opinion.at for opinion in watched.opinions]
    assert at == sorted(at)
    assert len(at) >= 20


def test_a_file_is_heard_as_its_sound_is(tmp_path: Path) -> None:
    path = tmp_path / "talk.wav"
    path.write_bytes(speech.wav(TALK))
    from_file, _ = perform(Recording(open_clip(path), None), asking(), asking())
    from_memory, _ = perform(Recording(TALK, None), asking(), asking())
    assert [step.outcome for step in from_file.steps] == [
        step.outcome for step in from_memory.steps
    ]


def test_a_file_that_cannot_be_read_leaves_no_decoder_behind(tmp_path: Path) -> None:
    path = tmp_path / "gone.wav"
    path.write_bytes(speech.wav(TALK))
    clip = open_clip(path)
    path.unlink()
    engine = Notes()
    with pytest.raises(ClipError, match=r"gone\.wav cannot be read"):
        perform(Recording(clip, 0.0), asking(), engine=engine)
    assert engine.closed == 1


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.binary(max_size=8 * FRAME_BYTES).map(lambda noise: noise * 40),
    st.none() | st.floats(0, 20),
)
def test_any_sound_comes_to_an_end_and_always_to_the_same(
    sound: bytes, onset: float | None
) -> None:
    first, outcomes = perform(Recording(sound, onset), asking(), asking(), RecordMessage(BOX))
    second, again = perform(Recording(sound, onset), asking(), asking(), RecordMessage(BOX))
    assert outcomes == again
    assert first.seconds == second.seconds < 300
