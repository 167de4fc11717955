"""How a word probably sounds that no dictionary has: by flite's rules for English letters."""

from __future__ import annotations

import subprocess

_PATIENCE = 10.0
# flite's phones are those of words.dict in small letters, but for the vowel of "the".
_PHONES = {"ax": "AH", "pau": ""}


def probable(word: str) -> str:
    """A line of words.dict, "smythe S M AY DH"; "" where flite is not there or makes nothing of it.

    Takes some milliseconds.
    """
    command = ["flite", "-ps", "-t", word, "-o", "none"]
    try:
        done = subprocess.run(command, capture_output=True, check=True, timeout=_PATIENCE)
    except (OSError, subprocess.SubprocessError):
        return ""
    said = done.stdout.decode("ascii", "replace").split()
    phones = [_PHONES.get(phone, phone.upper()) for phone in said]
    return " ".join([word, *filter(None, phones)]) if any(phones) else ""
