"""How large a mail may be, and of whom that is certain."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.core.ladder import Limit

MOM, DAD = "mom@example.org", "dad@example.org"


def test_what_the_server_announces_is_certain_of_all() -> None:
    assert Limit().within(500) == Limit(500, 500)
    assert Limit(500, 500).is_certain(MOM)
    assert not Limit().is_certain(MOM)


def test_a_limit_does_not_grow_when_the_server_announces_more() -> None:
    assert Limit().within(0) == Limit()
    assert Limit(500).within(900) == Limit(500).within(500) == Limit(500).within(0) == Limit(500)
    assert Limit(500, 0, {MOM: 500}).within(400) == Limit(400, 400, {MOM: 500})


def test_what_is_certain_of_one_is_not_of_the_other() -> None:
    """Both are offered the same mails, down to the smallest."""
    limit = Limit().lowered(1000, [MOM]).lowered(600, [MOM])
    assert limit == Limit(360, 0, {MOM: 360})
    assert limit.is_certain(MOM)
    assert not limit.is_certain(DAD)


def test_what_was_certain_once_is_not_of_what_is_smaller() -> None:
    """Its size was refused first; by then the mailbox was full."""
    limit = Limit().lowered(1000, [MOM]).lowered(600, [])
    assert not limit.is_certain(MOM)
    assert limit.lifted([MOM]) == Limit(600, 0, {MOM: 600})


@pytest.mark.parametrize(
    ("waiting", "lifted"),
    [
        ([MOM, DAD], Limit(800, 900, {MOM: 500, DAD: 800})),
        ([MOM], Limit(500, 900, {MOM: 500})),
        (["sis@example.org", MOM], Limit(900, 900, {MOM: 500})),
        ([], Limit()),
    ],
)
def test_the_next_attempt_begins_with_what_is_certain_of_some_of_those_who_wait(
    waiting: list[str], lifted: Limit
) -> None:
    assert Limit(100, 900, {MOM: 500, DAD: 800}).lifted(waiting) == lifted


def test_without_a_certain_word_of_one_it_begins_with_any_size() -> None:
    assert Limit(100, 0, {MOM: 500}).lifted([MOM, DAD]) == Limit(0, 0, {MOM: 500})


@given(st.lists(st.sets(st.sampled_from([MOM, DAD])), min_size=1, max_size=9))
def test_nobody_is_refused_but_by_his_own_certain_word(steps: list[set[str]]) -> None:
    limit = Limit()
    for certain in steps:
        limit = limit.lowered(limit.largest or 1_000_000, certain)
    assert {a for a in (MOM, DAD) if limit.is_certain(a)} == steps[-1]
