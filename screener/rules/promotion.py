"""Letting a caller in, or blocking him, from now on: one rule more in the rule files.

Whoever asks for it (a link of a mail, `screener calls allow`) gets the rule's place, so that it can
be undone.
"""

from __future__ import annotations

from dataclasses import dataclass

from screener.config import Settings
from screener.core import amendment, promotion
from screener.core.callerid import shown, shown_number
from screener.core.promotion import can_be_named
from screener.core.rules import Action, Rule
from screener.errors import RulesError
from screener.rules.rulesfolder import Added, RulesFolder

_DONE = {Action.ALLOW: "let in", Action.BLOCK: "blocked"}


@dataclass(frozen=True, slots=True)
class Promotion:
    """What came of it: the rule, and `line`, its text as it stands in its file."""

    added: Added
    line: str

    @property
    def rule(self) -> Rule:
        return self.added.rule

    @property
    def in_the_way(self) -> Rule | None:
        """An earlier rule that does something else with all of this caller's calls."""
        return next((r for r in self.added.taken_by if r.action is not self.rule.action), None)


def promote(settings: Settings, action: Action, number: str, name: str, call: int) -> Promotion:
    """Write the rule. `number` and `name` are what call `call` showed, whatever that is.

    Raises RulesError where no rule can name the number, or no file can be written.
    """
    if not can_be_named(number):
        what = f"is no telephone number: {shown_number(number)}" if number else "was withheld"
        raise RulesError(
            f"the number that call {call} showed {what}; only a caller with a number can be"
            f" {_DONE[action]}"
        )
    folder = RulesFolder(settings.rules, settings.country)
    line = promotion.rule_for(action, number, name, call)
    before = folder.read()
    home = amendment.home(action, before.rules)
    place = promotion.place_for(action, home, before.rules, before.texts)
    added = folder.add(line, file=place.file, line=place.line or None)
    return Promotion(added, shown(folder.read().line(added.rule).strip(), 500))
