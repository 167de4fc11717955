"""Menus of screener.toml: what their choices lead to, how they are said, whether they are sound."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from screener.core.frontdoor import Choice, Extension, FrontDoor, Menu, MessageBox, Step
from screener.core.menu import dialled_directly
from screener.settings.tables import (
    Reading,
    Table,
    UnfitError,
    check_name,
    distinct,
    listing,
    member,
    nearest,
    safe_name,
)

KEYS: Mapping[str, tuple[str, ...]] = {"menus": ("choices",)}
"""The keys of each table; they stand one level deeper, under the owner's own name
(`[menus.main]`)."""

_CHOICE = ("to", "names")
_KEYS = re.compile(r"[0-9]{1,8}")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*", re.UNICODE)
_DIGIT_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_AIMS = (
    '"extension 1", "menu services", "message family", "operator", "directory",'
    ' "call-back family", "emergency" or "say PROMPT"'
)
CALLED: Mapping[Step, tuple[str, ...]] = {
    Step.MESSAGE: ("message", "leave a message"),
    Step.OPERATOR: ("operator",),
    Step.DIRECTORY: ("directory",),
    Step.CALL_BACK: ("call back",),
    Step.EMERGENCY: ("emergency",),
}
"""How callers say steps that name nothing else; what they hear is worded in their language."""


@dataclass(frozen=True, slots=True)
class Aims:
    """What choices can lead to, all by their names."""

    extensions: Mapping[str, Extension]
    boxes: Mapping[str, MessageBox]
    menus: frozenset[str] = frozenset()

    def choice(self, keys: str) -> Reading[Choice]:
        """The choice that a text like "menu services" makes of these keys."""

        def reading(value: object) -> Choice:
            if not isinstance(value, str) or not value.split():
                raise UnfitError(f"expected where it leads: {_AIMS}")
            word, *rest = value.split()
            if word not in [step.value for step in Step]:
                raise UnfitError(f"{nearest(word, list(Step))}: {_AIMS}")
            step = Step(word)
            aim = self._aim(step, rest)
            return Choice(keys, step, aim, self._names(step, aim))

        return reading

    def _aim(self, step: Step, rest: Sequence[str]) -> str:
        """What a step aims at, which must be there."""
        if step in (Step.OPERATOR, Step.DIRECTORY, Step.EMERGENCY):
            if rest:
                raise UnfitError(f'expected nothing behind "{step}"')
            return ""
        if len(rest) != 1:
            raise UnfitError(f'expected one name behind "{step}": {_AIMS}')
        if step is Step.SAY:
            return prompt_name(rest[0])
        known: Mapping[str, object] = {
            Step.EXTENSION: self.extensions,
            Step.MENU: dict.fromkeys(self.menus),
        }.get(step, self.boxes)
        kind, table = {
            Step.EXTENSION: ("extension", "[extensions]"),
            Step.MENU: ("menu", "[menus.NAME]"),
        }.get(step, ("message box", "[boxes.NAME]"))
        member(known, kind, table)(rest[0])
        return rest[0]

    def _names(self, step: Step, aim: str) -> tuple[str, ...]:
        """How callers say a choice that has no names of its own."""
        if step is Step.EXTENSION:
            return self.extensions[aim].names
        words = re.split("[-_]", aim.casefold())
        return CALLED.get(step) or ((" ".join(words),) if all(map(_is_word, words)) else ())


def menus(
    root: Table, extensions: Mapping[str, Extension], boxes: Mapping[str, MessageBox]
) -> dict[str, Menu]:
    """The menus by their names."""
    tables = root.tables("menus", KEYS["menus"])
    aims = Aims(extensions, boxes, frozenset(tables))
    found: dict[str, Menu] = {}
    for name, table in tables.items():
        check_name(table.mistakes, table.where, name)
        if name.isdigit() or name == "unnamed":
            expected = f"expected another name: the prompt menu-{name} reads out something else"
            table.mistakes.note(table.where, name, expected)
        choices = table.owned("choices")
        read = {keys: _choice(choices, keys, aims) for keys in choices}
        if not read:
            table.mistakes.missing(table.name("choices"), 'expected choices: { 1 = "extension 1" }')
        found[name] = Menu(name, {keys: each for keys, each in read.items() if each is not None})
    return found


def _choice(choices: Table, keys: str, aims: Aims) -> Choice | None:
    """One line of a menu: where it leads, or a table of that and what callers say."""
    if not _KEYS.fullmatch(keys):
        choices.mistakes.note(choices.name(keys), keys, "expected the keys, 1 to 8 digits")
    if not isinstance(choices[keys], dict):
        return choices.take(keys, aims.choice(keys), None)
    table = choices.table(keys, _CHOICE)
    to = table.need("to", aims.choice(keys), f"expected where it leads: {_AIMS}", None)
    if to is None or "names" not in table:
        return to
    names = table.take("names", distinct(listing(spoken_name, '"services"')), to.names)
    return Choice(to.keys, to.step, to.aim, names)


# Whether they are sound ---------------------------------------------------------------------------


def check(root: Table, doors: Iterable[FrontDoor], menus: Mapping[str, Menu]) -> frozenset[str]:
    """Note the menus that nobody can reach and the words that could mean two things; returns the
    extensions that menus lead to."""
    found: set[str] = set()
    noted: set[tuple[str, str]] = set()
    extensions: set[str] = set()
    for door in doors:
        for menu in reached(door, menus):
            found.add(menu.name)
            extensions |= {c.aim for c in menu.choices.values() if c.step is Step.EXTENSION}
            for keys, name, expected in _mistaken(door, menu):
                if (keys, name) not in noted:
                    noted.add((keys, name))
                    where = f"menus.{menu.name}.choices.{keys}"
                    root.mistakes.note(where, name, expected)
    for name in sorted(menus.keys() - found):
        root.mistakes.note("menus", name, "is no number's menu, and no menu that is leads to it")
    return frozenset(extensions)


def reached(door: FrontDoor, menus: Mapping[str, Menu]) -> list[Menu]:
    """The menus that a caller of a door can come to, each once; they may lead to themselves."""
    replies = (door.open, door.closed, door.holiday)
    found = [reply.menu for reply in replies if reply is not None and reply.menu is not None]
    for menu in found:
        aims = (c.aim for c in menu.choices.values() if c.step is Step.MENU)
        found += [menus[aim] for aim in dict.fromkeys(aims) if menus[aim] not in found]
    return list({menu.name: menu for menu in found}.values())


def _mistaken(door: FrontDoor, menu: Menu) -> Iterator[tuple[str, str, str]]:
    """(keys, name, what is wrong) for each of the menu's names that could mean something else."""
    directly = dialled_directly(door)
    offered = {**directly, **menu.choices}
    choices = [(keys, name, c) for keys, c in menu.choices.items() for name in c.names]
    taken = {name: choice for _, name, choice in reversed(choices)}
    for keys, name, choice in choices:
        others = [c for c in directly.values() if name in c.names]
        other = next((c for c in (taken[name], *others) if _what(c) != _what(choice)), None)
        if other is not None and not _is_told_of_both(door, choice, other, name):
            yield keys, name, f'"{other}" has this name already; expected another'
        said = digits_said(name)
        if said in offered and _what(offered[said]) != _what(choice):
            yield keys, name, f"is how a caller says {said}"


def _is_told_of_both(door: FrontDoor, one: Choice, other: Choice, name: str) -> bool:
    """Whether these are two extensions of the door that have the name: doors.py says so."""
    behind = [door.extensions.get(c.aim) for c in (one, other) if c.step is Step.EXTENSION]
    named = [extension for extension in behind if extension and name in extension.names]
    return len(named) == 2


def _what(choice: Choice) -> tuple[Step, str]:
    return choice.step, choice.aim


# What callers say ---------------------------------------------------------------------------------


def prompt_name(value: object) -> str:
    """The name of a prompt: a greeting, or what a menu says."""
    name = safe_name(value)
    if name in ("menu", "menu-unnamed"):
        raise UnfitError("expected another prompt: menus are put together from this text")
    return name


def spoken_name(value: object) -> str:
    """Words as a caller says them; JSGF gives every sign but letters and ' a meaning."""
    words = value.casefold().split() if isinstance(value, str) else []
    if words and len(words) <= 6 and all(map(_is_word, words)):
        return " ".join(words)
    raise UnfitError('expected words of letters only, as a caller says them: "doctor smith"')


def digits_said(name: str) -> str:
    """The digits that a name is made of, when it is said: "two zero" is "20"."""
    words = name.split()
    if all(word in _DIGIT_WORDS for word in words):
        return "".join(str(_DIGIT_WORDS.index(word)) for word in words)
    return ""


def _is_word(word: str) -> bool:
    return bool(_WORD.fullmatch(word))
