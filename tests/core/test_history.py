"""What rules ask of a caller's past."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from screener.core.conditions import Called, Event, Happened
from screener.core.history import History
from screener.core.shelf import Shelf
from tests.core.lines import stranger

CALL = stranger()  # at 14:03 in Los Angeles, 22:03 UTC
SHELF = Shelf()
SPANS = st.timedeltas(timedelta(seconds=1), timedelta(days=400))


def ago(**span: float) -> datetime:
    return CALL.at.astimezone(UTC) - timedelta(**span)


def test_nothing_has_been_between_us_and_a_stranger() -> None:
    assert not Called(1).holds(CALL, SHELF)
    assert not any(Happened(event).holds(CALL, SHELF) for event in Event)


def test_what_has_been_counts_within_its_time() -> None:
    history = History(
        calls=(ago(days=40), ago(days=3), ago(hours=1)),
        answered=(ago(days=40),),
        messages=(ago(days=3),),
        dialled=(ago(days=2),),
    )
    call = replace(CALL, history=history)
    day, month = timedelta(days=1), timedelta(days=30)
    assert Called(3).holds(call, SHELF)
    assert not Called(3, month).holds(call, SHELF)
    assert Called(2, month).holds(call, SHELF)
    assert [Happened(event).holds(call, SHELF) for event in Event] == [True, True, True]
    assert [Happened(event, month).holds(call, SHELF) for event in Event] == [False, True, True]
    assert [Happened(event, day).holds(call, SHELF) for event in Event] == [False, False, False]


@given(st.lists(SPANS, max_size=8), SPANS)
def test_the_count_is_of_the_calls_within_the_time(
    spans: list[timedelta], within: timedelta
) -> None:
    times = tuple(sorted(CALL.at.astimezone(UTC) - span for span in spans))
    call = replace(CALL, history=History(calls=times))
    count = sum(span <= within for span in spans)
    assert Called(count, within).holds(call, SHELF)
    assert not Called(count + 1, within).holds(call, SHELF)


def test_a_span_is_real_time_not_the_clock_on_the_wall() -> None:
    # Summer time ended on 1 November 2026 at 09:00 UTC.
    call = replace(CALL, at=datetime(2026, 11, 1, 10, 30, tzinfo=UTC).astimezone(CALL.at.tzinfo))
    call = replace(call, history=History(calls=(datetime(2026, 11, 1, 8, 0, tzinfo=UTC),)))
    assert not Called(1, timedelta(hours=2)).holds(call, SHELF)
    assert Called(1, timedelta(hours=3)).holds(call, SHELF)


def test_a_call_of_the_future_by_a_clock_that_was_set_back_counts_as_recent() -> None:
    call = replace(CALL, history=History(calls=(CALL.at.astimezone(UTC) + timedelta(days=9),)))
    assert Called(1, timedelta(minutes=1)).holds(call, SHELF)


@given(st.lists(st.timedeltas(-timedelta(days=9), timedelta(days=9)), max_size=9))
def test_what_had_been_by_a_time(spans: list[timedelta]) -> None:
    times = tuple(sorted(CALL.utc + span for span in spans))
    past = tuple(time for time in times if time <= CALL.utc)
    assert History(times, times[:1], times[1:], times, times).until(CALL.at) == History(
        past, past[:1], past[len(times[:1]) :], past, past
    )


def test_who_answered_the_challenge_is_remembered_for_a_time() -> None:
    history = History(passed=(ago(days=100), ago(days=90)))
    assert history.passed_within(90 * 86400, CALL.utc) == ago(days=90)
    assert history.passed_within(90 * 86400 - 1, CALL.utc) is None
    assert history.passed_within(0, CALL.utc) is None
    assert History().passed_within(1e9, CALL.utc) is None
