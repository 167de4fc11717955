"""The attendant: greet a stranger, let him key or say an extension, judge who does neither.

What gets a caller through is what he must do: a key, or one short isolated spoken answer that
names an extension (or, asked in doubt, answers the challenge). What he says otherwise never rings a
phone; it is evidence for the verdict, which is asked all the time while we listen.

A recording that talks over the greeting is asked again at once, and goes on: that, with what it
says, settles it. A person who talks over the greeting stops, and is asked until he is understood,
or leaves a message.
"""

from __future__ import annotations

from dataclasses import dataclass

from screener.core.call import Ending, Outcome
from screener.core.challenge import challenge
from screener.core.course import Course
from screener.core.evidence import Evidence, keyed_while_talking, talked_over, talking
from screener.core.frontdoor import Challenged, Extension, FrontDoor
from screener.core.grammar import spoken
from screener.core.message import hear_out, ring_or_take_message, take_message
from screener.core.script import (
    Answer,
    Hangup,
    Heard,
    HeardBy,
    Listen,
    Note,
    Play,
    Script,
    Span,
    Treat,
    Treatment,
    do,
    overlap,
)
from screener.core.verdict import CLASSES, SILENCE, THROUGH, Kind, judge, unwanted_classes

# After talking on this often when asked for an extension, only a key gets a caller through: of 60
# recordings one fell silent at the third question and gave something that was short enough.
_TALKS = 2
# A call that is silent when asked this often is over: nobody is there.
_SILENT_TRIES = 2
# How long a caller may take to answer (seconds after the question). Most unsolicited calls that say
# nothing are a dialler's; who is slow has the first time, the second question and the second time,
# 11 s together, to press a key.
_FIRST_WAIT, _SECOND_WAIT, _WAIT = 5.0, 4.0, 6.0
# Adding up, or finding two keys.
_THINKING = 8.0
# Who talked through a prompt and is talking still, so long (seconds) after its end, is asked again.
_PATIENCE = 1.5
# Talk of this length (seconds) that began before the prompt's end is no answer to it: the longest
# that listening.py takes for one is 1.5 s, and 0.4 s more for each further word.
_NO_ANSWER = 2.5
# Who talks over a prompt for so long (seconds) and has said what robots say, of two classes or of
# one, is asked again without waiting for the prompt's end: a long menu would only cost time.
_LONG_OVER, _LONGER_OVER = 4.0, 6.0
# How long a misjudged person has to press a key, after he was told (seconds).
_LAST_WAIT = 2.0
# How often the challenge is put, each time another one.
_CHALLENGES = 2


def attend(door: FrontDoor, course: Course, chance: int = 0) -> Script[Ending]:
    """Ask for an extension until one is chosen or the verdict says how the call ends.

    `chance` is the random number that the challenge is made from.
    """
    yield from do(Answer())
    course.box = door.box
    proven = door.challenged is Challenged.ALWAYS
    if proven:
        ended = yield from _challenge(door, course, chance)
        if ended is not None:
            return ended
    asked: tuple[str, ...] = ("greeting", door.menu)
    for attempt in range(1, door.tries + 1):
        if 1 < attempt == door.tries and _is_in_doubt(door, course):
            break
        course.doing = f"while being asked, try {attempt}"
        phrases = spoken(door.extensions)
        heard = yield from _ask(asked, frozenset(door.extensions), frozenset(phrases), course)
        extension = door.extensions.get(heard.keys or phrases.get(heard.words, ""))
        if extension is not None and (proven or not keyed_while_talking(heard)):
            return (yield from _reach(extension, _how(heard), course))
        if extension is not None and door.challenged is not Challenged.NEVER:
            yield from do(Note("a key came while the caller was talking on and on"))
            return (yield from _doubt(door, course, chance, extension))
        ended = yield from _end_if_settled(course)
        if ended is not None:
            return ended
        asked = _ask_again(heard, attempt, door)
    if proven:
        return (yield from _ring(door, "the caller answered the challenge", course))
    if _is_in_doubt(door, course):
        return (yield from _doubt(door, course, chance))
    return (yield from _offer_box(door, course))


# Asking -------------------------------------------------------------------------------------------


def _ask(
    prompts: tuple[str, ...],
    extensions: frozenset[str],
    expected: frozenset[str],
    course: Course,
    wait: float | None = None,
) -> Script[Heard]:
    """Ask, and listen until there is an answer or the verdict is settled."""
    before = course.evidence
    heard = yield from do(
        Listen(
            prompts,
            extensions,
            frozenset() if _only_keys_count(before) else expected,
            _wait(before) if wait is None else wait,
            _Enough(before),
        )
    )
    course.evidence = before.with_(heard)
    return heard


def _only_keys_count(before: Evidence) -> bool:
    """Whether he has talked on so often when asked that he may be a recording."""
    return sum(heard.by in (HeardBy.TALK, HeardBy.ENOUGH) for heard in before.heard) >= _TALKS


def _wait(before: Evidence) -> float:
    if not before.heard:
        return _FIRST_WAIT
    return _SECOND_WAIT if judge(before).kind is Kind.SILENT else _WAIT


@dataclass(frozen=True, slots=True)
class _Enough:
    """Whether what is heard in a listening decides the call, or calls for the next question."""

    before: Evidence

    def __call__(self, heard: Heard) -> bool:
        evidence = self.before.with_(heard)
        return judge(evidence).settled or _talks_on(heard, evidence)


@dataclass(frozen=True, slots=True)
class _EnoughAtBox:
    """Whether the prompt is over, or what is heard over it decides the call."""

    before: Evidence

    def __call__(self, heard: Heard) -> bool:
        return heard.end > heard.prompt.end or judge(self.before.with_(heard)).settled


def _talks_on(heard: Heard, evidence: Evidence) -> bool:
    """Whether he talks on and on, over our prompt and beyond it: it is time to ask again."""
    if not talking(heard, heard.end):
        return False
    since = Span(heard.prompt.end, heard.end)
    if since.seconds <= 0:  # the prompt is still playing
        likely = len(unwanted_classes(evidence))
        patience = _LONG_OVER if likely >= CLASSES else _LONGER_OVER
        return len(evidence.heard) == 1 and likely > 0 and talked_over(heard) >= patience
    began = max(span.start for span in heard.talk)
    no_answer = began < since.start and heard.end - began >= _NO_ANSWER
    went_on = sum(overlap(span, since) for span in heard.talk) >= since.seconds / 2
    through = talked_over(heard) >= THROUGH and went_on
    return since.seconds >= _PATIENCE and (through or no_answer)


def _over(heard: Heard) -> bool:
    """Whether the time after the prompt is over, though he may be talking."""
    return heard.end - heard.prompt.end >= _LAST_WAIT


def _ask_again(heard: Heard, attempt: int, door: FrontDoor) -> tuple[str, ...]:
    """The next question. The second is short: who talks or is silent has just had the menu."""
    if heard.by is HeardBy.KEYS and heard.keys not in door.extensions:
        return ("no-such-extension", door.menu)
    if attempt > 1 or heard.by is HeardBy.ANSWER:
        return ("again", door.menu)
    return ("press-now",) if heard.by is HeardBy.QUIET else ("again", "press-now")


# The challenge ------------------------------------------------------------------------------------


def _is_in_doubt(door: FrontDoor, course: Course) -> bool:
    """Whether he has talked and named no extension, and a riddle may tell what he is."""
    if door.challenged is not Challenged.UNSURE or course.evidence.keys:
        return False
    spoke = bool(course.evidence.answers) or course.evidence.talk_seconds >= SILENCE
    return spoke and judge(course.evidence).kind in (Kind.UNSURE, Kind.PERSON)


def _doubt(
    door: FrontDoor, course: Course, chance: int, extension: Extension | None = None
) -> Script[Ending]:
    """Put the challenge; who answers it reaches the extension that he had keyed, or the group."""
    ended = yield from _challenge(door, course, chance)
    if ended is not None:
        return ended
    if extension is not None:
        return (yield from _reach(extension, "answered the challenge", course))
    return (yield from _ring(door, "the caller answered the challenge", course))


def _challenge(door: FrontDoor, course: Course, chance: int) -> Script[Ending | None]:
    """Put the challenge, twice at most: None when it was answered, or how the call has ended."""
    course.doing = "while being asked the challenge"
    # Where it is put in place of the last try, an extension's key is as good an answer.
    open_to = door.extensions if door.challenged is Challenged.UNSURE else {}
    for attempt in range(1, _CHALLENGES + 1):
        riddle = challenge(chance, attempt, by_key=_only_keys_count(course.evidence))
        prompts = riddle.prompts if attempt == 1 else ("again", *riddle.prompts)
        keys = riddle.answers | frozenset(open_to)
        heard = yield from _ask(prompts, keys, riddle.expected, course, _THINKING)
        if riddle.is_answered(heard.keys, heard.words):
            yield from do(Note(f"the challenge was answered: {riddle.answer}"))
            return None
        if heard.keys in open_to and not keyed_while_talking(heard):
            return (yield from _reach(open_to[heard.keys], _how(heard), course))
        ended = yield from _end_if_settled(course)
        if ended is not None:
            return ended
        yield from do(Note(f"the challenge was not answered (expected {riddle.answer})"))
        if heard.by is HeardBy.QUIET and not heard.talk:
            break  # he does not even try
    return (yield from _offer_box(door, course))


# Ends ---------------------------------------------------------------------------------------------


def _end_if_settled(course: Course) -> Script[Ending | None]:
    """End the call where what was heard decides it; None where it does not."""
    verdict = judge(course.evidence)
    if verdict.settled and verdict.kind is Kind.UNWANTED_ROBOT:
        return (yield from _turn_away(verdict.reason, course))
    if verdict.settled and verdict.kind is Kind.WANTED_ROBOT:
        return (yield from _hear_out(course))
    if verdict.kind is Kind.SILENT and len(course.evidence.heard) >= _SILENT_TRIES:
        return (yield from _end_silent(verdict.reason, course))
    return None


def _reach(extension: Extension, how: str, course: Course) -> Script[Ending]:
    course.why = f"the caller {how}: extension {extension.number}, {extension.title}"
    yield from do(Note(f"extension {extension.number}, {extension.title}"))
    meanwhile = ("connecting",)
    return (yield from ring_or_take_message(extension.group, extension.box, course, meanwhile))


def _how(heard: Heard) -> str:
    return f"keyed {heard.keys}" if heard.keys else f'said "{heard.words}"'


def _ring(door: FrontDoor, why: str, course: Course) -> Script[Ending]:
    course.why = why
    return (yield from ring_or_take_message(door.group, door.box, course, ("connecting",)))


def _turn_away(reason: str, course: Course) -> Script[Ending]:
    """Treat an unwanted robot, after a last way out for a person whom we misjudge: any key."""
    course.why = f"{Kind.UNWANTED_ROBOT}: {reason}"
    course.turned_away = True
    yield from do(Note(course.why))
    heard = yield from do(Listen(("person-press-key",), frozenset(), wait=_LAST_WAIT, enough=_over))
    if heard.keys and course.box is not None:
        course.turned_away = False
        course.evidence = course.evidence.with_(heard)
        why = f"the caller keyed {heard.keys} to leave a message; taken for {course.why}"
        return (yield from take_message(course.box, why, course))
    yield from do(Treat(Treatment.SIT))
    return course.ending(Outcome.TREATED, course.why)


def _hear_out(course: Course) -> Script[Ending]:
    """Keep a wanted recording, all of it."""
    yield from hear_out(course)
    yield from do(Hangup())
    return course.ending(Outcome.MESSAGE if course.message_kept else Outcome.NO_MESSAGE, course.why)


def _end_silent(reason: str, course: Course) -> Script[Ending]:
    yield from do(Note(f"{Kind.SILENT}: {reason}"))
    yield from do(Play(("goodbye",)))
    yield from do(Hangup())
    return course.ending(Outcome.SILENT, reason)


def _offer_box(door: FrontDoor, course: Course) -> Script[Ending]:
    """Offer the message box, and go on listening until the beep: a verdict may come late."""
    if judge(course.evidence).kind is Kind.WANTED_ROBOT:
        return (yield from _hear_out(course))
    course.doing = "before leaving a message"
    enough = _EnoughAtBox(course.evidence)
    # A key skips the prompt; the beep is not held up by who talks on.
    heard = yield from do(Listen(("leave-message",), frozenset(), wait=0.0, enough=enough))
    course.evidence = course.evidence.with_(heard)
    ended = yield from _end_if_settled(course)
    if ended is not None:
        return ended
    verdict = judge(course.evidence)
    why = f"{verdict.kind}: {verdict.reason}"
    yield from do(Note(why))
    return (yield from take_message(door.box, why, course, invited=True))
