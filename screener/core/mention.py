"""Where a text names a telephone number, however it is written.

`+18055550142`, `+1 805 555 0142`, `(805) 555-0142`, `805-555-0142` and `8055550142` are one number.
Digits that belong to a longer number are none of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import phonenumbers

_SHORTEST = 7  # digits that are a number even in a text full of others
_BETWEEN = r"[\s().\-/\u00a0\u2010-\u2015]{0,3}"


def spellings(number: str) -> tuple[str, ...]:
    """How a number (E.164, or what arrived in its place) may stand in a field of its own."""
    return tuple(dict.fromkeys((number, number.removeprefix("+"), *_national(number))))


def naming(number: str) -> re.Pattern[str]:
    """What finds a number in a text; nothing, where it is too short to be told from others."""
    digits = number.removeprefix("+")
    if not digits.isdecimal():
        return re.compile(re.escape(number)) if len(number) >= _SHORTEST else re.compile(r"(?!)")
    ways = [_spaced(one) for one in (digits, *_national(number)) if len(one) >= _SHORTEST]
    return (
        re.compile(rf"(?<!\d)(?:\+|00)?(?:{'|'.join(ways)})(?!\d)") if ways else re.compile("(?!)")
    )


def _national(number: str) -> Iterator[str]:
    """Its digits as they are dialled at home, with the trunk prefix and without."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return
    significant = phonenumbers.national_significant_number(parsed)
    home = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
    yield from (re.sub(r"\D", "", home), significant)


def _spaced(digits: str) -> str:
    """The digits with whatever people put between them."""
    return rf"\(?{_BETWEEN.join(digits)}"
