"""The manifest of an evaluation: which clips there are, and what each of them is.

A CSV file (RFC 4180) with a line of column names: `file` and `label` at least, `onset`,
`transcript` and `kind` where they are known; any other column is somebody else's and not read.
"""

from __future__ import annotations

import csv
import difflib
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from screener.core.callerid import shown

FILE = "manifest.csv"
NEEDED = ("file", "label")
READ = (*NEEDED, "onset", "transcript", "kind")
AFTER_PROMPT = "after-prompt"

# When a recording begins to talk, in seconds after the answer, unless its manifest says otherwise:
# a dialer connects it when it has heard the line go off-hook.
ONSET = 0.3
_LATEST = 3600.0
# A line with its end, whatever machine it was written on.
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


class Label(StrEnum):
    """What a clip is."""

    ROBOCALL = "robocall"
    HUMAN = "human"
    RECORDED_PROMPT = "recorded-prompt"
    NON_SPEECH = "non-speech"


@dataclass(frozen=True, slots=True)
class Entry:
    """One clip. `file` is as the manifest has it, `line` where it stands there.

    `onset` is when the caller begins, in seconds after the answer; None is one who waits until he
    is asked, and says it each time. `transcript` and `kind` are "" where the manifest has none.
    """

    file: str
    label: Label
    onset: float | None
    transcript: str = ""
    kind: str = ""
    line: int = 0


def read(
    text: str, name: str = FILE, is_there: Callable[[str], bool] = lambda _: True
) -> tuple[tuple[Entry, ...], tuple[str, ...]]:
    """The clips, and every mistake as a sentence: "manifest.csv:3: ...".

    `is_there` says whether there is such a file.
    """
    reading = _Reading(name, is_there)
    entries = tuple(reading.entries(text))
    if not entries and not reading.mistakes:
        reading.mistakes.append(f"{name}: it names no clip")
    return entries, tuple(reading.mistakes)


class _Reading:
    """One reading of a manifest. `mistakes` are those found so far."""

    def __init__(self, name: str, is_there: Callable[[str], bool]) -> None:
        self.mistakes: list[str] = []
        self._name = name
        self._is_there = is_there
        self._seen: dict[tuple[str, float | None], int] = {}

    def entries(self, text: str) -> Iterator[Entry]:
        rows = self._rows(text)
        head = next(rows, None)
        if head is None:
            self._wrong(1, _EXPECTED)
            return
        columns = [name.strip().casefold() for name in head[1]]
        if not self._columns(columns):
            return
        for line, row in rows:
            if len(row) > len(columns):
                self._wrong(
                    line,
                    f"{len(row)} fields, but {len(columns)} columns;"
                    " a field with a comma in it stands in double quotes",
                )
            elif (entry := self._entry(dict(zip(columns, row, strict=False)), line)) is not None:
                yield entry

    def _rows(self, text: str) -> Iterator[tuple[int, list[str]]]:
        """Each row that is not empty, with the line that it begins in."""
        reader = csv.reader(_LINE.findall(text), strict=True)
        while True:
            line = reader.line_num + 1
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                self._wrong(line, f"not CSV ({error})")
                return
            if any(field.strip() for field in row):
                yield line, row

    def _columns(self, columns: Sequence[str]) -> bool:
        missing = [name for name in NEEDED if name not in columns]
        twice = [name for name in READ if columns.count(name) > 1]
        if missing:
            there = ", ".join(shown(name, 30) for name in columns[:20])
            self._wrong(1, f"no column {' and none '.join(missing)}, only {there}; {_EXPECTED}")
        if twice:
            self._wrong(1, f"the column {', '.join(twice)} is there twice")
        return not missing and not twice

    def _entry(self, row: dict[str, str], line: int) -> Entry | None:
        before = len(self.mistakes)
        file = row.get("file", "").strip()
        if not file:
            self._wrong(line, "no file is named")
        elif not self._is_there(file):
            self._wrong(line, f"{shown(file, 200)}: there is no such file beside the manifest")
        label = self._label(row.get("label", "").strip(), line)
        onset = self._onset(row.get("onset", "").strip(), label, line)
        first = self._seen.setdefault((file, onset), line)
        if file and first != line:
            self._wrong(line, f"{shown(file, 200)} stands in line {first} already")
        if len(self.mistakes) > before:
            return None
        return Entry(
            file, label, onset, row.get("transcript", "").strip(), row.get("kind", "").strip(), line
        )

    def _label(self, text: str, line: int) -> Label:
        if text in list(Label):
            return Label(text)
        near = difflib.get_close_matches(text.casefold(), list(Label), n=1, cutoff=0.6)
        advice = f'did you mean "{near[0]}"?' if near else f"expected one of {', '.join(Label)}"
        self._wrong(line, f'the label is "{shown(text)}"; {advice}')
        return Label.HUMAN

    def _onset(self, text: str, label: Label, line: int) -> float | None:
        if not text:
            return None if label is Label.HUMAN else ONSET
        if text == AFTER_PROMPT:
            return None
        try:
            seconds = float(text)
        except ValueError:
            seconds = math.nan
        if not 0 <= seconds <= _LATEST:
            expected = f"expected seconds after the answer, like {ONSET}, or {AFTER_PROMPT}"
            self._wrong(line, f'the onset is "{shown(text)}"; {expected}')
        return seconds

    def _wrong(self, line: int, what: str) -> None:
        self.mistakes.append(f"{self._name}:{line}: {what}")


_EXPECTED = f"expected a line of column names, with commas between them: {', '.join(NEEDED)}"
