"""The watchdog's times: longer than any command takes, and never for ever but where people talk."""

from __future__ import annotations

from typing import Any

import pytest

from screener.core.listening import LONGEST_AFTER
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
from tests.core.lines import BOX, FAMILY


@pytest.mark.parametrize(
    ("command", "takes"),
    [
        (Answer(), 0.0),
        (Play(("greeting",)), 8.0),
        (Listen(("greeting",), frozenset(), wait=6.0), 8.0 + 6.0 + LONGEST_AFTER),
        (Replay("take-1", ("review",), frozenset("1"), wait=8.0), 8.0 + 8.0 + LONGEST_AFTER),
        (Ring(FAMILY), FAMILY.seconds),
        (Record(BOX), BOX.limit),
        (Overhear(BOX), BOX.limit),
        (Keep("take-1", BOX, "why"), 0.0),
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
