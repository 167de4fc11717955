"""Evidence -> verdict: person, wanted robot, unwanted robot, silent or unsure, with its reasons.

The verdict never lets a caller through: only a key or a short isolated answer does that
(listening.py). It decides what happens to who did neither: a message, a treatment, an end.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from screener.core.evidence import Evidence

# Each constant with where it comes from; the figures are of 264 recorded robocalls and 296 people.
# Less voice than this in a whole call (seconds) is no speech: a click, a cough, a line noise.
SILENCE = 0.3
# One class of phrases alone is found in 20-30 % of people who talk at length; two in 6 %.
CLASSES = 2
# Talk over a prompt (seconds) before it counts: people who wait never reach it (1 of 407 did),
# recordings always do (204 of 204). People who talk at once do as well, so it is never enough.
TALKED_OVER = 2.0
# A person who talked over the first prompt answers when asked again; a recording talks on.
TIMES_ASKED = 2

WANTED = frozenset({"appointment", "prescription", "school", "delivery", "code"})


class Kind(StrEnum):
    """What we make of a caller."""

    PERSON = "person"
    WANTED_ROBOT = "wanted robot"
    UNWANTED_ROBOT = "unwanted robot"
    SILENT = "silent"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What we make of a caller, and why, in one sentence."""

    kind: Kind
    reason: str


def judge(evidence: Evidence) -> Verdict:
    """The verdict on what has been heard so far."""
    if evidence.keys:
        return Verdict(Kind.PERSON, f"the caller keyed {evidence.keys}")
    if evidence.talk_seconds < SILENCE:
        return Verdict(Kind.SILENT, f"nothing was said, asked {_times(len(evidence.heard))}")
    over = sum(seconds >= TALKED_OVER for seconds in evidence.talked_over())
    wanted = evidence.kinds & WANTED
    unwanted = evidence.kinds - WANTED
    talked = f"talked on over the prompt {_times(over)}"
    if over >= TIMES_ASKED and len(wanted) >= CLASSES and len(wanted) > len(unwanted):
        return Verdict(Kind.WANTED_ROBOT, f"{talked} and spoke of {_list(wanted)}")
    if over >= TIMES_ASKED and len(unwanted) >= CLASSES:
        return Verdict(Kind.UNWANTED_ROBOT, f"{talked} and spoke of {_list(unwanted)}")
    if evidence.answers:
        return Verdict(Kind.PERSON, "answered when asked, but named no extension")
    if over:
        return Verdict(Kind.UNSURE, f"{talked}, which a recording does and some people do")
    return Verdict(Kind.UNSURE, "talked, but named no extension")


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _list(kinds: frozenset[str]) -> str:
    return " and ".join(sorted(kinds))
