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

# Expressions of the numbering plans, which libphonenumber otherwise compiles again and again.
phonenumbers.enable_pattern_cache()


@dataclass(frozen=True, slots=True)
class Number:
    """A caller's or called number.

    `e164` ("+14155550100") is "" when `raw` is not a number in any plan; `raw` is what arrived,
    printable and cut to 40 characters.
    """

    raw: str
    e164: str
    withheld: bool = False

    @property
    def shows(self) -> str:
        """What the caller shows: E.164, else what arrived; "" where the number is withheld."""
        return "" if self.withheld else self.e164 or self.raw


def read(text: str, country: str) -> Number:
    """Read a number as people write it in `country` (ISO 3166 code), or as E.164, or not at all.

    A `tel:` or `sip:` URI is read for the number in it (RFC 3966, RFC 3261), and `00` before a
    country code in every country.
    """
    if not text.isprintable():
        text = "".join(c for c in text if c.isprintable())
    raw = text.strip()[:_LONGEST]
    if raw.lower() in _WITHHELD:
        return Number(raw, "", withheld=True)
    plain = _NANP.fullmatch(raw) if calling_code(country) == 1 else None
    if plain is not None:  # the very most of all numbers there: read at a glance
        return Number(raw, "+1" + re.sub("[^0-9]", "", plain[1]))
    bare = _unwrapped(text) if _SCHEME.match(raw) else raw
    if bare is not raw and bare.lower() in _WITHHELD:
        return Number(raw, "", withheld=True)
    found = parsed(bare, country)
    if found is None:
        return Number(raw, "")
    # A wrong length is no number; an unassigned one still is: the rules may want to name it.
    possible = phonenumbers.is_possible_number_with_reason(found)
    local = possible == phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY
    if SHORT.fullmatch(bare) and _is_service(found, bare, country):
        return Number(raw, "")
    if possible != phonenumbers.ValidationResult.IS_POSSIBLE and not local:
        return Number(raw, "")
    e164 = phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164)
    return Number(raw, e164)


# A number of the North American plan as people write it: ten digits, with or without +1 or 1.
_NANP = re.compile(r"(?:\+?1[ .-]?)?(\(?[2-9][0-9]{2}\)?[ .-]?[0-9]{3}[ .-]?[0-9]{4})", re.ASCII)
SHORT = re.compile(r"[0-9]{3,6}", re.ASCII)
"""How short numbers look, such as 611 and 112."""
_SCHEME = re.compile(r"<?\s*(tel|sips?):", re.IGNORECASE)


def _is_service(parsed: phonenumbers.PhoneNumber, text: str, country: str) -> bool:
    """Whether this is the 112 that everybody knows, and no subscriber's number without its area
    code: where numbers may be as short as three digits (Germany, Austria), it could be read so."""
    return is_short(text, country) and not phonenumbers.is_valid_number(parsed)


def is_uri(text: str) -> bool:
    """Whether it is written as a tel: or sip: URI."""
    return _SCHEME.match(text) is not None


def _unwrapped(uri: str) -> str:
    """The number in a tel: or sip: URI: for sip, its user; of what is neither, itself."""
    scheme = _SCHEME.match(uri := uri.strip()[:200])
    if scheme is None:
        return uri
    rest = uri[scheme.end() :].rstrip(">")
    number, _, parameters = rest.partition(";")
    if scheme[1].lower() == "tel":
        context = re.search(r"phone-context=(\+[0-9.()-]+)", parameters, re.IGNORECASE)
        return context[1] + number if context else number
    user = number.partition("@")[0].partition(":")[0]
    return re.sub("%2b", "+", user, flags=re.IGNORECASE)


def parsed(text: str, country: str) -> phonenumbers.PhoneNumber | None:
    """What libphonenumber makes of a text; None where that is no number at all."""
    try:
        found = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        found = None
    if text.startswith("00") and (found is None or not phonenumbers.is_possible_number(found)):
        try:
            return phonenumbers.parse(f"+{text[2:]}")
        except phonenumbers.NumberParseException:
            return found
    return found


def read_again(kept: str, country: str) -> Number:
    """A number that `read` read before, of which its `e164` was kept, or its `raw` if it had none.

    For as many of them as a store holds: a fifth of the time.
    """
    parts = _parts(kept)
    if parts is None:
        return read(kept, country)
    return Number(kept, kept if _possible(parts[0], len(parts[1])) else "")


def _parts(e164: str) -> tuple[int, str] | None:
    """The country's calling code and the national number of what libphonenumber wrote (E.164).

    None for what only its parser can tell: why a 0 begins a national number.
    """
    digits = e164[1:]
    if e164[:1] != "+" or not (digits.isascii() and digits.isdigit()):
        return None
    for width in (1, 2, 3):
        code = int(digits[:width])
        if code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            national = digits[width:]
            return None if national[:1] in ("", "0") else (code, national)
    return None


@lru_cache(maxsize=2048)
def _possible(code: int, length: int) -> bool:
    """Whether national numbers behind this calling code may have so many digits."""
    return phonenumbers.is_possible_number(phonenumbers.PhoneNumber(code, 10 ** (length - 1)))


def _glanced(e164: str) -> phonenumbers.PhoneNumber | None:
    """What the parser makes of a number that libphonenumber wrote; None where it must be asked."""
    parts = _parts(e164)
    return phonenumbers.PhoneNumber(parts[0], int(parts[1])) if parts else None


def calling_code(country: str) -> int:
    """The country's calling code (ITU-T E.164): 1 for US; 0 for a country that there is not."""
    return phonenumbers.country_code_for_region(country)


def trunk_prefix(country: str) -> str:
    """What people in `country` dial before a national number: "0" in Germany, "1" in the US."""
    return phonenumbers.ndd_prefix_for_region(country, True) or ""


@lru_cache(maxsize=8)
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
COSTLY = ("premium", "shared-cost", "personal")
"""Kinds of number that cost the caller more than others."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the numbering plans say of a number (libphonenumber's metadata).

    `country` is ISO 3166 ("" for none, such as satellite phones); `kinds` are of `KINDS`;
    `assigned` says whether any plan has such a number at all.
    """

    country: str
    kinds: frozenset[str]
    assigned: bool


def can_be_called(e164: str) -> bool:
    """Whether it is a number that exists, and costs no more than others of its country.

    What no country has (satellite phones, services of the whole world) costs dollars a minute.
    """
    found = plan(e164)
    return found.assigned and found.country != "" and found.kinds.isdisjoint(COSTLY)


@lru_cache(maxsize=256)
def plan(e164: str) -> Plan:
    """What the numbering plans say of an E.164 number."""
    try:
        parsed = _glanced(e164) or phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return Plan("", frozenset(), assigned=False)
    region = phonenumbers.region_code_for_number(parsed) or ""
    kind = phonenumbers.PhoneNumberType.UNKNOWN
    if region:
        kind = phonenumbers.number_type(parsed)
    else:  # not assigned: the country still stands in the calling code, where it is one
        region = phonenumbers.region_code_for_country_code(parsed.country_code or 0)
    country = "" if region in ("001", "ZZ") else region
    # That is what is_valid_number asks as well, in as long again.
    assigned = kind != phonenumbers.PhoneNumberType.UNKNOWN
    return Plan(country, _KINDS.get(kind, frozenset()), assigned)


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


# Where one of these is in use, it is what everybody there knows; 112 works beside it on mobiles.
_EMERGENCY = ("911", "999", "000", "112")


@lru_cache(maxsize=8)
def emergency_number(country: str) -> str:
    """What people in `country` dial for help: "911", "999"; "112" where nothing is known."""
    known = (n for n in _EMERGENCY if phonenumbers.is_emergency_number(n, country))
    metadata = phonenumbers.PhoneMetadata.short_metadata_for_region(country)
    emergency = metadata.emergency if metadata is not None else None
    example = emergency.example_number if emergency is not None else None
    return next(known, example or "112")


def dialled_within(e164: str, country: str) -> str:
    """The digits by which a number of `country` is dialled there; "" for one of another country."""
    found = parsed(e164, country)
    if found is None or found.country_code != calling_code(country):
        return ""
    written = phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.NATIONAL)
    return re.sub("[^0-9]", "", written)


def lacks_area_code(caller: Number) -> bool:
    """Whether it is shown as people of the same town dial it: 555-0100 in the US."""
    bare = _unwrapped(caller.raw)
    return not bare.startswith(("+", "00")) and is_local(caller.e164)


def is_local(e164: str) -> bool:
    """Whether a number that `read` gave lacks its area code: 555-0100 in the US."""
    if _NANP.fullmatch(e164):
        return False
    try:
        parsed = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return False
    reason = phonenumbers.is_possible_number_with_reason(parsed)
    return bool(reason == phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY)
