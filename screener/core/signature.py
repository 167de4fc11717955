"""What a call's signature says: STIR/SHAKEN attestation and the outcome of its verification.

The provider checks the signature (RFC 8224) and tells us in a header of his own choice; nothing
here verifies anything. A call without a signature, or with words that nobody knows, has an empty
`Signature`, and an empty one never counts against a caller.

A header is as trustworthy as the trunk that it comes over. A provider who checks signatures takes
such headers off what his own callers send; over a trunk whose provider does not, and over an open
SIP port, any caller writes what he likes. So a rule may hold a bad word against a caller, but a
rule that lets in by `attestation A` alone is only as good as the trunk.

What providers send, by their documents:

    P-Asserted-Identity: <sip:+18055550142@h;verstat=TN-Validation-Passed-A>   IMS (T-Mobile ...)
    P-Asserted-Identity or From: <sip:...;verstat=TN-Validation-Passed>        Flowroute
    P-Asserted-Identity: <sip:+18055550142@h>;verstat=TN-Validation-Passed
        with P-Attestation-Indicator: A                                        Bandwidth
    P-Asserted-Identity: <sip:+18055550142@sip.telnyx.com;verstat=TN-Validation-Passed>
        or ...-B, ...-C; no letter means A                                     Telnyx
    X-Twilio-VerStat: TN-Validation-Passed-A                                   Twilio
    Attestation-Info: A, or X-Attestation-Info: A                              IMS and others
    STIR_SHAKEN success A             Asterisk's own res_stir_shaken, told by our dialplan

Sources: ATIS-1000074 (attestation A, B, C), 3GPP TS 24.229 (verstat, Attestation-Info), Asterisk
docs "STIR_SHAKEN()", res_stir_shaken/verification.c (its words), the providers' own pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Signature:
    """`attestation` is "A", "B", "C" or "" (none); `verstat` is "passed", "failed" or "" (none)."""

    attestation: str = ""
    verstat: str = ""


PASSED, FAILED = "passed", "failed"

# Who is believed first. Asterisk's verification is our own; From is what the caller himself wrote,
# but for the verstat of a provider who uses no P-Asserted-Identity.
_OURS = frozenset({"stir_shaken"})
_CALLERS = frozenset({"from"})

# As a parameter of an address, inside or outside its <>, or (Bandwidth) of its user part.
_VERSTAT = re.compile(r";\s*verstat\s*=\s*(TN-Validation-[A-Za-z-]+)", re.IGNORECASE)
_VALIDATION = re.compile(r"TN-Validation-(Passed|Failed)(?:-([ABC]))?(?![A-Za-z])", re.IGNORECASE)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_LEVEL = re.compile(r'\s*"?([ABC])"?\s*(?:;.*)?', re.IGNORECASE | re.DOTALL)
_TELNYX = re.compile(r"@(?:[a-z0-9-]+\.)*telnyx\.com(?![A-Za-z0-9.-])", re.IGNORECASE)

# What Asterisk says of a verification. Only what the signer, or who signs in his name, must answer
# for is a failure: that a certificate could not be fetched, or that our clock is wrong, is not.
_ASTERISK = {
    "success": PASSED,
    "verification passed": PASSED,
    "signature_validation": FAILED,
    "cid_orig_tn_mismatch": FAILED,
    "cert_not_trusted": FAILED,
    "signature failed": FAILED,
    "verification mismatch": FAILED,
}


def read(headers: Iterable[tuple[str, str]]) -> Signature:
    """What a call's headers (name, value) say of its signature.

    Where headers that are believed alike contradict each other, nothing. An attestation counts
    where no verification failed: a forged one attests nothing.
    """
    said = [(name.lower(), *_said(name.lower(), value)) for name, value in headers]
    told = [word for word in said if word[1] or word[2]]
    ours = [word for word in told if word[0] in _OURS]
    providers = [word for word in told if word[0] not in _CALLERS]
    believed = ours or providers or told
    outcomes = {outcome for _, outcome, _ in believed if outcome}
    levels = {level for _, _, level in believed if level}
    if len(outcomes) > 1 or len(levels) > 1:
        return Signature()
    verstat = "".join(outcomes)
    return Signature("" if verstat == FAILED else "".join(levels), verstat)


def _said(name: str, value: str) -> tuple[str, str]:
    """The outcome and the attestation that one header tells, each "" where it tells none."""
    match name:
        case "p-asserted-identity" | "from":
            return _of_address(value)
        case "x-twilio-verstat":
            return _of_validation(value.strip())
        case "attestation-info" | "x-attestation-info" | "p-attestation-indicator":
            level = _LEVEL.fullmatch(value)
            return "", level[1].upper() if level else ""
        case "stir_shaken":
            result, _, level_word = value.rpartition(" ")
            level = _LEVEL.fullmatch(level_word)
            outcome = _ASTERISK.get(result.strip().lower(), "")
            return outcome, level[1].upper() if level and outcome else ""
    return "", ""


def _of_address(value: str) -> tuple[str, str]:
    """The verstat of an address (RFC 3261 name-addr). What stands in its name is only a name."""
    plain = _QUOTED.sub("", value).rpartition('"')[2]  # of a long name, only the end may be here
    address = plain[max(plain.find("<"), 0) :]
    said = {_of_validation(found[1]) for found in _VERSTAT.finditer(address)} - {("", "")}
    if len(said) != 1:
        return "", ""
    outcome, level = said.pop()
    if outcome == PASSED and not level and _TELNYX.search(address):
        level = "A"
    return outcome, level


def _of_validation(word: str) -> tuple[str, str]:
    found = _VALIDATION.match(word)
    if found is None:
        return "", ""
    return found[1].lower(), (found[2] or "").upper()
