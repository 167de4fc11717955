"""The challenge: two digits to key or say, or a small sum, that no recording can know.

Asked are 3, 4, 6, 7, 8 and 0 only: in 1,073 transcripts of robocalls "one" is said in 91 %, two in
31 %, nine in 21 %, and six and eight are never asked for. No digit comes twice: some recognisers
drop repeated ones. Chance comes from outside (Reception.chance), so that a call can be replayed.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

from screener.core.words import DIGITS

DIGITS_ASKED = "346780"
_PAIRS = tuple("".join(pair) for pair in permutations(DIGITS_ASKED, 2))
_SUMS = tuple(
    (first, total - first)
    for total in map(int, sorted(DIGITS_ASKED))
    for first in range(1, total)
    if first != total - first
)
# Of so many challenges one is a sum: its answer is one digit, which is easier to hit by chance.
_SUM_EVERY = 4


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a caller is asked, as prompts, and the keys that answer it, in order."""

    prompts: tuple[str, ...]
    answer: str

    @property
    def answers(self) -> frozenset[str]:
        """All that could be keyed in answer to such a question."""
        return frozenset(_PAIRS) if len(self.answer) > 1 else frozenset(map(str, range(10)))

    @property
    def expected(self) -> frozenset[str]:
        """All that could be said, so that a wrong answer is not taken for the right one."""
        return frozenset(map(said, self.answers))

    def is_answered(self, keys: str, words: str) -> bool:
        """Whether these keys or, without any, these words are the answer."""
        return keys == self.answer if keys else words == said(self.answer)


def challenge(chance: int, attempt: int, *, by_key: bool = False) -> Challenge:
    """The challenge for a call with this number, drawn at random, and for this attempt (from 1).

    A second attempt asks something else than the first. `by_key`: only keys will count, and he is
    told to press them.
    """
    if chance % _SUM_EVERY == 0 and not by_key:
        first, second = _SUMS[(chance // _SUM_EVERY + attempt) % len(_SUMS)]
        prompts = ("how-much-is", f"digit-{first}", "plus", f"digit-{second}")
        return Challenge(prompts, str(first + second))
    answer = _PAIRS[(chance // _SUM_EVERY + attempt) % len(_PAIRS)]
    asking = "challenge-press" if by_key else "challenge"
    return Challenge((asking, *(f"digit-{digit}" for digit in answer)), answer)


def said(keys: str) -> str:
    """Digits as they are spoken: "47" is "four seven"."""
    return " ".join(DIGITS[int(key)] for key in keys)
