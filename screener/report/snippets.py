"""Short pieces of what callers were heard to say, from their first word, for the weekly report."""

from __future__ import annotations

import logging
import subprocess
from pathlib import Path

log = logging.getLogger(__name__)

LONGEST = 20.0
"""Seconds of one: whoever gave up has said what he wanted by then, or never did."""

# A sound that begins at once would be taken for silence (ffmpeg 5.1): so none does.
_FROM_FIRST_SOUND = (
    "adelay=400,silenceremove=start_periods=1:start_threshold=-40dB:start_silence=0.3"
)
_BITS = "24k"  # a second: 3 kB, and telephones have no more in it
_LEAST = 1000  # bytes; what is shorter holds no word
_PATIENCE = 30.0  # seconds for one
_GIVE_WAY = "10"  # how much less of the processor it asks for than calls (nice)


def snippet(sound: Path) -> bytes | None:
    """The piece of a sound file as MP3; None where there is nothing to hear, or it failed."""
    command = ["nice", "-n", _GIVE_WAY, "ffmpeg", "-v", "error", "-nostdin", "-i", str(sound)]
    command += ["-af", _FROM_FIRST_SOUND, "-t", f"{LONGEST:g}", "-ac", "1", "-ar", "16000"]
    command += ["-b:a", _BITS, "-map_metadata", "-1", "-f", "mp3", "pipe:1"]
    try:
        made = subprocess.run(command, capture_output=True, check=False, timeout=_PATIENCE)
    except (OSError, subprocess.TimeoutExpired) as error:
        log.warning("%s is not in the report: %s", sound, error)
        return None
    if made.returncode != 0:
        log.warning("%s is not in the report: %s", sound, made.stderr.decode("utf-8", "replace"))
        return None
    return made.stdout if len(made.stdout) >= _LEAST else None
