"""A doorbell: phones ring, nothing is asked, and where nobody comes the call is over."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from screener.core.call import Ending, Outcome
from screener.core.frontdoor import Announced, Redirects
from screener.core.reception import receive
from screener.core.rulefile import parse
from screener.core.rules import RuleSet
from screener.core.script import (
    Answer,
    Command,
    Hangup,
    Listen,
    Play,
    Redirect,
    Ring,
    Talk,
    Treat,
)
from tests.core.lines import (
    DOOR,
    FAMILY,
    KITCHEN,
    OFFICE,
    HangsUp,
    answered,
    nobody,
    play,
    reception,
    stranger,
)

BELL = replace(DOOR, doorbell=True)


def ringing(
    *steps: object, rule: str = "", shadow: bool = False
) -> tuple[Ending, list[Command[Any]]]:
    """Somebody at the door, with this one rule."""
    rules = RuleSet(parse(rule, "t", "US")[0])
    return play(receive(stranger(), reception(rules, door=BELL, shadow=shadow)), steps)


def rung(asked: list[Command[Any]]) -> list[str]:
    return [command.group.name for command in asked if isinstance(command, Ring)]


def kinds(asked: list[Command[Any]]) -> list[str]:
    return [type(command).__name__ for command in asked if type(command).__name__ != "Note"]


def test_phones_ring_at_once_and_nothing_is_asked() -> None:
    ending, asked = ringing(answered("study", 4.0))
    assert kinds(asked) == ["Ring", "Talk", "Hangup"]
    assert rung(asked) == ["family"]
    assert (ending.outcome, ending.answered_by) == (Outcome.CONNECTED, "study")


def test_no_box_answers_where_nobody_comes() -> None:
    ending, asked = ringing(nobody())
    assert asked[-3:] == [Answer(), Play(("nobody-at-home",)), Hangup()]
    assert ending.outcome is Outcome.UNANSWERED
    assert str(ending.outcome) == "nobody answered"


def test_who_goes_away_while_he_is_told_has_found_nobody() -> None:
    script = receive(stranger(), reception(door=BELL))
    ending, _ = play(script, [nobody(), HangsUp()])
    assert ending.outcome is Outcome.UNANSWERED
    ending, _ = play(receive(stranger(), reception(door=BELL)), [HangsUp()])
    assert ending.outcome is Outcome.GAVE_UP


def test_no_phone_sends_the_visitor_elsewhere_and_he_is_not_announced() -> None:
    followed = replace(KITCHEN, redirects=Redirects.LISTED)
    group = replace(
        FAMILY,
        phones=(followed,),
        redirects=Redirects.INSIDE,
        redirect_to=("+14155550100",),
        announced=Announced.ALWAYS,
    )
    door = replace(BELL, group=group)
    _, asked = play(receive(stranger(), reception(door=door)), [nobody()])
    [ring] = [command for command in asked if isinstance(command, Ring)]
    assert ring.group.redirects is Redirects.IGNORE
    assert [phone.redirects for phone in ring.group.phones] == [Redirects.IGNORE]
    assert (ring.announced, ring.proved) == (False, True)


@pytest.mark.parametrize(
    ("rule", "group"),
    [
        ("allow from *", "family"),
        ("allow from * ring office", "office"),
        ("screen from * challenge", "family"),
        ("send from * ring office", "office"),
        ("send from * extension 20", "office"),
        ("send from * ring gone", "family"),
        ("send from * message family", "family"),
        ("send from * menu +18182223333", "family"),
    ],
)
def test_whatever_a_rule_lets_in_rings(rule: str, group: str) -> None:
    ending, asked = ringing(nobody(), rule=rule)
    assert rung(asked) == [group]
    assert not any(isinstance(command, Listen) for command in asked)
    assert ending.outcome is Outcome.UNANSWERED


def test_who_is_sent_to_a_doorbell_rings_it() -> None:
    bell = replace(BELL, did="+18182224444", group=OFFICE)
    house = reception(RuleSet(parse("send from * menu +18182224444", "t", "US")[0]))
    directory = replace(house.directory, doors={DOOR.did: DOOR, bell.did: bell})
    steps = [nobody()]
    ending, asked = play(receive(stranger(), replace(house, directory=directory)), steps)
    assert rung(asked) == ["office"]
    assert ending.outcome is Outcome.UNANSWERED


def test_a_block_blocks() -> None:
    ending, asked = ringing(rule="block from *")
    assert kinds(asked) == ["Treat"]
    assert any(isinstance(command, Treat) for command in asked)
    assert ending.outcome is Outcome.TREATED


def test_a_rule_may_send_the_visitor_elsewhere() -> None:
    rule = "send from * redirect sip:me@example.net"
    ending, asked = ringing("SIP 302", rule=rule)
    assert Redirect("sip:me@example.net") in asked
    assert ending.outcome is Outcome.REDIRECTED
    ending, asked = ringing("", answered(), rule=rule)
    assert rung(asked) == ["family"]
    assert Talk() in asked


def test_no_box_answers_in_shadow_mode_either() -> None:
    ending, asked = ringing(nobody(), rule="block from *", shadow=True)
    assert rung(asked) == ["family"]
    assert ending.outcome is Outcome.UNANSWERED
