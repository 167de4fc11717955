"""The watchdog's times: longer than any command takes, and never for ever but where people talk."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from screener.core.audio import SILENCE
from screener.core.frontdoor import MessageBox, Strategy
from screener.core.listening import LONGEST_AFTER, Listening
from screener.core.patience import GRACE, patience
from screener.core.script import (
    Answer,
    Command,
    Hangup,
    Keep,
    Listen,
    Overhear,
    Play,
    Record,
    Redirect,
    Refusal,
    Replay,
    Ring,
    Talk,
    Treat,
    Treatment,
)
from screener.core.vad import VoiceActivity
from tests.core.lines import BOX, FAMILY

LONG = MessageBox("long", (), limit=3600.0)


@pytest.mark.parametrize(
    ("command", "takes"),
    [
        (Answer(), 0.0),
        (Play(("greeting",)), 8.0),
        (Listen(("greeting",), frozenset(), wait=6.0), 8.0 + 6.0 + LONGEST_AFTER),
        (Replay("take-1", ("review",), frozenset("1"), wait=8.0), 8.0 + 8.0 + LONGEST_AFTER),
        (Ring(FAMILY), FAMILY.seconds),
        (Ring(replace(FAMILY, strategy=Strategy.IN_TURN)), FAMILY.seconds + 2 * 60.0),  # both asked
        (Record(BOX), BOX.limit),
        (Overhear(BOX), BOX.limit),
        (Keep("take-1", BOX, "why"), 0.0),
        (Record(LONG), 3600 * 1.02 + 6.0),
        (Overhear(LONG), 3600 * 1.02 + 6.0),
        (Keep("take-1", LONG, "why"), 3600 * 0.02),
        (Redirect("sip:me@example.net"), 30.0),
        (Hangup(), 0.0),
    ],
)
def test_a_command_has_time_to_end_by_itself(command: Command[Any], takes: float) -> None:
    longest = patience(command, sounds=8.0)
    assert longest is not None
    assert longest >= takes + GRACE


@pytest.mark.parametrize("command", [Talk(), Treat(Treatment.RINGING), Treat(Refusal(603))])
def test_people_talk_as_long_as_they_like(command: Command[Any]) -> None:
    assert patience(command, sounds=0.0) is None


@pytest.mark.parametrize("until", ["", "#"])
@pytest.mark.parametrize("first", [0.1, 11.9])
def test_who_presses_key_after_key_is_no_fault_of_ours(until: str, first: float) -> None:
    """A command that takes longer than it may rings the phones, for who has shown nothing."""
    known = frozenset("1" * count for count in range(1, 33))
    listen = Listen(("call-back-key",), known, wait=12.0, until=until)
    listening = Listening(listen, VoiceActivity(), 0.0)
    listening.prompt_over()
    pressed, due = 0, first
    while listening.heard is None:
        if listening.now >= due and pressed < 31:
            listening.key("1")
            pressed, due = pressed + 1, due + 2.4
        listening.frame(SILENCE)
    longest = patience(listen, sounds=0.0)
    assert longest is not None
    assert listening.now <= longest - GRACE + 0.1
    assert listening.heard.keys == "1" * pressed
