"""How well an evaluation's clips were judged: tables for people, an object per clip for programs.

What was measured comes from evaluation.py; everything here is counting.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from screener.core.callerid import shown
from screener.core.manifest import Label
from screener.core.verdict import Kind

# By then a robocall is to be judged (seconds after the answer): a question and a bit of its answer.
IN_TIME = 14.0


@dataclass(frozen=True, slots=True)
class Mark:
    """What was made of one clip by one engine.

    `seconds` is when the verdict was reached, after the answer; `attempts` how often he was asked.
    `wanted` is the extension that was said ("" where none was, or where nobody knows), `reached`
    the one that rang, `rang_at` how many questions it took (0: none rang). `heard` is how many
    seconds of the caller's audio the ear took `cpu` seconds for, and the engine and the voice
    detector alone, on the same audio, `bare` seconds.
    """

    file: str
    label: Label
    engine: str
    verdict: str
    seconds: float
    rang: bool
    attempts: int
    evidence: tuple[str, ...]
    reason: str = ""
    wanted: str = ""
    reached: str = ""
    rang_at: int = 0
    heard: float = 0.0
    cpu: float = 0.0
    bare: float = 0.0

    @property
    def fault(self) -> str:
        """What is wrong with it, in a few words; "" for nothing."""
        if self.rang and self.label is not Label.HUMAN:
            return "rang a phone"
        if self.wanted and self.reached not in ("", self.wanted):
            return f"said {self.wanted} and reached {self.reached}"
        right = _RIGHT[self.label]
        return "" if self.verdict in right else f"judged {self.verdict}"


_NO_PERSON = (Kind.WANTED_ROBOT, Kind.UNWANTED_ROBOT, Kind.SILENT, Kind.UNSURE)
# Which verdicts are no fault. Unsure is an honest word, and its end is the message box: for a
# person it is not wrong; for a robocall it is a miss.
_RIGHT: dict[Label, tuple[Kind, ...]] = {
    Label.ROBOCALL: (Kind.UNWANTED_ROBOT,),
    Label.HUMAN: (Kind.PERSON, Kind.UNSURE),
    Label.RECORDED_PROMPT: _NO_PERSON,
    Label.NON_SPEECH: _NO_PERSON,
}


def as_json(mark: Mark) -> dict[str, Any]:
    """A clip for programs."""
    return {
        "file": mark.file,
        "label": str(mark.label),
        "verdict": mark.verdict,
        "seconds": round(mark.seconds, 2),
        "rang": mark.rang,
        "attempts": mark.attempts,
        "evidence": list(mark.evidence),
        "engine": mark.engine,
    }


def tell(marks: Sequence[Mark]) -> str:
    """Everything about one engine's marks, as text; ends without a newline."""
    parts = [
        f"{marks[0].engine}: {len(marks)} clips",
        _confusion(marks),
        _times(marks),
        _answers(marks),
        _faults(marks),
        _cost(marks),
    ]
    return "\n\n".join(part for part in parts if part)


def _confusion(marks: Sequence[Mark]) -> str:
    """Label by verdict, and how many would have rung a phone."""
    counted = Counter((mark.label, mark.verdict) for mark in marks)
    lines = [("", *map(str, Kind), "all", "a phone rings")]
    for label in Label:
        own = [mark for mark in marks if mark.label is label]
        if own:
            row = [counted[label, kind] for kind in Kind]
            rang = sum(mark.rang for mark in own)
            lines.append((label, *map(str, row), str(len(own)), str(rang)))
    return "What was made of them\n" + _columns(lines)


def _times(marks: Sequence[Mark]) -> str:
    """Seconds until the verdict, for each label and verdict."""
    lines: list[tuple[str, ...]] = [
        ("seconds until the verdict", "clips", "soonest", "a quarter", "half", "three", "latest")
    ]
    for label in Label:
        for kind in Kind:
            own = [m.seconds for m in marks if m.label is label and m.verdict == kind]
            if own:
                figures = (f"{seconds:.1f}" for seconds in quartiles(own))
                lines.append((f"{label}: {kind}", str(len(own)), *figures))
    robots = [mark for mark in marks if mark.label is Label.ROBOCALL]
    told = _columns(lines)
    if robots:
        found = [mark for mark in robots if mark.verdict == Kind.UNWANTED_ROBOT]
        in_time = sum(mark.seconds <= IN_TIME for mark in found)
        told += (
            f"\nrobocalls judged unwanted robot: {_share(len(found), len(robots))},"
            f" within {IN_TIME:g} s of the answer {_share(in_time, len(robots))}"
        )
    return told


def quartiles(values: Iterable[float]) -> tuple[float, float, float, float, float]:
    """The least, the first quartile, the median, the third and the greatest, by interpolation."""
    ordered = sorted(values)

    def at(share: float) -> float:
        place = share * (len(ordered) - 1)
        below = int(place)
        above = min(below + 1, len(ordered) - 1)
        return ordered[below] + (ordered[above] - ordered[below]) * (place - below)

    return at(0.0), at(0.25), at(0.5), at(0.75), at(1.0)


def _answers(marks: Sequence[Mark]) -> str:
    """Whether a digit or a name that was said reached its extension, and who else reached one."""
    told = []
    said = [mark for mark in marks if mark.wanted]
    if said:
        right = [mark for mark in said if mark.reached == mark.wanted]
        first = sum(mark.rang_at == 1 for mark in right)
        two = sum(mark.rang_at <= 2 for mark in right)
        another = sum(mark.reached not in ("", mark.wanted) for mark in said)
        told.append(
            f"people who said an extension: {len(said)}; accepted on the first try"
            f" {_share(first, len(said))}, within two {_share(two, len(said))};"
            f" taken for another {_share(another, len(said))}"
        )
    other = [mark for mark in marks if mark.label is Label.HUMAN and not mark.wanted]
    if other:
        reached = sum(bool(mark.reached) for mark in other)
        told.append(
            f"people who said something else: {len(other)};"
            f" taken for an extension {_share(reached, len(other))}"
        )
    return "\n".join(told)


def _faults(marks: Sequence[Mark]) -> str:
    """What was judged wrongly, with its evidence."""
    lines = []
    for mark in marks:
        if mark.fault:
            lines.append(f"{mark.label} {shown(mark.file, 200)}: {mark.fault}")
            lines.append(f"    {mark.seconds:.1f} s: {shown(mark.reason, 500)}")
            lines += [f"      - {shown(sentence, 500)}" for sentence in mark.evidence]
    if not lines:
        return "Judged wrongly: none"
    return f"Judged wrongly: {sum(bool(m.fault) for m in marks)}\n" + "\n".join(lines)


def _cost(marks: Sequence[Mark]) -> str:
    heard = sum(mark.heard for mark in marks)
    cpu, bare = sum(mark.cpu for mark in marks), sum(mark.bare for mark in marks)
    if not heard or not bare:
        return ""
    return (
        f"CPU: {cpu / heard:.4f} s for each second of audio; the voice detector and the engine"
        f" alone, on the same audio, {bare / heard:.4f} s (the ear takes {cpu / bare:.2f} times it)"
    )


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({part / whole:.1%})"


def _columns(lines: Sequence[Sequence[str]]) -> str:
    """Lines of cells: the first column to the left, the figures to the right."""
    widths = [max(len(line[n]) for line in lines) for n in range(len(lines[0]))]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]).rstrip()
        for line in lines
    )
