"""A visit of a phone of the house, without a telephone: each command meets what a test wrote.

    asked = play(hear_messages(boxes), ("2468", True, inbox), answered=(Hear, Put))

`play` runs a script; the steps are the outcomes of what is keyed (Ask), of a lock (Unlock), and of
the commands that are `answered`, in order. All others are sent None, and no lock is locked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from screener.core.script import Command, Play, Script
from screener.core.visit import Ask, LockedFor, Unlock


def play(
    script: Script[None], steps: Sequence[object], *, answered: tuple[type[Command[Any]], ...]
) -> list[Command[Any]]:
    """Run the script; every command that it yielded."""
    left = list(steps)
    asked: list[Command[Any]] = []
    try:
        command = next(script)
        while True:
            asked.append(command)
            if isinstance(command, (Ask, Unlock, *answered)):
                assert left, f"nothing is left to answer {command}"
                command = script.send(left.pop(0))
            else:
                command = script.send(0.0 if isinstance(command, LockedFor) else None)
    except StopIteration:
        assert not left, f"never asked for: {left}"
        return asked


def played(asked: Sequence[Command[Any]]) -> list[str]:
    """The prompts of all that was played, also of what was asked."""
    return [p for c in asked if isinstance(c, Play | Ask) for p in c.prompts]
