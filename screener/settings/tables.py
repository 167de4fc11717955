"""A TOML table read key by key, noting every mistake instead of stopping at the first.

A `Table` hands each value to a *reading*: a function that returns the value as what it means, or
raises `UnfitError` with what was expected instead. A mistake is a whole sentence that names the
file, the key, the value found and what was expected. Readings that know nothing of screener
(durations, mail addresses, paths) live here too; the keys live in config.py and directory.py.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from screener.core.hours import Hours, UnreadError
from screener.core.hours import read as read_hours
from screener.core.letter import is_address

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)
Reading = Callable[[object], T]

_LONGEST_SHOWN = 60
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d)")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
# What a key is called that holds what nobody may see.
_SECRET = re.compile(r"secret|password|(?:^|[^a-z])pin(?:$|[^a-z])", re.IGNORECASE)
_HIDDEN = "..."
_SAFE_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")


class UnfitError(Exception):
    """A value is not what was expected; the message says what that is, as "expected ..."."""


class Mistakes:
    """Every mistake found in one file, in the order of finding.

    `moved` are keys that have another place now: their whole names, the new by the old.
    """

    def __init__(self, file: str, moved: Mapping[str, str] | None = None) -> None:
        self.file = file
        self.moved = moved or {}
        self.sentences: list[str] = []

    def note(self, key: str, value: object, expected: str) -> None:
        """Note that `key` holds `value`, which is wrong; `expected` says why or what is right."""
        self.sentences.append(f"{self.file}: {key} = {shown(value)}: {expected}")

    def missing(self, key: str, expected: str) -> None:
        self.sentences.append(f"{self.file}: {key} is missing: {expected}")


class Table:
    """One table of the file. `where` is its dotted name ("groups.family"; "" for the file itself).

    `known` are the keys that may stand in it: any other is noted as a mistake, with the nearest.
    """

    def __init__(
        self, values: object, where: str, mistakes: Mistakes, known: Sequence[str]
    ) -> None:
        self.where = where
        self.mistakes = mistakes
        self._known = known
        self._values: Mapping[str, object] = {}
        if not isinstance(values, dict):
            mistakes.note(where, values, f"expected a table, written [{where}]")
            return
        self._values = values
        for key, value in values.items():
            if (place := mistakes.moved.get(self.name(key))) is not None:
                mistakes.note(self.name(key), value, f"is {place} now: write it there")
            elif key not in known:
                if _SECRET.search(key):
                    advice = _in_a_file(key, known)
                    mistakes.note(self.name(key), _HIDDEN, f"unknown key; {advice}")
                    continue
                mistakes.note(self.name(key), value, f"unknown key; {nearest(key, known)}")

    def name(self, key: str) -> str:
        """The key as a user would look for it: "groups.family.seconds"."""
        quoted = key if _SAFE_NAME.fullmatch(key) else json.dumps(key, ensure_ascii=False)
        return f"{self.where}.{quoted}" if self.where else quoted

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def __getitem__(self, key: str) -> object:
        return self._values[key]

    def take(self, key: str, reading: Reading[T], default: T) -> T:
        """The value of a key that may be left out."""
        assert key in self._known  # a key that is read but not documented is our mistake
        if key not in self._values:
            return default
        try:
            return reading(self._values[key])
        except UnfitError as unfit:
            self.mistakes.note(self.name(key), self._values[key], str(unfit))
            return default

    def need(self, key: str, reading: Reading[T], expected: str, stand_in: T) -> T:
        """The value of a key that must be there; `stand_in` lets reading go on where it is not."""
        if key not in self._values:
            self.mistakes.missing(self.name(key), expected)
            return stand_in
        return self.take(key, reading, stand_in)

    def table(self, key: str, known: Sequence[str]) -> Table:
        """A table inside this one, empty where it is left out."""
        assert key in self._known
        return Table(self._values.get(key, {}), self.name(key), self.mistakes, known)

    def owned(self, key: str) -> Table:
        """A table inside this one whose keys are the owner's own names, whatever they are."""
        assert key in self._known
        values = self._values.get(key, {})
        names = tuple(values) if isinstance(values, dict) else ()
        return Table(values, self.name(key), self.mistakes, names)

    def tables(self, key: str, known: Sequence[str]) -> dict[str, Table]:
        """The tables inside a table whose keys are the owner's own names, by those names."""
        outer = self.owned(key)
        return {name: outer.table(name, known) for name in outer}


def shown(value: object) -> str:
    """A value as it would stand in the file, on one line and cut to a readable length."""
    if isinstance(value, (str, int, float, list, dict)):
        text = json.dumps(value, ensure_ascii=False, default=str)
    else:
        text = str(value)
    # Letters of every language are shown; signs that would drive a terminal, by their numbers.
    text = "".join(sign if sign.isprintable() else json.dumps(sign)[1:-1] for sign in text)
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + "..."


def nearest(word: str, known: Iterable[str]) -> str:
    """'did you mean "seconds"?', or what there is to choose from."""
    choices = sorted(known)
    close = difflib.get_close_matches(word.casefold(), choices, n=1, cutoff=0.6)
    if close:
        return f'did you mean "{close[0]}"?'
    if not choices:
        return "there is none"
    return "expected one of " + ", ".join(choices)


def _in_a_file(key: str, known: Sequence[str]) -> str:
    """What to do with a secret that stands in screener.toml."""
    named = f"{key.casefold()}_file"
    if named not in known:
        return nearest(key, known)
    return f'write it into a file of yours alone, and name that: {named} = "FILE"'


# Readings ----------------------------------------------------------------------------------------


def text(value: object) -> str:
    """One line of text."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise UnfitError("expected text on one line, in quotes")
    return value


def matching(pattern: re.Pattern[str], expected: str) -> Reading[str]:
    """Text that a pattern matches as a whole; `expected` says what that is."""

    def reading(value: object) -> str:
        if isinstance(value, str) and value.isprintable() and pattern.fullmatch(value):
            return value
        raise UnfitError(expected)

    return reading


def safe_name(value: object) -> str:
    """A name that can go into Asterisk's files and into file names as it is."""
    if not isinstance(value, str) or not _SAFE_NAME.fullmatch(value):
        raise UnfitError("expected a name of letters a-z, digits, - and _ (40 at most)")
    return value


def check_name(mistakes: Mistakes, where: str, name: str) -> None:
    """Note it when the owner's own name for a phone, a group or a box cannot go into files."""
    try:
        safe_name(name)
    except UnfitError as unfit:
        mistakes.note(where, name, str(unfit))


def mail_address(value: object) -> str:
    """A plain mail address (RFC 5321 Mailbox without quoting), no display name."""
    if not isinstance(value, str) or not is_address(value):
        raise UnfitError('expected a mail address like "you@example.net"')
    return value


def whole(lowest: int, highest: int) -> Reading[int]:
    """A whole number in a range, both ends included."""

    def reading(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
            raise UnfitError(f"expected a whole number from {lowest} to {highest}")
        return value

    return reading


def number(lowest: float, highest: float) -> Reading[float]:
    """A number in a range, both ends included; neither inf nor nan."""

    def reading(value: object) -> float:
        if not lowest <= (read := _numeric(value)) <= highest:
            raise UnfitError(f"expected a number from {lowest:g} to {highest:g}")
        return read

    return reading


def duration(lowest: float, highest: float) -> Reading[float]:
    """Seconds: a number, or text like "25s", "5m", "1h", "90d"; within a range, ends included."""

    def reading(value: object) -> float:
        seconds = _numeric(value)
        if isinstance(value, str) and (found := _DURATION.fullmatch(value.strip())):
            seconds = float(found[1]) * _SECONDS[found[2]]
        if not lowest <= seconds <= highest:
            expected = 'expected a time like "25s" or "5m" (a bare number means seconds)'
            raise UnfitError(f"{expected}, from {_spoken(lowest)} to {_spoken(highest)}")
        return seconds

    return reading


def _numeric(value: object) -> float:
    """The value where it is a number, else nan, which is in no range."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    return math.nan


def _spoken(seconds: float) -> str:
    if seconds >= _SECONDS["d"]:
        return f"{seconds / _SECONDS['d']:g}d"
    return f"{seconds / 60:g}m" if seconds >= 60 else f"{seconds:g}s"


def opening_hours(value: object) -> Hours:
    """Days and hours, as rules write them."""
    if not isinstance(value, str):
        raise UnfitError('expected days and hours, in quotes: "mon-fri 09:00-17:00"')
    try:
        return read_hours(value)
    except UnreadError as unread:
        raise UnfitError(str(unread)) from None


def time_zone(value: object) -> ZoneInfo:
    """An IANA name."""
    if isinstance(value, str) and value:
        try:
            return ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            pass
    raise UnfitError('expected a time zone like "America/Los_Angeles" or "Europe/Berlin"')


def yes_or_no(value: object) -> bool:
    if not isinstance(value, bool):
        raise UnfitError("expected true or false, without quotes")
    return value


def one_of(choices: type[E]) -> Reading[E]:
    """One word of a set of words."""

    def reading(value: object) -> E:
        words = [choice.value for choice in choices]
        if isinstance(value, str) and value in words:
            return choices(value)
        raise UnfitError(nearest(value, words) if isinstance(value, str) else _choice(words))

    return reading


def _choice(words: Sequence[str]) -> str:
    return "expected one of " + ", ".join(words)


def listing(reading: Reading[T], of: str) -> Reading[tuple[T, ...]]:
    """A list, each item read by `reading`; `of` is an item as it would stand in the file."""

    def whole_list(value: object) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise UnfitError(f"expected a list like [{of}]")
        items: list[T] = []
        unfit: list[str] = []
        for item in value:
            try:
                items.append(reading(item))
            except UnfitError as wrong:
                unfit.append(f"{shown(item)} in it: {wrong}")
        if unfit:
            raise UnfitError("; ".join(unfit))
        return tuple(items)

    return whole_list


def member(known: Mapping[str, T], kind: str, table: str) -> Reading[T]:
    """The name of something that stands elsewhere in the file."""

    def reading(value: object) -> T:
        if isinstance(value, str) and value in known:
            return known[value]
        if not isinstance(value, str):
            article = "an" if kind[0] in "aeiou" else "a"
            raise UnfitError(f"expected the name of {article} {kind} in {table}, in quotes")
        raise UnfitError(f"there is no such {kind} in {table}; {nearest(value, known)}")

    return reading


def distinct(reading: Reading[tuple[T, ...]]) -> Reading[tuple[T, ...]]:
    """The same thing twice in a list is a slip of the pen."""

    def whole_list(value: object) -> tuple[T, ...]:
        items = reading(value)
        written = [shown(item) for item in value] if isinstance(value, list) else []
        twice = sorted({item for item in written if written.count(item) > 1})
        if twice:
            raise UnfitError(f"{', '.join(twice)} stands in it twice")
        return items

    return whole_list


def path_from(folder: Path) -> Reading[Path]:
    """A path as written, seen from the folder that the file is in."""

    def reading(value: object) -> Path:
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            raise UnfitError("expected a path, in quotes")
        return (folder / Path(value).expanduser()).absolute()

    return reading


def folder_from(folder: Path) -> Reading[Path]:
    """A path as `path_from` reads it, to a folder that is there."""

    def reading(value: object) -> Path:
        path = path_from(folder)(value)
        if not path.is_dir():
            raise UnfitError(f"there is no folder {path}")
        return path

    return reading
