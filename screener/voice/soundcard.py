"""This machine's speakers and microphone, through whichever program is there.

Raises RecordingError, with what to do, where there is no such program or it finds no sound card.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from screener.errors import RecordingError

_PLAYERS: Sequence[Sequence[str]] = (
    ("aplay", "-q", "{}"),
    ("play", "-q", "{}"),
    ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error", "{}"),
)
_RECORDERS: Sequence[Sequence[str]] = (
    ("arecord", "-q", "-f", "S16_LE", "-r", "48000", "-c", "1", "-t", "wav", "{}"),
    ("rec", "-q", "-r", "48000", "-c", "1", "-b", "16", "{}"),
    ("ffmpeg", "-v", "error", "-y", "-f", "alsa", "-i", "default", "-ac", "1", "{}"),
)
_INSTALL = "apt-get install alsa-utils"
# What these say where there is none: ALSA's library and its programs, SoX, SDL (ffplay), ffmpeg.
_NO_CARD = re.compile(
    rb"cannot find card|(open error|audio device|device default): No such file|no default audio"
    rb"|audio open failed",
    re.IGNORECASE,
)
# Seconds that a recorder may take to write its file to its end.
_ENDING = 10.0


def play(path: Path) -> None:
    """Play a sound file to its end."""
    command = _command(_PLAYERS, path, "play", "--to FILE writes the sound to a file instead")
    done = subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL)
    # ffplay says that it finds no sound card, and ends as if it had played.
    if done.returncode or (Path(command[0]).name == "ffplay" and done.stderr.strip()):
        why = _no_card(done.stderr) or f"{command[0]} could not play: {_reason(done.stderr)}"
        raise RecordingError(f"{why}; --to FILE writes it to a file")


def record(path: Path, until: Callable[[], object]) -> None:
    """Record from the microphone into a new sound file, until `until` returns."""
    command = _command(_RECORDERS, path, "record", "--from FILE takes a recording from a file")
    recorder = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        until()
    finally:
        recorder.terminate()  # all three write their file to its end; SIGINT may be ignored here
        try:
            _, said = recorder.communicate(timeout=_ENDING)
        except subprocess.TimeoutExpired:
            recorder.kill()
            _, said = recorder.communicate()
    if not path.exists() or not path.stat().st_size:
        why = _no_card(said) or f"{command[0]} recorded nothing: {_reason(said)}"
        raise RecordingError(f"{why}; --from FILE takes a recording from a file")


def _command(programs: Sequence[Sequence[str]], path: Path, doing: str, instead: str) -> list[str]:
    """The first program that is installed, and what it is given."""
    for program, *arguments in programs:
        if (found := shutil.which(program)) is not None:
            return [found, *(word.format(path.resolve()) for word in arguments)]
    names = ", ".join(program for program, *_ in programs)
    raise RecordingError(f"no program to {doing} sounds ({names}) is here: {_INSTALL}; {instead}")


def _no_card(stderr: bytes) -> str:
    """That there is no sound card, where that is what a program means; else ""."""
    if not _NO_CARD.search(stderr):
        return ""
    return f"this machine has no sound card that you may use ({_reason(stderr)})"


def _reason(stderr: bytes) -> str:
    said = stderr.decode(errors="replace").strip().splitlines()
    return said[-1] if said else "it gave no reason"
