"""Letting a caller in, or blocking him, from now on: one rule more in the rule files.

Whoever asks for it (a link of a mail, `screener calls allow`) gets what undoes it. A rule that was
made in this way for the same number, and does the contrary before the new one is asked, is taken
out for it; what the owner has written himself stays.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace

from screener.config import Settings
from screener.core import amendment, promotion
from screener.core.callerid import shown, shown_number
from screener.core.promotion import can_be_named, is_promotion
from screener.core.rules import Action, Rule
from screener.errors import RulesError
from screener.rules.rulesfolder import Added, Removed, RulesFolder

_DONE = {Action.ALLOW: "let in", Action.BLOCK: "blocked"}


@dataclass(frozen=True, slots=True)
class Promotion:
    """What came of it: the rule, and `line`, its text as it stands in its file.

    `replaced` are rules of ours for the same number that were taken out for it, in this order.
    """

    added: Added
    line: str
    replaced: tuple[Removed, ...] = ()

    @property
    def rule(self) -> Rule:
        return self.added.rule

    @property
    def in_the_way(self) -> Rule | None:
        """An earlier rule that does something else with all of this caller's calls."""
        return _in_the_way(self.added)

    def undo(self, here: str = "") -> str:
        """The commands that undo it; `here` is what they need to find the front door."""
        rule = self.rule
        new = not self.added.already or not self.replaced
        commands = [f"screener rules remove{here} {shlex.quote(rule.place)}"] if new else []
        for old in reversed(self.replaced):
            place = f"--file {shlex.quote(old.rule.file)} --line {old.rule.line}"
            commands.append(f"screener rules add{here} {place} {shlex.quote(old.lost)}")
        return " && ".join(commands)


def _in_the_way(added: Added) -> Rule | None:
    return next((r for r in added.taken_by if r.action is not added.rule.action), None)


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
    replaced: list[Removed] = []
    while (earlier := _in_the_way(added)) is not None and is_promotion(earlier, number):
        replaced.append(folder.remove(earlier, content=folder.read().line(earlier)))
        added = replace(folder.add(line), already=added.already)  # where it stands now
    return Promotion(added, shown(folder.read().line(added.rule).strip(), 500), tuple(replaced))
