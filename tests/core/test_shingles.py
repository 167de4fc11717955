"""Words in common: what counts as the same text, and what does not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from screener.core.shingles import CONTAINED, MOST, SHARED, WORDS, Texts, shingles

WORD = st.sampled_from([f"word{n}" for n in range(400)])
TEXT = st.lists(WORD, min_size=40, max_size=80).map(" ".join)
SCRIPT = (
    "hello this is a call from your electric utility about an overcharge on your account you will"
    " be reimbursed by fifty dollars along with a discount on your electric and gas bill please"
    " press one to get your rebate check"
)
OTHER = (
    "this message is intended for the owner of the vehicle your factory warranty is about to end"
    " and this is a courtesy call before we close the file please press one to renew it now"
)


def test_a_shingle_is_four_words_whatever_their_case() -> None:
    assert len(shingles("One two three")) == 0
    assert len(shingles("one two three four")) == 1
    assert shingles("One TWO three  four").tolist() == shingles("one two three four").tolist()
    assert len(shingles("a b c d " * 50)) == WORDS  # the same ones again and again
    assert len(shingles(" ".join(f"w{n}" for n in range(10_000)))) == MOST


def test_the_same_script_is_found_and_another_is_not() -> None:
    texts = Texts([shingles(OTHER), shingles(SCRIPT)])
    (found,) = texts.alike(SCRIPT)
    assert (found.place, found.contained) == (1, 1.0)
    assert texts.alike("well hello there it is me again are you at home " * 4) == ()


def test_a_phrase_in_common_is_no_likeness() -> None:
    ours = "we have been calling you about this please press one to speak to an agent now " + OTHER
    theirs = SCRIPT + " we have been calling you about this please press one to speak to an agent"
    assert Texts([shingles(theirs)]).alike(ours + " " + OTHER.replace("the", "our")) == ()


def test_nothing_is_like_nothing() -> None:
    assert Texts([]).alike(SCRIPT) == ()
    assert Texts([shingles("")]).alike(SCRIPT) == ()
    assert Texts([shingles(SCRIPT)]).alike("") == ()


@given(st.lists(TEXT, min_size=1, max_size=8), st.data())
def test_it_is_as_if_every_text_had_been_compared(texts: list[str], data: st.DataObject) -> None:
    asked = data.draw(st.one_of(st.sampled_from(texts), TEXT))
    ours = set(shingles(asked).tolist())
    expected = {}
    for place, text in enumerate(texts):
        shared = len(ours & set(shingles(text).tolist()))
        if shared >= SHARED and shared >= CONTAINED * len(ours):
            expected[place] = shared / len(ours)
    found = Texts([shingles(text) for text in texts]).alike(asked)
    assert {one.place: one.contained for one in found} == expected
    assert [one.contained for one in found] == sorted(expected.values(), reverse=True)
