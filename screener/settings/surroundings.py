"""What is around screener, as screener.toml has it: Asterisk, mail, speech, who reads reports."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from screener.core.frontdoor import NUMBER, Directory
from screener.core.week import WeeklyTime, weekly_time
from screener.settings import secret
from screener.settings.tables import (
    Table,
    UnfitError,
    distinct,
    folder_from,
    listing,
    mail_address,
    matching,
    number,
    one_of,
    safe_name,
    text,
    whole,
)

ARI_SECRET = "SCREENER_ARI_SECRET"
MAIL_PASSWORD = "SCREENER_MAIL_PASSWORD"

KEYS: Mapping[str, tuple[str, ...]] = {
    "asterisk": (
        *("url", "user", "secret_file", "app"),
        *("media_host", "sip_port", "http_port", "rtp_ports", "hep_port"),
        *("trunk", "send_away"),
    ),
    "mail": (
        *("host", "port", "security", "fingerprint", "user", "password_file", "sendmail"),
        *("sender", "owner", "retry_days"),
    ),
    "speech": ("engine", "model", "voice", "voices", "language"),
    "report": ("on", "to"),
}
"""The keys of each table."""

HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.:-]{0,252}[A-Za-z0-9])?|::1")
_VOICE = re.compile(r"(?:flite|espeak-ng):[A-Za-z0-9_+-]{1,40}")
_TRUNK = re.compile(r"[A-Za-z0-9]{2,20}/[A-Za-z0-9_.+:@/-]{0,100}", re.ASCII)
LOCAL = ("localhost", "127.0.0.1", "::1")
_FINGERPRINT = re.compile(r"sha256:(?:[0-9a-f]{2}:?){31}[0-9a-f]{2}")


class MailSecurity(StrEnum):
    """How the connection to the mail server is protected."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


_MAIL_PORTS = {MailSecurity.NONE: 25, MailSecurity.STARTTLS: 587, MailSecurity.TLS: 465}


class SendAway(StrEnum):
    """How a call that a rule sends elsewhere gets there."""

    REDIRECT = "redirect"  # the caller's network is told: SIP 302, after the answer REFER
    BRIDGE = "bridge"  # where it takes neither: dialled over the trunk, and connected


class Engine(StrEnum):
    """Which speech recogniser listens; auto takes Vosk where a model is found."""

    AUTO = "auto"
    VOSK = "vosk"
    POCKETSPHINX = "pocketsphinx"


@dataclass(frozen=True, slots=True)
class AsteriskSettings:
    """The Asterisk to use. `url` None means: a private one that screener installs and runs.

    `url` is ARI's base ("http://127.0.0.1:8088/ari"). `media_host` is the address of this machine
    as Asterisk sees it, for the caller's audio. The ports are those of the private Asterisk; to
    `hep_port`, of this machine, it copies its SIP messages (capture.py); 0: it does not.
    `trunk` is what is dialled for a number outside, "PJSIP/{number}@trunk" ("": none is).
    """

    url: str | None
    user: str
    secret: str
    app: str
    media_host: str
    sip_port: int
    http_port: int
    rtp_ports: tuple[int, int]
    hep_port: int = 9160
    trunk: str = ""
    send_away: SendAway = SendAway.REDIRECT

    def __repr__(self) -> str:  # the secret is never printed
        return f"AsteriskSettings(url={self.url!r}, user={self.user!r}, app={self.app!r})"


@dataclass(frozen=True, slots=True)
class MailSettings:
    """The mail server that recordings are handed to; `host` is "" where there is only `sendmail`.

    `sendmail` is the program that has the mail when the server cannot be reached, "" for none.
    `fingerprint` pins the server's certificate: "sha256:" and 64 hexadecimal digits, "" for none.
    `retry_days`: how long it may be down.
    `owner` are the addresses that hear of what needs the owner's hand; none: nobody does.
    """

    host: str
    port: int
    security: MailSecurity
    user: str
    password: str
    sender: str
    retry_days: float
    owner: tuple[str, ...] = ()
    sendmail: str = ""
    fingerprint: str = ""

    def __repr__(self) -> str:
        return f"MailSettings(host={self.host!r}, port={self.port}, sender={self.sender!r})"


@dataclass(frozen=True, slots=True)
class SpeechSettings:
    """How callers are understood and how prompts are spoken.

    `model` is a Vosk model folder, or None to look in the data folder's `models/`. `voice` is
    "program:voice" ("flite:slt", "espeak-ng:en-us"); `language` names the file of prompt texts.
    `voices` are those of other languages, by language.
    """

    engine: Engine
    model: Path | None
    voice: str
    language: str = "en"
    voices: Mapping[str, str] = field(default_factory=dict)

    def voice_of(self, language: str) -> str:
        """The program and voice that speak the prompts of a language."""
        if language == self.language:
            return self.voice
        return self.voices.get(language) or usual_voice(language)


def usual_voice(language: str) -> str:
    """The voice of a language for which none is named: flite has English only."""
    return "flite:slt" if language == "en" else f"espeak-ng:{language}"


_ANY_SECRET = "openssl rand -hex 24"  # prints one
_MONDAY = WeeklyTime(0, time(8))


@dataclass(frozen=True, slots=True)
class ReportSettings:
    """The weekly report: when it is mailed (None: never), in the owner's zone, and to whom."""

    on: WeeklyTime | None = _MONDAY
    to: tuple[str, ...] = ()


def asterisk(root: Table, folder: Path, warnings: list[str]) -> AsteriskSettings:
    """The Asterisk to use. `folder` is where paths in screener.toml begin."""
    table = root.table("asterisk", KEYS["asterisk"])
    url = table.take("url", _ari_url, None)
    given = secret.read(table, "secret_file", ARI_SECRET, folder, warnings, make=_ANY_SECRET)
    if given is None and "url" in table and "secret_file" not in table:
        where = table.name("secret_file")
        table.mistakes.missing(where, f"expected the file with the ARI secret, or ${ARI_SECRET}")
    trunk = table.take("trunk", _trunk, "")
    send_away = table.take("send_away", one_of(SendAway), SendAway.REDIRECT)
    if send_away is SendAway.BRIDGE and "trunk" not in table:
        expected = "expected what is dialled for a number outside, where calls are bridged"
        table.mistakes.missing(table.name("trunk"), expected)
    return AsteriskSettings(
        url=url,
        user=table.take("user", safe_name, "screener"),
        secret=given or "",
        app=table.take("app", safe_name, "screener"),
        media_host=table.take("media_host", _host, "127.0.0.1"),
        sip_port=table.take("sip_port", whole(1024, 65535), 5160),
        http_port=table.take("http_port", whole(1024, 65535), 8188),
        rtp_ports=table.take("rtp_ports", _port_range, (12000, 12999)),
        hep_port=table.take("hep_port", _port_or_none, 9160),
        trunk=trunk,
        send_away=send_away,
    )


def mail(root: Table, folder: Path, people: Directory, warnings: list[str]) -> MailSettings:
    """The mail server. `people` names who hears of trouble, where nobody is named for it."""
    table = root.table("mail", KEYS["mail"])
    security = table.take("security", one_of(MailSecurity), MailSecurity.NONE)
    sendmail = table.take("sendmail", _program, "")
    server = not sendmail or "host" in table
    host = table.take("host", _host, "localhost") if server else ""
    _refuse_lonely(table, ("port", "security", "fingerprint", "user"), server)
    fingerprint = table.take("fingerprint", _fingerprint, "")
    if fingerprint and security is MailSecurity.NONE:
        _refuse_unpinnable(table)
    user = table.take("user", text, "")
    password = secret.read(table, "password_file", MAIL_PASSWORD, folder, warnings)
    if user and password is None and "password_file" not in table:
        where = table.name("password_file")
        table.mistakes.missing(
            where, f"expected the file with {user}'s password, or ${MAIL_PASSWORD}"
        )
    if "password_file" in table and "user" not in table:
        table.mistakes.missing(table.name("user"), "expected the user whose password is given")
    if user and security is MailSecurity.NONE and host not in LOCAL:
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
        owner=table.take("owner", distinct(listing(mail_address, '"you@example.net"')), first_box),
        sendmail=sendmail,
        fingerprint=fingerprint,
    )


def _refuse_unpinnable(table: Table) -> None:
    """A fingerprint has no meaning without TLS. A value that is none was told already."""
    key, expected = "security", '"starttls" or "tls": only these show a certificate to be pinned'
    if key not in table:
        table.mistakes.missing(table.name(key), f"expected {expected}")
    elif table[key] == MailSecurity.NONE:
        table.mistakes.note(table.name(key), table[key], f"expected {expected}")


def _refuse_lonely(table: Table, keys: tuple[str, ...], server: bool) -> None:
    """What is said of a mail server has no meaning without one."""
    if not server and any(key in table for key in keys):
        given = ", ".join(key for key in keys if key in table)
        expected = f"expected the mail server that {given} is about; without one, only sendmail"
        table.mistakes.missing(table.name("host"), f"{expected} has the mail")


def speech(root: Table, folder: Path) -> SpeechSettings:
    """The speech engine and the voice."""
    table = root.table("speech", KEYS["speech"])
    language = table.take("language", safe_name, "en")
    voices = table.owned("voices")
    return SpeechSettings(
        engine=table.take("engine", one_of(Engine), Engine.AUTO),
        model=table.take("model", folder_from(folder), None),
        voice=table.take("voice", _voice, usual_voice(language)),
        language=language,
        voices={name: voices.take(name, _voice, "") for name in voices},
    )


def report(root: Table, mail: MailSettings, warnings: list[str]) -> ReportSettings:
    """The weekly report; it goes to the owner, unless others are named."""
    table = root.table("report", KEYS["report"])
    on = table.take("on", _weekly_time, ReportSettings().on)
    to = table.take("to", distinct(listing(mail_address, '"you@example.net"')), mail.owner)
    if "on" in table and on is not None and not to:
        warnings.append("report.on is set, and nobody gets the report: name him in report.to")
    return ReportSettings(on, to)


def _weekly_time(value: object) -> WeeklyTime | None:
    if value == "":
        return None
    try:
        if isinstance(value, str):
            return weekly_time(value)
    except ValueError:
        pass
    raise UnfitError('expected a day and a time like "mon 08:00", or "" for no report')


def _ari_url(value: object) -> str:
    if isinstance(value, str) and value.isprintable() and " " not in value:
        parts = urlsplit(value.rstrip("/"))
        whole_url = parts.scheme in ("http", "https") and parts.hostname
        if whole_url and parts.path.endswith("/ari") and not (parts.query or parts.username):
            return value.rstrip("/")
    raise UnfitError('expected ARI\'s address like "http://127.0.0.1:8088/ari"')


_host = matching(HOST, 'expected a host name or an address like "127.0.0.1"')


def _program(value: object) -> str:
    if isinstance(value, str) and value.startswith("/") and value.isprintable():
        return value
    raise UnfitError('expected the whole path of a program, like "/usr/sbin/sendmail"')


def _fingerprint(value: object) -> str:
    """Without the colons that other programs set between the digits, and in small letters."""
    if isinstance(value, str) and _FINGERPRINT.fullmatch(value.lower()):
        return "sha256:" + value.lower().removeprefix("sha256:").replace(":", "")
    raise UnfitError('expected what `screener check` shows: "sha256:" and 64 hexadecimal digits')


def _port_range(value: object) -> tuple[int, int]:
    if isinstance(value, list) and len(value) == 2:
        first, last = value
        whole_numbers = all(type(port) is int for port in value)
        if whole_numbers and 1024 <= first <= last - 19 and last <= 65535:
            return first, last
    raise UnfitError("expected the first and the last of at least 20 ports, like [12000, 12999]")


def _port_or_none(value: object) -> int:
    if type(value) is int and (value == 0 or 1024 <= value <= 65535):
        return value
    raise UnfitError("expected a port from 1024 to 65535, or 0 for none")


def _trunk(value: object) -> str:
    once = isinstance(value, str) and value.count(NUMBER) == 1
    if isinstance(value, str) and once and _TRUNK.fullmatch(value.replace(NUMBER, "")):
        return value
    raise UnfitError(f'expected what Asterisk dials for a number, like "PJSIP/{NUMBER}@trunk"')


_voice = matching(_VOICE, 'expected a program and its voice: "flite:slt" or "espeak-ng:en-us"')
