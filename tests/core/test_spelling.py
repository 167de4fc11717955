"""Names on a telephone's keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.core.frontdoor import Extension, MessageBox, RingGroup
from screener.core.spelling import FEWEST, keys_of, matching, spellings, sufficient

BOX = MessageBox("family", ())
GROUP = RingGroup("family", ())
NAMES = st.text(alphabet="abcdefghijklmnopqrstuvwxyzäöüßéñøæł", min_size=1, max_size=8)
PEOPLE = st.lists(st.tuples(NAMES, NAMES).map(" ".join), min_size=1, max_size=8, unique=True).map(
    lambda names: [Extension(str(n), (name,), GROUP, BOX) for n, name in enumerate(names, 20)]
)


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("abc def ghi jkl mno pqrs tuv wxyz", "22233344455566677778889999"),
        ("Müller", "685537"),
        ("Muller", "685537"),
        ("Groß", "47677"),
        ("Øystein", "6978346"),
        ("Łukasz", "585279"),
        ("O'Neill", "663455"),
        ("Æthelred", "238435733"[:9]),
        ("123", ""),
    ],
)
def test_letters_are_on_the_keys_as_e161_has_them(name: str, keys: str) -> None:
    assert keys_of(name) == keys


@given(PEOPLE, st.data())
def test_whoever_spells_enough_of_a_given_or_family_name_finds_it(
    people: list[Extension], data: st.DataObject
) -> None:
    person = data.draw(st.sampled_from(people))
    word = data.draw(st.sampled_from(person.names[0].split()))
    keys = keys_of(word)
    assert person in matching(keys, people)
    assert person in matching(keys[:FEWEST], people)


@given(PEOPLE, st.text(alphabet="23456789", max_size=9))
def test_who_is_found_has_a_name_that_begins_so(people: list[Extension], keys: str) -> None:
    for person in matching(keys, people):
        assert any(spelled.startswith(keys) for spelled in spellings(person))
    assert matching("", people) == ()


@given(PEOPLE, st.data())
def test_keys_that_suffice_leave_one_or_are_a_whole_name(
    people: list[Extension], data: st.DataObject
) -> None:
    enough = sufficient(people)
    for keys in enough:
        whole = any(keys == spelled for person in people for spelled in spellings(person))
        assert whole or (len(keys) >= FEWEST and len(matching(keys, people)) == 1)
    # Whoever spells a name to its end comes past keys that suffice.
    person = data.draw(st.sampled_from(people))
    for spelled in spellings(person):
        assert any(spelled[:n] in enough for n in range(1, len(spelled) + 1))


def test_a_name_and_a_longer_one_are_told_apart() -> None:
    people = [Extension(str(n), (name,), GROUP, BOX) for n, name in enumerate(("ann", "anna"), 1)]
    assert [p.number for p in matching("266", people)] == ["1", "2"]
    assert [p.number for p in matching("2662", people)] == ["2"]
    assert sufficient(people) == {"266", "2662"}
