"""Call back: a caller leaves the number that he wants to be called at, and confirms it.

He is offered the number that he shows. What he keys is read back digit by digit: a number that was
mistyped helps nobody. Numbers that cost those who call them more than others are not taken, or
a stranger could have a household call them; nothing is ever dialled by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from screener.core import number
from screener.core.asking import ask
from screener.core.call import Ending, Outcome
from screener.core.callerid import quoted, shown, shown_number
from screener.core.course import Course
from screener.core.evidence import keyed_while_talking
from screener.core.frontdoor import MessageBox
from screener.core.letter import call_told
from screener.core.menu import BACK
from screener.core.message import take_message
from screener.core.number import Number
from screener.core.parting import end_if_settled
from screener.core.promotion import ACTIONS, can_be_named
from screener.core.script import AskBack, Hangup, Heard, Note, Play, Script, do

_YES, _OTHER = "1", "2"
_END = "#"
_TRIES = 3
# How long a caller may take for the first digit, or to choose (seconds).
_LOOKING, _CHOOSING = 12.0, 8.0
# More than E.164's 15 digits, with what is dialled before them from anywhere (00, 011, 0011).
_MOST_DIGITS = 20
_NO_WORDS = frozenset[str]()


def ask_for_call(
    box: MessageBox, course: Course, caller: Number, country: str
) -> Script[Ending | None]:
    """Ask for the number, and tell those whom the box serves; who leaves none has the box.

    None where he goes back. `caller` is the number that he shows; numbers are read as in `country`
    (ISO 3166).
    """
    course.box = box
    course.doing = "while leaving a number to be called back at"
    offered = "" if caller.withheld else callable_number(caller.e164, country)
    if offered:
        offer = ("call-back-offer", *digits(offered, country), "call-back-other")
        pressed = yield from _press(offer, course)
        if isinstance(pressed, Ending) or pressed is None:
            return pressed
        if pressed == _YES:
            return (yield from _keep(offered, box, course))
    prompts: tuple[str, ...] = ("call-back-key",)
    for _ in range(_TRIES):
        keyed = yield from _key(prompts, course)
        if isinstance(keyed, Ending) or keyed is None:
            return keyed
        asked_for = callable_number(keyed, country)
        prompts = ("call-back-key",)
        if not asked_for:
            prompts = ("call-back-no-number", *prompts)
            continue
        read_back = ("call-back-read", *digits(asked_for, country), "call-back-right")
        pressed = yield from _press(read_back, course)
        if isinstance(pressed, Ending) or pressed is None:
            return pressed
        if pressed == _YES:
            return (yield from _keep(asked_for, box, course))
    return (yield from take_message(box, f"the caller left no number; {course.why}", course))


def callable_number(text: str, country: str) -> str:
    """The number (E.164) that somebody could be called back at; "" where there is none.

    `text` is E.164, or what was keyed in `country`.
    """
    found = number.read(text, country).e164 if 0 < len(text) <= _MOST_DIGITS else ""
    return found if found and number.can_be_called(found) else ""


def digits(e164: str, country: str) -> tuple[str, ...]:
    """The prompts that say a number: in its own country as it is dialled there."""
    dialled = number.dialled_within(e164, country)
    said = dialled or e164.removeprefix("+")
    return (*(() if dialled else ("plus",)), *(f"digit-{digit}" for digit in said))


def _press(prompts: tuple[str, ...], course: Course) -> Script[Ending | str | None]:
    """Which of two keys he presses; "" for neither, None to go back, or how the call has ended."""
    heard = yield from ask(prompts, frozenset({_YES, _OTHER}), _NO_WORDS, course, wait=_CHOOSING)
    return (yield from _keyed(heard, course))


def _key(prompts: tuple[str, ...], course: Course) -> Script[Ending | str | None]:
    """The digits that he keys; "" for none, None to go back, or how the call has ended."""
    heard = yield from ask(prompts, frozenset[str](), _NO_WORDS, course, wait=_LOOKING, until=_END)
    return (yield from _keyed(heard, course))


def _keyed(heard: Heard, course: Course) -> Script[Ending | str | None]:
    ended = yield from end_if_settled(course)
    if ended is not None:
        return ended
    if keyed_while_talking(heard) and not course.proved:
        return ""
    return None if heard.keys.endswith(BACK) else heard.keys.removesuffix(_END)


def _keep(asked_for: str, box: MessageBox, course: Course) -> Script[Ending]:
    """Put the request on its way, and say so."""
    course.asked_back = yield from do(AskBack(asked_for, box, course.why))
    if course.asked_back:
        course.why = f"to be called at {shown_number(asked_for)}; {course.why}"
        yield from do(Play(("call-back-kept",)))
        yield from do(Hangup())
        return course.ending(Outcome.ASKED_BACK, course.why)
    yield from do(Note("the number could not be kept: a message is the last way"))
    yield from do(Play(("call-back-not-kept",)))
    why = f"the number {shown_number(asked_for)} could not be kept; {course.why}"
    return (yield from take_message(box, why, course))


# What those are told whom the box serves ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Request:
    """A caller's wish to be called back at `asked_for`, in his call with this `id` (0: it has no
    row).

    `number` is what he showed ("" for nothing), `when` the time of day as it is told.
    """

    asked_for: str
    id: int
    number: str
    name: str
    did: str
    when: str
    why: str

    @property
    def subject(self) -> str:
        """The request in a line."""
        name = f" ({shown(self.name)})" if self.name.strip() else ""
        return f"Please call {shown_number(self.asked_for)}{name}"

    @property
    def lines(self) -> tuple[str, ...]:
        """The request as a letter, line by line."""
        name = f"{quoted(self.name)}, " if self.name.strip() else ""
        showed = shown_number(self.number) if self.number else "a withheld number"
        act = [
            f"screener calls {action} {self.id}"
            for action in ACTIONS
            if self.id and can_be_named(self.number)
        ]
        return (
            f"A caller asks to be called at {shown_number(self.asked_for)}.",
            "Nobody has checked that the number is his.",
            "",
            f"  From    {name}{showed}",
            f"  To      {shown_number(self.did)}",
            f"  When    {self.when}",
            f"  Why     {self.why}",
            f"  Call    {call_told(self.id)}",
            *(("", f"From now on: {' or '.join(act)}") if act else ()),
        )
