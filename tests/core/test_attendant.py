"""How the attendant handles who talks: asks again at once, acts on what is settled, keeps what is
wanted, and leaves every person a way."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from screener.core.call import Ending, Outcome
from screener.core.frontdoor import Challenged
from screener.core.reception import receive
from screener.core.script import (
    Command,
    Drop,
    Hangup,
    Heard,
    HeardBy,
    Keep,
    Likeness,
    Listen,
    Note,
    Overhear,
    Play,
    Ring,
    Span,
    SpokenPhrase,
    Talk,
    Treat,
    Treatment,
)
from tests.core.lines import (
    BOX,
    DOOR,
    HangsUp,
    answered,
    keyed,
    nobody,
    play,
    quiet,
    reception,
    said,
    stranger,
    take,
    talked,
    unheard,
)

FIRST = Span(0.0, 6.0)
SECOND = Span(7.5, 10.5)
ROBOT = talked(0.4, 7.5, FIRST, "account", "press a digit")
ON = talked(7.5, 10.2, SECOND)
REMINDER = talked(0.4, 7.5, FIRST, "appointment", "press a digit")
REMINDING = talked(7.5, 10.2, SECOND, "appointment")


def call(*steps: object) -> tuple[Ending, list[Command[Any]]]:
    return play(receive(stranger(), reception()), steps)


def hung_up(*steps: object) -> tuple[Ending, list[Command[Any]]]:
    return play(receive(stranger(), reception()), steps, hang_up_at_outcomes=True)


def listens(asked: list[Command[Any]]) -> list[Listen]:
    return [command for command in asked if isinstance(command, Listen)]


def enough(first: int, *steps: object) -> Any:
    """What the attendant's listening number `first` (from 0) is asked now and then."""
    _, asked = play(receive(stranger(), reception()), steps)
    return listens(asked)[first].enough


def so_far(end: float, prompt_end: float, *talk: Span, kinds: tuple[str, ...] = ()) -> Heard:
    phrases = tuple(SpokenPhrase(kind, kind, end) for kind in kinds)
    return Heard(HeardBy.HANGUP, talk=talk, phrases=phrases, prompt=Span(0.0, prompt_end), end=end)


# Asking again -------------------------------------------------------------------------------------


def test_who_talks_through_the_prompt_and_on_is_asked_again_soon() -> None:
    ask = enough(0, keyed("1"), answered())
    assert not ask(so_far(7.0, 6.0, Span(0.4, 7.0)))
    assert ask(so_far(7.6, 6.0, Span(0.4, 7.6)))
    assert not ask(so_far(7.6, 6.0, Span(0.4, 6.4)))  # he has stopped: he may answer
    assert not ask(so_far(7.6, 6.0, Span(5.5, 7.6)))  # he has begun to answer
    assert not ask(so_far(9.6, 6.0, Span(6.2, 9.6)))  # he answers at length
    assert ask(so_far(7.6, 6.0, Span(5.0, 7.6)))  # this is longer than any answer


def test_a_long_menu_is_not_played_to_its_end_to_who_talks_as_robots_do() -> None:
    ask = enough(0, keyed("1"), answered())
    kinds = ("account", "press a digit")
    assert ask(so_far(5.0, 5.0, Span(0.4, 5.0), kinds=kinds))
    assert not ask(so_far(3.0, 3.0, Span(0.4, 3.0), kinds=kinds))
    assert not ask(so_far(5.0, 5.0, Span(0.4, 5.0), kinds=kinds[:1]))
    assert ask(so_far(6.5, 6.5, Span(0.4, 6.5), kinds=kinds[:1]))
    assert not ask(so_far(9.0, 9.0, Span(0.4, 9.0)))  # a person misses no menu for his talk


def test_listening_ends_when_the_verdict_is_settled() -> None:
    ask = enough(1, ROBOT, keyed("1"), answered())
    second = Heard(HeardBy.HANGUP, talk=(Span(7.5, 9.0),), prompt=Span(7.5, 9.0), end=9.0)
    assert not ask(second)
    assert ask(replace(second, talk=(Span(7.5, 10.1),), prompt=Span(7.5, 10.1), end=10.1))


def test_what_a_listening_waits_for_can_be_kept_and_sent_on() -> None:
    _, asked = call(ROBOT, quiet(), quiet(), quiet(), take(), keyed("1"), True)
    assert pickle.loads(pickle.dumps(asked)) == asked


def test_the_second_question_is_short_and_the_third_has_the_menu() -> None:
    door = replace(DOOR, challenged=Challenged.NEVER)
    steps = (talked(6.5, 9.0, FIRST), quiet(), keyed("1"), answered())
    _, asked = play(receive(stranger(), reception(door=door)), steps)
    assert [c.prompts for c in listens(asked)] == [
        ("greeting", DOOR.menu),
        ("again", "press-now"),
        ("again", DOOR.menu),
    ]


def test_a_silent_call_ends_soon_and_leaves_time_for_a_key() -> None:
    ending, asked = call(quiet(), quiet())
    assert [(c.prompts[-1], c.wait) for c in listens(asked)] == [(DOOR.menu, 5.0), ("press-now", 4)]
    assert asked[-2:] == [Play(("goodbye",)), Hangup()]
    assert (ending.outcome, ending.reason) == (Outcome.SILENT, "nothing was said, asked twice")


# A robot ------------------------------------------------------------------------------------------


def test_a_robot_is_turned_away_when_it_talks_on() -> None:
    ending, asked = call(ROBOT, ON, quiet())
    assert asked[-1] == Treat(Treatment.SIT)
    assert ending.outcome is Outcome.TREATED
    assert ending.reason == (
        "unwanted robot: talked through the prompt, talked on when asked again"
        " and spoke of account and press a digit"
    )
    assert ending.verdict == "unwanted robot"


def test_a_known_recording_is_turned_away_at_once() -> None:
    likeness = Likeness("x", 3, "Mon 16 Nov", "sound", 5.0)
    known = replace(talked(0.4, 5.0, FIRST), by=HeardBy.ENOUGH, likeness=likeness)
    ending, asked = call(known, quiet())
    assert asked[-1] == Treat(Treatment.SIT)
    assert "same recording as 3 calls since Mon 16 Nov" in ending.reason


def test_a_person_who_is_taken_for_a_robot_presses_any_key_and_leaves_a_message() -> None:
    ending, asked = call(ROBOT, ON, keyed("5"), take(), keyed("1"), True)
    assert listens(asked)[2].prompts == ("person-press-key",)
    assert not [c for c in asked if isinstance(c, Treat | Ring)]
    assert ending.outcome is Outcome.MESSAGE
    assert ending.verdict == "person"
    assert "taken for unwanted robot" in ending.reason


def test_who_hangs_up_when_he_is_turned_away_was_turned_away() -> None:
    ending, _ = hung_up(ROBOT, ON, HangsUp())
    assert ending.outcome is Outcome.TREATED


def test_a_late_verdict_still_comes_before_the_message_box() -> None:
    one = talked(0.4, 7.5, FIRST, "account")
    late = talked(30.0, 33.0, Span(30.0, 33.0), "press a digit", "opt out", "call back")
    ending, asked = call(one, ON, quiet(), late, quiet())
    assert listens(asked)[3].prompts == ("leave-message",)
    assert ending.outcome is Outcome.TREATED
    assert not [c for c in asked if isinstance(c, Keep)]


def test_nobody_is_turned_away_for_talk_alone() -> None:
    for count in range(1, 5):
        on = [talked(10.0 * n, 10.0 * n + 10, Span(10.0 * n, 10.0 * n + 6)) for n in range(count)]
        rest = [quiet()] * (5 - count)
        ending, _ = hung_up(*on, *rest[:1], HangsUp())
        assert ending.outcome is not Outcome.TREATED


# A wanted robot -----------------------------------------------------------------------------------


def test_a_wanted_robot_is_heard_out_and_kept() -> None:
    ending, asked = call(REMINDER, REMINDING, take("t"), True)
    assert asked[-3] == Overhear(BOX)
    assert isinstance(asked[-2], Keep)
    assert asked[-1] == Hangup()
    assert not [c for c in asked if isinstance(c, Play | Treat | Ring)]
    assert ending.outcome is Outcome.MESSAGE
    assert ending.reason.startswith("wanted robot: talked through the prompt")


def test_a_wanted_robot_that_hangs_up_is_kept_all_the_same() -> None:
    ending, asked = hung_up(REMINDER, HangsUp(REMINDING), take("t"), True)
    assert Overhear(BOX) in asked
    assert [c.take for c in asked if isinstance(c, Keep)] == ["t"]
    assert ending.outcome is Outcome.MESSAGE
    assert ending.verdict == "wanted robot"


def test_what_may_have_been_a_code_is_kept_of_who_hangs_up() -> None:
    code = talked(0.4, 8.0, FIRST, "code")
    ending, asked = hung_up(HangsUp(code), take("t"), True)
    assert Overhear(BOX) in asked
    assert ending.outcome is Outcome.MESSAGE
    scam = talked(0.4, 8.0, FIRST, "code", "account")
    ending, asked = hung_up(HangsUp(scam))
    assert ending.outcome is Outcome.GAVE_UP


def test_a_full_disk_is_told_for_a_wanted_robot_too() -> None:
    ending, _ = call(REMINDER, REMINDING, take("t"), False)
    assert ending.outcome is Outcome.NO_MESSAGE
    assert ending.reason.startswith("the message could not be kept; wanted robot")


def test_what_is_probably_wanted_is_heard_out_instead_of_being_offered_the_box() -> None:
    school = talked(0.4, 7.5, FIRST, "important message", "school")
    ending, asked = call(school, ON, quiet(), take("t"), True)
    assert Overhear(BOX) in asked
    assert ending.outcome is Outcome.MESSAGE


# The gate -----------------------------------------------------------------------------------------

TIMES = st.floats(0.0, 20.0)
STRETCHES = st.tuples(TIMES, st.floats(0.1, 12.0)).map(lambda t: Span(t[0], t[0] + t[1]))
KINDS = st.sampled_from(["account", "press a digit", "appointment", "delivery", "opt out"])
TALKS = st.builds(
    Heard,
    by=st.sampled_from([HeardBy.QUIET, HeardBy.TALK, HeardBy.ENOUGH]),
    talk=st.lists(STRETCHES, max_size=3).map(tuple),
    phrases=st.lists(st.builds(SpokenPhrase, KINDS, st.sampled_from("abc"), TIMES), max_size=4).map(
        tuple
    ),
    prompt=STRETCHES,
    end=TIMES,
)
OUTCOMES: dict[type[Command[Any]], object] = {Overhear: take(), Keep: True}
DOORS = st.builds(
    replace,
    st.just(DOOR),
    challenged=st.sampled_from(list(Challenged)),
    tries=st.integers(1, 5),
)


@given(st.lists(TALKS, min_size=20, max_size=20), DOORS, st.integers(0, 1000))
def test_no_phone_rings_for_whoever_only_talks(
    hearings: list[Heard], door: Any, chance: int
) -> None:
    script = receive(stranger(), reception(door=door, chance=chance))
    ending, asked = _answer(script, hearings)
    assert not [c for c in asked if isinstance(c, Ring)]
    assert ending.outcome is not Outcome.CONNECTED


@given(
    st.lists(TALKS, min_size=0, max_size=4),
    st.sampled_from([keyed("1"), keyed("20"), said("office"), said("family")]),
    st.integers(0, 1000),
)
def test_whoever_answers_before_he_is_judged_gets_through(
    before: list[Heard], answer: Heard, chance: int
) -> None:
    door = replace(DOOR, tries=9, challenged=Challenged.NEVER)
    mild = [replace(heard, phrases=()) for heard in before]
    script = receive(stranger(), reception(door=door, chance=chance))
    _, asked = _answer(script, [*mild, answer, *[keyed("1")] * 9])
    talks = sum(heard.by is not HeardBy.QUIET for heard in mild)
    silent = any(
        sum(span.seconds for heard in mild[:count] for span in heard.talk) < 0.3
        for count in range(2, len(mild) + 1)
    )
    if (answer.keys or talks < 2) and not silent:
        assert [c for c in asked if isinstance(c, Ring)]


def _answer(script: Any, hearings: list[Heard]) -> tuple[Ending, list[Command[Any]]]:
    """Run a script with these hearings, all else going as it goes."""
    left = iter(hearings)
    asked: list[Command[Any]] = []
    command = next(script)
    try:
        while True:
            asked.append(command)
            match command:
                case Listen():
                    command = script.send(next(left))
                case Ring():
                    command = script.send(answered())
                case Note() | Play() | Hangup() | Treat() | Drop() | Talk():
                    command = script.send(None)
                case Overhear() | Keep():
                    command = script.send(OUTCOMES[type(command)])
                case _:
                    command = script.send(take(speech=0.0))
    except StopIteration as over:
        ending: Ending = over.value
        return ending, asked


# Nothing can be heard of the caller ---------------------------------------------------------------

UNHEARD = "the caller could not be heard (none of his sound came)"


def test_for_who_cannot_be_heard_the_phones_ring_at_once() -> None:
    ending, asked = call(unheard(), answered())
    assert len(listens(asked)) == 1
    assert [command.group for command in asked if isinstance(command, Ring)] == [DOOR.group]
    assert (ending.outcome, ending.reason) == (Outcome.CONNECTED, UNHEARD)
    assert ending.verdict == "unsure"
    assert ending.unheard == "none of his sound came"
    assert Note(UNHEARD) in asked


def test_who_cannot_be_heard_leaves_a_message_where_nobody_answers() -> None:
    ending, _ = call(unheard(), nobody(), take(), keyed("1"), True)
    assert ending.outcome is Outcome.MESSAGE
    assert ending.reason == f"nobody answered; {UNHEARD}"


def test_keys_of_who_cannot_be_heard_count() -> None:
    """The wrong one is told, as always."""
    ending, asked = call(replace(keyed("20"), unheard="it stopped"), answered("study"))
    assert ending.reason == "the caller keyed 20: extension 20, office"
    assert (ending.verdict, ending.unheard) == ("person", "it stopped")
    wrong = replace(keyed("9"), unheard="it stopped")
    _, asked = call(wrong, replace(keyed("1"), unheard="it stopped"), answered())
    assert [listen.prompts[0] for listen in listens(asked)] == ["greeting", "no-such-extension"]
    ending, _ = call(wrong, unheard(), answered())
    assert ending.outcome is Outcome.CONNECTED


def test_a_riddle_that_he_cannot_answer_is_no_riddle_for_who_cannot_be_heard() -> None:
    door = replace(DOOR, challenged=Challenged.ALWAYS)
    ending, asked = play(receive(stranger(), reception(door=door)), (unheard(), answered()))
    assert len(listens(asked)) == 1
    assert (ending.outcome, ending.passed) == (Outcome.CONNECTED, False)


def test_a_robot_that_was_known_before_its_sound_stopped_rings_no_phone() -> None:
    ending, asked = call(ROBOT, replace(ON, unheard="it stopped"), quiet())
    assert ending.outcome is Outcome.TREATED
    assert not any(isinstance(command, Ring) for command in asked)


def test_who_cannot_be_heard_and_hangs_up_was_not_silent() -> None:
    ending, _ = hung_up(HangsUp(unheard()))
    assert ending.outcome is Outcome.GAVE_UP
    assert ending.unheard
