"""What a visit of one of our own phones begins with, and is made of: keys, and a PIN first."""

from __future__ import annotations

from dataclasses import dataclass

from screener.core.script import Command, Play, Script, do

TRIES = 3
"""How often the PIN may be keyed in a call."""
LONGEST_PIN = 10
LONGEST_WAIT = 10.0
"""Seconds that somebody waits until his PIN is looked at; where it were more, he is sent away."""
PROMPTS = ("pin-later",)
"""What is said there, besides "connecting" and what asks for the PIN."""

_LONGEST_PAUSE = 300.0
_NOTICED = 1.0  # seconds of silence after which one would think that nothing goes on


@dataclass(frozen=True, slots=True)
class Ask(Command[str]):
    """Play a take, if there is one, and prompts; the keys that come, over them too.

    They end with #, with the `longest`th, or when none has come for `wait` seconds.
    """

    prompts: tuple[str, ...]
    longest: int = 1
    take: str = ""
    wait: float = 6.0


@dataclass(frozen=True, slots=True)
class Unlock(Command[bool]):
    """Whether this is the PIN (`of` the box of that name). It takes the longer the more wrong ones
    there were."""

    keys: str
    of: str = ""


@dataclass(frozen=True, slots=True)
class LockedFor(Command[float]):
    """How many seconds it is until a PIN (`of` the box of that name) is looked at."""

    of: str = ""


def let_in(asked: str, wrong: str, of: str = "") -> Script[bool]:
    """Ask for the PIN with the prompt `asked`; `wrong` is said of one that is not it.

    Whoever has to wait as there were wrong ones is told so; for minutes he does not have to.
    """
    for _ in range(TRIES):
        keys = yield from do(Ask((asked,), LONGEST_PIN))
        if not keys:
            continue  # no guess: nobody has to wait for it
        wait = yield from do(LockedFor(of))
        if wait > LONGEST_WAIT:
            yield from do(Play(PROMPTS))
            return False
        if wait > _NOTICED:
            yield from do(Play(("connecting",)))
        if (yield from do(Unlock(keys, of))):
            return True
        yield from do(Play((wrong,)))
    return False


def digits(number: str) -> tuple[str, ...]:
    """The prompts that say a number digit by digit."""
    return tuple(f"digit-{digit}" for digit in number)


def pause_after(wrong: int) -> float:
    """Seconds until the next PIN is looked at, after so many wrong ones in a row.

    >>> [pause_after(wrong) for wrong in (0, 1, 2, 3, 6, 60)]
    [0.0, 1.0, 2.0, 4.0, 32.0, 300.0]
    """
    return min(2.0 ** (wrong - 1), _LONGEST_PAUSE) if wrong else 0.0
