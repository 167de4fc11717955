"""Rules, and what they say of a call: the first rule that matches decides.

The text they are written in, and how it is read, is in rulefile.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TypeAlias

from screener.core.call import Call
from screener.core.script import Treatment


class Action(StrEnum):
    """What a rule does with a call."""

    ALLOW = "allow"  # the phones ring at once
    BLOCK = "block"  # it gets its treatment
    SCREEN = "screen"  # it meets the attendant


@dataclass(frozen=True, slots=True)
class From:
    """The caller's number is one of `patterns`: E.164, or a prefix of it ending in "*"."""

    patterns: tuple[str, ...]

    def holds(self, call: Call) -> bool:
        number = call.caller.e164 or call.caller.raw
        if call.caller.withheld:
            return False
        return any(
            number.startswith(pattern[:-1]) if pattern.endswith("*") else number == pattern
            for pattern in self.patterns
        )


@dataclass(frozen=True, slots=True)
class Named:
    """The caller's name matches one of `globs` (lower case), blind to case."""

    globs: tuple[str, ...]

    def holds(self, call: Call) -> bool:
        name = call.name.casefold()
        return any(fnmatchcase(name, glob) for glob in self.globs)


@dataclass(frozen=True, slots=True)
class Withheld:
    """The caller shows no number."""

    def holds(self, call: Call) -> bool:
        return call.caller.withheld


Condition: TypeAlias = From | Named | Withheld


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a rule file: when every condition holds, the action.

    `label` is the owner's words for it ("Mom"), `file` and `line` are where it stands.
    """

    action: Action
    conditions: tuple[Condition, ...]
    label: str
    treatment: Treatment
    file: str
    line: int

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the rules say of a call. `rule` is the rule that decided, None for the built-in last."""

    action: Action
    reason: str
    rule: Rule | None = None

    @property
    def treatment(self) -> Treatment:
        return self.rule.treatment if self.rule else Treatment.SIT

    @property
    def name(self) -> str:
        """The rule's name and place, for the call's row; "" for the built-in last rule."""
        return f'"{self.rule.label}" ({self.rule.place})' if self.rule else ""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules, in the order in which they are asked."""

    rules: tuple[Rule, ...] = ()

    def judge(self, call: Call) -> Ruling:
        """The ruling on a call; a call that no rule matches is screened."""
        for rule in self.rules:
            if all(condition.holds(call) for condition in rule.conditions):
                return Ruling(rule.action, f'{rule.action} "{rule.label}" ({rule.place})', rule)
        return Ruling(Action.SCREEN, "no rule matches: screened")
