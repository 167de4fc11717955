"""screener.toml -> frozen settings.

`load(path)` returns `Settings` or raises `ConfigError` with every mistake at once; each names the
file, the key, the value found and what was expected. What may stand in the file is `KEYS`, and the
starter file (screener/starter/screener.toml) explains each of them. Who rings and where messages go
is read in directory.py; here, the programs around us and the folders.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers

from screener import directory, secret
from screener.core.frontdoor import Directory, FrontDoor, MessageBox, Phone, RingGroup
from screener.errors import ConfigError
from screener.tables import (
    Mistakes,
    Table,
    UnfitError,
    distinct,
    duration,
    folder_from,
    listing,
    mail_address,
    number,
    one_of,
    path_from,
    safe_name,
    text,
    whole,
)

FILE = "screener.toml"
ARI_SECRET = "SCREENER_ARI_SECRET"
MAIL_PASSWORD = "SCREENER_MAIL_PASSWORD"

KEYS: Mapping[str, tuple[str, ...]] = {
    "": (
        *("country", "timezone", "mode"),
        *("dids", "extensions", "phones", "groups", "boxes"),
        *("windows", "asterisk", "mail", "speech", "paths"),
    ),
    **directory.KEYS,
    "asterisk": (
        *("url", "user", "secret_file", "app"),
        *("media_host", "sip_port", "http_port", "rtp_ports"),
    ),
    "mail": (
        *("host", "port", "security", "user", "password_file"),
        *("sender", "owner", "retry_days", "keep_days"),
    ),
    "windows": ("code", "expecting", "emergency"),
    "speech": ("engine", "model", "voice", "language"),
    "paths": ("rules", "grammars", "sounds", "data"),
}
"""The keys of each table; those of `dids`, `extensions`, `groups` and `boxes` stand one level
deeper, under the owner's own name (`[groups.family]`)."""


class Mode(StrEnum):
    """Whether what the rules say is done."""

    SCREEN = "screen"
    SHADOW = "shadow"  # every call rings, and its row says what would have been done


class MailSecurity(StrEnum):
    """How the connection to the mail server is protected."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


class Engine(StrEnum):
    """Which speech recogniser listens; auto takes Vosk where a model is found."""

    AUTO = "auto"
    VOSK = "vosk"
    POCKETSPHINX = "pocketsphinx"


@dataclass(frozen=True, slots=True)
class AsteriskSettings:
    """The Asterisk to use. `url` None means: a private one that screener installs and runs.

    `url` is ARI's base ("http://127.0.0.1:8088/ari"). `media_host` is the address of this machine
    as Asterisk sees it, for the caller's audio. The ports are those of the private Asterisk.
    """

    url: str | None
    user: str
    secret: str
    app: str
    media_host: str
    sip_port: int
    http_port: int
    rtp_ports: tuple[int, int]

    def __repr__(self) -> str:  # the secret is never printed
        return f"AsteriskSettings(url={self.url!r}, user={self.user!r}, app={self.app!r})"


@dataclass(frozen=True, slots=True)
class MailSettings:
    """The mail server that recordings are handed to.

    `retry_days`: how long it may be down; `keep_days`: how long sent messages stay on disk.
    `owner` are the addresses that hear of what needs the owner's hand; none: nobody does.
    """

    host: str
    port: int
    security: MailSecurity
    user: str
    password: str
    sender: str
    retry_days: float
    keep_days: float
    owner: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"MailSettings(host={self.host!r}, port={self.port}, sender={self.sender!r})"


@dataclass(frozen=True, slots=True)
class SpeechSettings:
    """How callers are understood and how prompts are spoken.

    `model` is a Vosk model folder, or None to look in the data folder's `models/`. `voice` is
    "program:voice" ("flite:slt", "espeak-ng:en-us"); `language` names the file of prompt texts.
    """

    engine: Engine
    model: Path | None
    voice: str
    language: str = "en"


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


_MAIL_PORTS = {MailSecurity.NONE: 25, MailSecurity.STARTTLS: 587, MailSecurity.TLS: 465}
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.:-]{0,252}[A-Za-z0-9])?|::1")
_LONGEST_WINDOW = 604_800.0  # core/window.py takes none that is longer
_KEY_CODE = re.compile(r"(?=.*[*#])[0-9*#]{2,8}")
_VOICE = re.compile(r"(?:flite|espeak-ng):[A-Za-z0-9_+-]{1,40}")
_LOCAL = ("localhost", "127.0.0.1", "::1")


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
    asterisk = _asterisk(root, folder, warnings)
    people = directory.read(root, country, private=asterisk.url is None)
    mail = _mail(root, folder, people, warnings)
    speech = _speech(root, folder)
    windows = _windows(root)
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
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError([f"{path}:{line}: not UTF-8 text; save the file as UTF-8"]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([_syntax(path, str(error), content.count("\n") + 1)]) from None


def _syntax(path: Path, error: str, lines: int) -> str:
    """A syntax error with its line: tomllib says "... (at line 3, column 5)"."""
    what, _, place = error.rpartition(" (at ")
    words = place.rstrip(")").replace(",", "").split()
    if words[:1] == ["line"]:
        return f"{path}:{words[1]}: {what} at column {words[3]}"
    return f"{path}:{lines}: {what or error} at the end of the file"


# The programs around us --------------------------------------------------------------------------


def _asterisk(root: Table, folder: Path, warnings: list[str]) -> AsteriskSettings:
    table = root.table("asterisk", KEYS["asterisk"])
    url = table.take("url", _ari_url, None)
    given = secret.read(table, "secret_file", ARI_SECRET, folder, warnings)
    if given is None and "url" in table:
        where = table.name("secret_file")
        table.mistakes.missing(where, f"expected the file with the ARI secret, or ${ARI_SECRET}")
    return AsteriskSettings(
        url=url,
        user=table.take("user", safe_name, "screener"),
        secret=given or "",
        app=table.take("app", safe_name, "screener"),
        media_host=table.take("media_host", _host, "127.0.0.1"),
        sip_port=table.take("sip_port", whole(1024, 65535), 5160),
        http_port=table.take("http_port", whole(1024, 65535), 8188),
        rtp_ports=table.take("rtp_ports", _port_range, (12000, 12999)),
    )


def _mail(root: Table, folder: Path, people: Directory, warnings: list[str]) -> MailSettings:
    table = root.table("mail", KEYS["mail"])
    security = table.take("security", one_of(MailSecurity), MailSecurity.NONE)
    host = table.take("host", _host, "localhost")
    user = table.take("user", text, "")
    password = secret.read(table, "password_file", MAIL_PASSWORD, folder, warnings)
    if user and password is None and "password_file" not in table:
        where = table.name("password_file")
        table.mistakes.missing(
            where, f"expected the file with {user}'s password, or ${MAIL_PASSWORD}"
        )
    if "password_file" in table and "user" not in table:
        table.mistakes.missing(table.name("user"), "expected the user whose password is given")
    if user and security is MailSecurity.NONE and host not in _LOCAL:
        warnings.append(f"the mail password goes to {host} in clear: set mail.security to starttls")
    expected = 'expected the address that mail comes from: "screener@example.net"'
    first_box = next((box.mail for box in people.boxes.values()), ())
    return MailSettings(
        host=host,
        port=table.take("port", whole(1, 65535), _MAIL_PORTS[security]),
        security=security,
        user=user,
        password=password or "",
        sender=table.need("sender", mail_address, expected, ""),
        retry_days=table.take("retry_days", number(0.1, 60), 14.0),
        keep_days=table.take("keep_days", number(1, 3650), 90.0),
        owner=table.take("owner", distinct(listing(mail_address, '"you@example.net"')), first_box),
    )


def _speech(root: Table, folder: Path) -> SpeechSettings:
    table = root.table("speech", KEYS["speech"])
    return SpeechSettings(
        engine=table.take("engine", one_of(Engine), Engine.AUTO),
        model=table.take("model", folder_from(folder), None),
        voice=table.take("voice", _voice, "flite:slt"),
        language=table.take("language", safe_name, "en"),
    )


def _windows(root: Table) -> WindowSettings:
    table = root.table("windows", KEYS["windows"])
    usual = WindowSettings()
    return WindowSettings(
        code=table.take("code", _key_code, usual.code),
        expecting=table.take("expecting", duration(60, _LONGEST_WINDOW), usual.expecting),
        emergency=table.take("emergency", duration(0, _LONGEST_WINDOW), usual.emergency),
    )


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


# Readings of our own -----------------------------------------------------------------------------


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


def _ari_url(value: object) -> str:
    if isinstance(value, str) and value.isprintable() and " " not in value:
        parts = urlsplit(value.rstrip("/"))
        whole_url = parts.scheme in ("http", "https") and parts.hostname
        if whole_url and parts.path.endswith("/ari") and not (parts.query or parts.username):
            return value.rstrip("/")
    raise UnfitError('expected ARI\'s address like "http://127.0.0.1:8088/ari"')


def _host(value: object) -> str:
    if isinstance(value, str) and _HOST.fullmatch(value):
        return value
    raise UnfitError('expected a host name or an address like "127.0.0.1"')


def _port_range(value: object) -> tuple[int, int]:
    if isinstance(value, list) and len(value) == 2:
        first, last = value
        whole_numbers = all(type(port) is int for port in value)
        if whole_numbers and 1024 <= first <= last - 19 and last <= 65535:
            return first, last
    raise UnfitError("expected the first and the last of at least 20 ports, like [12000, 12999]")


def _key_code(value: object) -> str:
    # With a * or # in it: it can be no extension, and never the number of those who help.
    if isinstance(value, str) and (not value or _KEY_CODE.fullmatch(value)):
        return value
    raise UnfitError('expected what a phone dials, like "*39" (2 to 8 of 0-9, * and #), or ""')


def _voice(value: object) -> str:
    if isinstance(value, str) and _VOICE.fullmatch(value):
        return value
    raise UnfitError('expected a program and its voice: "flite:slt" or "espeak-ng:en-us"')
