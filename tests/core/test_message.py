"""Leaving a message: recorded, heard, kept, recorded anew or dropped, whatever the disk says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

import pytest

from screener.core.call import Ending, Outcome
from screener.core.course import Course
from screener.core.event import EventKind
from screener.core.message import take_message
from screener.core.reception import receive
from screener.core.rulefile import parse
from screener.core.rules import RuleSet
from screener.core.script import (
    Answer,
    Command,
    Decision,
    Drop,
    FindRoom,
    Hangup,
    Heard,
    HeardBy,
    Keep,
    Listen,
    Note,
    Play,
    Rang,
    Record,
    Recorded,
    RecordedBy,
    Replay,
    Report,
    Ring,
    Script,
    Sound,
    Span,
    Speak,
    Treat,
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
    stranger,
    take,
    talked,
)

C = TypeVar("C", bound=Command[Any])
SILENT = take("take-2", speech=0.1, by=RecordedBy.SILENCE)
CHOSE_NOTHING = Heard(HeardBy.QUIET)


def ruled(text: str) -> RuleSet:
    """These rules; none for ""."""
    rules, mistakes = parse(f"{text}\n", "house.rules", "US")
    assert not mistakes
    return RuleSet(rules)


def leave(
    *steps: object, full: bool = False, hang_up_at_outcomes: bool = False
) -> tuple[Ending, list[Command[Any]]]:
    """A call that a rule sends to the box."""
    rules = ruled("send to * message family")
    call = receive(stranger(), reception(rules))
    return play(call, steps, full=full, hang_up_at_outcomes=hang_up_at_outcomes)


def of(kind: type[C], asked: list[Command[Any]]) -> list[C]:
    return [command for command in asked if isinstance(command, kind)]


def played(asked: list[Command[Any]]) -> list[str]:
    return [name for command in of(Play, asked) for name in command.prompts]


def test_who_hangs_up_when_no_phone_rings_any_more_does_not_hang_up_while_one_rings() -> None:
    for rang in (nobody(), Rang("", 0.0), Rang("kitchen", 4.0, decision=Decision.MESSAGE)):
        call = receive(stranger(), reception(ruled("allow to *")))
        ending, _ = play(call, (rang, HangsUp()))
        assert ending.outcome is Outcome.GAVE_UP
        assert ending.reason == "the caller hung up while being told that nobody answers"


def test_recorded_heard_and_kept() -> None:
    ending, asked = leave(take("take-1"), keyed("1"), True)
    assert ending.outcome is Outcome.MESSAGE
    assert played(asked) == ["leave-message", "kept"]
    assert [k.take for k in of(Keep, asked)] == ["take-1"]
    assert of(Record, asked) == [Record(BOX)]
    assert not of(Drop, asked)
    assert not of(Report, asked)


@pytest.mark.parametrize("by", [by for by in RecordedBy if by is not RecordedBy.DISK])
def test_however_it_ended_who_chooses_nothing_keeps_it(by: RecordedBy) -> None:
    ending, asked = leave(take(by=by), CHOSE_NOTHING, CHOSE_NOTHING, True)
    assert ending.outcome is Outcome.MESSAGE
    assert len(of(Replay, asked)) == 2


@pytest.mark.parametrize("answers", [0, 1])
def test_who_hangs_up_at_any_moment_has_left_it(answers: int) -> None:
    steps = (take("take-1"), *([CHOSE_NOTHING] * answers), HangsUp(), True)
    ending, asked = leave(*steps, hang_up_at_outcomes=True)
    assert ending.outcome is Outcome.MESSAGE
    assert [k.take for k in of(Keep, asked)] == ["take-1"]


def test_who_hangs_up_after_his_last_key_has_left_it_once() -> None:
    kept = Recorded("take-1", 10.0, 8.0, RecordedBy.KEY)
    ending, asked = leave(kept, keyed("1"), True)
    assert ending.outcome is Outcome.MESSAGE
    assert len(of(Keep, asked)) == 1


def test_nothing_said_is_counted_and_dropped() -> None:
    ending, asked = leave(SILENT)
    assert ending.outcome is Outcome.NO_MESSAGE
    assert of(Drop, asked) == [Drop("take-2")]
    assert of(Report, asked) == [Report(EventKind.NOTHING_SAID, "after the beep of family")]
    assert of(Keep, asked) == []
    assert played(asked) == ["leave-message", "nothing-recorded", "goodbye"]


def test_a_yes_is_a_message() -> None:
    """The shortest one that was measured."""
    ending, asked = leave(take("take-1", speech=0.26), CHOSE_NOTHING, CHOSE_NOTHING, True)
    assert ending.outcome is Outcome.MESSAGE
    assert len(of(Keep, asked)) == 1


def test_nothing_said_by_who_hangs_up_is_counted_too() -> None:
    silent = Recorded("", 0.0, 0.0, RecordedBy.HANGUP)
    ending, asked = leave(silent)
    assert ending.outcome is Outcome.NO_MESSAGE
    assert [report.kind for report in of(Report, asked)] == [EventKind.NOTHING_SAID]


def test_a_new_take_is_in_the_place_of_the_earlier_one() -> None:
    _, asked = leave(take("take-1"), keyed("2"), take("take-2"), keyed("1"), True)
    assert of(Drop, asked) == [Drop("take-1")]
    assert [k.take for k in of(Keep, asked)] == ["take-2"]


def test_a_new_take_of_nothing_leaves_the_earlier_one() -> None:
    _, asked = leave(take("take-1"), keyed("2"), SILENT, keyed("1"), True)
    assert of(Drop, asked) == [Drop("take-2")]
    assert [k.take for k in of(Keep, asked)] == ["take-1"]
    assert of(Report, asked) == [], "something was said, and is mailed"


def test_the_earlier_take_is_dropped_only_when_the_new_one_holds_speech() -> None:
    _, asked = leave(take("take-1"), keyed("2"), take("take-2"), keyed("1"), True)
    second = [n for n, command in enumerate(asked) if isinstance(command, Record)][1]
    assert asked.index(Drop("take-1")) > second


def test_dropped_it_is_gone() -> None:
    ending, asked = leave(take("take-1"), keyed("3"))
    assert ending.outcome is Outcome.NO_MESSAGE
    assert of(Drop, asked) == [Drop("take-1")]
    assert of(Keep, asked) == []


def test_what_cannot_be_kept_is_told() -> None:
    ending, asked = leave(take("take-1"), keyed("1"), False)
    assert ending.outcome is Outcome.NO_MESSAGE
    assert ending.reason.startswith("the message could not be kept")
    assert played(asked)[-1] == "not-kept"


# A full disk --------------------------------------------------------------------------------------


def test_a_full_disk_is_told_before_anybody_speaks() -> None:
    ending, asked = leave(full=True)
    assert ending.outcome is Outcome.NO_MESSAGE
    assert ending.reason.startswith("the disk has no room for a message to family")
    assert played(asked) == ["no-room", "goodbye"]
    assert of(Record, asked) == []
    [report] = of(Report, asked)
    assert report.kind is EventKind.DISK_FULL
    assert isinstance(asked[-1], Hangup)


def test_who_reached_nobody_is_not_invited_either() -> None:
    ending, asked = play(receive(stranger(), reception()), [keyed("7")] * 3, full=True)
    assert ending.reason.startswith("the disk has no room for a message to family")
    assert "no-room" in played(asked)
    assert not [c for c in asked if isinstance(c, Listen) and "leave-message" in c.prompts]


def test_a_disk_that_fills_up_ends_it_and_what_it_took_is_kept() -> None:
    cut = Recorded("take-1", 60.0, 40.0, RecordedBy.DISK, lost=2.4)
    ending, asked = leave(cut, keyed("1"), True)
    assert ending.outcome is Outcome.MESSAGE
    assert played(asked) == ["leave-message", "no-more-room", "partly-kept"]
    assert [k.take for k in of(Keep, asked)] == ["take-1"]
    [report] = of(Report, asked)
    assert report.kind is EventKind.DISK_FULL


def test_the_last_words_that_did_not_fit_are_no_secret_either() -> None:
    _, asked = leave(replace(take("take-1"), lost=0.4), keyed("1"), True)
    assert played(asked)[-1] == "partly-kept"


def test_a_disk_that_took_nothing_is_no_silent_caller() -> None:
    ending, asked = leave(Recorded("", 0.0, 3.0, RecordedBy.DISK, lost=4.0))
    assert ending.outcome is Outcome.NO_MESSAGE
    assert ending.reason.startswith("the disk took nothing of the message")
    assert played(asked) == ["leave-message", "not-kept"]
    assert [report.kind for report in of(Report, asked)] == [EventKind.DISK_FULL]


def test_a_second_take_that_did_not_fit_leaves_the_first_whole() -> None:
    lost = Recorded("", 0.0, 3.0, RecordedBy.DISK, lost=4.0)
    ending, asked = leave(take("take-1"), keyed("2"), lost, keyed("1"), True)
    assert ending.outcome is Outcome.MESSAGE
    assert [k.take for k in of(Keep, asked)] == ["take-1"]
    assert played(asked)[-1] == "kept"


def test_room_is_looked_for_before_he_is_invited_to_speak() -> None:
    _, asked = leave(take(), keyed("1"), True)
    kinds = [type(command) for command in asked]
    assert kinds.index(FindRoom) < kinds.index(Play) < kinds.index(Record)


# The notice ---------------------------------------------------------------------------------------

NOTICE = replace(DOOR, notice=True)


def told(rules: str, *steps: object) -> list[str]:
    """What is done in a call to a door with a notice: names of commands, and prompts."""
    _, asked = play(receive(stranger(), reception(ruled(rules), door=NOTICE)), steps)
    return [
        ", ".join(c.prompts) if isinstance(c, Play) else type(c).__name__
        for c in asked
        if not isinstance(c, Note | Speak | FindRoom)
    ]


TOLD = Heard(HeardBy.ENOUGH, prompt=Span(0.0, 3.0), end=3.1)
"""A caller who says nothing while he is told that calls may be recorded."""


def asked_after(notice: Heard | HangsUp, *steps: object) -> tuple[Ending, list[Listen]]:
    """How a call ends that heard the notice, and what was asked in it."""
    script = receive(stranger(), reception(door=NOTICE))
    ending, asked = play(script, [notice, *steps], hang_up_at_outcomes=True)
    return ending, [command for command in asked if isinstance(command, Listen)]


def test_a_stranger_hears_the_notice_before_the_greeting_whatever_he_keys() -> None:
    _, [notice, first] = asked_after(TOLD, keyed("1"), answered())
    assert (notice.prompts, notice.through, notice.wait) == (("may-be-recorded",), True, 0.0)
    assert first.prompts[0] == "greeting"
    assert not first.through


def test_the_notice_ends_with_its_last_word_and_no_sooner() -> None:
    """Whatever is heard over it: a verdict may be settled, and yet he has to be told."""
    _, [notice, _] = asked_after(TOLD, keyed("1"), answered())
    assert notice.enough is not None
    kinds = "warranty", "last call", "press a digit", "money"
    over = replace(talked(0.2, 3.0, Span(0.0, 3.0), *kinds), sounds=(Sound("fax tone", 0, 3.0),))
    assert not notice.enough(over)
    assert notice.enough(replace(over, end=3.1))


def test_who_says_nothing_over_the_notice_has_all_the_time_for_his_answer() -> None:
    _, [_, first] = asked_after(TOLD, keyed("1"), answered())
    _, plain = play(receive(stranger(), reception()), [keyed("1"), answered()])
    [as_ever] = [command for command in plain if isinstance(command, Listen)]
    assert (first.wait, first.expected) == (as_ever.wait, as_ever.expected)
    ending, asked = asked_after(TOLD, quiet(), quiet())
    assert len(asked) == 3
    assert ending.reason == "nothing was said, asked twice"


def test_what_a_recording_says_over_the_notice_is_said_over_the_first_question() -> None:
    over = talked(0.2, 3.0, Span(0.0, 3.0), "warranty")
    first = talked(3.0, 8.0, Span(3.1, 6.0), "last call")
    again = talked(8.2, 14.0, Span(8.0, 10.5))
    ending, asked = asked_after(over, first, again, quiet())
    assert (ending.outcome, ending.verdict) == (Outcome.TREATED, "unwanted robot")
    assert "talked through the prompt 0.2-14.0 s" in ending.evidence
    assert len(asked) == 4
    # The notice is no question: who was talked to twice was asked once, and once more.
    calm, _ = asked_after(over, talked(3.0, 4.0, Span(3.1, 6.0)), keyed("1"), answered())
    assert calm.outcome is Outcome.CONNECTED
    assert calm.verdict == "person"


def test_who_hangs_up_over_the_notice_is_told_so() -> None:
    silent, _ = asked_after(HangsUp(TOLD))
    assert silent.outcome is Outcome.SILENT
    assert silent.reason.endswith("while being told that calls may be recorded")
    said = talked(0.2, 2.0, Span(0.0, 3.0))
    assert asked_after(HangsUp(said))[0].outcome is Outcome.GAVE_UP


def test_what_was_said_over_the_notice_is_known_of_who_hangs_up_later() -> None:
    over = talked(0.2, 2.6, Span(0.0, 3.0), "warranty")
    ending, _ = asked_after(over, HangsUp(quiet()))
    assert ending.outcome is Outcome.GAVE_UP
    assert 'said "words of warranty" (warranty) at 2.6 s' in ending.evidence


def test_who_leaves_a_message_hears_it_first_and_once() -> None:
    done = told("send to * message family", take(), keyed("1"), True)
    assert done[:3] == ["Answer", "may-be-recorded", "leave-message"]
    done = told("", TOLD, keyed("1"), nobody(), take(), keyed("1"), True)
    assert done[:3] == ["Answer", "Listen", "Listen"]
    assert "may-be-recorded" not in done


def test_who_is_let_in_hears_it_only_when_a_box_answers() -> None:
    assert "may-be-recorded" not in told("allow to *", answered())
    done = told("allow to *", nobody(), take(), keyed("1"), True)
    assert done[:4] == ["Ring", "Answer", "may-be-recorded", "nobody-answers"]


def test_who_is_turned_away_hears_nothing_of_it() -> None:
    assert told("block to *") == ["Treat"]


def test_where_there_is_no_notice_nothing_is_said() -> None:
    _, asked = play(receive(stranger(), reception()), [quiet(), quiet()])
    assert "may-be-recorded" not in played(asked)


def script_of(course: Course) -> Script[Ending]:
    return take_message(BOX, "why", course)


def test_these_commands_are_those_of_a_call() -> None:
    """Nothing here rings, treats or answers: who calls the script has seen to that."""
    course = Course(RuleSet().judge(stranger()))
    _, asked = play(script_of(course), [take(), keyed("1"), True])
    assert not [c for c in asked if isinstance(c, Ring | Treat | Answer)]
