"""Who keys a PIN after wrong ones: he is told to wait, or to come again."""

from __future__ import annotations

import pytest

from screener.core.script import Play
from screener.core.visit import LONGEST_WAIT, Ask, LockedFor, Unlock, let_in


def visit(*waits: float, right: bool = True) -> tuple[bool, list[str]]:
    """Whether the lock opens that is locked for so long at each try, and what is said."""
    script, left = let_in("voicemail-pin", "voicemail-wrong-pin", "family"), [*waits]
    said: list[str] = []
    answer: object = None
    try:
        while True:
            command = script.send(answer)
            answer = None
            match command:
                case Ask(prompts):
                    said += prompts
                    answer = "2468"
                case Play(prompts):
                    said += prompts
                case LockedFor("family"):
                    answer = left.pop(0)
                case Unlock("2468", "family"):
                    answer = right
    except StopIteration as over:
        assert not left
        return over.value, said


def test_who_has_not_to_wait_hears_nothing_of_it() -> None:
    assert visit(0.0) == (True, ["voicemail-pin"])
    assert visit(0.5) == (True, ["voicemail-pin"])


def test_who_has_to_wait_is_told_so() -> None:
    assert visit(4.0) == (True, ["voicemail-pin", "connecting"])


@pytest.mark.parametrize("right", [True, False])
def test_nobody_waits_for_minutes_in_silence(right: bool) -> None:
    assert visit(300.0, right=right) == (False, ["voicemail-pin", "pin-later"])


def test_a_wrong_one_may_lead_there() -> None:
    opened, said = visit(LONGEST_WAIT, LONGEST_WAIT + 1, right=False)
    assert not opened
    assert said == [
        *("voicemail-pin", "connecting", "voicemail-wrong-pin", "voicemail-pin", "pin-later"),
    ]
