"""Rules, and what they say of a call: the first rule that matches decides.

The text they are written in, and how it is read, is in rulefile.py; what they can ask is in
conditions/.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property

from screener.core.call import Call
from screener.core.conditions import Called, Condition, Happened, Not
from screener.core.ruleindex import Index
from screener.core.script import Refusal, Treatment
from screener.core.shelf import Shelf
from screener.core.spans import written_span

EXPIRES = " expires "
"""Stands in the key of a rule that can expire."""
CLOCKLESS = datetime(2020, 1, 1, tzinfo=UTC)
"""A time before it comes from a machine whose clock was not set yet: nothing expires by it."""


class Action(StrEnum):
    """What a rule does with a call."""

    ALLOW = "allow"  # the phones ring at once
    BLOCK = "block"  # it gets its treatment
    SCREEN = "screen"  # it meets the attendant
    SEND = "send"  # it goes where the rule says


class Where(StrEnum):
    """What a rule's target is, in the words of rule files."""

    RING = "ring"  # a ring group
    EXTENSION = "extension"  # as if the caller had keyed it
    MENU = "menu"  # the attendant of a DID
    MESSAGE = "message"  # a message box
    REDIRECT = "redirect"  # elsewhere: a SIP URI or an E.164 number
    BRIDGE = "bridge"  # the same, dialled by us whatever the settings say


@dataclass(frozen=True, slots=True)
class Target:
    """Where a rule sends a call; `name` is of the group, extension, DID or box, or an address."""

    where: Where
    name: str

    def __str__(self) -> str:
        return f"{self.where} {self.name}"


@dataclass(frozen=True)
class Rule:
    """One line of a rule file: when every condition holds, the action.

    `label` is the owner's words for it ("Mom"), `file` and `line` are where it stands. `treatment`
    is for block. `target` is where send sends a call, and the group that allow rings (None: the
    DID's). A rule that has decided no call for as long as `expires` says decides none any more.
    Whom a rule screens with `challenge`, he is asked the challenge before all else.
    """

    action: Action
    conditions: tuple[Condition, ...]
    label: str = ""
    treatment: Treatment | Refusal = Treatment.SIT
    target: Target | None = None
    expires: timedelta | None = None
    file: str = ""
    line: int = 0
    challenge: bool = False

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"

    @property
    def title(self) -> str:
        """What it is called in reasons: its label and its place."""
        return f'"{self.label}" ({self.place})' if self.label else f"({self.place})"

    @cached_property
    def effect(self) -> str:
        """What it does, as its line says it: "block play busy", "send message family"."""
        words: list[str] = [self.action]
        if self.action is Action.BLOCK:
            refused = isinstance(self.treatment, Refusal)
            words.append(str(self.treatment) if refused else f"play {self.treatment}")
        if self.target is not None:
            words.append(str(self.target))
        if self.challenge:
            words.append("challenge")
        return " ".join(words)

    @cached_property
    def key(self) -> str:
        """What the rule is, whatever its label and place: its uses are counted by this."""
        expires = f"{EXPIRES}{written_span(self.expires)}" if self.expires else ""
        return f"{self.effect} when {' '.join(map(str, self.conditions))}{expires}"

    def holds(self, call: Call, shelf: Shelf) -> bool:
        """Whether every condition holds for the call."""
        for condition in self.conditions:  # noqa: SIM110 (a generator doubles the time of a ruling)
            if not condition.holds(call, shelf):
                return False
        return True

    def expired(self, at: datetime, shelf: Shelf) -> bool:
        """Whether it has been of no use for so long that it decides no call any more."""
        used = shelf.used.get(self.key) if self.expires else None
        if used is None or self.expires is None or used < CLOCKLESS:
            return False
        return at - used > self.expires

    def why(self, call: Call, shelf: Shelf) -> str:
        """Why it holds: what each condition found."""
        return "; ".join(condition.told(call, shelf) for condition in self.conditions)

    def why_not(self, call: Call, shelf: Shelf) -> str:
        """Why it did not decide the call: the first condition that does not hold."""
        for condition in self.conditions:
            if not condition.holds(call, shelf):
                return condition.told(call, shelf)
        used = shelf.used.get(self.key)
        since = used.astimezone(call.at.tzinfo).strftime("%d %b %Y") if used else "long ago"
        return f"it was last used on {since}, and has expired"


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the rules say of a call. `rule` is the rule that decided, None for the built-in last."""

    action: Action
    reason: str
    rule: Rule | None = None

    @property
    def treatment(self) -> Treatment | Refusal:
        return self.rule.treatment if self.rule else Treatment.SIT

    @property
    def target(self) -> Target | None:
        return self.rule.target if self.rule else None

    @property
    def challenge(self) -> bool:
        """Whether the caller is asked the challenge before all else."""
        return self.rule is not None and self.rule.challenge

    @property
    def name(self) -> str:
        """The rule's name and place, for the call's row; "" for the built-in last rule."""
        return self.rule.title if self.rule else ""

    @property
    def key(self) -> str:
        """The key of the rule that decided; "" for the built-in last rule."""
        return self.rule.key if self.rule else ""

    @property
    def effect(self) -> str:
        """What is done with the call, as a line of rules says it: "block play busy"."""
        return self.rule.effect if self.rule else Action.SCREEN.value


NO_RULE = "no rule matches: screened"


@dataclass(frozen=True, slots=True)
class Explanation:
    """A ruling, and each rule before the one that decided with why it did not."""

    ruling: Ruling
    passed: tuple[tuple[Rule, str], ...] = ()


@dataclass(frozen=True)
class RuleSet:
    """All rules, in the order in which they are asked, and what they look things up in."""

    rules: tuple[Rule, ...] = ()
    shelf: Shelf = field(default_factory=Shelf)

    def judge(self, call: Call) -> Ruling:
        """The ruling on a call; a call that no rule matches is screened."""
        rule = self.deciding(call)
        return Ruling(rule.action if rule else Action.SCREEN, self.reason(rule, call), rule)

    def deciding(self, call: Call) -> Rule | None:
        """The rule that decides the call, without a word why; None for the built-in last."""
        rules, shelf, asked = self.rules, self.shelf, self._index.asked
        found: dict[int, bool | None] = {}
        for at in self._index.candidates(call):
            # This loop is most of what a call waits for: no function is called that need not be.
            for number, condition in asked.get(at, ()):
                if number not in found:
                    found[number] = condition.holds(call, shelf)
                if not found[number]:
                    break
            else:
                rule = rules[at]
                known = at in asked or rule.holds(call, shelf)
                if known and not rule.expired(call.at, shelf):
                    return rule
        return None

    def reason(self, rule: Rule | None, call: Call) -> str:
        """Why this rule has decided the call."""
        return f"{rule.effect} {rule.title}: {rule.why(call, self.shelf)}" if rule else NO_RULE

    def explain(self, call: Call) -> Explanation:
        """The same ruling, and why no rule before it decided."""
        ruling = self.judge(call)
        before = self.rules if ruling.rule is None else self.rules[: self._places[id(ruling.rule)]]
        return Explanation(ruling, tuple((r, r.why_not(call, self.shelf)) for r in before))

    @cached_property
    def asks_history(self) -> bool:
        """Whether any rule asks what has been between us and the caller."""
        conditions = (c for rule in self.rules for c in rule.conditions)
        inner = (c.condition if isinstance(c, Not) else c for c in conditions)
        return any(isinstance(condition, Called | Happened) for condition in inner)

    @cached_property
    def _index(self) -> Index:
        return Index(rule.conditions for rule in self.rules)

    @cached_property
    def _places(self) -> Mapping[int, int]:
        return {id(rule): at for at, rule in enumerate(self.rules)}
