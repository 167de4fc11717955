"""What was heard, in plain words with times."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from screener.core.evidence import Evidence, alike, joined, keyed_while_talking
from screener.core.script import Heard, HeardBy, Likeness, Sound, Span, SpokenPhrase
from tests.core.lines import keyed, quiet, said, talked

FIRST = Span(0.0, 6.0)
SECOND = Span(8.0, 12.0)


def told(*hearings: Heard) -> tuple[str, ...]:
    return Evidence(hearings).sentences()


def test_talk_phrases_and_keys_with_their_times() -> None:
    phrase = SpokenPhrase("press a digit", "press one", 6.54)
    robot = Heard(HeardBy.TALK, talk=(Span(0.4, 6.1),), phrases=(phrase,), prompt=FIRST)
    key = Heard(HeardBy.KEYS, keys="5", prompt=SECOND, keyed_over_prompt=True, end=12.0)
    assert told(robot, key) == (
        "talked through the prompt 0.4-6.1 s",
        'said "press one" (press a digit) at 6.5 s',
        "keyed 5 over the prompt at 12.0 s",
    )


def test_silence_and_answers() -> None:
    nothing = Heard(HeardBy.QUIET, prompt=FIRST, end=11.0)
    assert told(nothing) == ("no answer until 11.0 s",)
    assert told(said("office")) == ('answered "office" at 6.4 s',)
    assert told(said("")) == ("answered something short that was not understood at 6.4 s",)


def test_talk_over_less_than_half_of_a_prompt_was_not_through_it() -> None:
    early = Heard(HeardBy.QUIET, talk=(Span(1.0, 2.5),), prompt=FIRST, end=11.0)
    assert told(early) == ("talked over the prompt 1.0-2.5 s",)
    after = Heard(HeardBy.TALK, talk=(Span(7.0, 11.0),), prompt=FIRST, end=11.6)
    assert told(after) == ("talked 7.0-11.0 s",)


def test_fragments_are_one_stretch_across_breaths_and_hearings() -> None:
    first = Heard(HeardBy.ENOUGH, talk=(Span(0.4, 3.0), Span(3.7, 8.0)), prompt=FIRST, end=8.0)
    second = Heard(HeardBy.ENOUGH, talk=(Span(8.02, 10.5),), prompt=SECOND, end=10.5)
    assert told(first, second) == ("talked through the prompt 0.4-10.5 s",)


def test_sounds_with_their_cadence_are_one() -> None:
    busy = tuple(Sound("busy tone", at, at + 0.5) for at in (0.4, 1.4, 2.4, 3.4))
    music = (Sound("music", 5.0, 9.8),)
    heard = Heard(HeardBy.QUIET, prompt=FIRST, sounds=busy + music, end=11.0)
    assert told(heard)[:2] == ("busy tone 0.4-3.9 s", "music 5.0-9.8 s")


def test_a_sound_that_two_hearings_tell_is_told_once() -> None:
    music = (Sound("music", 0.4, 18.0),)
    both = (quiet(), quiet())
    heard = Evidence(tuple(Heard(h.by, prompt=h.prompt, sounds=music) for h in both))
    assert [text for text in heard.sentences() if "music" in text] == ["music 0.4-18.0 s"]


def test_likeness_in_words() -> None:
    assert alike(Likeness("x", 3, "Mon 16 Nov", "sound", 6.2)) == (
        "same recording as 3 calls since Mon 16 Nov"
    )
    by_words = Likeness("x", 1, "Mon 16 Nov", "words", 6.2)
    heard = Heard(HeardBy.ENOUGH, talk=(Span(0.4, 6.2),), prompt=FIRST, likeness=by_words)
    assert "same words as 1 call since Mon 16 Nov (at 6.2 s)" in told(heard)


def test_the_likeness_by_sound_is_the_better_one() -> None:
    words = Likeness("x", 3, "Mon 16 Nov", "words", 3.0)
    sound = Likeness("x", 3, "Mon 16 Nov", "sound", 6.2)
    hearings = [Heard(HeardBy.TALK, likeness=each) for each in (words, sound)]
    assert Evidence(tuple(hearings)).likeness == sound


def test_who_was_not_heard_has_not_been_silent() -> None:
    unheard = Heard(HeardBy.QUIET, prompt=FIRST, end=11.0, unheard="none of his sound came")
    assert told(unheard, unheard) == ("the caller was not heard: none of his sound came",)


def test_deafness_is_told_once() -> None:
    deaf = [Heard(HeardBy.QUIET, prompt=p, deaf="it fell behind") for p in (FIRST, SECOND)]
    assert [text for text in told(*deaf) if "listened" in text] == [
        "words were not listened for: it fell behind"
    ]


def test_of_many_phrases_of_a_class_four_are_told() -> None:
    phrases = tuple(SpokenPhrase("offer", f"offer {n}", 1.0 + n) for n in range(9))
    heard = Heard(HeardBy.TALK, talk=(Span(0.4, 12.0),), phrases=phrases * 2, prompt=FIRST)
    offers = [text for text in told(heard) if "offer" in text]
    assert offers[3:] == [
        'said "offer 3" (offer) at 4.0 s',
        "said 5 more of the same kind (offer) up to 9.0 s",
    ]


def test_a_key_in_the_midst_of_ones_own_long_talk() -> None:
    prompt = Span(0.0, 5.0)  # the key stopped it
    talking = (Span(0.4, 4.9),)
    heard = Heard(
        HeardBy.KEYS, keys="1", talk=talking, prompt=prompt, keyed_over_prompt=True, end=5.0
    )
    assert keyed_while_talking(heard)
    assert Evidence((heard,)).keys == ""
    assert "keyed 1 over the prompt at 5.0 s, while talking" in told(heard)


def test_a_key_after_a_pause_or_a_short_word_is_anybodys() -> None:
    for talk in ((Span(0.4, 4.0),), (Span(3.0, 5.0),), ()):
        heard = Heard(
            HeardBy.KEYS, keys="1", talk=talk, prompt=Span(0.0, 5.0), keyed_over_prompt=True
        )
        assert not keyed_while_talking(heard)
        assert Evidence((heard,)).keys == "1"
    assert Evidence((keyed("2"),)).keys == "2"


SPANS = st.lists(
    st.tuples(st.floats(0, 60), st.floats(0, 10)).map(lambda t: Span(t[0], t[0] + t[1])),
    max_size=12,
)


@given(SPANS, st.floats(0, 5))
def test_joined_spans_cover_all_and_stand_apart(spans: list[Span], gap: float) -> None:
    whole = joined(spans, gap)
    assert all(any(w.start <= s.start and s.end <= w.end for w in whole) for s in spans)
    assert all(b.start - a.end > gap for a, b in pairwise(whole))


@given(SPANS)
def test_sentences_come_in_order(spans: list[Span]) -> None:
    heard = [talked(s.start, s.end, Span(s.start, s.start + 1.0), "offer") for s in spans]
    times = [at for at, _ in Evidence(tuple(heard)).told()]
    assert times == sorted(times)


def test_out_of_one_breath_the_surest_phrase_of_a_class_counts() -> None:
    said = (
        SpokenPhrase("delivery", "to deliver", 5.0, 0.3),
        SpokenPhrase("delivery", "your package", 5.3, 0.9),
        SpokenPhrase("delivery", "be delivered", 8.0, 0.2),
    )
    heard = Heard(HeardBy.TALK, phrases=said)
    told = [(phrase.text, phrase.at, phrase.confidence) for phrase in Evidence((heard,)).occasions]
    assert told == [("to deliver", 5.0, 0.9), ("be delivered", 8.0, 0.2)]
