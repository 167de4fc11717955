"""The weighing: evidence -> verdict."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.core.evidence import Evidence
from screener.core.grammar import phrase_classes
from screener.core.jsgf import read
from screener.core.script import Heard, HeardBy, Likeness, Sound, Span, SpokenPhrase
from screener.core.transcript import UNRATED
from screener.core.verdict import EITHER, WANTED, Kind, Verdict, judge
from tests.core.lines import keyed, quiet, said, talked, unheard

FIRST = Span(0.0, 6.0)
SECOND = Span(7.5, 10.5)
GRAMMARS = Path(__file__).parents[2] / "grammars"


def verdict(*hearings: Heard) -> Verdict:
    return judge(Evidence(hearings))


def robot(first: tuple[str, ...] = (), second: tuple[str, ...] = ()) -> Verdict:
    """A caller who talks through the first prompt, and on when he is asked again."""
    return verdict(talked(0.4, 7.5, FIRST, *first), talked(7.5, 10.5, SECOND, *second))


def like(by: str, wanted: bool = False) -> Likeness:
    return Likeness("x", 3, "Mon 16 Nov", by, 6.0, wanted)


def test_a_key_is_a_person() -> None:
    assert verdict(keyed("9")) == Verdict(Kind.PERSON, "the caller keyed 9")


def test_nothing_said_is_silent() -> None:
    assert verdict(quiet(), quiet()) == Verdict(Kind.SILENT, "nothing was said, asked twice")


@pytest.mark.parametrize("earlier", [(), (quiet(),), (unheard(),)])
def test_who_could_not_be_heard_is_never_silent(earlier: tuple[Heard, ...]) -> None:
    told = verdict(*earlier, unheard())
    reason = "the caller could not be heard: none of his sound came"
    assert told == Verdict(Kind.UNSURE, reason)
    assert verdict(*earlier, unheard(), quiet()).kind is Kind.UNSURE


def test_what_was_heard_before_the_sound_stopped_counts() -> None:
    stops = replace(talked(0.4, 7.5, FIRST, "account", "press a digit"), unheard="it stopped")
    on = replace(talked(7.5, 10.5, SECOND), unheard="it stopped")
    assert verdict(stops, on).kind is Kind.UNWANTED_ROBOT
    assert verdict(replace(keyed("2"), unheard="it stopped")).kind is Kind.PERSON


def test_a_click_is_silence() -> None:
    click = Heard(HeardBy.QUIET, talk=(Span(1.0, 1.1),), prompt=FIRST)
    assert verdict(click).kind is Kind.SILENT


def test_music_is_silence() -> None:
    music = Heard(HeardBy.QUIET, prompt=FIRST, sounds=(Sound("music", 0.4, 9.8),))
    told = verdict(music)
    assert told == Verdict(Kind.SILENT, "nothing was said, asked once; heard: music 0.4-9.8 s")


def test_a_fax_is_a_machine_after_two_tones_and_a_whistle_is_not() -> None:
    tones = (Sound("fax tone", 0.3, 0.8), Sound("fax tone", 3.8, 4.3))
    fax = Heard(HeardBy.QUIET, prompt=FIRST, sounds=tones)
    assert verdict(fax) == Verdict(
        Kind.UNWANTED_ROBOT, "a fax machine: fax tone 0.3-4.3 s", settled=True
    )
    assert verdict(replace(fax, sounds=tones[:1])).kind is Kind.SILENT


def test_a_short_answer_of_a_quarter_second_is_a_person_where_it_was_understood() -> None:
    two = Heard(HeardBy.ANSWER, words="two", talk=(Span(6.4, 6.6),), prompt=FIRST)
    assert verdict(two).kind is Kind.PERSON
    assert verdict(replace(two, words="")).kind is Kind.UNSURE


def test_a_short_answer_that_names_nothing_is_a_person() -> None:
    assert verdict(said("")).kind is Kind.PERSON


def test_two_classes_and_talk_over_both_prompts_settle_an_unwanted_robot() -> None:
    assert robot(("account", "warranty")) == Verdict(
        Kind.UNWANTED_ROBOT,
        "talked through the prompt, talked on when asked again and spoke of account and warranty",
        settled=True,
    )


def test_talk_alone_is_never_enough() -> None:
    on = [talked(10.0 * n, 10.0 * n + 10.0, Span(10.0 * n, 10.0 * n + 6.0)) for n in range(6)]
    assert verdict(*on).kind is Kind.UNSURE


def test_one_class_is_not_enough_however_often_it_is_heard() -> None:
    assert robot(("account",), ("account",)).kind is Kind.UNSURE


def test_who_talked_over_the_first_prompt_only_is_asked_again() -> None:
    told = verdict(talked(0.4, 7.5, FIRST, "account", "warranty"))
    assert (told.kind, told.settled) == (Kind.UNSURE, False)


def test_who_stops_when_asked_again_is_asked_again() -> None:
    first = talked(0.4, 7.5, FIRST, "account", "warranty")
    assert verdict(first, talked(7.5, 9.0, SECOND)).kind is Kind.UNSURE


def test_three_classes_through_the_first_prompt_are_enough() -> None:
    told = verdict(talked(0.4, 7.5, FIRST, "account", "warranty", "press a digit"))
    assert (told.kind, told.settled) == (Kind.UNWANTED_ROBOT, True)


def test_who_gave_a_short_answer_is_hardly_a_recording() -> None:
    told = verdict(said(""), talked(7.5, 11.5, SECOND, "account", "warranty", "press a digit"))
    assert told.kind is Kind.PERSON


def test_who_talks_for_long_says_something_of_everything() -> None:
    long = talked(0.4, 40.0, FIRST, "account", "warranty")
    assert verdict(long, talked(40.0, 44.0, Span(40.0, 44.0))).kind is Kind.UNSURE


def test_phrases_weigh_less_the_more_was_said_before_they_came() -> None:
    late = (talked(0.4, 7.5, FIRST, "account"), talked(7.5, 14.0, SECOND, "warranty"))
    assert verdict(*late).kind is Kind.UNSURE
    again = talked(14.0, 15.0, Span(14.0, 20.0), "account", "warranty")
    assert verdict(*late, again).kind is Kind.UNWANTED_ROBOT


def test_what_was_enough_is_not_undone_by_talk_that_says_nothing() -> None:
    first = talked(0.4, 7.5, FIRST, "account", "warranty")
    assert verdict(first, talked(7.5, 60.0, SECOND)).kind is Kind.UNWANTED_ROBOT


def test_phrases_of_one_breath_are_one_occasion() -> None:
    breath = tuple(SpokenPhrase("delivery", text, 5.0) for text in ("a delivery", "to deliver"))
    first = replace(talked(0.4, 7.5, FIRST), phrases=breath)
    assert verdict(first, talked(7.5, 10.5, SECOND)).kind is Kind.UNSURE
    apart = (breath[0], replace(breath[1], at=7.0))
    told = verdict(replace(first, phrases=apart), talked(7.5, 10.5, SECOND))
    assert (told.kind, told.settled) == (Kind.WANTED_ROBOT, True)


def test_a_known_recording_is_settled_at_once() -> None:
    heard = replace(talked(0.4, 6.0, FIRST), likeness=like("sound"))
    told = verdict(heard)
    assert (told.kind, told.settled) == (Kind.UNWANTED_ROBOT, True)
    assert told.reason.startswith("same recording as 3 calls since Mon 16 Nov")


def test_known_words_are_settled_when_he_talks_on() -> None:
    heard = replace(talked(0.4, 7.5, FIRST), likeness=like("words"))
    assert verdict(heard).kind is Kind.UNSURE
    told = verdict(heard, talked(7.5, 10.5, SECOND))
    assert (told.kind, told.settled) == (Kind.UNWANTED_ROBOT, True)


def test_a_known_recording_that_speaks_of_an_appointment_is_unwanted() -> None:
    heard = replace(talked(0.4, 6.0, FIRST, "appointment", "delivery"), likeness=like("sound"))
    assert verdict(heard).kind is Kind.UNWANTED_ROBOT


def test_a_known_reminder_is_wanted_whatever_else_it_says() -> None:
    heard = replace(talked(0.4, 6.0, FIRST), likeness=like("sound", wanted=True))
    told = verdict(heard)
    assert (told.kind, told.settled) == (Kind.WANTED_ROBOT, True)
    assert told.reason.startswith("same recording as 3 calls since Mon 16 Nov")


def test_a_scam_that_begins_with_a_known_reminder_is_unwanted() -> None:
    known = like("sound", wanted=True)
    heard = replace(talked(0.4, 7.5, FIRST, "legal", "warranty"), likeness=known)
    assert verdict(heard, talked(7.5, 10.5, SECOND)).kind is Kind.UNWANTED_ROBOT


def test_the_words_of_a_known_reminder_decide_nothing() -> None:
    heard = replace(talked(0.4, 7.5, FIRST), likeness=like("words", wanted=True))
    assert verdict(heard, talked(7.5, 10.5, SECOND)).kind is Kind.UNSURE


def test_a_reminder_is_a_wanted_robot() -> None:
    told = robot(("appointment", "press a digit"), ("appointment",))
    assert (told.kind, told.settled) == (Kind.WANTED_ROBOT, True)


def test_two_wanted_classes_once_each_may_be_mistaken_words() -> None:
    told = robot(("code",), ("prescription",))
    assert (told.kind, told.settled) == (Kind.WANTED_ROBOT, False)


def test_one_wanted_phrase_is_not_settled() -> None:
    told = robot(("important message",), ("school",))
    assert (told.kind, told.settled) == (Kind.WANTED_ROBOT, False)


def test_a_sales_call_that_speaks_of_an_appointment_is_not_wanted() -> None:
    told = robot(("appointment", "press a digit"), ("prize", "warranty", "delivery"))
    assert told.kind is Kind.UNWANTED_ROBOT


def test_what_either_kind_says_makes_an_unwanted_robot_where_nothing_is_wanted() -> None:
    assert robot(("press a digit", "speak to someone")).kind is Kind.UNWANTED_ROBOT


def test_a_key_in_the_midst_of_long_talk_proves_no_person() -> None:
    talk = (Span(0.4, 5.9),)
    key = Heard(HeardBy.KEYS, keys="1", talk=talk, prompt=FIRST, keyed_over_prompt=True)
    assert verdict(key).kind is Kind.UNSURE


@pytest.mark.parametrize("name", sorted(WANTED | EITHER))
def test_every_class_that_is_weighed_by_name_is_in_the_grammars(name: str) -> None:
    files = [GRAMMARS / "wanted.jsgf", GRAMMARS / "robocalls.jsgf"]
    classes = {c.name for f in files for c in phrase_classes(read(f.read_text("utf-8"), f.name))}
    assert name in classes


# Whatever is heard --------------------------------------------------------------------------------

KINDS = st.sampled_from(sorted(WANTED | EITHER | {"account", "warranty", "prize", "an order"}))
TIMES = st.floats(0.0, 30.0)
PHRASES = st.builds(SpokenPhrase, KINDS, st.sampled_from(["a", "b", "c", "d"]), TIMES)
STRETCHES = st.tuples(TIMES, st.floats(0.0, 15.0)).map(lambda t: Span(t[0], t[0] + t[1]))
HEARINGS = st.builds(
    Heard,
    by=st.sampled_from(list(HeardBy)),
    keys=st.sampled_from(["", "", "", "1"]),
    words=st.sampled_from(["", "office"]),
    talk=st.lists(STRETCHES, max_size=4).map(tuple),
    phrases=st.lists(PHRASES, max_size=6).map(tuple),
    prompt=STRETCHES,
    keyed_over_prompt=st.booleans(),
    sounds=st.lists(st.builds(Sound, st.sampled_from(["music", "busy tone"]), TIMES, TIMES)).map(
        tuple
    ),
    likeness=st.sampled_from([None, None, like("sound"), like("words"), like("sound", True)]),
    end=st.floats(0.0, 60.0),
)
HEARD = st.lists(HEARINGS, min_size=1, max_size=5).map(lambda h: Evidence(tuple(h)))


@given(HEARD)
def test_the_verdict_is_the_same_each_time(evidence: Evidence) -> None:
    assert judge(evidence) == judge(Evidence(tuple(evidence.heard)))


@given(HEARD, PHRASES)
def test_a_phrase_more_never_makes_a_person_of_an_unwanted_robot(
    evidence: Evidence, phrase: SpokenPhrase
) -> None:
    last = evidence.heard[-1]
    more = Evidence((*evidence.heard[:-1], replace(last, phrases=(*last.phrases, phrase))))
    if judge(evidence).kind is Kind.UNWANTED_ROBOT:
        assert judge(more).kind in (Kind.UNWANTED_ROBOT, Kind.WANTED_ROBOT)


@given(HEARD)
def test_who_said_one_class_of_phrases_at_most_is_no_robot(evidence: Evidence) -> None:
    one = tuple(
        replace(h, likeness=None, phrases=tuple(p for p in h.phrases if p.kind == "account"))
        for h in evidence.heard
    )
    assert judge(Evidence(one)).kind not in (Kind.UNWANTED_ROBOT, Kind.WANTED_ROBOT)


@given(HEARD)
def test_who_keyed_in_quiet_is_never_a_robot(evidence: Evidence) -> None:
    assert judge(evidence.with_(Heard(HeardBy.KEYS, keys="1"))).kind is Kind.PERSON


@given(HEARD)
def test_only_robots_are_settled(evidence: Evidence) -> None:
    told = judge(evidence)
    assert not told.settled or told.kind in (Kind.UNWANTED_ROBOT, Kind.WANTED_ROBOT)


def test_phrases_that_the_recogniser_is_not_sure_of_weigh_less() -> None:
    """What people say is misheard as two classes now and then, in words that stand alone."""

    def sure(confidence: float) -> Kind:
        heard = talked(0.4, 7.5, FIRST, "legal", "warranty")
        phrases = tuple(replace(phrase, confidence=confidence) for phrase in heard.phrases)
        return verdict(replace(heard, phrases=phrases), talked(7.5, 10.5, SECOND)).kind

    assert sure(0.9) is Kind.UNWANTED_ROBOT
    assert sure(UNRATED) is Kind.UNWANTED_ROBOT
    assert sure(0.45) is Kind.UNSURE
