"""What a machine made of a message's speech: transcript.json beside its sound.

It is made before the message is mailed for the first time (preparation.py), by transcribing.py in a
process of its own. That has three and a half minutes: where it fails or takes longer, there is
none. So it is where what was understood is not worth reading (core/transcript.py); the file is
there then as well, and says so.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

from screener import replacement
from screener.core.transcript import Transcript

log = logging.getLogger(__name__)

FILE = "transcript.json"

# Seconds that loading the engine may take, and how long the sound that it hears takes it.
_LOADING, _EACH_SECOND = 60.0, 0.5
LONGEST = 300.0
"""Seconds of sound that are listened to."""

_PROGRAM = (sys.executable, "-W", "ignore", "-m", "screener.sound.transcribing")
_LONGEST_TOLD = 300


def of(folder: Path) -> Transcript | None:
    """The transcript of the message in a folder; None where there is none that may be shown.

    `shown()` are its words as they may be shown, `confidence` how sure the machine is of them.
    """
    try:
        data = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return Transcript.from_data(data) if data["shown"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def make(settings: Path, folder: Path) -> None:
    """Have the message in a folder transcribed, if it was not yet, as a screener.toml says.

    Takes up to minutes: call it in a thread. Whatever fails, fails here: it is logged.
    """
    if (folder / FILE).exists():
        return
    try:
        made = _transcribed(settings, folder, _LOADING + _EACH_SECOND * LONGEST)
        if made:
            replacement.write(folder / FILE, made)
    except OSError as error:
        log.warning("the transcript of message %s cannot be kept: %s", folder.name, error)


def _transcribed(settings: Path, folder: Path, patience: float) -> str:
    """The file's text; "" where there is none."""
    try:
        done = subprocess.run(
            [*_PROGRAM, str(settings), str(folder / "audio.wav")],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=patience,
        )
    except subprocess.TimeoutExpired:
        log.warning("message %s has no transcript: none after %.0f s", folder.name, patience)
        return ""
    if done.returncode:
        told = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        log.warning("message %s has no transcript: %s", folder.name, told[:_LONGEST_TOLD])
        return ""
    return done.stdout
