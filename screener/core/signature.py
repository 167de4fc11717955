"""What a call's signature says: STIR/SHAKEN attestation and the outcome of its verification.

The provider checks the signature (RFC 8224) and tells us in a header of his own choice; nothing
here verifies anything. A call without a signature, or with words that nobody knows, has an empty
`Signature`, and an empty one never counts against a caller.
Sources: ATIS-1000074 (attestation A, B, C), 3GPP TS 24.229 (verstat in P-Asserted-Identity),
Asterisk docs "STIR_SHAKEN()".
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Signature:
    """`attestation` is "A", "B", "C" or "" (none); `verstat` is "passed", "failed" or "" (none)."""

    attestation: str = ""
    verstat: str = ""
