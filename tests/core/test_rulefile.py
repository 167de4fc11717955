"""Rule files: what people write is read, every mistake is named, and what is printed reads back.

What each kind of line and of mistake looks like is in tests/fixtures/rules/.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from screener.core import ruletext
from screener.core.conditions import (
    Attested,
    Called,
    Condition,
    During,
    Emergency,
    Event,
    Expecting,
    From,
    Happened,
    Impossible,
    InContacts,
    InCountry,
    Listed,
    Named,
    Neighbour,
    Not,
    OfKind,
    To,
    Verified,
    Withheld,
)
from screener.core.frontdoor import Outside
from screener.core.number import KINDS
from screener.core.pattern import NamePattern, NumberPattern
from screener.core.rulefile import MOST_LINES, MOST_MISTAKES, WORDS, Names, parse, write
from screener.core.ruleline import CONDITIONS, TAILS
from screener.core.rules import Action, Rule, Target, Where
from screener.core.ruletext import LONGEST_LABEL, LONGEST_LINE, unseen
from screener.core.script import Refusal, Treatment
from screener.core.spans import read_span
from tests.core.test_hours import hours_of_all_kinds


def one(text: str, country: str = "US") -> Rule:
    rules, mistakes = parse(text, "t.rules", country)
    assert [str(m) for m in mistakes] == []
    assert len(rules) == 1
    return rules[0]


def told(text: str) -> list[str]:
    return [str(mistake) for mistake in parse(text, "t.rules", "US")[1]]


# A file ------------------------------------------------------------------------------------------


def test_a_mistake_names_its_file_line_and_column() -> None:
    assert told("\n\n  deny withheld") == ["t.rules:3:3: 'deny' is not an action; write: block"]


def test_all_mistakes_at_once_and_the_good_rules_beside_them() -> None:
    rules, mistakes = parse(
        "allow\nallow withheld\nblock kind mobil, pagr from 12\n", "t.rules", "US"
    )
    assert [rule.line for rule in rules] == [2]
    assert [(m.line, m.column) for m in mistakes] == [(1, 6), (3, 12), (3, 19), (3, 29)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end(end: str) -> None:
    rules, mistakes = parse(
        end.join(["\ufeffallow withheld", "", "#", "screen to 1*", "block withheld"]), "", "US"
    )
    assert [rule.line for rule in rules] == [1, 5]
    assert [(mistake.line, mistake.column) for mistake in mistakes] == [(4, 11)]


def test_a_comment_may_hold_any_sign() -> None:
    assert one("# \x1b[31m \u202e\nallow withheld # \x1b").conditions == (Withheld(),)


def test_of_many_mistakes_the_last_counts_the_others() -> None:
    mistakes = told("alow withheld\n" * 1000)
    assert len(mistakes) == MOST_MISTAKES + 1
    assert mistakes[-1] == "t.rules:101:1: and 900 more mistakes from here on"


@pytest.mark.parametrize("text", ["block withheld\n" * 1_000_000, "#" * 10_000_001])
def test_a_file_of_a_million_lines_belongs_into_a_list(text: str) -> None:
    rules, mistakes = parse(text, "t.rules", "US")
    assert rules == ()
    assert [str(mistake) for mistake in mistakes] == [
        "t.rules:1:1: more than 100,000 lines or 10 MB is too much for a rule file; put the numbers"
        " into a list (`screener lists import`) and write: block list NAME"
    ]


def test_a_long_file_is_read() -> None:
    rules, mistakes = parse("\n" * (MOST_LINES - 1) + "block withheld", "t.rules", "US")
    assert (len(rules), rules[0].line, mistakes) == (1, MOST_LINES, ())


def test_a_line_has_an_end() -> None:
    long = "block from " + ", ".join(["+14155550100"] * 1000)
    assert len(long) > LONGEST_LINE
    [mistake] = told(f"{long}\nblock withheld")
    assert mistake.startswith("t.rules:1:1: a line has at most 10,000 characters; put many numbers")


def test_a_line_with_nothing_right_in_it_is_left_at_last() -> None:
    mistakes = told("block from " + "1, " * 3000)
    assert len(mistakes) == 21


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "block {}",
        "block from {}",
        "block name a {}",
        "block kind {}",
        "block on {}",
        "block on mon {}",
        "block list {}/",
        "block contacts {}",
        "block withheld play {}",
        "block withheld refuse {}",
        "send withheld ring {}",
        "send withheld redirect {}",
        "send withheld redirect sip:{}",
        "allow withheld expires {}",
        'allow withheld "a" "{}"',
    ],
)
def test_a_word_without_end_is_cut_in_a_mistake(text: str) -> None:
    [mistake] = told(text.format("x" * 4096))
    assert len(mistake) < 500


# A challenge -------------------------------------------------------------------------------------


def test_a_rule_may_have_its_callers_asked_the_challenge() -> None:
    rule = one('screen from +1* challenge "gateways" expires 9mo')
    assert rule.challenge
    assert rule.effect == "screen challenge"
    assert rule == one('screen from +1* "gateways" expires 9mo challenge')
    assert write(rule) == 'screen from +1* "gateways" challenge expires 9mo'
    assert not one("screen from +1*").challenge


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("allow withheld challenge", "t.rules:1:16: challenge belongs to screen, not to allow"),
        (
            "screen withheld challenge challenge",
            "t.rules:1:27: this is a second challenge; a rule has one",
        ),
        (
            'screen withheld "x" chalenge',
            "t.rules:1:21: 'chalenge' is not a word that may stand here; expected play, refuse,"
            " challenge, ring, extension, menu, message, redirect, bridge, expires; did you mean"
            " challenge?",
        ),
    ],
)
def test_a_challenge_is_for_callers_who_are_screened(text: str, mistake: str) -> None:
    assert told(text) == [mistake]


# A label -----------------------------------------------------------------------------------------


def test_a_rule_without_a_label_is_called_as_it_is_written() -> None:
    rule = one('block   name  "a ""b""",c   play busy # so be it')
    assert rule.label == "block name 'a 'b'', c play busy"
    assert one(write(rule)) == replace(
        rule, label='block name "a ""b""", c play busy'.replace('""', "'").replace('"', "'")
    )


def test_a_label_stands_anywhere_behind_the_conditions() -> None:
    for text in (
        '"x" play busy expires 2d',
        'play busy "x" expires 2d',
        'play busy expires 2d "x"',
    ):
        assert one(f"block withheld {text}") == one('block withheld "x" play busy expires 2d')


def test_a_label_has_an_end() -> None:
    assert one(f'allow withheld "{"x" * LONGEST_LABEL}"').label == "x" * LONGEST_LABEL
    assert told(f'allow withheld "{"x" * (LONGEST_LABEL + 1)}"') == [
        "t.rules:1:16: a label has at most 200 characters"
    ]
    written = write(Rule(Action.ALLOW, (Withheld(),), "x" * 1000))
    assert one(written).label == "x" * (LONGEST_LABEL - 1) + "…"


@given(st.text(st.characters()))
@example('a" play busy')
@example('Mom"\nallow from * "')
@example("\u2028allow withheld")
@example("\ud800\x00\x1b")
@example("\\")
def test_no_label_gets_out_of_its_quotes(label: str) -> None:
    rule = Rule(Action.BLOCK, (Withheld(),), label)
    line = write(rule)
    assert len(line.splitlines()) == 1
    read = one(line)
    assert (read.action, read.conditions, read.effect) == (
        rule.action,
        rule.conditions,
        rule.effect,
    )
    if label and not unseen(label) and len(label) <= LONGEST_LABEL:
        assert read.label == label


# Reading back ------------------------------------------------------------------------------------


def _several(values: st.SearchStrategy[str], most: int = 3) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(values, min_size=1, max_size=most, unique=True).map(tuple)


_nanp = st.from_regex(r"\+1[2-9][0-9]{2}[2-9][0-9]{6}", fullmatch=True)
_number = st.one_of(
    _nanp,
    st.sampled_from(["+493012345678", "+442079460000", "611", "*", "+*", "+1?00*"]),
    st.from_regex(r"\+[1-9][0-9]{0,9}\*", fullmatch=True),
    st.from_regex(r"\+1[2-9?][0-9?]{9}", fullmatch=True),
    st.tuples(_nanp, _nanp).map(lambda ends: "..".join(sorted(ends))),
)
_numbers = _several(_number).map(lambda texts: tuple(map(NumberPattern, texts)))
_text = st.text(
    st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=30
)
_value = _text.filter(lambda text: bool(text.strip()) and not unseen(text))
_glob = st.one_of(
    _value, st.text('abc*?" ,#/\\', min_size=1, max_size=8).filter(lambda t: bool(t.strip()))
)
_expression = st.sampled_from(
    ["/a/", "/^v[0-9]{6,}$/", r"/24\/7/", '/a, "b" # c/', r"/\bcar\b/", "/ /", "/[#]/", r"/\\/"]
)


def _names(texts: tuple[str, ...]) -> Named | None:
    try:
        return Named(tuple(map(NamePattern, texts)))
    except ValueError:  # what looks like an expression and is none
        return None


_file = st.from_regex(r"[a-z0-9][a-z0-9 .&+@()-]{0,10}[a-z0-9]", fullmatch=True)
_span = st.sampled_from(["90s", "30m", "2h", "90d", "3w", "9mo", "1y"]).map(read_span)
_within = st.none() | _span
_condition: st.SearchStrategy[Condition] = st.one_of(
    _numbers.map(From),
    _numbers.map(To),
    _several(_glob | _expression).map(_names).filter(bool),
    st.sampled_from([Withheld(), Impossible("US"), Expecting(), Emergency()]),
    _several(st.sampled_from(KINDS)).map(OfKind),
    _several(st.sampled_from(["US", "CA", "DE", "GB"])).map(InCountry),
    st.integers(0, 14).map(Neighbour),
    hours_of_all_kinds.map(During),
    _several(st.sampled_from("ABC")).map(Attested),
    _several(st.sampled_from(["passed", "failed"])).map(Verified),
    st.builds(Listed, _several(_file), st.integers(1, 999_999), _within),
    _several(_file.map("{}.vcf".format)).map(InContacts),
    st.builds(Happened, st.sampled_from(Event), _within),
    st.builds(Called, st.integers(1, 1000), _within),
)
_conditions = st.lists(_condition | _condition.map(Not), min_size=1, max_size=4).map(tuple)
_name = st.from_regex("[A-Za-z0-9_-]{1,40}", fullmatch=True)
_ring = st.builds(Target, st.just(Where.RING), _name)
_target = st.one_of(
    _ring,
    st.builds(Target, st.just(Where.MESSAGE), _name),
    st.builds(Target, st.just(Where.EXTENSION), st.from_regex("[0-9]{1,8}", fullmatch=True)),
    st.builds(Target, st.just(Where.MENU), _nanp),
    st.builds(
        Target,
        st.sampled_from([Where.REDIRECT, Where.BRIDGE]),
        _nanp | st.sampled_from(["sip:me@example.net", "sips:[2001:db8::1]:5061;transport=tls"]),
    ),
)
_treatment = st.sampled_from(Treatment) | st.integers(400, 699).map(Refusal)


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """Any rule that a line can say."""
    action = draw(st.sampled_from(Action))
    target = {Action.ALLOW: st.none() | _ring, Action.SEND: _target}.get(action, st.none())
    return Rule(
        action,
        draw(_conditions),
        draw(_value),
        draw(_treatment) if action is Action.BLOCK else Treatment.SIT,
        draw(target),
        draw(_within),
        "t.rules",
        1,
        challenge=action is Action.SCREEN and draw(st.booleans()),
    )


@given(rules())
def test_what_is_printed_reads_back(rule: Rule) -> None:
    assert one(write(rule)) == rule


@given(rules())
def test_a_label_is_left_out_where_it_was_left_out(rule: Rule) -> None:
    bare = write(replace(rule, label=""))
    assert write(one(bare)) == bare
    assert one(bare) == replace(rule, label=one(bare).label)


@given(st.lists(rules(), max_size=4))
def test_a_set_of_rules_reads_back(several: list[Rule]) -> None:
    text = "\n".join(map(write, several))
    read, mistakes = parse(text, "t.rules", "US")
    assert mistakes == ()
    assert read == tuple(replace(rule, line=at) for at, rule in enumerate(several, start=1))


# Hostile text ------------------------------------------------------------------------------------

_word = st.one_of(
    st.sampled_from([*WORDS, "calls>=3", "reports>=2", "+14155550100", "900*", '"x"', "/a/", ","]),
    st.sampled_from(
        ["mon-fri", "22:00-07:00", "2026-12-24", "90d", "..", "sip:a@b", "#", '"', "/"]
    ),
    st.text(st.characters(), max_size=5),
)


@given(st.text(st.characters()) | st.lists(_word, max_size=10).map(" ".join))
@example("block from +1415..")
@example("block from ..")
@example("on on on")
@example("block on mon -")
@example("block list a reports>=")
@example("send withheld redirect sip:")
@example("block neighbour ²")
@example("block calls>=٣")
@example("block from ٣*")
def test_any_text_gives_rules_or_mistakes(text: str) -> None:
    read, mistakes = parse(text, "t.rules", "US")
    lines = ruletext.lines(text)
    assert len({rule.line for rule in read}) == len(read)
    assert not {rule.line for rule in read} & {mistake.line for mistake in mistakes}
    for mistake in mistakes:
        assert 1 <= mistake.column <= len(lines[mistake.line - 1]) + 1
        assert len(mistake.text) < 1000
    for rule in read:
        assert replace(one(write(rule)), line=rule.line) == rule


def test_a_rule_of_every_condition_has_a_text() -> None:
    rule = one("block " + "not withheld " * 200)
    assert len(rule.conditions) == 200
    assert one("block withheld").expires is None
    assert one("block withheld expires 9mo").expires == timedelta(days=270)


def test_the_words_of_the_language() -> None:
    assert len(set(WORDS)) == len(WORDS)
    assert {*Action, *Where, *Treatment, *Event, *KINDS, *CONDITIONS, *TAILS} <= set(WORDS)


@pytest.mark.parametrize("sign", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c"])
def test_a_line_ends_where_an_editor_ends_it(sign: str) -> None:
    """What stands in a comment is no rule, whatever stands before it."""
    rules, mistakes = parse(f"# a comment{sign}block withheld\nallow emergency\n", "t", "US")
    assert [(rule.line, rule.effect) for rule in rules] == [(2, "allow")]
    assert not mistakes


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_usual_line_end_ends_a_line(end: str) -> None:
    rules, mistakes = parse(end.join(["allow emergency", "", "block withheld", ""]), "t", "US")
    assert [rule.line for rule in rules] == [1, 3]
    assert not mistakes


# What cannot be reached ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "outside", "reached"),
    [
        ("bridge +18055550100", Outside("US"), False),
        ("bridge sip:me@example.net", Outside("US"), False),
        ("bridge sip:me@example.net", Outside("US", "DAHDI/g1/{number}"), False),
        ("bridge +18055550100", Outside("US", "DAHDI/g1/{number}"), True),
        ("bridge sip:me@example.net", Outside("US", "PJSIP/{number}@trunk"), True),
        ("redirect +18055550100", Outside("US"), True),
        ("redirect +18055550100", Outside("US", bridged=True), False),
        ("bridge +18055550100", None, True),
    ],
)
def test_where_a_call_is_bridged_to_there_must_be_a_trunk_to(
    rule: str, outside: Outside | None, reached: bool
) -> None:
    names = Names(outside=outside)
    _, mistakes = parse(f"send withheld {rule}", "t.rules", "US", names)
    target = rule.split()[1]
    column = len("send withheld ") + rule.index(target) + 1
    unreached = (
        f"t.rules:1:{column}: {target} cannot be called: asterisk.trunk names no trunk for it"
    )
    assert [str(mistake) for mistake in mistakes] == ([] if reached else [unreached])
