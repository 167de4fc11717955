"""screener.toml -> frozen settings.

`load(path)` returns `Settings` or raises `ConfigError` with every mistake at once; each names the
file, the key, the value found and what was expected. What may stand in the file is `KEYS`, and the
starter file (screener/starter/screener.toml) explains each of them. Who rings and where messages go
is read in directory.py, what phones dial in codes.py, the programs around us in surroundings.py,
our pages in websettings.py.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from shlex import quote
from zoneinfo import ZoneInfo

import phonenumbers

from screener import textfile
from screener.core.frontdoor import (
    Directory,
    FrontDoor,
    MessageBox,
    Outside,
    Phone,
    RingGroup,
)
from screener.errors import ConfigError
from screener.settings import (
    codes,
    directory,
    engines,
    keeping,
    ringgroups,
    secret,
    surroundings,
    websettings,
)
from screener.settings.codes import DndSettings, StudioSettings, WindowSettings
from screener.settings.keeping import KeepSettings
from screener.settings.surroundings import (
    AsteriskSettings,
    MailSettings,
    ReportSettings,
    SendAway,
    SpeechSettings,
)
from screener.settings.tables import (
    Mistakes,
    Table,
    UnfitError,
    folder_from,
    one_of,
    path_from,
    time_zone,
)
from screener.settings.websettings import WebSettings

FILE = "screener.toml"

_TWICE = ("Cannot overwrite a value", "Cannot declare")  # tomllib, of a key and of a table
# A value that begins with a letter or a quotation mark that no TOML begins with.
_UNQUOTED = re.compile(r"""[\u2018-\u201f\xab\xbb]?([^\W\d_][^\u2018-\u201f\xab\xbb"'#,\]}]*)""")
# What countries are called that have another code.
_MEANT = {"UK": "GB", "USA": "US", "UAE": "AE", "EL": "GR"}


def dir_of(file: Path) -> str:
    """What a command for the front door of this screener.toml needs beside its own words: " --dir
    FOLDER", or nothing where it is the one that commands work on unasked."""
    usual = Path(os.environ.get("SCREENER_HOME") or ".")
    return "" if file.parent == usual else f" --dir {quote(str(file.parent))}"


KEYS: Mapping[str, tuple[str, ...]] = {
    "": (
        *("country", "timezone", "mode"),
        *("dids", "extensions", "menus", "phones", "groups", "boxes"),
        *("windows", "studio", "voicemail", "dnd"),
        *("asterisk", "mail", "report", "speech", "web", "keep", "paths"),
    ),
    **directory.KEYS,
    **surroundings.KEYS,
    **codes.KEYS,
    "keep": keeping.KEYS,
    "web": websettings.KEYS,
    "paths": ("rules", "grammars", "sounds", "data"),
}
"""The keys of each table; those of `dids`, `extensions`, `menus`, `groups` and `boxes` stand one
level deeper, under the owner's own name (`[groups.family]`)."""


class Mode(StrEnum):
    """Whether what the rules say is done."""

    SCREEN = "screen"
    SHADOW = "shadow"  # every call rings, and its row says what would have been done


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that screener.toml says. Paths are absolute; numbers are E.164; times seconds.

    `zone` is the owner's time zone, None for this machine's. With `shadow`, rules are only tried:
    every call rings, and its row says what would have been done.
    `voicemail` is what a phone dials to hear the messages of a box that has a PIN, "" for nothing.
    `warnings` are sentences to show at the start: what is allowed and yet unwise.
    """

    path: Path
    country: str
    zone: ZoneInfo | None
    shadow: bool
    directory: Directory
    asterisk: AsteriskSettings
    mail: MailSettings
    speech: SpeechSettings
    rules: Path
    grammars: Path
    sounds: Path
    data: Path
    warnings: tuple[str, ...] = ()
    windows: WindowSettings = field(default_factory=WindowSettings)
    web: WebSettings = field(default_factory=WebSettings)
    report: ReportSettings = field(default_factory=ReportSettings)
    keep: KeepSettings = field(default_factory=KeepSettings)
    studio: StudioSettings = field(default_factory=StudioSettings)
    dnd: DndSettings = field(default_factory=DndSettings)
    voicemail: str = ""

    @property
    def doors(self) -> Mapping[str, FrontDoor]:
        """The front doors by their DIDs, E.164."""
        return self.directory.doors

    @property
    def phones(self) -> Mapping[str, Phone]:
        """The phones by their names."""
        return self.directory.phones

    @property
    def groups(self) -> Mapping[str, RingGroup]:
        """The ring groups by their names."""
        return self.directory.groups

    @property
    def boxes(self) -> Mapping[str, MessageBox]:
        """The message boxes by their names."""
        return self.directory.boxes


def load(path: Path) -> Settings:
    """Read screener.toml.

    Raises `ConfigError` with every mistake. Where the private Asterisk needs a secret and none is
    given, one is made and kept in the data folder, readable by its owner only.
    """
    mistakes = Mistakes(str(path), keeping.MOVED)
    root = Table(_parse(path), "", mistakes, KEYS[""])
    folder = path.resolve().parent
    warnings: list[str] = []
    country = root.need("country", _country, 'expected a country code like "US"', "")
    zone = root.take("timezone", time_zone, None)
    mode = root.take("mode", one_of(Mode), Mode.SCREEN)
    paths = _paths(root, folder)
    asterisk = surroundings.asterisk(root, folder, warnings)
    outside = Outside(country, asterisk.trunk, asterisk.send_away is SendAway.BRIDGE)
    speech = surroundings.speech(root, folder)
    private = asterisk.url is None
    languages = engines.languages(speech, paths["data"])
    people = directory.read(root, folder, country, languages, warnings, private=private)
    people = replace(people, outside=outside)
    warnings += ringgroups.trunkless(people.groups.values(), asterisk.trunk)
    mail = surroundings.mail(root, folder, people, warnings)
    dialled = codes.read(root, folder, people.boxes, warnings, private=private)
    web = websettings.read(root, warnings)
    report = surroundings.report(root, mail, warnings)
    keep = keeping.read(root)
    if not mistakes.sentences and asterisk.url is None and not asterisk.secret:
        asterisk = replace(asterisk, secret=secret.kept(paths["data"], mistakes))
    if mistakes.sentences:
        raise ConfigError(mistakes.sentences)
    return Settings(
        path=path.resolve(),
        country=country,
        zone=zone,
        shadow=mode is Mode.SHADOW,
        directory=people,
        asterisk=asterisk,
        mail=mail,
        speech=speech,
        warnings=tuple(warnings),
        windows=dialled.windows,
        web=web,
        report=report,
        keep=keep,
        studio=dialled.studio,
        dnd=dialled.dnd,
        voicemail=dialled.voicemail,
        **paths,
    )


def _parse(path: Path) -> dict[str, object]:
    """The file as TOML has it; what cannot even be read is a mistake of its own."""
    try:
        content = path.read_bytes().decode("utf-8-sig")
        return tomllib.loads(content)
    except FileNotFoundError:
        advice = f"no such file; `screener init {path.parent}` writes one"
        raise ConfigError([f"{path}: {advice}"]) from None
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read ({error.strerror})"]) from None
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}:{textfile.not_utf8(error)}"]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([_syntax(path, str(error), content.split("\n"))]) from None


def _syntax(path: Path, error: str, lines: Sequence[str]) -> str:
    """A syntax error with its line, and what is wrong marked in it: tomllib says "... (at line 3,
    column 5)"."""
    what, _, place = error.rpartition(" (at ")
    words = place.rstrip(")").replace(",", "").split()
    if words[:1] != ["line"]:
        return f"{path}:{len(lines)}: {what or error} at the end of the file"
    number, column = int(words[1]), int(words[3])
    line = lines[number - 1].rstrip("\r")
    if what.startswith(_TWICE):
        what, column = "this key is there twice", len(line) - len(line.lstrip()) + 1
    elif what == "Invalid value" and (found := _UNQUOTED.match(line, column - 1)):
        what = f'text stands in straight quotes: "{found[1].strip()}"'
    told = "".join(c if c.isprintable() else " " for c in line)
    return f"{path}:{number}: {what} at column {column}\n    {told}\n    {'^':>{column}}"


def _paths(root: Table, folder: Path) -> dict[str, Path]:
    """The four folders; all but the data folder must be there."""
    table = root.table("paths", KEYS["paths"])
    paths: dict[str, Path] = {}
    for key in KEYS["paths"]:
        reading = path_from(folder) if key == "data" else folder_from(folder)
        paths[key] = table.take(key, reading, folder / key)
        if key == "data" and "," in str(paths[key]):  # ARI takes it for the end of a sound's name
            expected = "expected a path without a comma: Asterisk could play nothing from it"
            table.mistakes.note(table.name(key), str(paths[key]), expected)
        if key != "data" and key not in table and not paths[key].is_dir():
            expected = f"expected a folder {paths[key]}; `screener init` shows how one looks"
            table.mistakes.missing(table.name(key), expected)
    return paths


def _country(value: object) -> str:
    if isinstance(value, str) and value.upper() in phonenumbers.SUPPORTED_REGIONS:
        return value.upper()
    if isinstance(value, str) and (meant := _MEANT.get(value.upper())):
        raise UnfitError(
            f'expected a country code of two letters (ISO 3166); did you mean "{meant}"?'
        )
    raise UnfitError('expected a country code of two letters (ISO 3166) like "US", "GB", "DE"')
