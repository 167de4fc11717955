"""What rules ask about a call's signature, where it has one."""

from __future__ import annotations

from dataclasses import dataclass

from screener.core.call import Call
from screener.core.conditions.wording import either, listed
from screener.core.shelf import Shelf

LEVELS = ("A", "B", "C")
"""The attestations of a call: full, partial, gateway (ATIS-1000074)."""
OUTCOMES = ("passed", "failed")
"""What came of verifying a signature."""


@dataclass(frozen=True, slots=True)
class Attested:
    """The call carries one of these attestations: A, B or C."""

    levels: tuple[str, ...]

    def holds(self, call: Call, shelf: Shelf) -> bool | None:
        level = call.signature.attestation
        return level in self.levels if level else None

    def told(self, call: Call, shelf: Shelf) -> str:
        level = call.signature.attestation
        if not level:
            return "the call carries no attestation, which counts neither way"
        return f"the attestation is {level}" + (
            "" if level in self.levels else f", not {either(self.levels)}"
        )

    def __str__(self) -> str:
        return f"attestation {listed(self.levels)}"


@dataclass(frozen=True, slots=True)
class Verified:
    """The signature's verification had one of these outcomes: passed, failed."""

    outcomes: tuple[str, ...]

    def holds(self, call: Call, shelf: Shelf) -> bool | None:
        verstat = call.signature.verstat
        return verstat in self.outcomes if verstat else None

    def told(self, call: Call, shelf: Shelf) -> str:
        verstat = call.signature.verstat
        if not verstat:
            return "no signature was verified, which counts neither way"
        return f"the signature's verification {verstat}"

    def __str__(self) -> str:
        return f"verstat {listed(self.outcomes)}"
