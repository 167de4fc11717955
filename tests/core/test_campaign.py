"""What is known of campaigns, and what a call adds to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from screener.core import campaign
from screener.core.campaign import Campaign, Known, Lesson, Standing, learnt, mark, superfluous
from screener.core.soundprint import WINDOW, Items
from screener.core.verdict import Kind
from tests.core.test_shingles import OTHER, SCRIPT
from tests.core.test_soundprint import flips, recording

AT = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
NONE: Items = np.zeros(0, np.uint32)
SOUND = recording(np.random.default_rng(7))
SOUNDS = [recording(np.random.default_rng(n)) for n in range(8)]


def lesson(
    items: Items = SOUND,
    kind: Kind = Kind.UNWANTED_ROBOT,
    number: str = "+18055550142",
    words: str = "",
    days: int = 0,
) -> Lesson:
    return Lesson(kind, AT + timedelta(days=days), items, words, ("press one",), mark(number))


def after(*lessons: Lesson) -> Known:
    known = Known()
    for one in lessons:
        new = learnt(known, one)
        known = known.with_(new) if new is not None else known
    return known


def only(known: Known) -> Campaign:
    (one,) = known.campaigns.values()
    return one


def test_a_recording_is_known_again_from_another_number_and_moment() -> None:
    random = np.random.default_rng(1)
    again = SOUND[30:] ^ flips(random, len(SOUND) - 30, 0.06)
    known = after(lesson(), lesson(again, number="+14155550100", days=3))
    one = only(known)
    assert (one.calls, one.numbers, one.standing) == (2, 2, Standing.UNWANTED)
    assert (one.first, one.last) == (AT, AT + timedelta(days=3))
    assert one.phrases == ("press one",)
    found = known.like(again[:44], "")
    assert found is not None
    assert (found.campaign.id, found.by) == (one.id, "sound")


def test_numbers_are_told_apart_without_being_kept() -> None:
    known = after(lesson(), lesson(), lesson(number=""), lesson(number="+14155550100"))
    assert (only(known).calls, only(known).numbers) == (4, 2)
    assert mark("+18055550142") != mark("+14155550100")
    assert mark("") is None


def test_wanted_robots_are_known_again_as_wanted() -> None:
    known = after(lesson(kind=Kind.WANTED_ROBOT))
    assert only(known).wanted
    found = known.like(SOUND[:44], "")
    assert found is not None
    assert found.campaign.wanted


def test_short_and_steady_sounds_teach_nothing() -> None:
    assert learnt(Known(), lesson(SOUND[: WINDOW - 1])) is None
    assert learnt(Known(), lesson(np.full(200, 5, np.uint32))) is None
    assert learnt(Known(), lesson(NONE)) is None


def test_people_and_silence_teach_nothing() -> None:
    for kind in (Kind.PERSON, Kind.SILENT, Kind.UNSURE):
        assert learnt(Known(), lesson(kind=kind)) is None
        assert only(after(lesson(), lesson(kind=kind))).calls == 1


def test_a_caller_who_gets_through_as_a_person_puts_the_campaign_in_doubt() -> None:
    """A relay service begins each call with one recorded sentence, then a person speaks."""
    known = after(lesson(), lesson(kind=Kind.PERSON))
    assert only(known).standing is Standing.DOUBTED
    assert known.like(SOUND[:44], "") is None
    again = after(lesson(), lesson(kind=Kind.PERSON), lesson(), lesson())
    assert only(again) == only(known)


def test_words_alone_put_nothing_in_doubt() -> None:
    known = after(lesson(words=SCRIPT), lesson(NONE, Kind.PERSON, words=SCRIPT))
    assert only(known).standing is Standing.UNWANTED


def test_what_is_wanted_does_not_become_unwanted_nor_the_other_way_round() -> None:
    wanted = after(lesson(kind=Kind.WANTED_ROBOT), lesson(), lesson())
    assert (only(wanted).standing, only(wanted).calls) == (Standing.WANTED, 1)
    unwanted = after(lesson(), lesson(kind=Kind.WANTED_ROBOT))
    assert (only(unwanted).standing, only(unwanted).calls) == (Standing.UNWANTED, 1)


def test_what_was_forgotten_is_neither_matched_nor_learnt_again() -> None:
    known = after(lesson(words=SCRIPT))
    never = Known([replace(only(known), standing=Standing.NEVER)])
    random = np.random.default_rng(3)
    again = SOUND[10:] ^ flips(random, len(SOUND) - 10, 0.05)
    assert never.like(again, SCRIPT) is None
    assert learnt(never, lesson(again)) is None
    assert learnt(never, lesson(SOUNDS[0], words=SCRIPT)) is None  # by its words
    assert learnt(never, lesson(SOUNDS[0], words=OTHER)) is not None


def test_what_was_forgotten_goes_before_all_that_is_as_alike() -> None:
    near = SOUND ^ flips(np.random.default_rng(4), len(SOUND), 0.03)
    one, two = only(after(lesson())), only(after(lesson(near)))
    known = Known([one, replace(two, standing=Standing.NEVER)])
    assert known.like(SOUND[:44], "") is None
    assert learnt(known, lesson()) is None


def test_of_two_that_begin_alike_the_wanted_one_is_told() -> None:
    """Both were made by one voice from one sentence: better a scam too many in the mail than a
    reminder too few."""
    scam = SOUND ^ flips(np.random.default_rng(6), len(SOUND), 0.01)
    one = only(after(lesson()))
    for standing in (Standing.WANTED, Standing.UNWANTED):
        other = replace(only(after(lesson(scam))), standing=standing)
        found = Known([one, other]).like(scam[:44], "")
        assert found is not None
        assert found.campaign.id == other.id
    reminder = replace(one, standing=Standing.WANTED)
    found = Known([reminder, only(after(lesson(scam)))]).like(scam[:44], "")
    assert found is not None
    assert found.campaign.wanted


def test_words_count_only_of_what_was_called_twice() -> None:
    known = after(lesson(words=SCRIPT))
    assert known.like(NONE, SCRIPT) is None
    twice = after(lesson(words=SCRIPT), lesson(days=1))
    found = twice.like(NONE, SCRIPT)
    assert found is not None
    assert found.by == "words"
    assert twice.like(NONE, OTHER) is None


def test_without_fingerprints_words_alone_teach() -> None:
    known = after(lesson(NONE, words=SCRIPT), lesson(NONE, words=SCRIPT))
    assert (only(known).calls, only(known).sound) == (2, b"")
    assert learnt(Known(), lesson(NONE, words="press one to speak to an agent now please")) is None
    # Too short for a fingerprint: it is a short call, not a house without chromaprint.
    assert learnt(Known(), lesson(SOUND[:5], words=SCRIPT)) is None


def test_the_same_recording_has_the_same_id_everywhere() -> None:
    here, there = after(lesson()), after(lesson(number="+14155550100", days=9))
    assert only(here).id == only(there).id
    assert only(after(lesson(SOUNDS[0]))).id != only(here).id


def test_only_so_much_is_kept_of_one_recording() -> None:
    long = recording(np.random.default_rng(5), 2000)
    phrases = tuple(f"phrase {n}" for n in range(99))
    one = learnt(Known(), Lesson(Kind.UNWANTED_ROBOT, AT, long, "w " * 9999, phrases))
    assert one is not None
    assert len(one.items) == campaign.LONGEST
    assert len(one.phrases) == campaign.MOST_PHRASES
    known = after(*(lesson(number=f"+1415555{n:04}") for n in range(150)))
    assert (len(only(known).marks), only(known).numbers) == (campaign.MOST_MARKS, 150)


def test_hostile_phrases_are_not_kept() -> None:
    new = learnt(Known(), Lesson(Kind.UNWANTED_ROBOT, AT, SOUND, "", ("x" * 1000, "a\x1b[31m")))
    assert new is not None
    assert new.phrases == ()


def test_what_was_called_once_and_longest_ago_goes_first_and_what_was_forgotten_last() -> None:
    def kept(name: str, calls: int, days: int, standing: Standing = Standing.UNWANTED) -> Campaign:
        return Campaign(name, standing, AT, AT + timedelta(days=days), calls)

    every = [
        kept("never", 1, 0, Standing.NEVER),
        kept("busy, old", 9, 1),
        kept("busy, new", 9, 5),
        kept("once, old", 1, 2),
        kept("once, new", 1, 6),
    ]
    assert superfluous(every, 5) == []
    order = superfluous(every, 0)
    assert order == ["once, old", "once, new", "busy, old", "busy, new", "never"]
    assert superfluous(every, 3) == order[:2]


@given(st.lists(st.tuples(st.integers(0, 7), st.sampled_from(Kind)), max_size=12))
def test_learning_never_forgets_calls_nor_invents_them(told: list[tuple[int, Kind]]) -> None:
    known = after(*(lesson(SOUNDS[n], kind) for n, kind in told))
    robots = {n for n, kind in told if kind in {Kind.UNWANTED_ROBOT, Kind.WANTED_ROBOT}}
    assert len(known.campaigns) == len(robots)
    assert sum(one.calls for one in known.campaigns.values()) <= len(told)
    for one in known.campaigns.values():
        found = known.find(one.items[5:49], "")
        assert found is not None
        assert found.campaign is one
