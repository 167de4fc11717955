"""Who rings when: the first answer has the call, and a redirect never steals it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from screener.core.frontdoor import RingGroup
from screener.core.ringing import PhoneEvent, Ringing, Said
from tests.core.lines import FAMILY


def test_the_first_answer_wins_and_the_others_stop() -> None:
    ringing = Ringing(FAMILY)
    assert not ringing.over
    ringing.said(PhoneEvent("study", Said.ANSWERED))
    ringing.said(PhoneEvent("kitchen", Said.ANSWERED))
    assert ringing.over
    assert ringing.winner == "study"


def test_a_redirect_is_ignored_and_the_other_phone_rings_on() -> None:
    ringing = Ringing(FAMILY)
    ringing.said(PhoneEvent("kitchen", Said.REDIRECTED, "*97"))
    assert not ringing.over
    ringing.said(PhoneEvent("kitchen", Said.UNREACHABLE))  # its channel ends after the 302
    ringing.said(PhoneEvent("study", Said.ANSWERED))
    assert ringing.winner == "study"
    assert ringing.remarks == ["kitchen redirected to *97: ignored"]


def test_when_every_phone_is_out_it_is_over() -> None:
    ringing = Ringing(FAMILY)
    ringing.said(PhoneEvent("kitchen", Said.BUSY))
    ringing.said(PhoneEvent("study", Said.DECLINED))
    assert ringing.over
    assert ringing.winner == ""
    assert ringing.remarks == ["kitchen is busy", "study declined"]


def test_when_the_time_is_up_nobody_has_answered() -> None:
    ringing = Ringing(FAMILY)
    ringing.said(PhoneEvent("kitchen", Said.BUSY))
    ringing.time_is_up()
    assert ringing.over
    assert ringing.remarks == ["kitchen is busy", "study did not answer"]


def test_a_group_without_phones_is_over_at_once() -> None:
    assert Ringing(RingGroup("nobody", ())).over


_events = st.builds(
    PhoneEvent,
    st.sampled_from(["kitchen", "study", "a phone of another call"]),
    st.sampled_from(Said),
    st.text(max_size=5),
)


@given(st.lists(_events, max_size=12))
def test_whatever_phones_say_there_is_at_most_one_winner(events: list[PhoneEvent]) -> None:
    ringing = Ringing(FAMILY)
    winners = set()
    for event in events:
        ringing.said(event)
        winners.add(ringing.winner)
    answered = [e.phone for e in events if e.said is Said.ANSWERED]
    assert len(winners - {""}) <= 1
    assert ringing.winner in {"", *answered}
    ringing.time_is_up()
    assert ringing.over
