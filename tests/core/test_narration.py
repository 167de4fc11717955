"""A call's story: what each command and its outcome say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from screener.core.event import EventKind
from screener.core.narration import after, before, left
from screener.core.script import (
    Answer,
    AskBack,
    CallerGone,
    Command,
    Drop,
    FindRoom,
    Hangup,
    Heard,
    HeardBy,
    Keep,
    Listen,
    Note,
    Overhear,
    Play,
    Rang,
    Record,
    RecordedBy,
    Redirect,
    Refusal,
    Replay,
    Report,
    Ring,
    Span,
    Talk,
    Treat,
    Treatment,
)
from tests.core.lines import BOX, FAMILY, keyed, quiet, said, take, talked

LISTEN = Listen(("greeting", "menu"), frozenset({"1"}))
REPLAY = Replay("t", ("review",), frozenset("123"))


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (Note("no rule matches: screened"), "no rule matches: screened"),
        (LISTEN, 'playing "greeting", "menu"'),
        (Play(("goodbye",)), 'playing "goodbye"'),
        (REPLAY, "playing the message back"),
        (Ring(FAMILY), "ringing kitchen, study"),
        (Treat(Treatment.SIT), "treatment: sit"),
        (Treat(Refusal(607)), "treatment: refuse 607"),
        (Redirect("sip:desk@example.net"), "redirecting to sip:desk@example.net"),
        (Record(BOX), "recording a message"),
        (Overhear(BOX), "hearing the recording out, and keeping all of it"),
        (Answer(), ""),
        (Keep("t", BOX, "why"), ""),
    ],
)
def test_what_takes_time_is_told_before_it_is_over(command: Command[Any], text: str) -> None:
    assert before(command) == text


@pytest.mark.parametrize(
    ("command", "outcome", "text"),
    [
        (Answer(), None, "answered"),
        (LISTEN, keyed("1"), "keyed 1 over the prompt"),
        (LISTEN, Heard(HeardBy.KEYS, keys="1"), "keyed 1"),
        (LISTEN, said("office"), 'said "office"'),
        (LISTEN, said(""), "gave a short answer that is no extension"),
        (LISTEN, quiet(), "no answer"),
        (LISTEN, talked(0.0, 9.0, quiet().prompt), "talked on"),
        (LISTEN, Heard(HeardBy.ENOUGH, talk=(Span(0.4, 9.0),)), "talked on and on"),
        (LISTEN, Heard(HeardBy.ENOUGH), "heard enough"),
        (Listen(("leave-message",), frozenset(), wait=0.0), quiet(), ""),
        (Listen(("leave-message",), frozenset(), wait=0.0), keyed("5"), "keyed 5 over the prompt"),
        (REPLAY, keyed("3"), "keyed 3 over the prompt"),
        (Ring(FAMILY), Rang("kitchen", 2.0), "kitchen answered"),
        (
            Ring(FAMILY),
            Rang("", 9.0, ("kitchen is busy", "study declined")),
            "nobody answered; kitchen is busy; study declined",
        ),
        (Talk(), None, "the called phone hung up"),
        (AskBack("+14155550100", BOX, ""), True, "family is told to call +1 415 555 0100"),
        (AskBack("+14155550100", BOX, ""), False, "+1 415 555 0100 was not kept"),
        (Record(BOX), take(), "recorded 10.0 s, of which 8.0 s speech; ended by key"),
        (
            Record(BOX),
            take(by=RecordedBy.HANGUP),
            "recorded 10.0 s, of which 8.0 s speech; ended by hanging up",
        ),
        (
            Record(BOX),
            take(by=RecordedBy.PAUSE),
            "recorded 10.0 s, of which 8.0 s speech; ended in a pause that the caller did not end",
        ),
        (
            Record(BOX),
            replace(take(by=RecordedBy.DISK), lost=2.25),
            "recorded 10.0 s, of which 8.0 s speech; ended by a disk that took no more;"
            " 2.2 s more did not fit",
        ),
        (FindRoom(BOX), False, ""),
        (Report(EventKind.NOTHING_SAID, "after the beep"), None, ""),
        (
            Overhear(BOX),
            take(by=RecordedBy.SILENCE),
            "recorded 10.0 s, of which 8.0 s speech; ended by silence",
        ),
        (Keep("t", BOX, "why"), True, "message kept for family"),
        (Keep("t", BOX, "why"), False, "the message could not be kept"),
        (Redirect("+18055550100"), "SIP 302", "redirected by SIP 302"),
        (Redirect("+18055550100"), "", "the redirect to +18055550100 was not accepted"),
        (Drop("t"), None, "recording dropped"),
        (Hangup(), None, "hung up"),
        (Note("x"), None, ""),
    ],
)
def test_what_came_of_it(command: Command[Any], outcome: object, text: str) -> None:
    assert after(command, outcome) == text


def test_what_the_phones_had_said_is_told_of_a_caller_who_did_not_wait() -> None:
    assert left(CallerGone()) == "the caller hung up"
    rang = Rang("", 4.0, ("attic is not registered: passed over", "kitchen is busy"))
    told = "the caller hung up; attic is not registered: passed over; kitchen is busy"
    assert left(CallerGone(rang=rang)) == told
