"""Scores of evaluations: what is counted, what is a fault, what a program is given."""

from __future__ import annotations

import json
import statistics
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.core.manifest import Label
from screener.core.score import Mark, as_json, quartiles, tell

PERSON = Mark(
    file="two.wav",
    label=Label.HUMAN,
    engine="an engine",
    verdict="person",
    seconds=9.123,
    rang=True,
    attempts=1,
    evidence=('answered "two" at 8.0 s',),
    wanted="2",
    reached="2",
    rang_at=1,
    heard=10.0,
    cpu=0.3,
    bare=0.2,
)
ROBOT = replace(
    PERSON,
    file="r.wav",
    label=Label.ROBOCALL,
    verdict="unwanted robot",
    seconds=12.0,
    rang=False,
    attempts=2,
    evidence=("talked 0.3-12.0 s",),
    reason="it talked",
    wanted="",
    reached="",
    rang_at=0,
)
TONE = replace(ROBOT, file="t.wav", label=Label.NON_SPEECH, verdict="silent", seconds=20.0)


def test_a_program_is_given_what_is_promised() -> None:
    assert json.loads(json.dumps(as_json(PERSON))) == {
        "file": "two.wav",
        "label": "human",
        "verdict": "person",
        "seconds": 9.12,
        "rang": True,
        "attempts": 1,
        "evidence": ['answered "two" at 8.0 s'],
        "engine": "an engine",
    }


@pytest.mark.parametrize(
    ("mark", "fault"),
    [
        (PERSON, ""),
        (ROBOT, ""),
        (TONE, ""),
        (replace(PERSON, verdict="unsure", rang=False, reached=""), ""),
        (replace(PERSON, verdict="silent"), "judged silent"),
        (replace(PERSON, verdict="unwanted robot"), "judged unwanted robot"),
        (replace(PERSON, verdict="wanted robot"), "judged wanted robot"),
        (replace(PERSON, reached="3"), "said 2 and reached 3"),
        (replace(ROBOT, verdict="unsure"), "judged unsure"),
        (replace(ROBOT, rang=True), "rang a phone"),
        (replace(TONE, verdict="person"), "judged person"),
        (replace(TONE, label=Label.RECORDED_PROMPT, verdict="unwanted robot"), ""),
        (replace(TONE, label=Label.RECORDED_PROMPT, rang=True), "rang a phone"),
    ],
)
def test_what_is_a_fault(mark: Mark, fault: str) -> None:
    assert mark.fault == fault


def test_tables_count_everything() -> None:
    late = replace(ROBOT, file="late.wav", seconds=14.1)
    missed = replace(ROBOT, file="missed.wav", verdict="unsure", seconds=30.0)
    third = replace(PERSON, file="slow.wav", rang_at=3)
    other = replace(PERSON, file="other.wav", reached="5")
    told = tell([PERSON, ROBOT, TONE, late, missed, third, other])
    lines = told.splitlines()
    assert lines[0] == "an engine: 7 clips"
    rows = {line.split("  ")[0]: line.split() for line in lines if line.startswith(tuple(Label))}
    assert rows["robocall"][1:] == ["0", "0", "2", "0", "1", "3", "0"]
    assert rows["human"][1:] == ["3", "0", "0", "0", "0", "3", "3"]
    assert "unwanted robot: 2 of 3 (66.7%), within 14 s of the answer 1 of 3 (33.3%)" in told
    assert "people who said an extension: 3; accepted on the first try 1 of 3 (33.3%)" in told
    assert "within two 1 of 3 (33.3%); taken for another 1 of 3 (33.3%)" in told
    assert "Judged wrongly: 2" in told
    assert "robocall missed.wav: judged unsure" in told
    assert "human other.wav: said 2 and reached 5" in told
    assert "CPU: 0.0300 s for each second of audio" in told
    assert "0.0200 s (the ear takes 1.50 times it)" in told


def test_people_who_say_something_else_are_counted_apart() -> None:
    yes = replace(PERSON, wanted="")
    no = replace(PERSON, wanted="", rang=False, reached="", rang_at=0)
    assert "people who said something else: 2; taken for an extension 1 of 2" in tell([yes, no])


def test_what_was_not_measured_is_not_told() -> None:
    told = tell([replace(TONE, heard=0.0, cpu=0.0, bare=0.0)])
    assert "CPU" not in told
    assert "people" not in told
    assert "robocalls judged" not in told
    assert told.endswith("Judged wrongly: none")


def test_names_of_files_drive_no_terminal() -> None:
    told = tell([replace(ROBOT, file="\x1b[2J.wav", verdict="unsure", reason="\x07")])
    assert all(line.isprintable() for line in told.splitlines())


@given(st.lists(st.floats(0, 100), min_size=2))
def test_quartiles_are_the_statisticians(values: list[float]) -> None:
    least, first, half, third, most = quartiles(values)
    assert (least, most) == (min(values), max(values))
    expected = statistics.quantiles(values, n=4, method="inclusive")
    assert (first, half, third) == pytest.approx(tuple(expected))


def test_of_one_value_all_quartiles_are_it() -> None:
    assert quartiles([3.0]) == (3.0,) * 5
