"""What the owner has set up behind a DID: phones, ring groups, message boxes, extensions.

Built once by `directory.py` from screener.toml, never changed. The call scripts read nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Phone:
    """A thing that rings. `endpoint` is what Asterisk dials: "PJSIP/kitchen"."""

    name: str
    endpoint: str


@dataclass(frozen=True, slots=True)
class RingGroup:
    """Phones that ring together, for `seconds` at most."""

    name: str
    phones: tuple[Phone, ...]
    seconds: float = 25.0


@dataclass(frozen=True, slots=True)
class MessageBox:
    """Where a recorded message goes: the mail addresses it serves and its limit in seconds."""

    name: str
    mail: tuple[str, ...]
    limit: float = 300.0


@dataclass(frozen=True, slots=True)
class Extension:
    """What a caller keys or says at the attendant.

    `number` is one or more digits; `names` are the words that reach it ("office", "doctor smith").
    """

    number: str
    names: tuple[str, ...]
    group: RingGroup
    box: MessageBox

    @property
    def title(self) -> str:
        """What it is called in a story: its first spoken name, or the group it rings."""
        return self.names[0] if self.names else self.group.name


class Challenged(StrEnum):
    """Which strangers are asked the challenge (core/challenge.py)."""

    NEVER = "never"
    UNSURE = "unsure"  # who has talked and named no extension, in place of the last try
    ALWAYS = "always"  # all, before the menu


@dataclass(frozen=True, slots=True)
class FrontDoor:
    """One DID and what stands behind it.

    `did` is E.164 ("+18182223333"). `group` rings for callers on the allow list and whenever
    screener cannot decide; `box` takes a message when no extension was chosen. `tries` is how
    often the attendant asks before it offers the box; `challenged` is who has to answer a riddle.
    """

    did: str
    group: RingGroup
    box: MessageBox
    extensions: Mapping[str, Extension]
    tries: int = 3
    challenged: Challenged = Challenged.UNSURE

    @property
    def menu(self) -> str:
        """The name of the prompt that reads out this door's extensions."""
        return f"menu-{self.did.removeprefix('+')}"


@dataclass(frozen=True, slots=True)
class Directory:
    """Who can be reached: the front doors by their DIDs (E.164), all else by its own name."""

    doors: Mapping[str, FrontDoor]
    phones: Mapping[str, Phone]
    groups: Mapping[str, RingGroup]
    boxes: Mapping[str, MessageBox]
    extensions: Mapping[str, Extension]
