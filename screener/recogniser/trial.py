"""Trying a model out in another process: some broken files make either engine end its process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from screener.errors import RecogniserError

# The largest Vosk models load in less than this (seconds); an empty file can keep PocketSphinx busy
# for ever.
_LONGEST = 120.0


def try_out(engine: str, model: Path, program: str, *arguments: str) -> None:
    """Run a Python program that loads `model`, its first argument. RecogniserError if it fails."""
    command = [sys.executable, "-c", program, str(model), *arguments]
    try:
        trial = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False, timeout=_LONGEST
        )
    except subprocess.TimeoutExpired:
        raise _refused(engine, model, f"nothing in {_LONGEST:.0f} s") from None
    if trial.returncode:
        told = [line for line in trial.stderr.splitlines() if line.strip()]
        errors = [line for line in told if line.startswith(("ERROR", "FATAL"))]
        raise _refused(engine, model, (errors or told[-1:] or ["nothing"])[0])


def _refused(engine: str, model: Path, said: str) -> RecogniserError:
    return RecogniserError(
        f"{engine} cannot use the model {model}: unpack or fetch it again, or take speech.model out"
        f" of screener.toml and the folder out of the models folder ({engine} says: {said[:200]})"
    )
