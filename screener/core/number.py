"""Telephone numbers as they arrive: E.164 where they can be read, withheld where there is none.

A caller's number is whatever the network or a stranger's SIP stack put there (RFC 3261 From,
RFC 3325 P-Asserted-Identity), so it is read with care and never trusted to be a number at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import phonenumbers

# What SIP stacks and carriers write when a caller withholds his number (RFC 3323, RFC 3325, and
# what Asterisk puts in its place).
_WITHHELD = frozenset(
    {"", "anonymous", "restricted", "unavailable", "unknown", "private", "withheld", "s"}
)
_LONGEST = 40


@dataclass(frozen=True, slots=True)
class Number:
    """A caller's or called number.

    `e164` ("+14155550100") is "" when `raw` is not a number in any plan; `raw` is what arrived,
    printable and cut to 40 characters.
    """

    raw: str
    e164: str
    withheld: bool = False


def read(text: str, country: str) -> Number:
    """Read a number as people write it in `country` (ISO 3166 code), or as E.164, or not at all."""
    raw = "".join(c for c in text if c.isprintable()).strip()[:_LONGEST]
    if raw.lower() in _WITHHELD:
        return Number(raw, "", withheld=True)
    try:
        parsed = phonenumbers.parse(raw, country)
    except phonenumbers.NumberParseException:
        return Number(raw, "")
    # A wrong length is no number; an unassigned one still is: the rules may want to name it.
    if not phonenumbers.is_possible_number(parsed):
        return Number(raw, "")
    return Number(raw, phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))


def calling_code(country: str) -> int:
    """The country's calling code (ITU-T E.164): 1 for US; 0 for a country that there is not."""
    return phonenumbers.country_code_for_region(country)


def trunk_prefix(country: str) -> str:
    """What people in `country` dial before a national number: "0" in Germany, "1" in the US."""
    return phonenumbers.ndd_prefix_for_region(country, True) or ""


def example(country: str) -> str:
    """A number of `country` for an error message, as people there write it."""
    parsed = phonenumbers.example_number(country)
    if parsed is None:
        return "+14155550100"
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
