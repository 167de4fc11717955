"""When each message is due, without a look at the disk."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from screener.core.agenda import Agenda
from screener.core.delivery import LONGEST_RETRY

NOW = datetime(2026, 11, 20, 22, 3, tzinfo=UTC)


def minutes(count: float) -> datetime:
    return NOW + timedelta(minutes=count)


def all_due(agenda: Agenda, now: datetime) -> list[str]:
    taken = []
    while (name := agenda.take(now)) is not None:
        taken.append(name)
    return taken


def test_what_has_been_due_for_longest_comes_first_and_once() -> None:
    agenda = Agenda()
    for name, due in (("b", minutes(-1)), ("a", minutes(-2)), ("c", minutes(1))):
        agenda.enter(name, due, NOW)
    assert agenda.next_due() == minutes(-2)
    assert all_due(agenda, NOW) == ["a", "b"]
    assert agenda.names == {"c"}
    assert agenda.next_due() == minutes(1)
    assert all_due(agenda, minutes(1)) == ["c"]
    assert agenda.next_due() is None


def test_a_due_time_can_be_changed() -> None:
    agenda = Agenda()
    agenda.enter("a", NOW, NOW)
    agenda.enter("a", minutes(5), NOW)
    assert agenda.take(NOW) is None
    agenda.enter("a", NOW, NOW)
    assert all_due(agenda, minutes(9)) == ["a"]


def test_a_due_time_of_a_wrong_clock_is_now() -> None:
    agenda = Agenda()
    agenda.enter("a", NOW + LONGEST_RETRY + timedelta(seconds=1), NOW)
    agenda.enter("b", NOW + LONGEST_RETRY, NOW)
    assert all_due(agenda, NOW) == ["a"]


def test_a_look_at_the_disk_is_older_news_than_what_happened_meanwhile() -> None:
    agenda = Agenda()
    agenda.enter("sent", minutes(-9), NOW)
    agenda.look()
    assert agenda.take(NOW) == "sent"
    agenda.enter("deferred", minutes(5), NOW)
    agenda.enter("kept", NOW, NOW)
    agenda.looked({"sent": NOW, "deferred": NOW, "trying": NOW, "other": NOW}, {"trying"}, NOW)
    assert all_due(agenda, NOW) == ["kept", "other"]
    agenda.look()
    agenda.looked({"deferred": NOW}, set(), NOW)  # asked for by hand
    assert all_due(agenda, NOW) == ["deferred"]


def test_a_clock_that_is_set_back_makes_what_waits_due() -> None:
    agenda = Agenda()
    agenda.enter("a", minutes(5), NOW)
    agenda.look()
    agenda.looked({}, set(), NOW - timedelta(days=300))
    assert all_due(agenda, NOW - timedelta(days=300)) == ["a"]


def test_what_is_changed_for_ever_does_not_grow() -> None:
    agenda = Agenda()
    for n in range(10_000):
        agenda.enter("a", minutes(n % 7), NOW)
    assert len(agenda._heap) < 200


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(-50, 50))))
def test_each_is_taken_when_it_was_last_said_to_be_due(entries: list[tuple[str, int]]) -> None:
    agenda = Agenda()
    for name, due in entries:
        agenda.enter(name, minutes(due), NOW)
    last = dict(entries)
    expected = sorted((due, name) for name, due in last.items() if due <= 0)
    assert all_due(agenda, NOW) == [name for _, name in expected]
