"""What a command and its outcome say in a call's story: one sentence, or "" for nothing.

The decisions themselves (which rule, which verdict) are told by the scripts, as `Note`s.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from screener.core.callerid import shown_number
from screener.core.frontdoor import Strategy
from screener.core.script import (
    Answer,
    AskBack,
    CallerGone,
    Command,
    Decision,
    Drop,
    Hangup,
    Heard,
    HeardBy,
    Keep,
    Listen,
    Note,
    Overhear,
    Play,
    Rang,
    Record,
    Recorded,
    RecordedBy,
    RecordName,
    Redirect,
    Replay,
    Ring,
    Talk,
    Treat,
)

_DONE: Mapping[type, str] = {
    Answer: "answered",
    Talk: "the called phone hung up",
    Drop: "recording dropped",
    Hangup: "hung up",
}


def before(command: Command[Any]) -> str:
    """What is told when a command begins: things that take time are told before they are over."""
    match command:
        case Note(text):
            return text
        case Listen(prompts) | Play(prompts):
            return f"playing {_quoted(prompts)}"
        case Replay():
            return "playing the message back"
        case Ring(group):
            phones = ", ".join(phone.name for phone in group.phones) or "nobody"
            how = "" if group.strategy is Strategy.ALL else f" ({group.strategy})"
            return f"ringing {phones}{how}"
        case RecordName():
            return "recording the caller's name"
        case Treat(treatment):
            return f"treatment: {treatment}"
        case Redirect(target):
            return f"redirecting to {target}"
        case Record():
            return "recording a message"
        case Overhear():
            return "hearing the recording out, and keeping all of it"
    return ""


def after(command: Command[Any], outcome: object) -> str:
    """What is told when a command is done."""
    match command, outcome:
        case ((Answer() | Talk() | Drop() | Hangup()), _):
            return _DONE[type(command)]
        case ((Listen(wait=wait) | Replay(wait=wait)), Heard() as heard):
            return _heard(heard) if wait or heard.keys else ""  # without time, nothing was asked
        case Ring(), Rang() as rang:
            return "; ".join((_rang(rang), *rang.remarks))
        case ((Record() | Overhear() | RecordName()), Recorded() as recorded):
            return _recorded(recorded)
        case Keep(box=box), bool(kept):
            return f"message kept for {box.name}" if kept else "the message could not be kept"
        case AskBack(asked_for, box), bool(kept):
            number = shown_number(asked_for)
            return f"{box.name} is told to call {number}" if kept else f"{number} was not kept"
        case Redirect(target), str(how):
            return f"redirected by {how}" if how else f"the redirect to {target} was not accepted"
    return ""


def left(gone: CallerGone) -> str:
    """What is told when the caller has hung up."""
    return "; ".join((str(gone), *(gone.rang.remarks if gone.rang else ())))


def _rang(rang: Rang) -> str:
    if not rang.phone:
        return "nobody answered"
    chose = "" if rang.decision is Decision.TAKE else f" and chose: {rang.decision}"
    return f"{rang.phone} answered{chose}"


def _heard(heard: Heard) -> str:
    over = " over the prompt" if heard.keyed_over_prompt else ""
    match heard.by:
        case HeardBy.KEYS:
            return f"keyed {heard.keys}{over}"
        case HeardBy.ANSWER if heard.words:
            return f'{"" if heard.sure else "probably "}said "{heard.words}"'
        case HeardBy.ANSWER:
            return "gave a short answer that is no extension"
        case HeardBy.TALK:
            return "talked on"
        case HeardBy.ENOUGH:
            return "talked on and on" if heard.talk else "heard enough"
    return "no answer"


def _recorded(recorded: Recorded) -> str:
    how = {
        RecordedBy.KEY: "ended by key",
        RecordedBy.SILENCE: "ended by silence",
        RecordedBy.LIMIT: "ended at the limit",
        RecordedBy.HANGUP: "ended by hanging up",
        RecordedBy.PAUSE: "ended in a pause that the caller did not end",
        RecordedBy.DISK: "ended by a disk that took no more",
    }[recorded.by]
    lost = f"; {recorded.lost:.1f} s more did not fit" if recorded.lost else ""
    said = f"of which {recorded.speech:.1f} s speech"
    return f"recorded {recorded.seconds:.1f} s, {said}; {how}{lost}"


def _quoted(prompts: tuple[str, ...]) -> str:
    return ", ".join(f'"{prompt}"' for prompt in prompts)
