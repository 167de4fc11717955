"""From a call to a rule: "let this caller in from now on", "block this caller from now on".

A rule can only name a number, and everybody who can write a From header chooses what stands there:
so only a whole number in E.164 becomes a rule. `*` would be a pattern that lets everybody in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from screener.core.callerid import shown
from screener.core.conditions import From
from screener.core.rules import Action, Rule
from screener.core.ruletext import lines, quoted

ACTIONS = (Action.ALLOW, Action.BLOCK)
"""What can be done with a caller from now on."""

# ITU-T E.164 (11/2010): a country code and a subscriber's number, 15 digits at most.
_E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)

_OURS = re.compile(r"(?:^|\()(?:promoted|blocked)(?:, call [0-9]+)?\)?$", re.ASCII)
"""How the label of a rule of ours ends."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a rule is to stand: at `line` (from 1) of `file`; 0: at its end."""

    file: str
    line: int = 0


def can_be_named(number: str) -> bool:
    """Whether a rule can name the number a call showed ("" where it was withheld)."""
    return _E164.fullmatch(number) is not None


def rule_for(action: Action, number: str, name: str, call: int) -> str:
    """The line of a rule for this caller: `allow from +18665550142 "WALGREENS RX (call 17)"`.

    `number` is E.164; `name` is whatever the caller wrote; `call` is 0 where the call has no row.
    """
    if not can_be_named(number):
        raise ValueError(f"no rule can name {number!r}")
    of = f", call {call}" if call else ""
    how = f"{'promoted' if action is Action.ALLOW else 'blocked'}{of}"
    label = f"{shown(name)} ({how})" if name.strip() else how
    return f"{action} from {number} {quoted(label)}"


def is_promotion(rule: Rule, number: str) -> bool:
    """Whether the rule is one of ours (`rule_for`) for just this number, and nothing else."""
    match rule.conditions:
        case (From(patterns=(pattern,)),) if pattern.exact == number:
            plain = rule.target is None and rule.expires is None
            return plain and rule.action in ACTIONS and _OURS.search(rule.label) is not None
    return False


def place_for(action: Action, home: str, rules: Sequence[Rule], text_of: dict[str, str]) -> Place:
    """Where the rule decides: at the end of `home`, the file that holds rules of its kind.

    Who is let in is let in before any rule that could turn him away: if one stands before that end,
    he comes right before it, and before the comment above it. `rules` are those of all files, in
    order; `text_of` the files' texts.
    """
    if action is not Action.ALLOW:
        return Place(home)
    first = next((r for r in rules if r.action is not Action.ALLOW), None)
    if first is None or first.file > home:
        return Place(home)
    line = first.line
    above = lines(text_of[first.file])
    while line > 1 and above[line - 2].lstrip().startswith("#"):
        line -= 1
    return Place(first.file, line)
