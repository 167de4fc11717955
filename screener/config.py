"""screener.toml -> frozen settings.

`load(path)` returns `Settings` or raises `ConfigError` with every mistake at once; each names the
file, the key, the value found and what was expected.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from screener.core.frontdoor import FrontDoor, MessageBox, Phone, RingGroup


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
    "program:voice" ("flite:slt", "espeak-ng:en-us").
    """

    engine: Engine
    model: Path | None
    voice: str


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that screener.toml says. Paths are absolute; numbers are E.164; times seconds."""

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
