"""Evidence and the verdict on it."""

from __future__ import annotations

from screener.core.evidence import Evidence
from screener.core.script import Heard, HeardBy, Span
from screener.core.verdict import Kind, judge
from tests.core.lines import keyed, quiet, said, talked

FIRST = Span(0.0, 6.0)
SECOND = Span(8.0, 14.0)


def heard(*hearings: Heard) -> Evidence:
    return Evidence(hearings)


def test_a_key_is_a_person() -> None:
    assert judge(heard(keyed("9"))).kind is Kind.PERSON


def test_nothing_said_is_silent() -> None:
    verdict = judge(heard(quiet(), quiet()))
    assert verdict.kind is Kind.SILENT
    assert verdict.reason == "nothing was said, asked twice"


def test_a_click_is_silence() -> None:
    click = Heard(HeardBy.QUIET, talk=(Span(1.0, 1.1),), prompt=FIRST)
    assert judge(heard(click)).kind is Kind.SILENT


def test_talk_over_both_prompts_with_two_classes_is_an_unwanted_robot() -> None:
    evidence = heard(talked(0.4, 7.0, FIRST, "press-digit"), talked(8.0, 16.0, SECOND, "warranty"))
    verdict = judge(evidence)
    assert verdict.kind is Kind.UNWANTED_ROBOT
    assert verdict.reason == (
        "talked on over the prompt twice and spoke of press-digit and warranty"
    )


def test_talk_alone_is_never_enough() -> None:
    assert judge(heard(talked(0.4, 7.0, FIRST), talked(8.0, 16.0, SECOND))).kind is Kind.UNSURE


def test_one_class_is_not_enough() -> None:
    evidence = heard(talked(0.4, 7.0, FIRST, "account"), talked(8.0, 16.0, SECOND, "account"))
    assert judge(evidence).kind is Kind.UNSURE


def test_who_talked_over_the_first_prompt_only_is_asked_again() -> None:
    evidence = heard(talked(0.4, 7.0, FIRST, "press-digit", "warranty"))
    assert judge(evidence).kind is Kind.UNSURE


def test_a_reminder_is_a_wanted_robot() -> None:
    evidence = heard(
        talked(0.4, 7.0, FIRST, "appointment"), talked(8.0, 16.0, SECOND, "prescription")
    )
    assert judge(evidence).kind is Kind.WANTED_ROBOT


def test_a_sales_call_that_speaks_of_an_appointment_is_not_wanted() -> None:
    evidence = heard(
        talked(0.4, 7.0, FIRST, "appointment", "press-digit"),
        talked(8.0, 16.0, SECOND, "prize", "delivery"),
    )
    assert judge(evidence).kind is Kind.UNWANTED_ROBOT


def test_a_short_answer_that_names_nothing_is_a_person() -> None:
    assert judge(heard(said(""))).kind is Kind.PERSON


def test_the_evidence_in_words_with_times() -> None:
    evidence = heard(talked(0.4, 7.0, FIRST, "prize"), keyed("5"))
    assert evidence.sentences() == (
        "talked over the prompt 0.4-7.0 s",
        "keyed 5 over the prompt",
        'said "words of prize" (prize) at 7.0 s',
    )
    assert heard(quiet()).sentences() == ("silent, asked at 0.0 s",)
    assert heard(said("office")).sentences() == ('answered "office" at 6.4 s',)
