"""What becomes of a message, attempt after attempt."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from screener.core.composed import Composed
from screener.core.delivery import (
    FAIR_TRIES,
    LONGEST_RETRY,
    Attempt,
    Delivery,
    Record,
    State,
    Status,
    as_json,
    from_json,
    retry_after,
)
from screener.core.letter import Letter

NOW = datetime(2026, 11, 20, 22, 3, 11, 250000, tzinfo=UTC)
MOM, DAD = "mom@example.org", "dad@example.org"
WAITS = (Delivery.WAITING, "451 later")
HAS_IT = (Delivery.ACCEPTED, "250 kept")
REFUSED = (Delivery.REFUSED, "550 no such user")


def letter(*to: str) -> Letter:
    return Letter(
        call=17,
        box="office",
        to=to,
        number="+18055550142",
        name="Mom",
        did="+18182223333",
        when=NOW,
        seconds=2.0,
        why="nobody answered",
    )


def begun(*to: str) -> Record:
    return Record.begun("20261120-1f", letter(*to), "door@example.net", NOW)


def state(record: Record, now: datetime = NOW) -> State:
    return record.settled(7.0, now)[1]


def test_a_new_message_is_due_at_once_for_each_recipient_once() -> None:
    record = begun(MOM, DAD, MOM)
    assert record.waiting == (MOM, DAD)
    assert (record.due, record.tries, state(record)) == (NOW, 0, State.QUEUED)
    assert record.message_id == "<screener-20261120-1f@example.net>"


def test_the_pauses_between_attempts_double_up_to_an_hour() -> None:
    pauses = [retry_after(tries).total_seconds() for tries in range(1, 10)]
    assert pauses == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert retry_after(10_000) == LONGEST_RETRY


def test_an_attempt_is_remembered_and_puts_the_next_off() -> None:
    record = begun(MOM).after({MOM: WAITS}, NOW)
    assert record.history == (Attempt(NOW, f"{MOM}: waiting (451 later)", Status.DEFERRED),)
    assert record.recipients[0].reply == "451 later"
    assert (record.tries, record.due) == (1, NOW + timedelta(seconds=30))
    assert record.after({MOM: WAITS}, NOW).due == NOW + timedelta(seconds=60)


@pytest.mark.parametrize(
    ("answers", "becomes"),
    [
        ({MOM: HAS_IT, DAD: HAS_IT}, State.SENT),
        ({MOM: HAS_IT, DAD: WAITS}, State.QUEUED),
        ({MOM: REFUSED, DAD: WAITS}, State.QUEUED),
        ({MOM: HAS_IT, DAD: REFUSED}, State.FAILED),  # shown, not dropped
        ({MOM: REFUSED, DAD: REFUSED}, State.FAILED),
        ({MOM: HAS_IT}, State.QUEUED),
    ],
)
def test_where_a_message_belongs(answers: dict[str, tuple[Delivery, str]], becomes: State) -> None:
    assert state(begun(MOM, DAD).after(answers, NOW)) is becomes


def test_a_message_to_nobody_has_failed() -> None:
    assert state(begun()) is State.FAILED


def test_who_has_an_answer_keeps_it() -> None:
    first = begun(MOM, DAD).after({MOM: HAS_IT, DAD: WAITS}, NOW)
    assert first.waiting == (DAD,)
    second = first.after({DAD: REFUSED}, NOW)
    assert [r.delivery for r in second.recipients] == [Delivery.ACCEPTED, Delivery.REFUSED]
    assert second.recipients[0].reply == "250 kept"


@pytest.mark.parametrize(
    ("tries", "days", "becomes"),
    [
        (FAIR_TRIES, 7.1, State.FAILED),
        (FAIR_TRIES, 7.0, State.QUEUED),
        (FAIR_TRIES - 1, 30.0, State.QUEUED),  # the machine was off: it still has a fair try
        (1000, 6.9, State.QUEUED),
    ],
)
def test_it_is_given_up_after_its_days_and_a_fair_try(
    tries: int, days: float, becomes: State
) -> None:
    record = begun(MOM)
    for _ in range(tries):
        record = record.after({MOM: WAITS}, NOW)
    now = NOW + timedelta(days=days)
    settled, where = record.settled(7.0, now)
    assert where is becomes
    told = Attempt(now, "given up after 7 days; kept", Status.FAILED)
    gave_up = (told,) if becomes is State.FAILED else ()
    assert settled.history == record.history + gave_up


def test_tries_before_an_absence_give_none_up() -> None:
    """The server was away for an evening; then the machine was off, and its network is not up."""
    record, now = begun(MOM), NOW
    for _ in range(FAIR_TRIES):
        record = record.after({MOM: WAITS}, now)
        now = record.due
    now = NOW + timedelta(days=8)
    for tries in range(1, FAIR_TRIES + 1):
        record = record.after({MOM: WAITS}, now)
        given_up = tries == FAIR_TRIES
        assert state(record, now) is (State.FAILED if given_up else State.QUEUED), tries
        now = record.due


@settings(deadline=None)
@given(st.lists(st.timedeltas(timedelta(days=-9), timedelta(days=9)), max_size=30))
def test_it_is_given_up_only_after_a_fair_try_without_an_absence(gaps: list[timedelta]) -> None:
    record, now = begun(MOM), NOW
    for count, gap in enumerate(gaps, 1):
        now += gap
        record = record.after({MOM: WAITS}, now)
        last = [abs(each) for each in gaps[max(0, count - FAIR_TRIES + 1) : count]]
        fair = count >= FAIR_TRIES and max(last) <= timedelta(days=1)
        assert (state(record, now + timedelta(days=30)) is State.FAILED) is fair


def test_who_has_it_keeps_it_when_it_is_sent_elsewhere() -> None:
    aunt = "aunt@example.org"
    record = begun(MOM, DAD).after({MOM: HAS_IT, DAD: REFUSED}, NOW).readdressed((aunt, MOM, aunt))
    assert [(r.address, r.taken) for r in record.recipients] == [(MOM, True), (aunt, False)]
    assert (record.waiting, record.letter.to) == ((aunt,), (aunt, MOM, aunt))
    nobody_else = begun(MOM, DAD).after({MOM: HAS_IT, DAD: REFUSED}, NOW).readdressed((MOM,))
    assert (nobody_else.waiting, state(nobody_else)) == ((), State.SENT)
    assert record.renewed(NOW).waiting == (aunt,)
    assert from_json(record.id, as_json(record)) == record


def test_a_retry_asks_again_for_who_was_refused_and_its_days_begin_anew() -> None:
    later = NOW + timedelta(days=20)
    record = begun(MOM, DAD).after({MOM: HAS_IT, DAD: REFUSED}, NOW).renewed(later)
    assert record.waiting == (DAD,)
    assert (record.tries, record.since) == (0, later)
    assert record.history[-1] == Attempt(later, "tried again by hand", Status.QUEUED)
    assert record.message_id == begun(MOM).message_id
    assert state(record, later) is State.QUEUED


@settings(deadline=None)
@given(st.text(), st.sampled_from(Delivery), st.integers(0, 5))
def test_what_is_written_reads_back(reply: str, delivery: Delivery, tries: int) -> None:
    record = begun(MOM, DAD)
    for _ in range(tries):
        record = record.after({MOM: (delivery, reply)}, NOW)
    text = as_json(record)
    assert text.isascii()
    assert from_json(record.id, text) == record


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "{}", '{"message_id": "x"}'])
def test_what_is_no_record_is_an_error(text: str) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        from_json("x", text)


def test_the_status_of_each_step_is_remembered() -> None:
    record = begun(MOM, DAD)
    assert record.status is Status.QUEUED
    record = record.after({MOM: HAS_IT, DAD: WAITS}, NOW, NOW - timedelta(seconds=1))
    assert record.status is Status.DEFERRED
    assert record.history[-1].begun == NOW - timedelta(seconds=1)
    assert record.after({DAD: HAS_IT}, NOW).status is Status.SENT
    failed = record.after({DAD: REFUSED}, NOW)
    assert failed.status is Status.FAILED
    assert failed.renewed(NOW).status is Status.QUEUED
    statuses = [step.status for step in failed.renewed(NOW).history]
    assert statuses == [Status.DEFERRED, Status.FAILED, Status.QUEUED]


def test_an_attempt_that_was_cut_short_is_told_and_made_again() -> None:
    at = NOW + timedelta(minutes=3)
    record = begun(MOM).cut_short(NOW, at)
    [step] = record.history
    assert (step.at, step.begun, step.status) == (at, NOW, Status.QUEUED)
    assert "same Message-ID" in step.text
    assert (record.waiting, record.due, record.tries) == ((MOM,), NOW, 0)
    assert begun(MOM).after({MOM: WAITS}, NOW).cut_short(NOW, at).status is Status.DEFERRED


def test_the_status_of_what_an_earlier_version_wrote_is_known() -> None:
    old = replace(begun(MOM).after({MOM: WAITS}, NOW), history=(Attempt(NOW, "MOM: waiting"),))
    text = as_json(old)
    assert '"status": null' in text
    without = text.replace('"status": null,', "").replace('"begun": null', '"more": 1')
    assert from_json(old.id, without) == old
    assert old.status is Status.DEFERRED


def test_a_composed_mail_reads_back() -> None:
    record = Record.begun("20261120-1f", Composed((MOM,), "report"), "door@example.net", NOW)
    assert from_json(record.id, as_json(record)) == record
