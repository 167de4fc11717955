"""Manifests of evaluations: what is read of them, and every mistake with its place."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.core.manifest import ONSET, Entry, Label, read


def test_each_label_begins_when_such_callers_do() -> None:
    entries, mistakes = read("file,label\na.wav,robocall\nb.wav,human\nc.wav,non-speech\n")
    assert mistakes == ()
    assert [entry.onset for entry in entries] == [ONSET, None, ONSET]
    assert [entry.line for entry in entries] == [2, 3, 4]


def test_an_onset_and_a_transcript_are_taken_and_other_columns_are_not_read() -> None:
    text = (
        "Label , licence,file,onset,transcript,kind\n"
        'human,"public, domain","a, b.wav", 2.5 ,two,digit\n'
        "robocall,,c.wav,after-prompt,,\n"
    )
    entries, mistakes = read(text)
    assert mistakes == ()
    assert entries == (
        Entry("a, b.wav", Label.HUMAN, 2.5, "two", "digit", 2),
        Entry("c.wav", Label.ROBOCALL, None, "", "", 3),
    )


def test_the_same_clip_may_begin_at_two_times() -> None:
    entries, mistakes = read("file,label,onset\na.wav,human,\na.wav,human,0.3\n")
    assert (len(entries), mistakes) == (2, ())


def test_every_mistake_is_told_at_once_with_its_line() -> None:
    text = (
        "file,label,onset\n"
        "a.wav,robot,\n"
        "\n"
        '"b\n.wav",human,soon\n'
        ",human,\n"
        "c.wav,human,nan\n"
        "d.wav,non-speech,-1\n"
        "e.wav,human,1,2,3\n"
        "f.wav\n"
        "g.wav,robocall,\n"
        "g.wav,robocall,\n"
    )
    entries, mistakes = read(text, "x.csv")
    assert [entry.file for entry in entries] == ["g.wav"]
    assert [mistake.partition(": ")[0] for mistake in mistakes] == [
        *("x.csv:2", "x.csv:4", "x.csv:6", "x.csv:7", "x.csv:8", "x.csv:9", "x.csv:10"),
        "x.csv:12",
    ]
    assert 'did you mean "robocall"?' in mistakes[0]
    assert "after-prompt" in mistakes[1]
    assert "no file is named" in mistakes[2]
    assert "5 fields, but 3 columns" in mistakes[5]
    assert "expected one of robocall, human, recorded-prompt, non-speech" in mistakes[6]
    assert "stands in line 11 already" in mistakes[7]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "x.csv:1: expected a line of column names, with commas between them: file, label"),
        ("\n\n", "x.csv:1: expected a line of column names"),
        ("file;label\na.wav;human\n", "x.csv:1: no column file and none label, only file;label"),
        ("path,label\na.wav,human\n", "x.csv:1: no column file, only path, label"),
        ("file,label,file\na,human,b\n", "x.csv:1: the column file is there twice"),
        ("file,label\n", "x.csv: it names no clip"),
        ('file,label\n"a.wav,human\n', "x.csv:2: not CSV"),
        (f"file,label\n{'a' * 200_000},human\n", "x.csv:2: not CSV"),
    ],
)
def test_what_is_no_manifest_is_told(text: str, said: str) -> None:
    entries, mistakes = read(text, "x.csv")
    assert any(mistake.startswith(said) for mistake in mistakes), mistakes
    assert entries == ()


def test_what_strangers_wrote_is_told_harmlessly() -> None:
    _, mistakes = read("file,label\na\x1b[31m.wav,\x1b[2Jhuman\u202e\n")
    assert len(mistakes) == 1
    assert mistakes[0].isprintable()


@given(st.text() | st.text(alphabet='file,label"\r\n;0.3human-', max_size=80))
def test_no_text_is_too_strange(text: str) -> None:
    """Whatever it is: clips or mistakes, each in one printable line."""
    entries, mistakes = read(text)
    assert entries or mistakes
    assert all(mistake.isprintable() for mistake in mistakes)


FIELDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).filter(
    lambda text: text == text.strip()
)


@given(
    st.lists(
        st.tuples(FIELDS, st.sampled_from(Label), st.none() | st.floats(0, 60), FIELDS),
        min_size=1,
        unique_by=lambda row: row[0],
    )
)
def test_what_is_written_is_read(rows: list[tuple[str, Label, float | None, str]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("file", "label", "onset", "transcript"))
    for file, label, onset, said in rows:
        writer.writerow((file, label, "after-prompt" if onset is None else onset, said))
    entries, mistakes = read(text.getvalue())
    assert mistakes == ()
    assert [(e.file, e.label, e.onset, e.transcript) for e in entries] == rows
