"""Patterns of numbers as people write them in rules and lists: 900*, 415-555-????, 611, a range."""

from __future__ import annotations

import re

import phonenumbers

from screener.core import number
from screener.core.callerid import shown

_MOST_DIGITS = 15  # of an E.164 number (ITU-T E.164, 6.1)
_PLAIN = re.compile(r"\+1[2-9][0-9]{9}|\+[1-9][0-9]{0,13}\*|\+?\*")
_WITH_15 = re.compile(r"(?:0?(11|[23][0-9]{1,3})[ ./-]+|0?(11))15")
_SIGNS = re.compile(r"[0-9?xX() ./\u2010-\u2013-]+")


def read_pattern(text: str, country: str) -> str:
    """A number or a pattern of numbers, as people write it, in the form of pattern.NumberPattern.

    Numbers as `number.read` takes them; `900*` and `+1900*`; `415-555-????` or `415-555-xxxx`;
    `415-555-0100..415-555-0199`; and short numbers that are in use in the country, such as 611.
    Raises ValueError that says what was expected.
    """
    text = text.strip()
    if _PLAIN.fullmatch(text):
        return text
    if ".." in text:
        return _range(text, country)
    body = text.removesuffix("*")
    signs = _SIGNS.fullmatch(body.removeprefix("+"))
    if signs and (body != text or "?" in body or "x" in body.lower()):
        pattern = _wild(body, country, whole=body == text)
        if body == text:
            _check_length(pattern, text, country)
        return pattern + text[len(body) :]
    if body != text and "*" not in body:
        raise ValueError(
            f"'{shown(body)}' is not the beginning of a telephone number; expected one like 900*"
            " or +1900*"
        )
    if "*" in text:
        raise ValueError(
            f"{shown(text)}: a * stands only at the end of a number; ? is any one digit"
        )
    return _one(text, country)


def _range(text: str, country: str) -> str:
    first, _, last = text.partition("..")
    numbers = [_one(end.strip(), country) for end in (first, last)]
    if len(numbers[0]) != len(numbers[1]) or numbers[0] > numbers[1] or "+" not in numbers[0]:
        raise ValueError(
            f"{' and '.join(numbers)} are no range; expected two whole numbers of one length, the"
            " lower one first"
        )
    return "..".join(numbers)


def _one(text: str, country: str) -> str:
    """One whole number, E.164 or short."""
    found = number.read(text, country)
    if found.withheld and found.raw:
        raise ValueError(
            f"{shown(text)} is no number; for callers who show none there is the word: withheld"
        )
    digits = sum(c.isdigit() for c in text)
    if digits > _MOST_DIGITS and not (number.is_uri(text) and found.e164):
        first, _, last = text.partition("-")
        range_ = f"; for a range write {first.strip()}..{last.strip()}"
        ends = (number.read(end, country).e164 for end in (first, last))
        raise ValueError(
            f"{shown(text, 24)} has {digits} digits; a telephone number has at most {_MOST_DIGITS}"
            + (shown(range_, 80) if all(ends) else "")
        )
    if found.e164 and number.is_local(found.e164):
        raise ValueError(
            f"{shown(text)} lacks its area code; expected a whole number like"
            f" {number.example(country)}"
        )
    if found.e164:
        return found.e164
    if number.SHORT.fullmatch(text) and number.is_short(text, country):
        return text
    raise ValueError(
        f"'{shown(text)}' is not a telephone number in {country}; expected one like"
        f" {number.example(country)}, or the start of one and a *"
    )


def _wild(body: str, country: str, whole: bool) -> str:
    """The digits and ? of a number that is not whole, in E.164."""
    plain = re.sub(r"\(0\)", "", body) if body.startswith(("+", "00")) else body
    digits = re.sub("[^0-9?]", "", plain.replace("x", "?").replace("X", "?"))
    abroad = body.startswith("+")
    for prefix in ("00", "011") if number.calling_code(country) == 1 else ("00",):
        if not abroad and digits.startswith(prefix):
            digits, abroad = digits.removeprefix(prefix), True
    code = str(number.calling_code(country))
    national = digits if abroad else _national(digits, country)
    abroad = abroad or _read_abroad(body, national, country, whole)
    if not national:
        raise ValueError(
            f"{shown(body)}* is too short a beginning; every number of {country} is +{code}*"
        )
    digits = national if abroad else code + national
    if len(digits) > _MOST_DIGITS:
        raise ValueError(
            f"{shown(body, 24)} has {len(digits)} digits; a telephone number has at most"
            f" {_MOST_DIGITS}"
        )
    return f"+{digits}"


def _read_abroad(body: str, national: str, country: str, whole: bool) -> bool:
    """Whether the digits begin with the country's own code, though no + says so: 44 20* in Britain.

    Raises ValueError where that cannot be told. `whole`: there is no * behind them.
    """
    mobile = _WITH_15.match(re.sub("[()]", " ", body).strip()) if country == "AR" else None
    if mobile:  # it is dialled so, and shown as +54 9 and the area code
        wanted = f"+549{mobile[1] or mobile[2]}"
        raise ValueError(
            f"{shown(body)}: a mobile number is shown without its 15; write it with its country"
            f" code, a 9 and its area code: {wanted}*"
        )
    code = str(number.calling_code(country))
    written = re.sub("[^0-9?]", "", re.sub("[xX]", "?", body))
    if code == "1" or national != written or not national.startswith(code):
        return False
    ways = [f"+{national}", f"+{code}{national}"]
    fitting = [way for way in ways if _has_length(way, country)] if whole else ways
    if len(fitting) < 2:
        return fitting == ways[:1]
    end = "" if whole else "*"
    raise ValueError(
        f"{shown(body)}{end} may be read in two ways in {country}; write it with its country code:"
        f" {ways[0]}{end} or {ways[1]}{end}"
    )


def _has_length(pattern: str, country: str) -> bool:
    """Whether a pattern without a * at its end can be a whole number."""
    parsed = number.parsed(pattern.replace("?", "2"), country)
    possible = phonenumbers.ValidationResult.IS_POSSIBLE
    return parsed is not None and (phonenumbers.is_possible_number_with_reason(parsed) == possible)


def _check_length(pattern: str, text: str, country: str) -> None:
    if not _has_length(pattern, country):
        raise ValueError(
            f"{shown(text)} has not as many digits as a number in {country}; expected one like"
            f" {number.example(country)}, with ? for any digit, or a * at its end"
        )


def _national(digits: str, country: str) -> str:
    """The digits without what is dialled before a national number."""
    trunk = number.trunk_prefix(country)
    if not trunk or not digits.startswith(trunk):
        return digits
    if trunk != "1" and not trunk.startswith("0"):  # the 8 of Russia begins area codes too
        raise ValueError(
            f"{digits} may be read in two ways in {country}; write it with its country code:"
            f" +{number.calling_code(country)}{digits.removeprefix(trunk)}* or"
            f" +{number.calling_code(country)}{digits}*"
        )
    return digits.removeprefix(trunk)
