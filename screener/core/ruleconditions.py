"""The conditions of a line: their words and values, made into what conditions/ asks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta

import phonenumbers

from screener.core import history, hours, number, numbertext
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
from screener.core.conditions.signature import LEVELS, OUTCOMES
from screener.core.pattern import NamePattern, NumberPattern
from screener.core.ruleline import CONDITIONS, STARTS, TAILS, TARGETS, Line, head_of, unknown
from screener.core.ruletext import Sort, Token, WrongError

_AT_LEAST = re.compile(r"(?:>=|=>|\u2265)0*([1-9][0-9]{0,5})")
_FILE = re.compile(r"[^\W_][\w .&+@()-]{0,99}")
_MISSING = frozenset({"none", "missing", "no", "absent", "no-tn-validation"})


def _a(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def read(line: Line) -> tuple[Condition, ...]:
    """The conditions of a line, of which there is at least one. Raises WrongError."""
    found: list[Condition] = []
    needed = True
    while (token := line.peek()) is not None and token.sort == Sort.WORD:
        word = line.word()
        if word in TAILS:
            break
        if word == "when":
            line.take()
            needed = True
            continue
        if found and word not in STARTS:
            _check_goes_on(line, found[-1], token)
        found.append(_negated(line) if word == "not" else _condition(line))
        needed = False
    if needed:
        token = line.peek()
        if token is not None and token.sort == Sort.REGEX:
            line.expected("the word name before an expression: name /.../")
        line.expected(f"a condition: {', '.join(CONDITIONS)}")
    return tuple(found)


def _negated(line: Line) -> Condition:
    line.take()
    if line.word() == "when":
        line.take()
    if line.word() == "not":
        line.expected("a condition after not; a second not only undoes the first")
    if not line.word() or line.word() in TAILS:
        line.expected(f"a condition after not: {', '.join(CONDITIONS)}")
    return Not(_condition(line))


def _condition(line: Line) -> Condition:
    token = line.take()
    word = token.text.lower()
    head = head_of(word)
    reading = _READING.get(head)
    if reading is None or head not in (word, "calls"):
        raise unknown(token, "a condition", (*CONDITIONS, *TAILS, "not"))
    return reading(line, token)


def _check_goes_on(line: Line, before: Condition, token: Token) -> None:
    """Whether an unknown word was meant to be one more word of the name before it."""
    several = isinstance(before, Named | Listed | InContacts)
    if several and head_of(token.text) not in _READING:
        known = (*CONDITIONS, *TAILS)
        text = f"{token.shown} is not a condition; a name of several words stands in quotes"
        raise WrongError(token.column, f'{text}: name "John Smith"', token.text, known)


def _from(line: Line, token: Token) -> Condition:
    return From(_numbers(line, "from"))


def _to(line: Line, token: Token) -> Condition:
    if line.word() in TARGETS:
        line.expected(
            "a number of yours after to; where a call is sent stands at the end of the line,"
            f" without to: {line.word()} ..."
        )
    if line.word()[:3] in hours.DAYS:
        line.expected("a number of yours after to; for days write: on mon-fri")
    return To(_numbers(line, "to"))


def _numbers(line: Line, word: str) -> tuple[NumberPattern, ...]:
    found = []
    for token in line.values(word, f"a number like {number.example(line.country)}, or 900*"):
        whole = line.whole_number(token)
        text = line.read(whole, lambda text: numbertext.read_pattern(text, line.country))
        if text is not None:
            found.append(NumberPattern(text))
    return tuple(dict.fromkeys(found))


def _name(line: Line, token: Token) -> Condition:
    found = []
    for value in line.values("name", 'a name like *survey*, "John Smith" or /regex/'):
        if value.sort == Sort.REGEX and len(value.text) == 2:
            line.note(value, "this expression is empty; for any name write: name *")
        elif not value.text.strip():
            line.note(value, "a name is empty; for calls without one write: not name *")
        elif (pattern := line.read(value, NamePattern)) is not None:
            found.append(pattern)
    return Named(tuple(dict.fromkeys(found)))


def _kind(line: Line, token: Token) -> Condition:
    values = line.values("kind", ", ".join(number.KINDS))
    return OfKind(line.among(values, number.KINDS, "a kind of number"))


def _country_of(line: Line, token: Token) -> Condition:
    found = []
    for value in line.values("country", "US, CA"):
        if value.text.upper() in phonenumbers.SUPPORTED_REGIONS:
            found.append(value.text.upper())
        else:
            text = f"{value.shown} is not a country; expected a code of two letters, such as"
            line.note(value, f"{text} US, GB or DE (ISO 3166)")
    return InCountry(tuple(dict.fromkeys(found)))


def _neighbour(line: Line, token: Token) -> Condition:
    if not line.word().isdigit():
        return Neighbour()
    digits = line.take()
    if not re.fullmatch("[1-9]|1[0-4]", digits.text):
        line.note(
            digits,
            f"{digits.shown} is too many or too few; expected how many digits of your number"
            " are the same, country code included: 1 to 14",
        )
        return Neighbour()
    return Neighbour(int(digits.text))


def _on(line: Line, token: Token) -> Condition:
    words: list[Token] = []
    while (after := line.peek()) is not None and after.sort in (Sort.WORD, Sort.COMMA):
        if head_of(line.word()) in STARTS:
            break
        words.append(line.take())
    if not words:
        line.expected("hours after on: mon-fri 22:00-07:00, or sat, sun, or 2026-12-24")
    try:
        return During(hours.read(line.text(words[0], words[-1])))
    except hours.UnreadError as unread:
        known = (*hours.DAYS, *CONDITIONS, *TAILS, "not")
        column = words[0].column + unread.at
        raise WrongError(column, str(unread), unread.word, known) from None


def _attestation(line: Line, token: Token) -> Condition:
    values = list(line.values("attestation", "A, B or C"))
    _check_missing(values, "A, B or C")
    return Attested(line.among(values, LEVELS, "an attestation"))


def _verstat(line: Line, token: Token) -> Condition:
    values = list(line.values("verstat", "passed or failed"))
    _check_missing(values, "passed or failed")
    return Verified(line.among(values, OUTCOMES, "an outcome"))


def _check_missing(values: Iterable[Token], expected: str) -> None:
    for value in values:
        if value.text.lower() in _MISSING:
            text = "a missing signature never counts against a caller, so no rule can ask for"
            raise WrongError(value.column, f"{text} one; expected {expected}")


def _list(line: Line, token: Token) -> Condition:
    files = _files(line, "list", "ftc.csv", "number list")
    reports: int | None = None
    within: timedelta | None = None
    while True:
        word = line.word()
        if re.match(r"reports\b", word) and reports is None:
            reports = _at_least(line, line.take(), "reports")
        elif word == "within" and within is None:
            within = _within(line)
        else:
            return Listed(files, reports or 1, within)


def _contacts(line: Line, token: Token) -> Condition:
    return InContacts(_files(line, "contacts", "family.vcf", "address book"))


def _files(line: Line, word: str, example: str, what: str) -> tuple[str, ...]:
    """Names of number lists or address books."""
    found = []
    for value in line.values(word, f"the name of {_a(what)}, such as {example}"):
        named = _FILE.fullmatch(value.text) and not value.text.endswith(" ")
        if not named or (word == "contacts" and not value.text.lower().endswith(".vcf")):
            line.note(value, f"{value.shown} is no {what}; expected a name like {example}")
        elif _there(line, word, value):
            found.append(value.text)
    return tuple(dict.fromkeys(found))


def _there(line: Line, word: str, value: Token) -> bool:
    """Whether there is such a list or address book, as far as that is known."""
    if line.names is None:
        return True
    known = line.names.lists if word == "list" else line.names.contacts
    if value.text in known:
        return True
    todo = f"import it: `screener lists import {value.text}`"
    if word == "contacts":
        todo = f"lay {value.text} beside the rules, or `screener rules import {value.text}`"
    what = "list" if word == "list" else "address book"
    line.note(value, f"there is no {what} {value.text}; {todo}", sorted(known))
    return False


def _calls(line: Line, token: Token) -> Condition:
    times = _at_least(line, token, "calls", history.MOST)
    return Called(times, _within(line) if line.word() == "within" else None)


def _happened(line: Line, token: Token) -> Condition:
    event = Event(token.text.lower())
    return Happened(event, _within(line) if line.word() == "within" else None)


def _at_least(line: Line, token: Token, word: str, most: int = 999_999) -> int:
    """The number of `calls>=3`, in one word or in several; `most` are ever counted."""
    rest = token.text[len(word) :]
    while line.word() and rest in ("", ">", "=", ">=", "=>", "\u2265"):
        rest += line.take().text
    found = _AT_LEAST.fullmatch(rest)
    if found is None or int(found[1]) > most:
        text = f"expected a count like {word}>=3 (from 1 to {most})"
        raise WrongError(token.column, text)
    return int(found[1])


def _within(line: Line) -> timedelta | None:
    line.take()
    return line.span("within")


_READING: Mapping[str, Callable[[Line, Token], Condition]] = {
    "from": _from,
    "to": _to,
    "name": _name,
    "withheld": lambda line, token: Withheld(),
    "impossible": lambda line, token: Impossible(line.country),
    "kind": _kind,
    "country": _country_of,
    "neighbour": _neighbour,
    "neighbor": _neighbour,
    "on": _on,
    "attestation": _attestation,
    "verstat": _verstat,
    "list": _list,
    "contacts": _contacts,
    "calls": _calls,
    **{event.value: _happened for event in Event},
    "expecting": lambda line, token: Expecting(),
    "emergency": lambda line, token: Emergency(),
}
