"""NCID's ncidd.blacklist and ncidd.whitelist (ncidd.blacklist(5)).

A line has expressions that are held against name and number, "^" for the beginning, and perhaps
`#= NAME` for the caller's name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from screener.core.conditions import Condition, Named, Withheld
from screener.core.foreign.listing import UNCLOSED, Entries, Line, Source, one_line, skipped
from screener.core.foreign.named import NO_NUMBER, anywhere, beginning, name_condition
from screener.core.pattern import NamePattern

_EXPRESSION = re.compile(r"""\s*(?:\^?(?:"[^"]*"|'[^']*')|[^"'#\s]\S*)""")
_REGULAR = re.compile(r"[\[\](){}|\\+$]|\.[*+?]")


def entries(source: Source, lines: Iterable[Line]) -> Entries:
    """The entries of both of its files: one for each expression."""
    for line, text in lines:
        expressions, name = _read(text)
        for expression in expressions:
            condition = _condition(expression, source.country)
            yield source.entry(line, expression, condition, name)
        if not expressions and text.strip() and not text.lstrip().startswith("#"):
            yield skipped(line, text, UNCLOSED)


def _read(text: str) -> tuple[list[str], str]:
    """The expressions of a line, without their quotes, and the name behind "#="."""
    at, found = 0, []
    while expression := _EXPRESSION.match(text, at):
        written = expression[0].strip()
        quotes = re.fullmatch(r"(\^?)([\"'])(.*)\2", written)
        found.append(quotes[1] + quotes[3] if quotes else written)
        at = expression.end()
    comment = text[at:].strip()
    return found, comment.removeprefix("#=").strip() if comment.startswith("#=") else ""


def _condition(expression: str, country: str) -> Condition | str:
    """An expression is held against name and number, anywhere unless it begins with "^"."""
    begins = expression.startswith("^")
    body = re.sub(r"^\^(1\?)?", "", expression).strip()
    if body.upper() in NO_NUMBER:
        return Withheld()
    if re.fullmatch(r"\+?[0-9 ().-]*[0-9][0-9 ().-]*\*?", body):
        return beginning(body, country) if begins else anywhere(body, country)
    if not re.search(r"[^\W\d_]", body):
        return "it is an expression on numbers; a rule says how they begin (+1900*)"
    if _REGULAR.search(body):
        return _expression_condition(expression.strip())
    return name_condition(body + "*" if begins else f"*{body}*")


def _expression_condition(expression: str) -> Condition | str:
    expression = one_line(expression)
    try:
        return Named((NamePattern("/" + re.sub(r"(?<!\\)/", r"\/", expression) + "/"),))
    except ValueError as wrong:
        return f"it is no regular expression ({wrong})"
