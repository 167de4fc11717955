"""Telephone numbers as they arrive: E.164 where they can be read, withheld where there is none.

A caller's number is whatever the network or a stranger's SIP stack put there (RFC 3261 From,
RFC 3325 P-Asserted-Identity), so it is read with care and never trusted to be a number at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

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


# libphonenumber's types of number in the words of rule files. In some countries (the US among them)
# nobody can tell a mobile from a landline: such a number is both.
_KINDS: dict[int, frozenset[str]] = {
    phonenumbers.PhoneNumberType.FIXED_LINE: frozenset({"landline"}),
    phonenumbers.PhoneNumberType.MOBILE: frozenset({"mobile"}),
    phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE: frozenset({"landline", "mobile"}),
    phonenumbers.PhoneNumberType.TOLL_FREE: frozenset({"toll-free"}),
    phonenumbers.PhoneNumberType.PREMIUM_RATE: frozenset({"premium"}),
    phonenumbers.PhoneNumberType.SHARED_COST: frozenset({"shared-cost"}),
    phonenumbers.PhoneNumberType.VOIP: frozenset({"voip"}),
    phonenumbers.PhoneNumberType.PERSONAL_NUMBER: frozenset({"personal"}),
    phonenumbers.PhoneNumberType.PAGER: frozenset({"pager"}),
    phonenumbers.PhoneNumberType.UAN: frozenset({"company"}),
    phonenumbers.PhoneNumberType.VOICEMAIL: frozenset({"voicemail"}),
}
KINDS = tuple(dict.fromkeys(kind for kinds in _KINDS.values() for kind in sorted(kinds)))
"""Every kind of number that a rule may name."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the numbering plans say of a number (libphonenumber's metadata).

    `country` is ISO 3166 ("" for none, such as satellite phones); `kinds` are of `KINDS`;
    `assigned` says whether any plan has such a number at all.
    """

    country: str
    kinds: frozenset[str]
    assigned: bool


@lru_cache(maxsize=256)
def plan(e164: str) -> Plan:
    """What the numbering plans say of an E.164 number."""
    try:
        parsed = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return Plan("", frozenset(), assigned=False)
    region = phonenumbers.region_code_for_number(parsed) or ""
    if not region:  # not assigned: the country still stands in the calling code, where it is one
        region = phonenumbers.region_code_for_country_code(parsed.country_code or 0)
    kinds = _KINDS.get(phonenumbers.number_type(parsed), frozenset())
    country = "" if region in ("001", "ZZ") else region
    return Plan(country, kinds, phonenumbers.is_valid_number(parsed))


def is_short(text: str, country: str) -> bool:
    """Whether `text` is a short number that is in use in `country`, such as 611 in the US."""
    try:
        parsed = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_valid_short_number_for_region(parsed, country)


# A star code before the number: *67 and *82 in North America, *31# and #31# on mobiles (3GPP TS
# 22.030) hide or show one's own number.
_STAR_CODE = re.compile(r"^[*#]\d\d#?")
_ACCESS = ("9", "0")


def read_dialled(text: str, country: str) -> str:
    """The number that is reached by dialling `text` in `country`, E.164; "" for none."""
    return read(_STAR_CODE.sub("", text, count=1), country).e164


def is_emergency(text: str, country: str) -> bool:
    """Whether dialling `text` in `country` is a call for help (911, 112, 999 ...).

    As people dial it: after a star code, or after the digit with which an office's telephones get
    an outside line. Only the whole number counts, so that extension 1120 is none, though a network
    that is dialled digit by digit would connect it (which is what libphonenumber's
    `connects_to_emergency_number` tells).
    """
    if "+" in text:
        return False
    dialled = "".join(c for c in text if c in "0123456789*#")
    dialled = _STAR_CODE.sub("", dialled, count=1).rstrip("#")
    forms = [dialled, dialled[1:]] if dialled.startswith(_ACCESS) else [dialled]
    return any(phonenumbers.is_emergency_number(form, country) for form in forms)


def is_local(e164: str) -> bool:
    """Whether a number that `read` gave lacks its area code: 555-0100 in the US."""
    try:
        parsed = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return False
    reason = phonenumbers.is_possible_number_with_reason(parsed)
    return bool(reason == phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY)
