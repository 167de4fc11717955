"""What all calls share: the programs around them, and what the owner has set up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from screener.acquaintance import Acquaintance
from screener.asterisk.capture import Capture
from screener.asterisk.client import Client
from screener.asterisk.connection import Connection
from screener.asterisk.media import Media
from screener.campaigns import Campaigns
from screener.config import Settings
from screener.core.grammar import PhraseClass
from screener.heardaudio import HeardAudio
from screener.links import Links
from screener.outbox import Outbox
from screener.prompts import Prompts
from screener.recogniser import Recogniser
from screener.store import Store
from screener.switchboard import Switchboard


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What all calls share; `takes` is the folder of recordings that are not kept yet."""

    acquaintance: Acquaintance
    client: Client
    connection: Connection
    media: Media
    recogniser: Recogniser
    classes: Sequence[PhraseClass]
    prompts: Prompts
    outbox: Outbox
    store: Store
    takes: Path
    links: Links
    campaigns: Campaigns
    heard: HeardAudio
    switchboard: Switchboard
    settings: Settings
    capture: Capture
