"""Whole calls, played in a millisecond: reception, attendant, message and course together."""

from __future__ import annotations

from typing import Any

import pytest

from screener.core.call import Ending, Outcome
from screener.core.reception import receive
from screener.core.rulefile import parse
from screener.core.rules import RuleSet
from screener.core.script import (
    Answer,
    Command,
    Drop,
    Hangup,
    Keep,
    LineFailed,
    Listen,
    Note,
    Play,
    Record,
    RecordedBy,
    Ring,
    Span,
    Talk,
    Treat,
    Treatment,
)
from tests.core.lines import (
    BOX,
    FAMILY,
    OFFICE,
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
)

RULES = RuleSet(
    parse('allow from +14155550100 "Mom"\nblock from +1900* "premium" play busy', "t", "US")[0]
)
FRIEND = "+14155550100"


def call(number: str, *steps: object) -> tuple[Ending, list[Command[Any]]]:
    return play(receive(stranger(number), reception(RULES)), steps)


def screened(*steps: object) -> tuple[Ending, list[Command[Any]]]:
    return call("+18055550142", *steps)


def rung(asked: list[Command[Any]]) -> list[str]:
    return [command.group.name for command in asked if isinstance(command, Ring)]


def test_a_friend_rings_at_once_without_a_prompt() -> None:
    ending, asked = call(FRIEND, answered("kitchen", 3.2))
    why = 'allow "Mom" (t:1): +1 415 555 0100 is +14155550100'
    assert asked == [Note(why), Ring(FAMILY), Talk(), Hangup()]
    assert (ending.reason, ending.ruled) == (why, "allow")
    assert ending.outcome is Outcome.CONNECTED
    assert (ending.answered_by, ending.rang_after) == ("kitchen", 3.2)
    assert ending.rule == '"Mom" (t:1)'


def test_a_blocked_number_gets_its_treatment_and_rings_nothing() -> None:
    ending, asked = call("+19005550100")
    why = 'block play busy "premium" (t:2): +1 900 555 0100 is one of +1900*'
    assert asked == [Note(why), Treat(Treatment.BUSY)]
    assert (ending.outcome, ending.reason) == (Outcome.TREATED, why)
    assert ending.ruled == "block play busy"


def test_a_blocked_caller_who_hangs_up_in_his_treatment_was_still_treated() -> None:
    ending, _ = call("+19005550100", HangsUp())
    assert ending.outcome is Outcome.TREATED


def test_a_stranger_keys_an_extension() -> None:
    ending, asked = screened(keyed("20"), answered("study"))
    assert Ring(OFFICE, meanwhile=("connecting",)) in asked
    assert isinstance(asked[1], Answer)
    listen = asked[2]
    assert isinstance(listen, Listen)
    assert listen.prompts == ("greeting", "menu-18182223333")
    assert listen.extensions == {"1", "20"}
    assert listen.expected == {"family", "home", "office", "one", "two zero"}
    assert rung(asked) == ["office"]
    assert ending.outcome is Outcome.CONNECTED
    assert ending.reason == "the caller keyed 20: extension 20, office"


@pytest.mark.parametrize("words", ["office", "two zero"])
def test_a_stranger_says_an_extension(words: str) -> None:
    ending, asked = screened(said(words), answered("study"))
    assert rung(asked) == [OFFICE.name]
    assert ending.reason == f'the caller said "{words}": extension 20, office'


def test_a_wrong_key_is_told_and_asked_again() -> None:
    ending, asked = screened(keyed("7"), keyed("1"), answered())
    listens = [c.prompts for c in asked if isinstance(c, Listen)]
    assert listens[1] == ("no-such-extension", "menu-18182223333")
    assert ending.outcome is Outcome.CONNECTED


def test_words_of_a_talker_never_ring_a_phone() -> None:
    # Whatever a recogniser makes of talk: only an isolated answer is looked up.
    robot = talked(0.4, 8.0, Span(0.0, 6.0), "press-digit", "prize")
    again = talked(8.0, 16.0, Span(8.0, 14.0))
    ending, asked = screened(robot, again)
    assert rung(asked) == []
    assert asked[-1] == Treat(Treatment.SIT)
    assert ending.outcome is Outcome.TREATED
    assert ending.verdict == "unwanted robot"
    assert "talked over the prompt 0.4-8.0 s" in ending.evidence


def test_who_only_talks_ends_at_the_message_box() -> None:
    talk = talked(0.4, 8.0, Span(0.0, 6.0))
    ending, asked = screened(talk, talk, talk, take(), keyed("1"), True)
    assert rung(asked) == []
    assert ending.outcome is Outcome.MESSAGE
    assert ending.verdict == "unsure"


def test_who_has_talked_on_twice_gets_through_by_key_only() -> None:
    talk = talked(0.4, 8.0, Span(0.0, 6.0))
    _, asked = screened(talk, talk, keyed("1"), answered())
    listens = [c for c in asked if isinstance(c, Listen)]
    assert [bool(c.expected) for c in listens] == [True, True, False]
    assert rung(asked) == ["family"]


def test_a_silent_call_is_counted_and_nothing_is_recorded() -> None:
    ending, asked = screened(quiet(), quiet())
    assert ending.outcome is Outcome.SILENT
    assert not [c for c in asked if isinstance(c, Ring | Record | Keep)]
    assert isinstance(asked[-1], Hangup)


def test_nobody_answers_and_a_message_is_kept() -> None:
    ending, asked = screened(keyed("1"), nobody(), take("t1"), keyed("1"), True)
    keeps = [c for c in asked if isinstance(c, Keep)]
    why = "nobody answered; the caller keyed 1: extension 1, family"
    assert keeps == [Keep("t1", BOX, why)]
    assert ending.outcome is Outcome.MESSAGE
    assert asked[-2:] == [Play(("kept",)), Hangup()]


def test_a_friend_whom_nobody_answers_leaves_a_message() -> None:
    ending, asked = call(FRIEND, nobody(), take(), keyed("1"), True)
    assert asked.index(Answer()) > asked.index(Ring(FAMILY))
    assert ending.outcome is Outcome.MESSAGE


def test_record_again_keeps_the_second_and_drops_the_first() -> None:
    _, asked = screened(keyed("1"), nobody(), take("t1"), keyed("2"), take("t2"), keyed("1"), True)
    assert Drop("t1") in asked
    assert [c.take for c in asked if isinstance(c, Keep)] == ["t2"]


def test_a_second_recording_of_nothing_does_not_cost_the_first() -> None:
    empty = take("t2", speech=0.0)
    _, asked = screened(keyed("1"), nobody(), take("t1"), keyed("2"), empty, keyed("1"), True)
    assert [c.take for c in asked if isinstance(c, Keep)] == ["t1"]
    assert Drop("t2") in asked


def test_a_dropped_message_is_not_kept() -> None:
    ending, asked = screened(keyed("1"), nobody(), take("t1"), keyed("3"))
    assert Drop("t1") in asked
    assert ending.outcome is Outcome.NO_MESSAGE


def test_a_caller_who_presses_nothing_keeps_his_message() -> None:
    ending, _ = screened(keyed("1"), nobody(), take("t1"), quiet(), quiet(), True)
    assert ending.outcome is Outcome.MESSAGE


def test_a_recording_of_nothing_is_dropped_and_counted() -> None:
    ending, asked = screened(keyed("1"), nobody(), take("t1", speech=0.1))
    assert not [c for c in asked if isinstance(c, Keep)]
    assert Drop("t1") in asked
    assert ending.outcome is Outcome.NO_MESSAGE


def test_a_full_disk_is_told_to_the_caller_and_in_the_row() -> None:
    ending, asked = screened(keyed("1"), nobody(), take("t1"), keyed("1"), False)
    assert Play(("not-kept",)) in asked
    assert ending.outcome is Outcome.NO_MESSAGE
    assert ending.reason.startswith("the message could not be kept")


@pytest.mark.parametrize(
    "steps",
    [
        (take("t1", by=RecordedBy.HANGUP), HangsUp(), True),  # he hung up instead of a key
        (take("t1"), HangsUp(), True),  # in the review
        (take("t1"), keyed("2"), HangsUp(), True),  # at the second beep
        (take("t1"), keyed("2"), take("t2", speech=0.0, by=RecordedBy.HANGUP), HangsUp(), True),
    ],
)
def test_a_hang_up_never_loses_what_was_said(steps: tuple[object, ...]) -> None:
    ending, asked = screened(keyed("1"), nobody(), *steps)
    assert [c.take for c in asked if isinstance(c, Keep)] == ["t1"]
    assert ending.outcome is Outcome.MESSAGE


def test_hang_ups_at_every_moment_end_with_a_row() -> None:
    told = {
        (HangsUp(),): Outcome.GAVE_UP,
        (HangsUp(quiet()),): Outcome.SILENT,
        (keyed("1"), HangsUp()): Outcome.GAVE_UP,
        (keyed("1"), answered(), HangsUp()): Outcome.CONNECTED,
        (quiet(), HangsUp(talked(7.0, 8.0, Span(6.0, 9.0)))): Outcome.GAVE_UP,
    }
    for steps, outcome in told.items():
        ending, _ = _screened_listening(*steps)
        assert ending.outcome is outcome, steps
        assert ending.reason


def _screened_listening(*steps: object) -> tuple[Ending, list[Command[Any]]]:
    """As `screened`; a caller who hangs up does so at the command that would be answered."""
    return play(receive(stranger(), reception(RULES)), steps, hang_up_at_outcomes=True)


def test_a_partial_hearing_counts_as_evidence() -> None:
    ending, _ = _screened_listening(HangsUp(talked(0.4, 3.0, Span(0.0, 4.0), "prize")))
    assert 'said "words of prize" (prize) at 3.0 s' in ending.evidence


def test_a_call_that_fails_ends_with_what_was_known_of_it() -> None:
    script = receive(stranger(FRIEND), reception(RULES))
    next(script)
    with pytest.raises(StopIteration) as over:
        script.throw(LineFailed("Asterisk cannot be reached"))
    ending = over.value.value
    assert (ending.outcome, ending.reason) == (Outcome.FAILED, "Asterisk cannot be reached")
    assert ending.rule == '"Mom" (t:1)'
