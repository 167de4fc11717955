"""Other programs' lists into the rules folder, and the numbers of rules out of it.

    plan = exchange.read(Path("blacklist.csv"), settings)     # says what would be done
    done = exchange.carry_out(plan, settings)                 # does it; done.places, done.undo

A list becomes lines of a rule file of its own (3-freepbx.rules; 1-... for what it allows, since the
first rule that matches decides), appended if the file is there. What a rule of the same action
names already is left out. An address book is copied beside the rules and named by one rule. Lists
of more than `MOST_RULES` entries are for `screener lists import`: nobody reads so many lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from screener import replacement, textfile
from screener.config import Settings
from screener.core import foreign, rulefile, ruletext
from screener.core.callerid import shown
from screener.core.conditions import Condition, From, InContacts
from screener.core.excerpt import Excerpt, as_csv, as_vcard
from screener.core.foreign import Format, Recognised, Skipped, Source
from screener.core.rules import Action, Rule
from screener.errors import RulesError
from screener.rules import contacts
from screener.rules.rulesfolder import RulesFolder

MOST_RULES = 5_000
MOST_LINES = 50_000
MOST_BYTES = 64 << 20
_HEAD = 200  # lines by which a format is recognised
_BOOK = re.compile(r"[^A-Za-z0-9._-]+")
_CONTACTS_LABEL = "the address book"


@dataclass(frozen=True, slots=True)
class Plan:
    """What an import would do. Nothing has been written.

    `lines` are those that come into each rule file; `rules` says how many of them are rules.
    `there` counts entries that a rule covers already, `skipped` those that become none. `book` is
    the name that an address book gets beside the rules ("" for any other list), `cards` the numbers
    in it.
    """

    source: Path
    recognised: Recognised
    lines: Mapping[str, Sequence[str]]
    rules: int
    there: int
    skipped: Sequence[Skipped | str]
    book: str = ""
    cards: int = 0


@dataclass(frozen=True, slots=True)
class Done:
    """What an import wrote: where, and how it is undone."""

    places: Sequence[str]
    undo: str


# In ----------------------------------------------------------------------------------------------


def read(
    source: Path,
    settings: Settings,
    *,
    form: Format | None = None,
    action: Action | None = None,
    file: str = "",
) -> Plan:
    """What an import of `source` would do.

    `form` is its format (None: told from its contents), `action` what its entries do (None: as its
    format or its name says), `file` the rule file to write to. Raises RulesError for a file that is
    no list, or too long a one.
    """
    try:
        recognised = _recognised(source, form)
        if recognised.format is Format.VCARD:
            return _book_plan(source, recognised, settings, action or Action.ALLOW, file)
        if recognised.format is Format.FREEPBX:
            action = action or Action.BLOCK  # it has no other list
        action = action or foreign.action_by_name(source.name)
        if action is None and recognised.format is not Format.CSV:
            raise RulesError(
                f"{shown(source.name)} does not say what its entries are: "
                "give --as block or --as allow"
            )
        listing = Source(shown(source.name), recognised.format, action, settings.country)
        entries = foreign.read(listing, _lines(source))
        return _plan(source, recognised, entries, settings, file)
    except OSError as error:
        raise RulesError(f"{shown(str(source))}: cannot be read ({error.strerror})") from None


def _recognised(source: Path, form: Format | None) -> Recognised:
    if not source.is_file():
        what = "is no file" if source.exists() else "is not there"
        raise RulesError(f"{shown(str(source))}: {what}")
    with source.open("rb") as file:
        head = file.read(16)
    if head.startswith(b"SQLite format 3"):
        raise RulesError(
            f"{shown(source.name)} is a database. If it is callattendant's, write its lists out:"
            f'\n  sqlite3 -csv -header {shown(source.name)} "select * from Blacklist"'
            " > blacklist.csv\nand import that file; the same for Whitelist"
        )
    if head.startswith(b"PK\x03\x04"):
        raise RulesError(f"{shown(source.name)} is a spreadsheet or an archive: save it as CSV")
    if not textfile.is_text(source):
        raise RulesError(f"{shown(source.name)} is no text: there is no list in it")
    if form is not None:
        return Recognised(form, "as you said")
    head_lines = (textfile.readable(line) for _, line in textfile.lines(source))
    return foreign.recognise(source.name, islice(head_lines, _HEAD))


def _lines(source: Path) -> Iterator[tuple[int, str]]:
    """The list's lines, as many as anybody wants as rules."""
    if source.stat().st_size > MOST_BYTES:
        raise _too_long(source)
    for line, text in textfile.lines(source):
        if line > MOST_LINES:
            raise _too_long(source)
        yield line, textfile.readable(text)


def _too_long(source: Path) -> RulesError:
    name = shown(source.name)
    return RulesError(
        f"{name} is too long for rules: at most {MOST_RULES:,} entries become lines, and nothing"
        " was written. Make it a number list, which may have millions, and one rule for all of it:"
        f"\n  screener lists import {name}\n  screener rules add block list {name}"
    )


def _plan(
    source: Path,
    recognised: Recognised,
    entries: Iterable[Rule | Skipped],
    settings: Settings,
    file: str,
) -> Plan:
    known = set(_known(_folder(settings).read().rules))
    lines: dict[str, list[str]] = {}
    skipped: list[Skipped] = []
    there = count = 0
    for entry in entries:
        if isinstance(entry, Skipped):
            skipped.append(entry)
            continue
        key = _key(entry.action, entry.conditions)
        if key in known:
            there += 1
            continue
        line = _written(entry, settings.country)
        if line is None:
            skipped.append(Skipped(entry.line, shown(entry.label), "no line of rules says it"))
            continue
        known.add(key)
        count += 1
        if count > MOST_RULES:
            raise _too_long(source)
        lines.setdefault(file or _home(entry.action, recognised.format), []).append(line)
    titled = {name: [_title(source, recognised), *own] for name, own in lines.items()}
    return Plan(source, recognised, titled, count, there, skipped)


def _home(action: Action, form: Format) -> str:
    return f"{1 if action is Action.ALLOW else 3}-{form}.rules"


def _title(source: Path, recognised: Recognised) -> str:
    today = datetime.now().astimezone().strftime("%d %b %Y")
    name = shown(source.name)
    return f"# imported from {name} ({foreign.TITLES[recognised.format]}), {today}"


def _written(rule: Rule, country: str) -> str | None:
    """The rule as a line, if the line reads back as the rule."""
    line = rulefile.write(rule)
    read, mistakes = rulefile.parse(line, rule.file, country)
    if mistakes or len(read) != 1 or len(ruletext.lines(line)) != 1:
        return None
    same = read[0].key == rule.key and (read[0].label == rule.label or not rule.label)
    return line if same else None


def _known(rules: Iterable[Rule]) -> Iterator[tuple[Action, str]]:
    """What rules name already: each number of a list of numbers by itself."""
    for rule in rules:
        match rule.conditions:
            case (From(patterns=patterns),):
                yield from (_key(rule.action, (From((pattern,)),)) for pattern in patterns)
            case conditions:
                yield _key(rule.action, conditions)


def _key(action: Action, conditions: Iterable[Condition]) -> tuple[Action, str]:
    return action, " ".join(sorted(str(condition).casefold() for condition in conditions))


def _folder(settings: Settings) -> RulesFolder:
    return RulesFolder(settings.rules, settings.country)


def carry_out(plan: Plan, settings: Settings) -> Done:
    """Do what was planned. Raises RulesError when it cannot be written."""
    places: list[str] = []
    undo: list[str] = []
    if plan.book:
        path = settings.rules / plan.book
        if _copied(plan.source, path):
            places.append(str(path))
            undo.append(f"remove {path}")
    for file, lines in plan.lines.items():
        path = settings.rules / file
        new = not path.exists()
        first, last = _folder(settings).append(file, lines)
        places.append(f"{path}, lines {first} to {last}" if last > first else f"{path}:{first}")
        which = f"lines {first} to {last}" if last > first else f"line {first}"
        undo.append(f"remove {path}" if new else f"remove {which} of {path}")
    return Done(places, "; ".join(undo[::-1]))


# Address books -----------------------------------------------------------------------------------


def _book_plan(
    source: Path, recognised: Recognised, settings: Settings, action: Action, file: str
) -> Plan:
    numbers, troubles = contacts.read(source, settings.country)
    if not numbers:
        raise RulesError("\n".join([f"{shown(source.name)}: no number in it", *troubles]))
    stem = _BOOK.sub("-", source.stem).strip("-.") or "contacts"
    name = f"{stem}.vcf"
    path = settings.rules / name
    if path.exists() and not _same(source, path):
        raise RulesError(
            f"{path} is there already, and is another address book: rename {shown(source.name)},"
            f" or remove {path} if the new one replaces it"
        )
    rule = Rule(action, (InContacts((name,)),), _CONTACTS_LABEL)
    rules = _folder(settings).read().rules
    there = _key(action, rule.conditions) in set(_known(rules))
    lines = {} if there else {file or _book_home(action): [rulefile.write(rule)]}
    return Plan(source, recognised, lines, len(lines), int(there), troubles, name, len(numbers))


def _book_home(action: Action) -> str:
    return "1-contacts.rules" if action is Action.ALLOW else "3-contacts.rules"


def _same(one: Path, other: Path) -> bool:
    return one.stat().st_size == other.stat().st_size and one.read_bytes() == other.read_bytes()


def _copied(source: Path, path: Path) -> bool:
    """Copy an address book, whole or not at all; False where it is there already."""
    try:
        there = path.exists()
        if there and _same(source, path):
            return False
        done = not there and replacement.replace(path, None, source.read_bytes())
    except OSError as error:
        raise RulesError(f"{path} was not written ({error.strerror})") from None
    if not done:
        raise RulesError(f"{path} has come there meanwhile: nothing was written")
    return True


# Out ---------------------------------------------------------------------------------------------


def excerpt(settings: Settings, form: Format, action: Action | None = None) -> Excerpt:
    """The numbers of the rules (of one action, if given) as CSV or vCard. Raises RulesError."""
    rules = [
        rule for rule in _folder(settings).read().rules if action is None or rule.action is action
    ]
    written = as_vcard if form is Format.VCARD else as_csv
    return written(rules, settings.country)
