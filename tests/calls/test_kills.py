"""Screener and Asterisk are killed while messages are left: nothing that was kept is lost.

A few rounds; `python -m tests.calls.kills --rounds 200` does hundreds.
"""

from __future__ import annotations

import random

from screener.asterisk.installation import Installation
from tests.calls.kills import kill

ROUNDS = 6


async def test_killed_at_any_moment_what_was_kept_arrives_whole_and_once(
    installation: Installation,
) -> None:
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    tally = await kill(installation, ROUNDS, seed)
    print(tally)
    assert tally.wrong == []
    assert len(tally.left) == 3 * ROUNDS
