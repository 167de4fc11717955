"""Menus: what a caller may choose at a point of the call, by keys or by words.

In every menu the extensions of the door can be dialled as well; what the menu itself gives the same
keys goes before them. "0" is the operator where nothing else is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from screener.core.frontdoor import Choice, Directory, FrontDoor, Menu, Step
from screener.core.grammar import spoken
from screener.core.number import Number
from screener.core.script import Heard

BACK, AGAIN = "*", "#"
"""The keys that lead back to the main menu, and that have the question put again."""

_WITHHELD = Number("", "", withheld=True)

OPERATOR = Choice("0", Step.OPERATOR, "", ("operator",))
"""What "0" is where the owner has given it to nobody else."""


@dataclass(frozen=True, slots=True)
class Options:
    """What can be chosen at one point: `offered` by its keys, and the `prompt` that reads it out.

    `menu` is the owner's menu, None for a door's extensions alone. An extension whose digits mean
    something else in it is offered as "extension 1", which nobody can key.
    """

    prompt: str
    offered: Mapping[str, Choice] = field(default_factory=dict)
    menu: Menu | None = None

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(filter(str.isdigit, self.offered))

    @property
    def phrases(self) -> frozenset[str]:
        return frozenset(spoken(self.offered))

    def keyed(self, keys: str) -> Choice | None:
        return self.offered.get(keys)

    def chosen(self, heard: Heard) -> Choice | None:
        """What the caller has chosen, if anything. "#" may end what he keys."""
        if not heard.keys:
            return self.offered.get(spoken(self.offered).get(heard.words, ""))
        keys = heard.keys.removesuffix(AGAIN)
        return self.offered.get(keys, OPERATOR if keys == OPERATOR.keys else None)

    def prompt_for(self, choice: Choice) -> str:
        """The name of the prompt that says what a choice is."""
        if choice.step is Step.EXTENSION:
            return f"extension-{choice.aim}"
        if self.menu is not None and choice.keys in self.menu.choices:
            return self.menu.prompt_for(choice)
        return "operator"


def options(door: FrontDoor, menu: Menu | None) -> Options:
    """What can be chosen in a menu of a door; None: among its extensions."""
    dialled = dialled_directly(door)
    if menu is None:
        return Options(door.menu, dialled)
    offered = dict(menu.choices)
    said = {name for choice in menu.choices.values() for name in choice.names}
    for keys, choice in dialled.items():
        left = replace(choice, names=tuple(name for name in choice.names if name not in said))
        if keys not in offered:
            offered[keys] = left
        elif left.names:
            offered[str(choice)] = left
    return Options(menu.prompt, offered, menu)


def dialled_directly(door: FrontDoor) -> dict[str, Choice]:
    """What can be keyed and said at a door in whatever menu: its extensions, its operator."""
    dialled = {
        number: Choice(number, Step.EXTENSION, number, extension.names)
        for number, extension in door.extensions.items()
    }
    if door.operator is not None:
        dialled.setdefault(OPERATOR.keys, OPERATOR)
    return dialled


def said_at(doors: Iterable[FrontDoor], menus: Iterable[Menu]) -> frozenset[str]:
    """All that callers may say in an answer at these doors, in whatever of these menus."""
    places = (None, *menus)
    found = frozenset[str]()
    for door in doors:
        if not door.by_key:
            found = found.union(*(options(door, menu).phrases for menu in places))
    return found


@dataclass(frozen=True, slots=True)
class Desk:
    """What the attendant of a call knows: the door that it came to, who can be reached, what time
    it is in the owner's zone, a number drawn for this call, of which the challenge is made, and the
    number that the caller shows."""

    door: FrontDoor
    directory: Directory
    at: datetime
    chance: int = 0
    caller: Number = _WITHHELD

    @property
    def main(self) -> Menu | None:
        """The main menu at this time."""
        return self.door.reply(self.at).menu


@dataclass(frozen=True, slots=True)
class Question:
    """What a caller is asked next: the prompts, what he may choose, and which try it is.

    `unsure` counts the answers that we were not sure to have understood.
    """

    options: Options
    prompts: tuple[str, ...]
    attempt: int = 1
    unsure: int = 0
