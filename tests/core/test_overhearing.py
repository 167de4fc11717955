"""Hearing a recording out: when it is over, in seconds of its own audio."""

from __future__ import annotations

import pytest

from screener.core.audio import FRAME_BYTES, FRAME_SECONDS
from screener.core.frontdoor import MessageBox
from screener.core.hearing import Hearing
from screener.core.script import Listen, Overhear, RecordedBy
from tests.calls import speech

REMINDER = speech.say("this is a reminder of your appointment tomorrow at nine", "flite:slt")


def frames(pcm: bytes) -> list[bytes]:
    return [pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES)]


def overheard(
    pcm: bytes, *, before: float = 0.0, limit: float = 60.0, silence: float = 4.0
) -> tuple[RecordedBy | None, float, int]:
    """(why it was over, after how many seconds of the call, frames given to the recogniser)."""
    hearing = Hearing(())
    for frame in frames(speech.silence(before)):
        hearing.frame(frame)
    overhearing = hearing.overhear(Overhear(MessageBox("box", (), limit), silence))
    spoken = 0
    for frame in frames(pcm):
        spoken += hearing.frame(frame)
        if overhearing.over is not None:
            break
    return overhearing.over, hearing.now, spoken


def test_it_ends_by_quiet() -> None:
    pause = speech.silence(3.0)
    by, at, spoken = overheard(REMINDER + pause + REMINDER + speech.silence(9.0))
    assert by is RecordedBy.SILENCE
    talk = 2 * speech.seconds_of(REMINDER) + 3.0
    assert at == pytest.approx(talk + 4.0, abs=0.5)
    assert spoken * FRAME_SECONDS == pytest.approx(talk - 3.0, abs=2.0)


def test_where_nothing_more_comes_it_ends_too() -> None:
    by, at, spoken = overheard(speech.silence(9.0), before=5.0)
    assert (by, spoken) == (RecordedBy.SILENCE, 0)
    assert at == pytest.approx(9.0, abs=0.05)


def test_it_ends_at_the_boxs_limit_which_counts_from_the_answer_on() -> None:
    by, at, _ = overheard(REMINDER * 5, before=4.0, limit=10.0)
    assert by is RecordedBy.LIMIT
    assert at == pytest.approx(10.0, abs=0.03)


def test_clicks_do_not_keep_it_open() -> None:
    click = speech.tone(700.0, 0.02) + speech.silence(1.0)
    by, at, _ = overheard(REMINDER + click * 20)
    assert by is RecordedBy.SILENCE
    assert at == pytest.approx(speech.seconds_of(REMINDER) + 4.0, abs=0.5)


def test_afterwards_it_can_be_listened_for_an_answer() -> None:
    hearing = Hearing(())
    hearing.overhear(Overhear(MessageBox("box", ()), 2.0))
    for frame in frames(speech.silence(3.0)):
        hearing.frame(frame)
    assert hearing.heard is None
    hearing.begin(Listen((), frozenset({"1"})))
    hearing.key("1")
    assert hearing.heard is not None
    assert hearing.heard.keys == "1"
