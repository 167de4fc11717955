"""screener.toml -> frozen settings.

`load(path)` returns `Settings` or raises `ConfigError` with every mistake at once; each names the
file, the key, the value found and what was expected. What may stand in the file is `KEYS`, and the
starter file (screener/starter/screener.toml) explains each of them.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import phonenumbers

from screener.core import number, rulefile
from screener.core.frontdoor import Extension, FrontDoor, MessageBox, Phone, RingGroup
from screener.core.rules import Rule, RuleSet
from screener.errors import ConfigError
from screener.tables import (
    Mistakes,
    Reading,
    Table,
    UnfitError,
    duration,
    listing,
    mail_address,
    nearest,
    one_of,
    safe_name,
    shown,
    text,
    whole,
)
from screener.tables import number as number_from

T = TypeVar("T")

FILE = "screener.toml"
ARI_SECRET = "SCREENER_ARI_SECRET"
MAIL_PASSWORD = "SCREENER_MAIL_PASSWORD"

KEYS: Mapping[str, tuple[str, ...]] = {
    "": (
        *("country", "dids", "extensions", "phones", "groups", "boxes"),
        *("asterisk", "mail", "speech", "paths"),
    ),
    "dids": ("ring", "box", "extensions", "tries"),
    "extensions": ("names", "ring", "box"),
    "groups": ("phones", "seconds"),
    "boxes": ("mail", "limit"),
    "asterisk": (
        *("url", "user", "secret_file", "app"),
        *("media_host", "sip_port", "http_port", "rtp_ports"),
    ),
    "mail": ("host", "port", "security", "user", "password_file", "sender", "retry_days"),
    "speech": ("engine", "model", "voice", "language"),
    "paths": ("rules", "grammars", "sounds", "data"),
}
"""The keys of each table; those of `dids`, `extensions`, `groups` and `boxes` stand one level
deeper, under the owner's own name (`[groups.family]`)."""


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
    """The mail server that recordings are handed to. `retry_days`: how long it may be down."""

    host: str
    port: int
    security: MailSecurity
    user: str
    password: str
    sender: str
    retry_days: float

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
class Settings:
    """Everything that screener.toml says. Paths are absolute; numbers are E.164; times seconds.

    `warnings` are sentences to show at the start: what is allowed and yet unwise.
    """

    path: Path
    country: str
    doors: Mapping[str, FrontDoor]
    phones: Mapping[str, Phone]
    groups: Mapping[str, RingGroup]
    boxes: Mapping[str, MessageBox]
    asterisk: AsteriskSettings
    mail: MailSettings
    speech: SpeechSettings
    rules: Path
    grammars: Path
    sounds: Path
    data: Path
    warnings: tuple[str, ...] = ()


_MAIL_PORTS = {MailSecurity.NONE: 25, MailSecurity.STARTTLS: 587, MailSecurity.TLS: 465}
_ENDPOINT = re.compile(r"[A-Za-z0-9]{2,20}/[A-Za-z0-9_.+:@/-]{1,200}")
_PRIVATE_ENDPOINT = re.compile(r"PJSIP/[A-Za-z0-9_-]{1,40}")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.:-]{0,252}[A-Za-z0-9])?|::1")
_VOICE = re.compile(r"(?:flite|espeak-ng):[A-Za-z0-9_+-]{1,40}")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*", re.UNICODE)
_LOCAL = ("localhost", "127.0.0.1", "::1")
_DIGIT_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_NO_GROUP = RingGroup("", ())
_NO_BOX = MessageBox("", ())


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
    paths = _paths(root, folder)
    asterisk = _asterisk(root, folder, warnings)
    phones = _phones(root, private=asterisk.url is None)
    groups = _groups(root, phones)
    boxes = _boxes(root)
    extensions = _extensions(root, groups, boxes)
    doors = _doors(root, country, groups, boxes, extensions)
    mail = _mail(root, folder, warnings)
    speech = _speech(root, folder)
    if not mistakes.sentences and asterisk.url is None and not asterisk.secret:
        asterisk = replace(asterisk, secret=_kept_secret(paths["data"], mistakes))
    if mistakes.sentences:
        raise ConfigError(mistakes.sentences)
    return Settings(
        path=path.resolve(),
        country=country,
        doors=doors,
        phones=phones,
        groups=groups,
        boxes=boxes,
        asterisk=asterisk,
        mail=mail,
        speech=speech,
        warnings=tuple(warnings),
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


def load_rules(settings: Settings) -> RuleSet:
    """Read every *.rules file of the rules folder, in the order of their names.

    Raises `ConfigError` with every mistake of every file, each with its line and column.
    """
    rules: list[Rule] = []
    mistakes: list[str] = []
    for path in sorted(settings.rules.glob("*.rules")):
        try:
            content = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            mistakes.append(f"{path}:{line}: not UTF-8 text; save the file as UTF-8")
            continue
        except OSError as error:
            mistakes.append(f"{path}: cannot be read ({error.strerror})")
            continue
        found, wrong = rulefile.parse(content, path.name, settings.country)
        rules.extend(found)
        mistakes.extend(f"{settings.rules}/{mistake}" for mistake in wrong)
    if mistakes:
        raise ConfigError(mistakes)
    return RuleSet(tuple(rules))


# Who rings and where messages go -----------------------------------------------------------------


def _phones(root: Table, private: bool) -> dict[str, Phone]:
    table = root.owned("phones")
    reading = _private_endpoint if private else _endpoint
    phones: dict[str, Phone] = {}
    for name in table:
        _check_name(table.mistakes, table.name(name), name)
        endpoint = table.take(name, reading, "")
        twin = next((p.name for p in phones.values() if endpoint and p.endpoint == endpoint), None)
        if twin is not None:
            table.mistakes.note(table.name(name), endpoint, f"is the same phone as phones.{twin}")
        phones[name] = Phone(name, endpoint)
    return phones


def _groups(root: Table, phones: Mapping[str, Phone]) -> dict[str, RingGroup]:
    groups: dict[str, RingGroup] = {}
    reading = _distinct(listing(_member(phones, "phone", "[phones]"), '"kitchen"'))
    expected = 'expected the phones that ring: ["kitchen"]'
    nobody: tuple[Phone, ...] = ()
    for name, table in root.tables("groups", KEYS["groups"]).items():
        _check_name(table.mistakes, table.where, name)
        members = table.need("phones", reading, expected, nobody)
        if "phones" in table and table["phones"] == []:
            table.mistakes.note(table.name("phones"), [], "a group needs at least one phone")
        groups[name] = RingGroup(name, members, table.take("seconds", duration(5, 300), 25.0))
    return groups


def _boxes(root: Table) -> dict[str, MessageBox]:
    boxes: dict[str, MessageBox] = {}
    reading = _distinct(listing(mail_address, '"you@example.net"'))
    expected = 'expected mail addresses: ["you@example.net"]'
    nowhere: tuple[str, ...] = ()
    for name, table in root.tables("boxes", KEYS["boxes"]).items():
        _check_name(table.mistakes, table.where, name)
        mail = table.need("mail", reading, expected, nowhere)
        if "mail" in table and table["mail"] == []:
            table.mistakes.note(table.name("mail"), [], "a box needs at least one mail address")
        boxes[name] = MessageBox(name, mail, table.take("limit", duration(5, 3600), 300.0))
    return boxes


def _extensions(
    root: Table, groups: Mapping[str, RingGroup], boxes: Mapping[str, MessageBox]
) -> dict[str, Extension]:
    extensions: dict[str, Extension] = {}
    reading = _distinct(listing(_spoken_name, '"office"'))
    unnamed: tuple[str, ...] = ()
    for key, table in root.tables("extensions", KEYS["extensions"]).items():
        if not (key.isascii() and key.isdigit() and len(key) <= 8):
            table.mistakes.note(table.where, key, "expected an extension of 1 to 8 digits")
        names = table.take("names", reading, unnamed)
        group, box = _behind(table, groups, boxes)
        extensions[key] = Extension(key, names, group, box)
    return extensions


def _doors(
    root: Table,
    country: str,
    groups: Mapping[str, RingGroup],
    boxes: Mapping[str, MessageBox],
    extensions: Mapping[str, Extension],
) -> dict[str, FrontDoor]:
    doors: dict[str, FrontDoor] = {}
    tables = root.tables("dids", KEYS["dids"])
    if not tables:
        expected = 'expected a number that people dial to reach you: [dids."+18182223333"]'
        root.mistakes.missing("dids", expected)
    listed = _distinct(listing(_member(extensions, "extension", "[extensions]"), '"1"'))
    for written, table in tables.items():
        did = _did(table, written, country)
        if did in doors:
            table.mistakes.note(table.where, written, f"is the same number as {did}, given above")
        group, box = _behind(table, groups, boxes)
        open_to = table.take("extensions", listed, tuple(extensions.values()))
        if not open_to:
            expected = "needs at least one extension, or unknown callers could reach nobody"
            table.mistakes.missing(table.name("extensions"), expected)
        _check_spoken(table, open_to)
        tries = table.take("tries", whole(1, 9), 3)
        doors[did] = FrontDoor(did, group, box, {e.number: e for e in open_to}, tries)
    _check_reachable(root, doors, extensions)
    return doors


def _behind(
    table: Table, groups: Mapping[str, RingGroup], boxes: Mapping[str, MessageBox]
) -> tuple[RingGroup, MessageBox]:
    """The ring group and the message box that a DID or an extension names."""
    ring = _member(groups, "ring group", "[groups.NAME]")
    box = _member(boxes, "message box", "[boxes.NAME]")
    return (
        table.need("ring", ring, "expected the name of a ring group", _NO_GROUP),
        table.need("box", box, "expected the name of a message box", _NO_BOX),
    )


def _check_spoken(table: Table, extensions: tuple[Extension, ...]) -> None:
    """A spoken name reaches one extension of a DID, and does not sound like another's number."""
    numbers = {e.number for e in extensions}
    taken: dict[str, str] = {}
    for extension in extensions:
        key = f"extensions.{extension.number}.names"
        for name in extension.names:
            if name in taken:
                expected = f"extension {taken[name]} of {table.where} has this name already"
                table.mistakes.note(key, name, expected)
            taken.setdefault(name, extension.number)
            said = _digits_said(name)
            if said in numbers and said != extension.number:
                table.mistakes.note(key, name, f"is how a caller says extension {said}")


def _check_reachable(
    root: Table, doors: Mapping[str, FrontDoor], extensions: Mapping[str, Extension]
) -> None:
    reachable = {key for door in doors.values() for key in door.extensions}
    unreached = sorted(extensions.keys() - reachable) if doors else []
    for key in unreached:
        expected = "is in no DID's list of extensions, so no caller could reach it"
        root.mistakes.note("extensions", key, expected)


def _digits_said(name: str) -> str:
    words = name.split()
    if all(word in _DIGIT_WORDS for word in words):
        return "".join(str(_DIGIT_WORDS.index(word)) for word in words)
    return ""


def _did(table: Table, written: str, country: str) -> str:
    read = number.read(written, country) if country else None
    if read is not None and not read.e164:
        expected = f"expected a telephone number like +18182223333, or as written in {country}"
        table.mistakes.note(table.where, written, expected)
    return read.e164 if read is not None and read.e164 else written


def _check_name(mistakes: Mistakes, where: str, name: str) -> None:
    """Note it when the owner's own name for a phone, a group or a box cannot go into files."""
    try:
        safe_name(name)
    except UnfitError as unfit:
        mistakes.note(where, name, str(unfit))


# The programs around us --------------------------------------------------------------------------


def _asterisk(root: Table, folder: Path, warnings: list[str]) -> AsteriskSettings:
    table = root.table("asterisk", KEYS["asterisk"])
    url = table.take("url", _ari_url, None)
    secret = _secret(table, "secret_file", ARI_SECRET, folder, warnings)
    if secret is None and "url" in table:
        where = table.name("secret_file")
        table.mistakes.missing(where, f"expected the file with the ARI secret, or ${ARI_SECRET}")
    return AsteriskSettings(
        url=url,
        user=table.take("user", safe_name, "screener"),
        secret=secret or "",
        app=table.take("app", safe_name, "screener"),
        media_host=table.take("media_host", _host, "127.0.0.1"),
        sip_port=table.take("sip_port", whole(1024, 65535), 5160),
        http_port=table.take("http_port", whole(1024, 65535), 8188),
        rtp_ports=table.take("rtp_ports", _port_range, (12000, 12999)),
    )


def _mail(root: Table, folder: Path, warnings: list[str]) -> MailSettings:
    table = root.table("mail", KEYS["mail"])
    security = table.take("security", one_of(MailSecurity), MailSecurity.NONE)
    host = table.take("host", _host, "localhost")
    user = table.take("user", text, "")
    password = _secret(table, "password_file", MAIL_PASSWORD, folder, warnings)
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
    return MailSettings(
        host=host,
        port=table.take("port", whole(1, 65535), _MAIL_PORTS[security]),
        security=security,
        user=user,
        password=password or "",
        sender=table.need("sender", mail_address, expected, ""),
        retry_days=table.take("retry_days", number_from(0.1, 60), 14.0),
    )


def _speech(root: Table, folder: Path) -> SpeechSettings:
    table = root.table("speech", KEYS["speech"])
    return SpeechSettings(
        engine=table.take("engine", one_of(Engine), Engine.AUTO),
        model=table.take("model", _existing_folder(folder), None),
        voice=table.take("voice", _voice, "flite:slt"),
        language=table.take("language", safe_name, "en"),
    )


def _paths(root: Table, folder: Path) -> dict[str, Path]:
    """The four folders; all but the data folder must be there."""
    table = root.table("paths", KEYS["paths"])
    paths: dict[str, Path] = {}
    for key in KEYS["paths"]:
        reading = _path(folder) if key == "data" else _existing_folder(folder)
        paths[key] = table.take(key, reading, folder / key)
        if key == "data" and "," in str(paths[key]):  # ARI takes it for the end of a sound's name
            expected = "expected a path without a comma: Asterisk could play nothing from it"
            table.mistakes.note(table.name(key), str(paths[key]), expected)
        if key != "data" and key not in table and not paths[key].is_dir():
            expected = f"expected a folder {paths[key]}; `screener init` shows how one looks"
            table.mistakes.missing(table.name(key), expected)
    return paths


def _secret(table: Table, key: str, variable: str, folder: Path, warnings: list[str]) -> str | None:
    """A secret from the environment or else from the file that `key` names; never shown."""
    if from_environment := os.environ.get(variable):
        return from_environment
    path = table.take(key, _path(folder), None)
    if path is None:
        return None
    try:
        secret = path.read_text(encoding="utf-8").strip()
        mode = path.stat().st_mode
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        table.mistakes.note(table.name(key), table[key], f"cannot be read ({reason})")
        return None
    if not secret.isprintable() or not secret:
        table.mistakes.note(table.name(key), table[key], "expected a file with one line in it")
        return None
    if mode & stat.S_IROTH:
        warnings.append(f"{path} can be read by every user of this machine; chmod 600 it")
    return secret


def _kept_secret(data: Path, mistakes: Mistakes) -> str:
    """The private Asterisk's secret, made on the first start. Whoever comes second reads it."""
    path = data / "ari-secret"
    try:
        if not path.exists():
            data.mkdir(parents=True, exist_ok=True)
            draft = data / f".ari-secret-{os.getpid()}"
            draft.touch(mode=0o600)
            draft.write_text(secrets.token_urlsafe(24) + "\n", encoding="ascii")
            with contextlib.suppress(FileExistsError):
                path.hardlink_to(draft)
            draft.unlink()
        return path.read_text(encoding="ascii").strip()
    except OSError as error:
        expected = f"the ARI secret cannot be kept in it ({error.strerror})"
        mistakes.note("paths.data", str(data), expected)
        return ""


# Readings of our own -----------------------------------------------------------------------------


def _country(value: object) -> str:
    if isinstance(value, str) and value.upper() in phonenumbers.SUPPORTED_REGIONS:
        return value.upper()
    raise UnfitError('expected a country code of two letters (ISO 3166) like "US", "GB", "DE"')


def _endpoint(value: object) -> str:
    if isinstance(value, str) and _ENDPOINT.fullmatch(value):
        return value
    raise UnfitError('expected what Asterisk dials, like "PJSIP/kitchen"')


def _private_endpoint(value: object) -> str:
    if isinstance(value, str) and _PRIVATE_ENDPOINT.fullmatch(value):
        return value
    raise UnfitError('expected "PJSIP/" and a name of letters, digits, - and _: "PJSIP/kitchen"')


def _member(known: Mapping[str, T], kind: str, table: str) -> Reading[T]:
    """The name of something that stands elsewhere in the file."""

    def reading(value: object) -> T:
        if isinstance(value, str) and value in known:
            return known[value]
        if not isinstance(value, str):
            raise UnfitError(f"expected the name of a {kind} in {table}, in quotes")
        raise UnfitError(f"there is no such {kind} in {table}; {nearest(value, known)}")

    return reading


def _distinct(reading: Reading[tuple[T, ...]]) -> Reading[tuple[T, ...]]:
    """The same thing twice in a list is a slip of the pen."""

    def whole_list(value: object) -> tuple[T, ...]:
        items = reading(value)
        written = [shown(item) for item in value] if isinstance(value, list) else []
        twice = sorted({item for item in written if written.count(item) > 1})
        if twice:
            raise UnfitError(f"{', '.join(twice)} stands in it twice")
        return items

    return whole_list


def _spoken_name(value: object) -> str:
    """Words as a caller says them; JSGF gives every sign but letters and ' a meaning."""
    words = value.casefold().split() if isinstance(value, str) else []
    if words and len(words) <= 6 and all(_WORD.fullmatch(word) for word in words):
        return " ".join(words)
    raise UnfitError('expected words of letters only, as a caller says them: "doctor smith"')


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


def _voice(value: object) -> str:
    if isinstance(value, str) and _VOICE.fullmatch(value):
        return value
    raise UnfitError('expected a program and its voice: "flite:slt" or "espeak-ng:en-us"')


def _path(folder: Path) -> Reading[Path]:
    """A path as written, seen from the folder that screener.toml is in."""

    def reading(value: object) -> Path:
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            raise UnfitError("expected a path, in quotes")
        return (folder / Path(value).expanduser()).absolute()

    return reading


def _existing_folder(folder: Path) -> Reading[Path]:
    def reading(value: object) -> Path:
        path = _path(folder)(value)
        if not path.is_dir():
            raise UnfitError(f"there is no folder {path}")
        return path

    return reading
