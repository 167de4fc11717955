"""screener.toml -> frozen settings.

`load(path)` returns `Settings` or raises `ConfigError` with every mistake at once; each names the
file, the key, the value found and what was expected. What may stand in the file is `KEYS`, and the
starter file (screener/starter/screener.toml) explains each of them. Who rings and where messages go
is read in directory.py, the programs around us in surroundings.py.
"""

from __future__ import annotations

import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers

from screener import directory, engines, ringgroups, secret, surroundings, textfile
from screener.core.frontdoor import (
    Directory,
    FrontDoor,
    MessageBox,
    Outside,
    Phone,
    RingGroup,
)
from screener.errors import ConfigError
from screener.surroundings import (
    AsteriskSettings,
    MailSettings,
    SendAway,
    SpeechSettings,
    WebSettings,
)
from screener.tables import (
    Mistakes,
    Table,
    UnfitError,
    duration,
    folder_from,
    one_of,
    path_from,
)

FILE = "screener.toml"

KEYS: Mapping[str, tuple[str, ...]] = {
    "": (
        *("country", "timezone", "mode"),
        *("dids", "extensions", "menus", "phones", "groups", "boxes"),
        *("windows", "studio", "dnd", "asterisk", "mail", "speech", "web", "paths"),
    ),
    **directory.KEYS,
    **surroundings.KEYS,
    "windows": ("code", "expecting", "emergency"),
    "studio": ("code", "pin_file"),
    "dnd": ("on", "off"),
    "paths": ("rules", "grammars", "sounds", "data"),
}
"""The keys of each table; those of `dids`, `extensions`, `menus`, `groups` and `boxes` stand one
level deeper, under the owner's own name (`[groups.family]`)."""

_LONGEST_WINDOW = 604_800.0  # core/window.py takes none that is longer
_KEY_CODE = re.compile(r"(?=.*[*#])[0-9*#]{2,8}")


STUDIO_PIN = "SCREENER_STUDIO_PIN"
_PIN = re.compile("[0-9]{4,10}", re.ASCII)


class Mode(StrEnum):
    """Whether what the rules say is done."""

    SCREEN = "screen"
    SHADOW = "shadow"  # every call rings, and its row says what would have been done


@dataclass(frozen=True, slots=True)
class WindowSettings:
    """When the windows of life open, and for how many seconds (core/window.py).

    `code` is what a phone dials to say that a call is expected, "" for nothing. The hours after a
    call for help belong to all who may call because of it: dispatchers in minutes, then ambulance,
    police, hospital, neighbours, often with numbers withheld or never seen; after four of them
    another robot that rings weighs more than one more of these calls. 0: no such window.
    """

    code: str = "*39"
    expecting: float = 7200.0
    emergency: float = 14400.0


@dataclass(frozen=True, slots=True)
class DndSettings:
    """What a phone dials to be left in peace, and to ring again; "" for nothing."""

    on: str = ""
    off: str = ""


@dataclass(frozen=True, slots=True)
class StudioSettings:
    """Where the owner records what callers hear: what a phone dials, and the PIN that he keys.

    Without a PIN there is no studio: `code` is "".
    """

    code: str = ""
    pin: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that screener.toml says. Paths are absolute; numbers are E.164; times seconds.

    `zone` is the owner's time zone, None for this machine's. With `shadow`, rules are only tried:
    every call rings, and its row says what would have been done.
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
    windows: WindowSettings = WindowSettings()
    web: WebSettings = field(default_factory=WebSettings)
    studio: StudioSettings = StudioSettings()
    dnd: DndSettings = DndSettings()

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
    mistakes = Mistakes(str(path))
    root = Table(_parse(path), "", mistakes, KEYS[""])
    folder = path.resolve().parent
    warnings: list[str] = []
    country = root.need("country", _country, 'expected a country code like "US"', "")
    zone = root.take("timezone", _zone, None)
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
    windows = _windows(root)
    studio = _studio(root, folder, windows.code)
    dnd = _dnd(root, (windows.code, studio.code), private=asterisk.url is None)
    web = surroundings.web(root, warnings)
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
        windows=windows,
        web=web,
        studio=studio,
        dnd=dnd,
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
        raise ConfigError([_syntax(path, str(error), content.count("\n") + 1)]) from None


def _syntax(path: Path, error: str, lines: int) -> str:
    """A syntax error with its line: tomllib says "... (at line 3, column 5)"."""
    what, _, place = error.rpartition(" (at ")
    words = place.rstrip(")").replace(",", "").split()
    if words[:1] == ["line"]:
        return f"{path}:{words[1]}: {what} at column {words[3]}"
    return f"{path}:{lines}: {what or error} at the end of the file"


def _windows(root: Table) -> WindowSettings:
    table = root.table("windows", KEYS["windows"])
    usual = WindowSettings()
    return WindowSettings(
        code=table.take("code", _key_code, usual.code),
        expecting=table.take("expecting", duration(60, _LONGEST_WINDOW), usual.expecting),
        emergency=table.take("emergency", duration(0, _LONGEST_WINDOW), usual.emergency),
    )


def _studio(root: Table, folder: Path, taken: str) -> StudioSettings:
    """The studio. Its code is not `taken`; nobody but its owner can read the file of its PIN."""
    table = root.table("studio", KEYS["studio"])
    code = table.take("code", _key_code, "*77")
    file = table.name("pin_file")
    pin = secret.read(table, "pin_file", STUDIO_PIN, folder, [])
    if pin is None:
        if "code" in table and "pin_file" not in table and code:
            expected = f"expected the file with the PIN that the owner keys, or ${STUDIO_PIN}"
            table.mistakes.missing(file, expected)
        return StudioSettings()
    path = table.take("pin_file", path_from(folder), None)
    shown = str(path) if path else f"${STUDIO_PIN}"
    if path and path.is_file() and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        expected = "can be read by others than its owner: chmod 600 it"
        table.mistakes.note(file, shown, expected)
    if not _PIN.fullmatch(pin):
        table.mistakes.note(file, shown, "expected a PIN of 4 to 10 digits in it")
    if code and code == taken:
        table.mistakes.note(table.name("code"), code, "is windows.code as well: choose another")
    return StudioSettings(code, pin) if code else StudioSettings()


def _dnd(root: Table, taken: tuple[str, ...], *, private: bool) -> DndSettings:
    """The codes of do-not-disturb, none of them `taken`; a FreePBX has codes of its own for it."""
    table = root.table("dnd", KEYS["dnd"])
    usual = DndSettings("*78", "*79") if private else DndSettings()
    on = table.take("on", _key_code, "" if usual.on in taken else usual.on)
    off = table.take("off", _key_code, "" if usual.off in (*taken, on) else usual.off)
    for key, code, others in (("on", on, taken), ("off", off, (*taken, on))):
        if code and code in others:
            table.mistakes.note(table.name(key), code, "is a code already: choose another")
    return DndSettings(on, off)


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
    raise UnfitError('expected a country code of two letters (ISO 3166) like "US", "GB", "DE"')


def _zone(value: object) -> ZoneInfo:
    if isinstance(value, str) and value:
        try:
            return ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            pass
    raise UnfitError('expected a time zone like "America/Los_Angeles" or "Europe/Berlin"')


def _key_code(value: object) -> str:
    # With a * or # in it: it can be no extension, and never the number of those who help.
    if isinstance(value, str) and (not value or _KEY_CODE.fullmatch(value)):
        return value
    raise UnfitError('expected what a phone dials, like "*39" (2 to 8 of 0-9, * and #), or ""')
