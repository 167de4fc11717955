"""The language of rules: a rule file's text -> its rules and its mistakes, and a rule -> its line.

    # a comment; blank lines are free
    allow   emergency
    allow   from +14155550100                           "Mom"
    allow   contacts family.vcf                         "the address book"   ring home
    block   from +1900*, +1976*                         "premium numbers"    play sit
    block   name *political*, /(auto|car) warrant(y|ies)/
    block   list ftc.csv reports>=3 within 30d          "reported"           refuse 607
    screen  attestation C when from +1*                 "gateway traffic"    challenge
    send    to +18182223333 on mon-fri 22:00-07:00      "night"              message family

    ACTION CONDITION... ["LABEL"] [TAIL...]

The first rule of which every condition holds decides. A list of values, with commas, means or;
`not` before a condition turns it round; `when` may stand before a condition and says nothing. Case
does not matter, save in the names of files, groups and boxes.

ACTION and its tails:
    allow   the phones ring                  [ring GROUP]
    block   the caller is turned away        [play sit|busy|ringing|silence|hangup | refuse CODE]
    screen  the caller meets the attendant   [challenge]
    send    the call goes elsewhere          ring GROUP | extension DIGITS | menu DID | message BOX
                                             | redirect sip:...|NUMBER
    and for each: expires SPAN (the rule ends when it has decided no call for so long)

CONDITION:
    from NUMBER, ...      to NUMBER, ...      name GLOB|/REGEX/, ...      withheld      impossible
    kind KIND, ...        country US, ...     neighbour [DIGITS]          on HOURS
    attestation A|B|C, ...                    verstat passed|failed
    list NAME, ... [reports>=N] [within SPAN]                             contacts FILE.vcf, ...
    calls>=N [within SPAN]                    answered-before [within SPAN]
    dialled-before [within SPAN]              message-before [within SPAN]
    expecting             emergency

NUMBER is read in numbertext.py, GLOB and REGEX in pattern.py, HOURS in hours.py, SPAN in
spans.py, quotes and comments in ruletext.py.

`parse` gives rules and mistakes side by side, all mistakes at once; it never raises. `write` is its
inverse.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from screener.core import ruleconditions, ruletails
from screener.core.conditions.signature import LEVELS, OUTCOMES
from screener.core.hours import DAYS
from screener.core.number import KINDS
from screener.core.ruleline import CONDITIONS, TAILS, Line, Names, unknown
from screener.core.rules import Action, Rule
from screener.core.ruletext import (
    LONGEST_LABEL,
    Sort,
    WrongError,
    lines,
    quoted,
    tokens,
    written_out,
)
from screener.core.script import Refusal, Treatment
from screener.core.spans import written_span

__all__ = ["CONDITIONS", "WORDS", "Mistake", "Names", "parse", "write"]

WORDS = (
    *(action.value for action in Action),
    *("when", "not"),
    *CONDITIONS,
    *("reports>=", "within"),
    *KINDS,
    *DAYS,
    *LEVELS,
    *OUTCOMES,
    *TAILS,
    *(treatment.value for treatment in Treatment),
)
"""Every word of the language."""

MOST_LINES = 100_000
MOST_CHARACTERS = 10_000_000
MOST_MISTAKES = 100
"""What a rule file may have, and how many mistakes of it are told one by one."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong in a rule file, and where (line and column count from 1)."""

    file: str
    line: int
    column: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.text}"


def parse(
    text: str, file: str, country: str, names: Names | None = None
) -> tuple[tuple[Rule, ...], tuple[Mistake, ...]]:
    """Read one rule file. `file` is the name for messages; `country` (ISO 3166) reads numbers.

    With `names`, a group, box, extension, DID, number list or address book that is not among them
    is a mistake; without, any may be named. Of more than a hundred mistakes the last says how many
    more there are.
    """
    if len(text) > MOST_CHARACTERS or text.count("\n") > MOST_LINES:
        much = f"more than {MOST_LINES:,} lines or {MOST_CHARACTERS // 1_000_000} MB"
        todo = "put the numbers into a list (`screener lists import`) and write: block list NAME"
        return (), (Mistake(file, 1, 1, f"{much} is too much for a rule file; {todo}"),)
    rules: list[Rule] = []
    mistakes: list[Mistake] = []
    more = first = 0
    for at, content in enumerate(lines(text.removeprefix("\ufeff")), start=1):
        bare = content.lstrip()
        if not bare or bare[0] == "#":
            continue
        line = Line(content, country, names)
        rule = _rule(line, file, at)
        if rule is not None:
            rules.append(rule)
        for wrong in line.wrong:
            if len(mistakes) < MOST_MISTAKES:
                mistakes.append(Mistake(file, at, wrong.column, _told(wrong)))
            else:
                more, first = more + 1, first or at
    if more:
        mistakes.append(Mistake(file, first, 1, f"and {more:,} more mistakes from here on"))
    return tuple(rules), tuple(mistakes)


def _rule(line: Line, file: str, at: int) -> Rule | None:
    """The rule in the line; None where there is none, or where something is wrong."""
    try:
        if not line.begin():
            return None
        action = _action(line)
        conditions = ruleconditions.read(line)
        tails = ruletails.read(line, action)
    except WrongError as wrong:
        line.wrong.append(wrong)
    if line.wrong:
        return None
    label = tails.label or line.written_out()
    return Rule(
        action,
        conditions,
        label,
        tails.treatment,
        tails.target,
        tails.expires,
        file,
        at,
        tails.challenge,
    )


def _action(line: Line) -> Action:
    first = line.take()
    word = first.text.lower()
    if first.sort != Sort.WORD or word not in set(Action):
        raise unknown(first, "an action", tuple(Action))
    return Action(word)


def _told(wrong: WrongError) -> str:
    """The mistake, with the nearest right word."""
    near = difflib.get_close_matches(wrong.word[:40], wrong.known, n=1) if wrong.word else ()
    return f"{wrong.text}; did you mean {near[0]}?" if near else wrong.text


def write(rule: Rule) -> str:
    """A rule as a line of text that `parse` reads back as the same rule. It is always one line.

    A label that only says what the line says is left out, as it was left out when it was read.
    """
    head = " ".join([rule.action.value, *map(str, rule.conditions)])
    tail: list[str] = []
    if isinstance(rule.treatment, Refusal):
        tail.append(str(rule.treatment))
    elif rule.action is Action.BLOCK and rule.treatment is not Treatment.SIT:
        tail.append(f"play {rule.treatment}")
    if rule.target is not None:
        tail.append(str(rule.target))
    if rule.challenge:
        tail.append("challenge")
    if rule.expires:
        tail.append(f"expires {written_span(rule.expires)}")
    bare = " ".join([head, *tail])
    if rule.label in ("", written_out(tokens(bare))):
        return bare
    label = (
        rule.label if len(rule.label) <= LONGEST_LABEL else f"{rule.label[: LONGEST_LABEL - 1]}…"
    )
    return " ".join([head, quoted(label), *tail])
