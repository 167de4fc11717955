"""Menus: what a caller may choose at a point of the call, by keys or by words.

In every menu the extensions of the door can be dialled as well; what the menu itself gives the same
keys goes before them. "0" is the operator where nothing else is; "operator" and "message" may be
said everywhere.
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


# What callers say who want to leave word. One word: for each further one of the longest phrase
# every spoken answer may be longer (core/listening.py), and what recordings say is long.
_MESSAGE = ("message",)

SAID_EVERYWHERE = frozenset({*OPERATOR.names, *_MESSAGE})
"""What may be said at every door, though no owner has written it."""


@dataclass(frozen=True, slots=True)
class Options:
    """What can be chosen at one point: `offered` by its keys, and the `prompt` that reads it out.

    `menu` is the owner's menu, None for a door's extensions alone. What can only be said is offered
    as "message", or as "extension 1" whose digits mean something else there: nobody can key these.
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
        if self.menu is not None and choice in self.menu.choices.values():
            return self.menu.prompt_for(choice)
        return "message" if choice.step is Step.MESSAGE else "operator"


def options(door: FrontDoor, menu: Menu | None) -> Options:
    """What can be chosen in a menu of a door; None: among its extensions."""
    offered = dict(menu.choices) if menu is not None else {}
    named = {name for choice in offered.values() for name in choice.names}
    for keys, choice in dialled_directly(door).items():
        left = replace(choice, names=tuple(name for name in choice.names if name not in named))
        if keys not in offered:
            offered[keys] = left
        elif left.names:
            offered[str(choice)] = left
    taken = spoken(offered)
    for choice in (OPERATOR, Choice("", Step.MESSAGE, door.box.name, _MESSAGE)):
        offered.update({name: choice for name in choice.names if name not in taken})
    return Options(menu.prompt if menu is not None else door.menu, offered, menu)


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
