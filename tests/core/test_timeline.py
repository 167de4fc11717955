"""Timelines: what happened in a call, in its order, in the words of its story and its evidence."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from screener.core.call import Ending, Outcome
from screener.core.script import (
    Answer,
    Drop,
    Hangup,
    Heard,
    HeardBy,
    Listen,
    Note,
    Play,
    Rang,
    Recorded,
    RecordedBy,
    Replay,
    Ring,
    Sound,
    Span,
    SpokenPhrase,
    Talk,
    Treat,
    Treatment,
)
from screener.core.script import Record as RecordCommand
from screener.core.timeline import (
    KINDS,
    Played,
    Step,
    as_json,
    moments,
    placed,
    prompts,
    sounds,
    tell,
)
from screener.core.transcript import Transcript, Word
from tests.core.lines import BOX, OFFICE

ASKED = Listen(("greeting", "menu"), frozenset("12"))
TALKED = Heard(
    HeardBy.TALK,
    talk=(Span(0.5, 9.0),),
    phrases=(
        SpokenPhrase("account", "your account", 3.0),
        SpokenPhrase("press a digit", "press one", 8.0),
    ),
    prompt=Span(0.0, 7.0),
    sounds=(Sound("music", 1.0, 2.0),),
    end=9.0,
)
SAID = Heard(
    HeardBy.ANSWER,
    words="two",
    talk=(Span(17.0, 17.5),),
    prompt=Span(9.0, 16.0),
    sounds=(Sound("music", 1.0, 2.5),),
    end=18.1,
)
REACHED = Played(
    ending=Ending(
        Outcome.CONNECTED, 'the caller said "two"', verdict="person", evidence=("a", "b")
    ),
    steps=(
        Step(Note("no rule matches"), 0.0, 0.0),
        Step(Answer(), 0.0, 0.0),
        Step(ASKED, 0.0, 9.0, TALKED),
        Step(ASKED, 9.0, 18.1, SAID),
        Step(Note("extension 2, office"), 18.1, 18.1),
        Step(Ring(OFFICE), 18.1, 18.1, Rang("study", 0.0)),
        Step(Talk(), 18.1, 18.1),
        Step(Hangup(), 18.1, 18.1),
    ),
    rang=True,
    seconds=18.1,
    speech=9.0,
    transcript=Transcript((Word("press", 7.5, 7.8, 0.9), Word("won", 7.8, 8.0, 0.2))),
)


def test_everything_is_told_in_its_order() -> None:
    told = moments(REACHED.steps)
    assert [moment.at for moment in told] == sorted(moment.at for moment in told)
    assert {moment.kind for moment in told} <= set(KINDS)
    texts = [moment.text for moment in told]
    assert texts[:2] == ["answered", 'playing "greeting", "menu"']
    assert any('"press one"' in text for text in texts)
    assert texts[-2:] == ["extension 2, office", "ringing study"]
    prompt = told[1]
    assert (prompt.kind, prompt.at, prompt.until) == ("prompt", 0.0, 7.0)


def test_of_a_phone_that_rings_nobody_knows_what_comes_after() -> None:
    assert not any("hung up" in moment.text for moment in moments(REACHED.steps))


def test_the_verdict_on_who_reached_a_phone_is_reached_with_his_answer() -> None:
    assert REACHED.settled == 18.1
    assert REACHED.attempts == 2
    assert REACHED.hearings == (TALKED, SAID)


def test_a_verdict_is_reached_when_it_is_never_another_again() -> None:
    quiet = Heard(HeardBy.QUIET, prompt=Span(0.0, 4.0), end=10.0)
    again = Heard(HeardBy.QUIET, prompt=Span(10.0, 12.0), end=18.0)
    silent = Ending(Outcome.SILENT, "nothing was said", verdict="silent")
    steps = (Step(ASKED, 0.0, 10.0, quiet), Step(ASKED, 10.0, 18.0, again))
    assert Played(silent, steps).settled == 10.0
    other = Ending(Outcome.NO_MESSAGE, "", verdict="unsure")  # a script may know better
    assert Played(other, steps).settled == 18.0


def test_a_review_of_a_message_is_no_question() -> None:
    heard = Heard(HeardBy.KEYS, keys="1", end=40.0)
    steps = (
        Step(ASKED, 0.0, 9.0, TALKED),
        Step(RecordCommand(BOX), 9.0, 30.0, Recorded("m", 21.0, 9.0, RecordedBy.SILENCE)),
        Step(Replay("m", ("review",), frozenset("123")), 30.0, 40.0, heard),
        Step(Drop("m"), 40.0, 40.0),
    )
    played = Played(Ending(Outcome.MESSAGE, "", verdict="unsure"), steps)
    assert (played.attempts, played.hearings) == (1, (TALKED,))
    assert prompts(steps) == ((Span(0.0, 7.0), ("greeting", "menu")), (heard.prompt, ("review",)))


def test_nobody_was_listened_to() -> None:
    played = Played(Ending(Outcome.TREATED, "a rule"), (Step(Treat(Treatment.SIT), 0.0, 0.0),))
    assert (played.settled, played.attempts, played.hearings) == (0.0, 0, ())
    assert tell(played).splitlines()[0] == "turned away, because a rule"


def test_a_prompt_that_nothing_is_asked_by_has_its_time() -> None:
    assert prompts([Step(Play(("goodbye",)), 3.0, 4.0)]) == ((Span(3.0, 4.0), ("goodbye",)),)


def test_what_is_told_ends_as_a_call_does() -> None:
    lines = tell(REACHED).splitlines()
    assert 'connected, because the caller said "two"' in lines
    at = lines.index("verdict: person")
    assert lines[at + 1 : at + 3] == ["  - a", "  - b"]
    assert lines[at + 3] == "reached 18.1 s after the answer; asked twice; a phone rings"
    assert lines[at + 4] == "understood, 55% sure of it: press …"


def test_words_that_nobody_is_sure_of_are_not_shown() -> None:
    unsure = Transcript((Word("yes", 0.0, 0.3, 0.1),))
    ending = Ending(Outcome.SILENT, "", verdict="silent")
    told = tell(Played(ending, transcript=unsure, speech=5.0))
    assert "what was said was not understood" in told
    assert "yes" not in told


def test_of_a_short_answer_no_transcript_is_shown() -> None:
    answer = replace(REACHED, speech=0.6)
    assert "press" not in tell(answer).splitlines()[-1]
    assert as_json(answer)["transcript"]["text"] == ""


def test_a_callers_words_drive_no_terminal() -> None:
    hostile = Ending(Outcome.SILENT, "x\x1b[2J", verdict="silent", evidence=('said "\u202e"',))
    words = Transcript((Word("\x1b]0;", 0.0, 0.3, 0.9),))
    steps = (Step(Answer(), 0.0, 0.0), Step(Note("\x07\n"), 0.0, 0.0))
    told = tell(Played(hostile, steps, transcript=words, speech=9.0))
    assert all(line.isprintable() for line in told.splitlines())


def test_programs_get_the_same() -> None:
    told = as_json(REACHED)
    assert (told["verdict"], told["seconds"], told["rang"]) == ("person", 18.1, True)
    assert told["talk"] == [[0.5, 9.0], [17.0, 17.5]]
    assert told["phrases"][0] == {"kind": "account", "text": "your account", "at": 3.0}
    assert told["timeline"][1]["until"] == 7.0
    assert told["transcript"]["text"] == "press …"
    assert [word["confidence"] for word in told["transcript"]["words"]] == [0.9, 0.2]


def test_a_sound_that_goes_on_is_told_once_and_whole() -> None:
    assert sounds([TALKED, SAID]) == (Sound("music", 1.0, 2.5),)


@given(
    st.lists(st.tuples(st.integers(1, 50), st.integers(1, 50)), min_size=1, max_size=6),
    st.integers(0, 300),
)
def test_words_have_the_calls_times(stretches: list[tuple[int, int]], frame: int) -> None:
    """Silence and speech in turn: each frame of speech is placed where it was in the call."""
    fed: list[tuple[float, float]] = []
    at: list[float] = []
    now = 0
    for silence, speech in stretches:
        now += silence
        fed.append((len(at) * 0.02, now * 0.02))
        at += [(now + n) * 0.02 for n in range(speech)]
        now += speech
    frame %= len(at)
    word = Word("a", frame * 0.02 + 1e-9, frame * 0.02 + 0.1, 1.0)
    (found,) = placed(Transcript((word,)), fed).words
    assert abs(found.start - at[frame]) < 1e-6
    assert abs(found.end - found.start - 0.1) < 1e-6
