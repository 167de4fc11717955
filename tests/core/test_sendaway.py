"""A call that a rule sends elsewhere: by its own network or over our trunk."""

from __future__ import annotations

from dataclasses import replace

from screener.core.call import Ending, Outcome
from screener.core.frontdoor import Outside, Phone
from screener.core.reception import Reception, receive
from screener.core.rulefile import parse
from screener.core.rules import RuleSet
from screener.core.script import Hangup, Listen, Note, Redirect, Ring, Talk
from tests.core.lines import (
    DOOR,
    HangsUp,
    answered,
    keyed,
    nobody,
    play,
    quiet,
    reception,
    stranger,
)

ADDRESS = "sip:desk@example.net"
RULES = RuleSet(parse(f'send from +18055550142 "moved" redirect {ADDRESS}', "50.rules", "US")[0])
WHY = 'rule "moved" (50.rules:1): '


def house(outside: Outside) -> Reception:
    usual = reception(RULES)
    return replace(usual, directory=replace(usual.directory, outside=outside))


ITS_OWN_NETWORK = house(Outside("US"))
OUR_TRUNK = house(Outside("US", "PJSIP/{number}@trunk", bridged=True))


def end(received: Reception, steps: list[object]) -> tuple[Ending, list[object]]:
    ending, asked = play(receive(stranger(), received), steps)
    return ending, [command for command in asked if not isinstance(command, Note)]


def test_its_own_network_is_told_and_the_row_says_how() -> None:
    ending, asked = end(ITS_OWN_NETWORK, ["SIP 302"])
    assert asked == [Redirect(ADDRESS)]
    assert ending.outcome == Outcome.REDIRECTED
    assert ending.reason.endswith(f"; sent to {ADDRESS} by SIP 302")


def test_what_its_network_refuses_meets_the_attendant() -> None:
    ending, asked = end(ITS_OWN_NETWORK, ["", HangsUp()])
    assert asked[0] == Redirect(ADDRESS)
    assert any("Answer" in type(command).__name__ for command in asked)
    assert ending.outcome == Outcome.GAVE_UP


def test_over_our_trunk_it_rings_there_and_is_connected() -> None:
    ending, asked = end(OUR_TRUNK, [answered("elsewhere")])
    ring = asked[0]
    assert isinstance(ring, Ring)
    assert ring.group.phones == (Phone("elsewhere", f"PJSIP/trunk/{ADDRESS}"),)
    assert asked[1:] == [Talk(), Hangup()]
    assert ending.outcome == Outcome.REDIRECTED
    assert ending.reason.endswith(f"; connected to {ADDRESS} over the trunk")


def test_a_rule_may_say_so_for_its_calls_alone() -> None:
    rules = RuleSet(parse("send from * bridge +18055550100", "50.rules", "US")[0])
    own = replace(house(Outside("US", "PJSIP/{number}@trunk")), rules=rules)
    ending, asked = end(own, [answered("elsewhere")])
    ring = asked[0]
    assert isinstance(ring, Ring)
    assert ring.group.phones[0].endpoint == "PJSIP/+18055550100@trunk"
    assert (ending.outcome, ending.ruled) == (Outcome.REDIRECTED, "send bridge +18055550100")


def test_the_story_says_where_it_is_called() -> None:
    _, asked = play(receive(stranger(), OUR_TRUNK), [answered("elsewhere")])
    assert Note(f"calling {ADDRESS} over the trunk") in asked


def test_nobody_there_and_the_attendant_answers() -> None:
    ending, asked = end(OUR_TRUNK, [nobody(), *[quiet()] * 2])
    assert any(isinstance(command, Listen) for command in asked)
    assert ending.outcome == Outcome.SILENT


def test_no_trunk_is_no_dead_end() -> None:
    ending, asked = end(house(Outside("US", bridged=True)), [*[quiet()] * 2])
    assert not any(isinstance(command, Ring) for command in asked)
    assert ending.outcome == Outcome.SILENT


def test_a_number_of_the_house_is_no_place_elsewhere() -> None:
    """An old rule may name it: the call would come back to the same rule."""
    for word in ("redirect", "bridge"):
        rules = RuleSet(parse(f"send from * {word} {DOOR.did}", "50.rules", "US")[0])
        own = replace(house(Outside("US", "PJSIP/{number}@trunk")), rules=rules)
        ending, asked = play(receive(stranger(), own), [keyed("20"), answered("study")])
        assert Note(f"{DOOR.did} is a number of this house: no call is sent there") in asked
        assert not [c for c in asked if isinstance(c, Redirect)]
        assert ending.reason == "the caller keyed 20: extension 20, office"
