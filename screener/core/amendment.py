"""Edits of a rule file's text: a rule comes in or goes out, and every other byte stays.

Comments, order, the owner's spacing and line ends belong to him. A file that ends without a line
end goes on ending so. Each edit undoes the other: what `with_rule` gives, `without_line` takes
back to the very same text. Files are written in rulesfolder.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from screener.core.conditions import From
from screener.core.pattern import NumberPattern
from screener.core.rulefile import Mistake, parse, write
from screener.core.rules import Action, Rule
from screener.core.ruletext import Sort, is_regex, quoted, tokens, written_out
from screener.core.ruletext import lines as split

_ODD = re.compile(r'[\s#"]|^$')
PLACE = re.compile(r"(?:.*/)?(?P<file>[^/]+\.rules):(?P<line>[0-9]+)")
"""What begins like a rule's place."""
_HINT = "did you mean"
_UNKNOWN = "; expected "  # a word that the parser knows nothing of, not even what is meant by it
_HOMES = {Action.ALLOW: "1-allow.rules", Action.BLOCK: "2-block.rules"}
_HOME = "3-rules.rules"


@dataclass(frozen=True, slots=True)
class Amended:
    """A file's whole text after an edit, and the line (from 1) at which a rule was put in."""

    text: str
    line: int


# Lines -------------------------------------------------------------------------------------------


def with_rule(text: str, rule: str, *, first: bool = False, line: int | None = None) -> Amended:
    """The text with a rule in it: at the end, before the first rule, or as line number `line`."""
    lines = split(text, keepends=True)
    at = len(lines)
    if first:
        at = _before_the_rules(lines)
    elif line is not None:
        at = min(max(line - 1, 0), len(lines))
    end = line_end(text)
    if at == len(lines) and lines and _bare(lines[-1]) == lines[-1]:
        return Amended(f"{text}{end}{rule}", at + 1)
    lines.insert(at, rule + end)
    return Amended("".join(lines), at + 1)


def without_line(text: str, line: int) -> str:
    """The text without line number `line`; an open end of the last line stays open."""
    lines = split(text, keepends=True)
    gone = lines.pop(line - 1)
    if lines and line > len(lines) and _bare(gone) == gone:
        lines[-1] = _bare(lines[-1]) or lines[-1]  # the end of a blank line is the line
    return "".join(lines)


def with_line(text: str, line: int, content: str) -> str:
    """The text whose line number `line` reads `content`; its line end stays."""
    lines = split(text, keepends=True)
    old = lines[line - 1]
    lines[line - 1] = content + old[len(_bare(old)) :]
    return "".join(lines)


def line_of(text: str, line: int) -> str:
    """What line number `line` reads, without its line end."""
    return split(text)[line - 1]


def line_end(text: str) -> str:
    """What the file ends its lines with: what ends the first one."""
    first = next(iter(split(text, keepends=True)), "")
    return "\r\n" if first.endswith("\r\n") else "\n"


def _bare(line: str) -> str:
    """The line without its end."""
    return next(iter(split(line)), "")


def _before_the_rules(lines: Sequence[str]) -> int:
    """Before the first rule and the comment that stands right above it. The comment at the head of
    a file is about the whole file: what comes in stands below it."""
    rule = next((at for at, line in enumerate(lines) if _is_rule(line)), len(lines))
    above = rule
    while above > 0 and lines[above - 1].lstrip().startswith("#"):
        above -= 1
    return rule if above == 0 else above


def _is_rule(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


# What a rule says --------------------------------------------------------------------------------


def from_words(words: Sequence[str], country: str) -> tuple[str, Sequence[Mistake]]:
    """The line of a rule that was typed as words of a shell, which has eaten the quotes.

    One word is a whole line, and stays as it is. Of several, those with spaces in them are quoted
    again; and so is a word that is none of the language's where a label may stand. With it come the
    mistakes that are in it, if any.
    """
    if len(words) == 1:
        line = words[0]
        return line, _mistakes(line, country)
    requoted = [
        quoted(word) if _ODD.search(word) and not is_regex(word) else word for word in words
    ]
    line = " ".join(requoted)
    for base in (requoted, words):
        for guess in _guesses(base, country):
            if not _mistakes(guess, country):
                return guess, ()
    return line, _mistakes(line, country)


def _guesses(words: Sequence[str], country: str) -> Iterator[str]:
    """The words as they are; then with one of them as the rule's label, unless that would make a
    label of a condition that is misspelt or of half a name."""
    line = " ".join(words)
    yield line
    wrong = [mistake.text for mistake in _mistakes(line, country)]
    if any(_HINT in text or _UNKNOWN not in text for text in wrong):
        return
    for at in range(2, len(words)):
        if '"' not in words[at]:
            yield " ".join([*words[:at], quoted(words[at]), *words[at + 1 :]])


def _mistakes(line: str, country: str) -> tuple[Mistake, ...]:
    """What is wrong with a line that must hold one rule."""
    rules, mistakes = parse(line, "", country)
    if not mistakes and (len(rules) != 1 or len(split(line)) != 1):
        return (Mistake("", 1, 1, "expected one rule, on one line"),)
    return mistakes


def home(action: Action, rules: Iterable[Rule]) -> str:
    """The file that a rule of this action belongs into: the one that holds most rules of it."""
    counts: dict[str, int] = {}
    for rule in rules:
        if rule.action is action:
            counts[rule.file] = counts.get(rule.file, 0) + 1
    return max(counts, key=lambda file: counts[file]) if counts else _HOMES.get(action, _HOME)


def number_pattern(text: str, country: str) -> NumberPattern | None:
    """The pattern that `from TEXT` has; None where that is not one number or pattern."""
    if len(split(text)) != 1:
        return None
    rules, mistakes = parse(f"allow from {text}", "", country)
    if mistakes or len(rules) != 1 or rules[0].effect != Action.ALLOW or rules[0].expires:
        return None
    if _own_label(rules[0], f"allow from {text}"):
        return None
    match rules[0].conditions:
        case (From(patterns=(pattern,)),):
            return pattern
    return None


def names(rule: Rule, pattern: NumberPattern) -> bool:
    """Whether the rule has just this pattern among its `from` numbers."""
    return any(isinstance(c, From) and pattern in c.patterns for c in rule.conditions)


def meant(
    rules: Iterable[Rule], what: str, country: str
) -> list[tuple[Rule, NumberPattern | None]]:
    """The rules that somebody means by a place, a label, or a number that they name; with each the
    number, if it was that that he said. A place may have a number of its rule after it."""
    found = PLACE.match(what)
    value = what[found.end() :].strip() if found else what
    pattern = number_pattern(value, country) if value else None
    if found is not None:
        place = (found["file"], int(found["line"]))
        there = [rule for rule in rules if (rule.file, rule.line) == place]
        if value:
            there = [rule for rule in there if pattern is not None and names(rule, pattern)]
        return [(rule, pattern) for rule in there]
    called = what.casefold()
    return [
        (rule, pattern if named else None)
        for rule in rules
        if (named := pattern is not None and names(rule, pattern))
        or (rule.label and rule.label.casefold() == called)
    ]


# One value of a list -----------------------------------------------------------------------------


def without_value(content: str, rule: Rule, pattern: NumberPattern, country: str) -> str | None:
    """The line of `rule` without this value of its `from`; None where it is the only value.

    What comes out has been read again and is the same rule but for the value.
    """
    wanted = replace(_without(rule, pattern), label=_own_label(rule, content))
    if any(isinstance(c, From) and not c.patterns for c in wanted.conditions):
        return None
    while True:  # the value may stand there more than once
        for start, value, end in _values(content):
            shorter = content[:start] + content[end:]
            if number_pattern(value, country) != pattern:
                continue
            rules, mistakes = parse(shorter, rule.file, country)
            if mistakes or len(rules) != 1:
                continue
            label = _own_label(rules[0], shorter)
            read = replace(rules[0], line=rule.line, label=label)
            if _without(read, pattern) == wanted:
                break
        else:
            return None
        content = shorter
        if not names(read, pattern):
            return content


def only_value(content: str, rule: Rule, pattern: NumberPattern) -> str:
    """A line that says what the line of `rule` says of this value of its `from`."""
    conditions = tuple(
        From((pattern,)) if isinstance(c, From) and pattern in c.patterns else c
        for c in rule.conditions
    )
    return write(replace(rule, conditions=conditions, label=_own_label(rule, content)))


def _own_label(rule: Rule, content: str) -> str:
    """The label that stands in the line; "" where the rule is only called by what it says."""
    return "" if rule.label == written_out(tokens(content)) else rule.label


def _without(rule: Rule, pattern: NumberPattern) -> Rule:
    conditions = tuple(
        From(tuple(p for p in c.patterns if p != pattern)) if isinstance(c, From) else c
        for c in rule.conditions
    )
    return replace(rule, conditions=conditions)


def _values(content: str) -> Iterator[tuple[int, str, int]]:
    """What may be a value of a list: where a cut starts, the value, where the cut ends.

    A value may have spaces in it, and no comma stands before the first and after the last value of
    a list: so each word between two commas may be the one that ends or begins it.
    """
    found = list(tokens(content))
    commas = (at for at, token in enumerate(found) if token.sort == Sort.COMMA)
    bounds = [-1, *commas, len(found)]
    for before, after in pairwise(bounds):
        words = found[before + 1 : after]
        if not words:
            continue
        start, end = words[0].start, words[-1].end
        if before >= 1:  # the last of its list, or between two others: its comma goes with it
            for word in reversed(words):
                yield found[before - 1].end, content[start : word.end], word.end
        if after < len(found) - 1:  # the first of its list: the comma after it goes with it
            for word in words:
                yield word.start, content[word.start : end], found[after + 1].start
