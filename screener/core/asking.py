"""Asking: put a question, listen to the caller, and take in what he shows as evidence.

While he is listened to, the verdict is asked all the time: a recording that talks over the question
and beyond it is asked again at once, and what is settled ends the listening.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from screener.core.course import Course
from screener.core.evidence import Evidence, talked_over, talking
from screener.core.script import Answer, Heard, HeardBy, Listen, Play, Script, Span, do, overlap
from screener.core.verdict import CLASSES, THROUGH, Kind, judge, unwanted_classes

# After talking on this often when asked for an extension, only a key gets a caller through: of 60
# recordings one fell silent at the third question and gave something that was short enough.
_TALKS = 2
# How long a caller may take to answer (seconds after the question). Most unsolicited calls that say
# nothing are a dialler's; who is slow has the first time, the second question and the second time,
# 11 s together, to press a key.
_FIRST_WAIT, _SECOND_WAIT, _WAIT = 5.0, 4.0, 6.0
# Who talked through a prompt and is talking still, so long (seconds) after its end, is asked again.
_PATIENCE = 1.5
# Talk of this length (seconds) that began before the prompt's end is no answer to it: the longest
# that listening.py takes for one is 1.5 s, and 0.4 s more for each further word.
_NO_ANSWER = 2.5
# Who talks over a prompt for so long (seconds) and has said what robots say, of two classes or of
# one, is asked again without waiting for the prompt's end: a long menu would only cost time.
_LONG_OVER, _LONGER_OVER = 4.0, 6.0
_NOTICE = ("may-be-recorded",)


class CallerUnheard(Exception):
    """Nothing can be heard of the caller, and he presses no key. Its text says why."""


def answer(course: Course, *, listening: bool = False) -> Script[None]:
    """Answer the call; who has still to hear that calls may be recorded hears it first, all of it.

    With `listening` a question comes next: then what he says over the notice, which a recording
    does, counts as said over that question, and so do the keys that he presses meanwhile.
    """
    yield from do(Answer())
    if not course.notice:
        return
    course.notice = False
    if not listening:
        yield from do(Play(_NOTICE))
        return
    course.doing = "while being told that calls may be recorded"
    over = Listen(_NOTICE, frozenset(), wait=0.0, enough=_is_told, through=True)
    heard = yield from do(over)
    course.evidence = replace(course.evidence, notice=heard)


def ask(
    prompts: tuple[str, ...],
    extensions: frozenset[str],
    expected: frozenset[str],
    course: Course,
    *,
    wait: float | None = None,
    until: str = "",
) -> Script[Heard]:
    """Ask, and listen until there is an answer or the verdict is settled (see script.Listen).

    Raises CallerUnheard.
    """
    before = course.evidence
    heard = yield from do(
        Listen(
            prompts,
            extensions,
            frozenset() if only_keys_count(before) else expected,
            _wait(before) if wait is None else wait,
            _Enough(before),
            until,
        )
    )
    course.evidence = before.with_(heard)
    if heard.unheard and not heard.keys and not judge(course.evidence).settled:
        raise CallerUnheard(heard.unheard)
    return heard


def tell(prompts: tuple[str, ...], course: Course) -> Script[Heard]:
    """Say something that asks for nothing, listening meanwhile: a verdict may come late.

    A key skips it; who talks on does not hold up what comes next.
    """
    enough = _EnoughSaid(course.evidence)
    heard = yield from do(Listen(prompts, frozenset(), wait=0.0, enough=enough))
    course.evidence = course.evidence.with_(heard)
    return heard


def only_keys_count(before: Evidence) -> bool:
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
        return judge(evidence).settled or _talks_on(evidence)


@dataclass(frozen=True, slots=True)
class _EnoughSaid:
    """Whether the prompt is over, or what is heard over it decides the call."""

    before: Evidence

    def __call__(self, heard: Heard) -> bool:
        return _is_told(heard) or judge(self.before.with_(heard)).settled


def _is_told(heard: Heard) -> bool:
    """Whether the prompt has been played to its end."""
    return heard.end > heard.prompt.end


def _talks_on(evidence: Evidence) -> bool:
    """Whether he talks on and on, over our prompt and beyond it: it is time to ask again."""
    heard = evidence.heard[-1]
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
