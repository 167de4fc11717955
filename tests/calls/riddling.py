"""screener that puts the same challenge in each call: `python -m tests.calls.riddling run HOUSE`.

Of two spoken digits PocketSphinx takes some for others; those of this challenge it knows in this
voice wherever a line's frames begin in them. How it knows people's digits is in
tests/shell/test_recogniser.py.
"""

from __future__ import annotations

import secrets

from screener.cli import main

CHANCE = 1
VOICE = "flite:rms"

if __name__ == "__main__":
    secrets.randbits = lambda k: CHANCE  # the one thing that is other
    main()
