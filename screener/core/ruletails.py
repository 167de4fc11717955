"""The end of a line: its label, what is done with the call, and when the rule expires."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import NoReturn

from screener.core import number, numbertext
from screener.core.ruleline import STARTS, TAILS, TARGETS, Line, Names, head_of, unknown
from screener.core.rules import Action, Target, Where
from screener.core.ruletext import LONGEST_LABEL, Sort, Token, WrongError
from screener.core.script import Refusal, Treatment

_TREATMENTS = ("play", "refuse")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")
_EXTENSION = re.compile(r"[0-9]{1,8}")
_URI_WORD = r"[A-Za-z0-9._~%+!*'-]{1,64}"
_SIP = re.compile(
    rf"sips?:({_URI_WORD}@)?([A-Za-z0-9.-]{{1,120}}|\[[0-9A-Fa-f:.]{{2,45}}\])(:[0-9]{{1,5}})?"
    rf"(;{_URI_WORD}(={_URI_WORD})?){{0,4}}",
    re.IGNORECASE,
)
_LONGEST_URI = 200
_AIMS: Mapping[Where, str] = {
    Where.RING: "the name of a ring group",
    Where.EXTENSION: "an extension of 1 to 8 digits",
    Where.MENU: "one of your numbers, whose menu it is",
    Where.MESSAGE: "the name of a message box",
    Where.REDIRECT: "a SIP address (sip:me@example.net) or a telephone number",
    Where.BRIDGE: "a SIP address (sip:me@example.net) or a telephone number",
}
_TARGETS_SHOWN = (
    "ring GROUP, extension DIGITS, menu NUMBER, message BOX, redirect ADDRESS or bridge ADDRESS"
)


@dataclass(slots=True)
class Tails:
    """What stands behind the conditions; `label` is None where there is none."""

    label: str | None = None
    treatment: Treatment | Refusal = Treatment.SIT
    target: Target | None = None
    expires: timedelta | None = None
    challenge: bool = False


def read(line: Line, action: Action) -> Tails:
    """Everything behind the conditions, to the line's end. Raises WrongError."""
    tails = Tails()
    there: set[str] = set()
    while (token := line.peek()) is not None:
        if token.sort == Sort.QUOTED and tails.label is None:
            tails.label = line.take().text
            if len(tails.label) > LONGEST_LABEL:
                line.note(token, f"a label has at most {LONGEST_LABEL} characters")
        elif line.word() in TAILS:
            _tail(line, action, tails, there)
        else:
            _too_much(line, token)
    if action is Action.SEND and "target" not in there:
        line.expected(f"where send sends the call: {_TARGETS_SHOWN}")
    return tails


def _too_much(line: Line, token: Token) -> NoReturn:
    if head_of(line.word()) in STARTS:
        raise WrongError(
            token.column,
            f"{token.text} is a condition: it stands before the label and what is"
            " done with the call",
        )
    if token.sort == Sort.WORD:
        raise unknown(token, "a word that may stand here", TAILS)
    if token.sort == Sort.COMMA:
        raise WrongError(
            token.column,
            "a comma stands only between values; conditions that stand side by side must all hold",
        )
    second = "; a rule has one label" if token.sort == Sort.QUOTED else ""
    raise WrongError(
        token.column, f"{token.shown} is too much{second}; expected the end of the line"
    )


def _tail(line: Line, action: Action, tails: Tails, there: set[str]) -> None:
    token = line.take()
    word = token.text.lower()
    owner = _owner(word)
    if action not in owner:
        raise WrongError(token.column, f"{word} belongs to {' and '.join(owner)}, not to {action}")
    group = "target" if word in TARGETS else "treatment" if word in _TREATMENTS else word
    if group in there:
        raise WrongError(token.column, f"this is a second {group}; a rule has one")
    there.add(group)
    if word == "expires":
        tails.expires = line.span(word)
    elif word == "challenge":
        tails.challenge = True
    elif word == "play":
        tails.treatment = _played(line)
    elif word == "refuse":
        tails.treatment = _refused(line)
    else:
        tails.target = _aimed(line, Where(word))


def _played(line: Line) -> Treatment:
    kinds = tuple(kind.value for kind in Treatment)
    if line.peek() is None:
        line.expected(f"after play: {', '.join(kinds)}")
    token = line.take()
    if token.text.lower() not in kinds:
        raise unknown(token, "a treatment", kinds)
    return Treatment(token.text.lower())


def _refused(line: Line) -> Refusal:
    if line.peek() is None:
        line.expected("a SIP status after refuse: 400 to 699, such as 607 (unwanted)")
    token = line.take()
    if not re.fullmatch("[456][0-9][0-9]", token.text):
        text = f"{token.shown} is no SIP status that refuses; expected 400 to 699, such as 607"
        line.note(token, f"{text} (unwanted) or 603 (declined)")
        return Refusal(603)
    return Refusal(int(token.text))


def _aimed(line: Line, where: Where) -> Target | None:
    if line.peek() is None:
        line.expected(f"after {where}: {_AIMS[where]}")
    token = line.take()
    if where in (Where.REDIRECT, Where.BRIDGE):
        return _elsewhere(line, where, token)
    if where is Where.MENU:
        whole = line.whole_number(token)
        e164 = number.read(whole.text, line.country).e164
        token = whole._replace(text=e164 or whole.text)
        fits = bool(e164)
    else:
        fits = bool((_EXTENSION if where is Where.EXTENSION else _NAME).fullmatch(token.text))
    if not fits:
        line.note(token, f"{token.shown} does not fit; expected {_AIMS[where]}")
        return None
    return _aim(line, where, token)


def _aim(line: Line, where: Where, token: Token) -> Target:
    """The target, which must be one that there is, as far as that is known."""
    if line.names is not None:
        known, what = {
            Where.RING: (line.names.groups, "ring group"),
            Where.EXTENSION: (line.names.extensions, "extension"),
            Where.MENU: (line.names.dids, "number of yours"),
        }.get(where, (line.names.boxes, "message box"))
        if token.text not in known:
            listed = ", ".join(sorted(known)) or "none"
            text = f"{token.text} is no {what} in screener.toml; expected {listed}"
            line.note(token, text, sorted(known))
    return Target(where, token.text)


def _elsewhere(line: Line, where: Where, token: Token) -> Target | None:
    if re.match("sips?:", token.text, re.IGNORECASE):
        if len(token.text) > _LONGEST_URI or not _SIP.fullmatch(token.text):
            line.note(token, "this is no plain SIP address; expected one like sip:me@example.net")
            return None
        return _outside(line, where, token, token.text)
    whole = line.whole_number(token)
    if not re.search("[0-9]", whole.text):
        line.note(whole, f"{whole.shown} does not fit; expected {_AIMS[where]}")
        return None
    text = line.read(whole, lambda text: numbertext.read_pattern(text, line.country))
    if text is not None and not re.fullmatch(r"\+[0-9]+", text):
        line.note(whole, f"{whole.shown} is not one whole number; a call goes to one place")
    return _outside(line, where, whole, text) if text else None


def _outside(line: Line, where: Where, token: Token, text: str) -> Target:
    """The target, which must be outside, and within reach, as far as that is known."""
    names = line.names or Names()
    trunk = names.outside
    if text in names.dids:
        why = "a call would come back to it again and again"
        other = "write ring, extension, menu or message"
        line.note(token, f"{text} is a number of yours: {why}; {other}")
    elif trunk and (where is Where.BRIDGE or trunk.bridged) and not trunk.endpoint(text):
        line.note(token, f"{text} cannot be called: asterisk.trunk names no trunk for it")
    return Target(where, text)


def _owner(word: str) -> tuple[Action, ...]:
    """The actions that a tail belongs to."""
    if word == "expires":
        return tuple(Action)
    if word in _TREATMENTS:
        return (Action.BLOCK,)
    if word == "challenge":
        return (Action.SCREEN,)
    return (Action.ALLOW, Action.SEND) if word == "ring" else (Action.SEND,)
