"""Whole calls, played in a millisecond: reception, attendant, message and course together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from screener.core.call import Ending, Outcome
from screener.core.conditions import Not, Withheld
from screener.core.reception import receive
from screener.core.rulefile import parse
from screener.core.rules import Action, Rule, RuleSet, Target, Where
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
    Rang,
    Record,
    RecordedBy,
    Redirect,
    Refusal,
    Ring,
    Span,
    Speak,
    Talk,
    Treat,
    Treatment,
)
from tests.core.lines import (
    BOX,
    DOOR,
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
    assert listen.expected == {
        *("family", "home", "office", "one", "two zero", "operator", "message")
    }
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
    robot = talked(0.4, 7.5, Span(0.0, 6.0), "press a digit", "prize")
    again = talked(7.5, 10.0, Span(7.5, 10.0))
    ending, asked = screened(robot, again, talked(10.0, 14.0, Span(10.0, 12.0)))
    assert rung(asked) == []
    assert asked[-1] == Treat(Treatment.SIT)
    assert ending.outcome is Outcome.TREATED
    assert ending.verdict == "unwanted robot"
    assert "talked through the prompt 0.4-10.0 s" in ending.evidence


def test_who_only_talks_is_asked_the_challenge_twice_and_ends_at_the_message_box() -> None:
    talk = talked(0.4, 8.0, Span(0.0, 6.0))
    ending, asked = screened(talk, talk, talk, talk, talk, take(), keyed("1"), True)
    prompts = [c.prompts for c in asked if isinstance(c, Listen)]
    assert prompts[1] == ("again", "press-now")
    assert prompts[4] == ("leave-message",)
    assert Play(("leave-message",)) not in asked
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
    assert keeps == [Keep("t1", BOX, why, "no rule matches: screened")]
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


def test_what_a_phone_redirected_is_in_the_row_of_a_caller_who_did_not_wait() -> None:
    remarks = ("study is busy", "kitchen redirected to 200: ignored")
    gone = HangsUp(rang=Rang("", 4.0, remarks))
    ending, _ = _screened_listening(keyed("1"), gone)
    assert ending.reason == "the caller hung up while family was ringing"
    assert ending.redirects == ("kitchen redirected to 200: ignored",)
    assert (ending.answered_by, ending.rang_after) == ("", None)


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


# What a rule does with the call -------------------------------------------------------------------


def ruled(rule: Rule, *steps: object, shadow: bool = False) -> tuple[Ending, list[Command[Any]]]:
    """A call that one rule decides."""
    house = reception(RuleSet((rule,)), shadow=shadow)
    return play(receive(stranger(), house), steps)


def rule(action: Action, where: Where | None = None, name: str = "") -> Rule:
    """A rule for every caller who shows a number."""
    target = Target(where, name) if where else None
    return Rule(action, (Not(Withheld()),), "mine", target=target, file="t", line=1)


def test_allow_rings_the_group_that_its_rule_names() -> None:
    ending, asked = ruled(rule(Action.ALLOW, Where.RING, "office"), answered("study"))
    assert rung(asked) == ["office"]
    assert (ending.outcome, ending.ruled) == (Outcome.CONNECTED, "allow ring office")


def test_send_rings_a_group() -> None:
    ending, asked = ruled(rule(Action.SEND, Where.RING, "office"), answered("study"))
    assert rung(asked) == ["office"]
    assert not [c for c in asked if isinstance(c, Answer | Listen)]
    assert ending.ruled == "send ring office"


def test_send_rings_an_extension_and_takes_its_message() -> None:
    ending, asked = ruled(
        rule(Action.SEND, Where.EXTENSION, "20"), nobody(), take("t1"), keyed("1"), True
    )
    assert rung(asked) == ["office"]
    assert [c.box for c in asked if isinstance(c, Keep)] == [BOX]
    assert ending.outcome is Outcome.MESSAGE


def test_send_takes_a_message_and_rings_nothing() -> None:
    ending, asked = ruled(rule(Action.SEND, Where.MESSAGE, "family"), take("t1"), keyed("1"), True)
    assert isinstance(asked[1], Answer)
    assert rung(asked) == []
    assert [c.take for c in asked if isinstance(c, Keep)] == ["t1"]
    assert (ending.outcome, ending.ruled) == (Outcome.MESSAGE, "send message family")
    assert ending.reason.startswith('send message family "mine" (t:1)')


def test_send_shows_the_menu_of_a_did() -> None:
    ending, asked = ruled(
        rule(Action.SEND, Where.MENU, "+18182223333"), keyed("20"), answered("study")
    )
    assert next(c for c in asked if isinstance(c, Listen)).prompts[1] == "menu-18182223333"
    assert ending.outcome is Outcome.CONNECTED


@pytest.mark.parametrize("where", ["sip:desk@example.net", "+18055550100"])
def test_send_redirects(where: str) -> None:
    ending, asked = ruled(rule(Action.SEND, Where.REDIRECT, where), "SIP 302")
    assert asked[1:] == [Redirect(where)]
    assert (ending.outcome, ending.ruled) == (Outcome.REDIRECTED, f"send redirect {where}")


def test_a_redirect_that_is_not_accepted_is_the_attendants() -> None:
    away = rule(Action.SEND, Where.REDIRECT, "sip:desk@example.net")
    ending, asked = ruled(away, "", keyed("1"), answered())
    assert rung(asked) == ["family"]
    assert ending.outcome is Outcome.CONNECTED


def test_who_hangs_up_instead_of_being_redirected_gave_up() -> None:
    away = rule(Action.SEND, Where.REDIRECT, "sip:desk@example.net")
    ending, _ = ruled(away, "", HangsUp())
    assert ending.outcome is Outcome.GAVE_UP


@pytest.mark.parametrize("where", [Where.RING, Where.EXTENSION, Where.MENU, Where.MESSAGE])
def test_what_is_not_there_any_more_is_the_attendants(where: Where) -> None:
    ending, asked = ruled(rule(Action.SEND, where, "gone"), keyed("1"), answered())
    assert Note(f"there is no {where} gone any more") in asked
    assert ending.outcome is Outcome.CONNECTED


def test_a_group_that_is_not_there_any_more_leaves_an_allowed_caller_allowed() -> None:
    _, asked = ruled(rule(Action.ALLOW, Where.RING, "gone"), answered())
    assert rung(asked) == ["family"]


def test_a_refusal_is_a_treatment() -> None:
    unwanted = Rule(Action.BLOCK, (Not(Withheld()),), "mine", Refusal(607), file="t", line=1)
    ending, asked = ruled(unwanted)
    assert asked[1:] == [Treat(Refusal(607))]
    assert (ending.outcome, ending.ruled) == (Outcome.TREATED, "block refuse 607")


def test_a_treatment_that_fails_or_is_cut_short_by_a_stop_rings_no_phone() -> None:
    script = receive(stranger("+19005550100"), reception(RULES))
    while not isinstance(next(script), Treat):
        pass
    with pytest.raises(StopIteration) as over:
        script.throw(LineFailed("screener was stopped in mid-call"))
    ending = over.value.value
    assert ending.outcome is Outcome.TREATED
    assert ending.reason.endswith("screener was stopped in mid-call")


@pytest.mark.parametrize(
    "decides",
    [
        rule(Action.BLOCK),
        rule(Action.SCREEN),
        rule(Action.ALLOW, Where.RING, "office"),
        rule(Action.SEND, Where.REDIRECT, "sip:desk@example.net"),
        rule(Action.SEND, Where.MESSAGE, "family"),
    ],
    ids=lambda rule: str(rule.effect),
)
def test_in_shadow_mode_every_call_rings_and_its_row_says_what_would_have_been_done(
    decides: Rule,
) -> None:
    ending, asked = ruled(decides, answered(), shadow=True)
    assert [type(command) for command in asked] == [Note, Ring, Talk, Hangup]
    assert rung(asked) == ["family"]
    assert ending.ruled == decides.effect
    assert ending.rule == '"mine" (t:1)'
    assert ending.reason.startswith(f'shadow mode; would have been: {decides.effect} "mine" (t:1)')


def test_in_shadow_mode_a_call_that_no_rule_matches_would_have_been_screened() -> None:
    house = reception(RuleSet(), shadow=True)
    ending, asked = play(receive(stranger(), house), [answered()])
    assert rung(asked) == ["family"]
    assert ending.ruled == "screen"


@pytest.mark.parametrize("shadow", [False, True])
def test_who_is_allowed_hears_the_language_of_the_number_too(shadow: bool) -> None:
    house = reception(RULES, shadow=shadow, door=replace(DOOR, language="de"))
    ending, asked = play(receive(stranger(FRIEND), house), [nobody(), take(speech=0.0)])
    assert asked[0] == Speak("de")
    assert next(c.prompts for c in asked if isinstance(c, Play)) == ("nobody-answers",)
    assert ending.outcome is Outcome.NO_MESSAGE


@pytest.mark.parametrize(
    ("came_to", "sent_to", "spoken"),
    [("de", "", ["de", ""]), ("", "de", ["de"]), ("de", "en", ["de", "en"]), ("de", "de", ["de"])],
)
def test_the_door_that_a_rule_sends_to_speaks_its_own_language(
    came_to: str, sent_to: str, spoken: list[str]
) -> None:
    other = replace(DOOR, did="+18182224444", language=sent_to)
    sends = rule(Action.SEND, Where.MENU, other.did)
    found = reception(door=replace(DOOR, language=came_to), rules=RuleSet((sends,)))
    doors = {DOOR.did: found.door, other.did: other}
    found = replace(found, directory=replace(found.directory, doors=doors))
    _, asked = play(receive(stranger(), found), [keyed("1"), answered()])
    assert [c.language for c in asked if isinstance(c, Speak)] == spoken
