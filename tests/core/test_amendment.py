"""A rule comes in and goes out again, and every other byte of the file stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.core.amendment import (
    from_words,
    home,
    line_of,
    number_pattern,
    with_line,
    with_rule,
    without_line,
    without_value,
)
from screener.core.pattern import NumberPattern
from screener.core.rulefile import parse
from screener.core.rules import Action, Rule

RULE = 'block from +1900*  "premium"'
FILE = '# All of them.\n\n# The family\nallow from +14155550100  "Mom"   # call her\n\n'

_line = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.sampled_from([RULE, "", "  # note", "\tallow withheld ", 'allow from +1415*, 1976* "x"']),
)
_file = st.builds(
    lambda lines, end, last: end.join(lines) + last,
    st.lists(_line, max_size=6),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["", "\n", "\r\n", "\u2028"]),
)


def the_rule(line: str) -> Rule:
    rules, mistakes = parse(line, "t.rules", "US")
    assert mistakes == ()
    return rules[0]


# Lines -------------------------------------------------------------------------------------------


@given(_file, st.booleans(), st.one_of(st.none(), st.integers(1, 9)))
def test_a_rule_that_comes_and_goes_leaves_no_trace(
    text: str, first: bool, line: int | None
) -> None:
    amended = with_rule(text, RULE, first=first, line=line)
    assert line_of(amended.text, amended.line) == RULE
    assert without_line(amended.text, amended.line) == text


_words = st.text(st.characters(exclude_characters="\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029"))


@given(
    st.lists(_words, min_size=1, max_size=6),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.data(),
)
def test_a_line_that_goes_and_comes_leaves_no_trace(
    lines: list[str], end: str, open_end: bool, data: st.DataObject
) -> None:
    text = end.join(lines) + ("" if open_end and lines[-1] else end)
    line = data.draw(st.integers(1, len(lines)))
    whole = without_line(text, line)
    assert whole.splitlines() == [*lines[: line - 1], *lines[line:]]
    again = with_rule(whole, lines[line - 1], line=line).text
    assert again.splitlines() == lines
    if end in whole and lines[-1] and lines[-2:-1] != [""]:  # else how lines ended is forgotten
        assert again == text


def test_a_rule_goes_to_the_end_or_before_the_first_or_to_a_line() -> None:
    assert with_rule(FILE, RULE).text == FILE + RULE + "\n"
    above = FILE.replace("# The family", RULE + "\n# The family")
    assert with_rule(FILE, RULE, first=True).text == above
    assert with_rule(FILE, RULE, line=2).text.splitlines()[1] == RULE
    assert with_rule("# head\nallow withheld", RULE, first=True).line == 2
    assert with_rule("# only words\n", RULE, first=True).text == f"# only words\n{RULE}\n"


def test_line_ends_are_the_files_own() -> None:
    assert with_rule("# a\r\n# b\r\n", RULE).text == f"# a\r\n# b\r\n{RULE}\r\n"
    assert with_rule("# a\r\n# b", RULE).text == f"# a\r\n# b\r\n{RULE}"
    assert with_rule("", RULE).text == f"{RULE}\n"
    assert with_line("a\r\nb", 1, "c") == "c\r\nb"
    assert with_line("a\r\nb", 2, "c") == "a\r\nc"


# One value of a list -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "number", "left"),
    [
        ("block from +1900*, +1976*", "+1976*", "block from +1900*"),
        ("block from +1900*, +1976*", "+1900*", "block from +1976*"),
        (
            'block  from  +1900* ,+1976*,  212-555-0100   "three" # why',
            "+1976*",
            'block  from  +1900*,  212-555-0100   "three" # why',
        ),
        (
            'allow from 212 555 0100, (415) 555 0100 "two" # 212 555 0100, Mom',
            "+12125550100",
            'allow from (415) 555 0100 "two" # 212 555 0100, Mom',
        ),
        (
            'allow from 212 555 0100, (415) 555 0100   "two"',
            "+14155550100",
            'allow from 212 555 0100   "two"',
        ),
        ("allow from +1900*, +1976*, 900*", "+1900*", "allow from +1976*"),
        ("block from +1900*, +1976* name *a*, *b*", "+1976*", "block from +1900* name *a*, *b*"),
        ("block name *a*, *b* from +1900*, +1976*", "+1900*", "block name *a*, *b* from +1976*"),
    ],
)
def test_a_value_goes_and_the_rest_keeps_its_spacing(line: str, number: str, left: str) -> None:
    assert without_value(line, the_rule(line), NumberPattern(number), "US") == left


@pytest.mark.parametrize("line", ["block from +1900*", "block from +1900*, 900*", "block withheld"])
def test_what_is_the_only_value_does_not_go_alone(line: str) -> None:
    assert without_value(line, the_rule(line), NumberPattern("+1900*"), "US") is None


_numbers = st.lists(
    st.sampled_from(["+1900*", "+19765550100", "(415) 555-0100", "212 555 01*", "+1808*"]),
    min_size=2,
    max_size=5,
    unique=True,
)


@given(_numbers, st.data(), st.sampled_from([",", ", ", "  , ", ",\t"]))
def test_any_value_of_any_list_goes(numbers: list[str], data: st.DataObject, comma: str) -> None:
    line = f'  block   from {comma.join(numbers)}  "these, and +1900*"  # and +1900*, too'
    gone = data.draw(st.sampled_from(numbers))
    pattern = number_pattern(gone, "US")
    assert pattern is not None
    left = without_value(line, the_rule(line), pattern, "US")
    rest = [number for number in numbers if number != gone]
    assert left is not None
    assert the_rule(left).conditions == the_rule(f"block from {', '.join(rest)}").conditions
    assert left.startswith("  block   from ")
    assert left.endswith('  "these, and +1900*"  # and +1900*, too')


# What was typed ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (['block  from +1900*   "premium"'], 'block  from +1900*   "premium"'),
        (["block", "from", "+1900*", "premium"], 'block from +1900* "premium"'),
        (["block", "from", "+1900*,", "+1976*", "so dear"], 'block from +1900*, +1976* "so dear"'),
        (["block", "name", "* survey*", "play", "busy"], 'block name "* survey*" play busy'),
        (["allow", "from +14155550100", "Mom"], 'allow from +14155550100 "Mom"'),
        (["allow", "withheld", "#1 friend"], 'allow withheld "#1 friend"'),
        (["block", "name", "/(auto|car) loan/"], "block name /(auto|car) loan/"),
        (["allow", "from", "+14155550100", '5" disk'], 'allow from +14155550100 "5"" disk"'),
        (
            ["send", "on", "mon-fri 22:00-07:00", "message", "me"],
            "send on mon-fri 22:00-07:00 message me",
        ),
    ],
)
def test_the_quotes_that_a_shell_has_eaten_come_back(words: list[str], line: str) -> None:
    assert from_words(words, "US") == (line, ())


@pytest.mark.parametrize(
    "words",
    [
        ["alow", "withheld"],
        ["block", "withheldd"],
        ["block", "name", "John", "Smith"],
        ["block", "withheld", "unless", "expecting"],
        ["block", "from", "+1900*", "pla", "busy"],
        ["block withheld\nallow withheld"],
        ["# nothing"],
        [""],
    ],
)
def test_what_is_no_rule_comes_with_its_mistakes(words: list[str]) -> None:
    _, mistakes = from_words(words, "US")
    assert mistakes


@given(st.lists(st.text(max_size=12), min_size=1, max_size=6))
def test_any_words_are_one_rule_or_have_mistakes(words: list[str]) -> None:
    line, mistakes = from_words(words, "US")
    if not mistakes:
        assert len(parse(line, "t.rules", "US")[0]) == 1


def test_a_rule_belongs_to_the_others_of_its_action() -> None:
    assert home(Action.ALLOW, ()) == "1-allow.rules"
    assert home(Action.BLOCK, ()) == "2-block.rules"
    assert home(Action.SCREEN, ()) == "3-rules.rules"
    text = "block withheld\nallow withheld\nblock name *a*"
    rules = (*parse("block withheld", "1-few.rules", "US")[0], *parse(text, "mine.rules", "US")[0])
    assert home(Action.BLOCK, rules) == "mine.rules"


@pytest.mark.parametrize("text", ["", "x", "+1900* play busy", '+1900* "x"', "1900*, 1976*", "\n"])
def test_what_is_not_one_number_is_no_pattern(text: str) -> None:
    assert number_pattern(text, "US") is None
