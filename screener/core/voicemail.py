"""The call script of the voicemail: somebody of the house hears the messages of a box by phone.

One of the house's phones has dialled voicemail.code. Whoever keys the PIN of a box hears how many
messages it holds; then each, the new ones first: from whom (his number, digit by digit), when, and
what was said. Keys work at any time: 5 hears it again, 6 and 4 go on and back, 9 keeps it, 7
deletes it and brings it back, 8 passes it on to another box, 2 calls back; while it is heard, # and
* skip some seconds. Deleted is hidden: until he hangs up he can bring it back, and what is still to
be mailed is mailed all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum, StrEnum, auto

from screener.core.callback import callable_number
from screener.core.callback import digits as number_digits
from screener.core.number import plan
from screener.core.script import Command, Hangup, Note, Play, Script, do
from screener.core.visit import Ask, digits, let_in

PROMPTS = (
    *("voicemail-pin", "voicemail-wrong-pin", "voicemail-none", "voicemail-new"),
    *("voicemail-heard", "voicemail-from", "voicemail-reminder", "voicemail-today"),
    *("voicemail-yesterday", "voicemail-days-ago", "voicemail-at", "voicemail-hours"),
    *("voicemail-keys", "voicemail-kept", "voicemail-removed", "voicemail-brought-back"),
    *("voicemail-is-removed", "voicemail-gone", "voicemail-no-more", "voicemail-pass-on"),
    *("voicemail-passed-on", "voicemail-no-call-back", "voicemail-not-reached"),
    *("voicemail-not-done", "voicemail-abroad", "voicemail-abroad-call"),
)
"""What is said there, besides digits, numbers, boxes, "for", "press", "no-number", "connecting" and
"goodbye"."""

NUMBERS = tuple(f"number-{number}" for number in range(60))
"""Prompts that say a number as one: of messages, of days, of the hour and the minute."""

MOST_BOXES = 9
"""How many boxes can be chosen from, by one key each."""

_UNANSWERED = 2  # how often nothing is keyed before the call is over
_UNDO = 3.0  # seconds after a deletion until the next message begins
_CHOOSING = 8.0  # seconds for a choice
_SKIPS = {"*": -5.0, "#": 5.0}  # what a key skips while a message is heard (seconds)
_E164 = re.compile(r"\+[0-9]{3,15}", re.ASCII)


def box_prompt(name: str) -> str:
    """The name of the prompt that says which box it is."""
    return f"box-{name}"


# What it asks of the line ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Message:
    """A message in the box: E.164 `number` ("" for none), `when` by the clock of whom it is for."""

    id: str
    number: str
    when: datetime
    robot: bool = False
    new: bool = True


@dataclass(frozen=True, slots=True)
class Inbox:
    """What is in a box, in the order in which it is heard; `today` by the same clock."""

    messages: tuple[Message, ...]
    today: date


def in_order(messages: Sequence[Message]) -> tuple[Message, ...]:
    """What is in a box, given newest first, as it is heard: the new ones as they came, then those
    that were heard, the last one first."""
    new = [message for message in reversed(messages) if message.new]
    return (*new, *(message for message in messages if not message.new))


@dataclass(frozen=True, slots=True)
class LookInto(Command[Inbox]):
    """What is in a box now."""

    box: str


@dataclass(frozen=True, slots=True)
class Listened:
    """What came of `Hear`: the key that ended it, "" where it was heard to its end.

    `there` is False where there is no such message any more.
    """

    key: str = ""
    there: bool = True


@dataclass(frozen=True, slots=True)
class Hear(Command[Listened]):
    """Play a message until its end or a key; # and * skip in it."""

    message: str


def after_key(key: str, at: float, seconds: float) -> float | Listened:
    """What a key ("" for none until its end) does when so many of a message's seconds are heard:
    from which second it goes on, or what came of hearing it."""
    if key not in _SKIPS:
        return Listened(key)
    at = max(0.0, at + _SKIPS[key])
    return at if at < seconds else Listened()


class Mark(StrEnum):
    """What is noted of a message."""

    HEARD = "heard"
    REMOVED = "deleted"
    BACK = "brought back"


@dataclass(frozen=True, slots=True)
class Put(Command[bool]):
    """Mark a message; whether that could be done."""

    message: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class PassOn(Command[bool]):
    """Put a copy of a message into another box: whether it is on disk there, to stay."""

    message: str
    box: str


@dataclass(frozen=True, slots=True)
class CallBack(Command[bool]):
    """Ring who left a message at `number` (E.164), and connect him; False where nobody answered.

    They have talked when this is over.
    """

    message: str
    number: str


# The script --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Boxes:
    """What can be heard, and what for: `locked` have a PIN, messages are passed on to any of `all`.

    `country` (ISO 3166) is the owner's; `dials_out`: numbers can be called from here.
    """

    locked: tuple[str, ...]
    all: tuple[str, ...]
    country: str
    dials_out: bool


class _Then(Enum):
    """What comes after a message."""

    AGAIN = auto()
    NEXT = auto()
    PREVIOUS = auto()
    OVER = auto()


def hear_messages(boxes: Boxes) -> Script[None]:
    """A call to the voicemail, from the answer to its end. It is closed when he hangs up."""
    locked = boxes.locked
    box = locked[0] if len(locked) == 1 else (yield from _choose(locked))
    if box and (yield from let_in("voicemail-pin", "voicemail-wrong-pin", box)):
        yield from do(Note(f"the box {box} is open"))
        yield from _Round(boxes, box).go()
    yield from do(Play(("goodbye",)))
    yield from do(Hangup())


def _choose(names: Sequence[str], first: str = "") -> Script[str]:
    """Which of these boxes he chooses; "" for none."""
    offered = names[:MOST_BOXES]
    said = [p for n, name in enumerate(offered, 1) for p in _offer(name, str(n))]
    for _ in range(_UNANSWERED):
        key = yield from do(Ask((*filter(None, (first,)), *said), wait=_CHOOSING))
        if key.isdigit() and 1 <= int(key) <= len(offered):
            return offered[int(key) - 1]
    return ""


def _offer(box: str, key: str) -> Iterator[str]:
    yield from ("for", box_prompt(box), "press", *digits(key))


class _Round:
    """The way through the messages of a box."""

    def __init__(self, boxes: Boxes, box: str) -> None:
        self._boxes = boxes
        self._box = box
        self._removed: set[str] = set()
        self._today = date.min

    def go(self) -> Script[None]:
        inbox = yield from self._look()
        at = 0
        while inbox:
            if at == len(inbox):
                key = yield from do(Ask(("voicemail-no-more",), wait=_CHOOSING))
                if key == "5":
                    inbox, at = (yield from self._look()), 0
                elif key == "4":
                    at -= 1
                else:
                    return
                continue
            then = yield from self._message(inbox[at])
            if then is _Then.OVER:
                return
            at += {_Then.NEXT: 1, _Then.PREVIOUS: -1, _Then.AGAIN: 0}[then]
            at = max(at, 0)

    def _look(self) -> Script[tuple[Message, ...]]:
        """What is in the box, and how much that is."""
        inbox = yield from do(LookInto(self._box))
        self._today = inbox.today
        new = sum(message.new for message in inbox.messages)
        heard = len(inbox.messages) - new
        said = [
            *(("voicemail-new", *counted(new)) if new else ()),
            *(("voicemail-heard", *counted(heard)) if heard else ()),
        ]
        yield from do(Play(tuple(said) or ("voicemail-none",)))
        return inbox.messages

    def _message(self, message: Message) -> Script[_Then]:
        """One message, until he goes on or back."""
        key = yield from do(Ask(self._header(message), wait=0.0))
        if not key:
            listened = yield from do(Hear(message.id))
            if not listened.there:
                yield from do(Play(("voicemail-gone",)))
                return _Then.NEXT
            key = listened.key
            if not key:
                yield from do(Put(message.id, Mark.HEARD))
        unanswered = 0
        while unanswered < _UNANSWERED:
            if key:
                unanswered = 0
                then = yield from self._do(message, key)
                if then is not None:
                    return then
            key = yield from do(Ask(("voicemail-keys",), wait=_CHOOSING))
            unanswered += not key
        return _Then.OVER

    def _do(self, message: Message, key: str) -> Script[_Then | None]:
        """What a key asks for; None where he is to be asked what comes next."""
        match key:
            case "2":
                return (yield from self._call_back(message))
            case "4":
                return _Then.PREVIOUS
            case "5" | "*":
                return _Then.AGAIN
            case "6":
                return _Then.NEXT
            case "7":
                return (yield from self._remove(message))
            case "8":
                yield from self._pass_on(message)
            case "9":
                kept = yield from do(Put(message.id, Mark.HEARD))
                yield from do(Play(("voicemail-kept" if kept else "voicemail-gone",)))
                return _Then.NEXT
        return None

    def _remove(self, message: Message) -> Script[_Then | None]:
        """Hide it, or show it again; the next one follows if he says nothing more."""
        gone = message.id in self._removed
        if not (yield from do(Put(message.id, Mark.BACK if gone else Mark.REMOVED))):
            yield from do(Play(("voicemail-not-done",)))
            return None
        if gone:
            self._removed.discard(message.id)
            yield from do(Play(("voicemail-brought-back",)))
            return None
        self._removed.add(message.id)
        key = yield from do(Ask(("voicemail-removed",), wait=_UNDO))
        return (yield from self._do(message, key)) if key else _Then.NEXT

    def _pass_on(self, message: Message) -> Script[None]:
        others = [name for name in self._boxes.all if name != self._box]
        box = (yield from _choose(others, "voicemail-pass-on")) if others else ""
        done = bool(box) and (yield from do(PassOn(message.id, box)))
        if done:
            yield from do(Put(message.id, Mark.HEARD))
        yield from do(Play(("voicemail-passed-on" if done else "voicemail-not-done",)))

    def _call_back(self, message: Message) -> Script[_Then | None]:
        """Call who left it: no number that costs more than others, or that nobody can have. One of
        another country, which may cost a lot all the same, is read out, and wants a key more."""
        country = self._boxes.country
        number = callable_number(message.number, country)
        if not number or not self._boxes.dials_out:
            yield from do(Play(("voicemail-no-call-back",)))
            return None
        if plan(number).country != country:
            said = ("voicemail-abroad", *number_digits(number, country), "voicemail-abroad-call")
            key = yield from do(Ask(said, wait=_CHOOSING))
            if key != "2":
                return (yield from self._do(message, key)) if key else None
        yield from do(Put(message.id, Mark.HEARD))
        yield from do(Play(("connecting",)))
        if (yield from do(CallBack(message.id, number))):
            return _Then.OVER
        yield from do(Play(("voicemail-not-reached",)))
        return None

    def _header(self, message: Message) -> tuple[str, ...]:
        """From whom it is, and when it came. A name is a stranger's text: it is not spoken."""
        shows = _E164.fullmatch(message.number) is not None
        who = number_digits(message.number, self._boxes.country) if shows else ("no-number",)
        return (
            *(("voicemail-is-removed",) if message.id in self._removed else ()),
            "voicemail-reminder" if message.robot else "voicemail-from",
            *who,
            *told_when(message.when, self._today),
        )


def told_when(when: datetime, today: date) -> tuple[str, ...]:
    """The prompts that say a time of day, and how long ago the day was."""
    days = (today - when.date()).days
    if days <= 0:
        day: tuple[str, ...] = ("voicemail-today",)
    elif days == 1:
        day = ("voicemail-yesterday",)
    else:
        day = (*counted(days), "voicemail-days-ago")
    minute = counted(when.minute) if when.minute else ()
    return (*day, "voicemail-at", *counted(when.hour), "voicemail-hours", *minute)


def counted(number: int) -> tuple[str, ...]:
    """The prompts that say a number: as one where there is a prompt for it, else its digits."""
    return (NUMBERS[number],) if number < len(NUMBERS) else digits(str(number))
