"""What an entry names, a number or a name, as the condition of a rule.

What another program looks for anywhere in a number cannot be said in a rule, and what would match
nearly every call should not be: instead of a condition these give the reason, in words.
"""

from __future__ import annotations

import re

from screener.core import number, numbertext
from screener.core.conditions import Condition, From, Named, Withheld
from screener.core.foreign.listing import one_line
from screener.core.pattern import NamePattern, NumberPattern

_LONGEST_NAME = 80  # that may be looked for
_FEWEST = 2  # digits of a pattern, letters of a name: less would match nearly every call
_ENOUGH = 8  # digits of an E.164 number that can be meant to be a whole one
NO_NUMBER = frozenset(
    {
        *("O", "P", "OUT-OF-AREA", "OUT OF AREA", "NO-NUMBER", "NO NUMBER", "UNAVAILABLE"),
        *("BLOCKED", "PRIVATE", "ANONYMOUS", "WITHHELD", "UNKNOWN", "RESTRICTED"),
    }
)
"""What programs write where a call shows no number, in upper case."""
_WILD = re.compile(r"[*?]|\.\.|[xX]{2}")
_PAUSE = re.compile(r"(?<=[0-9)])\s*(?:[,;]|[pPwW](?=[0-9#*,])).*", re.DOTALL)
_LONGEST_NUMBER = 200


def bare_number(text: str) -> str:
    """A number as address books hold it, without the pauses and keys that are dialled after it.

    "+14155550100,,42#" becomes "+14155550100"; a tel: or sip: URI stays as it is (number.py).
    """
    text = text[:_LONGEST_NUMBER].strip()
    return text if number.is_uri(text) else _PAUSE.sub("", text)


def number_condition(text: str, country: str) -> Condition | str:
    """What holds for the number or pattern `text`; a reason where it is none."""
    bare = bare_number(text)
    if not bare:
        return "there is no number"
    if bare.upper() in NO_NUMBER:
        return Withheld()
    if not any(char.isdigit() for char in bare) and not _WILD.search(bare):
        return f"it is no telephone number in {country}"
    e164 = "" if _WILD.search(bare) else number.read(bare, country).e164
    if e164 and number.is_local(e164):
        return "it has no area code"
    if not e164 and sum(char.isdigit() for char in bare) < _FEWEST and _WILD.search(bare):
        return "it would match nearly every call"
    try:
        return From((NumberPattern(e164 or numbertext.read_pattern(bare, country)),))
    except ValueError as wrong:
        return str(wrong) if _WILD.search(bare) else f"it is no telephone number in {country}"


def name_condition(glob: str) -> Condition | str:
    """What holds for a caller's name, `glob` with its stars; a reason where it is none."""
    glob = " ".join(one_line(glob).split())
    if len(glob) > _LONGEST_NAME:
        return "it is longer than any name"
    if sum(char.isalnum() for char in glob) < _FEWEST:
        return "it would match nearly every name"
    return Named((NamePattern(glob),))


def beginning(text: str, country: str) -> Condition | str:
    """Numbers that begin with `text`; just the one, where it is a whole number."""
    if text.upper() in NO_NUMBER:
        return Withheld()
    whole = number.read(text, country).e164
    if whole and number.plan(whole).assigned:
        return From((NumberPattern(whole),))
    return number_condition(f"{text.rstrip('*')}*", country)


def anywhere(text: str, country: str) -> Condition | str:
    """Numbers that have `text` anywhere in them: only a whole number can be said in a rule."""
    condition = number_condition(text, country)
    match condition:
        case From(patterns=(pattern,)) if len(pattern.text) > _ENOUGH or "*" in pattern.text:
            return condition
        case Withheld():
            return condition
    return "it is a part of a number; a rule says a whole number, or how it begins (+1900*)"
