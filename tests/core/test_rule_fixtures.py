"""Rule files, good and bad, with the words that are expected of each line.

In tests/fixtures/rules/good/ a line that begins with `#> ` is the rule above it as it is written
out; in bad/, lines that begin with `#! ` are COLUMN: MISTAKE for the line above them. A first line
`#country DE` says where numbers are from, unless it is the US; what the files may name is `NAMES`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from screener.core.rulefile import Names, parse, write

FOLDER = Path(__file__).parents[1] / "fixtures" / "rules"
GOOD = sorted((FOLDER / "good").glob("*.rules"))
BAD = sorted((FOLDER / "bad").glob("*.rules"))
NAMES = Names(
    groups=frozenset({"home", "office"}),
    boxes=frozenset({"family"}),
    extensions=frozenset({"1", "20"}),
    dids=frozenset({"+18182223333"}),
    lists=frozenset({"ftc.csv", "plain.txt"}),
    contacts=frozenset({"family.vcf", "our doctors.vcf"}),
)


def country(text: str) -> str:
    first = text.partition("\n")[0]
    return first.removeprefix("#country ") if first.startswith("#country ") else "US"


def expected(text: str, sign: str) -> list[tuple[int, str]]:
    """What is expected of each line: its number, and the words."""
    found: list[tuple[int, str]] = []
    above = 0
    for at, line in enumerate(text.splitlines(), start=1):
        if line.startswith(sign):
            found.append((above, line.removeprefix(sign)))
        elif line.strip():
            above = at
    return found


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_good_file(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    rules, mistakes = parse(text, path.name, country(text), NAMES)
    assert [str(mistake) for mistake in mistakes] == []
    assert [(rule.line, write(rule)) for rule in rules] == expected(text, "#> ")
    assert rules


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_file(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    rules, mistakes = parse(text, path.name, country(text), NAMES)
    found = [(mistake.line, f"{mistake.column}: {mistake.text}") for mistake in mistakes]
    assert found == expected(text, "#! ")
    assert [write(rule) for rule in rules] == [words for _, words in expected(text, "#> ")]
    assert mistakes


def test_there_are_files_of_both_kinds() -> None:
    assert GOOD
    assert BAD
