"""What all calls share: the programs around them, and what the owner has set up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from screener.asterisk.capture import Capture
from screener.asterisk.client import Client
from screener.asterisk.connection import Connection
from screener.asterisk.media import Media
from screener.calls.acquaintance import Acquaintance
from screener.calls.heardaudio import HeardAudio
from screener.calls.switchboard import Switchboard
from screener.campaigns.learning import Campaigns
from screener.config import Settings
from screener.core.grammar import PhraseClass
from screener.mail.links import Links
from screener.mail.outbox import Outbox
from screener.messages.room import Room
from screener.recogniser import Recogniser
from screener.records.store import Store
from screener.voice.prompts import Prompts


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
    room: Room
    links: Links
    campaigns: Campaigns
    heard: HeardAudio
    switchboard: Switchboard
    settings: Settings
    capture: Capture
