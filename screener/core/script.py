"""The commands that a call script yields, and what it is sent back.

A call script is a generator. It reads from top to bottom like what happens on the line:

    def greet(door: FrontDoor) -> Script[Heard]:
        yield from do(Answer())
        return (yield from do(Listen(("greeting",), keys=door.keys)))

`do(command)` yields the command and returns its outcome with the outcome's type. Whoever runs the
script (session.py on a real line, tests/core/lines.py in a test) carries the command out and sends
the outcome. A caller who hangs up arrives as `CallerGone`, thrown in at the `yield`.
No script touches Asterisk, a socket, a file or a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeAlias, TypeVar

from screener.core.event import EventKind
from screener.core.frontdoor import MessageBox, RingGroup
from screener.core.transcript import UNRATED

T = TypeVar("T")


class Command(Generic[T]):
    """Something that a call script wants done; `T` is the type of what it is sent back."""

    __slots__ = ()


Script: TypeAlias = Generator[Command[Any], Any, T]


def do(command: Command[T]) -> Script[T]:
    """Yield one command; return what came of it."""
    outcome: T = yield command
    return outcome


# What is sent back -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the caller's audio, in seconds since the call was answered."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class SpokenPhrase:
    """A phrase of a class (grammars/robocalls.jsgf) in the caller's talk, and when it was heard.

    `at` is in seconds since the call was answered; `confidence` is the mean of its words'.
    """

    kind: str
    text: str
    at: float
    confidence: float = UNRATED


@dataclass(frozen=True, slots=True)
class Sound:
    """A sound from the caller's side that is no voice: "music", "busy tone", "fax tone".

    `start` and `end` are in seconds since the call was answered.
    """

    kind: str
    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


def overlap(a: Span | Sound, b: Span | Sound) -> float:
    """How many seconds two stretches have in common."""
    return max(0.0, min(a.end, b.end) - max(a.start, b.start))


@dataclass(frozen=True, slots=True)
class Likeness:
    """What the caller plays is the recording of a campaign that is known (core/campaign.py).

    `campaign` is its name in the store; `calls` have played it before, the first of them at
    `since` (a day, as it is told: "Mon 16 Nov"). `by` says what is alike: "sound" or "words".
    `at` is in seconds since the call was answered. `wanted`: those calls were wanted ones.
    """

    campaign: str
    calls: int
    since: str
    by: str
    at: float
    wanted: bool = False


class HeardBy(StrEnum):
    """Why listening ended."""

    KEYS = "keys"
    ANSWER = "answer"  # one short isolated utterance after the prompt
    QUIET = "quiet"  # nothing came within the time to answer
    TALK = "talk"  # the caller talks on and on
    ENOUGH = "enough"  # what was heard decides already (Listen.enough)
    HANGUP = "hangup"  # the caller did not stay (in CallerGone only)


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of `Listen`.

    `keys` are the digits pressed, in order. `words` are what the recogniser made of the isolated
    answer: one of the phrases it was told to expect, or "" for anything else. `talk` are the
    stretches of speech; `sounds` what was no speech; `prompt` is the stretch during which our own
    prompt was playing. `end` is when listening ended, in seconds since the call was answered.
    `deaf` says why the caller's words were not listened for, "" where they were. `unheard` says why
    nothing could be heard of him, which is not his silence; keys come another way. `sure` is False
    where `words` are only what they probably were.
    """

    by: HeardBy
    keys: str = ""
    words: str = ""
    talk: tuple[Span, ...] = ()
    phrases: tuple[SpokenPhrase, ...] = ()
    prompt: Span = field(default=Span(0.0, 0.0))
    keyed_over_prompt: bool = False
    sounds: tuple[Sound, ...] = ()
    likeness: Likeness | None = None
    end: float = 0.0
    deaf: str = ""
    unheard: str = ""
    sure: bool = True

    @property
    def in_silence(self) -> bool:
        """Whether the time to answer passed without a sound from him."""
        return self.by is HeardBy.QUIET and not self.talk


class Decision(StrEnum):
    """What a called person wants done with a caller who was announced to him."""

    TAKE = "take it"
    MESSAGE = "to the message box"
    AWAY = "turn away"
    BLOCK = "turn away and block"


@dataclass(frozen=True, slots=True)
class Rang:
    """What came of `Ring`: the phone that answered ("" for none), after how long, what else was.

    With another `decision` than TAKE, somebody answered `phone`, and the caller is not connected.
    """

    phone: str
    seconds: float
    remarks: tuple[str, ...] = ()
    decision: Decision = Decision.TAKE


class RecordedBy(StrEnum):
    """Why a recording ended."""

    KEY = "key"
    SILENCE = "silence"
    LIMIT = "limit"
    HANGUP = "hangup"
    PAUSE = "pause"  # it was not gone on with
    DISK = "disk"  # it took no more


@dataclass(frozen=True, slots=True)
class Recorded:
    """What came of `Record`: `take` names the recording; of its `seconds`, `speech` hold a voice.

    A caller who hangs up while he is recorded ends the recording (`by` is HANGUP); the next command
    that needs him raises CallerGone. Note, Keep, Drop and Report do not need him. What he said
    beyond `seconds` the disk did not take: `lost` seconds.
    """

    take: str
    seconds: float
    speech: float
    by: RecordedBy
    lost: float = 0.0


class CallerGone(Exception):
    """The caller has hung up. Thrown into a call script, which may only tidy up and return.

    `heard` is what he had shown in the `Listen` that he did not stay for, if it was one; `rang`
    what the phones had said in the `Ring`.
    """

    def __init__(self, heard: Heard | None = None, rang: Rang | None = None) -> None:
        super().__init__("the caller hung up")
        self.heard = heard
        self.rang = rang


class LineFailed(Exception):
    """What was asked for could not be done: the phones ring without us. Its text says why.

    Thrown into a call script, which may only say how the call ends.
    """


# What can be asked for ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Note(Command[None]):
    """Write a sentence into the call's story: which rule, which verdict, and why."""

    text: str


@dataclass(frozen=True, slots=True)
class Answer(Command[None]):
    """Answer the call (it costs the caller from here on, and we can hear him)."""


@dataclass(frozen=True, slots=True)
class Play(Command[None]):
    """Play prompts, by name, one after the other, to the end."""

    prompts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listen(Command[Heard]):
    """Play prompts and listen, during them and for `wait` seconds of audio after them.

    `extensions` are the key sequences that mean something (a key stops the prompt); `expected` are
    the phrases an answer may consist of, in lower-case words. `enough` is asked now and then
    whether what was heard so far decides the call; then listening ends at once. With `until`, other
    keys than `extensions` are gathered too, until this key, "*" or a pause. With `through` no key
    stops the prompts: those that come count for whoever listens next.
    """

    prompts: tuple[str, ...]
    extensions: frozenset[str]
    expected: frozenset[str] = frozenset()
    wait: float = 6.0
    enough: Callable[[Heard], bool] | None = field(default=None, compare=False, repr=False)
    until: str = ""
    through: bool = False


@dataclass(frozen=True, slots=True)
class Ring(Command[Rang]):
    """Ring a group; when a phone answers, connect it to the caller.

    The caller hears the prompts `meanwhile`, then the ringing tone or the group's music. `proved`
    says that he has shown that he is a person, or that a rule let him in. With `announced`, whoever
    answers hears who calls (the `name` that the caller spoke, a take; "": his number) and decides.
    """

    group: RingGroup
    meanwhile: tuple[str, ...] = ()
    proved: bool = True
    announced: bool = False
    name: str = ""


@dataclass(frozen=True, slots=True)
class Talk(Command[None]):
    """Stay with two connected parties until one of them hangs up."""


@dataclass(frozen=True, slots=True)
class FindRoom(Command[bool]):
    """Whether the disk has room for a message of the box's limit; then it is his to speak."""

    box: MessageBox


@dataclass(frozen=True, slots=True)
class Record(Command[Recorded]):
    """Beep, and record the caller for a box (core/dictation.py): until a key of `end_keys`, the
    box's silence or limit, or hang-up. The key `pause_key` pauses, and goes on."""

    box: MessageBox
    end_keys: str = "#"
    pause_key: str = "*"


@dataclass(frozen=True, slots=True)
class RecordName(Command[Recorded]):
    """Record the caller's name, a few seconds of it, for the person who will be asked."""


@dataclass(frozen=True, slots=True)
class Overhear(Command[Recorded]):
    """Hear a recording to its end and keep all of it, from the answer on: no prompt is played.

    It ends by `silence` seconds of quiet, at the box's limit, or by hanging up.
    """

    box: MessageBox
    silence: float = 6.0


@dataclass(frozen=True, slots=True)
class Replay(Command[Heard]):
    """Play a take back to the caller, then prompts, and wait for one of `keys`."""

    take: str
    prompts: tuple[str, ...]
    keys: frozenset[str]
    wait: float = 8.0


@dataclass(frozen=True, slots=True)
class Keep(Command[bool]):
    """Put a take on its way to a message box: whether it is on disk now, to stay.

    `why` says why the call came to the box, `ruling` what the rules had said of it.
    """

    take: str
    box: MessageBox
    why: str
    ruling: str = ""


@dataclass(frozen=True, slots=True)
class Drop(Command[None]):
    """Throw a take away."""

    take: str


@dataclass(frozen=True, slots=True)
class Report(Command[None]):
    """Write down for the weekly report what happened in this call; `text` says it, as a clause."""

    kind: EventKind
    text: str


@dataclass(frozen=True, slots=True)
class AskBack(Command[bool]):
    """Tell those whom a box serves that the caller asks to be called back at `number` (E.164, or
    the digits that he keyed): whether that is on disk now, to stay. `why` as in `Keep`."""

    number: str
    box: MessageBox
    why: str


@dataclass(frozen=True, slots=True)
class Block(Command[str]):
    """Write a rule that blocks the caller from now on; its place, "" where it was not written."""


@dataclass(frozen=True, slots=True)
class Speak(Command[None]):
    """From here on prompts are in this language ("de"; "" for that of the settings)."""

    language: str


class Treatment(StrEnum):
    """What an unwanted caller gets."""

    SIT = "sit"  # special information tones, "number not in service", hang up
    BUSY = "busy"
    RINGING = "ringing"  # it rings and rings; nobody comes
    SILENCE = "silence"  # answered, and nothing is ever said
    HANGUP = "hangup"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A treatment by SIP status before answer: 603 decline, 607 unwanted (RFC 8197), 608 rejected
    (RFC 8688) and the like; `code` is 400 to 699."""

    code: int

    def __str__(self) -> str:
        return f"refuse {self.code}"


@dataclass(frozen=True, slots=True)
class Treat(Command[None]):
    """Give an unwanted caller his treatment; the call is over after it."""

    treatment: Treatment | Refusal


@dataclass(frozen=True, slots=True)
class Redirect(Command[str]):
    """Have the caller's network call elsewhere: how it was told to ("SIP 302", "REFER"), "" where
    that was not accepted. The call has left us when it was.

    `target` is a SIP URI, or an E.164 number to be dialled by the caller's own network.
    """

    target: str


@dataclass(frozen=True, slots=True)
class Hangup(Command[None]):
    """End the call."""
