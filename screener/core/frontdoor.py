"""What the owner has set up behind a DID: phones, ring groups, boxes, extensions, menus, hours.

Built once by `directory.py` from screener.toml, never changed. The call scripts read nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import TypeVar

from screener.core.hours import Hours

K = TypeVar("K")
V = TypeVar("V")


def nothing() -> Mapping[K, V]:
    """An empty mapping that nobody can write to."""
    return MappingProxyType({})


# Phones and ring groups --------------------------------------------------------------------------


class Redirects(StrEnum):
    """What is done with a phone's redirect (SIP 3xx)."""

    IGNORE = "ignore"  # this phone is out, the others ring on
    INSIDE = "inside"  # followed to phones, groups and extensions of this house
    LISTED = "listed"  # followed to these, and to the numbers of RingGroup.redirect_to
    BUSY = "busy"  # as if the phone had said that it is busy


@dataclass(frozen=True, slots=True)
class Phone:
    """A thing that rings. `endpoint` is what Asterisk dials: "PJSIP/kitchen".

    A phone that has to `confirm` is one whose answer may be a machine's, a mobile reached over a
    trunk above all: whoever answers must press a key. It joins `delay` seconds after its group
    begins to ring (or its turn has come), and rings within its `hours` only (None: always).
    `redirects` is its own policy, None for its group's. `alert` is sent as Alert-Info.
    """

    name: str
    endpoint: str
    confirm: bool = False
    delay: float = 0.0
    hours: Hours | None = None
    redirects: Redirects | None = None
    alert: str = ""


class Strategy(StrEnum):
    """In which order a group's phones ring."""

    ALL = "all"  # all at once
    IN_TURN = "in-turn"  # one after the other, as listed (hunt)
    MEMORY_HUNT = "memory-hunt"  # the first; the first and the second; then three ...
    ROUND_ROBIN = "round-robin"  # in turn, beginning behind the one that the last call began with
    RANDOM = "random"  # in turn, in an order drawn for each call
    FIRST_AVAILABLE = "first-available"  # only the first that is neither busy nor unreachable
    LEAST_RECENT = "least-recent"  # in turn, who has not answered for the longest time first


class Announced(StrEnum):
    """Whose calls are announced to the called person, who then chooses what becomes of them."""

    NEVER = "never"
    UNKNOWN = "unknown"  # of callers whom no rule let in
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class RingGroup:
    """Phones that ring together or in turn, for `seconds` in all.

    `each` is how long one phone rings where they ring in turn. A phone that is in a call is passed
    over unless `call_waiting`. `redirect_to` are the numbers (E.164) that a phone may redirect to.
    `prefix` stands before the caller's name on the phones ("DOOR:"), `unproved_prefix` before the
    name of a caller who has not shown that he is a person ("?:"). `alert` is sent as Alert-Info.
    Meanwhile the caller hears the ringing tone, or the `music` of that class of music on hold;
    every `told_every` seconds he is told to wait (0: never).
    """

    name: str
    phones: tuple[Phone, ...]
    seconds: float = 25.0
    strategy: Strategy = Strategy.ALL
    each: float = 15.0
    call_waiting: bool = False
    redirects: Redirects = Redirects.IGNORE
    redirect_to: tuple[str, ...] = ()
    announced: Announced = Announced.NEVER
    prefix: str = ""
    unproved_prefix: str = ""
    alert: str = ""
    music: str = ""
    told_every: float = 0.0


# Who can be reached ------------------------------------------------------------------------------


class SoundFormat(StrEnum):
    """What a recording is mailed as: its file name's ending."""

    MP3 = "mp3"
    OPUS = "opus"
    WAV = "wav"


@dataclass(frozen=True, slots=True)
class MessageBox:
    """Where a recorded message goes: the mail addresses it serves and its limit in seconds.

    `notify` is the phone ("PJSIP/kitchen") that is sent a SIP MESSAGE when a caller asks to be
    called back ("": none). A message ends by `silence` seconds of quiet, too (0: it does not).
    It is mailed as `form`, with `bits` a second (no matter for WAV), its times of day in `zone`
    (an IANA name; "" for the owner's), a machine's `transcript` with it. With `feed`, the box is a
    private podcast as well. Who keys `pin` hears it by phone ("": nobody does); `lamps` are the
    phones, by their names, that show that a message waits there.
    """

    name: str
    mail: tuple[str, ...]
    limit: float = 300.0
    notify: str = ""
    silence: float = 6.0
    form: SoundFormat = SoundFormat.MP3
    bits: int = 32000
    zone: str = ""
    transcript: bool = True
    feed: bool = False
    pin: str = field(default="", repr=False)
    lamps: tuple[str, ...] = ()


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

    @property
    def prompt(self) -> str:
        """The name of the prompt that says who it is: its title, or the owner's own recording."""
        return f"extension-{self.number}"


# Menus -------------------------------------------------------------------------------------------


class Step(StrEnum):
    """What a choice of a menu does."""

    EXTENSION = "extension"  # rings it; `aim` is its number
    MENU = "menu"  # another menu; `aim` is its name
    MESSAGE = "message"  # the message box `aim`
    OPERATOR = "operator"  # whoever is the door's operator
    DIRECTORY = "directory"  # spell a name on the keys
    CALL_BACK = "call-back"  # leave a number to be called back at; `aim` is the box that is told
    EMERGENCY = "emergency"  # says the country's emergency number, and connects nobody
    SAY = "say"  # plays the prompt `aim`, then this menu again


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of a menu: the digits `keys`, or any of `names` said, lead to a step."""

    keys: str
    step: Step
    aim: str = ""
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.step} {self.aim}".rstrip()


@dataclass(frozen=True, slots=True)
class Menu:
    """What is read out to a caller, and what he may choose; choices by their keys, in order."""

    name: str
    choices: Mapping[str, Choice]

    @property
    def prompt(self) -> str:
        """The name of the prompt that reads the menu out."""
        return f"menu-{self.name}"

    def prompt_for(self, choice: Choice) -> str:
        """The name of the prompt that says what one of its choices is."""
        if choice.step is Step.EXTENSION:
            return f"extension-{choice.aim}"
        return f"choice-{self.name}-{choice.keys}"


# Front doors -------------------------------------------------------------------------------------


class Challenged(StrEnum):
    """Which strangers are asked the challenge (core/challenge.py)."""

    NEVER = "never"
    UNSURE = "unsure"  # who has talked and named no extension, in place of the last try
    ALWAYS = "always"  # all, before the menu


@dataclass(frozen=True, slots=True)
class Reply:
    """How a door receives callers at a time: open, closed or on a holiday.

    `greeting` names a prompt; `menu` is read out after it (None: the door's extensions). With `to`,
    nothing is asked: after the greeting, callers go there.
    """

    greeting: str = "greeting"
    menu: Menu | None = None
    to: Choice | None = None


@dataclass(frozen=True, slots=True)
class Holiday:
    """Whole days, first and last included, by their name."""

    name: str
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class FrontDoor:
    """One DID and what stands behind it.

    `did` is E.164 ("+18182223333"). `group` rings for callers on the allow list and whenever
    screener cannot decide; `box` takes a message when no extension was chosen. `tries` is how
    often the attendant asks before it offers the box; `challenged` is who has to answer a riddle,
    and whoever did is not asked again for `remembered` seconds.
    `language` is that of its prompts ("" for speech.language); where callers are not understood in
    it, answers are given `by_key`. `operator` is reached by "0".
    Outside its `hours` (None: always open) it receives callers as `closed` says, on `holidays` as
    `holiday` says (None: as when closed). At a `doorbell` nobody can press keys: nothing is asked,
    the group rings, a phone's redirect counts for nothing, and no box ever answers. With `notice`,
    whoever is answered is told first that the call may be recorded.
    """

    did: str
    group: RingGroup
    box: MessageBox
    extensions: Mapping[str, Extension]
    tries: int = 3
    challenged: Challenged = Challenged.UNSURE
    remembered: float = 0.0
    language: str = ""
    operator: Extension | None = None
    open: Reply = field(default_factory=Reply)
    hours: Hours | None = None
    closed: Reply = field(default_factory=lambda: Reply(greeting="closed"))
    holidays: tuple[Holiday, ...] = ()
    holiday: Reply | None = None
    doorbell: bool = False
    by_key: bool = False
    notice: bool = False

    def reply(self, at: datetime) -> Reply:
        """How it receives callers at a time of the owner's clock."""
        day = at.date()
        if any(each.first <= day <= each.last for each in self.holidays):
            return self.holiday or self.closed
        return self.open if self.hours is None or self.hours.holds(at) else self.closed

    @property
    def menu(self) -> str:
        """The name of the prompt that reads out this door's extensions."""
        return f"menu-{self.did.removeprefix('+')}"


NUMBER = "{number}"
"""What stands for the number in `Outside.trunk`."""


@dataclass(frozen=True, slots=True)
class Outside:
    """How numbers that are not of this house are reached.

    `trunk` is what Asterisk dials for one, "PJSIP/{number}@trunk"; "": none can be dialled. Where
    the trunk does not let calls be sent elsewhere (SIP 302, REFER), they are `bridged`: dialled
    over it, and connected. `country` (ISO 3166) tells what is international.
    """

    country: str = ""
    trunk: str = ""
    bridged: bool = False

    @property
    def gateway(self) -> str:
        """The endpoint that the trunk is, "PJSIP/trunk"; "" where it is none of PJSIP's."""
        technology, _, dialled = self.trunk.partition("/")
        endpoint, slash, _ = dialled.partition("/")  # "trunk/sip:{number}@host"
        endpoint = endpoint if slash else dialled.partition("@")[2]  # "{number}@trunk"
        return f"PJSIP/{endpoint}" if technology == "PJSIP" and endpoint else ""

    def endpoint(self, target: str) -> str:
        """What Asterisk dials for an E.164 number or a SIP URI; "" where it cannot be dialled."""
        if not self.trunk:
            return ""
        if not target.lower().startswith(("sip:", "sips:")):
            return self.trunk.replace(NUMBER, target)
        return f"{self.gateway}/{target}" if self.gateway else ""  # an endpoint dials any URI so


@dataclass(frozen=True, slots=True)
class Directory:
    """Who can be reached: the front doors by their DIDs (E.164), all else by its own name."""

    doors: Mapping[str, FrontDoor]
    phones: Mapping[str, Phone]
    groups: Mapping[str, RingGroup]
    boxes: Mapping[str, MessageBox]
    extensions: Mapping[str, Extension]
    menus: Mapping[str, Menu] = field(default_factory=nothing)
    outside: Outside = Outside()
